"""The report on judged systems: grades, how much depends on the judge's wording, and what the judge is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.evaluate.agreement import Agreement, agreement, order_tau
from segue.evaluate.pooling import Pair, Pool, grade_at, graded_queries, ndcg_at
from segue.evaluate.significance import Interval, interval
from segue.library.arrays import write_bytes
from segue.library.searching import write_lines
from segue.systems.judge_tuning import MEDIAN, Chosen
from segue.systems.judging import Gold, Judged

__all__ = ["NOT_VALIDATED", "JudgeReport", "Score", "SystemRow", "Validation", "judge_report", "save_judge_report"]

NOT_VALIDATED = "not validated against people"
Score = tuple[float | None, float | None, float | None]
"""Mean and 95 % interval; null where there is none."""
Values = NDArray[np.float64]


class SystemRow(msgspec.Struct, frozen=True):
    """What the judge said of one system.

    Args:
        grade: mean grade of the first ``depth`` places. ndcg: NDCG at ``depth``. by_wording: mean grade by each.
        sd: standard deviation over wordings of a query's mean grade, averaged over queries.
    """

    name: str
    grade: Score
    ndcg: Score
    by_wording: tuple[float | None, ...]
    sd: float | None


class Validation(msgspec.Struct, frozen=True):
    """How the judge agrees with people.

    Args:
        kind: "people" for those that chose nothing, "all people" where nothing was chosen.
        tau: order of the systems by people and by the judge, over queries that both graded wholly.
    """

    kind: str
    n: int
    queries: int
    kappa: Score
    exact: Score
    spearman: Score
    confusion: tuple[tuple[int, ...], ...]
    tau: Score
    note: str


class GoldRow(msgspec.Struct, frozen=True):
    """How the judge tells a description's own playlist from others."""

    descriptions: int
    others: int
    auc: Score
    within: Score
    own: Score
    other: Score
    wrote: str


class JudgeReport(msgspec.Struct, frozen=True):
    """All of it, the best system first; ``report.json`` is this.

    Args:
        wordings: marks of the judge's wordings. grades_by: the one that the figures are of. scale: what its grades
            are taken for. tried: wording -> kappa on the half of people's grades that chose.
        changed: share of pairs whose grade is not the same by all wordings. tau_of_wordings: the least agreement of
            two wordings on the order of systems.
        failed: gradings that failed; their queries count for no system.
    """

    kind: str
    format_version: int
    wordings: tuple[str, ...]
    evidence: str
    grades_by: str
    scale: tuple[int, ...]
    tried: tuple[tuple[str, float | None], ...]
    depth: int
    queries: int
    queries_counted: int
    pairs: int
    failed: int
    systems: tuple[SystemRow, ...]
    changed: float | None
    tau_of_wordings: float | None
    validated: str
    validation: Validation | None
    gold: GoldRow | None
    distribution: tuple[int, ...]


def judge_report(
    pool: Pool,
    judged: Judged,
    *,
    chosen: Chosen | None = None,
    people: Mapping[Pair, int] | None = None,
    gold: Gold | None = None,
) -> JudgeReport:
    """Make the report.

    Args:
        chosen: by people's grades; the median of the wordings without it.
        people: people's grades that measure, those that chose left out. gold: grades of known pairs, if there are.
    """
    how = chosen or Chosen()
    grades = how.apply(judged.by, judged.grades)
    names = list(pool.lists)
    each = [grade_at(pool, one, pool.depth) for one in judged.grades]
    main, ndcg = grade_at(pool, grades, pool.depth), ndcg_at(pool, grades, pool.depth)
    validation = None if not people else _validation(pool, grades, people, chose=chosen is not None)
    counts = np.bincount(np.array(list(grades.values()), np.int64), minlength=4)
    return JudgeReport(
        kind="segue judge report",
        format_version=1,
        wordings=judged.by,
        evidence=judged.evidence,
        grades_by=how.wording if len(judged.by) > 1 or how.wording != MEDIAN else judged.by[0],
        scale=how.scale,
        tried=how.tried,
        depth=pool.depth,
        queries=len(pool.queries),
        queries_counted=len(graded_queries(pool, grades)),
        pairs=len(judged.pairs),
        failed=judged.failed,
        systems=tuple(
            SystemRow(
                name=name,
                grade=_score(interval(main[name])),
                ndcg=_score(interval(ndcg[name])),
                by_wording=tuple(_number(interval(one[name]).mean) for one in each),
                sd=_spread([one[name] for one in each]),
            )
            for name in sorted(names, key=lambda name: (-np.nan_to_num(interval(main[name]).mean, nan=-1.0), name))
        ),
        changed=_changed(judged.grades),
        tau_of_wordings=_least_tau([np.column_stack([one[name] for name in names]) for one in each]),
        validated=_sentence(validation),
        validation=validation,
        gold=None if gold is None else _gold(gold),
        distribution=tuple(int(n) for n in counts),
    )


