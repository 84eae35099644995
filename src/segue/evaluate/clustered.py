"""Intervals of means over tracks that honour their playlists: tracks of one playlist are no independent queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.significance import (
    RESAMPLES,
    Interval,
    Paired,
    bounded,
    compared,
    resampled_means,
)
from segue.library.interactions import Interactions

__all__ = ["over_playlists", "paired_over_playlists"]

_RNG_KEY = 2018
Values = NDArray[np.float64]


def over_playlists(
    values: Values, query_rows: NDArray[np.integer], playlists: Interactions, *, resamples: int = RESAMPLES
) -> Interval:
    """Mean over query tracks with a 95 % interval from resampling whole playlists.

    A track counts once; where several playlists hold it, each has an equal share of it. Tracks in none of the
    playlists, and values that are nan, are left out.

    Args:
        values: of each query track, ``(q,)``. query_rows: its track row, ``(q,)``.
        playlists: held-out ones, columns are track rows.
    """
    sums, shares = _of_playlists(values[:, None], query_rows, playlists)
    if not len(shares):
        return Interval(float("nan"), float("nan"), float("nan"))
    means = resampled_means(np.column_stack([sums, shares]), resamples=resamples, rng_key=_RNG_KEY)
    mean = float(sums.sum() / shares.sum())
    return bounded(mean, means[:, 0] / means[:, 1])


def paired_over_playlists(
    a: Values, b: Values, query_rows: NDArray[np.integer], playlists: Interactions, *, resamples: int = RESAMPLES
) -> Paired:
    """Compare two methods on the same query tracks, whole playlists resampled; ``n`` is the number of playlists.

    Args:
        a, b: values of each query track, ``(q,)``; only tracks where both have one count.
    """
    both = np.isfinite(a) & np.isfinite(b)
    columns = np.where(both[:, None], np.column_stack([a, b, a - b]), np.nan)
    sums, shares = _of_playlists(columns, query_rows, playlists)
    if not len(shares):
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return Paired(nothing, nothing, float("nan"), 0)
    means = resampled_means(np.column_stack([sums, shares]), resamples=resamples, rng_key=_RNG_KEY)
    return compared(sums.sum(axis=0) / shares.sum(), means[:, :3] / means[:, 3:], len(shares))


def _of_playlists(columns: Values, query_rows: NDArray[np.integer], playlists: Interactions) -> tuple[Values, Values]:
    """Summed values ``(p, c)`` and summed shares ``(p,)`` of the playlists that hold a query track with a value."""
    matrix = playlists.matrix()
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    of_track = np.full(playlists.n_columns, -1, np.int64)
    of_track[query_rows] = np.arange(len(query_rows))
    playlist = np.repeat(np.arange(playlists.n_rows), np.diff(matrix.indptr))
    place = of_track[matrix.indices]
    there = place >= 0
    there[there] = np.isfinite(columns[place[there]]).all(axis=1)
    playlist, place = playlist[there], place[there]
    share = 1 / counts[matrix.indices[there]]
    shares: Values = np.bincount(playlist, share, playlists.n_rows).astype(np.float64)
    sums: Values = np.column_stack(
        [np.bincount(playlist, share * column[place], playlists.n_rows) for column in columns.T]
    )
    return sums[shares > 0], shares[shares > 0]
