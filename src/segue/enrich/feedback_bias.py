"""How likely a place in a list is looked at, estimated from feedback itself.

The position-based model: a track in place ``k`` is judged with probability ``theta_k * gamma``, where ``gamma``
belongs to title and track alone. A track that stood in several places under one title tells the places apart whatever
its ``gamma`` is. So the places are fitted on how the judgements of each such track spread over the places where it
stood: ``theta_k = C_k / sum_q (C_q n_qk / sum_j n_qj theta_j)``, iterated (``n_qk`` times shown, ``C_q`` and ``C_k``
times judged). At the true values both sides have the same mean, also where each track was shown only a few times; EM
with one ``gamma`` per track lacks that. Lists differ by person, model and order: that is where swaps come from.

Source: X. Wang, N. Golbandi, M. Bendersky, D. Metzler, M. Najork 2018 (the model, and EM for it); A. Agarwal et al.
2019 (places told apart by what stood in several of them); T. Joachims, A. Swaminathan, T. Schnabel 2017 (weights that
undo it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BUCKETS", "Examination", "examination"]

BUCKETS = (1, 2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51, 101)
"""First positions of groups that are looked at alike: the further down, the less is known of one place."""
_LEAST = 30  # judgements of a group's swapped tracks; with fewer the curve through the others stands for it
_STEPS, _ENOUGH = 2_000, 1e-9


@dataclass(frozen=True, eq=False)
class Examination:
    """How likely each place is looked at, relative to the first.

    Args:
        groups: probability of each group of :data:`BUCKETS`, float64; ones where nothing could be told apart.
        measured: whether a group's own judgements say so, bool; the others lie on a curve ``k ** -decay``.
        decay: of that curve. swapped: titles and tracks that were judged and stood in several groups.
    """

    groups: NDArray[np.float64]
    measured: NDArray[np.bool_]
    decay: float
    swapped: int

    @property
    def known(self) -> bool:
        """Whether anything could be told: some two groups were."""
        return bool(self.measured.sum() > 1)

    def of(self, positions: NDArray[np.integer]) -> NDArray[np.float64]:
        """Probabilities of positions, from 1; float64 of the same shape."""
        return self.groups[_group(positions)]

    def weights(self, positions: NDArray[np.integer], most: float) -> NDArray[np.float64]:
        """Inverse probabilities, at most ``most``: a bound on the variance, paid for with some bias."""
        return 1.0 / np.maximum(self.of(positions), 1.0 / most)


def examination(pairs: NDArray[np.integer], positions: NDArray[np.integer], judged: NDArray[np.bool_]) -> Examination:
    """Estimate how likely places are looked at.

    Args:
        pairs: number of title and track together. positions: from 1. judged: whether anything was said of it there.
            One entry for each track of each list that was shown, ``(n,)`` each.
    """
    n_groups = len(BUCKETS)
    nothing = Examination(np.ones(n_groups), np.zeros(n_groups, bool), 0.0, 0)
    if not len(pairs):
        return nothing
    _, at = np.unique(pairs, return_inverse=True)
    cell = at.astype(np.int64) * n_groups + _group(positions)
    size = (int(at.max()) + 1) * n_groups
    shown = np.bincount(cell, minlength=size).reshape(-1, n_groups).astype(np.float64)
    said = np.bincount(cell, weights=judged.astype(np.float64), minlength=size).reshape(-1, n_groups)
    telling = ((shown > 0).sum(axis=1) > 1) & (said.sum(axis=1) > 0)
    shown, said = shown[telling], said[telling]
    if not len(shown):
        return nothing
    measured = _together(shown, said.sum(axis=0) >= _LEAST)
    if measured.sum() < 2:
        return Examination(np.ones(n_groups), np.zeros(n_groups, bool), 0.0, len(shown))
    theta = _fitted(shown[:, measured], said[:, measured])
    last = np.array([*BUCKETS[1:], 2 * BUCKETS[-1]]) - 1
    centre = np.sqrt(np.array(BUCKETS) * last)
    x, y, weight = np.log(centre[measured]), np.log(theta), np.sqrt(said[:, measured].sum(axis=0))
    slope, level = np.polyfit(x, y, 1, w=weight)
    groups = np.exp(level) * centre**slope
    groups[measured] = theta
    first = groups[0]
    return Examination(np.clip(groups / first, 1e-6, 1.0), measured, float(-slope), len(shown))


def _group(positions: NDArray[np.integer]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.searchsorted(np.array(BUCKETS), np.maximum(positions, 1), "right") - 1
    return found


def _together(shown: NDArray[np.float64], enough: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the groups with enough judgements those that swaps connect, directly or not: the largest such set."""
    there = (shown > 0).astype(np.float64)
    linked = (there.T @ there > 0) & enough & enough[:, None]
    best = np.zeros(len(enough), bool)
    for start in np.flatnonzero(enough):
        reached = np.zeros(len(enough), bool)
        reached[start] = True
        for _ in enough:
            reached = linked[reached].any(axis=0) | reached
        if reached.sum() > best.sum():
            best = reached
    return best


def _fitted(shown: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fixed point of the equations in the module's docstring, the mean over groups held at one."""
    theta = np.ones(shown.shape[1])
    by_pair, by_group = said.sum(axis=1), said.sum(axis=0)
    for _ in range(_STEPS):
        expected = shown @ theta
        new = by_group / (shown.T @ (by_pair / np.maximum(expected, 1e-300)))
        new /= new.mean()
        if np.abs(new - theta).max() < _ENOUGH:
            break
        theta = new
    return theta
