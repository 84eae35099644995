"""One's own music as a model sees it: which tracks of the catalogue the owned ones are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.index.bm25 import Bm25Index
from segue.library import Catalogue, Interactions, Track
from segue.library.names import fold
from segue.systems.model import Model

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["Owned"]


@dataclass(frozen=True, eq=False)
class Owned:
    """A library of one's own, matched to the catalogue of a model; frozen, safe to share between threads.

    Args:
        catalogue: the owned tracks, with their own names, durations and locations.
        rows: for each owned track the rows of the model's catalogue that are it or a version that sounds like it, the
            best first; none where nobody put it in a playlist. ``(n_owned, n_tracks of the model)``.
        by: how it was found, position in :data:`~segue.systems.owned_match.BY` or -1, int8 ``(n_owned,)``.
        alike: likeness of the names, 0 to 1, 1 where they fold to the same; float32 ``(n_owned,)``.
        ambiguous: whether others were as likely; bool ``(n_owned,)``.
        counts: playlists of the model that have it, summed over its rows; int32 ``(n_owned,)``.
        artists: the model's artist row of each owned track, -1 where it has no such artist; int32 ``(n_owned,)``.
        artist_sizes: tracks that the model has by that artist; int32 ``(n_owned,)``.
        words: names, artists, albums and genres of the tracks that no playlist has, by place in ``unheard``.
        fingerprint: digest of the owned library, the model and the match.
        matched_now: whether the match was made just now, and not read from the cache.
    """

    catalogue: Catalogue
    rows: Interactions
    by: NDArray[np.int8]
    alike: NDArray[np.float32]
    ambiguous: NDArray[np.bool_]
    counts: NDArray[np.int32]
    artists: NDArray[np.int32]
    artist_sizes: NDArray[np.int32]
    words: Bm25Index
    fingerprint: str
    matched_now: bool = True

    @classmethod
    def match(cls, model: Model, library: Library) -> Owned:
        """Find the tracks of a library in a model's catalogue."""
        from segue.systems.owned_match import matched

        return matched(model, library)

    @classmethod
    def open(cls, model: Model, folder: Path | str) -> Owned:
        """The same for a library folder; what was matched before is read from the user's cache.

        Raises:
            StoredDataError: the folder is no library, or a damaged one.
        """
        from segue.systems.owned_cache import opened

        return opened(model, Path(folder))

    def __len__(self) -> int:
        return len(self.catalogue)

    @cached_property
    def best(self) -> NDArray[np.int32]:
        """The model's row of each owned track, -1 where it has none; int32 ``(n_owned,)``."""
        best = np.full(len(self), -1, np.int32)
        there = np.flatnonzero(np.diff(self.rows.indptr) > 0)
        best[there] = self.rows.indices[self.rows.indptr[there]]
        return best

    @cached_property
    def unheard(self) -> NDArray[np.int64]:
        """Owned rows that no playlist of the model has, ascending, int64."""
        return np.flatnonzero(self.counts == 0)

    def track_of(self, track_id: str) -> Track | None:
        """An owned track by its own id, with its own name and location; None where there is none."""
        row = self.catalogue.find_id(track_id)
        return None if row is None else self.catalogue.track(row)

    def of_artists(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Which owned tracks are by artists of these names, compared folded; bool ``(n_owned,)``."""
        wanted = {fold(name) for name in names}
        if not wanted:
            return np.zeros(len(self), bool)
        texts = self.catalogue.texts["artist"]
        artists, first = np.unique(self.catalogue.artist_row, return_index=True)
        found = np.array([fold(texts[at]) in wanted for at in first.tolist()], bool)
        return np.isin(self.catalogue.artist_row, artists[found])

    def has_artist(self, name: str) -> bool:
        """Whether an owned track is by this artist."""
        return bool(self.of_artists([name]).any())

    @cached_property
    def root(self) -> Path | None:
        """The folder below which all files lie; None where there are none, or where they have nothing in common."""
        places = {os.path.dirname(text) for text in self.catalogue.texts["location"].to_list() if text[:1] == "/"}
        common = os.path.commonpath(places) if places else "/"
        return None if common == "/" else Path(common)
