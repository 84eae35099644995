"""A report as data: who scored what on which slice, and how that compares with the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.evaluate.significance import (
    Interval,
    Paired,
    bounded,
    compared,
    holm,
    not_below_each,
    paired,
    resampled_means,
)

__all__ = [
    "FEWEST",
    "REPORT_VERSION",
    "Listed",
    "NotBelowRow",
    "Report",
    "Row",
    "Score",
    "TitleList",
    "Versus",
    "mean_in",
    "not_below_best",
    "row_in",
    "rows_of",
    "score",
]

REPORT_VERSION = 1
FEWEST = 10
"""Queries below which no interval and no p-value is given: resampling so few says nothing."""
_SIGNIFICANT = 0.05
_SIGNED = ("content_lift", "title_lift")

Values = NDArray[np.float64]


class Score(msgspec.Struct, frozen=True):
    """A mean and its 95 % interval; None where there is none (figures of a whole run have no interval)."""

    mean: float | None
    low: float | None = None
    high: float | None = None


class Versus(msgspec.Struct, frozen=True):
    """A method against the reference on the same queries; ``p_holm`` is corrected over the methods of the table.

    The ratio of means is empty for lifts, whose zero is a point like any other.
    """

    difference: Score
    ratio: Score
    p: float | None
    p_holm: float | None


class Row(msgspec.Struct, frozen=True):
    """One method on one slice (or scenario)."""

    method: str
    slice: str
    n_queries: int
    scores: dict[str, Score]
    versus: dict[str, Versus]


class NotBelowRow(msgspec.Struct, frozen=True):
    """Whether a method is not below the best of some others in one scenario, Holm over the scenarios."""

    method: str
    other: str
    slice: str
    metric: str
    difference: Score
    bound: float | None
    p_holm: float | None
    holds: bool
    above: bool


class Listed(msgspec.Struct, frozen=True):
    """A track as a list shows it."""

    name: str
    artist: str


class TitleList(msgspec.Struct, frozen=True):
    """What a method answers to one of the titles that a person can judge at a glance."""

    title: str
    method: str
    tracks: list[Listed]
    ignored: list[str] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a protocol found; its JSON keeps this shape, new fields come behind.

    Args:
        protocol, part: what was run on which held-out part.
        reference: the method that others are compared with; None if it was not among them.
        library: fingerprint. n_training: training playlists.
        methods: name -> fingerprint, in the order of the table.
        metrics: the primary one first. slices: in the order of the table.
        left_out: reason -> playlists that were not asked about.
        notes: sentences that belong to the figures.
    """

    kind: str = "segue report"
    format_version: int = REPORT_VERSION
    protocol: str
    part: str
    reference: str | None
    library: str
    n_training: int
    n_queries: int
    methods: dict[str, str]
    metrics: list[str]
    slices: list[str]
    left_out: dict[str, int]
    rows: list[Row]
    truth_popularity: float | None = None
    not_below: list[NotBelowRow] = []
    lists: list[TitleList] = []
    notes: list[str] = []

    def row(self, method: str, slice_name: str) -> Row:
        """One row.

        Raises:
            KeyError: there is none.
        """
        return row_in(self.rows, method, slice_name)

    def mean(self, method: str, slice_name: str, metric: str) -> float:
        """One mean, nan where there is none."""
        return mean_in(self.rows, method, slice_name, metric)


def score(interval: Interval) -> Score:
    """An interval as stored: nan becomes None."""
    return Score(_number(interval.mean), _number(interval.low), _number(interval.high))


def rows_of(
    values: Mapping[str, Mapping[str, Values]],
    slices: Mapping[str, NDArray[np.bool_]],
    reference: str | None,
    *,
    whole: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Row]:
    """Average, resample and compare all methods on all slices.

    A query counts for a metric if all methods have a value for it (a method without any value does not spoil it for
    the others), so that every comparison is paired. With fewer than :data:`FEWEST` queries there are means only.

    Args:
        values: method -> metric -> value per query, all in one order of queries.
        slices: name -> which queries. Empty slices get no rows.
        reference: the method to compare with, if it is among ``values``.
        whole: method -> metric -> figure of the whole run, put into the rows of the first slice.
    """
    rows: list[Row] = []
    for place, (slice_name, mask) in enumerate(slices.items()):
        if not mask.any():
            continue
        cut = {method: {m: v[mask] for m, v in of_method.items()} for method, of_method in values.items()}
        scores, versus = _scored(cut, reference)
        for method in values:
            figures = (whole or {}).get(method, {}) if place == 0 else {}
            extra = {name: Score(_number(value)) for name, value in figures.items()}
            rows.append(Row(method, slice_name, int(mask.sum()), scores[method] | extra, versus[method]))
    return rows


