"""CSV and Parquet tables about tracks: audio features, item tables, lyrics, summaries; one reader for all of them.

The tables of others are full of holes, so a cell that cannot be read is null and counted, never an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from segue.errors import SourceError
from segue.sources.cells import Column, milliseconds, seconds, truth
from segue.sources.delimited import csv_cells, parquet_cells
from segue.sources.lyrics_text import lyrics_of
from segue.sources.match_keys import id_key
from segue.sources.outside import ANNOTATED, Names, Outside, is_descriptor, outside_of
from segue.sources.text import MAX_CHARACTERS, canonical_id
from segue.sources.track_cells import (
    artist_of,
    is_explicit,
    key_of,
    metre_of,
    mode_of,
    number_in,
    numbers,
    read_cells,
    status_of,
    tags_of,
    year_of,
)
from segue.sources.track_headers import FEATURES, track_columns_of

__all__ = ["collapsed", "read_track_table"]

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
    names = [_names(n, a) for n, a in zip(cells.get("name", none), cells.get("artist", none), strict=True)]
    ids = _ids(cells, none)
    values = _values(cells, percent, names, label, notes)
    is_features = any(name in FEATURES or is_descriptor(name) for name in values)
    found = outside_of(
        label,
        "audio features" if is_features else "lyrics" if "lyrics_status" in values else "item table",
        values,
        notes,
        names=names,
        track_ids=ids,
        isrcs=cells.get("isrc", none),
        stems=cells.get("location", none),
        popularity=numbers(cells.get("popularity", none), number_in, "popularity", notes).to_list(),
    )
    if set(found.values.columns) <= {"name", "artist"}:
        raise SourceError("says nothing about any track: all cells are empty or cannot be read", path=label)
    return collapsed(found)


def _checked(chosen: dict[str, int], headers: Sequence[str], label: str) -> dict[str, int]:
    shown = ", ".join(h[:40] for h in headers[:8])
    if not any(key in chosen for key in (*_KEYS, "id")):
        reason = f"wrong schema: no column tells which track a row is about; the header is: {shown}"
        raise SourceError(reason, path=label, position="header")
    if not any(name in _TOLD or is_descriptor(name) for name in chosen if name not in ("name", "artist")):
        reason = f"wrong schema: no audio features, genres, lyrics or summaries; the header is: {shown}"
        raise SourceError(reason, path=label, position="header")
    return chosen


def _ids(cells: dict[str, Column], none: Column) -> Column:
    """Addresses: a column "id" counts where it holds them and not the numbers of rows."""
    ids = cells.get("track_id")
    if ids is None and "id" in cells and any(canonical_id(i).startswith("spotify:") for i in cells["id"] if i):
        ids = cells["id"]
    return [a or b for a, b in zip(ids or none, cells.get("mbid", none), strict=True)]


def _names(name: str | None, artist: str | None) -> Names:
    """The first of several artists first; but a name may hold the sign that separates them."""
    if not name:
        return ()
    cell = (artist or "")[:MAX_CHARACTERS]
    return tuple((name[:MAX_CHARACTERS], each) for each in dict.fromkeys((artist_of(cell), cell.strip())))


def _values(
    cells: dict[str, Column], percent: frozenset[str], names: list[Names], label: str, notes: Counter[str]
) -> dict[str, Any]:
    """Columns of values; the cells of numbers are used up."""
    values: dict[str, Any] = {}
    readers = {"key": key_of, "mode": mode_of, "time_signature": metre_of}
    for name in list(cells):
        if name in FEATURES or is_descriptor(name):
            # the cells of a million tracks take a gigabyte, their numbers a tenth of it
            read = numbers(cells.pop(name), readers.get(name, number_in), name, notes)
            values[name] = read / 100 if name in percent else read
    for name, to, reader in (
        ("year", "year", year_of),
        ("duration", "duration_ms", seconds),
        ("duration_ms", "duration_ms", milliseconds),
        ("explicit", "explicit", is_explicit),
    ):
        if name in cells:
            values[to] = read_cells(cells[name], reader, name, notes)
    for name in ("album", "genre", "tags", "summary", "isrc"):
        if name in cells:
            values[name] = cells[name]
    if "genre" in values and "tags" not in values:
        values["tags"] = list(values["genre"])
    if "tags" in values:
        values["tags"] = [tags and "; ".join(tags_of(tags)) for tags in values["tags"]]
    if "name" in cells and set(values):
        values["name"] = [n[0][0] if n else None for n in names]
        values["artist"] = [n[0][1] or None if n else None for n in names]
    values.update(_lyrics(cells, label, notes))
    return values


def _lyrics(cells: dict[str, Column], label: str, notes: Counter[str]) -> dict[str, list[Any]]:
    """The three columns of lyrics; a cell without words says nothing unless another column does."""
    if not {"lyrics", "synced_lyrics", "instrumental", "lyrics_status"} & set(cells):
        return {}
    n = len(next(iter(cells.values())))
    none: Column = [None] * n
    said = read_cells(cells.get("lyrics_status", none), status_of, "lyrics_status", notes)
    silent = read_cells(cells.get("instrumental", none), truth, "instrumental", notes)
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
