"""Plots of a comparison of title encoders as inline SVG: scores, losses, accuracy by theme, maps of titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, need_matplotlib, panels
from segue.evaluate.encoder_table import Block, EncoderAbout, EncoderFigures, Epoch, TitleMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["encoder_plots"]

_METRICS = ("precision@10", "recall@66", "mrr@10", "r_precision@500", "ndcg@500")
_GREY, _LINE = "#bbbbbb", "#e6e6e6"
_MOST_THEMES = 30


def encoder_plots(figures: EncoderFigures) -> list[Plot]:
    """Draw what there are figures for.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    drawn = [
        _scores(figures.ours, figures.reference),
        *(_losses(one, place) for place, one in enumerate(figures.encoders)),
        _themes(figures),
        *(_map(one, figures.reference or "", place) for place, one in enumerate(figures.maps)),
    ]
    return [plot for plot in drawn if plot is not None]


def _scores(block: Block, reference: str | None) -> Plot | None:
    metrics = [metric for metric in _METRICS if metric in block.metrics]
    if not block.slices or not metrics:
        return None
    where = block.slices[0]
    rows = [row for row in block.rows if row.slice == where][::-1]

    def draw(figure: Figure) -> None:
        for axes, metric in zip(panels(figure, len(metrics), share_y=True), metrics, strict=True):
            for place, row in enumerate(rows):
                found = row.scores.get(metric)
                if found is None or found.mean is None:
                    continue
                low, high = (found.mean if bound is None else bound for bound in (found.low, found.high))
                axes.errorbar(
                    [found.mean],
                    [place],
                    xerr=[[max(found.mean - low, 0.0)], [max(high - found.mean, 0.0)]],
                    fmt="o",
                    color=REFERENCE_COLOUR if row.method == reference else COLOURS[0],
                    markersize=5,
                    capsize=2,
                )
            axes.set_yticks(range(len(rows)), [label(row.method) for row in rows])
            axes.set_title(metric)
            axes.set_xlim(left=0)
            axes.tick_params(axis="x", labelrotation=45)
            axes.grid(axis="x", color=_LINE)

    svg = as_svg(draw, (11, 1.4 + 0.34 * len(rows)), "scores")
    reading = (
        f"Dot: mean over {where}; line: 95 % bootstrap interval. Further right is better; grey is the reference."
    )
    return "Score by encoder", reading, svg


def _losses(about: EncoderAbout, place: int) -> Plot | None:
    """Two panels: the losses, and what the training watched on validation playlists."""
    history = about.history
    if not history:
        return None

    def draw(figure: Figure) -> None:
        losses, metric = panels(figure, 2)
        _curve(losses, history, "train_loss", COLOURS[0], "training")
        _curve(losses, history, "validation_loss", COLOURS[1], "validation")
        _curve(metric, history, "train_metric", COLOURS[0], "training")
        _curve(metric, history, "validation_metric", COLOURS[1], "validation")
        for axes, title in ((losses, "loss"), (metric, "what was watched")):
            if about.best_epoch is not None:
                axes.axvline(
                    about.best_epoch, color=REFERENCE_COLOUR, linestyle="--", linewidth=1, label="kept epoch"
                )
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
            axes.set_title(title)
            axes.grid(color=_LINE)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False)

    svg = as_svg(draw, (9, 3), f"losses-{place}")
    return f"Training of {about.name}", "The dashed line is the epoch that was kept.", svg


def _curve(axes: Axes, history: Sequence[Epoch], key: str, colour: str, name: str) -> None:
    points = [(epoch.epoch, getattr(epoch, key)) for epoch in history if getattr(epoch, key) is not None]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, marker="o", markersize=3, linewidth=1.2, label=name)


def _themes(figures: EncoderFigures) -> Plot | None:
    shown = figures.accuracy[:_MOST_THEMES][::-1]
    methods = list(figures.accuracy_overall)
    if not shown or not methods:
        return None

    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        others = iter(COLOURS * (1 + len(methods) // len(COLOURS)))
        for place, method in enumerate(methods):
            colour = REFERENCE_COLOUR if method == figures.reference else next(others)
            name = f"{label(method)} ({figures.accuracy_overall[method]:.1%} of all)"
            shift = (place - (len(methods) - 1) / 2) * 0.6 / len(methods)  # equal shares must not hide each other
            shares = [one.accuracy[method] for one in shown]
            axes.plot(shares, [row + shift for row in range(len(shown))], "o", color=colour, markersize=4, label=name)
        axes.set_yticks(range(len(shown)), [f"{label(one.theme)} (n={one.n})" for one in shown])
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("share of held-out titles nearest their own theme")
        axes.grid(color=_LINE)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)

    svg = as_svg(draw, (10, 1.6 + 0.24 * len(shown)), "themes")
    reading = f"The {len(shown)} themes with most held-out titles, largest on top; further right is better."
    return "Accuracy by theme", reading, svg


def _map(found: TitleMap, reference: str, place: int) -> Plot:
    def draw(figure: Figure) -> None:
        pair = zip(panels(figure, 2), (reference, found.method), (found.before, found.after), strict=True)
        for number, (axes, method, points) in enumerate(pair):
            for group in range(-1, len(found.groups)):
                chosen = [at for at, own in zip(points, found.group, strict=True) if own == group]
                colour = _GREY if group < 0 else COLOURS[group % len(COLOURS)]
                name = "other" if group < 0 else label(found.groups[group])
                x, y = [at[0] for at in chosen], [at[1] for at in chosen]
                axes.scatter(x, y, s=7 if group < 0 else 12, color=colour, linewidths=0, label=name)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(label(method))
            if number == 1:
                axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), markerscale=2)

    svg = as_svg(draw, (10.5, 4.4), f"map-{place}")
    reading = (
        f"t-SNE of {len(found.group):,} titles before and after, each map laid out by itself: look whether a colour "
        "comes together, not where it lies."
    )
    return f"Titles before and after {found.method}", reading, svg
