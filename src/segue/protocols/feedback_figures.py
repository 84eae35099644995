"""What the feedback protocol found: as data, in the terminal, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.evaluate.page import page, safe, table
from segue.evaluate.significance import holm, paired
from segue.evaluate.significance import interval as interval_of
from segue.library.arrays import write_bytes
from segue.library.names import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from segue.evaluate.significance import Interval

__all__ = [
    "FeedbackFigures",
    "FeedbackRow",
    "Replayed",
    "Spread",
    "print_figures",
    "rows_of",
    "save_figures",
]

SIGNIFICANT = 0.05


class Spread(msgspec.Struct, frozen=True):
    """A mean with its 95 % bootstrap interval; null where there is nothing to average."""

    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, found: Interval) -> Spread:
        """Of an interval; nan becomes null."""
        return cls(*(None if not np.isfinite(x) else float(x) for x in (found.mean, found.low, found.high)))

    def __str__(self) -> str:
        if self.mean is None:
            return "-"
        return f"{self.mean:.4f}" + ("" if self.low is None else f" [{self.low:.4f}, {self.high:.4f}]")


class FeedbackRow(msgspec.Struct, frozen=True):
    """One method in one turn, and how it compares with no feedback on the same people.

    Args:
        wrong: share of tracks that people mistook. p: of the difference, corrected by Holm over methods and turns.
    """

    wrong: float
    turn: int
    method: str
    metric: str
    n: int
    score: Spread
    difference: Spread | None = None
    ratio: Spread | None = None
    p: float | None = None


class Replayed(msgspec.Struct, frozen=True):
    """Stored events, asked again: share of pairs of a kept and a rejected track that are ranked the right way round.

    Args:
        lists: that had both, after something had been said under the same title. before, after: without and with what
            had been said until then. difference: paired by list.
    """

    lists: int
    people: int
    before: Spread
    after: Spread
    difference: Spread


class FeedbackFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What ``feedback.json`` holds.

    Args:
        learning: metric -> method -> score of the model trained without and with feedback, on other people.
    """

    part: str
    library: str
    model: str
    reference: str
    n_people: int
    n_training: int
    habits: dict[str, float]
    turns: int
    rows: list[FeedbackRow]
    learning: list[FeedbackRow] = []
    replayed: Replayed | None = None
    notes: list[str] = []

    def row(self, wrong: float, turn: int, method: str, metric: str) -> FeedbackRow:
        """One row.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if (row.wrong, row.turn, row.method, row.metric) == (wrong, turn, method, metric):
                return row
        raise KeyError((wrong, turn, method, metric))

    @property
    def about(self) -> str:
        """What was asked, in a sentence."""
        habits = ", ".join(f"{name} {value:g}" for name, value in self.habits.items() if name != "wrong")
        return (
            f"{self.n_people:,} simulated people with {self.part} playlists, {self.n_training:,} training playlists; "
            f"habits: {habits}. Compared with {self.reference!r} by paired bootstrap over people, Holm over methods."
        )


Values = Mapping[str, Mapping[str, NDArray[np.float64]]]


def rows_of(values: Values, reference: str, *, wrong: float, turn: int) -> list[FeedbackRow]:
    """Rows of one turn.

    Args:
        values: method -> metric -> value per person, nan where there is none.
    """
    rows = []
    for metric in next(iter(values.values())):
        against = {
            method: paired(theirs[metric], values[reference][metric])
            for method, theirs in values.items()
            if method != reference
        }
        corrected = dict(zip(against, holm([found.p for found in against.values()]), strict=True))
        for method, theirs in values.items():
            found = against.get(method)
            rows.append(
                FeedbackRow(
                    wrong=wrong,
                    turn=turn,
                    method=method,
                    metric=metric,
                    n=int(np.isfinite(theirs[metric]).sum()),
                    score=Spread.of(interval_of(theirs[metric])),
                    difference=None if found is None else Spread.of(found.difference),
                    ratio=None if found is None else Spread.of(found.ratio),
                    p=None if found is None or not np.isfinite(corrected[method]) else float(corrected[method]),
                )
            )
    return rows


def _grid(rows: Sequence[FeedbackRow]) -> tuple[list[str], list[list[str]]]:
    """Methods and turns against metrics."""
    metrics = list(dict.fromkeys(row.metric for row in rows))
    cells: dict[tuple[int, str], dict[str, str]] = {}
    for row in rows:
        text = str(row.score)
        if row.ratio is not None and row.ratio.mean is not None and row.p is not None:
            text += f" x{row.ratio.mean:.2f}" + ("*" if row.p <= SIGNIFICANT else "")
        cells.setdefault((row.turn, row.method), {})[row.metric] = text
    lines = [
        [str(turn), method, *(found.get(metric, "-") for metric in metrics)]
        for (turn, method), found in cells.items()
    ]
    return ["turn", "method", *metrics], lines


def _tables(figures: FeedbackFigures) -> list[tuple[str, list[str], list[list[str]]]]:
    found = [
        (f"{wrong:.0%} wrong clicks", *_grid([row for row in figures.rows if row.wrong == wrong]))
        for wrong in dict.fromkeys(row.wrong for row in figures.rows)
    ]
    if figures.learning:
        found.append(("Learning from feedback, judged by other people", *_grid(figures.learning)))
    if figures.replayed is not None:
        one = figures.replayed
        lines = [[str(one.lists), str(one.people), str(one.before), str(one.after), str(one.difference)]]
        head = ["lists", "people", "before", "after", "difference"]
        found.append(("Stored events: kept above rejected", head, lines))
    return found


def print_figures(figures: FeedbackFigures, console: Console | None = None) -> None:
    """Print the tables, then the notes."""
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    console = console or Terminal()
    console.print(Text(figures.about, style="bold"))
    for title, head, lines in _tables(figures):
        shown = Table(title=title, title_justify="left", pad_edge=False)
        for place, name in enumerate(head):
            shown.add_column(name, justify="left" if place < 2 else "right", overflow="fold")
        for line in lines:
            shown.add_row(*(Text(one_line(cell)) for cell in line))
        console.print(shown)
    console.print(Text("* differs from no feedback: p at most 0.05 after Holm", style="dim"))
    for note in figures.notes:
        console.print(Text(note, style="dim"))


def as_json(figures: FeedbackFigures) -> bytes:
    """The bytes of ``feedback.json``."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"


def save_figures(figures: FeedbackFigures, folder: Path | str) -> tuple[Path, Path]:
    """Write ``feedback.json`` and ``feedback.html``.

    Raises:
        OutputError: the place cannot be written to.
    """
    folder = Path(folder)
    body: list[Any] = ["<h1>Feedback</h1>", f'<p class="quiet">{safe(figures.about)}</p>']
    body += ["<ul>", *(f"<li>{safe(note)}</li>" for note in figures.notes), "</ul>"]
    for title, head, lines in _tables(figures):
        body += [f"<h2>{safe(title)}</h2>", table(head, lines, texts=(1,) if head[1] == "method" else ())]
    body.append('<p class="quiet">* differs from no feedback: p at most 0.05 after Holm.</p>')
    data, html = folder / "feedback.json", folder / "feedback.html"
    write_bytes(data, as_json(figures))
    write_bytes(html, page("Segue: feedback", body).encode())
    return data, html
