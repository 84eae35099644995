"""Listeners as queries: scoring the whole catalogue for many of them at once, and ranking what was scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Hits, Ranking, top
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.scores import known_seeds
from segue.split.cold import hashed

__all__ = ["BlockScorer", "given_tracks", "popularity_among", "ranked", "ranking_of"]


@runtime_checkable
class BlockScorer(Protocol):
    """Scores every track for several queries in one go; what ranks listeners one by one takes ten times as long."""

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the scores depend on."""
        ...

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Finite scores, float32 ``(n_queries, n_tracks)``, higher is better; given tracks are scored like others."""
        ...


def popularity_among(train: Interactions, track_ids: Sequence[str]) -> Popularity:
    """Popularity whose ties are broken by a hash of the track's id, not by its row.

    Tables of tracks are often written in the order in which users were read, so that the first rows are the best
    known tracks: ties by row would let a recommender that knows nothing of a cold track rank it well.

    Args:
        train: users x tracks.
    """
    counted = Popularity.fitted(train)
    # the row last: a hash may collide, the order may not depend on luck
    order = np.lexsort((np.arange(len(track_ids)), hashed(track_ids, 0, "ties"), -counted.counts)).astype(np.int32)
    return Popularity(counted.counts, order, counted.n_playlists, fingerprint(counted.fingerprint, order))


def given_tracks(queries: Sequence[Query], n_tracks: int) -> Interactions:
    """The given tracks that exist, each once: queries x tracks."""
    return Interactions.of([known_seeds(query.seed_tracks, n_tracks) for query in queries], n_columns=n_tracks)


def ranked(scores: NDArray[np.float32], given: NDArray[np.integer], order: NDArray[np.int32], n: int) -> Hits:
    """The ``n`` tracks with the highest scores without the given ones.

    Args:
        scores: of every track, float32 ``(n_tracks,)``; not changed.
        order: the rows that are ranked, all or some; ties go to whom it names first.

    >>> scores, order = np.array([1, 2, 2, 0], np.float32), np.array([3, 2, 1, 0], np.int32)
    >>> ranked(scores, np.array([0]), order, 9).rows.tolist()
    [2, 1, 3]
    """
    kept = scores.copy()
    kept[given] = -np.inf
    found = top(kept[order], n)
    return Hits(order[found.rows], found.scores)


def ranking_of(scorer: BlockScorer, popularity: Popularity, query: Query, n: int) -> Ranking:
    """Answer one query with a scorer of blocks; ties go to the more popular track."""
    n_tracks = popularity.n_tracks
    given = known_seeds(query.seed_tracks, n_tracks)
    found = ranked(scorer.score_block([query])[0], given, popularity.order, n)
    return Ranking(found.rows, found.scores, remarks(query, n_tracks, uses_title=False, uses_seeds=True))
