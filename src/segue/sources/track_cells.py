"""Cells of tables about tracks, as strangers write them: names of keys, decimal commas, lists in brackets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import polars as pl

from segue.library.tables import LYRICS_STATUS
from segue.sources.cells import Column, truth
from segue.sources.text import MAX_CHARACTERS

__all__ = [
    "artist_of", "is_explicit", "key_of", "metre_of", "mode_of", "number_in", "numbers", "read_cells", "status_of",
    "tags_of", "year_of",
]  # fmt: skip

T = TypeVar("T")

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_NOTE = re.compile(r"([A-G])\s*([#♯b♭]?)\s*(major|minor|maj|min|m)?", re.IGNORECASE)
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MODES = {"major": 1.0, "maj": 1.0, "minor": 0.0, "min": 0.0}
_METRE = re.compile(r"(\d)/4")
_LISTED = re.compile(r"""^\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")
_SPLIT = re.compile(r"\s*[;|]\s*|\s*,\s*(?=[^()]*(?:\(|$))")


def artist_of(cell: str | None) -> str:
    """The artist of a cell; of a list in brackets or with semicolons the first.

    >>> artist_of("['Mamie Smith', 'Others']"), artist_of("Gen Hoshino;Others"), artist_of("Earth, Wind & Fire")
    ('Mamie Smith', 'Gen Hoshino', 'Earth, Wind & Fire')
    """
    if cell is None:
        return ""
    cell = cell[:MAX_CHARACTERS]
    found = _LISTED.match(cell)
    if found:
        return re.sub(r"\\(.)", r"\1", found[1] or found[2] or "").strip()
    return cell.split(";")[0].strip()


def read_cells(values: Column, read: Callable[[str], T | None], what: str, notes: Counter[str]) -> list[T | None]:
    """Read all cells; what cannot be read is None and counted."""
    made: list[T | None] = []
    bad = 0
    for value in values:
        if value is None or not value.strip():
            made.append(None)
            continue
        try:
            made.append(read(value.strip()))
        except (ValueError, OverflowError):
            made.append(None)
            bad += 1
    if bad:
        notes[f"{what}: cells that cannot be read, left out"] += bad
    return made


def numbers(values: Column, read: Callable[[str], float | None], what: str, notes: Counter[str]) -> pl.Series:
    """Cells as float64; ``read`` is asked where a cell is no plain number, what it refuses is null and counted."""
    texts = pl.Series(what, values, pl.String).str.strip_chars()
    plain = texts.cast(pl.Float64, strict=False).fill_nan(None)
    rest = (plain.is_null() & texts.is_not_null()).arg_true()
    if not rest.len():
        return plain
    return plain.scatter(rest, pl.Series(read_cells(texts[rest].to_list(), read, what, notes), dtype=pl.Float64))


def number_in(cell: str) -> float | None:
    """A number; "nan", "null" and the like are none.

    >>> number_in("0,5"), number_in("-5.2"), number_in("N/A")
    (0.5, -5.2, None)
    """
    if cell.casefold() in ("nan", "null", "none", "na", "n/a", "-", "?", "unknown"):
        return None
    return float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)


def key_of(cell: str) -> float | None:
    """A key as 0 (C) to 11, or as its name.

    >>> key_of("5"), key_of("C#"), key_of("B♭ minor")
    (5.0, 1.0, 10.0)
    """
    found = _NOTE.fullmatch(cell)
    if found is None:
        return number_in(cell)
    sign = {"": 0, "#": 1, "♯": 1}.get(found[2], -1)
    return float((_SEMITONES[found[1].lower()] + sign) % 12)


def mode_of(cell: str) -> float | None:
    """A mode as 1 (major) or 0, or as its name."""
    known = _MODES.get(cell.casefold())
    return number_in(cell) if known is None else known


def metre_of(cell: str) -> float | None:
    """Beats a bar as a number, or as "4/4"."""
    found = _METRE.fullmatch(cell)
    return float(found[1]) if found else number_in(cell)


def year_of(cell: str) -> int | None:
    """The first year of a date in any order; None where there is none."""
    found = _YEAR.search(cell[:40])
    return int(found[1]) if found else None


def is_explicit(cell: str) -> bool:
    """Whether a track is marked as explicit; a cleaned one is not."""
    return False if cell.casefold() == "cleaned" else truth(cell)


def status_of(cell: str) -> str | None:
    """A status of lyrics.

    Raises:
        ValueError: no such status.
    """
    if cell not in LYRICS_STATUS:
        raise ValueError(cell)
    return cell


def tags_of(text: str) -> list[str]:
    """Tags of a cell, each once.

    >>> tags_of("rock;indie rock | rock"), tags_of("['pop', 'dance pop']")
    (['rock', 'indie rock'], ['pop', 'dance pop'])
    """
    text = text[:MAX_CHARACTERS]
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else _SPLIT.split(text)
    return list(dict.fromkeys(tag for part in parts if (tag := part.strip(" \t'\""))))
