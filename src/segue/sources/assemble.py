"""Pieces -> library: vocabularies merged, fields completed, colliding playlist ids told apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Interactions, Library
from segue.library.arrays import fingerprint
from segue.library.tables import PLAYLIST_COLUMNS, TRACK_COLUMNS
from segue.sources.piece import TRACK_FIELDS, Piece, first_rows

__all__ = ["Assembly"]


class Assembly:
    """Takes pieces one by one and keeps only compact columns of them; :meth:`library` ends it.

    A track that comes again adds the fields that were null so far; of two values the first stays. Track rows are in
    order of first occurrence, playlist rows in order of pieces.
    """

    def __init__(self) -> None:
        self._rows: defaultdict[str, int] = defaultdict(count().__next__)
        self._missing = np.zeros(1 << 16, np.uint16)  # per track row, one bit per null field
        self._tracks: list[pl.DataFrame] = []
        self._patches: list[pl.DataFrame] = []
        self._playlists: list[pl.DataFrame] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._indices: list[NDArray[np.int32]] = []
        self._playlist_ids: set[str] = set()
        self._digests: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.duplicates: dict[str, str] = {}
        self.renamed: list[tuple[str, str]] = []

    def add(self, piece: Piece) -> bool:
        """Take a piece; False where an earlier one had the same content, which is then noted as a duplicate."""
        rows = self._merge_tracks(piece)
        indices = rows[piece.indices]
        ids = piece.playlists["playlist_id"].to_list()
        digest = fingerprint(
            # ids made from the file's name do not make a copy another playlist
            [i.replace(piece.label, "", 1) for i in ids],
            piece.playlists["title"].to_list(),
            piece.indptr,
            indices,
        )
        first = self._digests.setdefault(digest, piece.label)
        if first != piece.label:
            self.duplicates[piece.label] = first
            return False
        self._playlists.append(self._with_distinct_ids(piece, ids))
        self._lengths.append(np.diff(piece.indptr))
        self._indices.append(indices)
        self.notes.update(piece.notes)
        self.formats[piece.format] += 1
        return True

    def _merge_tracks(self, piece: Piece) -> NDArray[np.int32]:
        """Global row of each of the piece's tracks, int32; takes over the fields that are news."""
        before, ids = len(self._rows), piece.track_ids
        rows = np.fromiter(map(self._rows.__getitem__, ids), np.int32, len(ids))
        n_new = len(self._rows) - before
        if len(self._rows) > len(self._missing):
            more = np.zeros(max(len(self._rows), len(self._missing)), np.uint16)
            self._missing = np.concatenate([self._missing, more])
        again = np.ones(len(ids), bool)
        if n_new:
            is_new = np.flatnonzero(rows >= before)
            new = is_new[first_rows(rows[is_new] - before, n_new)]
            again[new] = False
            table = piece.gather(new)
            self._missing[before : len(self._rows)] = _nulls(table)
            self._tracks.append(
                table.insert_column(0, pl.Series("track_id", [ids[i] for i in new.tolist()], pl.String))
            )
        carried = np.uint16(sum(1 << bit for bit, name in enumerate(TRACK_FIELDS) if name in piece.carries))
        lacking = np.flatnonzero(again & ((self._missing[rows] & carried) != 0))
        if len(lacking):
            table = piece.gather(lacking)
            nulls = _nulls(table)
            useful = np.flatnonzero(self._missing[rows[lacking]] & ~nulls)
            if len(useful):
                met = rows[lacking][useful]
                self._patches.append(table[useful].with_columns(row=pl.Series(met, dtype=pl.UInt32)))
                np.bitwise_and.at(self._missing, met, nulls[useful])
        return rows

    def _with_distinct_ids(self, piece: Piece, ids: list[str]) -> pl.DataFrame:
        taken = self._playlist_ids
        if len(set(ids)) == len(ids) and taken.isdisjoint(ids):
            taken.update(ids)
            return piece.playlists
        distinct, own = [], set(ids)
        for playlist_id in ids:
            new = playlist_id
            if new in taken:
                new, n = f"{playlist_id}@{piece.label}", 1
                while new in taken or new in own:
                    n += 1
                    new = f"{playlist_id}@{piece.label}~{n}"
                self.renamed.append((playlist_id, new))
            taken.add(new)
            distinct.append(new)
        return piece.playlists.with_columns(playlist_id=pl.Series(distinct, dtype=pl.String))

    def library(self, *, public: bool = False, notes: dict[str, Any] | None = None) -> Library:
        """The library of all pieces taken."""
        tracks = pl.concat(self._tracks) if self._tracks else pl.DataFrame(schema=TRACK_COLUMNS)
        playlists = pl.concat(self._playlists) if self._playlists else pl.DataFrame(schema=PLAYLIST_COLUMNS)
        if self._patches:
            patch = pl.concat(self._patches).group_by("row", maintain_order=True).agg(pl.all().drop_nulls().first())
            tracks = (
                tracks.with_row_index("row")
                .join(patch, on="row", how="left", suffix=":later", maintain_order="left")
                .select("track_id", *(pl.coalesce(name, f"{name}:later") for name in TRACK_FIELDS))
            )
        indptr = np.zeros(playlists.height + 1, np.int64)
        if self._lengths:
            np.cumsum(np.concatenate(self._lengths), out=indptr[1:])
        indices = np.concatenate(self._indices) if self._indices else np.zeros(0, np.int32)
        return Library(
            tracks=tracks,
            playlists=playlists,
            playlist_tracks=Interactions(indptr, indices, tracks.height),
            public=public,
            notes=notes or {},
        )

    @property
    def n_playlists(self) -> int:
        """Playlists so far."""
        return sum(table.height for table in self._playlists)

    @property
    def n_tracks(self) -> int:
        """Distinct tracks so far."""
        return len(self._rows)

    @property
    def n_rows(self) -> int:
        """Rows so far."""
        return sum(len(indices) for indices in self._indices)


def _nulls(table: pl.DataFrame) -> NDArray[np.uint16]:
    """One bit per null field for each row; uint16 ``(n,)``."""
    missing = np.zeros(table.height, np.uint16)
    for bit, name in enumerate(TRACK_FIELDS):
        if table[name].null_count():
            missing |= table[name].is_null().to_numpy().astype(np.uint16) << np.uint16(bit)
    return missing
