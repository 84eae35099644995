"""Answers for some tracks -> columns of a library, also while others write to its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Library
from segue.library.folders import locked
from segue.library.tables import OPTIONAL_TRACK_COLUMNS, TRACK_COLUMNS

__all__ = ["Patch"]


@dataclass(frozen=True)
class Patch:
    """Values for some tracks; null says nothing, so it never replaces a value.

    Args:
        track_ids: whose they are.
        values: ``(len(track_ids), m)``, optional columns of tracks.
        over: whether values replace those that are there already.
    """

    track_ids: tuple[str, ...] = ()
    values: pl.DataFrame = field(default_factory=pl.DataFrame)
    over: bool = False

    def on(self, library: Library) -> Library:
        """The library with these values; tracks that it does not have are passed over."""
        ids = library.tracks["track_id"]
        where = pl.DataFrame({"track_id": ids}).with_row_index("row")
        rows = pl.DataFrame({"track_id": self.track_ids}, schema={"track_id": pl.String}).join(
            where, on="track_id", how="left", maintain_order="left"
        )["row"]
        columns = []
        for value in self.values.get_columns():
            there = _column(library, value.name)
            known = value.is_not_null() & rows.is_not_null()
            at: NDArray[np.int64] = rows.filter(known).to_numpy().astype(np.int64)
            new = value.filter(known).cast(there.dtype)
            if not self.over:
                free = there.is_null().gather(at)
                at, new = at[free.to_numpy()], new.filter(free)
            columns.append(there.scatter(at, new))
        return library.with_track_columns(pl.DataFrame(columns)) if columns and len(self.track_ids) else library

    def save(self, folder: Path, notes: Mapping[str, Any] | None = None) -> None:
        """Put the values into a library folder as it is now; processes that do this at once lose nothing.

        Args:
            notes: go into the library's notes under "fetch".

        Raises:
            StoredDataError: it is no library any more.
            OutputError: it cannot be written.
        """
        with locked(folder):
            library = self.on(Library.load(folder))
            if notes:
                told = {**library.notes.get("fetch", {}), **notes}
                library = replace(library, notes={**library.notes, "fetch": told})
            library.save(folder)


def _column(library: Library, name: str) -> pl.Series:
    """A column of the tracks, free to be changed; nulls where there is none."""
    if name in library.tracks.columns:
        return library.tracks[name].clone()
    dtype = {**TRACK_COLUMNS, **OPTIONAL_TRACK_COLUMNS}.get(name, pl.Float32)
    return pl.Series(name, [None] * library.n_tracks, dtype)
