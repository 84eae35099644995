"""Places of vectors on a plane, and groups of them: by openTSNE where it is installed, else by numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from segue.cluster.maps import tsne_map

__all__ = ["grouped", "laid_out"]

Progress = Callable[[int, int, str], None]

_DECIMALS = 6  # of a vector; titles alike up to there share a place
_ANCHORS = 800  # vectors that numpy lays out, in seconds; the others go between those that are nearest
_BETWEEN = 3
_PERPLEXITY = 25.0
_ROUNDS, _EARLY, _EXAGGERATED = 400, 120, 12.0
_STARTS, _LLOYD = 5, 100
_EDGE = 0.02  # of the map that stays free on each side


def laid_out(vectors: NDArray[np.float32], *, progress: Progress | None = None) -> NDArray[np.float64]:
    """Places in [0, 1] x [0, 1], float64 ``(n, 2)``: near vectors lie together; the same vectors, the same places."""
    rounded = np.round(vectors, _DECIMALS) + np.float32(0)
    distinct, same = np.unique(rounded, axis=0, return_inverse=True)
    same = same.reshape(-1)
    first = np.unique(same, return_index=True)[1]
    order = np.argsort(first, kind="stable")  # of distinct vectors by first occurrence: the most shared titles first
    distinct = distinct[order]
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    there = distinct.any(axis=1)
    places = np.zeros((len(distinct), 2), np.float64)
    if there.sum() > 4 and find_spec("openTSNE"):
        found = tsne_map(distinct, most=len(distinct), perplexity=_PERPLEXITY, progress=progress)
        places[found.rows] = found.places
    elif there.any():
        places[there] = _plain(distinct[there], progress)
    return _scaled(places)[number[same]]


def _scaled(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both directions into [0, 1], each on its own scale: a map fills its page."""
    low, high = places.min(axis=0), places.max(axis=0)
    spread = np.where(high > low, high - low, 1)
    inner = np.where(high > low, (places - low) / spread, 0.5)
    scaled: NDArray[np.float64] = _EDGE + (1 - 2 * _EDGE) * inner
    return scaled


def _plain(vectors: NDArray[np.float32], progress: Progress | None) -> NDArray[np.float64]:
    """t-SNE of the first vectors, exact and in numpy; each other goes to the mean of its nearest among them."""
    anchors = vectors[:_ANCHORS].astype(np.float64)
    places = _tsne(anchors, progress)
    if len(vectors) == len(anchors):
        return places
    unit = anchors / np.linalg.norm(anchors, axis=1, keepdims=True)
    rest = vectors[len(anchors) :].astype(np.float64)
    near = rest / np.linalg.norm(rest, axis=1, keepdims=True) @ unit.T
    nearest = np.argsort(-near, axis=1, kind="stable")[:, :_BETWEEN]
    weights = np.maximum(np.take_along_axis(near, nearest, axis=1), 1e-6) ** 8
    between = (places[nearest] * weights[..., None]).sum(axis=1) / weights.sum(axis=1)[:, None]
    return np.concatenate([places, between])


