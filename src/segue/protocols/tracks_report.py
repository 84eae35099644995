"""The report of the same-playlist protocol: terminal, JSON, page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, as_svg, label, panels
from segue.evaluate.page import figures as drawn_figures
from segue.evaluate.page import page, safe, table
from segue.library.arrays import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

__all__ = ["KS", "TrackFigures", "TrackReport", "TrackRow", "TrackScore"]

KS = (10, 50)
_SIGNIFICANT = 0.05


class TrackScore(msgspec.Struct, frozen=True):
    """A mean with its 95 % interval; null where there is nothing to average."""

    mean: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.mean is None:
            return "-"
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


class TrackRow(msgspec.Struct, frozen=True):
    """One method, slice and metric, and how it compares with the reference; ``p`` is corrected by Holm."""

    method: str
    slice: str
    metric: str
    score: TrackScore
    difference: TrackScore | None = None
    ratio: float | None = None
    p: float | None = None

    @property
    def verdict(self) -> str:
        """ "+" or "-" where the difference is significant, else empty."""
        if self.p is None or self.p > _SIGNIFICANT or self.difference is None or self.difference.mean is None:
            return ""
        return "+" if self.difference.mean > 0 else "-"


class TrackFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What ``tracks.json`` holds.

    Args:
        slices: name -> query tracks. triplets: method -> accuracy, for methods that have vectors.
        weights: of the track model's halves, and of a shared artist.
    """

    part: str
    library: str
    model: str
    reference: str
    n_tracks: int
    n_training: int
    n_held_out: int
    weights: dict[str, float]
    slices: dict[str, int]
    rows: list[TrackRow]
    triplets: dict[str, TrackScore]
    notes: list[str]

    @property
    def methods(self) -> list[str]:
        """Names in the order of the rows."""
        return list(dict.fromkeys(row.method for row in self.rows))

    def row(self, method: str, slice_name: str, metric: str) -> TrackRow:
        """One row.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if (row.method, row.slice, row.metric) == (method, slice_name, metric):
                return row
        raise KeyError((method, slice_name, metric))

    @property
    def about(self) -> str:
        """What was asked, in one sentence or two."""
        weights = ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        return (
            f"{self.n_held_out:,} {self.part} playlists, {self.n_training:,} training playlists, {self.n_tracks:,} "
            f"tracks; compared with {self.reference!r} by paired bootstrap over playlists, Holm over the methods. "
            f"Weights of the track model: {weights}."
        )


@dataclass(frozen=True, eq=False)
class TrackReport:
    """A finished report.

    Args:
        values: method -> metric -> value of each query track, float64 ``(q,)``. queries: their rows, int32 ``(q,)``.
    """

    figures: TrackFigures
    values: Mapping[str, Mapping[str, NDArray[np.float64]]]
    queries: NDArray[np.int32]

    def print(self, console: Console | None = None) -> None:
        """Print one table a slice."""
        from rich import box  # imported late: terminals only
        from rich.console import Console
        from rich.table import Table

        console = console or Console(width=None)
        metrics = [f"recall@{k}" for k in KS]
        for name, n in self.figures.slices.items():
            shown = Table(title=f"{name} ({n:,} tracks)", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
            shown.add_column("method")
            for metric in metrics:
                shown.add_column(metric, justify="right", no_wrap=True)
                shown.add_column("", width=1)
            for method in self.figures.methods:
                cells = [method]
                for metric in metrics:
                    row = self.figures.row(method, name, metric)
                    cells += [str(row.score), row.verdict]
                shown.add_row(*cells)
            console.print(shown)
        console.print("triplet accuracy: " + "; ".join(f"{k} {v}" for k, v in self.figures.triplets.items()))
        console.print(self.figures.about)

    def save(self, folder: Path | str) -> tuple[Path, Path]:
        """Write ``tracks.json`` and ``tracks.html``.

        Raises:
            OutputError: the place cannot be written to.
        """
        as_json, as_html = Path(folder) / "tracks.json", Path(folder) / "tracks.html"
        write_bytes(as_json, msgspec.json.format(msgspec.json.encode(self.figures), indent=1) + b"\n")
        write_bytes(as_html, to_html(self.figures).encode())
        return as_json, as_html


def to_html(figures: TrackFigures) -> str:
    """The page; without matplotlib it has no plot and says so."""
    body = [
        "<h1>Tracks that share playlists</h1>",
        f'<p class="quiet">{safe(figures.about)} Library {safe(figures.library)}, model {safe(figures.model)}.</p>',
        "<ul>" + "".join(f"<li>{safe(note)}</li>" for note in figures.notes) + "</ul>",
    ]
    try:
        svg = as_svg(lambda figure: _draw(figure, figures), (9.5, 0.36 * len(figures.methods) + 1.1), "recall")
        reading = "Means with 95 % intervals; the reference is grey. Query tracks in training playlists, and in none."
        body += drawn_figures([(f"recall@{KS[-1]}", reading, svg)])
    except MissingDependency as error:
        body.append(f'<p class="quiet">{safe(str(error))}.</p>')
    for name, n in figures.slices.items():
        lines = []
        for method in figures.methods:
            cells: list[object] = [method]
            for k in KS:
                row = figures.row(method, name, f"recall@{k}")
                ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
                p = "" if row.p is None else f"{row.p:.3f}"
                cells += [str(row.score), ratio, p, row.verdict]
            lines.append(cells)
        head = ["method"]
        for k in KS:
            head += [f"recall@{k}", "ratio", "p", ""]
        body += [f"<h2>{safe(name)}, {n:,} tracks</h2>", table(head, lines)]
    triplets = [[name, str(score)] for name, score in figures.triplets.items()]
    body += ["<h2>Triplet accuracy</h2>", table(["method", "nearer to a track of the same playlist"], triplets)]
    return page("Segue: tracks that share playlists", body)


def _draw(figure: Figure, figures: TrackFigures) -> None:
    chosen: list[str] = [name for name in ("in training playlists", "in none") if name in figures.slices] or ["all"]
    methods = figures.methods[::-1]
    for axes, name in zip(panels(figure, len(chosen), share_y=True), chosen, strict=True):
        for place, method in enumerate(methods):
            score = figures.row(method, name, f"recall@{KS[-1]}").score
            if score.mean is None or score.low is None or score.high is None:
                continue
            colour = REFERENCE_COLOUR if method == figures.reference else COLOURS[0]
            axes.plot([score.low, score.high], [place, place], color=colour, linewidth=2)
            axes.plot([score.mean], [place], "o", color=colour, markersize=5)
        axes.set_yticks(range(len(methods)), [label(method) for method in methods])
        axes.set_title(label(name), fontsize=9)
        axes.set_xlabel(f"recall@{KS[-1]}")
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#e6e6e6")
