"""How well a code keeps what it read, and whether near codes stand in the same playlists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.clustered import over_playlists, paired_over_playlists
from segue.evaluate.same_playlist import Metric, nearest, query_tracks, recall, triplet_accuracy
from segue.evaluate.significance import Interval, Paired, bounded
from segue.library import Interactions, Library
from segue.split.holdout import Part, holdout

__all__ = ["KS", "METRICS", "Linear", "Measured", "Questions", "rank_correlation", "standardised"]

KS = (10, 50)
METRICS: tuple[Metric, ...] = ("cosine", "distance")
_TRIPLETS = 20_000
_MOST_QUERIES = 4_000  # tracks that are asked about; a sample of them where more share a playlist
_RNG_KEY = 2018
_RESAMPLES = 2_000


@dataclass(frozen=True, eq=False)
class Measured:
    """Same-playlist measures of one set of vectors.

    Args:
        recall: (metric, k) -> recall of each query track, float64 ``(q,)``. triplets: of each triplet, 1, 0.5 or 0.
    """

    recall: Mapping[tuple[Metric, int], NDArray[np.float64]]
    triplets: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Questions:
    """Held-out playlists over the tracks that have an input; columns are places among these, not track rows.

    Args:
        query_rows: places of tracks that share a held-out playlist with another one, at most 4,000, int64 ``(q,)``.
    """

    playlists: Interactions
    query_rows: NDArray[np.int64]

    @classmethod
    def of(cls, library: Library, part: Part, rows: NDArray[np.int32]) -> Questions:
        """Ask about the playlists of a part.

        Args:
            rows: track rows that have an input, ascending.

        Raises:
            InputError: no two such tracks share a held-out playlist.
        """
        held = library.playlist_tracks.select(holdout(library).part(part))
        place = np.full(library.n_tracks, -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        kept = [place[held.row(i)] for i in range(held.n_rows)]
        playlists = Interactions.of([row[row >= 0] for row in kept], n_columns=len(rows))
        asked = query_tracks(playlists)
        if not len(asked):
            raise InputError(f"no two of the tracks share a {part} playlist; a larger library is needed")
        if len(asked) > _MOST_QUERIES:
            asked = np.sort(np.random.default_rng(_RNG_KEY).permutation(asked)[:_MOST_QUERIES])
        return cls(playlists, asked.astype(np.int64))

    def ask(self, vectors: NDArray[np.floating]) -> Measured:
        """Measure vectors of all places, ``(n, d)``."""
        found: dict[tuple[Metric, int], NDArray[np.float64]] = {}
        for metric in METRICS:
            neighbours = nearest(vectors, self.query_rows, max(KS), metric=metric)
            values = recall(neighbours, self.query_rows, self.playlists, KS)
            found |= {(metric, k): values[f"recall@{k}"] for k in KS}
        return Measured(found, triplet_accuracy(vectors, self.playlists, _RNG_KEY, _TRIPLETS))

    def summary(self, measured: Measured) -> dict[str, Any]:
        """Means with intervals over playlists, as JSON has it."""
        shown: dict[str, Any] = {}
        for (metric, k), values in measured.recall.items():
            shown[f"recall@{k} by {metric}"] = _bounds(over_playlists(values, self.query_rows, self.playlists))
        shown["triplet accuracy"] = _bounds(_of_many(measured.triplets))
        return shown

    def against(self, measured: Measured, other: Measured, metric: Metric = "cosine", k: int = 50) -> Paired:
        """Recall against that of other vectors, whole playlists resampled."""
        return paired_over_playlists(
            measured.recall[metric, k], other.recall[metric, k], self.query_rows, self.playlists
        )


def _of_many(values: NDArray[np.float64]) -> Interval:
    """Mean of thousands of independent draws with its normal interval: to resample them would take minutes."""
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    mean, half = float(values.mean()), 1.96 * float(values.std()) / float(np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def _bounds(found: Interval) -> list[float]:
    return [found.mean, found.low, found.high]


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear code: ``(x - mean) @ down``, rebuilt as ``code @ up + mean``."""

    mean: NDArray[np.float64]
    down: NDArray[np.float64]
    up: NDArray[np.float64]

    @classmethod
    def pca(cls, train: NDArray[np.float32], d: int) -> Linear:
        """The best linear code of the training rows; ``d`` is at most their columns; none is the mean."""
        mean = train.mean(axis=0, dtype=np.float64)
        centred = train - mean
        _, axes = np.linalg.eigh(centred.T @ centred)
        down = axes[:, ::-1][:, :d]
        if d:  # eigenvectors have no sign of their own
            down = down * np.sign(down[np.abs(down).argmax(axis=0), np.arange(d)])
        return cls(mean, down, down.T)

    @classmethod
    def random(cls, train: NDArray[np.float32], d: int, rng_key: int) -> Linear:
        """Random directions; the way back is the best linear one on the training rows."""
        mean = train.mean(axis=0, dtype=np.float64)
        down = np.random.default_rng([rng_key, d]).normal(size=(train.shape[1], d))
        codes = (train - mean) @ down
        return cls(mean, down, np.linalg.lstsq(codes, train - mean, rcond=None)[0])

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Codes, float32 ``(n, d)``."""
        return np.asarray((x - self.mean) @ self.down, np.float32)

    def errors(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Squared error of each row, the mean over the columns; float64 ``(n,)``."""
        centred = x - self.mean
        return np.asarray(((centred - centred @ self.down @ self.up) ** 2).mean(axis=1))


def standardised(codes: NDArray[np.float32], parts: NDArray[np.int8]) -> NDArray[np.float32]:
    """Each dimension of a code with mean 0 and deviation 1 over the training rows; constant ones become 0."""
    train = codes[parts == 0].astype(np.float64)
    deviation = train.std(axis=0)
    deviation[deviation <= 1e-6 * max(float(deviation.max(initial=0)), 1e-12)] = np.inf
    return np.asarray((codes - train.mean(axis=0)) / deviation, np.float32)


def rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> Interval:
    """Spearman's correlation of two figures of the same configurations, configurations resampled; nan below four.

    The interval says what these configurations say; with a handful it is wide, as it should be.
    """
    from scipy.stats import rankdata  # imported late: only a comparison needs it

    def correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        p, q = (rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (x, y))
        scale = np.sqrt((p * p).sum(axis=1) * (q * q).sum(axis=1))
        found = np.full(len(x), np.nan)
        np.divide((p * q).sum(axis=1), scale, out=found, where=scale > 0)
        return found

    if len(a) < 4:
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(_RNG_KEY)
    draws = rng.integers(0, len(a), (_RESAMPLES, len(a)))
    return bounded(float(correlations(a[None], b[None])[0]), correlations(a[draws], b[draws]))
