"""A track as services are asked for it, and what became of looking up its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from segue.services.client import DAY
from segue.sources.lyrics_text import lyrics_of
from segue.sources.outside import MAX_LYRICS

__all__ = ["MOST_CHARACTERS", "LyricsFound", "Status", "Wanted", "keep", "read_text"]

Status: TypeAlias = Literal["found", "instrumental", "not_found", "blocked", "error"]

MOST_CHARACTERS = 300
"""Of a name in a request: an address cannot be much longer, and no service knows a longer name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A track to look up; ``seconds`` is its length, None where unknown."""

    name: str
    artist: str
    album: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LyricsFound:
    """What became of a look-up.

    Args:
        status: one of :data:`~segue.library.tables.LYRICS_STATUS`.
        text: the words where it is "found", else empty.
        source: which service said so; None where none did.
    """

    status: Status
    text: str = ""
    source: str | None = None

    def __post_init__(self) -> None:
        if (self.status == "found") != bool(self.text.strip()):
            raise ValueError(f"lyrics that are {self.status} with {len(self.text)} characters of text")


def keep(found: LyricsFound) -> float:
    """Seconds for which to remember it: words stay, but what nobody has today somebody may write down tomorrow."""
    return 30 * DAY if found.status == "not_found" else 365 * DAY


def read_text(raw: str, source: str) -> LyricsFound:
    """What a service's text says: words, that there are none, or nothing.

    >>> read_text("[Chorus]\\nla la", "lrclib").text, read_text("[Instrumental]", "lrclib").status
    ('la la', 'instrumental')
    """
    found = lyrics_of(raw.replace("\0", ""))
    text = found.text[:MAX_LYRICS].encode("utf-8", "replace").decode().strip()
    if found.status == "instrumental":
        return LyricsFound("instrumental", source=source)
    return LyricsFound("found", text, source) if found.status == "found" and text else LyricsFound("not_found")
