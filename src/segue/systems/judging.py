"""Judging what search systems found: every pooled pair by several wordings of a judge, and against known truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from segue.errors import InputError
from segue.evaluate.agreement import auc_interval
from segue.evaluate.pooling import Pair, Pool
from segue.evaluate.significance import Interval, interval
from segue.library import Library
from segue.library.searching import Graded, SearchQuery

__all__ = [
    "Gold", "Judge", "Judged", "Progress", "by_pair", "gold_of", "gold_result", "judge_pairs", "judge_pool",
    "known_playlists", "median_grades",
]  # fmt: skip

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""
Grades = Mapping[Pair, int]


class Judge(Protocol):
    """Grades pairs of a query and a playlist from 0 to 3, in several wordings.

    It knows a playlist by its tracks only, never by what an index may have read.
    """

    @property
    def wordings(self) -> tuple[str, ...]:
        """What marks the grades of each wording (``by``)."""
        ...

    @property
    def evidence(self) -> str:
        """What of a playlist it sees, in words."""
        ...

    def grade(self, pairs: Sequence[Pair], wording: int, progress: Progress | None = None) -> list[Graded]:
        """Grade pairs with one wording (from 0); pairs that could not be graded are missing."""
        ...


@dataclass(frozen=True)
class Judged:
    """A judge's grades.

    Args:
        by: mark of each wording. grades: of each wording, pair -> grade. reasons: of the first wording.
        pairs: what was asked; missing in ``grades`` is what failed.
    """

    pairs: tuple[Pair, ...]
    by: tuple[str, ...]
    grades: tuple[dict[Pair, int], ...]
    reasons: dict[Pair, str] = field(default_factory=dict)
    evidence: str = ""

    @property
    def failed(self) -> int:
        """Gradings that failed, over all wordings."""
        return sum(pair not in grades for grades in self.grades for pair in self.pairs)

    @property
    def lines(self) -> list[Graded]:
        """All grades, to be written."""
        return [
            Graded(pair[0], pair[1], grades[pair], self.reasons.get(pair, "") if place == 0 else "", by)
            for place, (by, grades) in enumerate(zip(self.by, self.grades, strict=True))
            for pair in self.pairs
            if pair in grades
        ]


@dataclass(frozen=True)
class Gold:
    """Grades of playlists for descriptions whose own playlist is known.

    Args:
        n: descriptions. others: playlists beside each one's own. auc: how often an own playlist has a higher grade
            than another, of any description (ties half). within: the same among those of one description, averaged.
        own, other: mean grades.
        wrote: who wrote the descriptions.
    """

    n: int
    others: int
    auc: Interval
    within: Interval
    own: Interval
    other: Interval
    wrote: str = "people"


def judge_pool(pool: Pool, judge: Judge, progress: Progress | None = None) -> Judged:
    """Have everything graded that the systems of a pool found, with each wording."""
    return judge_pairs(pool.pairs, judge, progress)


def judge_pairs(pairs: Sequence[Pair], judge: Judge, progress: Progress | None = None) -> Judged:
    """Have pairs graded with each wording."""
    asked = set(pairs)
    grades: list[dict[Pair, int]] = []
    reasons: dict[Pair, str] = {}
    for wording in range(len(judge.wordings)):
        found = judge.grade(pairs, wording, progress)
        grades.append({(one.query, one.playlist_id): one.grade for one in found})
        if foreign := set(grades[-1]) - asked:
            raise ValueError(f"the judge graded {len(foreign)} pairs that it was not asked about")
        if wording == 0:
            reasons = {(one.query, one.playlist_id): one.reason for one in found}
    return Judged(tuple(pairs), judge.wordings, tuple(grades), reasons, judge.evidence)


def median_grades(grades: Sequence[Grades]) -> dict[Pair, int]:
    """The median of several wordings, the lower one of two in the middle, of pairs that all of them graded."""
    if not grades:
        return {}
    shared = [pair for pair in grades[0] if all(pair in one for one in grades)]
    return {pair: sorted(one[pair] for one in grades)[(len(grades) - 1) // 2] for pair in shared}


def gold_of(
    library: Library,
    queries: Sequence[SearchQuery],
    *,
    others: int = 4,
    rng_key: int = 0,
) -> tuple[list[Pair], set[Pair]]:
    """Each description with its own playlist and ``others`` drawn from the library.

    Returns:
        the pairs in an order that tells nothing, and which of them are own ones.

    Raises:
        InputError: a query is about a playlist that the library does not have, or there are no others.
    """
    ids = library.playlists["playlist_id"].to_list()
    known_playlists(library, (query.playlist_id for query in queries))
    if len(ids) <= others:
        raise InputError(
            f"the library has {len(ids)} playlists; too few to set {others} others beside each one's own"
        )
    pairs: list[Pair] = []
    own = set()
    for place, query in enumerate({query.query: query for query in queries}.values()):
        rng = np.random.default_rng((rng_key, place))
        drawn = [ids[row] for row in rng.choice(len(ids), others + 1, replace=False)]
        mine = [query.playlist_id, *(one for one in drawn if one != query.playlist_id)][: others + 1]
        pairs += [(query.query, mine[at]) for at in rng.permutation(len(mine))]
        own.add((query.query, query.playlist_id))
    return pairs, own


def gold_result(pairs: Sequence[Pair], own: set[Pair], grades: Grades, wrote: str = "people") -> Gold:
    """How well grades tell a description's own playlist from others; descriptions not wholly graded are left out."""
    whole = {pair[0] for pair in pairs} - {pair[0] for pair in pairs if pair not in grades}
    kept = [pair for pair in pairs if pair[0] in whole]
    scores = np.array([grades[pair] for pair in kept], np.float64)
    truth = np.array([pair in own for pair in kept], bool)
    queries = [pair[0] for pair in kept]
    of_query: dict[str, list[int]] = {}
    for place, query in enumerate(queries):
        of_query.setdefault(query, []).append(place)
    within, mine, theirs = [], [], []
    for places in of_query.values():
        score, is_own = scores[places], truth[places]
        if not is_own.any() or is_own.all():
            continue
        apart = score[is_own][:, None] - score[~is_own][None]
        within.append(float(((apart > 0) + 0.5 * (apart == 0)).mean()))
        mine.append(float(score[is_own].mean()))
        theirs.append(float(score[~is_own].mean()))
    return Gold(
        n=len(within),
        others=max((len(places) - 1 for places in of_query.values()), default=0),
        auc=auc_interval(scores, truth, queries),
        within=interval(np.array(within)),
        own=interval(np.array(mine)),
        other=interval(np.array(theirs)),
        wrote=wrote,
    )


def by_pair(lines: Iterable[Graded]) -> dict[str, dict[Pair, int]]:
    """Grades read from a file, by who gave them.

    Raises:
        InputError: somebody graded one pair twice, differently.
    """
    found: dict[str, dict[Pair, int]] = {}
    for line in lines:
        mine = found.setdefault(line.by, {})
        if mine.setdefault((line.query, line.playlist_id), line.grade) != line.grade:
            raise InputError(
                f"{line.by} graded playlist {line.playlist_id!r} twice for {line.query!r}, differently; leave one"
            )
    return found


def known_playlists(library: Library, ids: Iterable[str]) -> dict[str, int]:
    """Rows of playlists by id.

    Raises:
        InputError: the library lacks one.
    """
    rows = {one: row for row, one in enumerate(library.playlists["playlist_id"].to_list())}
    found = {}
    for one in ids:
        if one not in rows:
            raise InputError(f"the library has no playlist {one!r}; give the library that the runs were made with")
        found[one] = rows[one]
    return found
