"""Several lists of hits, or several scores of the same candidates, as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from segue.library.ranking import Hits

__all__ = ["SCALES", "Candidates", "Scale", "fit_weights", "rank_of", "reciprocal_rank", "standardised", "weighted"]

Scale = Literal["z", "minmax", "max", "rank", "none"]
SCALES: tuple[Scale, ...] = get_args(Scale)
_RANK_K = 60  # of reciprocal ranks
_FACTORS = (0.0, 0.5, 0.7, 0.85, 1.2, 1.4, 2.0, 3.0)  # by which one weight is multiplied at a time
_ROUNDS = 4
_START = 0.25  # a weight of 0 can only come back by addition


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Rows that may be answers to one query, and what each channel thinks of every one of them.

    Args:
        rows: int32 ``(m,)``, ascending, each once.
        scores: float32 ``(c, m)``, one row for each channel, in the channel's own units; higher is better.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or self.scores.shape[1] != len(self.rows):
            raise ValueError(f"scores are {self.scores.shape} for {len(self.rows)} rows, not (channels, rows)")
        if np.any(np.diff(self.rows) <= 0):
            raise ValueError("rows must be ascending, each once")


def reciprocal_rank(hits: Sequence[Hits], k: float = _RANK_K) -> Hits:
    """Fuse lists by rank alone: a row scores the sum of 1 / (k + rank) over the lists that hold it, ranks from 1.

    Ties break by row. Rows are expected once a list.

    Source: Cormack, Clarke and Buettcher 2009.

    >>> a = Hits(np.array([3, 1], np.int32), np.array([9, 8], np.float32))
    >>> b = Hits(np.array([1, 7], np.int32), np.array([0.2, 0.1], np.float32))
    >>> reciprocal_rank([a, b]).rows.tolist()
    [1, 3, 7]
    """
    if k < 0:
        raise ValueError(f"k is {k}")
    if not any(len(hit) for hit in hits):
        return Hits(np.zeros(0, np.int32), np.zeros(0, np.float32))
    rows, places = np.unique(np.concatenate([hit.rows for hit in hits]), return_inverse=True)
    votes = np.concatenate([1 / (k + 1 + np.arange(len(hit))) for hit in hits])
    scores = np.bincount(places, votes)
    order = np.argsort(-scores, kind="stable")
    return Hits(rows[order].astype(np.int32), scores[order].astype(np.float32))


def standardised(scores: NDArray[np.float32], scale: Scale = "z") -> NDArray[np.float64]:
    """Bring the channels of one query to one scale, each over the query's candidates.

    ``z``: minus the mean, by the standard deviation; ``minmax``: to [0, 1]; ``max``: by the highest score;
    ``rank``: 1 / (60 + rank), equal scores sharing the better rank, and 0 where the channel found nothing (score 0);
    ``none``: as they are. A channel that thinks the same of all candidates says nothing: zeros, but for ``none``.

    Args:
        scores: float32 ``(c, m)``.

    Returns:
        float64 ``(c, m)``.

    >>> standardised(np.array([[1, 3], [2, 2]], np.float32)).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    if scale not in SCALES:
        raise ValueError(f"there is no scale {scale!r}")
    values = scores.astype(np.float64)
    if not values.shape[1] or scale == "none":
        return values
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    flat = (high - low)[:, 0] <= 0
    if scale == "z":
        spread = values.std(axis=1, keepdims=True)
        out = (values - values.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    elif scale == "minmax":
        out = (values - low) / np.where(high > low, high - low, 1)
    elif scale == "max":
        out = values / np.where(high > 0, high, 1)
    else:
        ascending = np.sort(values, axis=1)
        better = [len(row) - np.searchsorted(row, own, "right") for row, own in zip(ascending, values, strict=True)]
        out = np.where(values != 0, 1 / (_RANK_K + 1 + np.array(better)), 0)
    standard: NDArray[np.float64] = np.where(flat[:, None], 0.0, out)
    return standard


def weighted(candidates: Candidates, weights: Sequence[float], *, scale: Scale = "z") -> Hits:
    """Candidates by the weighted sum of their standardised scores, best first, ties by row.

    Raises:
        ValueError: another number of weights than channels, or a weight that is no number.

    >>> two = Candidates(np.array([4, 7, 9], np.int32), np.array([[3, 2, 1], [0, 0, 9]], np.float32))
    >>> weighted(two, [1, 0]).rows.tolist(), weighted(two, [1, 3]).rows.tolist()
    ([4, 7, 9], [9, 4, 7])
    """
    if len(weights) != len(candidates.scores) or not np.isfinite(weights).all():
        raise ValueError(f"weights are {weights} for {len(candidates.scores)} channels")
    fused = (np.asarray(weights, np.float64) @ standardised(candidates.scores, scale)).astype(np.float32)
    order = np.argsort(-fused, kind="stable")
    return Hits(candidates.rows[order], fused[order])


def rank_of(hits: Hits, truth: Collection[int]) -> int:
    """Rank of the best row of ``truth``, from 1; 0 if none was found."""
    found = np.flatnonzero(np.isin(hits.rows, np.fromiter(truth, np.int64, len(truth))))
    return int(found[0]) + 1 if len(found) else 0


def fit_weights(
    cases: Sequence[Candidates],
    truth: Sequence[Collection[int]],
    *,
    start: Sequence[float] | None = None,
    scale: Scale = "z",
    cut: int = 10,
    min_gain: float = 0.002,
) -> tuple[float, ...]:
    """Weights of the channels under which known answers stand highest: coordinate search, deterministic.

    One weight at a time is multiplied by a handful of factors, 0 among them, and the best value is kept if it gains
    ``min_gain``; four rounds at most. What is maximised is the mean over queries of (reciprocal rank, 0 below
    ``cut``) + (1 if the answer is among the first ``cut``), both halved. Weights add up to 1 in the end.

    Args:
        cases: candidates of each query. truth: rows that answer it. start: where to begin; equal weights if None.

    Raises:
        ValueError: no cases, or cases and truth of different numbers.
    """
    if not cases or len(cases) != len(truth):
        raise ValueError(f"{len(cases)} cases and {len(truth)} answers")
    scaled = [standardised(case.scores, scale).astype(np.float32) for case in cases]
    places = [
        np.flatnonzero(np.isin(c.rows, np.fromiter(t, np.int64, len(t)))) for c, t in zip(cases, truth, strict=True)
    ]
    n = len(cases[0].scores)
    weights = np.full(n, 1 / n) if start is None else np.asarray(start, np.float64)

    def score(values: NDArray[np.float64]) -> float:
        total = 0.0
        for channels, answers in zip(scaled, places, strict=True):
            if not len(answers):
                continue
            fused = values.astype(np.float32) @ channels
            best = int(answers[np.argmax(fused[answers])])  # the lowest row of the best: answers ascend
            rank = 1 + int((fused > fused[best]).sum()) + int((fused[:best] == fused[best]).sum())
            if rank <= cut:
                total += 0.5 / rank + 0.5
        return total / len(scaled)

    best = score(weights)
    for _ in range(_ROUNDS):
        before = best
        for channel in range(n):
            tried = [weights[channel] * f for f in _FACTORS] if weights[channel] > 0 else [_START * weights.sum()]
            trials: list[tuple[float, int, NDArray[np.float64]]] = []
            for value in tried:
                candidate = weights.copy()
                candidate[channel] = value
                if candidate.any():
                    trials.append((score(candidate), -len(trials), candidate))
            found, _, candidate = max(trials, key=lambda trial: trial[:2], default=(best, 0, weights))
            if found > best + min_gain:
                best, weights = found, candidate
        if best <= before:
            break
    total = float(weights.sum()) or 1.0
    return tuple(float(value / total) for value in weights)
