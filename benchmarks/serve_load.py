"""Load: ``segue serve`` as a process beside the naive service, in the same run.

    python benchmarks/serve_load.py --quick                                  # a small model: does it run?
    python benchmarks/serve_load.py --work /tmp/scale --playlists 1000000    # of mpd_scale.py, at the budgets' size
    python benchmarks/serve_load.py --model m --library l --phases open,swap,overload

What is asked are titles, half of them of the library and half put together anew; ``distinct`` asks each once, so that
no cache can help, ``repeats`` as often as playlists are called so. The client shares the cores with the service; its
CPU is in the table. Results are appended to runs/serve_load.json and printed. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measure import hardware
from serve_phases import Titles, closed, flood, opened, swap
from serve_process import Service, free_port
from serve_table import table

__all__ = ["PHASES", "main"]

HERE = Path(__file__).resolve().parent
_D = 384  # of the base model
PHASES = ("alone", "many", "bare", "gzip", "repeats", "open", "swap", "overload", "naive")


@dataclass
class Run:
    """Settings of a run and what was found so far."""

    model: Path
    library: Path
    scratch: Path
    titles: Titles
    seconds: float
    rate: float
    clients: int
    options: list[str] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def segue(self, workers: int, model: Path | None = None) -> Iterator[Service]:
        """``segue serve`` with so many worker processes."""
        port = free_port()
        command = [sys.executable, "-m", "segue", "serve", "-m", str(model or self.model), "--port", str(port)]
        command += ["--data", str(self.scratch / "data"), "--workers", str(workers), *self.options]
        with Service(f"segue, {workers} workers", command, port, self.scratch / "segue.log") as service:
            yield service

    @contextmanager
    def naive(self, vectors: Path) -> Iterator[Service]:
        """The naive service."""
        port = free_port()
        command = [sys.executable, str(HERE / "serve_naive.py"), str(self.library), str(vectors), "--port", str(port)]
        with Service("naive", command, port, self.scratch / "naive.log") as service:
            yield service

    def add(self, service: Service, phase: str, figures: dict[str, Any]) -> None:
        """Keep the figures of a phase, and say them."""
        figures = {
            "service": service.name,
            "phase": phase,
            "start_s": service.started_s,
            "start_cpu_s": service.started_cpu_s,
            **figures,
        }
        self.found.append(figures)
        short = {key: value for key, value in figures.items() if not isinstance(value, dict | list)}
        print(json.dumps(short), file=sys.stderr, flush=True)


def _segue(run: Run, workers: int, phases: list[str]) -> None:
    with run.segue(workers) as service:
        closed(service, run.titles.distinct(), 2, run.seconds / 2)  # page cache and first touches
        capacity = 0.0
        if "alone" in phases:
            run.add(service, "1 client", closed(service, run.titles.distinct(), 1, run.seconds))
        if {"many", "overload"} & set(phases):
            figures = closed(service, run.titles.distinct(), run.clients, run.seconds)
            capacity = figures["per_s"]
            run.add(service, f"{run.clients} clients", figures)
        if "bare" in phases:
            bodies = run.titles.distinct(explain=False)
            run.add(service, f"{run.clients} clients, no reasons", closed(service, bodies, run.clients, run.seconds))
        if "gzip" in phases:
            bodies = run.titles.distinct()
            figures = closed(service, bodies, run.clients, run.seconds, gzip=True)
            run.add(service, f"{run.clients} clients, gzip", figures)
        if "repeats" in phases:
            bodies = run.titles.repeats()
            run.add(service, f"{run.clients} clients, repeats", closed(service, bodies, run.clients, run.seconds))
        if "open" in phases:
            figures = opened(service, run.titles.distinct(), run.rate, run.seconds)
            run.add(service, f"open, {run.rate:g}/s", figures)
            run.add(
                service,
                f"open, {run.rate:g}/s, repeats",
                opened(service, run.titles.repeats(), run.rate, run.seconds),
            )
        if "overload" in phases:
            rate = 3 * capacity
            run.add(service, f"overload, {rate:.0f}/s", flood(service, run.titles.distinct(), rate, run.seconds))


def _swapped(run: Run, workers: int, rate: float) -> None:
    """Two models in turn under load: a folder renamed into place, then SIGHUP after another one."""
    place = run.scratch / "served"
    shutil.copytree(run.model, place, copy_function=_link)
    with run.segue(workers, place) as service:
        closed(service, run.titles.distinct(), 2, run.seconds / 2)
        run.add(service, f"swap, {rate:g}/s", swap(service, place, run.titles.few(), rate, run.seconds))
    shutil.rmtree(place)


def _link(source: str, target: str) -> None:
    """A hard link where that can be had: a model of a million playlists is large."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _naive(run: Run, vectors: Path) -> None:
    with run.naive(vectors) as service:
        closed(service, run.titles.distinct(), 1, run.seconds / 2)
        run.add(service, "1 client", closed(service, run.titles.distinct(), 1, run.seconds))
        figures = closed(service, run.titles.distinct(), run.clients, run.seconds)
        run.add(service, f"{run.clients} clients", figures)


