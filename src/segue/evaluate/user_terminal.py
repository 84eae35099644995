"""A report on listeners as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.evaluate.html import SIGNIFICANT
from segue.evaluate.table import Row, Score, Versus
from segue.evaluate.user_table import UserFigures, ViewRow
from segue.library.names import one_line

__all__ = ["percent", "print_user_figures", "verdict"]

_WIDE = 120  # columns from which on intervals have room


def print_user_figures(figures: UserFigures, console: Console | None = None) -> None:
    """Print the slices, whom the lists show, the comparison of views, then the notes; names are plain text."""
    console = console or Console()
    wide = console.width >= _WIDE
    asked = f"{figures.n_users:,} users asked for {figures.n_held_out:,} tracks among {figures.n_tracks:,}"
    console.print(Text(f"listeners · {figures.part} · {asked}", style="bold"))
    for metric in figures.metrics:
        console.print(_by_slice(figures, metric, wide=wide))
    for row in figures.not_below:
        console.print(_text(verdict(row.slice, row.method, row.other, row.metric, holds=row.holds, above=row.above)))
    if figures.fairness and figures.catalogue:
        console.print(_shown(figures))
    if figures.views:
        console.print(_views(figures.views, figures.metrics[0], wide=wide))
    if not wide:
        console.print(Text("intervals are in the report, too wide for here", style="dim"))
    if figures.reference:
        said = f"percent; * differs from {figures.reference}: p at most {SIGNIFICANT} after Holm"
        console.print(_text(said, "dim"))
    for note in figures.notes:
        console.print(_text(note, "dim"))


def percent(value: float | None) -> str:
    """A share as people read it.

    >>> percent(0.1234), percent(None)
    ('12.3', '-')
    """
    return "-" if value is None else f"{100 * value:.1f}"


def verdict(where: str, method: str, other: str, metric: str, *, holds: bool, above: bool) -> str:
    """What a test of "not below" says, as a sentence."""
    said = ("above" if above else "not below") if holds else "NOT shown to be not below"
    return f"{where}: {method} is {said} {other} ({metric})"


def _text(text: str, style: str = "") -> Text:
    return Text(one_line(text), style=style)


def _by_slice(figures: UserFigures, metric: str, *, wide: bool) -> Table:
    """Methods against slices, one metric, intervals below where there is room."""
    table = Table(title=_text(f"{metric}, percent"), title_justify="left", pad_edge=False)
    table.add_column("method", overflow="fold")
    for name in figures.slices:
        n = next(row.n_queries for row in figures.rows if row.slice == name)
        table.add_column(_text(f"{name} (n = {n:,})"), justify="right")
    for method in figures.methods:
        style = "bold" if method == figures.reference else ""
        cells = (_cell(figures.row(method, name), metric, wide=wide) for name in figures.slices)
        table.add_row(_text(method, style), *cells)
    return table


def _cell(row: Row, metric: str, *, wide: bool) -> Text:
    return _bounded(row.scores.get(metric), row.versus.get(metric), wide=wide)


def _shown(figures: UserFigures) -> Table:
    """Shares of the places in the lists by regime and by least popular artists, lift, inequality."""
    assert figures.catalogue is not None
    table = Table(title=Text("who is shown, percent of places"), title_justify="left", pad_edge=False)
    table.add_column("method", overflow="fold")
    names = list(figures.catalogue.regimes)
    rare = next(iter(figures.catalogue.quintiles))
    for name in (*names, f"{rare} of artists", "popularity lift", "Gini", "tracks shown"):
        table.add_column(_text(name), justify="right")
    base = figures.catalogue
    shares = [percent(base.regimes[name]) for name in names]
    table.add_row("(catalogue)", *shares, percent(base.quintiles[rare]), "", "", "", style="dim")
    for one in figures.fairness:
        cells = [percent(one.shares.regimes[name]) for name in names]
        lift = "-" if one.lift.mean is None else f"{one.lift.mean:.2f}"
        gini = "-" if one.gini is None else f"{one.gini:.3f}"
        rarely = percent(one.shares.quintiles[rare])
        table.add_row(_text(one.method), *cells, rarely, lift, gini, percent(one.shown))
    return table


def _views(views: Sequence[ViewRow], metric: str, *, wide: bool) -> Table:
    """One line for each view of each catalogue."""
    title = f"views, {metric} in percent; * differs from the first view of its catalogue and share"
    table = Table(title=_text(title), title_justify="left", pad_edge=False)
    slices = list(dict.fromkeys(name for row in views for name in row.scores))
    for name in ("catalogue", "share", "view"):
        table.add_column(name, overflow="fold")
    for name in (*slices, "likeness", "best epoch"):
        table.add_column(_text(name), justify="right")
    for row in views:
        cells = (_bounded(row.scores.get(name, {}).get(metric), row.versus.get(name), wide=wide) for name in slices)
        best = "-" if row.best_epoch is None else f"{row.best_epoch} of {row.epochs}"
        like = Text("-" if row.likeness.mean is None else f"{row.likeness.mean:.3f}")
        table.add_row(_text(row.library), f"{row.share} %", _text(row.view), *cells, like, best)
    return table


def _bounded(found: Score | None, versus: Versus | None, *, wide: bool) -> Text:
    cell = Text(percent(None if found is None else found.mean))
    cell.append("*" if versus is not None and versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else " ")
    if wide and found is not None and found.low is not None:
        cell.append(f"\n{percent(found.low)} to {percent(found.high)}", style="dim")
    return cell
