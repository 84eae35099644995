"""CSV and Parquet tables with one row per track of a playlist -> piece."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.errors import SourceError
from segue.sources.cells import Column, each, floats, milliseconds, seconds, truth, whole
from segue.sources.delimited import csv_cells, parquet_cells
from segue.sources.headers import columns_of, fold_header
from segue.sources.piece import Piece, first_rows, number_of, piece_of
from segue.sources.text import file_title, track_id_of

__all__ = ["read_csv_bytes", "read_parquet_bytes"]

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_COMMA = re.compile(r"(?<!\\),\s*")
_SEVERAL = {"artist name s", "artist s", "artists", "artist names", "artist s name", "album artist name s"}


def read_csv_bytes(data: bytes, *, label: str) -> Piece:
    """Read a CSV: separator ',' ';' or tab, any header of :mod:`~segue.sources.headers`, any usual encoding.

    Without a playlist column the file is one playlist and its name the title. Cells that a spreadsheet guard
    ("'=...") precedes lose it.

    Raises:
        SourceError: no header that names tracks, a row longer than the header, quotes that never end.
    """
    notes: Counter[str] = Counter()
    headers, columns, chosen = csv_cells(data, _chosen, label, notes)
    return _piece(columns, headers, chosen, "csv", label, notes)


def read_parquet_bytes(data: bytes, *, label: str) -> Piece:
    """Read a Parquet table with the same headers as a CSV; lists of artists or genres are joined.

    Raises:
        SourceError: damaged, or no column that names tracks.
    """
    headers, columns, chosen = parquet_cells(data, _chosen, label)
    return _piece(columns, headers, chosen, "parquet", label, Counter())


def _chosen(headers: Sequence[str], label: str) -> dict[str, int]:
    chosen = columns_of(headers)
    if "track_id" not in chosen and "name" not in chosen:
        shown = ", ".join(h[:40] for h in headers[:8])
        reason = f"wrong schema: no column names tracks (such as 'Track URI' or 'Track Name'); the header is: {shown}"
        raise SourceError(reason, path=label, position="header")
    if "name" not in chosen and not {"playlist_id", "title", "artist", "position"} & set(chosen):
        headers_of_ids = headers[chosen["track_id"]].casefold()
        if "track" not in headers_of_ids and "uri" not in headers_of_ids and "spotify" not in headers_of_ids:
            reason = "wrong schema: neither track names nor track addresses"
            raise SourceError(reason, path=label, position="header")
    return chosen


def _piece(
    columns: dict[str, Column],
    headers: Sequence[str],
    chosen: dict[str, int],
    format: str,
    label: str,
    notes: Counter[str],
) -> Piece:
    n = len(next(iter(columns.values())))
    none: Column = [None] * n
    names = columns.get("name", none)
    artists = columns.get("artist", none)
    if "artist" in chosen and fold_header(headers[chosen["artist"]]) in _SEVERAL:
        addresses = columns.get("artist_id", none)
        artists = [_main_artist(a, c) for a, c in zip(artists, addresses, strict=True)]
    given = columns.get("track_id", none)
    ids = [track_id_of(u, t, a) for u, t, a in zip(given, names, artists, strict=True)]
    kept = [i for i, track_id in enumerate(ids) if track_id is not None]
    if len(kept) < n:
        notes["rows without a track uri or name, left out"] += n - len(kept)
    codes, distinct = number_of([i for i in ids if i is not None])
    keys = [key or "" for key in columns.get("playlist_id") or columns.get("title") or none]
    playlist_codes, playlist_keys = number_of(keys)
    order = _order(playlist_codes, columns.get("position"), label)
    track_of = np.full(n, -1, np.int64)
    track_of[kept] = codes
    indices = track_of[order]
    lengths = np.bincount(playlist_codes[np.array(kept, np.int64)], minlength=len(playlist_keys))
    fields = _track_columns(columns, names, artists, label)
    gathered = {
        name: _first_known([values[i] for i in kept], codes, len(distinct)) for name, values in fields.items()
    }
    return piece_of(
        label,
        format,
        track_ids=distinct,
        tracks=gathered,
        playlists=_playlist_columns(columns, playlist_codes, playlist_keys, label),
        lengths=lengths,
        indices=indices[indices >= 0].astype(np.int32),
        notes=notes,
    )


def _order(playlists: Any, position: Column | None, label: str) -> Any:
    """Row order: by playlist in order of first occurrence, inside it by position or as in the file."""
    if position is None:
        return np.argsort(playlists, kind="stable")
    return np.lexsort((floats(position, "position", label), playlists))


def _first_known(values: list[Any], codes: Any, n: int) -> list[Any]:
    """The first value that is not None for each code."""
    found = [values[i] for i in first_rows(codes, n).tolist()] if n else []
    if None in found:
        later: dict[int, Any] = {}
        for code, value in zip(codes.tolist(), values, strict=True):
            if value is not None:
                later.setdefault(code, value)
        found = [later.get(i) if value is None else value for i, value in enumerate(found)]
    return found


def _main_artist(artist: str | None, addresses: str | None) -> str | None:
    """The first of several artists: split at ';', or at ',' where the addresses beside them say how many there are.

    "Earth, Wind & Fire" is one artist, so a comma alone splits nothing; Exportify writes a comma inside a name
    as "\\,".
    """
    if artist is None:
        return None
    if ";" in artist:
        return artist.split(";")[0].strip() or None
    names = _COMMA.split(artist)
    if addresses and 1 < len(names) == len(re.split(r"[,;]", addresses)):
        artist = names[0]
    return artist.replace("\\,", ",")


def _track_columns(columns: dict[str, Column], names: Column, artists: Column, label: str) -> dict[str, list[Any]]:
    fields: dict[str, list[Any]] = {"name": names, "artist": artists}
    for name in ("album", "album_id", "genre", "location"):
        if name in columns:
            fields[name] = columns[name]
    if "artist_id" in columns:
        fields["artist_id"] = [v and re.split(r"[,;]", v)[0].strip() for v in columns["artist_id"]]
    if "year" in columns:
        fields["year"] = [int(found[1]) if v and (found := _YEAR.search(v)) else None for v in columns["year"]]
    if "duration_ms" in columns:
        fields["duration_ms"] = each(columns["duration_ms"], milliseconds, "the duration in ms", label)
    elif "duration" in columns:
        fields["duration_ms"] = each(columns["duration"], seconds, "the duration", label)
    if "explicit" in columns:
        fields["explicit"] = each(columns["explicit"], truth, "explicit", label)
    return fields


def _playlist_columns(columns: dict[str, Column], codes: Any, keys: list[str], label: str) -> dict[str, list[Any]]:
    if "playlist_id" not in columns and "title" not in columns:
        return {"playlist_id": [label], "title": [file_title(label)]}
    first = first_rows(codes, len(keys)).tolist()
    made: dict[str, list[Any]] = {"playlist_id": [key or label for key in keys]}
    if "title" in columns:
        made["title"] = [columns["title"][i] for i in first]
    for name, read in (
        ("description", str),
        ("collaborative", truth),
        ("modified_at", whole),
        ("num_followers", whole),
    ):
        if name in columns:
            made[name] = each([columns[name][i] for i in first], read, name, label)
    return made
