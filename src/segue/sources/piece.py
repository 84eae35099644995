"""What one file becomes: columns, not objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library.tables import PLAYLIST_COLUMNS, TRACK_COLUMNS
from segue.sources.text import MAX_CHARACTERS

__all__ = ["TRACK_FIELDS", "Columns", "Piece", "first_rows", "number_of", "piece_of"]

Columns: TypeAlias = Mapping[str, Sequence[Any] | pl.Series]

TRACK_FIELDS: Mapping[str, type[pl.DataType]] = {k: v for k, v in TRACK_COLUMNS.items() if k != "track_id"}
_LIMITS = {
    "duration_ms": (0, 2**31 - 1),
    "year": (1, 9_999),
    "num_followers": (0, 2**31 - 1),
    "modified_at": (0, 2**62),
}


@dataclass(frozen=True, eq=False)
class Piece:
    """Tracks, playlists and their rows of one file; a pure function of its content.

    Args:
        label: the file's name in reports, distinct within one ingest.
        format: "mpd", "jsonl", "csv", "parquet", "m3u", "xspf", "jspf" or "tables".
        track_ids: tracks of the file; an id may occur twice, the merge joins them.
        carries: which fields of tracks the file has at all.
        gather: rows of ``track_ids`` (int64) -> table of :data:`TRACK_FIELDS`. Called for the tracks that other files
            have not described already; at a million MPD playlists those are 1 of 15.
        playlists: columns of :data:`~segue.library.tables.PLAYLIST_COLUMNS`; ids may collide,
            the merge tells them apart.
        indptr, indices: int64 ``(n_playlists + 1,)`` and int32, rows of ``track_ids`` in order, duplicates kept.
        notes: sentence -> how often; what was changed or left out inside the file, complete after ``gather``.
    """

    label: str
    format: str
    track_ids: list[str]
    carries: frozenset[str]
    gather: Callable[[NDArray[np.int64]], pl.DataFrame]
    playlists: pl.DataFrame
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    notes: Counter[str] = field(default_factory=Counter)

    def closed(self) -> Piece:
        """The same piece with all fields gathered: what a process pool can send."""
        return replace(self, gather=_Gathered(self.gather(np.arange(len(self.track_ids)))))


@dataclass(frozen=True, eq=False)
class _Gathered:
    table: pl.DataFrame

    def __call__(self, rows: NDArray[np.int64]) -> pl.DataFrame:
        return self.table[rows]


def number_of(keys: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Number keys in order of first occurrence: int32 numbers ``(n,)`` and the distinct keys.

    >>> number_of(["b", "a", "b"])[0].tolist()
    [0, 1, 0]
    """
    # One look-up a key: a missing key takes the next number while it is looked up.
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(numbers.__getitem__, keys), np.int32, len(keys))
    return codes, list(numbers)


def first_rows(codes: NDArray[np.integer], n: int) -> NDArray[np.int64]:
    """Where each of the codes 0 ... n - 1 occurs first; int64 ``(n,)``. Every code must occur."""
    first = np.empty(n, np.int64)
    # Of repeated targets the last assignment stays, so assign backwards.
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def piece_of(
    label: str,
    format: str,
    *,
    track_ids: list[str],
    tracks: Columns | Callable[[NDArray[np.int64]], Columns],
    playlists: Columns,
    lengths: Sequence[int] | NDArray[np.integer],
    indices: NDArray[np.int32],
    notes: Counter[str],
    carries: frozenset[str] | None = None,
) -> Piece:
    """Put a piece together from columns.

    Args:
        label, format: as in :class:`Piece`.
        track_ids: distinct or not.
        tracks: columns of all tracks, or a function that gathers the columns of given rows (then ``carries`` is due).
        playlists: columns; ``source`` is filled in.
        lengths: of the playlists, ``(n_playlists,)``.
        indices: rows of ``track_ids``.
        notes: what was noted so far; grows.
        carries: fields that the file has.
    """
    n = len(playlists["playlist_id"])
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.asarray(lengths, np.int64), out=indptr[1:])
    gather: Callable[[NDArray[np.int64]], pl.DataFrame]
    if callable(tracks):
        source = tracks

        def gather(rows: NDArray[np.int64]) -> pl.DataFrame:
            return _table(source(rows), TRACK_FIELDS, len(rows), notes)
    else:
        table = _table(tracks, TRACK_FIELDS, len(track_ids), notes)
        carries = frozenset(name for name in TRACK_FIELDS if table[name].null_count() < table.height)
        gather = _Gathered(table)
    return Piece(
        label=label,
        format=format,
        track_ids=_clean_ids(track_ids, notes),
        carries=carries if carries is not None else frozenset(TRACK_FIELDS),
        gather=gather,
        playlists=_table({**playlists, "source": [label] * n}, PLAYLIST_COLUMNS, n, notes),
        indptr=indptr,
        indices=indices,
        notes=notes,
    )


