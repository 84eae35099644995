"""The search protocol in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.evaluate.search_table import SearchFigures
from segue.library.names import one_line

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_search"]

_SHOWN = ("recall@1", "recall@3", "recall@10", "mrr@10", "ndcg@10")
_MAIN = "recall@10"


def print_search(figures: SearchFigures, console: Console | None = None) -> None:
    """Print two tables for each set of queries: means, and changes of recall@10 over each reference."""
    from rich import box  # imported late: terminals only
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = console or Console(width=None)
    for queries in figures.sets:
        shown = Table(title=Text(one_line(queries.title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        shown.add_column("method")
        for metric in _SHOWN:
            shown.add_column(metric, justify="right", no_wrap=metric == _MAIN)
        for row in queries.rows:
            cells = [
                (str(row.scores[metric]) if metric == _MAIN else f"{row.scores[metric].mean or 0:.3f}")
                for metric in _SHOWN
            ]
            shown.add_row(Text(one_line(row.name)), *cells)
        console.print(shown)
        changes = Table(title=f"change of {_MAIN}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        changes.add_column("method")
        for role, name in queries.references.items():
            over = role if role == name else f"{role} ({name})"
            changes.add_column(Text(one_line(f"over {over}")), justify="right")
        for row in queries.rows:
            cells = [str(row.against[role][_MAIN]) if role in row.against else "" for role in queries.references]
            changes.add_row(Text(one_line(row.name)), *cells)
        console.print(changes)
        for reason, n in queries.left_out.items():
            console.print(Text(f"left out: {n:,} {one_line(reason)}"))
    for note in (figures.about, *figures.notes):
        console.print(Text(one_line(note)))