def _tsne(points: NDArray[np.float64], progress: Progress | None) -> NDArray[np.float64]:
    """Exact t-SNE from the first two principal components on, with momentum and gains.

    Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE", algorithm 1.
    """
    n = len(points)
    centred = points - points.mean(axis=0)
    spread, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2] * np.sign(axes[:, ::-1][:, :2].sum(axis=0) + 1e-300)
    places = np.zeros((n, 2))
    places[:, : axes.shape[1]] = centred @ axes
    if n < 5 or spread[-1] <= 0:
        return places
    places *= 1e-4 / max(float(places[:, 0].std()), 1e-12)
    wanted = _affinities(points, min(_PERPLEXITY, (n - 1) / 3)).astype(np.float32)
    places = places.astype(np.float32)
    moved, gains = np.zeros_like(places), np.ones_like(places)
    rate = np.float32(max(n / _EXAGGERATED, 50))
    for step in range(_ROUNDS):
        if progress is not None and step % 50 == 0:
            progress(step, _ROUNDS, "drawing a map")
        squares = (places * places).sum(axis=1)
        near = 1 / (1 + np.maximum(squares[:, None] + squares - 2 * places @ places.T, 0))
        np.fill_diagonal(near, 0)
        strength = np.float32(_EXAGGERATED if step < _EARLY else 1)
        pull = (strength * wanted - near / near.sum()) * near
        gradient = 4 * (pull.sum(axis=1)[:, None] * places - pull @ places)
        gains = np.maximum(np.where((gradient > 0) != (moved > 0), gains + 0.2, gains * 0.8), 0.01)
        moved = np.float32(0.5 if step < _EARLY else 0.8) * moved - rate * gains * gradient
        places = places + moved
        places -= places.mean(axis=0)
    return places.astype(np.float64)


def _affinities(points: NDArray[np.float64], perplexity: float) -> NDArray[np.float64]:
    """Symmetric probabilities whose rows have the given perplexity, found by halving; float64 ``(n, n)``."""
    squares = (points * points).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
    np.fill_diagonal(apart, np.inf)
    apart -= apart.min(axis=1, keepdims=True)
    low, high = np.full(len(points), -20.0), np.full(len(points), 20.0)  # logarithms of the precisions
    for _ in range(40):
        middle = (low + high) / 2
        weights = np.exp(-apart * np.exp(middle)[:, None])
        shares = weights / weights.sum(axis=1, keepdims=True)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        too_wide = entropy > np.log(perplexity)
        low, high = np.where(too_wide, middle, low), np.where(too_wide, high, middle)
    return np.asarray((shares + shares.T) / (2 * len(points)), np.float64)


def grouped(vectors: NDArray[np.float32], k: int, *, least: int = 1, rng_key: int = 0) -> NDArray[np.int64]:
    """K-Means in numpy: the group of each vector, int64 ``(n,)``, the best of several k-means++ starts.

    Fewer than ``k`` groups come out where vectors coincide, and where groups have fewer than ``least`` members: these
    go to the nearest of the others.
    """
    points = vectors.astype(np.float64)
    rng = np.random.default_rng(rng_key)
    best, lowest = np.zeros(len(points), np.int64), np.inf
    for _ in range(_STARTS):
        group, cost = _lloyd(points, _seeds(points, min(k, len(points)), rng))
        if cost < lowest - 1e-9:
            best, lowest = group, cost
    sizes = np.bincount(best)
    large = np.flatnonzero(sizes >= min(least, sizes.max()))
    centres = np.stack([points[best == group].mean(axis=0) for group in large])
    stray = ~np.isin(best, large)
    best[stray] = large[((points[stray][:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)]
    return np.asarray(np.unique(best, return_inverse=True)[1].reshape(-1), np.int64)


def _seeds(points: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray[np.float64]:
    chosen = [int(rng.integers(len(points)))]
    apart = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k and apart.sum() > 0:
        chosen.append(int(np.searchsorted(np.cumsum(apart), rng.random() * apart.sum(), "right")))
        chosen[-1] = min(chosen[-1], len(points) - 1)
        apart = np.minimum(apart, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _lloyd(points: NDArray[np.float64], centres: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    group = np.full(len(points), -1, np.int64)
    squares = (points * points).sum(axis=1)
    apart = np.zeros(0)
    for _ in range(_LLOYD):
        apart = squares[:, None] + (centres * centres).sum(axis=1) - 2 * points @ centres.T
        before, group = group, apart.argmin(axis=1)
        if np.array_equal(before, group):
            break
        sums = np.zeros_like(centres)
        np.add.at(sums, group, points)
        counts = np.bincount(group, minlength=len(centres))
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
    return group, float(apart[np.arange(len(points)), group].sum())
