"""Scale: every line of the budgets (DESIGN section 8) on planted data of any size, beside the naive way.

    python benchmarks/mpd_scale.py --quick                         # 2,000 playlists, about half a minute
    python benchmarks/mpd_scale.py --playlists 1000000 --work /tmp/scale
    python benchmarks/mpd_scale.py --playlists 1000000 --work /tmp/scale --steps recipe_query,votes

Each step runs in a process of its own with one thread; CPU is user + system of that process and its children. Results
are appended to runs/mpd_scale.json and printed as a table. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Measured, append, hardware, measured

__all__ = ["LINES", "STEPS", "Line", "main"]

HERE = Path(__file__).resolve().parent
FULL = 1_000_000  # playlists that the budgets are stated for

# step -> module that holds it; a step is a function of that name that takes a Place
STEPS: Mapping[str, str] = {
    "make_library": "scale_ingest",
    "make_encoder": "scale_ingest",
    "make_slices": "scale_ingest",
    "ingest_all": "scale_ingest",
    "ingest_names": "scale_ingest",
    "ingest_naive": "scale_ingest",
    "encode": "scale_ingest",
    "encode_naive": "scale_ingest",
    "recipe_build": "scale_recipe",
    "recipe_query": "scale_recipe",
    "recipe_naive": "scale_recipe",
    "votes": "scale_recipe",
    "votes_naive": "scale_recipe",
    "model_build": "scale_model",
    "model_query": "scale_model",
    "recommend_cold": "",  # the command line itself
    "continuation_build": "scale_model",
    "continuation_query": "scale_model",
    "forms": "scale_model",
    "forms_ridge": "scale_model",
}

Value = Callable[[Measured], float]


def _fact(name: str) -> Value:
    return lambda m: float(m.facts[name])


def _cpu(m: Measured) -> float:
    return m.cpu_s


def _rss(m: Measured) -> float:
    return m.max_rss_mb


@dataclass(frozen=True)
class Line:
    """One line of the table: what is measured, its budget at a million playlists, and the naive way."""

    what: str
    step: str
    value: Value
    unit: str
    budget: float | None = None
    at_least: bool = False  # the budget is a floor, not a ceiling
    naive: tuple[str, Value] | None = None
    any_size: bool = False  # does not depend on the number of playlists, so it is judged at any


LINES: tuple[Line, ...] = (
    Line("planted library, CPU", "make_library", _cpu, "s"),
    Line(
        "ingest, all fields",
        "ingest_all",
        _fact("mb_per_s"),
        "MB/s",
        200,
        True,
        ("ingest_naive", _fact("mb_per_s")),
        True,
    ),
    Line("ingest, names only", "ingest_names", _fact("mb_per_s"), "MB/s", 330, True, None, True),
    Line("ingest, RSS", "ingest_all", _rss, "MB", None, False, ("ingest_naive", _rss)),
    Line("encoding titles", "encode", _fact("per_s"), "/s", 1_400, True, ("encode_naive", _fact("per_s")), True),
    Line("recipe build, CPU", "recipe_build", _cpu, "s", 600),
    Line("recipe build, RSS", "recipe_build", _rss, "MB", 6 * 1024),
    Line("recipe query p50", "recipe_query", _fact("p50_ms"), "ms", 6, False, ("recipe_naive", _fact("p50_ms"))),
    Line("recipe query p99", "recipe_query", _fact("p99_ms"), "ms", None, False, ("recipe_naive", _fact("p99_ms"))),
    Line(
        "title x track votes, CPU",
        "votes",
        _fact("votes_cpu_s"),
        "s",
        10,
        False,
        ("votes_naive", _fact("votes_cpu_s")),
    ),
    Line("votes, RSS", "votes", _rss, "MB"),
    Line("shipped model build, CPU", "model_build", _cpu, "s", 3_600),
    Line("shipped model build, RSS", "model_build", _rss, "MB", 12 * 1024),
    Line(
        "shipped model query p50", "model_query", _fact("p50_ms"), "ms", 12, False, ("recipe_naive", _fact("p50_ms"))
    ),
    Line("shipped model query p99", "model_query", _fact("p99_ms"), "ms"),
    Line("shipped model answer p50", "model_query", _fact("answer_p50_ms"), "ms"),
    Line("the same, title + 5 given, p50", "model_query", _fact("given_p50_ms"), "ms"),
    Line("segue recommend, cold CPU", "recommend_cold", _cpu, "s", 0.6),
    Line("segue recommend, cold RSS", "recommend_cold", _rss, "MB", 400),
    Line("continuation index, CPU", "continuation_build", _cpu, "s"),
    Line("continuation index, RSS", "continuation_build", _rss, "MB", 12 * 1024),
    Line("playlist-kNN, 5 given, p50", "continuation_query", _fact("playlist_knn_p50_ms"), "ms"),
    Line("item-kNN, 5 given, p50", "continuation_query", _fact("item_knn_p50_ms"), "ms"),
    Line("local ridge, 5 given, p50", "continuation_query", _fact("ridge_p50_ms"), "ms"),
    Line("scalable form, NDCG loss", "forms", _fact("loss_percent"), "%", 2, False, None, True),
    Line("local ridge, NDCG loss", "forms_ridge", _fact("loss_percent"), "%", 2, False, None, True),
)


def table(results: Mapping[str, Measured], playlists: int) -> str:
    """The lines whose step ran, as Markdown."""
    rows = [("what", "measured", "budget at 1 M", "", "naive", "ratio to naive")]
    for line in LINES:
        if line.step not in results:
            continue
        found = results[line.step]
        if found.returncode:
            rows.append((line.what, "failed", "", "", "", found.error[:60]))
            continue
        value = line.value(found)
        budget = "" if line.budget is None else f"{'>=' if line.at_least else '<='} {line.budget:g} {line.unit}"
        kept = ""
        if line.budget is not None and (line.any_size or playlists >= FULL):
            kept = "kept" if (value >= line.budget) == line.at_least or value == line.budget else "MISSED"
        naive = ratio = ""
        if line.naive and line.naive[0] in results and not results[line.naive[0]].returncode:
            other = line.naive[1](results[line.naive[0]])
            naive = f"{other:,.4g} {line.unit}"
            ratio = f"{(value / other if line.at_least else other / max(value, 1e-9)):.1f} x better"
        rows.append((line.what, f"{value:,.4g} {line.unit}", budget, kept, naive, ratio))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return f"{playlists:,} planted playlists\n\n" + "\n".join(lines)


def _run(step: str, place: Any, timeout_s: float, *, quick: bool = False) -> Measured:
    if step == "recommend_cold":
        command = [sys.executable, "-m", "segue", "recommend", "rainy sunday", "-m", str(place.model), "--json"]
        # the first one reads the disk; of a quick run nobody believes the figures
        runs = [measured(step, command, timeout_s=timeout_s) for _ in range(1 if quick else 4)]
        return sorted(runs[1:] or runs, key=lambda run: run.cpu_s)[len(runs[1:]) // 2]
    return measured(
        step,
        [sys.executable, str(HERE / "mpd_scale.py"), "--step", step, "--place", place.to_json()],
        timeout_s=timeout_s,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playlists", type=int, help="default: 50,000; 2,000 with --quick")
    parser.add_argument(
        "--work", type=Path, help="where data and models are kept and found again (default: a temporary folder)"
    )
    parser.add_argument("--library", type=Path, help="a planted library that exists already")
    parser.add_argument("--encoder", choices=("base", "ngrams"), default="base")
    parser.add_argument("--n-slices", type=int, default=20, help="MPD slices of 1,000 playlists to ingest")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument(
        "--forms", type=int, default=50_000, help="playlists at which exact and scalable form are compared"
    )
    parser.add_argument("--steps", default="", help=f"comma-separated, of: {', '.join(STEPS)}")
    parser.add_argument("--without", default="", help="steps to leave out")
    parser.add_argument("--timeout", type=float, default=3 * 3600, help="seconds after which a step is ended")
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "mpd_scale.json")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="2,000 playlists or --playlists, n-grams, few queries: does it run at all?",
    )
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        from scale_common import Place

        getattr(importlib.import_module(STEPS[args.step]), args.step)(Place.from_json(args.place))
        return 0
    args.playlists = args.playlists or (2_000 if args.quick else 50_000)
    if args.quick:
        args.encoder, args.n_slices, args.queries, args.forms = "ngrams", 1, 20, args.playlists
    wanted = [
        step for step in (args.steps.split(",") if args.steps else STEPS) if step not in args.without.split(",")
    ]
    unknown = sorted(set(wanted) - set(STEPS))
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="segue-scale-") as scratch:
        results = _all(wanted, args, Path(args.work or scratch))
    print(table(results, args.playlists))
    about = hardware()
    print("\n" + ", ".join(f"{key} {value}" for key, value in about.items()))
    settings = {key: str(value) for key, value in vars(args).items() if key not in ("step", "place")}
    append(args.out, list(results.values()), settings)
    return int(any(found.returncode for found in results.values()))


def _all(wanted: list[str], args: argparse.Namespace, work: Path) -> dict[str, Measured]:
    work.mkdir(parents=True, exist_ok=True)
    place = _Place(work, args)
    results: dict[str, Measured] = {}
    for step in wanted:
        print(f"{step} ...", file=sys.stderr, flush=True)
        found = results[step] = _run(step, place, args.timeout, quick=args.quick)
        said = found.error or ", ".join(f"{key} {value}" for key, value in found.facts.items())
        print(f"  {found.cpu_s} CPU-s, {found.max_rss_mb} MB; {said}", file=sys.stderr, flush=True)
    return results


class _Place:
    """The settings for the measured processes, without importing numpy here (see :mod:`measure`)."""

    def __init__(self, work: Path, args: argparse.Namespace) -> None:
        self.model = work / f"model-{args.encoder}-{args.playlists}"
        self.said = {
            "work": str(work),
            "playlists": args.playlists,
            "encoder": args.encoder,
            "n_slices": args.n_slices,
            "queries": args.queries,
            "forms": args.forms,
            "made": str(args.library or ""),
        }

    def to_json(self) -> str:
        import json

        return json.dumps(self.said)


if __name__ == "__main__":
    sys.exit(main())
