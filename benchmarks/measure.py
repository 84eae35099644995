"""Measuring: CPU seconds, wall seconds and peak memory of a step in a process of its own, and the hardware it ran on.

The parent process stays small on purpose: Linux counts the parent's memory at ``fork`` into the child's peak.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Clock", "Measured", "append", "hardware", "latencies", "measured", "one_thread"]

_MARK = "FACTS "
_LIBRARIES = ("numpy", "scipy", "polars", "msgspec", "onnxruntime", "tokenizers")


@dataclass(frozen=True)
class Measured:
    """One process: CPU seconds (user + system, children too), wall seconds, peak RSS in MB, and what it said."""

    step: str
    cpu_s: float
    wall_s: float
    max_rss_mb: float
    returncode: int
    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class Clock:
    """CPU and wall seconds of a part of the running process.

    >>> with Clock() as clock: _ = sum(range(10))
    >>> clock.cpu_s >= 0 and clock.wall_s >= 0
    True
    """

    def __enter__(self) -> Clock:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_s = time.process_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall


def say(facts: dict[str, Any]) -> None:
    """Hand facts to the measuring process."""
    print(_MARK + json.dumps(facts), flush=True)


def one_thread() -> dict[str, str]:
    """Environment for one thread everywhere, so that CPU seconds are those of one core."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, "1"), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def measured(step: str, command: Sequence[str], *, timeout_s: float | None = None) -> Measured:
    """Run a command in a fresh process and measure it; lines of :func:`say` become its facts."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one_thread()
    )
    # wait4 belongs to this one child; communicate() would reap it without its resources
    assert process.stdout is not None and process.stderr is not None
    out, err, usage, status = _drain(process, timeout_s)
    facts: dict[str, Any] = {}
    for line in out.splitlines():
        if line.startswith(_MARK):
            facts |= json.loads(line[len(_MARK) :])
    error = "" if status == 0 else (err.strip().splitlines() or ["no message"])[-1]
    return Measured(
        step=step,
        cpu_s=round(usage.ru_utime + usage.ru_stime, 3),
        wall_s=round(time.perf_counter() - begin, 3),
        max_rss_mb=round(usage.ru_maxrss / 1024, 1),
        returncode=status,
        facts=facts,
        error=error,
    )


def _drain(process: subprocess.Popen[str], timeout_s: float | None) -> tuple[str, str, Any, int]:
    """Read both pipes to their ends, then collect the child's resources."""
    import threading

    texts: dict[str, str] = {}

    def read(name: str, pipe: Any) -> None:
        texts[name] = pipe.read()

    threads = [
        threading.Thread(target=read, args=(name, pipe), daemon=True)
        for name, pipe in (("out", process.stdout), ("err", process.stderr))
    ]
    for thread in threads:
        thread.start()
    timer = threading.Timer(timeout_s, process.kill) if timeout_s else None
    if timer:
        timer.start()
    _, wait_status, usage = os.wait4(process.pid, 0)
    if timer:
        timer.cancel()
    for thread in threads:
        thread.join()
    process.returncode = os.waitstatus_to_exitcode(wait_status)
    return texts["out"], texts["err"], usage, process.returncode


def latencies(ask: Callable[[Any], object], queries: Sequence[Any], *, warm_up: int = 5) -> dict[str, float]:
    """Milliseconds a query, one after another: CPU and wall p50 and p99 and the mean CPU."""
    for query in queries[:warm_up]:
        ask(query)
    cpu, wall = [], []
    for query in queries:
        with Clock() as clock:
            ask(query)
        cpu.append(clock.cpu_s * 1e3)
        wall.append(clock.wall_s * 1e3)
    cpu.sort()
    wall.sort()
    last = len(cpu) - 1
    return {
        "queries": len(cpu),
        "p50_ms": round(cpu[last // 2], 3),
        "p99_ms": round(cpu[min(last, round(last * 0.99))], 3),
        "mean_ms": round(sum(cpu) / len(cpu), 3),
        "wall_p50_ms": round(wall[last // 2], 3),
        "wall_p99_ms": round(wall[min(last, round(last * 0.99))], 3),
    }


def hardware() -> dict[str, Any]:
    """Processor, cores, memory, Python and library versions, and how busy the machine was."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "ram_gb": round(memory / 2**20, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_1min": round(os.getloadavg()[0], 2),
        **versions,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def append(path: Path, records: Sequence[Measured], settings: dict[str, Any]) -> None:
    """Append a run (time, hardware, settings, measurements) to a JSON file."""
    runs = json.loads(path.read_text()) if path.exists() else []
    runs.append(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(sys.argv),
            "hardware": hardware(),
            "settings": settings,
            "steps": [record.to_json() for record in records],
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(runs, indent=1) + "\n")
