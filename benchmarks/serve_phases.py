"""Phases of the load benchmark: what is asked, and what is made of what came back."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serve_process import Service, load

__all__ = ["Titles", "closed", "flood", "opened", "swap"]

_PATTERNS = ["{} for {}", "late {} & {}", "{} no {}", "{} xyz {}", "the {} of {}", "{}{} time"]
_ASKED = 6_000
_FEW = 25
_SWAP = 8.0  # seconds that a swap is watched for at least: the service looks at its folders once a second
_PATIENCE = 60.0  # seconds until the first model has to be back


@dataclass
class Titles:
    """Titles to ask: of playlists, by playlist, and new ones made of two of these."""

    titles: list[str]
    _rng: random.Random = field(default_factory=lambda: random.Random(66))
    _asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, library: Path) -> Titles:
        """Those of a library; only its titles are read."""
        from segue.library import Library

        return cls([title for title in Library.load(library).titles if title.strip()])

    def _new(self) -> str:
        one, other = self._rng.choice(self.titles), self._rng.choice(self.titles)
        return self._rng.choice(_PATTERNS).format(one, other)[:200]

    def distinct(self, explain: bool = True) -> list[str]:
        """Bodies with titles that no call before has given, every other one new, as long as there are any left."""
        found: list[str] = []
        for i in range(20 * _ASKED):
            title = self._rng.choice(self.titles) if i % 2 else self._new()
            key = title.strip().lower()
            if key not in self._asked:
                self._asked.add(key)
                found.append(title)
            if len(found) >= _ASKED:
                break
        return [_body(title, explain) for title in found]

    def repeats(self) -> list[str]:
        """Bodies as people ask: each title as often as playlists are called so, one in five new."""
        pick = [self._new() if self._rng.random() < 0.2 else self._rng.choice(self.titles) for _ in range(_ASKED)]
        return [_body(title, True) for title in pick]

    def few(self) -> list[str]:
        """Bodies of which each is asked many times."""
        return [_body(title, True) for title in self._rng.sample(sorted(set(self.titles)), _FEW)]


def _body(title: str, explain: bool) -> str:
    return json.dumps({"title": title} if explain else {"title": title, "explain": False})


def closed(
    service: Service, bodies: list[str], connections: int, seconds: float, gzip: bool = False
) -> dict[str, Any]:
    """A closed loop: what the service does as fast as it can for so many clients."""
    return _measured(service, {"bodies": bodies, "connections": connections, "seconds": seconds, "gzip": gzip})[0]


def opened(service: Service, bodies: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """An open loop at a rate."""
    return _measured(service, {"bodies": bodies, "rate": rate, "seconds": seconds})[0]


def flood(service: Service, bodies: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """More than the service can do, and how it is afterwards: only 200 and 503, and at once well again."""
    figures, _ = _measured(service, {"bodies": bodies, "rate": rate, "seconds": seconds})
    after, _ = _measured(service, {"bodies": bodies[::-1], "connections": 1, "seconds": min(seconds, 5.0)})
    other = sum(n for status, n in figures["statuses"].items() if status not in ("200", "503"))
    return {
        **figures,
        "unexpected": other + sum(n for status, n in after["statuses"].items() if status != "200"),
        "after_p50_ms": after["p50_ms"],
        "after_p99_ms": after["p99_ms"],
    }


def swap(service: Service, place: Path, bodies: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """A model replaced twice under load: by a folder renamed into place, and with SIGHUP after another one.

    The second model's names are those of the first with capitals and small letters exchanged, so that an answer made
    of two generations is one that neither of them alone gives.
    """
    seconds = max(seconds, _SWAP)
    before = service.generations(bodies[0])
    first, _ = _references(service, bodies)
    other = place.with_name("other")
    marked_copy(place, other)
    moments: dict[str, float] = {}
    begin = time.perf_counter()

    def exchange(name: str, hang_up: bool) -> None:
        moments[name] = round(time.perf_counter() - begin, 2)
        old = place.with_name(f"old-{name}")
        place.rename(old)
        (other if name == "renamed" else place.with_name("old-renamed")).rename(place)
        if hang_up:
            service.hang_up()

    timers = [
        threading.Timer(seconds / 4, exchange, ("renamed", False)),
        threading.Timer(3 * seconds / 4, exchange, ("hung up", True)),
    ]
    for timer in timers:
        timer.start()
    figures, seen = _measured(service, {"bodies": bodies, "rate": rate, "seconds": 1.5 * seconds, "digests": True})
    for timer in timers:
        timer.join()
    until = time.perf_counter() + _PATIENCE
    while not (back := service.generations(bodies[0]) == before) and time.perf_counter() < until:
        time.sleep(0.5)
    again, _ = _references(service, bodies)
    digests: dict[str, list[str]] = seen["digests"]
    mixed = [key for key, found in digests.items() if len(found) != 1]
    mixed += [
        key for key, found in first.items() if digests.get(key, found) != found or again.get(key, found) != found
    ]
    bad = sum(n for status, n in figures["statuses"].items() if status != "200")
    for name in ("old-hung up", "other", "old-renamed"):
        shutil.rmtree(place.with_name(name), ignore_errors=True)
    fingerprints = seen["fingerprints"]
    return {
        **figures,
        "swaps": moments,
        "fingerprints": fingerprints,
        "mixed": len(set(mixed)) + int(len(fingerprints) != 2) + int(not back),
        "unexpected": bad,
    }


def _references(service: Service, bodies: list[str]) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """The digest of each answer when nothing is swapped."""
    job = {"port": service.port, "bodies": bodies, "rate": 20.0, "seconds": len(bodies) / 10, "digests": True}
    seen = load(job)
    return seen["digests"], seen


def marked_copy(model: Path, out: Path) -> None:
    """A model like another, of another fingerprint, with names that tell: nothing else has to be built for it."""
    shutil.copytree(model, out, copy_function=lambda source, target: Path(target).hardlink_to(source))
    for name in ("name", "artist"):
        file = out / "tracks" / f"{name}.utf8.npy"
        data = bytearray(file.read_bytes())
        head = data.index(b"\n") + 1  # of the .npy, whose header ends its line
        data[head:] = data[head:].swapcase()
        file.unlink()
        file.write_bytes(data)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["fingerprint"] = manifest["fingerprint"][::-1]
    (out / "manifest.json").unlink()
    (out / "manifest.json").write_text(json.dumps(manifest))


def _measured(service: Service, job: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    cpu = service.cpu_s()
    seen = load({"port": service.port, **job})
    cpu = service.cpu_s() - cpu
    statuses = Counter(map(str, seen["statuses"]))
    good = sorted(ms for ms, status in zip(seen["latencies"], seen["statuses"], strict=True) if status == 200)
    n, answered = len(good), len(seen["statuses"])
    figures = {
        "answers": answered,
        "statuses": dict(statuses),
        "errors": seen["errors"][:5] + ([f"and {len(seen['errors']) - 5} more"] if len(seen["errors"]) > 5 else []),
        "per_s": round(n / max(seen["seconds"], 1e-9), 1),
        "p50_ms": _at(good, 0.5),
        "p90_ms": _at(good, 0.9),
        "p99_ms": _at(good, 0.99),
        "max_ms": _at(good, 1.0),
        "cpu_ms": round(1e3 * cpu / max(answered, 1), 2),
        "client_cpu_ms": round(1e3 * seen["cpu_s"] / max(answered, 1), 2),
        "kb": round(seen["body_bytes"] / max(answered, 1) / 1024, 1),
        "memory_mb": service.memory_mb(),
    }
    return figures, seen


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
