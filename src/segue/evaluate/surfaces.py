"""Drawings of a sweep: the surface over two parameters, profiles along one, the vote by number of neighbours."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, need_matplotlib, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Axis", "Point", "by_neighbours", "profiles", "surface"]

_MOST_CELLS = 14  # values that get a cell of their own; more are gathered in bins
_BINS = 8


@dataclass(frozen=True)
class Axis:
    """One parameter: its range, and how it is spread."""

    name: str
    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Point:
    """A trial: parameter -> value (None is "without"), and what it reached."""

    at: Mapping[str, float | None]
    value: float


@dataclass(frozen=True)
class _Cells:
    """An axis cut into cells; ``places`` float64 ``(n,)`` says where each point lies, in cells from 0."""

    names: list[str]
    places: NDArray[np.float64]

    @property
    def numbers(self) -> NDArray[np.int64]:
        return np.clip(np.floor(self.places), 0, len(self.names) - 1).astype(np.int64)


def surface(
    points: Sequence[Point], x: Axis, y: Axis, objective: str, *, best: int = 0, default: int | None = None
) -> Plot:
    """The best value in each cell of two parameters, whatever the others are; every trial is a dot.

    Args:
        points: all trials, in order.
        objective: what the values are.
        best, default: places of the best trial and of the shipped setting.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    across, up = _cells(points, x), _cells(points, y)
    values = np.array([p.value for p in points])
    highest = np.full((len(up.names), len(across.names)), -np.inf)
    np.maximum.at(highest, (up.numbers, across.numbers), values)

    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        shown = np.ma.masked_invalid(highest)
        mesh: Any = axes.pcolormesh(shown, cmap="viridis", edgecolors="white", linewidth=0.5)
        bar = figure.colorbar(mesh, ax=axes, label=label(objective))
        solids: Any = bar.solids
        solids.set(rasterized=False, edgecolor="face")  # a bitmap by default, and pages show none
        axes.scatter(across.places, up.places, s=7, color="white", edgecolors="#555555", linewidths=0.5, zorder=2)
        marks = [(best, "*", 220, COLOURS[1], "best")]
        if default is not None:
            marks.append((default, "D", 70, "white", "shipped"))
        for place, marker, size, colour, name in marks:
            at = across.places[place], up.places[place]
            axes.scatter(*at, marker=marker, s=size, color=colour, edgecolors="black", zorder=3, label=name)
        for ticks, names, turn in ((axes.set_xticks, across.names, 30), (axes.set_yticks, up.names, 0)):
            ticks(np.arange(len(names)) + 0.5, [label(n) for n in names], rotation=turn)
        axes.set_xlabel(label(x.name))
        axes.set_ylabel(label(y.name))
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)

    height = max(3.2, 1.6 + 0.38 * len(up.names))
    svg = as_svg(draw, (9, height), f"surface-{_slug(x.name)}-{_slug(y.name)}")
    reading = (
        f"Colour: the highest {objective} of any trial in the cell, whatever the other parameters were; dots are "
        "trials, empty cells were not tried."
    )
    return f"{x.name} and {y.name}", reading, svg


