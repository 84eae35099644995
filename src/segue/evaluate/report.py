"""Where a report goes: the terminal, JSON, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from segue.evaluate.html import to_html
from segue.evaluate.stored import load_figures_of
from segue.evaluate.table import REPORT_VERSION, Report
from segue.library.arrays import write_bytes

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["SHORT_METRICS", "load_report", "print_report", "save_report", "to_html", "to_json"]

SHORT_METRICS = ("r_precision", "ndcg@500", "precision@10", "clicks", "content_lift@66")


def to_json(report: Report) -> bytes:
    """The report as indented JSON; the shape is :class:`~segue.evaluate.table.Report`, the same input gives the same
    bytes."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def save_report(report: Report, folder: Path | str) -> tuple[Path, Path]:
    """Write ``report.json`` and ``report.html`` into a folder, each atomically.

    Raises:
        OutputError: the place cannot be written to.
    """
    folder = Path(folder)
    as_json, as_html = folder / "report.json", folder / "report.html"
    write_bytes(as_json, to_json(report))
    write_bytes(as_html, to_html(report).encode())
    return as_json, as_html


def load_report(path: Path | str) -> Report:
    """Read a ``report.json``.

    Raises:
        StoredDataError: it is missing, damaged, or of a newer format.
    """
    return load_figures_of(path, Report, kind="segue report", version=REPORT_VERSION, what="report")


def print_report(
    report: Report,
    console: Console | None = None,
    *,
    metrics: Sequence[str] = SHORT_METRICS,
    slices: Sequence[str] | None = None,
) -> None:
    """Print the short table: per slice and method the main metrics, and the ratio to the reference.

    Args:
        metrics, slices: what to show; by default the main metrics, and of a title report all, seen and unseen titles,
            of others everything.
    """
    from segue.evaluate.terminal import print_tables  # imported late: rich is for terminals only

    print_tables(report, console, metrics, slices)
