"""Views by name: what a text encoder reads of a track, written as a short word."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from segue.errors import InputError
from segue.library.arrays import fingerprint
from segue.views.text import Rows, name, name_artist, text_column

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["DEFAULT_WORDS", "Excerpt", "View", "excerpt", "view_of"]

Excerpt = Literal["first", "random", "last"]
DEFAULT_WORDS = 25  # as published, for summaries and lyrics alike
_MOST_WORDS = 2_000
_HELP = "write name, name_artist, artist, tags, summary, lyrics, lyrics:50 or lyrics:25:last, joined by '+'"


@dataclass(frozen=True)
class View:
    """A named way to make one text of each track; ``spec`` says how, and parts joined by "+" stand side by side."""

    spec: str

    @property
    def fingerprint(self) -> str:
        """Digest of the way the texts are made."""
        return fingerprint("view", self.spec)

    def texts(self, library: Library, rows: Rows = None) -> list[str]:
        """One text for each track, all of them or the given rows; empty where nothing is known."""
        parts = [_part(spec)(library, rows) for spec in self.spec.split("+")]
        return [" ".join(filter(None, texts)) for texts in zip(*parts, strict=True)]


def view_of(spec: str) -> View:
    """The view that a word describes.

    Raises:
        InputError: the word means nothing.

    >>> view_of("name + lyrics").spec
    'name+lyrics:25:first'
    """
    return View("+".join(_whole(part.strip(), spec) for part in spec.split("+")))


def excerpt(text: str, n: int, which: Excerpt = "first") -> str:
    """``n`` consecutive words of a text: its first, its last, or from a place that the text itself decides.

    >>> excerpt("a b c d", 2), excerpt("a b c d", 2, "last"), excerpt("a b", 5, "random")
    ('a b', 'c d', 'a b')
    """
    words = text.split()
    if which == "last":
        return " ".join(words[-n:])
    begin = (
        random.Random(fingerprint(text)).randrange(len(words) - n + 1) if which == "random" and len(words) > n else 0
    )
    return " ".join(words[begin : begin + n])


def _whole(part: str, spec: str) -> str:
    """A part with its defaults written out."""
    kind, *options = part.split(":")
    if kind in ("name", "name_artist", "artist", "tags") and not options:
        return kind
    if kind in ("summary", "lyrics") and len(options) <= 2:
        n, which = [*options, str(DEFAULT_WORDS), "first"][:2] if not options else [*options, "first"][:2]
        if n.isascii() and n.isdecimal() and 0 < int(n) <= _MOST_WORDS and which in get_args(Excerpt):
            return f"{kind}:{int(n)}:{which}"
    raise InputError(f"{spec!r} is no view of tracks; {_HELP}")


def _part(part: str) -> Callable[[Library, Rows], list[str]]:
    kind, *options = part.split(":")
    if kind == "name":
        return name
    if kind == "name_artist":
        return name_artist
    if not options:
        return lambda library, rows: text_column(library, kind, rows)
    n, which = int(options[0]), options[1]
    return lambda library, rows: [excerpt(text, n, which) for text in text_column(library, kind, rows)]  # type: ignore[arg-type]
