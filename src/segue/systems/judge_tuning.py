"""Choosing a judge by what people said: one half of their queries chooses, the other half says how good it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TypeVar

from segue.errors import InputError
from segue.evaluate.agreement import weighted_kappa
from segue.evaluate.pooling import Pair
from segue.library.names import fold
from segue.split.holdout import part_of
from segue.systems.judging import median_grades

__all__ = ["MEDIAN", "SAME", "Chosen", "choose", "halves", "is_tuning", "recoded"]

MEDIAN = "median of the wordings"
SAME = (0, 1, 2, 3)
"""Grades as they were given."""
_LEAST = 20  # graded pairs in the tuning half; fewer choose by luck
_GAIN = 0.02  # of kappa, that a changed scale must bring: 35 scales are many to choose from
Value = TypeVar("Value")


@dataclass(frozen=True)
class Chosen:
    """A wording and a scale.

    Args:
        wording: its mark, or :data:`MEDIAN`. scale: grade g of the judge is taken for ``scale[g]``.
        kappa: on the half that chose; the other half says what it is worth. n: pairs that chose.
        tried: wording -> kappa on that half, grades as given; None where it does not exist.
    """

    wording: str = MEDIAN
    scale: tuple[int, int, int, int] = SAME
    kappa: float | None = None
    n: int = 0
    tried: tuple[tuple[str, float | None], ...] = ()

    def apply(self, by: Sequence[str], grades: Sequence[Mapping[Pair, int]]) -> dict[Pair, int]:
        """The judge's grades of all pairs, by the wording and the scale that were chosen."""
        given = median_grades(grades) if self.wording == MEDIAN else grades[list(by).index(self.wording)]
        return recoded(given, self.scale)


def is_tuning(query: str) -> bool:
    """Whether a query chooses; by a hash of its folded words, so that equal queries are never on both sides."""
    return part_of(f"judge\t{fold(query)}") % 2 == 0


def halves(grades: Mapping[Pair, Value]) -> tuple[dict[Pair, Value], dict[Pair, Value]]:
    """Split people's grades by query: those that choose, those that measure."""
    choosing = {pair: grade for pair, grade in grades.items() if is_tuning(pair[0])}
    return choosing, {pair: grade for pair, grade in grades.items() if pair not in choosing}


def recoded(grades: Mapping[Pair, int], scale: Sequence[int]) -> dict[Pair, int]:
    """Grades on another scale."""
    return {pair: scale[grade] for pair, grade in grades.items()}


def choose(by: Sequence[str], grades: Sequence[Mapping[Pair, int]], people: Mapping[Pair, int]) -> Chosen:
    """Choose the wording, and the scale if that gains 0.02 of kappa, that agree best with people.

    All scales that keep the order of grades are tried, as a judge is often too kind or too strict throughout.

    Args:
        by, grades: of each wording. people: the half that chooses, and nothing of the other.

    Raises:
        InputError: fewer than 20 pairs were graded by both.
    """
    candidates = [(MEDIAN, median_grades(grades)), *zip(by, grades, strict=True)]
    shared = [pair for pair in people if all(pair in one for _, one in candidates)]
    if len(shared) < _LEAST:
        raise InputError(
            f"people graded {len(shared)} pairs of the half that chooses the judge; {_LEAST} are needed to choose"
        )
    truth = [people[pair] for pair in shared]

    def kappa(one: Mapping[Pair, int], scale: Sequence[int]) -> float:
        found = weighted_kappa([scale[one[pair]] for pair in shared], truth)
        return -math.inf if math.isnan(found) else found

    tried = [(name, kappa(one, SAME)) for name, one in candidates]
    best = max(range(len(tried)), key=lambda place: tried[place][1])
    name, given = candidates[best]
    scales = [scale for scale in combinations_with_replacement(range(4), 4) if len(set(scale)) > 1]
    scale = max(scales, key=lambda scale: kappa(given, scale))
    if kappa(given, scale) < tried[best][1] + _GAIN:
        scale = SAME
    reached = kappa(given, scale)
    return Chosen(
        wording=name,
        scale=scale,
        kappa=reached if math.isfinite(reached) else None,
        n=len(shared),
        tried=tuple((name, value if math.isfinite(value) else None) for name, value in tried),
    )
