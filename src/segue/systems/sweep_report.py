"""What a sweep says: best against shipped, each shipped value against its alternatives, JSON and a page."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import MissingDependency
from segue.evaluate.drawing import Plot
from segue.evaluate.page import figures, page, safe, table
from segue.evaluate.significance import Paired, paired
from segue.evaluate.surfaces import Axis, Point, by_neighbours, profiles, surface
from segue.library.arrays import write_bytes, write_json
from segue.systems.sweep import Sweep, Trial

__all__ = ["importance", "save_sweep", "shown", "sweep_report", "verdicts"]

FORMAT_VERSION = 1
_MOST_GROUPS = 8


def sweep_report(sweep: Sweep, details: Mapping[str, Any], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that ``sweep.json`` holds; the date alone differs between two runs.

    Args:
        details: the subject's further tables. notes: its sentences.
    """
    said = [
        "Validation playlists chose this; it is a log, no result: the best of many tries is flattered. No test "
        "playlist was looked at.",
        *notes,
    ]
    return {
        "kind": "segue sweep report",
        "format_version": FORMAT_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sweep": sweep.header,
        "part": "validation",
        "n_trials": len(sweep.trials),
        "best": _short(sweep.best),
        "default": _short(sweep.default),
        "best_against_default": _compared(sweep.best, sweep.default),
        "verdicts": verdicts(sweep),
        "importance": importance(sweep),
        "details": dict(details),
        "notes": said,
        "trials": [_short(trial) for trial in sweep.trials],
    }


