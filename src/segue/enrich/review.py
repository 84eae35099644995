"""What people said of texts that nobody wrote by hand: verdicts that outlast the texts, and what they leave out.

A verdict is about a *text*, not about a playlist: a rejected text that is written again stays rejected, another text
about the same playlist is looked at anew. Verdicts on descriptions and summaries lie in the library's notes, those on
queries and grades in a file beside theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import polars as pl

from segue.errors import StoredDataError
from segue.library import Library
from segue.library.arrays import fingerprint
from segue.library.searching import Graded, SearchQuery, read_lines, write_lines
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS

__all__ = [
    "KINDS",
    "Kind",
    "Rejections",
    "Verdict",
    "accepted",
    "accepted_lines",
    "add_verdicts",
    "key_of",
    "line_key",
    "rejections_beside",
    "rejections_of",
    "verdicts_file",
    "with_verdicts",
]

Kind = Literal["playlist", "track", "query", "grade"]
KINDS: tuple[Kind, ...] = ("playlist", "track", "query", "grade")
_NOTE = "review"
Line = TypeVar("Line", SearchQuery, Graded)


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody said of a text.

    Args:
        kind: what the text is about, or is. id: of the playlist or track; of a query or grade, its playlist's.
        key: :func:`key_of` the text. verdict: of several about one text the last one counts. reason: may be empty.
    """

    kind: Kind
    id: str
    key: str
    verdict: Literal["accept", "reject"]
    reason: str = ""


def key_of(kind: Kind, id: str, text: str) -> str:
    """Digest of a text about something; case and spaces do not count.

    >>> key_of("playlist", "p1", "Calm  piano.") == key_of("playlist", "p1", "calm piano.")
    True
    """
    return fingerprint(kind, id, " ".join(text.split()).casefold())


def line_key(line: SearchQuery | Graded) -> str:
    """:func:`key_of` a query, or of a grade: query, playlist and grade, whatever the reason."""
    if isinstance(line, Graded):
        return key_of("grade", line.playlist_id, f"{line.grade} {line.query}")
    return key_of("query", line.playlist_id, line.query)


@dataclass(frozen=True)
class Rejections:
    """Which texts are left out everywhere, and which have been looked at.

    Args:
        verdicts: key of a text -> the last verdict on it.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Rejections:
        """Verdicts in the order in which they were given."""
        return cls({verdict.key: verdict for verdict in verdicts})

    def rejects(self, kind: Kind, id: str, text: str) -> bool:
        """Whether a text about something was rejected."""
        return self._rejected(key_of(kind, id, text))

    def rejects_line(self, line: SearchQuery | Graded) -> bool:
        """Whether a query was rejected, or a grade, or the query that was graded."""
        query = key_of("query", line.playlist_id, line.query)
        return self._rejected(line_key(line)) or self._rejected(query)

    def _rejected(self, key: str) -> bool:
        found = self.verdicts.get(key)
        return found is not None and found.verdict == "reject"

    def __or__(self, other: Rejections) -> Rejections:
        return Rejections({**self.verdicts, **other.verdicts})


def rejections_of(library: Library) -> Rejections:
    """The verdicts in a library's notes.

    Raises:
        StoredDataError: the notes are damaged.
    """
    try:
        return Rejections.of(msgspec.convert(library.notes.get(_NOTE, []), list[Verdict]))
    except msgspec.ValidationError as error:
        raise StoredDataError(f"the verdicts in the library's manifest.json are damaged ({error})") from error


def accepted(library: Library, *, also: Rejections | None = None) -> Library:
    """The library without the written texts, and what came with them, that somebody rejected.

    ``segue review --take`` empties these columns in the folder itself; this is for texts that were written since.
    What makers of playlists wrote is never touched.
    """
    rejections = rejections_of(library) | (also or Rejections())
    if not any(verdict.verdict == "reject" for verdict in rejections.verdicts.values()):
        return library
    playlists = _emptied(library.playlists, "playlist", "written", tuple(OPTIONAL_PLAYLIST_COLUMNS), rejections)
    tracks = _emptied(library.tracks, "track", "summary", ("summary", "summary_by"), rejections)
    if playlists is not None:
        library = library.with_playlist_columns(playlists)
    return library if tracks is None else library.with_track_columns(tracks)


def _emptied(
    table: pl.DataFrame, kind: Kind, text: str, columns: Sequence[str], rejections: Rejections
) -> pl.DataFrame | None:
    """The columns without rejected rows; None where nothing was rejected."""
    ids = {v.id for v in rejections.verdicts.values() if v.kind == kind and v.verdict == "reject"}
    if text not in table.columns or not ids:
        return None
    key = table.columns[0]
    held = (
        table.select(key, text).with_row_index("row").filter(pl.col(key).is_in(list(ids)), pl.col(text).is_not_null())
    )
    rows = [row for row, id, said in held.iter_rows() if rejections.rejects(kind, id, said)]
    if not rows:
        return None
    gone = pl.Series("gone", [False] * table.height, pl.Boolean).scatter(rows, True)
    there = [name for name in columns if name in table.columns]
    return table.select(pl.when(gone).then(None).otherwise(pl.col(name)).alias(name) for name in there)


def with_verdicts(library: Library, verdicts: Iterable[Verdict]) -> Library:
    """The library with further verdicts in its notes, and without the texts that they reject."""
    all_of_them = rejections_of(library) | Rejections.of(verdicts)
    notes: dict[str, Any] = {**library.notes, _NOTE: msgspec.to_builtins(list(all_of_them.verdicts.values()))}
    return accepted(replace(library, notes=notes))


def verdicts_file(path: Path | str) -> Path:
    """Where the verdicts on a file of queries or grades lie: beside it.

    >>> verdicts_file("a/queries.jsonl").name
    'queries.reviewed.jsonl'
    """
    path = Path(path)
    return path.with_name(f"{path.stem}.reviewed.jsonl")


def rejections_beside(path: Path | str) -> Rejections:
    """The verdicts on a file of queries or grades; none where there is no such file.

    Raises:
        SourceError: the file of verdicts is damaged.
    """
    beside = verdicts_file(path)
    return Rejections.of(read_lines(beside, Verdict)) if beside.is_file() else Rejections()


def add_verdicts(path: Path | str, verdicts: Iterable[Verdict]) -> Rejections:
    """Add verdicts to those beside a file of queries or grades; all of them."""
    together = rejections_beside(path) | Rejections.of(verdicts)
    write_lines(verdicts_file(path), tuple(together.verdicts.values()))
    return together


def accepted_lines(path: Path | str, kind: type[Line], *, also: Rejections | None = None) -> list[Line]:
    """Read a file of queries or grades without what somebody rejected.

    Args:
        also: further verdicts, such as those on the queries that were graded.

    Raises:
        SourceError: a file is damaged.
    """
    rejections = rejections_beside(path) | (also or Rejections())
    return [line for line in read_lines(path, kind) if not rejections.rejects_line(line)]
