"""Plots of a report on listeners as inline SVG: scores by method, and by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, need_matplotlib, panels
from segue.evaluate.user_table import History, UserFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_HISTORIES", "epoch_plots", "score_plots"]

_LINE = "#e6e6e6"
_SHOWN = ("all", "warm", "tail", "strict cold", "strict cold, among cold")
MOST_HISTORIES = 40
"""Trainings that are drawn."""


def score_plots(figures: UserFigures) -> list[Plot]:
    """Draw the primary metric of every method and slice.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    drawn = _scores(figures)
    return [] if drawn is None else [drawn]


def epoch_plots(figures: UserFigures) -> list[Plot]:
    """Draw the trainings, epoch by epoch, at most :data:`MOST_HISTORIES`.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    drawn = [_epochs(one, figures.metrics, place) for place, one in enumerate(figures.histories[:MOST_HISTORIES])]
    return [plot for plot in drawn if plot is not None]


def _scores(figures: UserFigures) -> Plot | None:
    slices = [name for name in _SHOWN if name in figures.slices]
    methods = list(figures.methods)[::-1]
    if not slices or not methods:
        return None
    metric = figures.metrics[0]

    def draw(figure: Figure) -> None:
        for axes, name in zip(panels(figure, len(slices), share_y=True), slices, strict=True):
            for place, method in enumerate(methods):
                found = figures.row(method, name).scores.get(metric)
                if found is None or found.mean is None:
                    continue
                low, high = (found.mean if bound is None else bound for bound in (found.low, found.high))
                axes.errorbar(
                    [100 * found.mean],
                    [place],
                    xerr=[[100 * max(found.mean - low, 0.0)], [100 * max(high - found.mean, 0.0)]],
                    fmt="o",
                    color=REFERENCE_COLOUR if method == figures.reference else COLOURS[0],
                    markersize=5,
                    capsize=2,
                )
            axes.set_yticks(range(len(methods)), [label(method) for method in methods])
            axes.set_title(name)
            axes.set_xlim(left=0)
            axes.grid(axis="x", color=_LINE)

    svg = as_svg(draw, (12, 1.2 + 0.34 * len(methods)), "user-scores")
    reading = f"{metric} in percent. Dot: mean over users; line: 95 % bootstrap interval; grey is the reference."
    return "Score by method", reading, svg


def _epochs(history: History, metrics: list[str], place: int) -> Plot | None:
    if not any(epoch.figures for epoch in history.epochs):
        return None

    def draw(figure: Figure) -> None:
        for axes, metric in zip(panels(figure, len(metrics)), metrics, strict=True):
            for number, name in enumerate(_SHOWN):
                _curve(axes, history, f"{metric} {name}", COLOURS[number], name)
            if history.best_epoch is not None:
                axes.axvline(
                    history.best_epoch, color=REFERENCE_COLOUR, linestyle="--", linewidth=1, label="kept epoch"
                )
            axes.set_title(f"{metric}, percent")
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
            axes.set_ylim(bottom=0)
            axes.grid(color=_LINE)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    svg = as_svg(draw, (11, 3.2), f"epochs-{place}")
    reading = "On the validation part, full catalogue but for the curve that says otherwise; dashed: the kept epoch."
    return f"By epoch: {history.name}", reading, svg


def _curve(axes: Axes, history: History, key: str, colour: str, name: str) -> None:
    points = [(epoch.epoch, 100 * epoch.figures[key]) for epoch in history.epochs if key in epoch.figures]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, marker="o", markersize=3, linewidth=1.2, label=name)
