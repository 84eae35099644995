"""What playlist search learns from and is measured with: queries, graded answers, logged clicks; as JSON lines.

A file holds one object a line, UTF-8, the fields of the class by name; unknown fields are refused, so that a file of
another kind is noticed. Files are written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from segue.errors import SourceError
from segue.library.arrays import write_bytes

__all__ = ["STYLES", "Click", "Graded", "SearchQuery", "read_lines", "write_lines"]

STYLES = ("benchmark", "keyword", "natural", "paraphrase", "activity", "mood", "logged", "title")
"""How a query is written. ``benchmark``: by people, about this playlist; ``title``: another playlist's title."""
_MOST_LINE = 1_000_000  # bytes; a line is a query, not a book


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query for one playlist.

    Args:
        query: as somebody would type it. playlist_id: the playlist that it is about.
        style: one of :data:`STYLES`. by: who wrote it: "people", "templates-1", or a model with its prompt's version.
    """

    query: str
    playlist_id: str
    style: str
    by: str


class Graded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well a playlist answers a query.

    Args:
        grade: 0 (not at all) to 3 (exactly). reason: why, in a sentence; may be empty.
        by: who graded: a person's name, "stand-in:...", or a model with its prompt's version.
    """

    query: str
    playlist_id: str
    grade: int
    reason: str
    by: str

    def __post_init__(self) -> None:
        if self.grade not in (0, 1, 2, 3):
            raise ValueError(f"grade is {self.grade}; it must be 0, 1, 2 or 3")


class Click(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A playlist that was shown for a logged query.

    Args:
        time: unix seconds.
    """

    query: str
    playlist_id: str
    clicked: bool
    time: float


Line = TypeVar("Line", bound=msgspec.Struct)


def read_lines(path: Path | str, kind: type[Line]) -> list[Line]:
    """Read a file of JSON lines; empty lines are passed over.

    Raises:
        SourceError: it cannot be read, or a line is not of this kind; the message names the line.
    """
    path = Path(path)
    found = []
    decoder = msgspec.json.Decoder(kind)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                if len(line) > _MOST_LINE:
                    raise SourceError("a line is too long", path=path, position=f"line {number}")
                try:
                    found.append(decoder.decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    reason = f"is no {kind.__name__}: {error}"
                    raise SourceError(reason, path=path, position=f"line {number}") from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", path=path) from error
    return found


def write_lines(path: Path | str, lines: Sequence[msgspec.Struct] | Iterable[msgspec.Struct]) -> None:
    """Write a file of JSON lines, atomically.

    Raises:
        OutputError: the place cannot be written to.
    """
    write_bytes(Path(path), b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
