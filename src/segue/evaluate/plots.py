"""Plots of a report as inline SVG: few, light, and only what a person would look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, need_matplotlib, panels
from segue.evaluate.table import Report, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Plot", "plots"]

_MOST_LINES = 6
_POPULARITY = "popularity"
_BANDS = {
    "unseen titles": "unseen",
    "title in 1 training playlist": "1",
    "title in 2 to 4": "2-4",
    "title in 5 to 19": "5-19",
    "title in 20 or more": "20+",
}


def plots(report: Report) -> list[Plot]:
    """Draw what the report has figures for.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    drawn = [
        _by_method(report),
        _seen_unseen(report),
        _by_frequency(report),
        _by_scenario(report),
        _popularity(report),
    ]
    return [plot for plot in drawn if plot is not None]


def _by_method(report: Report) -> Plot | None:
    metrics = [m for m in ("r_precision", "ndcg@500", "precision@10") if m in report.metrics]
    if not metrics or not report.slices:
        return None
    where = report.slices[0]
    methods = [m for m in report.methods if _score(report, m, where, metrics[0]) is not None][::-1]

    def draw(figure: Figure) -> None:
        for axes, metric in zip(panels(figure, len(metrics), share_y=True), metrics, strict=True):
            for place, method in enumerate(methods):
                found = _score(report, method, where, metric)
                if found is not None:
                    colour = REFERENCE_COLOUR if method == report.reference else COLOURS[0]
                    _interval(axes, found, place, colour)
            axes.set_yticks(range(len(methods)), [label(m) for m in methods])
            axes.set_title(metric)
            axes.set_xlim(left=0)
            axes.grid(axis="x", color="#e6e6e6")

    svg = as_svg(draw, (9, 1.2 + 0.34 * len(methods)), "by-method")
    reading = (
        f"Dot: mean over {where}; line: 95 % bootstrap interval. Further right is better; grey is the reference."
    )
    return "Score by method", reading, svg


def _seen_unseen(report: Report) -> Plot | None:
    metric, pair = _main_metric(report), ("seen titles", "unseen titles")
    methods = [m for m in report.methods if all(_score(report, m, s, metric) for s in pair)][::-1]
    if not methods:
        return None

    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        for place, method in enumerate(methods):
            means = [report.mean(method, s, metric) for s in pair]
            axes.plot(means, [place, place], color="#bbbbbb", linewidth=2, zorder=1)
        for name, colour, offset in zip(pair, (COLOURS[0], COLOURS[1]), (0.1, -0.1), strict=True):
            for place, method in enumerate(methods):
                found = _score(report, method, name, metric)
                if found is not None:
                    _interval(axes, found, place + offset, colour, name if place == 0 else None)
        axes.set_yticks(range(len(methods)), [label(m) for m in methods])
        axes.set_xlabel(metric)
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#e6e6e6")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)

    svg = as_svg(draw, (9, 1.3 + 0.38 * len(methods)), "seen-unseen")
    return "Seen against unseen titles", "A title is seen if a training playlist carries it.", svg


def _by_frequency(report: Report) -> Plot | None:
    metric = _main_metric(report)
    bands = [b for b in _BANDS if b in report.slices]
    if len(bands) < 2:
        return None
    methods = _chosen(report, metric)
    sizes = {b: report.row(methods[0], b).n_queries for b in bands}
    ticks = [f"{_BANDS[b]}\n(n={sizes[b]})" for b in bands]
    svg = _lines(report, methods, bands, ticks, metric, "training playlists that carry the title", "by-frequency")
    return "By how often the title occurs in training", "Bars are 95 % intervals; few queries make them long.", svg


def _by_scenario(report: Report) -> Plot | None:
    if report.protocol != "challenge":
        return None
    metric = _main_metric(report)
    methods = _chosen(report, metric)
    ticks = [s.replace("+", "+\n").replace("-", "-\n") for s in report.slices]
    svg = _lines(report, methods, report.slices, ticks, metric, "what is given", "by-scenario")
    return "By given tracks", "One group per scenario; the hidden tracks are the truth.", svg


def _popularity(report: Report) -> Plot | None:
    metric = next((m for m in report.metrics if m.startswith("mean_popularity")), None)
    if metric is None or not report.slices:
        return None
    where = report.slices[0]
    methods = [m for m in report.methods if _score(report, m, where, metric) is not None][::-1]

    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        means = [report.mean(m, where, metric) for m in methods]
        axes.barh(range(len(methods)), means, color=COLOURS[5], height=0.6)
        if report.truth_popularity is not None:
            axes.axvline(report.truth_popularity, color=REFERENCE_COLOUR, linestyle="--", label="the hidden tracks")
            axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
        axes.set_yticks(range(len(methods)), [label(m) for m in methods])
        axes.set_xlabel("training playlists per recommended track (mean of the first 66)")
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#e6e6e6")

    svg = as_svg(draw, (9, 1.3 + 0.32 * len(methods)), "popularity")
    return "How popular the recommended tracks are", "Far right of the dashed line: a method plays it safe.", svg


def _lines(
    report: Report,
    methods: Sequence[str],
    groups: Sequence[str],
    ticks: Sequence[str],
    metric: str,
    xlabel: str,
    name: str,
) -> str:
    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        colours = iter(COLOURS)
        for place, method in enumerate(methods):
            colour = REFERENCE_COLOUR if method == report.reference else next(colours)
            shift = (place - (len(methods) - 1) / 2) * 0.09
            found = [(i + shift, s) for i, g in enumerate(groups) if (s := _score(report, method, g, metric))]
            x, means = [at for at, _ in found], [s.mean or 0.0 for _, s in found]
            errors = [[_span(s)[0] for _, s in found], [_span(s)[1] for _, s in found]]
            axes.errorbar(
                x, means, yerr=errors, color=colour, marker="o", markersize=4, linewidth=1, label=label(method)
            )
        axes.set_xticks(range(len(groups)), ticks)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(metric)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="#e6e6e6")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return as_svg(draw, (9, 4), name)


def _chosen(report: Report, metric: str) -> list[str]:
    """The methods that a plot of lines shows: the reference, popularity, and the best of the others."""
    where = report.slices[0]
    fixed = [m for m in report.methods if m in (report.reference, _POPULARITY)]
    others = [m for m in report.methods if m not in fixed and _score(report, m, where, metric) is not None]
    others.sort(key=lambda m: -report.mean(m, where, metric))
    shown = {*fixed, *others[: _MOST_LINES - len(fixed)]}
    return [m for m in report.methods if m in shown]


def _main_metric(report: Report) -> str:
    return "ndcg@500" if "ndcg@500" in report.metrics else report.metrics[0]


def _score(report: Report, method: str, slice_name: str, metric: str) -> Score | None:
    try:
        found = report.row(method, slice_name).scores.get(metric)
    except KeyError:
        return None
    return None if found is None or found.mean is None else found


def _span(found: Score) -> tuple[float, float]:
    """How far the interval reaches below and above the mean, never negative."""
    mean = found.mean or 0.0
    low, high = (mean if bound is None else bound for bound in (found.low, found.high))
    return max(mean - low, 0.0), max(high - mean, 0.0)


def _interval(axes: Axes, found: Score, place: float, colour: str, name: str | None = None) -> None:
    below, above = _span(found)
    axes.errorbar(
        [found.mean or 0.0],
        [place],
        xerr=[[below], [above]],
        fmt="o",
        color=colour,
        markersize=5,
        capsize=2,
        label=name,
    )
