"""A report as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.evaluate.html import SIGNIFICANT, figure
from segue.evaluate.table import Report, Row

__all__ = ["print_tables"]

_SHORT_SLICES = {"title": ("all", "seen titles", "unseen titles"), "selection": ("all",)}


def print_tables(
    report: Report, console: Console | None, metrics: Sequence[str], slices: Sequence[str] | None = None
) -> None:
    """Print one table per slice; every text of others is plain text, never markup."""
    console = console or Console()
    shown = [m for m in metrics if m in report.metrics] or report.metrics[:4]
    wanted = slices or _SHORT_SLICES.get(report.protocol, tuple(report.slices))
    console.print(Text(f"{report.protocol} · {report.part} · {report.n_queries:,} playlists asked", style="bold"))
    if report.protocol == "challenge" and slices is None:
        for metric in shown[:2]:
            console.print(_grid(report, metric))
    else:
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
    for row in rows:
        name_cell = Text(row.method, style="bold" if row.method == report.reference else "")
        table.add_row(name_cell, *(_cell(row, metric) for metric in metrics))
    return table


def _grid(report: Report, metric: str) -> Table:
    """Scenarios against methods, one metric; a star is a difference from the reference."""
    table = Table(title=Text(metric), title_justify="left", pad_edge=False)
    table.add_column("scenario")
    table.add_column("n", justify="right")
    for method in report.methods:
        table.add_column(Text(method, style="bold" if method == report.reference else ""), justify="right")
    for name in report.slices:
        rows = [report.row(method, name) for method in report.methods]
        table.add_row(Text(name), f"{rows[0].n_queries:,}", *(_starred(row, metric) for row in rows))
    return table


def _starred(row: Row, metric: str) -> Text:
    found, versus = row.scores.get(metric), row.versus.get(metric)
    star = "*" if versus is not None and versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else " "
    return Text(figure(metric, None if found is None else found.mean) + star)


def _cell(row: Row, metric: str) -> Text:
    """Mean, how it compares with the reference, and below them the interval."""
    found, versus = row.scores.get(metric), row.versus.get(metric)
    cell = Text(figure(metric, None if found is None else found.mean))
    if versus is not None:
        star = "*" if versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else " "
        if versus.ratio.mean is not None:
            cell.append(f" ×{versus.ratio.mean:.2f}{star}")
        elif versus.difference.mean is not None:
            cell.append(f" {versus.difference.mean:+.2f}{star}")
    if found is not None and found.low is not None:
        cell.append(f"\n{figure(metric, found.low)} to {figure(metric, found.high)}", style="dim")
    return cell