def profiles(points: Sequence[Point], axes: Sequence[Axis], objective: str, default: int | None = None) -> Plot:
    """Every trial against each parameter alone, and the best of each cell as a line.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    values = np.array([p.value for p in points])

    def draw(figure: Figure) -> None:
        for panel, axis in zip(panels(figure, len(axes), share_y=True), axes, strict=True):
            cells = _cells(points, axis)
            panel.scatter(cells.places, values, s=8, color=COLOURS[5])
            tried = np.unique(cells.numbers)
            tops = [values[cells.numbers == number].max() for number in tried]
            panel.plot(tried + 0.5, tops, color=COLOURS[0], marker="o", markersize=3, linewidth=1)
            if default is not None:
                panel.scatter(
                    cells.places[default], values[default], marker="D", s=40, color="white", edgecolors="black"
                )
            panel.set_xticks(np.arange(len(cells.names)) + 0.5, [label(n) for n in cells.names], rotation=60)
            panel.set_xlabel(label(axis.name))
            panel.grid(axis="y", color="#e6e6e6")
            if axis is axes[0]:
                panel.set_ylabel(label(objective))

    svg = as_svg(draw, (max(4.5, 2.6 * len(axes)), 3.6), "profiles")
    return "Each parameter", "Dots are trials, the line the best of each value; the diamond is what is shipped.", svg


def by_neighbours(
    ks: Sequence[int],
    lines: Mapping[str, Sequence[float | None]],
    fills: Sequence[float],
    similarity: Sequence[tuple[float, float]],
    metric: str,
    n_tracks: int,
) -> Plot:
    """What the number of voting playlists does to the metric, to full lists and to the nearness of the last one.

    Args:
        ks: numbers of neighbours, ascending.
        lines: name -> metric at each k; None where there is none. Names that end in "seen" and "unseen" share the
            colour of the name before it.
        fills: share of the queries whose neighbours hold ``n_tracks`` tracks.
        similarity: mean and 10th percentile of the k-th neighbour's cosine.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()

    def draw(figure: Figure) -> None:
        first, second, third = panels(figure, 3)
        groups = list(dict.fromkeys(name.removesuffix(" unseen").removesuffix(" seen") for name in lines))
        for name, values in lines.items():
            drawn = [float("nan") if v is None else v for v in values]
            group = name.removesuffix(" unseen").removesuffix(" seen")
            style = ":" if name.endswith(" unseen") else "--" if name.endswith(" seen") else "-"
            colour = (REFERENCE_COLOUR, *COLOURS)[groups.index(group) % (1 + len(COLOURS))]
            first.plot(ks, drawn, style, color=colour, marker="o", markersize=3, linewidth=1, label=label(name))
        first.set_title(label(metric))
        first.legend(frameon=False, fontsize=7)
        first.set_ylim(bottom=0)
        second.plot(ks, [100 * share for share in fills], color=COLOURS[0], marker="o", markersize=3)
        second.set_title(f"% of queries that fill {n_tracks} tracks")
        second.set_ylim(0, 103)
        third.plot(ks, [mean for mean, _ in similarity], color=COLOURS[0], marker="o", markersize=3, label="mean")
        low = [tenth for _, tenth in similarity]
        third.plot(ks, low, "--", color=COLOURS[1], marker="o", markersize=3, label="10th percentile")
        third.set_title("cosine of the k-th playlist")
        third.legend(frameon=False)
        for axes in (first, second, third):
            _log_ticks(axes, ks)

    svg = as_svg(draw, (11, 3.6), "by-neighbours")
    reading = (
        f"Left: the metric by how many playlists vote. Middle: how many lists of {n_tracks} need no filling up with "
        "popular tracks. Right: how near the last playlist that votes still is."
    )
    return "By number of neighbours", reading, svg


def _log_ticks(axes: Axes, ks: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(list(ks), [str(k) for k in ks], rotation=60)
    axes.minorticks_off()
    axes.set_xlabel("k, nearest playlists that vote")
    axes.grid(color="#e6e6e6")


def _cells(points: Sequence[Point], axis: Axis) -> _Cells:
    """A cell for each value where there are few, else bins over the range; "without" is the first cell."""
    values = [p.at[axis.name] for p in points]
    given = sorted({v for v in values if v is not None})
    names = ["without"] if None in values else []
    shift = len(names)
    if len(given) <= _MOST_CELLS:
        where: Any = {v: i + shift + 0.5 for i, v in enumerate(given)}
        names += [f"{v:g}" for v in given]
    else:
        low, high = _spread(axis, axis.low), _spread(axis, axis.high)
        width = (high - low) / _BINS
        where = {v: shift + min(max((_spread(axis, v) - low) / width, 0.0), _BINS - 1e-6) for v in given}
        edges = [low + i * width for i in range(_BINS + 1)]
        ends = [f"{float(f'{math.exp(e) if axis.log else e:.2g}'):g}" for e in edges]
        names += [f"{a} - {b}" for a, b in itertools.pairwise(ends)]
    return _Cells(names, np.array([0.5 if v is None else where[v] for v in values]))


def _spread(axis: Axis, value: float) -> float:
    return math.log(value) if axis.log else value


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
