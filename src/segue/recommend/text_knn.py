"""Tracks whose texts are nearest to those of the loved tracks: what text alone can do for a listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.user_scores import given_tracks, ranking_of

__all__ = ["TextKnn"]


@dataclass(frozen=True, eq=False)
class TextKnn:
    """Scores a track by the cosine of its text vector with the mean text vector of the loved tracks.

    Nothing is learnt from anybody else; ties, and listeners of whose tracks no text is known, go to popular tracks.

    Args:
        vectors: unit vectors, or zero where a track has no text, float32 ``(n_tracks, d)``.
    """

    vectors: NDArray[np.float32]
    popularity: Popularity
    fingerprint: str

    @classmethod
    def of(cls, vectors: NDArray[np.float32], popularity: Popularity) -> TextKnn:
        """Keep the vectors of a catalogue.

        Raises:
            ValueError: there are not as many as tracks.
        """
        if len(vectors) != popularity.n_tracks:
            raise ValueError(f"{len(vectors)} text vectors for {popularity.n_tracks} tracks")
        return cls(vectors, popularity, fingerprint("text-knn", vectors, popularity.fingerprint))

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Cosines in [-1, 1], float32 ``(n_queries, n_tracks)``."""
        given = given_tracks(queries, len(self.vectors))
        means = np.zeros((len(queries), self.vectors.shape[1]), np.float32)
        for place in range(len(queries)):
            if len(given.row(place)):
                mean = self.vectors[given.row(place)].astype(np.float64).mean(axis=0)
                means[place] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        scores: NDArray[np.float32] = means @ self.vectors.T
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the nearest texts."""
        return ranking_of(self, self.popularity, query, n)