def _small(scratch: Path, playlists: int) -> tuple[Path, Path]:
    """A small library of the demo's playlists and a model that is made at once, without a sentence encoder."""
    from segue.sources.demo import songs_library
    from segue.systems.builds import train_model

    library = songs_library(playlists, 1)
    library.save(scratch / "library")
    train_model(library, scratch / "model", recipe="published", base_model="ngrams")
    return scratch / "library", scratch / "model"


def _vectors(model: Path, work: Path | None, scratch: Path) -> Path:
    """The vector of every playlist for the naive service, from those of the model's titles.

    A model without a sentence encoder has none that fit; the naive service then makes its own when it starts.
    """
    import numpy as np

    from segue.recommend.titles import TitleTable

    file = (work or scratch) / f"playlist-{model.name}.npy"
    own = model / "votes" / "vectors.npy"
    if own.exists() and not file.exists():
        vectors, titles = np.load(own, mmap_mode="r"), TitleTable.load(model / "titles")
        if vectors.shape[1] == _D:
            np.save(file, np.where(titles.title_rows[:, None] >= 0, vectors[titles.title_rows], np.float32(0)))
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="work folder of mpd_scale.py; its library and model are taken")
    parser.add_argument("--playlists", type=int, default=1_000_000, help="size within --work")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--workers", default="1,2", help="worker processes to try, comma-separated")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second of the open loop")
    parser.add_argument("--swap-rate", type=float, default=40.0, help="requests a second while models are swapped")
    parser.add_argument("--clients", type=int, default=8, help="connections of the closed loop")
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "serve_load.json")
    parser.add_argument("--quick", action="store_true", help="300 playlists of the demo: does it run?")
    parser.add_argument("serve", nargs="*", help="further options of segue serve, behind --")
    args = parser.parse_args()
    phases = args.phases.split(",")
    if unknown := sorted(set(phases) - set(PHASES)):
        parser.error(f"there is no phase {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="segue-load-", dir=args.work) as name:
        scratch = Path(name)
        library, model = args.library, args.model
        if args.work is not None:
            library = library or args.work / f"library-{args.playlists}"
            model = model or args.work / f"model-base-{args.playlists}"
        elif args.quick and model is None:
            library, model = _small(scratch, 300)
        if library is None or model is None:
            parser.error("give --work, or --model and --library, or --quick")
        titles = Titles.of(library)
        run = Run(model, library, scratch, titles, args.seconds, args.rate, args.clients, args.serve)
        for workers in map(int, args.workers.split(",")):
            if set(phases) - {"swap", "naive"}:
                _segue(run, workers, phases)
            if "swap" in phases:
                _swapped(run, workers, args.swap_rate)
        if "naive" in phases:
            _naive(run, _vectors(model, args.work, scratch))
    print(table(run.found))
    about = hardware()
    print("\n" + ", ".join(f"{key} {value}" for key, value in about.items()))
    settings = {key: str(value) for key, value in vars(args).items()}
    runs = json.loads(args.out.read_text()) if args.out.exists() else []
    at = datetime.now(UTC).isoformat(timespec="seconds")
    runs.append(
        {"at": at, "command": " ".join(sys.argv), "hardware": about, "settings": settings, "phases": run.found}
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(runs, indent=1) + "\n")
    bad = [found for found in run.found if found.get("errors") or found.get("mixed") or found.get("unexpected")]
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
