"""Item-kNN for listeners: each loved track brings its ``k`` most similar ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.user_scores import given_tracks, ranking_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["UserItemKnn", "UserItemKnnSettings", "fit_user_item_knn"]

_PAIRS = 4_000_000  # co-occurrences held at a time


@dataclass(frozen=True)
class UserItemKnnSettings:
    """Settings of item-kNN.

    Args:
        k: neighbours that each loved track brings.
        given_power, found_power: ``together(s, t) / (n_s ** given_power * n_t ** found_power + shrink)``; 0.5 and
            0.5 without shrinkage is the cosine.
        shrink: pairs seen together by few users count less.
    """

    k: int = 200
    given_power: float = 0.5
    found_power: float = 0.5
    shrink: float = 0.0


@dataclass(frozen=True, eq=False)
class UserItemKnn:
    """Scores a track by the summed similarities of the loved tracks that have it among their neighbours.

    :class:`~segue.recommend.item_knn.ItemKnn` sums over *all* pairs, which suits playlists in a million; a catalogue
    of listeners is small enough for a table of neighbours, and cutting it is what makes the method strong.

    Args:
        near: tracks x tracks, row ``s`` holds the neighbours that ``s`` brings, float32 CSR.

    Source: B. Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms"; the shrinkage is
    from Y. Koren 2008, "Factorization meets the neighborhood", section 2.2.
    """

    near: csr_matrix
    popularity: Popularity
    settings: UserItemKnnSettings
    fingerprint: str

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Summed similarities to the given tracks, float32 ``(n_queries, n_tracks)``."""
        given = given_tracks(queries, self.popularity.n_tracks).matrix()
        scores: NDArray[np.float32] = (given @ self.near).toarray().astype(np.float32, copy=False)
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """The most similar tracks, then popular ones."""
        return ranking_of(self, self.popularity, query, n)


def fit_user_item_knn(
    train: Interactions, popularity: Popularity, settings: UserItemKnnSettings | None = None
) -> UserItemKnn:
    """Count who is loved together, and keep the ``k`` nearest of each track.

    Args:
        train: users x tracks.

    Raises:
        ValueError: a setting makes no sense.
    """
    from scipy.sparse import csr_matrix  # imported late: only fitting and scoring of listeners need it

    settings = settings or UserItemKnnSettings()
    if settings.k < 1 or settings.shrink < 0:
        raise ValueError("item-kNN needs at least one neighbour and no negative shrinkage")
    x = train.matrix()
    by_track = x.T.tocsr()
    counts = np.maximum(popularity.counts, 1).astype(np.float64)
    given, found = counts**settings.given_power, counts**settings.found_power
    n = x.shape[1]
    # a track meets at most as many others as its users have tracks
    meetings = np.concatenate([[0], np.cumsum(by_track @ np.diff(x.indptr))])
    lengths, columns, values = np.zeros(n, np.int64), [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    begin = 0
    while begin < n:
        end = int(np.searchsorted(meetings, meetings[begin] + _PAIRS, "right")) - 1
        end = min(max(end, begin + 1), n)
        together = (by_track[begin:end] @ x).tocsr()
        together.sort_indices()
        for row in range(begin, end):
            own = slice(together.indptr[row - begin], together.indptr[row - begin + 1])
            near = together.indices[own]
            similar = together.data[own] / (given[row] * found[near] + settings.shrink)
            kept = _nearest(near, similar, row, settings.k)
            lengths[row] = len(kept)
            columns.append(near[kept].astype(np.int32))
            values.append(similar[kept].astype(np.float32))
        begin = end
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    table = csr_matrix((np.concatenate(values), np.concatenate(columns), indptr), shape=(n, n))
    digest = fingerprint("user-item-knn", train.indptr, train.indices, popularity.fingerprint, asdict(settings))
    return UserItemKnn(table, popularity, settings, digest)


def _nearest(near: NDArray[np.integer], similar: NDArray[np.floating], itself: int, k: int) -> NDArray[np.int64]:
    """Positions of the ``k`` highest similarities but a track's own, ascending; ties to the lower row."""
    others = np.flatnonzero(near != itself)
    if len(others) <= k:
        return others
    values = similar[others]
    bound = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > bound)
    equal = np.flatnonzero(values == bound)[: k - len(above)]
    kept: NDArray[np.int64] = others[np.sort(np.concatenate([above, equal]))]
    return kept
