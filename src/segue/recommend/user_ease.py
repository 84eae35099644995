"""EASE for listeners: the linear model from loved tracks to others, scored by blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.ease import Ease, EaseSettings, fit_ease
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.popularity import Popularity
from segue.recommend.user_scores import given_tracks, ranking_of

__all__ = ["UserEase", "fit_user_ease"]


@dataclass(frozen=True, eq=False)
class UserEase:
    """:class:`~segue.recommend.ease.Ease` over users instead of playlists; negative scores rank too.

    Source: H. Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    """

    ease: Ease

    @property
    def settings(self) -> EaseSettings:
        """What it was solved with."""
        return self.ease.settings

    @property
    def popularity(self) -> Popularity:
        """Of the training interactions; its order breaks ties."""
        return self.ease.index.popularity

    @property
    def fingerprint(self) -> str:
        """Digest of interactions and settings."""
        return self.ease.fingerprint

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Linear scores, float32 ``(n_queries, n_tracks)``; 0 for tracks that nobody in training has."""
        given = given_tracks(queries, self.popularity.n_tracks)
        scores = np.zeros((len(queries), self.popularity.n_tracks), np.float32)
        for place in range(len(queries)):
            if len(given.row(place)):
                found = self.ease.score_tracks(given.row(place))
                scores[place, found.rows] = found.values
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest scores; without given tracks, the most popular ones."""
        return ranking_of(self, self.popularity, query, n)


def fit_user_ease(train: Interactions, popularity: Popularity, settings: EaseSettings | None = None) -> UserEase:
    """Solve the model.

    Args:
        train: users x tracks.

    Raises:
        TrainingError: there are too many users for the exact form, or none.
    """
    index = PlaylistIndex.of(train, popularity)
    return UserEase(fit_ease(index, settings or EaseSettings(ridge=200.0, length_power=0.0)))
