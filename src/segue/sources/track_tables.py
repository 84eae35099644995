"""CSV and Parquet tables about tracks: audio features, item tables, lyrics, summaries; one reader for all of them.

The tables of others are full of holes, so a cell that cannot be read is null and counted, never an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import polars as pl

from segue.errors import SourceError
from segue.library.tables import LYRICS_STATUS
from segue.sources.cells import Column, milliseconds, seconds, truth
from segue.sources.delimited import csv_cells, parquet_cells
from segue.sources.lyrics_text import lyrics_of
from segue.sources.match import id_key
from segue.sources.outside import ANNOTATED, Names, Outside, outside_of
from segue.sources.text import MAX_CHARACTERS, canonical_id
from segue.sources.track_headers import FEATURES, track_columns_of

__all__ = ["collapsed", "read_track_table"]

T = TypeVar("T")

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_NOTE = re.compile(r"([A-G])\s*([#♯b♭]?)\s*(major|minor|maj|min|m)?", re.IGNORECASE)
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MODES = {"major": 1.0, "maj": 1.0, "minor": 0.0, "min": 0.0}
_METRE = re.compile(r"(\d)/4")
_LISTED = re.compile(r"""^\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")
_SPLIT = re.compile(r"\s*[;|]\s*|\s*,\s*(?=[^()]*(?:\(|$))")
_KEYS = ("track_id", "isrc", "mbid", "name", "location")
_TOLD = frozenset(ANNOTATED) | {"duration", "synced_lyrics", "instrumental"}


def read_track_table(data: bytes, kind: str, label: str) -> Outside:
    """Read a table whose rows are tracks, by the headers of :mod:`~segue.sources.track_headers`.

    Rows of one track id are one row: of each column the first known value, of genres all, as tags. Keys and modes may
    be written as words ("C#", "Minor"), metres as "4/4", shares as percent under a header with "%".

    Args:
        kind: "csv" or "parquet".

    Raises:
        SourceError: damaged, no column that tells tracks apart, or none that says anything about them.
    """
    notes: Counter[str] = Counter()
    percent: frozenset[str] = frozenset()

    def choose(headers: Sequence[str], label: str) -> dict[str, int]:
        nonlocal percent
        chosen, percent = track_columns_of(headers)
        return _checked(chosen, headers, label)

    if kind == "parquet":
        _, cells, _ = parquet_cells(data, choose, label, nested=True)
    else:
        _, cells, _ = csv_cells(data, choose, label, notes)
    n = len(next(iter(cells.values())))
    none: Column = [None] * n
    artists = [_artist(a) for a in cells.get("artist", none)]
    names = [_names(n, a) for n, a in zip(cells.get("name", none), artists, strict=True)]
    ids = _ids(cells, none)
    values = _values(cells, percent, names, label, notes)
    if not values:
        raise SourceError("the columns about tracks are all empty", path=label)
    is_features = bool(set(values) & set(FEATURES))
    found = outside_of(
        label,
        "audio features" if is_features else "lyrics" if "lyrics_status" in values else "item table",
        values,
        notes,
        names=names,
        track_ids=ids,
        isrcs=cells.get("isrc", none),
        stems=cells.get("location", none),
        popularity=_read(cells.get("popularity", none), _number, "popularity", notes),
    )
    return collapsed(found)


def _checked(chosen: dict[str, int], headers: Sequence[str], label: str) -> dict[str, int]:
    shown = ", ".join(h[:40] for h in headers[:8])
    if not any(key in chosen for key in (*_KEYS, "id")):
        reason = f"wrong schema: no column tells which track a row is about; the header is: {shown}"
        raise SourceError(reason, path=label, position="header")
    if not _TOLD & (set(chosen) - {"name", "artist"}):
        reason = f"wrong schema: no audio features, genres, lyrics or summaries; the header is: {shown}"
        raise SourceError(reason, path=label, position="header")
    return chosen


def _ids(cells: dict[str, Column], none: Column) -> Column:
    """Addresses: a column "id" counts where it holds them and not the numbers of rows."""
    ids = cells.get("track_id")
    if ids is None and "id" in cells and any(canonical_id(i).startswith("spotify:") for i in cells["id"] if i):
        ids = cells["id"]
    return [a or b for a, b in zip(ids or none, cells.get("mbid", none), strict=True)]


def _artist(cell: str | None) -> str:
    """The artist of a cell; of a list in brackets or with semicolons the first.

    >>> _artist("['Mamie Smith', 'Others']"), _artist("Gen Hoshino;Others"), _artist("Earth, Wind & Fire")
    ('Mamie Smith', 'Gen Hoshino', 'Earth, Wind & Fire')
    """
    if cell is None:
        return ""
    cell = cell[:MAX_CHARACTERS]
    found = _LISTED.match(cell)
    if found:
        return re.sub(r"\\(.)", r"\1", found[1] or found[2] or "").strip()
    return cell.split(";")[0].strip()


def _names(name: str | None, artist: str) -> Names:
    return ((name[:MAX_CHARACTERS], artist),) if name else ()


def _read(values: Column, read: Callable[[str], T | None], what: str, notes: Counter[str]) -> list[T | None]:
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


def _number(cell: str) -> float | None:
    """A number; "nan", "null" and the like are none.

    >>> _number("0,5"), _number("-5.2"), _number("N/A")
    (0.5, -5.2, None)
    """
    if cell.casefold() in ("nan", "null", "none", "na", "n/a", "-", "?", "unknown"):
        return None
    return float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)


