"""A report as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.evaluate.html import SIGNIFICANT, figure
from segue.evaluate.table import Report, Row
from segue.library.names import one_line

__all__ = ["print_tables"]

_SHORT_SLICES = {"title": ("all", "seen titles", "unseen titles"), "selection": ("all",)}


def print_tables(
    report: Report, console: Console | None, metrics: Sequence[str], slices: Sequence[str] | None = None
) -> None:
    """Print one table per slice; every text of others is plain text, never markup."""
    console = console or Console()
    shown = [m for m in metrics if m in report.metrics] or report.metrics[:4]
    missing: dict[str, None] = {}
    wanted = slices or _SHORT_SLICES.get(report.protocol, tuple(report.slices))
    console.print(_text(f"{report.protocol} · {report.part} · {report.n_queries:,} playlists asked", "bold"))
    if report.protocol == "challenge" and slices is None:
        for metric in shown[:2]:
            console.print(_grid(report, metric))
    else:
        for name in (s for s in wanted if s in report.slices):
            rows = [row for row in report.rows if row.slice == name]
            if rows:
                fitting = _fitting(rows, shown, console.width)
                missing.update(dict.fromkeys(shown[len(fitting) :]))
                console.print(_table(report, rows, name, fitting))
    if missing:
        console.print(Text(f"in the report, too wide for here: {', '.join(missing)}", style="dim"))
    for row in report.not_below:
        verdict = ("above" if row.above else "not below") if row.holds else "NOT shown to be not below"
        console.print(_text(f"{row.slice}: {row.method} is {verdict} {row.other} ({row.metric})"))
    for note in report.notes:
        console.print(_text(note, "dim"))


def _text(text: str, style: str = "") -> Text:
    return Text(one_line(text), style=style)


def _fitting(rows: Sequence[Row], metrics: Sequence[str], width: int) -> Sequence[str]:
    """The first metrics whose columns fit; one in any case."""
    left = width - min(max(len(row.method) for row in rows), 24) - 4
    for n, metric in enumerate(metrics):
        cells = [line for row in rows for line in _cell(row, metric).plain.splitlines()]
        left -= max(map(len, [metric, *cells])) + 3
        if left < 0:
            return metrics[: max(n, 1)]
    return metrics


def _table(report: Report, rows: Sequence[Row], name: str, metrics: Sequence[str]) -> Table:
    table = Table(title=_text(f"{name} (n = {rows[0].n_queries:,})"), title_justify="left", pad_edge=False)
    table.add_column("method", overflow="fold")
    for metric in metrics:
        table.add_column(_text(metric), justify="right")
    for row in rows:
        name_cell = _text(row.method, "bold" if row.method == report.reference else "")
        table.add_row(name_cell, *(_cell(row, metric) for metric in metrics))
    return table


def _grid(report: Report, metric: str) -> Table:
    """Scenarios against methods, one metric; a star is a difference from the reference."""
    table = Table(title=_text(metric), title_justify="left", pad_edge=False)
    table.add_column("scenario", overflow="fold")
    table.add_column("n", justify="right")
    for method in report.methods:
        table.add_column(_text(method, "bold" if method == report.reference else ""), justify="right")
    for name in report.slices:
        rows = [report.row(method, name) for method in report.methods]
        table.add_row(_text(name), f"{rows[0].n_queries:,}", *(_starred(row, metric) for row in rows))
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