def save_sweep(sweep: Sweep, report: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write ``sweep.json`` and ``sweep.html``, each atomically.

    Raises:
        OutputError: the place cannot be written to.
    """
    as_json, as_html = folder / "sweep.json", folder / "sweep.html"
    write_json(as_json, report)
    write_bytes(as_html, page(f"Sweep: {sweep.header['what']}", _body(sweep, report)).encode())
    return as_json, as_html


def verdicts(sweep: Sweep) -> list[dict[str, Any]]:
    """For each parameter: whether the shipped value can be told from the best one, the others as they are shipped.

    Only trials that differ from the shipped setting in one parameter speak; a parameter without any is left out.
    ``within`` is true where the 95 % interval of the paired difference (best - shipped) reaches down to 0; None where
    the objective is no mean over queries.
    """
    shipped = sweep.default
    found = []
    for name in shipped.setting:
        alone = [t for t in sweep.trials if t is shipped or _differs(t, shipped) == [name]]
        if len({t.setting[name] for t in alone}) < 2:
            continue
        best = max(alone, key=lambda trial: (trial.objective, -trial.number))
        compared = _compared(best, shipped)
        low = compared["difference"]["low"] if compared else None
        found.append(
            {
                "parameter": name,
                "shipped": shipped.setting[name],
                "best": best.setting[name],
                "tried": sorted({t.setting[name] for t in alone}, key=_order),
                "objective": {"shipped": shipped.objective, "best": best.objective},
                "difference": compared["difference"] if compared else None,
                "within": None if low is None else low <= 0,
            }
        )
    return found


def importance(sweep: Sweep) -> dict[str, float]:
    """Share of the objective's variance between values (or eighths of the range) of each parameter alone, in [0, 1].

    Main effects: what two parameters do only together is in none, and the shares need not sum to 1. Rough where a
    search has looked at good regions most.
    """
    values = np.array([t.objective for t in sweep.trials])
    total = float(((values - values.mean()) ** 2).sum())
    shares = {}
    for name in sweep.default.setting:
        given = [t.setting[name] for t in sweep.trials]
        numbers = sorted({v for v in given if v is not None})
        cuts = (
            numbers if len(numbers) <= _MOST_GROUPS else np.quantile(numbers, np.arange(_MOST_GROUPS) / _MOST_GROUPS)
        )
        group = np.array([-1 if v is None else int(np.searchsorted(cuts, v, "right")) for v in given])
        between = sum(
            float((group == g).sum() * (values[group == g].mean() - values.mean()) ** 2) for g in np.unique(group)
        )
        shares[name] = min(between / total, 1.0) if total > 0 else 0.0
    return shares


def shown(value: float | int | None) -> str:
    """A value for people.

    >>> shown(None), shown(50), shown(0.25)
    ('without', '50', '0.25')
    """
    return "without" if value is None else f"{value:g}"


def _order(value: float | int | None) -> float:
    return -np.inf if value is None else float(value)


def _differs(trial: Trial, other: Trial) -> list[str]:
    return [name for name, value in trial.setting.items() if value != other.setting[name]]


def _short(trial: Trial) -> dict[str, Any]:
    told = asdict(trial)
    del told["per_query"]
    return told


def _compared(best: Trial, default: Trial) -> dict[str, Any] | None:
    if not best.per_query or len(best.per_query) != len(default.per_query):
        return None
    found: Paired = paired(np.array(best.per_query), np.array(default.per_query))
    return {"difference": asdict(found.difference), "ratio": asdict(found.ratio), "p": found.p, "n": found.n}


def _body(sweep: Sweep, report: Mapping[str, Any]) -> Iterable[str]:
    head, best, default = sweep.header, sweep.best, sweep.default
    yield f"<h1>Sweep: {safe(str(head['what']))}</h1>"
    yield (
        f'<p class="quiet">{len(sweep.trials)} trials ({safe(str(head["method"]))}) of '
        f"{safe(str(head['objective']))} on validation playlists; library {safe(str(head['library']))}, encoder "
        f"{safe(str(head['encoder']))}, {safe(report['created'])}</p>"
    )
    yield from (f"<p>{safe(note)}</p>" for note in report["notes"])
    yield "<h2>Best and shipped</h2>"
    named = {p.name: p.meaning for p in sweep.space.parameters}
    rows = [[f"{name}: {named[name]}", shown(default.setting[name]), shown(best.setting[name])] for name in named]
    rows += [[n, _figure(default.values.get(n)), _figure(best.values.get(n))] for n in best.values]
    yield table(["", f"shipped (trial {default.number})", f"best (trial {best.number})"], rows)
    compared = report["best_against_default"]
    if compared:
        yield f"<p>Best against shipped: ratio {_interval(compared['ratio'])}, p = {compared['p']:.4f}.</p>"
    yield from _verdict_table(report["verdicts"])
    yield from _drawn(sweep, report)
    yield from _neighbour_table(report["details"])
    yield "<h2>How much each parameter decides</h2>"
    yield table(["parameter", "share of variance"], [[n, f"{v:.2f}"] for n, v in report["importance"].items()])
    yield "<details><summary>All trials</summary>"
    order = sorted(sweep.trials, key=lambda t: (-t.objective, t.number))
    yield table(
        ["trial", *named, *best.values],
        (
            [t.number, *map(shown, t.setting.values()), *(_figure(t.values.get(n)) for n in best.values)]
            for t in order
        ),
    )
    yield "</details>"


def _verdict_table(found: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if not found:
        return
    said = {True: "not told apart from the best", False: "below the best", None: "no interval"}
    yield "<h2>Each shipped value alone</h2>"
    yield table(
        ["parameter", "tried", "shipped", "best", "best - shipped", "the shipped value is"],
        (
            [
                v["parameter"],
                ", ".join(shown(value) for value in v["tried"]),
                shown(v["shipped"]),
                shown(v["best"]),
                _interval(v["difference"]) if v["difference"] else "",
                said[v["within"]],
            ]
            for v in found
        ),
    )


def _drawn(sweep: Sweep, report: Mapping[str, Any]) -> Iterable[str]:
    try:
        return figures(_plots(sweep, report))
    except MissingDependency as error:
        return [f'<p class="quiet">No plots: {safe(str(error))}.</p>']


def _plots(sweep: Sweep, report: Mapping[str, Any]) -> list[Plot]:
    points = [Point(t.setting, t.objective) for t in sweep.trials]
    axes = [Axis(p.name, p.low, p.high, p.log) for p in sweep.space.parameters]
    name, best, default = str(sweep.header["objective"]), sweep.best.number, sweep.default.number
    drawn = []
    # around the shipped setting alone no two parameters vary together
    if sweep.header["method"] != "defaults":
        pairs = list(itertools.pairwise(axes)) if len(axes) > 2 else [(axes[0], axes[1])]
        drawn += [surface(points, x, y, name, best=best, default=default) for x, y in pairs]
    drawn.append(profiles(points, axes, name, default))
    rows = report["details"].get("by_k")
    if rows:
        lines = {
            f"{of}{ending}": [row[key][f"{name}{ending}"] for row in rows]
            for key, of in (("plain", "one vote each"), ("best", "as the best"))
            for ending in ("", " seen", " unseen")
        }
        near = [(row["similarity"]["mean"], row["similarity"]["low"]) for row in rows]
        fills = [row["fills"] for row in rows]
        drawn.append(by_neighbours([r["k"] for r in rows], lines, fills, near, name, report["details"]["tracks"]))
    return drawn


def _neighbour_table(details: Mapping[str, Any]) -> Iterable[str]:
    if "by_k" not in details:
        return
    reached = details["playlists_needed"]
    needed = ", ".join(f"{float(s):.0%} with {'more than tried' if k is None else k}" for s, k in reached.items())
    yield f"<p>Neighbours hold {details['tracks']} distinct tracks for {safe(needed)} playlists "
    yield "(published: at least 13 are needed).</p>"
    metrics = list(details["by_k"][0]["plain"])
    yield table(
        ["k", f"fill {details['tracks']} tracks", "k-th cosine", *metrics, *(f"{m}, as the best" for m in metrics)],
        (
            [
                row["k"],
                f"{row['fills']:.1%}",
                f"{row['similarity']['mean']:.3f}",
                *(_figure(row["plain"][m]) for m in metrics),
                *(_figure(row["best"][m]) for m in metrics),
            ]
            for row in details["by_k"]
        ),
    )


def _figure(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.4f}"


def _interval(bounds: Mapping[str, float]) -> str:
    return f"{bounds['mean']:.4f} [{bounds['low']:.4f}, {bounds['high']:.4f}]"