def save_judge_report(report: JudgeReport, judged: Judged, folder: Path) -> tuple[Path, ...]:
    """Write ``report.json``, ``report.html`` and ``grades.jsonl`` (of all wordings) into a folder.

    Raises:
        OutputError: the place cannot be written to.
        MissingDependency: nothing can be drawn; install matplotlib.
    """
    from segue.systems.judge_page import judge_page  # imported late: it draws

    paths = folder / "report.json", folder / "report.html", folder / "grades.jsonl"
    drawn = judge_page(report)
    write_lines(paths[2], judged.lines)
    write_bytes(paths[0], msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    write_bytes(paths[1], drawn.encode())
    return paths


def _validation(pool: Pool, grades: Mapping[Pair, int], people: Mapping[Pair, int], *, chose: bool) -> Validation:
    both = [pair for pair in people if pair in grades]
    found: Agreement = agreement(
        [people[pair] for pair in both], [grades[pair] for pair in both], groups=[pair[0] for pair in both]
    )
    names = list(pool.lists)
    theirs, ours = (grade_at(pool, one, pool.depth) for one in (people, grades))
    tau = order_tau(np.column_stack([theirs[n] for n in names]), np.column_stack([ours[n] for n in names]))
    return Validation(
        kind="people who chose nothing" if chose else "all people",
        n=found.n,
        queries=len({pair[0] for pair in both}),
        kappa=_score(found.kappa),
        exact=_score(found.exact),
        spearman=_score(found.spearman),
        confusion=found.confusion,
        tau=_score(tau),
        note=found.note,
    )


def _sentence(validation: Validation | None) -> str:
    if validation is None:
        return NOT_VALIDATED
    mean, low, high = validation.kappa
    if mean is None:
        return f"{NOT_VALIDATED}: {validation.note or 'no kappa exists'}"
    bounds = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"agrees with people: weighted kappa {mean:.2f}{bounds} on {validation.n:,} pairs of {validation.kind}"


def _gold(gold: Gold) -> GoldRow:
    return GoldRow(
        descriptions=gold.n,
        others=gold.others,
        auc=_score(gold.auc),
        within=_score(gold.within),
        own=_score(gold.own),
        other=_score(gold.other),
        wrote=gold.wrote,
    )


def _spread(by_wording: Sequence[Values]) -> float | None:
    """Standard deviation over wordings of each query's value, averaged over queries that all wordings graded."""
    if len(by_wording) < 2:
        return None
    table = np.stack(by_wording)
    there = np.isfinite(table).all(axis=0)
    return float(table[:, there].std(axis=0, ddof=1).mean()) if there.any() else None


def _changed(grades: Sequence[Mapping[Pair, int]]) -> float | None:
    if len(grades) < 2:
        return None
    shared = [pair for pair in grades[0] if all(pair in one for one in grades)]
    return float(np.mean([len({one[pair] for one in grades}) > 1 for pair in shared])) if shared else None


def _least_tau(tables: Sequence[Values]) -> float | None:
    taus = [order_tau(a, b, resamples=1).mean for place, a in enumerate(tables) for b in tables[:place]]
    there = [tau for tau in taus if np.isfinite(tau)]
    return min(there) if there else None


def _score(value: Interval) -> Score:
    return _number(value.mean), _number(value.low), _number(value.high)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
