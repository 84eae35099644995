"""Sparse track scores, which every recommender makes before it ranks; numpy alone, for each import delays a query."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking

__all__ = [
    "Scorer",
    "Scores",
    "accumulate",
    "accumulate_pairs",
    "best",
    "blend",
    "compacted",
    "gather",
    "known_seeds",
    "looked_up",
    "normalised",
    "positions",
    "rank_playlists",
    "top_scores",
    "vote",
]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of some tracks; a track that is not here scores zero.

    Args:
        rows: distinct track rows in no promised order, int32 ``(m,)``.
        values: finite float32 ``(m,)``, higher is better.
    """

    rows: NDArray[np.int32]
    values: NDArray[np.float32]

    @classmethod
    def none(cls) -> Scores:
        """No track has a score."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.rows)


@runtime_checkable
class Scorer(Protocol):
    """Scores tracks for a query; given tracks may be among them, ranking leaves them out."""

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the scores depend on."""
        ...

    def score(self, query: Query) -> Scores:
        """Score the tracks that there is something to say about."""
        ...


class _Scratch(threading.local):
    """Dense work arrays of one thread; zero between calls, so that a query touches only its own tracks."""

    def __init__(self) -> None:
        self.sums = np.zeros(0, np.float32)
        self.last = np.zeros(0, np.int32)

    def fit(self, n: int) -> None:
        if len(self.sums) < n:
            self.sums = np.zeros(n, np.float32)
            self.last = np.zeros(n, np.int32)


_scratch = _Scratch()


def accumulate(
    rows_list: Sequence[NDArray[np.int32]], values_list: Sequence[NDArray[np.float32] | float], n_tracks: int
) -> Scores:
    """Sum values by row over all the given arrays; a float counts for every row beside it.

    Takes some 3 ms for 250,000 pairs over 2.3 million tracks. Sums run in the given order, so the answer is the same
    bit for bit.

    Raises:
        IndexError: a row is outside ``[0, n_tracks)``.

    >>> s = accumulate([np.array([4, 1], np.int32), np.array([4], np.int32)], [np.array([1, 2], np.float32), 0.5], 5)
    >>> dict(zip(s.rows.tolist(), s.values.tolist()))
    {1: 2.0, 4: 1.5}
    """
    if not rows_list:
        return Scores.none()
    rows = np.concatenate(rows_list)
    values = np.empty(len(rows), np.float32)
    at = 0
    for part, value in zip(rows_list, values_list, strict=True):
        values[at : at + len(part)] = value
        at += len(part)
    return accumulate_pairs(rows, values, n_tracks)


def accumulate_pairs(rows: NDArray[np.int32], values: NDArray[np.float32], n_tracks: int) -> Scores:
    """Sum values by row: :func:`accumulate` for one pair of arrays of equal length."""
    if len(rows) == 0:
        return Scores.none()
    if rows.min() < 0 or rows.max() >= n_tracks:
        raise IndexError(f"a row lies outside [0, {n_tracks})")
    scratch = _scratch
    scratch.fit(n_tracks)
    # int64 positions take numpy's fast path; int32 ones would be cast chunk by chunk
    at = rows.astype(np.int64)
    order = np.arange(len(at), dtype=np.int32)
    # the last of equal rows wins the write, and by it the row is recognised once; stale content cannot matter
    scratch.last[at] = order
    # positions before values: a boolean mask of random bits costs four times as much
    distinct = np.take(at, np.flatnonzero(np.take(scratch.last, at) == order))
    try:
        np.add.at(scratch.sums, at, values.astype(np.float32, copy=False))
        sums = np.take(scratch.sums, distinct)
    finally:
        scratch.sums[distinct] = 0.0
    return Scores(distinct.astype(np.int32), sums)


