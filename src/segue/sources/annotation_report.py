"""What an annotation says at its end: what was matched, how, what was filled, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.sources.report import Skipped

__all__ = ["AnnotationReport", "SourceReport", "lines"]


@dataclass(frozen=True)
class SourceReport:
    """What one source gave.

    Args:
        source: its name. format: what it was read as.
        match: :meth:`~segue.sources.match.Match.as_notes`.
        filled: column -> tracks whose value was null (or, overwriting, another) before.
        notes: sentence -> how often, for cells and files that were left out.
    """

    source: str
    format: str
    match: dict[str, Any]
    filled: dict[str, int]
    notes: dict[str, int]


@dataclass(frozen=True, eq=False)
class AnnotationReport:
    """What was matched and filled, and what was not.

    Args:
        tracks, rows: size of the library; rows are (playlist or user, track) pairs.
        sources: one each, in the order in which they were read.
        coverage: column -> [tracks before, tracks after, share of rows before, share of rows after].
        missing: int32 rows of tracks that no source knew.
        skipped: damaged files, left out whole. ignored: number of files of no known kind; ``ignored_examples``.
    """

    tracks: int
    rows: int
    sources: tuple[SourceReport, ...]
    coverage: dict[str, tuple[int, int, float, float]]
    missing: NDArray[np.int32]
    skipped: tuple[Skipped, ...] = ()
    ignored: int = 0
    ignored_examples: tuple[str, ...] = ()

    @property
    def filled(self) -> int:
        """Values that are new."""
        return sum(sum(source.filled.values()) for source in self.sources)

    def as_notes(self) -> dict[str, Any]:
        """The report as JSON-ready values, examples capped."""
        return {
            "tracks": self.tracks,
            "rows": self.rows,
            "missing": len(self.missing),
            "sources": [
                {"source": s.source, "format": s.format, "match": s.match, "filled": s.filled, "notes": s.notes}
                for s in self.sources
            ],
            "coverage": {
                name: {"tracks": [a, b], "rows": [round(c, 4), round(d, 4)]}
                for name, (a, b, c, d) in self.coverage.items()
            },
            "skipped": [{"file": s.file, "reason": s.reason, "position": s.position} for s in self.skipped],
            "ignored": self.ignored,
            "ignored_examples": list(self.ignored_examples),
        }


def lines(report: AnnotationReport) -> list[str]:
    """The report as sentences for a terminal."""
    said = []
    for source in report.sources:
        by = ", ".join(f"{n:,} by {name}" for name, n in source.match["by"].items()) or "none"
        said.append(
            f"{source.source} ({source.format}, {_counted(source.match['rows'], 'row')}): "
            f"{source.match['matched']:,} of {_counted(report.tracks, 'track')} matched ({by}), "
            f"{_counted(source.match['unused'], 'row')} unused"
        )
        if source.match["ambiguous"]:
            examples = "; ".join(source.match["ambiguous_examples"][:3])
            said.append(
                f"  {_counted(source.match['ambiguous'], 'track')} fitted several rows, the most popular or first "
                f"one was taken{f': {examples}' if examples else ''}"
            )
        said += [f"  {sentence} ({n:,} x)" for sentence, n in source.notes.items()]
    for left_out in report.skipped:
        where = f" ({left_out.position})" if left_out.position else ""
        said.append(f"left out {left_out.file}: {left_out.reason}{where}")
    if report.ignored:
        said.append(
            f"{_counted(report.ignored, 'file')} of no known kind ignored: {', '.join(report.ignored_examples[:3])}"
        )
    if len(report.missing):
        said.append(f"in no source: {len(report.missing):,} of {_counted(report.tracks, 'track')}")
    if not report.filled:
        said.append("nothing new")
    return said


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