def _key(cell: str) -> float | None:
    """A key as 0 (C) to 11, or as its name.

    >>> _key("5"), _key("C#"), _key("B♭ minor")
    (5.0, 1.0, 10.0)
    """
    found = _NOTE.fullmatch(cell)
    if found is None:
        return _number(cell)
    sign = {"": 0, "#": 1, "♯": 1}.get(found[2], -1)
    return float((_SEMITONES[found[1].lower()] + sign) % 12)


def _mode(cell: str) -> float | None:
    known = _MODES.get(cell.casefold())
    return _number(cell) if known is None else known


def _metre(cell: str) -> float | None:
    found = _METRE.fullmatch(cell)
    return float(found[1]) if found else _number(cell)


def _year(cell: str) -> int | None:
    found = _YEAR.search(cell[:40])
    return int(found[1]) if found else None


def _truth(cell: str) -> bool:
    return False if cell.casefold() == "cleaned" else truth(cell)


def _status(cell: str) -> str | None:
    if cell not in LYRICS_STATUS:
        raise ValueError(cell)
    return cell


def _values(
    cells: dict[str, Column], percent: frozenset[str], names: list[Names], label: str, notes: Counter[str]
) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = {}
    readers = {"key": _key, "mode": _mode, "time_signature": _metre}
    for name in FEATURES:
        if name in cells:
            read = _read(cells[name], readers.get(name, _number), name, notes)
            values[name] = [v and v / 100 for v in read] if name in percent else read
    for name, to, reader in (
        ("year", "year", _year),
        ("duration", "duration_ms", seconds),
        ("duration_ms", "duration_ms", milliseconds),
        ("explicit", "explicit", _truth),
    ):
        if name in cells:
            values[to] = _read(cells[name], reader, name, notes)
    for name in ("album", "genre", "tags", "summary", "isrc"):
        if name in cells:
            values[name] = cells[name]
    if "genre" in values and "tags" not in values:
        values["tags"] = list(values["genre"])
    if "tags" in values:
        values["tags"] = [tags and "; ".join(_tags(tags)) for tags in values["tags"]]
    if "name" in cells and set(values):
        values["name"] = [n[0][0] if n else None for n in names]
        values["artist"] = [n[0][1] or None if n else None for n in names]
    values.update(_lyrics(cells, label, notes))
    return values


def _tags(text: str) -> list[str]:
    """Tags of a cell, each once.

    >>> _tags("rock;indie rock | rock"), _tags("['pop', 'dance pop']")
    (['rock', 'indie rock'], ['pop', 'dance pop'])
    """
    text = text[:MAX_CHARACTERS]
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else _SPLIT.split(text)
    return list(dict.fromkeys(tag for part in parts if (tag := part.strip(" \t'\""))))


def _lyrics(cells: dict[str, Column], label: str, notes: Counter[str]) -> dict[str, list[Any]]:
    """The three columns of lyrics; a cell without words says nothing unless another column does."""
    if not {"lyrics", "synced_lyrics", "instrumental", "lyrics_status"} & set(cells):
        return {}
    n = len(next(iter(cells.values())))
    none: Column = [None] * n
    said = _read(cells.get("lyrics_status", none), _status, "lyrics_status", notes)
    silent = _read(cells.get("instrumental", none), truth, "instrumental", notes)
    texts: list[str | None] = []
    statuses: list[str | None] = []
    for plain, synced, status, is_silent in zip(
        cells.get("lyrics", none), cells.get("synced_lyrics", none), said, silent, strict=True
    ):
        cleaned = lyrics_of(plain or synced or "")
        if cleaned.status == "found":
            texts.append(cleaned.text)
            statuses.append("found")
            continue
        texts.append(None)
        if (plain or synced) and cleaned.status is None:
            notes["lyrics without a word, left out"] += 1
        statuses.append("instrumental" if is_silent or cleaned.status else None if status == "found" else status)
    sources = cells.get("lyrics_source", none)
    where = [s and (given or label) for s, given in zip(statuses, sources, strict=True)]
    return {"lyrics": texts, "lyrics_status": statuses, "lyrics_source": where}


def collapsed(outside: Outside) -> Outside:
    """The same rows with those of one track id as one: the first known value of each column, all tags."""
    keys = [id_key(i) for i in outside.track_ids]
    rows: dict[str, int] = {}
    groups: list[int] = []
    for i, key in enumerate(keys):
        groups.append(rows.setdefault(key if key is not None else f"\n{i}", len(rows)))
    if len(rows) == len(keys):
        return outside
    first = [-1] * len(rows)
    popularity: list[float | None] = [None] * len(rows)
    for i, group in enumerate(groups):
        if first[group] < 0:
            first[group] = i
        known, best = outside.popularity[i], popularity[group]
        if known is not None:
            popularity[group] = known if best is None else max(known, best)
    grouped = outside.values.with_columns(pl.Series("\n", groups, pl.Int64)).group_by("\n", maintain_order=True)
    values = grouped.agg(
        pl.col("tags").drop_nulls().str.split("; ").explode().unique(maintain_order=True).str.join("; ")
        if name == "tags"
        else pl.col(name).drop_nulls().first()
        for name in outside.values.columns
    ).drop("\n")
    if "tags" in values.columns:
        values = values.with_columns(pl.when(pl.col("tags") != "").then(pl.col("tags")).alias("tags"))
    return Outside(
        label=outside.label,
        format=outside.format,
        values=values,
        track_ids=[outside.track_ids[i] for i in first],
        isrcs=[outside.isrcs[i] for i in first],
        names=[outside.names[i] for i in first],
        stems=[outside.stems[i] for i in first],
        popularity=popularity,
        notes=outside.notes,
    )
