"""How far two graders agree: weighted kappa, order of systems, grades against known truth; each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue.evaluate.significance import RESAMPLES, Interval, bounded, resampled_means

__all__ = [
    "N_GRADES",
    "Agreement",
    "agreement",
    "auc",
    "auc_interval",
    "confusion",
    "kendall_tau",
    "order_tau",
    "spearman",
    "weighted_kappa",
]

N_GRADES = 4
"""Grades are 0, 1, 2 and 3."""

Counts = NDArray[np.int64]
Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How two graders agree on the same things.

    Args:
        n: things that both graded. kappa: quadratic-weighted, with its interval; nan where it does not exist.
        exact: share of equal grades. spearman: rank correlation of the grades.
        confusion: ``confusion[i][j]`` things have grade i by the first and j by the second.
        note: why there is no kappa; empty where there is one.
    """

    n: int
    kappa: Interval
    exact: Interval
    spearman: Interval
    confusion: tuple[tuple[int, ...], ...]
    note: str = ""


def confusion(first: ArrayLike, second: ArrayLike, n_grades: int = N_GRADES) -> Counts:
    """Count pairs of grades; int64 ``(n_grades, n_grades)``, the first grader's in rows.

    Args:
        first, second: integers from 0 to ``n_grades - 1``, ``(n,)`` each, of the same things.

    >>> confusion([0, 3, 3], [0, 3, 2])[3].tolist()
    [0, 0, 1, 1]
    """
    cells = _cells(first, second, n_grades)
    return np.bincount(cells, minlength=n_grades**2).reshape(n_grades, n_grades).astype(np.int64, copy=False)


def weighted_kappa(first: ArrayLike, second: ArrayLike, n_grades: int = N_GRADES) -> float:
    """Quadratic-weighted kappa: 1 where all grades are equal, 0 where they agree as chance would have it.

    nan where a grader gave one grade only: nothing can agree beyond chance with somebody who does not tell apart.

    Source: Cohen 1968, "Weighted kappa: nominal scale agreement with provision for scaled disagreement".

    >>> weighted_kappa([0, 1, 2, 3], [0, 1, 2, 3]), weighted_kappa([0, 3], [3, 0])
    (1.0, -1.0)
    """
    return float(_kappas(confusion(first, second, n_grades).reshape(1, -1).astype(np.float64), n_grades)[0])


def spearman(first: ArrayLike, second: ArrayLike, n_grades: int = N_GRADES) -> float:
    """Spearman's rank correlation of grades, ties sharing their mean rank; nan where a grader gave one grade only."""
    return float(_spearmans(confusion(first, second, n_grades).reshape(1, -1).astype(np.float64), n_grades)[0])


def agreement(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: Sequence[object] | None = None,
    n_grades: int = N_GRADES,
    resamples: int = RESAMPLES,
) -> Agreement:
    """Compare two graders, with 95 % bootstrap intervals over the things that were graded.

    Args:
        first, second: integers from 0 to ``n_grades - 1``, ``(n,)`` each, of the same things.
        groups: the query of each thing, ``(n,)``: things of one query are drawn together, since they are more alike.
    """
    cells = _cells(first, second, n_grades)
    if not len(cells):
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        empty = tuple((0,) * n_grades for _ in range(n_grades))
        return Agreement(0, nothing, nothing, nothing, empty, "nothing was graded by both")
    group = _numbered(range(len(cells)) if groups is None else groups)
    n_groups = int(group.max()) + 1
    counted = np.bincount(group * n_grades**2 + cells, minlength=n_groups * n_grades**2)
    counts: Values = counted.reshape(n_groups, n_grades**2).astype(np.float64)
    total, drawn = counts.sum(axis=0)[None], resampled_means(counts, resamples=resamples)
    table = total.reshape(n_grades, n_grades)
    constant = [who for who, axis in (("first", 1), ("second", 0)) if (table.sum(axis=axis) > 0).sum() == 1]
    note = ""
    if constant:
        who = "both graders" if len(constant) == 2 else f"the {constant[0]} grader"
        note = f"{who} gave one grade only, which says nothing about agreement beyond chance"
    return Agreement(
        n=len(cells),
        kappa=bounded(float(_kappas(total, n_grades)[0]), _kappas(drawn, n_grades)),
        exact=bounded(float(_exact(total, n_grades)[0]), _exact(drawn, n_grades)),
        spearman=bounded(float(_spearmans(total, n_grades)[0]), _spearmans(drawn, n_grades)),
        confusion=tuple(tuple(int(n) for n in row) for row in table),
        note=note,
    )


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b of two scorings of the same systems; nan where one of them scores all alike.

    Source: Kendall 1945, "The treatment of ties in ranking problems".

    >>> kendall_tau([1, 2, 3], [10, 20, 30]), kendall_tau([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"two scorings of the same systems are needed, not {a.shape} and {b.shape}")
    return float(_taus(a[None], b[None])[0])


def order_tau(first: Values, second: Values, *, resamples: int = RESAMPLES) -> Interval:
    """Kendall's tau-b of the order of systems by their mean values, with an interval over queries.

    Args:
        first, second: by each grader, float64 ``(queries, systems)``; queries that lack a value (nan) are left out.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"values of the same queries and systems are needed, not {first.shape} and {second.shape}")
    whole = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    n_systems = first.shape[1]
    if not whole.any() or n_systems < 2:
        return Interval(float("nan"), float("nan"), float("nan"))
    table = np.hstack([first[whole], second[whole]])
    drawn = resampled_means(table, resamples=resamples)
    means = table.mean(axis=0)[None]
    tau = float(_taus(means[:, :n_systems], means[:, n_systems:])[0])
    return bounded(tau, _taus(drawn[:, :n_systems], drawn[:, n_systems:]))


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """How often a positive scores above a negative, ties counting half; nan where there is one kind only.

    Source: Mann and Whitney 1947; Hanley and McNeil 1982.

    >>> auc([3, 1, 2, 2], [True, False, True, False])
    0.875
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, bool)
    if values.ndim != 1 or values.shape != truth.shape:
        raise ValueError(f"one score for each truth is needed, not {values.shape} and {truth.shape}")
    levels, level = np.unique(values, return_inverse=True)
    yes = np.bincount(level[truth], minlength=len(levels)).astype(np.float64)
    no = np.bincount(level[~truth], minlength=len(levels)).astype(np.float64)
    return float(_aucs(yes[None], no[None])[0])


