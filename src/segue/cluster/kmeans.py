"""K-Means over playlist vectors: several k-means++ starts, mini-batches where there are very many."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, MissingDependency

__all__ = ["MINIBATCH_BEYOND", "Clustering", "kmeans"]

Progress = Callable[[int, int, str], None]

MINIBATCH_BEYOND = 500_000  # vectors; Lloyd's iterations over more take many minutes a start
_BATCH = 4_096
_BLOCK = 16_384  # rows that are compared with all centroids at a time


@dataclass(frozen=True, eq=False)
class Clustering:
    """Centroids and who is near which.

    Args:
        centroids: float32 ``(k, d)``, the cluster with most members first; none is without a member.
        cluster: cluster of each vector, int32 ``(n,)``; -1 for a zero row, which says nothing.
        inertia: sum of the squared distances to the nearest centroid.
    """

    centroids: NDArray[np.float32]
    cluster: NDArray[np.int32]
    inertia: float

    @property
    def k(self) -> int:
        """Number of clusters; fewer than were asked for where vectors coincide."""
        return len(self.centroids)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Members of each cluster, int64 ``(k,)``."""
        return np.bincount(self.cluster[self.cluster >= 0], minlength=self.k).astype(np.int64)

    def assign(self, vectors: NDArray[np.float32]) -> NDArray[np.int32]:
        """Nearest centroid of each row, int32 ``(n,)``; ties by number, -1 for a zero row."""
        return _nearest(vectors, self.centroids)


def kmeans(
    vectors: NDArray[np.float32],
    k: int,
    *,
    n_init: int = 3,
    rng_key: int = 0,
    minibatch: bool | None = None,
    progress: Progress | None = None,
) -> Clustering:
    """Cluster the rows that are not zero, by Euclidean distance; the best of ``n_init`` k-means++ starts.

    Where vectors coincide fewer than ``k`` clusters come out: those without a member are dropped. Clusters are
    numbered by size, then by their first member. One thread is used, so that the same input gives the same bits.

    Args:
        vectors: float32 ``(n, d)``; zero rows take no part.
        k: number of clusters.
        n_init: how many starts are tried (with mini-batches: how many beginnings, the best of which is gone on with).
        rng_key: key of the random starts, 0 or more.
        minibatch: mini-batches instead of Lloyd's iterations; None: beyond :data:`MINIBATCH_BEYOND` vectors.

    Raises:
        InputError: there are fewer than two vectors, or fewer than ``k``.
        MissingDependency: scikit-learn is not installed.

    Source: Arthur and Vassilvitskii 2007, "k-means++"; Sculley 2010, "Web-scale k-means clustering".
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite, (n, d)")
    if k < 1 or n_init < 1 or rng_key < 0:
        raise ValueError("k and n_init are at least 1, rng_key at least 0")
    present = vectors.any(axis=1)
    n = int(present.sum())
    if n < 2:
        raise InputError(f"clusters need at least 2 playlists with a vector; there {'is' if n == 1 else 'are'} {n}")
    if k > n:
        raise InputError(f"{k:,} clusters cannot be made of {n:,} playlists with a vector; ask for at most {n:,}")
    points = vectors if n == len(vectors) else vectors[present]
    batches = n > MINIBATCH_BEYOND if minibatch is None else minibatch
    centroids = (
        _minibatch(points, k, n_init, rng_key, progress) if batches else _lloyd(points, k, n_init, rng_key, progress)
    )
    return _compact(vectors, centroids)


def _lloyd(
    points: NDArray[np.float32], k: int, n_init: int, rng_key: int, progress: Progress | None
) -> NDArray[np.float32]:
    best: Any = None
    for start in range(n_init):  # one by one: scikit-learn's own loop says nothing in between
        if progress is not None:
            progress(start, n_init, f"K-Means with {k:,} clusters")
        model = _fitted("KMeans", points, n_clusters=k, n_init=1, random_state=_state(rng_key, start))
        if best is None or model.inertia_ < best.inertia_:
            best = model
    return np.asarray(best.cluster_centers_, np.float32)


def _minibatch(
    points: NDArray[np.float32], k: int, n_init: int, rng_key: int, progress: Progress | None
) -> NDArray[np.float32]:
    if progress is not None:
        progress(0, 1, f"K-Means with {k:,} clusters, in batches")
    options = {"batch_size": _BATCH, "compute_labels": False, "random_state": _state(rng_key, 0)}
    model = _fitted("MiniBatchKMeans", points, n_clusters=k, n_init=n_init, **options)
    return np.asarray(model.cluster_centers_, np.float32)


def _fitted(name: str, points: NDArray[np.float32], **options: Any) -> Any:
    try:
        import sklearn.cluster  # imported late: only clustering needs it
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependency("clustering", extra="train") from error

    with warnings.catch_warnings(), threadpool_limits(1):
        # fewer distinct vectors than clusters: the empty ones are dropped, which is said in the report
        warnings.simplefilter("ignore")
        return getattr(sklearn.cluster, name)(init="k-means++", **options).fit(points)


def _state(rng_key: int, start: int) -> int:
    return int(np.random.default_rng([rng_key, start]).integers(2**32, dtype=np.uint64))


def _compact(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> Clustering:
    """Drop centroids without a member, number the others by size, and measure."""
    found = _nearest(vectors, centroids)
    members = np.flatnonzero(found >= 0)
    numbers, first, sizes = np.unique(found[members], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    renumbered = np.full(len(centroids) + 1, -1, np.int32)  # the last place stands for -1
    renumbered[numbers[order]] = np.arange(len(numbers), dtype=np.int32)
    cluster = renumbered[found]
    kept = np.ascontiguousarray(centroids[numbers[order]])
    inertia = 0.0
    for begin in range(0, len(members), _BLOCK):
        rows = members[begin : begin + _BLOCK]
        apart = vectors[rows].astype(np.float64) - kept[cluster[rows]]
        inertia += float(np.einsum("ij,ij->", apart, apart))
    return Clustering(kept, cluster, inertia)


def _nearest(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int32]:
    half_norms = (np.einsum("ij,ij->i", centroids, centroids, dtype=np.float64) / 2).astype(np.float32)
    out = np.full(len(vectors), -1, np.int32)
    for begin in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[begin : begin + _BLOCK], np.float32)
        # |x - c|^2 is smallest where x.c - |c|^2 / 2 is largest
        near = np.argmax(block @ centroids.T - half_norms, axis=1).astype(np.int32)
        out[begin : begin + _BLOCK] = np.where(block.any(axis=1), near, np.int32(-1))
    return out