def _scored(
    values: Mapping[str, Mapping[str, Values]], reference: str | None
) -> tuple[dict[str, dict[str, Score]], dict[str, dict[str, Versus]]]:
    methods = list(values)
    metrics: Sequence[str] = list(next(iter(values.values()), {}))
    scores: dict[str, dict[str, Score]] = {m: {name: Score(None) for name in metrics} for m in methods}
    versus: dict[str, dict[str, Versus]] = {m: {} for m in methods}
    # Metrics that have the same queries are resampled together: the draws cost more than the sums.
    together: dict[bytes, list[tuple[str, list[str]]]] = {}
    for name in metrics:
        finite = {m: np.isfinite(values[m][name]) for m in methods}
        there = [m for m in methods if finite[m].any()]
        if there:
            common = np.logical_and.reduce([finite[m] for m in there])
            together.setdefault(np.packbits(common).tobytes(), []).append((name, there))
    for packed, group in together.items():
        n = len(next(iter(values[methods[0]].values())))
        common = np.unpackbits(np.frombuffer(packed, np.uint8), count=n).astype(bool)
        if not common.any():
            continue
        columns: list[Values] = []
        places: dict[tuple[str, str], int] = {}
        for name, there in group:
            for method in there:
                places[name, method] = len(columns)
                own = values[method][name][common]
                columns.append(own)
                if reference in there:
                    columns.append(own - values[reference][name][common])
        table = np.column_stack(columns)
        means = table.mean(axis=0)
        if len(table) < FEWEST:
            for (name, method), at in places.items():
                scores[method][name] = Score(float(means[at]))
            continue
        resampled = resampled_means(table)
        for name, there in group:
            for method in there:
                at = places[name, method]
                scores[method][name] = score(bounded(float(means[at]), resampled[:, at]))
            if reference in there:
                base = places[name, reference]
                others = [m for m in there if m != reference]
                found = []
                for method in others:
                    take = [places[name, method], base, places[name, method] + 1]
                    found.append(compared(means[take], resampled[:, take], len(table)))
                for method, one, corrected in zip(others, found, holm([f.p for f in found]), strict=True):
                    versus[method][name] = _versus(name, one, float(corrected))
    return scores, versus


def _versus(metric: str, found: Paired, corrected: float) -> Versus:
    ratio = Score(None) if metric.startswith(_SIGNED) else score(found.ratio)
    return Versus(score(found.difference), ratio, _number(found.p), _number(corrected))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def row_in(rows: Sequence[Row], method: str, slice_name: str) -> Row:
    """One row of a table.

    Raises:
        KeyError: there is none.
    """
    for row in rows:
        if row.method == method and row.slice == slice_name:
            return row
    raise KeyError((method, slice_name))


def mean_in(rows: Sequence[Row], method: str, slice_name: str, metric: str) -> float:
    """One mean of a table, nan where there is none.

    Raises:
        KeyError: there is no such row.
    """
    found = row_in(rows, method, slice_name).scores.get(metric)
    return float("nan") if found is None or found.mean is None else found.mean


def not_below_best(
    values: Mapping[str, Mapping[str, Mapping[str, Values]]],
    judged: str,
    others: Mapping[str, Sequence[str]],
    metric: str,
) -> list[NotBelowRow]:
    """Test the judged method against the best of some others, chosen afterwards, slice by slice; Holm over slices.

    Args:
        values: slice -> method -> metric -> value of each query, nan where it is not asked.
        others: slice -> methods to compare with, at least one; slices that it does not name are not tested.
    """
    best = {
        name: max((float(np.nanmean(values[name][m][metric])), m) for m in methods)[1]
        for name, methods in others.items()
    }
    pairs = {name: (values[name][judged][metric], values[name][best[name]][metric]) for name in others}
    tested = not_below_each(pairs)
    higher = holm([paired(*pair).p for pair in pairs.values()])
    return [
        NotBelowRow(
            method=judged,
            other=best[name],
            slice=name,
            metric=metric,
            difference=score(found.difference),
            bound=found.bound,
            p_holm=found.p,
            holds=found.holds,
            above=bool(found.difference.mean > 0 and p <= _SIGNIFICANT),
        )
        for (name, found), p in zip(tested.items(), higher.tolist(), strict=True)
    ]
