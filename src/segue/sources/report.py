"""What an ingest says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["IngestReport", "Skipped", "lines"]

_EXAMPLES = 20  # collisions and ignored files named one by one; the rest is counted


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out whole, and why."""

    file: str
    reason: str
    position: str | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Counts of what came in, and everything that did not come in as it was.

    Args:
        files: files ingested. formats: the same by format.
        playlists, tracks, rows: size of the library.
        skipped: damaged files, left out whole.
        duplicates: file -> the file with the same content that was taken instead.
        renamed: number of playlists whose id was taken already; ``renamed_examples``: [old id, new id].
        ignored: number of files of no known format; ``ignored_examples``: their paths.
        notes: sentence -> how often, for what was changed or left out inside files.
        music: what came of files of music, see :class:`~segue.sources.local_files.LocalMusic`; None without any.
        closed: folders that cannot be looked into.
    """

    files: int
    playlists: int
    tracks: int
    rows: int
    formats: dict[str, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)
    renamed: int = 0
    renamed_examples: list[tuple[str, str]] = field(default_factory=list)
    ignored: int = 0
    ignored_examples: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    music: dict[str, Any] | None = None
    closed: list[str] = field(default_factory=list)

    def as_notes(self) -> dict[str, Any]:
        """The report as JSON-ready values, examples capped; goes into ``library.notes["ingest"]``."""
        values = asdict(self)
        values["renamed_examples"] = [list(pair) for pair in self.renamed_examples[:_EXAMPLES]]
        values["ignored_examples"] = self.ignored_examples[:_EXAMPLES]
        values["closed"] = self.closed[:_EXAMPLES]
        return values


def lines(report: IngestReport | Mapping[str, Any]) -> list[str]:
    """The report as sentences for a terminal; takes a report or what ``as_notes`` made of it.

    >>> lines(IngestReport(files=1, playlists=2, tracks=3, rows=1_000, formats={"mpd": 1}))
    ['1 file (1 mpd): 2 playlists, 3 tracks, 1,000 rows']
    """
    r = report.as_notes() if isinstance(report, IngestReport) else report
    formats = ", ".join(f"{n:,} {name}" for name, n in r["formats"].items())
    said = [
        f"{_count(r['files'], 'file')}{f' ({formats})' if formats else ''}: {_count(r['playlists'], 'playlist')}, "
        f"{_count(r['tracks'], 'track')}, {_count(r['rows'], 'row')}"
    ]
    if r.get("music"):
        said += _of_music(r["music"])
    if r.get("closed"):
        said.append(f"folders that cannot be looked into: {', '.join(r['closed'][:3])}")
    for skipped in r["skipped"]:
        where = f" ({skipped['position']})" if skipped.get("position") else ""
        said.append(f"left out {skipped['file']}: {skipped['reason']}{where}")
    for file, other in r["duplicates"].items():
        said.append(f"left out {file}: {'given twice' if file == other else f'the same content as {other}'}")
    if r["renamed"]:
        examples = ", ".join(f"{old} -> {new}" for old, new in r["renamed_examples"][:3])
        said.append(f"{_count(r['renamed'], 'playlist id')} met before, renamed by source: {examples}")
    if r["ignored"]:
        said.append(
            f"{_count(r['ignored'], 'file')} of no known format ignored: {', '.join(r['ignored_examples'][:3])}"
        )
    said += [f"{sentence} ({n:,} x)" for sentence, n in r["notes"].items()]
    return said


def _of_music(music: Mapping[str, Any]) -> list[str]:
    """What came of files of music."""
    ways = ("read", "unchanged", "moved", "gone", "repeated", "untagged")
    words = {
        "read": "read now", "moved": "moved since", "repeated": "given twice", "untagged": "named after their places",
    }  # fmt: skip
    told = ", ".join(f"{music[way]:,} {words.get(way, way)}" for way in ways if music[way])
    said = [f"{_count(music['files'], 'file')} of music" + (f": {told}" if told else "")]
    said += [f"left out {failed['file']}: {failed['reason']}" for failed in music["examples"]]
    more = music["failed"] - len(music["examples"])
    if more > 0:
        said.append(f"left out {_count(more, 'more file')} of music that cannot be read")
    return said


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
