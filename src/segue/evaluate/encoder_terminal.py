"""A comparison of title encoders as tables in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.evaluate.encoder_table import Block, EncoderFigures
from segue.evaluate.html import SIGNIFICANT, figure
from segue.evaluate.table import Row
from segue.library.names import one_line

__all__ = ["print_figures"]

_WIDE = 112  # columns from which on ratios to the reference have room
_BESIDE = ("content_lift@66", "title_lift@66", "popularity_overlap@66", "list_diversity@66")


def print_figures(figures: EncoderFigures, console: Console | None = None) -> None:
    """Print both blocks, then what differs beside the hits, then the notes; all text of others is plain text."""
    console = console or Console()
    asked = f"{figures.n_queries:,} playlists asked, {figures.n_training:,} vote, {figures.k} at a time"
    console.print(Text(f"title encoders · {figures.part} · {asked}", style="bold"))
    for block in (figures.ours, figures.published):
        console.print()
        console.print(_text(block.title, "bold"))
        console.print(_text(block.explains, "dim"))
        for name in block.slices:
            console.print(_by_cut(block, name, figures.reference, console.width))
        if block is figures.ours:
            console.print(_beside(block, figures.reference))
    if figures.accuracy_overall:
        said = ", ".join(f"{name} {share:.1%}" for name, share in figures.accuracy_overall.items())
        console.print(_text(f"held-out titles nearest their own theme: {said}"))
    console.print(Text(f"* differs from {figures.reference}: p at most {SIGNIFICANT} after Holm", style="dim"))
    for note in figures.notes:
        console.print(_text(note, "dim"))


def _text(text: str, style: str = "") -> Text:
    return Text(one_line(text), style=style)


def _by_cut(block: Block, slice_name: str, reference: str | None, width: int) -> Table:
    """One line for each encoder and cut-off, one column for each metric that has cut-offs."""
    rows = [row for row in block.rows if row.slice == slice_name]
    split = [metric.split("@") for metric in block.metrics if metric not in _BESIDE and "@" in metric]
    cuts = [k for k in dict.fromkeys(k for _, k in split) if sum(cut == k for _, cut in split) > 1]
    names = [name for name in dict.fromkeys(name for name, _ in split) if f"{name}@{cuts[0]}" in block.metrics]
    names = [name for name in names if all(f"{name}@{k}" in block.metrics for k in cuts)]
    table = Table(title=_text(f"{slice_name} (n = {rows[0].n_queries:,})"), title_justify="left", pad_edge=False)
    table.add_column("encoder", overflow="fold")
    table.add_column("N", justify="right")
    for name in names:
        table.add_column(_text(name), justify="right")
    for row in rows:
        for place, k in enumerate(cuts):
            style = "bold" if row.method == reference else ""
            cells = [_cell(row, f"{name}@{k}", wide=width >= _WIDE) for name in names]
            last = place == len(cuts) - 1
            table.add_row(_text(row.method, style) if place == 0 else "", k, *cells, end_section=last)
    return table


def _beside(block: Block, reference: str | None) -> Table:
    """What the hits hide, one line for each encoder and slice."""
    metrics = [metric for metric in _BESIDE if metric in block.metrics]
    table = Table(title=Text("what the hits hide, in the first 66"), title_justify="left", pad_edge=False)
    longest = max(len(row.method) for row in block.rows)
    table.add_column("encoder", overflow="fold", min_width=min(longest, 16))
    table.add_column("titles")
    for metric in metrics:
        table.add_column(_text(metric.split("@")[0].replace("_", " ")), justify="right")
    for row in block.rows:
        style = "bold" if row.method == reference else ""
        short = row.slice.removesuffix(" titles")
        table.add_row(_text(row.method, style), _text(short), *(_cell(row, metric, wide=False) for metric in metrics))
    return table


def _cell(row: Row, metric: str, *, wide: bool) -> Text:
    found, versus = row.scores.get(metric), row.versus.get(metric)
    cell = Text(figure(metric, None if found is None else found.mean))
    if versus is not None:
        if wide and versus.ratio.mean is not None:
            cell.append(f" ×{versus.ratio.mean:.2f}")
        cell.append("*" if versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else " ")
    return cell
