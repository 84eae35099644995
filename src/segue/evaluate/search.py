"""Metrics of runs of search methods, query by query; each is defined in ``docs/metrics.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library.search_runs import SearchRun

__all__ = ["SEARCH_METRICS", "Grades", "common", "own_ranks", "search_metrics"]

SEARCH_METRICS = ("recall@1", "recall@3", "recall@10", "mrr@10", "ndcg@10")
Grades = Mapping[str, Mapping[str, float]]
"""Query id -> playlist id -> grade, 0 to 3."""
Values = NDArray[np.float64]
_CUT = 10


def own_ranks(run: SearchRun) -> NDArray[np.int64]:
    """Rank of the playlist that each query is about, from 1; 0 where it is not in the ranking, int64 ``(n,)``."""
    ranks = []
    for line in run:
        found = line.playlist_id is not None and line.playlist_id in line.ranking
        ranks.append(line.ranking.index(line.playlist_id) + 1 if found and line.playlist_id is not None else 0)
    return np.array(ranks, np.int64)


def search_metrics(run: SearchRun, grades: Grades | None = None) -> dict[str, Values]:
    """Values of every query, float64 ``(n,)`` each, in the order of the run.

    Recall and MRR ask for the playlist that the query is about; they are nan for a query that is about none. NDCG@10
    takes the grades of a query that has some above 0, its own playlist counting 3 where nobody graded it; for any
    other query the own playlist alone is right. Gains are the grades themselves; ``ndcg-exp@10``, there with grades
    only, has 2^grade - 1. Both are nan where nothing is right.

    Args:
        grades: a playlist that is not named has grade 0.
    """
    ranks = own_ranks(run)
    about = np.array([line.playlist_id is not None for line in run], bool)
    found: dict[str, Values] = {}
    for k in (1, 3, _CUT):
        found[f"recall@{k}"] = np.where(about, (ranks > 0) & (ranks <= k), np.nan)
    inside = (ranks > 0) & (ranks <= _CUT)
    found[f"mrr@{_CUT}"] = np.where(about, np.where(inside, 1 / np.maximum(ranks, 1), 0.0), np.nan)
    said = [_right(line.playlist_id, (grades or {}).get(line.query_id, {})) for line in run]
    shown = [line.ranking for line in run]
    found[f"ndcg@{_CUT}"] = np.array([_ndcg(s, r, exponential=False) for s, r in zip(shown, said, strict=True)])
    if grades is not None:
        found[f"ndcg-exp@{_CUT}"] = np.array(
            [_ndcg(s, r, exponential=True) for s, r in zip(shown, said, strict=True)]
        )
    return {name: values.astype(np.float64) for name, values in found.items()}


def common(first: SearchRun, second: SearchRun) -> tuple[SearchRun, SearchRun]:
    """The queries that both runs answered, in the order of the first.

    Raises:
        InputError: there are none, or one id stands for different queries.
    """
    others = second.by_id
    ids = [line.query_id for line in first if line.query_id in others]
    for query_id in ids:
        one, other = first.by_id[query_id], others[query_id]
        if (one.query, one.playlist_id) != (other.query, other.playlist_id):
            raise InputError(
                f"the runs {first.name!r} and {second.name!r} mean different queries by {query_id[:60]!r}; compare "
                "runs of the same queries"
            )
    if not ids:
        raise InputError(f"the runs {first.name!r} and {second.name!r} have no query in common")
    return (
        SearchRun(first.name, tuple(first.by_id[i] for i in ids)),
        SearchRun(second.name, tuple(others[i] for i in ids)),
    )


def _right(own: str | None, graded: Mapping[str, float]) -> dict[str, float]:
    right = {playlist: float(grade) for playlist, grade in graded.items() if grade > 0}
    if not right:
        return {} if own is None else {own: 1.0}
    if own is not None and own not in graded:
        right[own] = 3.0
    return right


def _ndcg(ranking: Sequence[str], right: Mapping[str, float], *, exponential: bool) -> float:
    if not right:
        return float("nan")

    def gain(grade: float) -> float:
        return 2.0**grade - 1 if exponential else grade

    discounts = 1 / np.log2(np.arange(2, _CUT + 2))
    gains = np.array([gain(right.get(playlist, 0.0)) for playlist in ranking[:_CUT]])
    ideal = np.sort([gain(grade) for grade in right.values()])[::-1][:_CUT]
    return float((gains * discounts[: len(gains)]).sum() / (ideal * discounts[: len(ideal)]).sum())