def auc_interval(
    scores: ArrayLike, positive: ArrayLike, groups: Sequence[object], *, resamples: int = RESAMPLES
) -> Interval:
    """:func:`auc` with a 95 % bootstrap interval, drawn over groups (queries).

    Args:
        scores: few distinct values, grades say, ``(n,)``. positive: ``(n,)``. groups: the query of each, ``(n,)``.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, bool)
    whole = auc(values, truth)
    if not len(values):
        return Interval(whole, float("nan"), float("nan"))
    levels, level = np.unique(values, return_inverse=True)
    group = _numbered(groups)
    n_groups, width = int(group.max()) + 1, 2 * len(levels)
    counts = np.bincount(group * width + level + len(levels) * truth, minlength=n_groups * width)
    drawn = resampled_means(counts.reshape(n_groups, width).astype(np.float64), resamples=resamples)
    return bounded(whole, _aucs(drawn[:, len(levels) :], drawn[:, : len(levels)]))


def _cells(first: ArrayLike, second: ArrayLike, n_grades: int) -> Counts:
    a, b = np.asarray(first, np.int64), np.asarray(second, np.int64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"two grades of the same things are needed, not {a.shape} and {b.shape}")
    for grades in (a, b):
        if len(grades) and not 0 <= grades.min() <= grades.max() < n_grades:
            raise ValueError(f"grades are 0 to {n_grades - 1}, not {grades.min()} to {grades.max()}")
    return a * n_grades + b


def _numbered(groups: Sequence[object]) -> Counts:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)


def _divided(above: Values, below: Values) -> Values:
    # sums of a resample are rounded, so a spread of nothing may come out as a little more than nothing
    quotient: Values = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 1e-12)
    return quotient


def _kappas(tables: Values, n_grades: int) -> Values:
    """Of tables of any total, ``(m, n_grades**2)``."""
    share = _divided(tables, np.broadcast_to(tables.sum(axis=1, keepdims=True), tables.shape))
    share = share.reshape(-1, n_grades, n_grades)
    rows, columns = share.sum(axis=2), share.sum(axis=1)
    grades = np.arange(n_grades)
    distance = (grades[:, None] - grades) ** 2.0
    seen = (share * distance).sum(axis=(1, 2))
    by_chance = (rows[:, :, None] * columns[:, None, :] * distance).sum(axis=(1, 2))
    kappa = 1.0 - _divided(seen, by_chance)
    constant = ((rows > 0).sum(axis=1) < 2) | ((columns > 0).sum(axis=1) < 2)
    return np.where(constant, np.nan, kappa)


def _exact(tables: Values, n_grades: int) -> Values:
    return _divided(tables[:, :: n_grades + 1].sum(axis=1), tables.sum(axis=1))


def _spearmans(tables: Values, n_grades: int) -> Values:
    share = tables.reshape(-1, n_grades, n_grades) / tables.sum(axis=1)[:, None, None]
    rows, columns = share.sum(axis=2), share.sum(axis=1)
    # the mean rank of a grade is the share below it and half its own, but for a factor; the mean of all is a half
    a, b = (np.cumsum(one, axis=1) - one / 2 - 0.5 for one in (rows, columns))
    together = (share * a[:, :, None] * b[:, None, :]).sum(axis=(1, 2))
    return _divided(together, np.sqrt((rows * a**2).sum(axis=1) * (columns * b**2).sum(axis=1)))


def _taus(first: Values, second: Values) -> Values:
    """Of scorings of systems, ``(m, systems)`` each."""
    i, j = np.triu_indices(first.shape[1], 1)
    a, b = (np.sign(_close(scores[:, i] - scores[:, j])) for scores in (first, second))
    return _divided((a * b).sum(axis=1), np.sqrt(np.abs(a).sum(axis=1) * np.abs(b).sum(axis=1)))


def _close(differences: Values) -> Values:
    """Means of equal values differ in their last digits, which is no order."""
    return np.where(np.abs(differences) < 1e-12, 0.0, differences)


def _aucs(positive: Values, negative: Values) -> Values:
    """Of counts by ascending score, ``(m, levels)`` each."""
    below = np.cumsum(negative, axis=1) - negative / 2
    return _divided((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))
