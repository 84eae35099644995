"""How well classes are told apart: accuracy, macro-recall, macro-F1, with bootstrap intervals and comparisons.

Everything is computed from confusion matrices: resampling texts with replacement is drawing the cells of the matrix
from a multinomial distribution, so a bootstrap of 2,000 costs as much for a million texts as for a hundred.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.significance import RESAMPLES, Interval, Paired, bounded, compared

__all__ = ["SCORES", "confusion", "drop", "paired_scores", "recalls", "scored", "scores"]

_RNG_KEY = 2017
Counts = NDArray[np.integer]
Values = NDArray[np.float64]


def confusion(truth: Counts, predicted: Counts, n_classes: int) -> NDArray[np.int64]:
    """How many texts of class i (rows) were given class j (columns); int64 ``(n_classes, n_classes)``.

    Args:
        truth, predicted: classes from 0 to ``n_classes - 1``, ``(n,)`` each.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"{len(truth)} classes and {len(predicted)} predictions")
    for values in (truth, predicted):
        if len(values) and not (values.min() >= 0 and values.max() < n_classes):
            raise ValueError(f"classes must lie between 0 and {n_classes - 1}")
    cells = np.bincount(truth.astype(np.int64) * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes)


def accuracy(tables: Counts) -> Values:
    """Share of texts whose class is right; ``tables`` is ``(..., n, n)``, the result ``(...)``."""
    return _ratio(np.einsum("...ii->...", tables), tables.sum((-2, -1)))


def recalls(tables: Counts) -> Values:
    """Share of the texts of each class that are given it; nan for a class without texts. ``(..., n)``."""
    return _ratio(np.einsum("...ii->...i", tables), tables.sum(-1))


def macro_recall(tables: Counts) -> Values:
    """Mean recall over the classes that have texts: accuracy if all classes were equally frequent.

    Source: Rosenthal, Farra, Nakov 2017, "SemEval-2017 Task 4", whose measure of three classes it is.
    """
    return _mean(recalls(tables), tables)


def macro_f1(tables: Counts) -> Values:
    """Mean F1 over the classes that have texts; F1 = 2 right / (texts + predictions) of a class."""
    right = 2 * np.einsum("...ii->...i", tables)
    return _mean(_ratio(right, tables.sum(-1) + tables.sum(-2)), tables)


SCORES: dict[str, Callable[[Counts], Values]] = {
    "accuracy": accuracy,
    "macro_recall": macro_recall,
    "macro_f1": macro_f1,
}
"""Confusion matrices ``(..., n, n)`` -> values ``(...)``, by name."""


def _ratio(above: Counts, below: Counts) -> Values:
    found: Values = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) != 0)
    return found


def _mean(values: Values, tables: Counts) -> Values:
    """Over classes that have texts."""
    there = tables.sum(-1) > 0
    return _ratio(np.where(there, np.nan_to_num(values), 0.0).sum(-1), there.sum(-1))


def scores(table: Counts) -> dict[str, float]:
    """All of :data:`SCORES` of one confusion matrix.

    >>> scores(np.array([[1, 0], [1, 1]]))["macro_recall"]
    0.75
    """
    return {name: float(score(table)) for name, score in SCORES.items()}


def _resampled(cells: Counts, resamples: int, rng_key: int) -> NDArray[np.int64]:
    """Counts of the cells in samples drawn with replacement, ``(resamples, *cells.shape)``."""
    n = int(cells.sum())
    if n == 0:
        raise ValueError("there is nothing to resample")
    drawn = np.random.default_rng(rng_key).multinomial(n, cells.ravel() / n, size=resamples)
    return drawn.reshape(resamples, *cells.shape)


def scored(table: Counts, *, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY) -> dict[str, Interval]:
    """:data:`SCORES` of a confusion matrix with their 95 % percentile bootstrap intervals."""
    drawn = _resampled(table, resamples, rng_key)
    return {name: bounded(float(score(table)), score(drawn)) for name, score in SCORES.items()}


def paired_scores(
    truth: Counts,
    ours: Counts,
    theirs: Counts,
    n_classes: int,
    *,
    resamples: int = RESAMPLES,
    rng_key: int = _RNG_KEY,
) -> dict[str, Paired]:
    """Compare two classifiers on the same texts: difference, ratio and p-value of each score.

    Args:
        truth, ours, theirs: classes, ``(n,)`` each.
    """
    n = n_classes
    cells = np.bincount((truth.astype(np.int64) * n + ours) * n + theirs, minlength=n**3).reshape(n, n, n)
    drawn = _resampled(cells, resamples, rng_key)
    found = {}
    for name, score in SCORES.items():
        a, b = float(score(cells.sum(2))), float(score(cells.sum(1)))
        many_a, many_b = score(drawn.sum(3)), score(drawn.sum(2))
        means = np.array([a, b, a - b])
        found[name] = compared(means, np.column_stack([many_a, many_b, many_a - many_b]), int(cells.sum()))
    return found


@dataclass(frozen=True, slots=True)
class Drop:
    """How much lower a score is on other data; ``share``: of the score on the first."""

    drop: Interval
    share: Interval


def drop(first: Counts, second: Counts, *, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY) -> dict[str, Drop]:
    """Scores on the first data minus those on the second, which are other texts: both are resampled on their own.

    Args:
        first, second: confusion matrices of one size.
    """
    if first.shape != second.shape:
        raise ValueError(f"confusion matrices of {first.shape} and {second.shape}")
    drawn = _resampled(first, resamples, rng_key), _resampled(second, resamples, rng_key + 1)
    found = {}
    for name, score in SCORES.items():
        a, b = float(score(first)), float(score(second))
        many_a, many_b = (score(each) for each in drawn)
        shares = np.divide(many_a - many_b, many_a, out=np.full(len(many_a), np.nan), where=many_a != 0)
        share = (a - b) / a if a else float("nan")
        found[name] = Drop(bounded(a - b, many_a - many_b), bounded(share, shares))
    return found
