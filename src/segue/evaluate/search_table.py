"""The figures of the search protocol: means with intervals, and how rows compare with the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.evaluate.significance import Interval, holm, interval, paired

__all__ = ["Against", "Example", "Score", "SearchFigures", "SearchRow", "SearchSet", "best_of", "rows_of"]

_SIGNIFICANT = 0.05
Values = Mapping[str, NDArray[np.float64]]


class Score(msgspec.Struct, frozen=True):
    """A mean with its 95 % bootstrap interval; null where there is nothing to average."""

    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, found: Interval) -> Score:
        """From an interval; nan becomes null."""
        return cls(*(float(v) if np.isfinite(v) else None for v in (found.mean, found.low, found.high)))

    def __str__(self) -> str:
        return "-" if self.mean is None else f"{self.mean:.3f} [{_short(self.low)}, {_short(self.high)}]"


class Against(msgspec.Struct, frozen=True):
    """How a row compares with a reference on the same queries.

    Args:
        change: mean of the row / mean of the reference - 1. p: corrected by Holm over the rows.
    """

    difference: Score
    change: Score
    p: float | None

    @property
    def verdict(self) -> str:
        """ "+" or "-" where the difference is significant, else empty."""
        if self.p is None or self.p > _SIGNIFICANT or self.difference.mean is None:
            return ""
        return "+" if self.difference.mean > 0 else "-"

    def __str__(self) -> str:
        if self.change.mean is None:
            return "-"
        low, high = ("?" if v is None else f"{v * 100:+.0f}" for v in (self.change.low, self.change.high))
        return f"{self.change.mean * 100:+.1f} % [{low}, {high}]{self.verdict and ' ' + self.verdict}"


class SearchRow(msgspec.Struct, frozen=True):
    """One method.

    Args:
        kind: "simple", "untrained", "written" or "tuned". learnt: what it learnt from, in words.
        scores: metric -> mean. against: role of a reference -> metric -> comparison; none of a row with itself.
        weights: of its channels, the mean over the folds. run: file of its rankings, below the report's folder.
    """

    name: str
    kind: str
    learnt: str
    scores: dict[str, Score]
    against: dict[str, dict[str, Against]]
    weights: dict[str, float] = {}
    run: str = ""


class Example(msgspec.Struct, frozen=True):
    """What two rows found first for a query."""

    query: str
    own: str
    found: dict[str, list[str]]


class SearchSet(msgspec.Struct, frozen=True, kw_only=True):
    """A set of queries and what every row made of it.

    Args:
        synthetic: whether nobody wrote these queries by hand. by: who wrote them -> how many. left_out: reason ->
            how many. references: role -> name of the row.
    """

    name: str
    synthetic: bool
    n_queries: int
    by: dict[str, int]
    left_out: dict[str, int]
    references: dict[str, str]
    rows: list[SearchRow]
    examples: list[Example]
    notes: list[str]

    def row(self, name: str) -> SearchRow:
        """One row.

        Raises:
            KeyError: there is none of this name.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    @property
    def title(self) -> str:
        """Name, number of queries and who wrote them."""
        written = ", ".join(f"{n:,} by {by}" for by, n in self.by.items())
        return f"{self.name}: {self.n_queries:,} {'synthetic ' if self.synthetic else ''}queries ({written})"


class SearchFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What ``report.json`` holds. ``encoders``: name -> what it is and what it saw."""

    protocol: str = "search"
    library: str
    n_playlists: int
    folds: int
    encoders: dict[str, str]
    sets: list[SearchSet]
    notes: list[str]

    @property
    def about(self) -> str:
        """What was asked, in one sentence or two."""
        return (
            f"{self.n_playlists:,} playlists are searched, and each query counts once: what is fitted for it was "
            f"fitted on queries of the other {self.folds - 1} of {self.folds} folds, told apart by a hash of "
            "playlist ids. "
            "Changes are paired, with 95 % bootstrap intervals; + and - are significant after Holm's correction."
        )


def rows_of(
    values: Mapping[str, Values],
    references: Mapping[str, str],
    *,
    kinds: Mapping[str, tuple[str, str]],
    weights: Mapping[str, Mapping[str, float]],
    runs: Mapping[str, str],
) -> list[SearchRow]:
    """Make the rows of a set out of the values of each query.

    Args:
        values: row -> metric -> value of each query, in one order. references: role -> row.
        kinds: row -> kind and what it learnt from. weights, runs: see :class:`SearchRow`.
    """
    against: dict[str, dict[str, dict[str, Against]]] = {name: {} for name in values}
    metrics = list(next(iter(values.values())))
    for role, reference in references.items():
        others = [name for name in values if name != reference]
        for metric in metrics:
            compared = {name: paired(values[name][metric], values[reference][metric]) for name in others}
            corrected = holm([one.p for one in compared.values()])
            for (name, one), p in zip(compared.items(), corrected.tolist(), strict=True):
                change = Interval(one.ratio.mean - 1, one.ratio.low - 1, one.ratio.high - 1)
                found = Against(Score.of(one.difference), Score.of(change), p if np.isfinite(p) else None)
                against[name].setdefault(role, {})[metric] = found
    return [
        SearchRow(
            name=name,
            kind=kinds[name][0],
            learnt=kinds[name][1],
            scores={metric: Score.of(interval(found)) for metric, found in of.items()},
            against=against[name],
            weights={channel: round(weight, 4) for channel, weight in weights.get(name, {}).items()},
            run=runs.get(name, ""),
        )
        for name, of in values.items()
    ]


def best_of(values: Mapping[str, Values], names: Sequence[str], metric: str = "recall@10") -> str | None:
    """The row of highest mean, ties by MRR, then by order; None of none."""
    if not names:
        return None
    return max(names, key=lambda name: (np.nanmean(values[name][metric]), np.nanmean(values[name]["mrr@10"])))


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}".removeprefix("0")
