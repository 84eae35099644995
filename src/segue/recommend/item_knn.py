"""Tracks that occur together with the given ones: item-kNN by shrunken co-occurrence."""

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

__all__ = ["ItemKnn"]


@dataclass(frozen=True, eq=False)
class ItemKnn:
    """Sums, over the given tracks ``s``, ``together(s, t) / (n_s ** given_power * n_t ** found_power)``.

    ``together`` counts shared playlists and ``n`` playlists; powers of 0.5 and 0.5 are the cosine. The sums run
    through the playlists of the given tracks, so no track x track table is kept.

    Args:
        max_playlists: of more playlists than this the ones with the largest share of the given tracks count; for
            speed with a hundred given tracks in a million playlists.

    Source: B. Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms".
    """

    index: PlaylistIndex
    given_power: float = 0.5
    found_power: float = 0.3
    max_playlists: int = 20_000

    @property
    def fingerprint(self) -> str:
        """Digest of playlists and settings."""
        return fingerprint("item-knn", self.index.fingerprint, self.given_power, self.found_power, self.max_playlists)

    def score_tracks(self, tracks: NDArray[np.int32]) -> Scores:
        """Scores for given tracks that training playlists hold."""
        if len(tracks) == 0:
            return Scores.none()
        counts = self.index.popularity.counts
        given = np.maximum(counts[tracks], 1).astype(np.float32) ** np.float32(-self.given_power)
        through = best(self.index.gathered(tracks, given), self.max_playlists)
        found = vote(self.index.playlists, through.rows, through.values)
        popular = np.maximum(counts[found.rows], 1).astype(np.float32)
        return Scores(found.rows, found.values * popular ** np.float32(-self.found_power))

    def score(self, query: Query) -> Scores:
        """Summed similarities to the given tracks."""
        return self.score_tracks(self.index.seeds(query))

    def recommend(self, query: Query, n: int) -> Ranking:
        """The most similar tracks, then popular ones."""
        said = remarks(query, self.index.n_tracks, uses_title=False, uses_seeds=True)
        return self.index.popularity.fill(self.score(query), query, n, said)
