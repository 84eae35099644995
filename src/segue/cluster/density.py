"""Clusters where playlists lie dense, however many there are: DBSCAN and HDBSCAN. What lies alone is noise."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, MissingDependency

__all__ = ["Density", "dbscan", "hdbscan", "k_distances", "knee"]

_ROUNDING = 1e-4  # unit vectors that are so near are one; where most lie on others, the knee is at 0
_BLOCK = 2_048  # rows whose distances to all others are in memory at a time


@dataclass(frozen=True, eq=False)
class Density:
    """Dense clusters.

    Args:
        cluster: cluster of each vector, int32 ``(n,)``, the largest first, ties by first member; -1 for noise and for
            a zero row, which says nothing.
        present: whether a vector is not zero, bool ``(n,)``.
        settings: what was used, chosen values too.
    """

    cluster: NDArray[np.int32]
    present: NDArray[np.bool_]
    settings: dict[str, float]

    @property
    def k(self) -> int:
        """Number of clusters; 0 where all is noise."""
        return int(self.cluster.max(initial=-1)) + 1

    @property
    def noise(self) -> float:
        """Share of the vectors that belong to no cluster, in [0, 1]; zero rows do not count."""
        return float((self.cluster[self.present] < 0).mean()) if self.present.any() else 0.0


def dbscan(vectors: NDArray[np.float32], *, eps: float | None = None, min_samples: int = 5) -> Density:
    """DBSCAN by Euclidean distance.

    Args:
        vectors: float32 ``(n, d)``; zero rows take no part.
        eps: how near neighbours are; None: the :func:`knee` of the distances to the ``min_samples`` nearest.
        min_samples: vectors, itself included, that make a place dense.

    Raises:
        InputError: there are fewer than two vectors, or ``eps`` or ``min_samples`` is not above 0.
        MissingDependency: scikit-learn is not installed.

    Source: Ester, Kriegel, Sander and Xu 1996, "A density-based algorithm for discovering clusters"; eps from the
    sorted k-distances as they propose, its knee as in Satopää, Albrecht, Irwin and Raghavan 2011.
    """
    if eps is not None and not (np.isfinite(eps) and eps > 0):
        raise InputError(f"eps is a distance above 0, not {eps:g}; leave it out to have it chosen")
    vectors, present = _checked(vectors, min_samples)
    points = vectors[present]
    if eps is None:
        eps = max(knee(np.sort(k_distances(points, min_samples))), _ROUNDING)
    labels = _fitted("DBSCAN", points, eps=eps, min_samples=min_samples, algorithm="brute", n_jobs=1)
    return Density(_numbered(labels, present), present, {"eps": float(eps), "min_samples": min_samples})


def hdbscan(vectors: NDArray[np.float32], *, min_cluster_size: int = 10, min_samples: int = 5) -> Density:
    """HDBSCAN by Euclidean distance; clusters by excess of mass.

    Fewer vectors than ``min_cluster_size`` are all noise.

    Args:
        vectors: float32 ``(n, d)``; zero rows take no part.
        min_cluster_size: members that make a cluster, at least 2.
        min_samples: vectors, itself included, that make a place dense.

    Raises:
        InputError: there are fewer than two vectors, or a size makes no sense.
        MissingDependency: scikit-learn is not installed.

    Source: Campello, Moulavi and Sander 2013, "Density-based clustering based on hierarchical density estimates".
    """
    if min_cluster_size < 2:
        raise InputError(f"a cluster has at least 2 members, not {min_cluster_size}; give a larger min_cluster_size")
    vectors, present = _checked(vectors, min_samples)
    points = vectors[present]
    settings = {"min_cluster_size": min_cluster_size, "min_samples": min_samples}
    if len(points) < max(min_cluster_size, min_samples):
        return Density(np.full(len(vectors), -1, np.int32), present, dict(settings))
    labels = _fitted("HDBSCAN", points, **settings, algorithm="brute", n_jobs=1, copy=True)
    return Density(_numbered(labels, present), present, dict(settings))


def k_distances(points: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """Distance of each point to its ``k`` th nearest, itself the first; float64 ``(n,)``. Of fewer: the farthest."""
    k = min(k, len(points))
    wide = np.asarray(points, np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    out = np.empty(len(wide))
    for begin in range(0, len(wide), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        squares = norms[rows, None] + norms - 2 * (wide[rows] @ wide.T)
        out[rows] = np.sqrt(np.maximum(np.partition(squares, k - 1, axis=1)[:, k - 1], 0))
    return out


def knee(curve: NDArray[np.floating]) -> float:
    """The value of an ascending curve where it lies farthest below the line between its ends.

    >>> knee(np.array([0.1, 0.15, 0.2, 0.25, 0.3, 2.0, 4.0]))
    0.3
    """
    rise = float(curve[-1] - curve[0])
    if rise <= 0:
        return float(curve[0])
    along = np.arange(len(curve)) / (len(curve) - 1)
    return float(curve[np.argmax(along - (curve - curve[0]) / rise)])


def _checked(vectors: NDArray[np.float32], min_samples: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    if min_samples < 1:
        raise InputError(f"a dense place has at least 1 vector, not {min_samples}; give a larger min_samples")
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite, (n, d)")
    present: NDArray[np.bool_] = np.asarray(vectors.any(axis=1), np.bool_)
    n = int(present.sum())
    if n < 2:
        raise InputError(f"clusters need at least 2 playlists with a vector; there {'is' if n == 1 else 'are'} {n}")
    return vectors, present


def _fitted(name: str, points: NDArray[np.float32], **options: Any) -> NDArray[np.int64]:
    try:
        import sklearn.cluster  # imported late: only clustering needs it
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependency("clustering", extra="train") from error

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn")  # about its own defaults
        labels: NDArray[np.int64] = getattr(sklearn.cluster, name)(**options).fit(points).labels_
    return labels


def _numbered(labels: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Clusters numbered by size, then by first member, in the places of their vectors."""
    inside = labels >= 0
    numbers, first, sizes = np.unique(labels[inside], return_index=True, return_counts=True)
    renumbered = np.full(int(labels.max(initial=-1)) + 2, -1, np.int32)  # the last place stands for noise
    renumbered[numbers[np.lexsort((first, -sizes))]] = np.arange(len(numbers), dtype=np.int32)
    cluster = np.full(len(present), -1, np.int32)
    cluster[present] = renumbered[np.where(inside, labels, -1)]
    return cluster
