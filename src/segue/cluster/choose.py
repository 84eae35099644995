"""How many clusters? Inertia, silhouette and title match over a range of k, and the knee of the inertia."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.cluster.coherence import kept, title_match
from segue.cluster.kmeans import kmeans
from segue.errors import InputError, MissingDependency

__all__ = ["KPoint", "curve", "knee", "silhouette"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class KPoint:
    """What comes out of one number of clusters.

    Args:
        k: clusters asked for.
        k_found: clusters with a member.
        inertia: sum of squared distances to the centroids.
        silhouette: mean over a sample of playlists, in [-1, 1]; None where it is not defined.
        n_kept: clusters whose titles match.
        kept_percent: playlists in those, in percent.
        mean_match: mean title match in percent, each cluster counted by its playlists.
    """

    k: int
    k_found: int
    inertia: float
    silhouette: float | None
    n_kept: int
    kept_percent: float
    mean_match: float


def curve(
    vectors: NDArray[np.float32],
    titles: Sequence[str],
    ks: Sequence[int],
    *,
    n_init: int = 3,
    rng_key: int = 0,
    min_match: float = 2.0,
    sample: int = 2_000,
    progress: Progress | None = None,
) -> list[KPoint]:
    """Cluster for each k, ascending, and measure.

    Args:
        vectors: float32 ``(n, d)``; zero rows take no part.
        titles: of the same playlists.
        ks: numbers of clusters; repeats count once.
        sample: playlists over which the silhouette is taken; always the same ones.

    Raises:
        InputError: no k, one below 1, or more than there are playlists with a vector.
    """
    wanted = sorted(set(ks))
    if not wanted or wanted[0] < 1:
        raise InputError("give numbers of clusters from 1 on, as in --ks 5,10,20,50")
    present = np.flatnonzero(vectors.any(axis=1))
    if wanted[-1] > len(present) >= 2:
        raise InputError(f"{wanted[-1]:,} clusters cannot be made of {len(present):,} playlists with a vector")
    rng = np.random.default_rng([rng_key, 2])
    looked_at = np.sort(rng.choice(present, min(sample, len(present)), replace=False))
    points = []
    for done, k in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), f"clustering into {k:,}")
        found = kmeans(vectors, k, n_init=n_init, rng_key=rng_key)
        match, sizes = title_match(found.cluster, titles, found.k), found.sizes
        themes = kept(match, sizes, min_match)
        points.append(
            KPoint(
                k=k,
                k_found=found.k,
                inertia=found.inertia,
                silhouette=silhouette(vectors[looked_at], found.cluster[looked_at]),
                n_kept=int(themes.sum()),
                kept_percent=float(100 * sizes[themes].sum() / sizes.sum()),
                mean_match=float((match * sizes).sum() / sizes.sum()),
            )
        )
    return points


def knee(x: Sequence[float], y: Sequence[float]) -> int | None:
    """Place of the knee of a falling curve: the point farthest below the chord from its first to its last point.

    Both axes are scaled to [0, 1] first, so the place depends on the range that is looked at. None where no point
    lies below the chord, or with fewer than three points.

    Source: Satopaa, Albrecht, Irwin and Raghavan 2011, "Finding a kneedle in a haystack", section III; the largest
    distance alone, without their threshold for curves that are still being measured.

    >>> knee([1, 2, 3, 4, 5], [100, 20, 10, 5, 0]), knee([1, 2, 3], [3, 2, 1])
    (1, None)
    """
    if len(x) < 3 or x[0] == x[-1] or y[0] <= y[-1]:
        return None
    across = (np.asarray(x, np.float64) - x[0]) / (x[-1] - x[0])
    down = (np.asarray(y, np.float64) - y[-1]) / (y[0] - y[-1])
    below = 1 - across - down
    best = int(np.argmax(below))
    return best if below[best] > 1e-9 else None


def silhouette(vectors: NDArray[np.float32], cluster: NDArray[np.int32]) -> float | None:
    """Mean silhouette, in [-1, 1]; None unless there are at least two clusters and fewer than vectors.

    Raises:
        MissingDependency: scikit-learn is not installed.

    Source: Rousseeuw 1987, "Silhouettes".
    """
    try:
        from sklearn.metrics import silhouette_score  # imported late: only clustering needs it
    except ImportError as error:
        raise MissingDependency("the silhouette", extra="train") from error

    if not 2 <= len(np.unique(cluster)) < len(cluster):
        return None
    return float(silhouette_score(vectors, cluster))
