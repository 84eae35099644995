"""The page of the search protocol: tables, plots, examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, panels
from segue.evaluate.page import figures as drawn_figures
from segue.evaluate.page import page, safe, table
from segue.evaluate.search_table import SearchFigures, SearchRow, SearchSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["to_html"]

_MAIN = "recall@10"
_KINDS = {"simple": 0, "untrained": 4, "near": 5, "written": 2, "tuned": 1}
Values = Mapping[str, Mapping[str, NDArray[np.float64]]]


def to_html(figures: SearchFigures, values: Mapping[str, Values]) -> str:
    """The page; without matplotlib it has no plots and says so.

    Args:
        values: set -> row -> metric -> value of each query.
    """
    encoders = "".join(f"<li>{safe(name)}: {safe(about)}</li>" for name, about in figures.encoders.items())
    body = [
        "<h1>Playlist search</h1>",
        f'<p class="quiet">{safe(figures.about)} Library {safe(figures.library)}.</p>',
        "<ul>" + "".join(f"<li>{safe(note)}</li>" for note in figures.notes) + "</ul>",
        f"<p>Encoders:</p><ul>{encoders}</ul>" if encoders else "",
    ]
    for place, queries in enumerate(figures.sets):
        body.append(f"<h2>{safe(queries.title)}</h2>")
        if queries.synthetic:
            body.append("<p>Nobody wrote these queries by hand: they compare rows and say nothing of people.</p>")
        if queries.left_out:
            said = "; ".join(f"{n:,} {reason}" for reason, n in queries.left_out.items())
            body.append(f'<p class="quiet">Left out: {safe(said)}.</p>')
        body += [_scores(queries), _changes(queries)]
        body += (
            ["<ul>" + "".join(f"<li>{safe(note)}</li>" for note in queries.notes) + "</ul>"] if queries.notes else []
        )
        try:
            body += drawn_figures(_plots(queries, values[queries.name], place))
        except MissingDependency as error:
            body.append(f'<p class="quiet">{safe(str(error))}.</p>')
        body += [_weights(queries), _examples(queries)]
    return page("Segue: playlist search", body)


def _scores(queries: SearchSet) -> str:
    metrics = list(queries.rows[0].scores)
    lines = [[row.name, *(row.scores[m] for m in metrics), row.learnt or "nothing"] for row in queries.rows]
    return table(["method", *metrics, "learnt from"], lines, texts=[len(metrics) + 1])


def _changes(queries: SearchSet) -> str:
    """Change of every metric over every reference."""
    parts = []
    for role, name in queries.references.items():
        metrics = list(queries.rows[0].scores)
        lines: list[list[object]] = []
        for row in queries.rows:
            if role in row.against:
                found = row.against[role]
                p = found[_MAIN].p
                lines.append([row.name, *(found[m] for m in metrics), "" if p is None else f"{p:.3f}"])
        over = role if role == name else f"{role}: {name}"
        parts += [f"<h3>Change over {safe(over)}</h3>", table(["method", *metrics, f"p of {_MAIN}"], lines)]
    return "\n".join(parts)


def _weights(queries: SearchSet) -> str:
    lines = [
        [row.name, ", ".join(f"{name} {weight:.2f}" for name, weight in row.weights.items())]
        for row in queries.rows
        if row.weights
    ]
    if not lines:
        return ""
    return "<h3>Weights of the channels, mean over the folds</h3>" + table(["method", "weights"], lines, texts=[1])


def _examples(queries: SearchSet) -> str:
    boxes = []
    for one in queries.examples:
        lists = "".join(
            f"<h4>{safe(name)}</h4><ol>{''.join(f'<li>{safe(title)}</li>' for title in found)}</ol>"
            for name, found in one.found.items()
        )
        boxes.append(
            f'<div class="list"><h3>{safe(one.query)}</h3><p class="quiet">about {safe(one.own)}</p>{lists}</div>'
        )
    if not boxes:
        return ""
    return f'<h3>Queries, and what was found first (* the right one)</h3><div class="lists">{"".join(boxes)}</div>'


def _plots(queries: SearchSet, values: Values, place: int) -> list[Plot]:
    height = 0.34 * len(queries.rows) + 1.0
    plots = [
        (
            f"{_MAIN} of {queries.name}",
            "Means with 95 % intervals; grey: simple methods, the darkest line is the best untrained fusion.",
            as_svg(lambda figure: _bars(figure, queries), (9.5, height), f"recall-{place}"),
        )
    ]
    pair = _pair(queries, values)
    if pair is not None:
        one, other = pair
        plots.append(
            (
                "What changes, query by query",
                f"Reciprocal rank with {other} minus that with {one}, queries in order: above zero the right "
                "playlist moved up.",
                as_svg(
                    lambda figure: _differences(figure, values[other]["mrr@10"] - values[one]["mrr@10"]),
                    (9.5, 2.6),
                    f"change-{place}",
                ),
            )
        )
    return plots


def _pair(queries: SearchSet, values: Values) -> tuple[str, str] | None:
    """The best untrained fusion and the best row, if it is another one."""
    base = queries.references.get("best untrained fusion", queries.rows[0].name)
    best = max(queries.rows, key=lambda row: row.scores[_MAIN].mean or 0.0).name
    return None if best == base else (base, best)


def _bars(figure: Figure, queries: SearchSet) -> None:
    rows: list[SearchRow] = queries.rows[::-1]
    reference = queries.references.get("best untrained fusion")
    for axes in panels(figure, 1):
        for y, row in enumerate(rows):
            score = row.scores[_MAIN]
            if score.mean is None or score.low is None or score.high is None:
                continue
            colour = REFERENCE_COLOUR if row.name == reference else COLOURS[_KINDS.get(row.kind, 0)]
            axes.barh([y], [score.mean], color="#aaaaaa" if row.kind == "simple" else colour, height=0.6, alpha=0.85)
            axes.plot([score.low, score.high], [y, y], color="#222222", linewidth=1.5)
        axes.set_yticks(range(len(rows)), [label(row.name) for row in rows])
        axes.set_xlabel(_MAIN)
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#e6e6e6")


def _differences(figure: Figure, difference: NDArray[np.float64]) -> None:
    ordered = np.sort(difference[np.isfinite(difference)])[::-1]
    for axes in panels(figure, 1):
        x = np.arange(len(ordered))
        axes.fill_between(x, ordered, 0, where=ordered > 0, color=COLOURS[2], step="mid")
        axes.fill_between(x, ordered, 0, where=ordered < 0, color=COLOURS[1], step="mid")
        axes.axhline(0, color="#222222", linewidth=0.8)
        axes.set_xlabel("queries")
        axes.set_ylabel("change of MRR")
