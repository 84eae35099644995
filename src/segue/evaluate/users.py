"""Lists for listeners against what they love: hit rate and NDCG per user, for known, rare and unheard tracks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.metrics import per_query
from segue.evaluate.significance import Interval, bounded
from segue.library import Interactions, Qrels, Run

__all__ = ["QUESTIONS", "USER_METRICS", "K", "Question", "asked_of", "text_likeness", "user_values"]

K = 10
USER_METRICS = (f"hit_rate@{K}", f"ndcg@{K}")
"""The primary one first."""
_RNG_KEY = 2018

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """Which held-out tracks count, and among which tracks is ranked.

    Args:
        regime: "all", or a name of :data:`~segue.split.cold.REGIMES`: only held-out tracks of it are the truth.
        among: only tracks of the regime are ranked, else the full catalogue.
    """

    name: str
    regime: str
    among: bool = False


QUESTIONS = (
    Question("all", "all"),
    Question("warm", "warm"),
    Question("tail", "tail"),
    Question("tail, among tail", "tail", among=True),
    Question("strict cold", "strict cold"),
    Question("strict cold, among cold", "strict cold", among=True),
)
"""The slices of every report on listeners, in this order."""


def asked_of(truth: Interactions, tracks: NDArray[np.bool_]) -> Interactions:
    """The part of the truth that consists of the given tracks: users x tracks, users without any kept.

    >>> asked_of(Interactions.of([[0, 2], [1]], n_columns=3), np.array([True, False, True])).lengths.tolist()
    [2, 0]
    """
    user = np.repeat(np.arange(truth.n_rows), truth.lengths)
    kept = tracks[truth.indices]
    indptr = np.zeros(truth.n_rows + 1, np.int64)
    np.cumsum(np.bincount(user[kept], minlength=truth.n_rows), out=indptr[1:])
    return Interactions(indptr, truth.indices[kept], truth.n_columns)


def user_values(lists: NDArray[np.int32], truth: Interactions) -> dict[str, Values]:
    """:data:`USER_METRICS` of each user's list.

    Args:
        lists: track rows, best first, padded with -1 behind, int32 ``(n_users, m)``; tracks of training are not in
            them. truth: the distinct held-out tracks of each user.

    Returns:
        metric -> float64 ``(n_users,)`` in [0, 1], nan for users without truth.

    Source: ``docs/metrics.md``, "Listeners".

    >>> values = user_values(np.array([[3, 1], [0, 2]], np.int32), Interactions.of([[1], []], n_columns=4))
    >>> [values[name].round(3).tolist() for name in USER_METRICS]
    [[1.0, nan], [0.631, nan]]
    """
    if len(lists) != truth.n_rows:
        raise ValueError(f"{len(lists)} lists for {truth.n_rows} users")
    there = np.flatnonzero(truth.lengths > 0)
    values: dict[str, Values] = {name: np.full(truth.n_rows, np.nan) for name in USER_METRICS}
    if len(there):
        run = Run("lists", {str(user): lists[user][lists[user] >= 0] for user in there.tolist()})
        found = per_query(run, Qrels({str(user): truth.row(user) for user in there.tolist()}), USER_METRICS)
        for name, of_users in found.items():
            values[name][there] = of_users
    return values


def text_likeness(vectors: NDArray[np.float32], *, pairs: int = 20_000, rng_key: int = _RNG_KEY) -> Interval:
    """Mean cosine of the text vectors of two different tracks: near 1, the texts all sound alike.

    Pairs are drawn with replacement among the tracks that have a text, seeded; the 95 % interval is the normal one of
    that draw, so it says how well the catalogue's mean is known, not how another catalogue would come out.

    Args:
        vectors: of unit length, or zero for tracks without a text, float32 ``(n_tracks, d)``.

    Returns:
        nan with fewer than two texts.

    >>> text_likeness(np.eye(2, dtype=np.float32), pairs=50)
    Interval(mean=0.0, low=0.0, high=0.0)
    """
    there = np.flatnonzero(np.abs(vectors).max(axis=1, initial=0) > 0)
    if len(there) < 2:
        return bounded(float("nan"), np.zeros(0))
    rng = np.random.default_rng(rng_key)
    first = rng.integers(0, len(there), pairs)
    second = (first + rng.integers(1, len(there), pairs)) % len(there)
    cosines = np.empty(pairs)
    for begin in range(0, pairs, 4_096):
        own = slice(begin, begin + 4_096)
        a, b = vectors[there[first[own]]].astype(np.float64), vectors[there[second[own]]].astype(np.float64)
        cosines[own] = np.einsum("ij,ij->i", a, b)
    mean, half = float(cosines.mean()), 1.96 * float(cosines.std(ddof=1)) / math.sqrt(pairs)
    return Interval(mean, mean - half, mean + half)
