"""Do clusters come out again? Agreement of partitions, over random starts and over samples of the playlists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ClusterOf", "adjusted_rand", "mean_agreement", "stability", "stability_over_samples"]

ClusterOf = Callable[[NDArray[np.float32], int], NDArray[np.int32]]
"""Vectors float32 ``(n, d)`` and a key of random numbers -> cluster of each, int32 ``(n,)``."""


def adjusted_rand(one: ArrayLike, other: ArrayLike) -> float:
    """How far two partitions of the same things agree: 1 if they are one, about 0 by chance, at least -0.5.

    Numbers of clusters mean nothing. Noise (-1) counts as one more cluster. Two partitions that put all together, or
    each thing alone, are one: 1.

    Args:
        one, other: a whole number for each thing, ``(n,)``.

    Source: Hubert and Arabie 1985, "Comparing partitions", equation 5.

    >>> adjusted_rand([0, 0, 1, 1], [5, 5, -1, -1]), round(adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]), 3)
    (1.0, 0.571)
    """
    a, b = np.asarray(one, np.int64), np.asarray(other, np.int64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError("both partitions must be of the same things")
    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    if not len(a):
        return 1.0
    together = _pairs(np.unique(a * (int(b.max()) + 1) + b, return_counts=True)[1])
    in_a, in_b, all_pairs = _pairs(np.bincount(a)), _pairs(np.bincount(b)), len(a) * (len(a) - 1) / 2
    by_chance = in_a * in_b / max(all_pairs, 1)
    most = (in_a + in_b) / 2
    # without room above chance both put all together or each thing alone
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def mean_agreement(partitions: Sequence[ArrayLike]) -> float:
    """Mean adjusted Rand index over all pairs of partitions of the same things; at least two are needed."""
    if len(partitions) < 2:
        raise ValueError("agreement needs at least two partitions")
    return float(np.mean([adjusted_rand(a, b) for a, b in itertools.combinations(partitions, 2)]))


def stability(vectors: NDArray[np.float32], cluster_of: ClusterOf, *, rng_keys: Sequence[int] = (0, 1, 2)) -> float:
    """Mean agreement of clusterings of the same vectors from different random starts."""
    return mean_agreement([cluster_of(vectors, rng_key) for rng_key in rng_keys])


def stability_over_samples(
    vectors: NDArray[np.float32],
    cluster_of: ClusterOf,
    *,
    n_samples: int = 3,
    share: float = 0.8,
    rng_key: int = 0,
) -> float:
    """Mean agreement of clusterings of random parts of the vectors, each pair on the vectors that both have.

    This also asks algorithms without a random part, which agree with themselves from start to start.

    Args:
        share: of the vectors in each sample, in (0.5, 1]; so any two have vectors in common.

    Source: Ben-Hur, Elisseeff and Guyon 2002, "A stability based method for discovering structure in clustered data".
    """
    if n_samples < 2 or not 0.5 < share <= 1:
        raise ValueError("at least two samples are needed, each of more than half of the vectors")
    n = len(vectors)
    size = max(1, round(share * n))
    found = []
    for sample in range(n_samples):
        key = int(np.random.default_rng([rng_key, sample]).integers(2**31))
        rows = np.sort(np.random.default_rng(key).permutation(n)[:size])
        of_all = np.full(n, -2, np.int64)  # -2: not in this sample
        of_all[rows] = cluster_of(vectors[rows], key)
        found.append(of_all)
    agreements = []
    for a, b in itertools.combinations(found, 2):
        both = (a > -2) & (b > -2)
        agreements.append(adjusted_rand(a[both], b[both]))
    return float(np.mean(agreements))


def _pairs(sizes: NDArray[np.integer]) -> float:
    """Pairs within groups of these sizes."""
    counts = sizes.astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())