def compacted(rows: NDArray[np.int32], n_rows: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The distinct rows, in no promised order, and for each given row its position among them.

    >>> distinct, position = compacted(np.array([7, 3, 7], np.int32), 10)
    >>> distinct[position].tolist(), len(distinct)
    ([7, 3, 7], 2)
    """
    scratch = _scratch
    scratch.fit(n_rows)
    at = rows.astype(np.int64)
    order = np.arange(len(at), dtype=np.int32)
    scratch.last[at] = order
    distinct = np.take(at, np.flatnonzero(np.take(scratch.last, at) == order))
    scratch.last[distinct] = order[: len(distinct)]
    return distinct.astype(np.int32), np.take(scratch.last, at)


def looked_up(scores: Scores, rows: NDArray[np.int32], n_rows: int) -> NDArray[np.float32]:
    """The score of each of the given rows, zero where there is none; float32, as many as rows.

    >>> scores = Scores(np.array([3], np.int32), np.array([0.5], np.float32))
    >>> looked_up(scores, np.array([3, 1, 3], np.int32), 9).tolist()
    [0.5, 0.0, 0.5]
    """
    scratch = _scratch
    scratch.fit(n_rows)
    try:
        scratch.sums[scores.rows] = scores.values
        found: NDArray[np.float32] = np.take(scratch.sums, rows)
    finally:
        scratch.sums[scores.rows] = 0.0
    return found


def gather(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], rows: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Concatenate CSR rows without a Python loop: the columns, and the length of each row.

    >>> columns, lengths = gather(np.array([0, 2, 2, 3]), np.array([7, 8, 9], np.int32), np.array([2, 0]))
    >>> columns.tolist(), lengths.tolist()
    ([9, 7, 8], [1, 2])
    """
    take, lengths = positions(indptr, rows)
    return np.asarray(indices[take], np.int32), lengths


def positions(indptr: NDArray[np.int64], rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the entries of CSR rows lie, one row after the other, and the length of each row.

    >>> positions(np.array([0, 2, 2, 3]), np.array([2, 0]))[0].tolist()
    [2, 0, 1]
    """
    starts = indptr[rows].astype(np.int64)
    lengths = indptr[np.asarray(rows) + 1].astype(np.int64) - starts
    ends = np.cumsum(lengths)
    return np.arange(int(lengths.sum())) + np.repeat(starts - (ends - lengths), lengths), lengths


def best(scores: Scores, n: int) -> Scores:
    """The ``n`` best, best first, ties by row.

    >>> best(Scores(np.array([5, 3, 9], np.int32), np.array([1, 1, 2], np.float32)), 2).rows.tolist()
    [9, 3]
    """
    rows, values = scores.rows, scores.values
    if n <= 0:
        return Scores.none()
    if n < len(rows):
        bound = np.partition(values, len(values) - n)[len(values) - n]
        kept = np.flatnonzero(values >= bound)
        rows, values = rows[kept], values[kept]
    order = np.lexsort((rows, -values))[:n]
    return Scores(rows[order], values[order])


def known_seeds(seed_tracks: Sequence[int], n_tracks: int) -> NDArray[np.int32]:
    """The given tracks that exist, each once, in the order given.

    >>> known_seeds((3, 99, 1, 3, -1), 10).tolist()
    [3, 1]
    """
    return np.array([row for row in dict.fromkeys(seed_tracks) if 0 <= row < n_tracks], np.int32)


def top_scores(
    scores: Scores,
    n: int,
    exclude: NDArray[np.int32] | Sequence[int] = (),
    fill: NDArray[np.int32] | None = None,
    ignored: tuple[str, ...] = (),
) -> Ranking:
    """Rank the ``n`` best positive scores, ties by row, then fill up with zeros in the order of ``fill``.

    Args:
        exclude: rows that are left out, the given tracks above all.
        fill: every track row, most popular first; none means no filling.
        ignored: carried into the ranking.
    """
    excluded = np.unique(np.asarray(exclude, np.int32))
    candidates = best(scores, n + len(excluded))
    kept = candidates.values > 0
    if len(excluded):
        kept &= ~np.isin(candidates.rows, excluded)
    rows, values = candidates.rows[kept][:n], candidates.values[kept][:n]
    missing = n - len(rows)
    if missing > 0 and fill is not None:
        taken = np.concatenate([rows, excluded])
        head = np.asarray(fill[: missing + len(taken)], np.int32)
        more = head[~np.isin(head, taken)][:missing]
        rows = np.concatenate([rows, more])
        values = np.concatenate([values, np.zeros(len(more), np.float32)])
    return Ranking(rows, values, ignored)


def normalised(scores: Scores, depth: int = 100) -> Scores:
    """Divide by the mean of the ``depth`` best, so that scores of different origin can be added.

    >>> normalised(Scores(np.array([0, 1], np.int32), np.array([1, 3], np.float32))).values.tolist()
    [0.5, 1.5]
    """
    values = scores.values
    if len(values) == 0:
        return scores
    highest = values if len(values) <= depth else np.partition(values, len(values) - depth)[len(values) - depth :]
    mean = float(highest.astype(np.float64).mean())
    return Scores(scores.rows, values / np.float32(mean)) if mean > 0 else scores


def blend(parts: Iterable[tuple[float, Scores]], n_tracks: int) -> Scores:
    """The weighted sum of scores; parts of weight zero cost nothing."""
    kept = [(weight, scores) for weight, scores in parts if weight != 0.0 and len(scores)]
    return accumulate([s.rows for _, s in kept], [np.float32(w) * s.values for w, s in kept], n_tracks)


def rank_playlists(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Positions of the ``k`` highest scores, best first, ties by position (the earliest first)."""
    k = min(k, len(scores))
    if k == 0:
        return np.zeros(0, np.int64)
    if k < len(scores):
        bound = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= bound)
    else:
        kept = np.arange(len(scores))
    return kept[np.argsort(-scores[kept], kind="stable")][:k]


def vote(
    playlists: Interactions,
    rows: NDArray[np.integer],
    weights: NDArray[np.float32],
    *,
    length_power: float = 0.0,
) -> Scores:
    """Score tracks by the summed weights of the playlists that hold them: ``sum_j w_j x_jt / len_j ** length_power``.

    Args:
        playlists: distinct tracks of each playlist.
        rows: voting playlists. weights: float32 of the same length.
    """
    columns, lengths = gather(playlists.indptr, playlists.indices, rows)
    weights = weights.astype(np.float32, copy=False)
    if length_power:
        weights = weights / np.maximum(lengths, 1).astype(np.float32) ** np.float32(length_power)
    return accumulate_pairs(columns, np.repeat(weights, lengths), playlists.n_columns)
