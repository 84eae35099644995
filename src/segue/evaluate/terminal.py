"""A report as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.evaluate.html import SIGNIFICANT, figure
from segue.evaluate.table import Report, Row

__all__ = ["print_tables"]

_SHORT_SLICES = ("all", "seen titles", "unseen titles")


def print_tables(
    report: Report, console: Console | None, metrics: Sequence[str], slices: Sequence[str] | None = None
) -> None:
    """Print one table per slice; every text of others is plain text, never markup."""
    console = console or Console()
    shown = [m for m in metrics if m in report.metrics] or report.metrics[:4]
    wanted = slices or (_SHORT_SLICES if report.protocol == "title" else report.slices)
    console.print(Text(f"{report.protocol} · {report.part} · {report.n_queries:,} playlists asked", style="bold"))
    for name in (s for s in wanted if s in report.slices):
        rows = [row for row in report.rows if row.slice == name]
        if rows:
            console.print(_table(report, rows, name, shown))
    for row in report.not_below:
        verdict = ("above" if row.above else "not below") if row.holds else "NOT shown to be not below"
        console.print(Text(f"{row.slice}: {row.method} is {verdict} {row.other} ({row.metric})"))
    for note in report.notes:
        console.print(Text(note, style="dim"))


def _table(report: Report, rows: Sequence[Row], name: str, metrics: Sequence[str]) -> Table:
    table = Table(title=Text(f"{name} (n = {rows[0].n_queries:,})"), title_justify="left", pad_edge=False)
    table.add_column("method")
    for metric in metrics:
        table.add_column(Text(metric), justify="right")
        table.add_column(Text("95 %"), justify="right")
        if report.reference is not None:
            table.add_column(Text("ratio"), justify="right")
    for row in rows:
        cells = [Text(row.method, style="bold" if row.method == report.reference else "")]
        for metric in metrics:
            cells += _cells(report, row, metric)
        table.add_row(*cells)
    return table


def _cells(report: Report, row: Row, metric: str) -> list[Text]:
    found, versus = row.scores.get(metric), row.versus.get(metric)
    cells = [Text(figure(metric, None if found is None else found.mean))]
    bounds = ""
    if found is not None and found.low is not None:
        bounds = f"{figure(metric, found.low)} {figure(metric, found.high)}"
    cells.append(Text(bounds, style="dim"))
    if report.reference is not None:
        ratio = None if versus is None else versus.ratio.mean
        star = " *" if versus is not None and versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else ""
        cells.append(Text("" if ratio is None or ratio < 0 else f"{ratio:.2f}{star}"))
    return cells
