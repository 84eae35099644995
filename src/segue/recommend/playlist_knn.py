"""Playlists most like the given tracks vote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, best, vote

__all__ = ["PlaylistKnn"]


@dataclass(frozen=True, eq=False)
class PlaylistKnn:
    """The ``k`` playlists with the highest idf-cosine to the given tracks vote with ``cosine ** power``.

    Args:
        length_power: a vote counts ``1 / playlist length ** length_power``.
    """

    index: PlaylistIndex
    k: int = 500
    power: float = 1.0
    length_power: float = 0.25

    @property
    def fingerprint(self) -> str:
        """Digest of playlists and settings."""
        return fingerprint("playlist-knn", self.index.fingerprint, self.k, self.power, self.length_power)

    def neighbours(self, tracks: NDArray[np.int32]) -> Scores:
        """The nearest playlists and their cosines, nearest first, ties by row."""
        return best(self.index.similar(tracks), self.k)

    def score_tracks(self, tracks: NDArray[np.int32]) -> Scores:
        """Scores for given tracks that training playlists hold."""
        near = self.neighbours(tracks)
        weights = near.values if self.power == 1.0 else near.values ** np.float32(self.power)
        return vote(self.index.playlists, near.rows, weights, length_power=self.length_power)

    def score(self, query: Query) -> Scores:
        """Summed weights of the neighbours that hold a track."""
        return self.score_tracks(self.index.seeds(query))

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest sums, then popular ones."""
        said = remarks(query, self.index.n_tracks, uses_title=False, uses_seeds=True)
        return self.index.popularity.fill(self.score(query), query, n, said)
