"""Neighbours of many titles at once: found once, weighed in any way, and what their tracks add up to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.library import Library
from segue.recommend.nearest import PublishedRecipe
from segue.recommend.scores import Scores, positions
from segue.recommend.vote_table import EXACT_UP_TO, idf_rows, neighbour_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["DEPTH", "MOST_NEIGHBOURS", "Neighbours"]

DEPTH = 500
MOST_NEIGHBOURS = 800
_DECIMALS = 6  # as the published recipe rounds cosines, so that ties are ties
_BLOCK = 64  # titles whose sums are held at once
_TILE = 4096
_FAR = np.iinfo(np.int64).max

Sums = tuple[NDArray[np.integer], NDArray[np.float32]]
"""Columns and their scores."""


def _sums(weights: csr_matrix, profiles: csr_matrix) -> Iterator[Sums]:
    sums = (weights @ profiles).tocsr()
    for begin, end in itertools.pairwise(sums.indptr.tolist()):
        yield sums.indices[begin:end], sums.data[begin:end]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbours of every title, nearest first, and what the voting playlists hold.

    Args:
        rows: int32 ``(n_titles, most)``, -1 where there is none. cosines: float32, 0 there.
        tracks: playlist x track, binary, without tracks that no voter has. track_rows: catalogue row of each column.
        postings: where each track is: ``indptr``, voting playlists ascending, place in the playlist.
        order: all catalogue rows by popularity.
    """

    rows: NDArray[np.int32]
    cosines: NDArray[np.float32]
    tracks: csr_matrix
    track_rows: NDArray[np.int32]
    postings: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]
    order: NDArray[np.int32]

    @classmethod
    def of(cls, training: Library, asked: Sequence[str], encoder: Encoder) -> Neighbours:
        """Find the nearest playlists of each title, compared as the published recipe compares them."""
        most = min(MOST_NEIGHBOURS, training.n_playlists)
        recipe = PublishedRecipe.fitted(training, encoder, k=most)
        vectors = encoder.encode(asked)
        rows = np.full((len(vectors), most), -1, np.int32)
        cosines = np.zeros((len(vectors), most), np.float32)
        titles = np.arange(len(recipe.vectors), dtype=np.int32)
        for i, vector in enumerate(vectors):
            if vector.any():  # nothing is near a title that says nothing
                near = Scores(titles, np.round(recipe.vectors @ vector, _DECIMALS).astype(np.float32))
                rows[i], cosines[i] = recipe.titles.nearest(near, most)
        held = recipe.playlists
        track_rows, columns = np.unique(held.indices, return_inverse=True)
        by_track = np.argsort(columns, kind="stable")
        playlist_of = np.repeat(np.arange(held.n_rows, dtype=np.int32), held.lengths)
        place = np.arange(len(columns)) - np.repeat(held.indptr[:-1], held.lengths)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=len(track_rows)))]).astype(np.int64)
        tracks = training.playlist_tracks.matrix()[:, track_rows]
        postings = indptr, playlist_of[by_track], place[by_track]
        return cls(rows, cosines, tracks, track_rows.astype(np.int32), postings, recipe.popularity.order)

    def ranked(self, k: int, tau: float | None, smoothing: float, power: float) -> list[NDArray[np.int32]]:
        """Catalogue rows of the first 500 tracks of each title."""
        from scipy.sparse import csr_matrix, diags_array

        lengths = np.maximum(np.asarray(self.tracks.sum(axis=1)).ravel(), 1)
        profiles = csr_matrix(diags_array((lengths**-power).astype(np.float32)) @ self.tracks)
        rows = self.rows[:, :k]
        there = rows >= 0
        indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        shape = len(rows), self.tracks.shape[0]
        weights = csr_matrix((self._weights(k, tau)[there], rows[there], indptr), shape=shape)
        found: list[NDArray[np.int32]] = []
        for begin in range(0, len(rows), _BLOCK):
            block = weights[begin : begin + _BLOCK]
            sums = self._smoothed(block, smoothing, profiles) if smoothing else _sums(block, profiles)
            found.extend(self._top(*of_title, rows[begin + i]) for i, of_title in enumerate(sums))
        return found

    def _smoothed(self, weights: csr_matrix, smoothing: float, profiles: csr_matrix) -> Iterator[Sums]:
        """Sums after a part of each weight went to similar playlists: nearly all tracks have some, so dense ones."""
        spread = (weights @ self._similar).toarray() * np.float32(smoothing)
        dense = np.ascontiguousarray((weights.toarray() * np.float32(1 - smoothing) + spread).T)
        by_track = profiles.T.tocsr() @ dense
        by_title = np.empty(by_track.shape[::-1], np.float32)
        for begin in range(0, len(by_track), _TILE):  # turned tile by tile: each stays in the cache
            by_title[:, begin : begin + _TILE] = by_track[begin : begin + _TILE].T
        for row in by_title:
            columns = np.flatnonzero(row)
            yield columns, row[columns]

    def _weights(self, k: int, tau: float | None) -> NDArray[np.float32]:
        """One each, or a softmax without its denominator, which changes no order."""
        cosines = self.cosines[:, :k]
        if tau is None:
            return np.ones_like(cosines)
        return np.asarray(np.exp((cosines - cosines[:, :1]) / np.float32(tau)), np.float32)

    @cached_property
    def _similar(self) -> csr_matrix:
        """Row j says where the smoothed part of playlist j's weight goes; rows sum to 1."""
        from scipy.sparse import csr_matrix

        unit = idf_rows(self.tracks)
        n = unit.shape[0]
        if n <= EXACT_UP_TO:
            return neighbour_matrix(unit, unit)
        used = np.unique(self.rows[self.rows >= 0])
        landmarks = np.linspace(0, n - 1, EXACT_UP_TO).astype(np.int64)
        near = neighbour_matrix(unit[used], unit[landmarks]).tocoo()
        return csr_matrix((near.data, (used[near.row], landmarks[near.col])), shape=(n, n))

    def _top(
        self, columns: NDArray[np.integer], scores: NDArray[np.float32], neighbours: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Highest scores first, ties by first occurrence among the neighbours, filled up with popular tracks."""
        if len(scores) > DEPTH:
            upto = scores >= np.partition(scores, len(scores) - DEPTH)[len(scores) - DEPTH]
            columns, scores = columns[upto], scores[upto]
        order = np.lexsort((columns, self._first(columns, neighbours), -scores))[:DEPTH]
        best = self.track_rows[columns[order]]
        head = self.order[: DEPTH + len(best)]
        return np.concatenate([best, head[~np.isin(head, best)]])[:DEPTH].astype(np.int32)

    def _first(self, columns: NDArray[np.integer], neighbours: NDArray[np.int32]) -> NDArray[np.int64]:
        """Where each track occurs first among the neighbours, each in its order; very late if it does not."""
        if not len(columns):
            return np.zeros(0, np.int64)
        indptr, playlists, places = self.postings
        neighbours = neighbours[neighbours >= 0]
        nth = np.full(self.tracks.shape[0], -1, np.int64)
        nth[neighbours] = np.arange(len(neighbours))
        take, lengths = positions(indptr, columns)
        near = nth[playlists[take]]
        keys = np.where(near >= 0, (near << 32) + places[take], _FAR)
        return np.asarray(np.minimum.reduceat(keys, np.cumsum(lengths) - lengths), np.int64)

    def playlists_needed(self, n: int) -> NDArray[np.int64]:
        """Fewest nearest playlists that hold ``n`` distinct tracks together, int64 ``(n_titles,)``."""
        needed = np.full(len(self.rows), _FAR, np.int64)
        for i, near in enumerate(self.rows):
            near = near[near >= 0]
            for most in (n, len(near)):  # as a rule the first few are enough
                part = self.tracks[near[:most]]
                _, first = np.unique(part.indices, return_index=True)
                nth = np.searchsorted(part.indptr, first, "right")  # 1 for the nearest playlist
                if len(nth) >= n:
                    needed[i] = int(np.sort(nth)[n - 1])
                    break
        return needed