def _clean_ids(ids: list[str], notes: Counter[str]) -> list[str]:
    text = "\n".join(ids)
    if "\0" in text or max(map(len, ids), default=0) > MAX_CHARACTERS:
        notes["track ids with NUL characters or of more than 2,000 characters, mended"] += 1
        return [i.replace("\0", "\ufffd")[:MAX_CHARACTERS] for i in ids]
    return ids


def _table(
    columns: Columns, dtypes: Mapping[str, type[pl.DataType]], height: int, notes: Counter[str]
) -> pl.DataFrame:
    """A table with the fixed columns; numbers out of range become null and are counted."""
    made: dict[str, pl.Series] = {}
    for name, dtype in dtypes.items():
        values = columns.get(name)
        if values is None:
            made[name] = pl.Series(name, [], dtype).extend_constant(None, height)
        elif name in _LIMITS:
            made[name] = _within(name, values, *_LIMITS[name], notes).cast(dtype)
        else:
            made[name] = pl.Series(name, values, dtype)
    return _clean(pl.DataFrame(made), notes, ids=("playlist_id",))


def _within(name: str, values: Sequence[Any] | pl.Series, low: int, high: int, notes: Counter[str]) -> pl.Series:
    try:
        column = pl.Series(name, values, pl.Int64)
    except (OverflowError, TypeError):  # beyond 64 bits
        column = pl.Series(name, [v if v is None or abs(v) < 2**63 else -1 for v in values], pl.Int64)
    inside = column.is_between(low, high)
    bad = column.len() - int(inside.sum()) - column.null_count()
    if bad:
        notes[f"{name}: outside {low} ... {high}, dropped"] += bad
        column = column.to_frame().select(pl.when(inside).then(pl.col(name)).alias(name)).to_series()
    return column


def _clean(table: pl.DataFrame, notes: Counter[str], *, ids: tuple[str, ...] = ()) -> pl.DataFrame:
    """Make every text column storable and short: empty -> null, NUL -> U+FFFD, cut at 2,000 characters; count it.

    Columns named in ``ids`` are never nulled.
    """
    changed = []
    for name, dtype in table.schema.items():
        if dtype != pl.String:
            continue
        column = table[name]
        # Bytes bound characters from above and are known without reading the text.
        if (column.str.len_bytes().max() or 0) > MAX_CHARACTERS:  # type: ignore[operator]
            long = int((column.str.len_chars() > MAX_CHARACTERS).sum())
            if long:
                notes[f"{name}: longer than {MAX_CHARACTERS:,} characters, cut"] += long
                column = column.str.slice(0, MAX_CHARACTERS)
        nul = int(column.str.contains("\0", literal=True).sum())
        if nul:
            notes[f"{name}: NUL characters replaced"] += nul
            column = column.str.replace_all("\0", "\ufffd", literal=True)
        if name not in ids and bool((column == "").any()):
            column = column.set((column == "").fill_null(False), None)
        changed.append(column)
    return table.with_columns(changed)
