"""Tracks for a listener by two towers: the user's vector against every track's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower import Towers, TrackVectors
from segue.encode.tower_inputs import NONE, TrackInputs, UserInputs, Vocabulary
from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.user_scores import ranked

__all__ = ["TwoTower"]

_SILENT = "nothing that is known of this listener says what they love, so these are the most popular tracks"


@dataclass(frozen=True, eq=False)
class TwoTower:
    """Ranks the whole catalogue by the score of a user's and a track's tower.

    A query's given tracks are what the listener loves; with an id that training knew and a slot for it, or a country,
    less than that is enough. Where there is nothing to go by, the most popular tracks are the answer.

    Args:
        vocabulary: what has learnt vectors. tracks: the catalogue's vectors, made by :meth:`of`.
        popularity: of the training interactions; its order breaks ties.
    """

    towers: Towers
    vocabulary: Vocabulary
    tracks: TrackVectors
    popularity: Popularity
    fingerprint: str

    @classmethod
    def of(cls, towers: Towers, vocabulary: Vocabulary, inputs: TrackInputs, popularity: Popularity) -> TwoTower:
        """Pass the catalogue through the track tower.

        Raises:
            ValueError: the towers were trained with another vocabulary.
        """
        return cls.with_vectors(towers, vocabulary, towers.track_vectors(inputs), popularity)

    @classmethod
    def with_vectors(
        cls, towers: Towers, vocabulary: Vocabulary, tracks: TrackVectors, popularity: Popularity
    ) -> TwoTower:
        """The same from vectors that were kept."""
        if towers.vocabulary != vocabulary.fingerprint:
            raise ValueError("the towers were trained with another vocabulary")
        inputs = tracks.inputs
        rows = (inputs.ids, inputs.artists, inputs.tags.indptr, inputs.tags.indices)
        digest = fingerprint("two-tower", towers.fingerprint, *rows, inputs.text, popularity.fingerprint)
        return cls(towers, vocabulary, tracks, popularity, digest)

    @property
    def n_tracks(self) -> int:
        """Number of tracks in the catalogue."""
        return len(self.tracks.inputs)

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Scores of every track for several queries, float32 ``(n_queries, n_tracks)``, given tracks too."""
        users = UserInputs.of(queries, self.vocabulary, self.n_tracks)
        scores = self.towers.scores(users, self.tracks)
        silent = [self._is_silent(users, row) for row in range(len(queries))]
        scores[silent] = self.popularity.share(np.arange(self.n_tracks))
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest scores that were not given."""
        users = UserInputs.of([query], self.vocabulary, self.n_tracks)
        said = remarks(query, self.n_tracks, uses_title=False, uses_seeds=True)
        if (query.seed_tracks or query.user_id or query.country) and self._is_silent(users, 0):
            said = (*said, _SILENT)
        elif not self._is_silent(users, 0):
            said = tuple(sentence for sentence in said if not sentence.startswith("nothing was asked for"))
        scores = self.score_block([query])[0]
        hits = ranked(scores, users.loved.row(0), self.popularity.order, n)
        return Ranking(hits.rows, hits.scores, said)

    def _is_silent(self, users: UserInputs, row: int) -> bool:
        """Whether no slot of the user tower has anything to read."""
        slots = self.towers.shape.user
        return not (
            len(users.loved.row(row))
            or ("id" in slots and users.ids[row] != NONE)
            or ("country" in slots and users.countries[row] != NONE)
        )
