"""What people said on sheets, read together: how far they agree, with each other and with a judge, and whose lists
they like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.agreement import Agreement, agreement, order_tau
from segue.evaluate.label_sheet import MOST_GRADE, Key, Labels, Table
from segue.evaluate.pooling import Pair, grade_at, graded_queries, ndcg_at
from segue.evaluate.significance import Interval, interval

__all__ = ["Compared", "PeopleReport", "as_list", "as_record", "people_report", "read_sheets", "together"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Two graders and how they agree."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True)
class PeopleReport:
    """What came out of the sheets.

    Args:
        sheet: "grade" or "fit". raters: what each said. people: each pair of people. judge: each person, and all of
            them together, against the judge; empty without one.
        systems: system -> mean of the people's grades over its first ``depth`` places, by query; for "fit" this is
            the share of tracks that fit. ndcg: the same for NDCG@depth. by_judge: by the judge's grades.
        n_queries: queries of which everything was graded. tau: order of the systems by people and by the judge; None
            without a judge or with one system.
    """

    sheet: str
    depth: int
    raters: tuple[Labels, ...]
    people: tuple[Compared, ...]
    judge: tuple[Compared, ...]
    systems: dict[str, Interval]
    ndcg: dict[str, Interval]
    n_queries: int
    by_judge: dict[str, Interval] = field(default_factory=dict)
    tau: Interval | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; what does not exist is null."""
        return {
            "kind": "segue label agreement",
            "sheet": self.sheet,
            "depth": self.depth,
            "queries": self.n_queries,
            "raters": [
                {"rater": one.rater, "graded": len(one.grades), "empty": one.empty, "not_on_the_sheet": one.missing}
                for one in self.raters
            ],
            "people": [as_record(one) for one in self.people],
            "judge": [as_record(one) for one in self.judge],
            "systems": {
                name: {
                    "share" if self.sheet == "fit" else "grade": as_list(self.systems[name]),
                    **({} if self.sheet == "fit" else {"ndcg": as_list(self.ndcg[name])}),
                    **({"grade_by_judge": as_list(self.by_judge[name])} if name in self.by_judge else {}),
                }
                for name in self.systems
            },
            "tau": None if self.tau is None else as_list(self.tau),
        }


def read_sheets(paths: Sequence[Path], key: Key) -> list[Labels]:
    """Read the sheets of all raters, who are called as their files.

    Raises:
        SourceError: a sheet is damaged or of another key.
        InputError: nobody graded anything.
    """
    stems = [path.stem for path in paths]
    named = [str(path) if stems.count(path.stem) > 1 else path.stem for path in paths]
    labels = [Table.read(path).labels(key, name) for path, name in zip(paths, named, strict=True)]
    if not any(one.grades for one in labels):
        raise InputError("nothing was graded on the sheets; fill them in, with 'segue label form SHEET' say")
    return labels


def together(labels: Sequence[Labels]) -> dict[Pair, int]:
    """The people's grade of each pair: the median of those who graded it, the lower one of two in the middle."""
    given: dict[Pair, list[int]] = {}
    for one in labels:
        for pair, grade in one.grades.items():
            given.setdefault(pair, []).append(grade)
    return {pair: sorted(grades)[(len(grades) - 1) // 2] for pair, grades in given.items()}


def people_report(labels: Sequence[Labels], key: Key, judge: Mapping[Pair, int] | None = None) -> PeopleReport:
    """Compare people with each other, with a judge, and say whose lists they like.

    Grades of one query are resampled together. Systems are compared on the queries of which everything
    was graded by somebody; people's grades of one pair are averaged.

    Args:
        judge: pair -> the judge's grade; pairs that nobody graded are passed over.
    """
    n_grades = MOST_GRADE[key.sheet] + 1
    people = [Compared(a.rater, b.rater, _agreed(a.grades, b.grades, n_grades)) for a, b in combinations(labels, 2)]
    against = []
    if judge is not None:
        against = [Compared(one.rater, "judge", _agreed(one.grades, judge, n_grades)) for one in labels]
        if len(labels) > 1:
            against.append(Compared("people together", "judge", _agreed(together(labels), judge, n_grades)))
    pool = key.pool
    mean = _means(labels)
    # a list of tracks that ends early holds none that does not fit
    fill_up = key.sheet == "grade"
    by_people = grade_at(pool, mean, key.depth, fill_up=fill_up)
    by_judge: dict[str, Values] = {} if judge is None else grade_at(pool, judge, key.depth, fill_up=fill_up)
    tau = None
    if by_judge and len(by_people) > 1:
        names = list(by_people)
        tau = order_tau(
            np.column_stack([by_people[name] for name in names]), np.column_stack([by_judge[name] for name in names])
        )
    return PeopleReport(
        sheet=key.sheet,
        depth=key.depth,
        raters=tuple(labels),
        people=tuple(people),
        judge=tuple(against),
        systems={name: interval(values) for name, values in by_people.items()},
        ndcg={name: interval(values) for name, values in ndcg_at(pool, mean, key.depth).items()},
        n_queries=len(graded_queries(pool, mean)),
        by_judge={name: interval(values) for name, values in by_judge.items()},
        tau=tau,
    )


def as_list(value: Interval) -> list[float | None]:
    """Mean, low, high; null where there is none."""
    return [x if np.isfinite(x) else None for x in (value.mean, value.low, value.high)]


def as_record(one: Compared) -> dict[str, Any]:
    """Two graders as JSON has them."""
    found = one.agreement
    return {
        "first": one.first,
        "second": one.second,
        "n": found.n,
        "kappa": as_list(found.kappa),
        "exact": as_list(found.exact),
        "spearman": as_list(found.spearman),
        "confusion": [list(row) for row in found.confusion],
        "note": found.note,
    }


def _agreed(first: Mapping[Pair, int], second: Mapping[Pair, int], n_grades: int) -> Agreement:
    both = [pair for pair in first if pair in second]
    return agreement(
        [first[pair] for pair in both],
        [second[pair] for pair in both],
        groups=[pair[0] for pair in both],
        n_grades=n_grades,
    )


def _means(labels: Sequence[Labels]) -> dict[Pair, float]:
    given: dict[Pair, list[int]] = {}
    for one in labels:
        for pair, grade in one.grades.items():
            given.setdefault(pair, []).append(grade)
    return {pair: float(np.mean(grades)) for pair, grades in given.items()}
