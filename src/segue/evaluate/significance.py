"""What a sample of queries can tell: bootstrap intervals, paired comparisons, Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MARGIN",
    "RESAMPLES",
    "Interval",
    "NotBelow",
    "Paired",
    "bounded",
    "compared",
    "holm",
    "interval",
    "not_below",
    "not_below_each",
    "paired",
    "resampled_means",
]

RESAMPLES = 2000
MARGIN = 0.01
"""How far below the other a method may lie and still count as not below: a share of the other's mean."""
_RNG_KEY = 2018
_LEVEL = 0.95
_CELLS = 1 << 24  # counts held at once: 64 MB of float32

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds of its 95 % percentile bootstrap interval; nan where there is nothing to average."""

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def to_json(self) -> dict[str, float]:
        """As reports store it."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Paired:
    """How method a compares with method b on the same queries.

    Args:
        difference: mean of a - b. ratio: mean of a / mean of b (nan where b's mean is 0).
        p: two-sided p-value of "the means are equal"; at least 1 / (resamples + 1).
        n: queries.
    """

    difference: Interval
    ratio: Interval
    p: float
    n: int


@dataclass(frozen=True, slots=True)
class NotBelow:
    """Whether method a is not below method b.

    Args:
        difference: mean of a - b, with its interval.
        bound: what the lower end must reach: ``-margin`` times the mean of b.
        p: one-sided p-value of "a lies below the bound", corrected where several were tested.
        holds: p is at most 0.025, i.e. the lower end of the (corrected) interval reaches the bound.
    """

    difference: Interval
    bound: float
    p: float
    holds: bool


def resampled_means(values: Values, *, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY) -> Values:
    """Means over queries drawn with replacement.

    The draws depend on ``rng_key``, ``resamples`` and the number of queries only: columns of one call, and calls with
    equally many queries, are resampled alike, so that their differences are paired.

    Args:
        values: finite, ``(n,)`` or ``(n, m)``, n at least 1.

    Returns:
        float64 ``(resamples,)`` or ``(resamples, m)``.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 13 and 16.
    """
    n = len(values)
    if n == 0:
        raise ValueError("there is nothing to resample")
    table = values.reshape(n, -1)
    rng = np.random.default_rng(rng_key)
    out = np.empty((resamples, table.shape[1]))
    block = max(1, _CELLS // n)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, n, (size, n))
        drawn += np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        out[start : start + size] = counts.astype(np.float64) @ table / n
    return out.reshape((resamples, *values.shape[1:]))


def interval(values: Values, *, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY) -> Interval:
    """Mean and 95 % interval of the queries that have a value.

    >>> interval(np.array([0.5, 0.5, 0.5]))
    Interval(mean=0.5, low=0.5, high=0.5)
    """
    there = values[np.isfinite(values)]
    if not len(there):
        return Interval(float("nan"), float("nan"), float("nan"))
    return bounded(float(there.mean()), resampled_means(there, resamples=resamples, rng_key=rng_key))


def paired(a: Values, b: Values, *, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY) -> Paired:
    """Compare two methods on the queries where both have a value.

    The p-value is twice the smaller share of resampled differences on either side of zero, zero counting for both,
    with one added to count and total (Davison and Hinkley 1997, section 4.2).

    Args:
        a, b: values of the same queries, ``(n,)`` each.
    """
    if a.shape != b.shape:
        raise ValueError(f"paired values need one shape, got {a.shape} and {b.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return Paired(nothing, nothing, float("nan"), 0)
    columns = np.column_stack([a[both], b[both], a[both] - b[both]])
    means = resampled_means(columns, resamples=resamples, rng_key=rng_key)
    return compared(columns.mean(axis=0), means, len(columns))


def compared(means: Values, resampled: Values, n: int) -> Paired:
    """Make a comparison of what was resampled already.

    Args:
        means: of a, b and a - b; the difference is a column of its own, so that equal values differ by exactly 0.
        resampled: the same, ``(resamples, 3)``.
        n: queries.
    """
    resampled_a, resampled_b, differences = resampled.T
    ratios = np.divide(resampled_a, resampled_b, out=np.full(len(resampled), np.nan), where=resampled_b != 0)
    ratio = float(means[0] / means[1]) if means[1] else float("nan")
    below, above = int((differences <= 0).sum()), int((differences >= 0).sum())
    return Paired(
        difference=bounded(float(means[2]), differences),
        ratio=bounded(ratio, ratios),
        p=min(1.0, 2 * (1 + min(below, above)) / (1 + len(resampled))),
        n=n,
    )


def holm(p_values: Sequence[float]) -> Values:
    """Correct p-values for the number of tests, step down; nan stays nan and does not count.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    corrected = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    if order:
        factors = np.arange(len(order), 0, -1)
        corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return corrected


def not_below(
    a: Values, b: Values, *, margin: float = MARGIN, resamples: int = RESAMPLES, rng_key: int = _RNG_KEY
) -> NotBelow:
    """Whether a is not below b: the lower 95 % bound of the paired difference reaches ``-margin`` times b's mean."""
    return not_below_each({"": (a, b)}, margin=margin, resamples=resamples, rng_key=rng_key)[""]


def not_below_each(
    pairs: Mapping[str, tuple[Values, Values]],
    *,
    margin: float = MARGIN,
    resamples: int = RESAMPLES,
    rng_key: int = _RNG_KEY,
) -> dict[str, NotBelow]:
    """Test :func:`not_below` for several pairs (scenarios), the p-values corrected by Holm over all of them.

    Args:
        pairs: name -> (values of a, values of b).
    """
    tests: list[tuple[Interval, float, float]] = []
    for a, b in pairs.values():
        compared = paired(a, b, resamples=resamples, rng_key=rng_key)
        both = np.isfinite(a) & np.isfinite(b)
        if not both.any():
            tests.append((compared.difference, float("nan"), float("nan")))
            continue
        bound = -margin * float(b[both].mean())
        differences = resampled_means(a[both] - b[both], resamples=resamples, rng_key=rng_key)
        p = 1.0 if compared.difference.mean < bound else (1 + int((differences < bound).sum())) / (1 + resamples)
        tests.append((compared.difference, bound, p))
    corrected = holm([p for _, _, p in tests])
    return {
        name: NotBelow(difference, bound, float(p), bool(p <= (1 - _LEVEL) / 2))
        for name, (difference, bound, _), p in zip(pairs, tests, corrected, strict=True)
    }


def bounded(mean: float, resampled: Values) -> Interval:
    """A mean with the 2.5th and the 97.5th percentile of its resampled values; nan among them is passed over."""
    there = resampled[np.isfinite(resampled)]
    if not len(there) or not np.isfinite(mean):
        return Interval(mean, float("nan"), float("nan"))
    tail = (1 - _LEVEL) / 2 * 100
    low, high = np.percentile(there, [tail, 100 - tail])
    return Interval(mean, float(low), float(high))
