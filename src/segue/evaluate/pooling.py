"""What several systems answered, pooled: what is to be graded once for all of them, and their scores afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library.search_runs import SearchRun

__all__ = ["Grades", "Pair", "Pool", "grade_at", "graded_queries", "ndcg_at", "pooled"]

Pair = tuple[str, str]
"""A query as typed, and the id of a playlist (or whatever else a list holds)."""
Grades = Mapping[Pair, float]
"""Pair -> its grade; pairs that nobody graded are missing."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """The first places of several systems' lists for the same queries.

    Args:
        queries: distinct, as typed.
        lists: system -> query -> ids, best first, at most ``depth``.
        own: query -> the playlist that it is about, where there is one.
    """

    queries: tuple[str, ...]
    lists: dict[str, dict[str, tuple[str, ...]]]
    depth: int
    own: dict[str, str]

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All that is to be graded, each once, query after query, in an order that no system chose."""
        found = []
        for query in self.queries:
            ids = {one for lists in self.lists.values() for one in lists[query]}
            found += [(query, one) for one in sorted(ids, key=_shuffled)]
        return tuple(found)


def pooled(runs: Sequence[SearchRun], *, depth: int = 10, sample: int | None = None, rng_key: int = 0) -> Pool:
    """Pool runs over the queries that all of them answered.

    A sample depends on the queries and ``rng_key`` alone, so that people and a judge get the same one, and a larger
    one holds a smaller one.

    Args:
        depth: places of each list. sample: at most so many queries.

    Raises:
        InputError: there is no run, two have one name, they share no query, or one id stands for two queries.
    """
    if not runs:
        raise InputError(
            "no run was given; give the files in runs/ of a report of 'segue evaluate --protocol search'"
        )
    names = [run.name for run in runs]
    if len(set(names)) != len(names):
        raise InputError(f"two of the runs are called {_first_double(names)!r}; give their files different names")
    texts: dict[str, str] = {}
    shared = set.intersection(*(set(run.by_id) for run in runs))
    for run in runs:
        for query in run:
            if query.query_id in shared and texts.setdefault(query.query_id, query.query) != query.query:
                raise InputError(
                    f"query {query.query_id!r} has other words in run {run.name!r} than in the others; "
                    "give runs over the same queries"
                )
    by_text = {
        texts[query.query_id]: query.query_id for query in reversed(runs[0].queries) if query.query_id in shared
    }
    if not by_text:
        raise InputError("the runs have no query in common; give runs over the same queries")
    chosen = sorted(by_text, key=lambda text: _shuffled(text, rng_key))[:sample]
    lists = {run.name: {text: run.by_id[by_text[text]].ranking[:depth] for text in chosen} for run in runs}
    about = {text: runs[0].by_id[by_text[text]].playlist_id for text in chosen}
    return Pool(tuple(chosen), lists, depth, {text: own for text, own in about.items() if own is not None})


def grade_at(pool: Pool, grades: Grades, k: int, *, fill_up: bool = True) -> dict[str, Values]:
    """Mean grade of the first ``k`` places by query, float64 ``(queries,)`` for each system.

    nan, for all systems alike, where something of the query's lists was not graded.

    Args:
        fill_up: whether a list that is shorter than ``k`` has grade 0 where it ends; else the mean is of what is
            there, and nan of an empty list.
    """
    whole = set(graded_queries(pool, grades))
    out = {}
    for name, lists in pool.lists.items():
        values = np.full(len(pool.queries), np.nan)
        for place, query in enumerate(pool.queries):
            size = k if fill_up else min(k, len(lists[query]))
            if query in whole and size:
                values[place] = sum(grades[query, one] for one in lists[query][:k]) / size
        out[name] = values
    return out


def ndcg_at(pool: Pool, grades: Grades, k: int) -> dict[str, Values]:
    """NDCG of the first ``k`` places by query, float64 ``(queries,)`` for each system; the gain is the grade.

    The ideal list is made of all playlists that were graded for the query, whichever system found them. nan, for all
    systems alike, where something of the query's lists was not graded, and where nothing has a grade above 0: no list
    can be better than another there.
    """
    whole = set(graded_queries(pool, grades))
    known: dict[str, list[float]] = {query: [] for query in pool.queries}
    for (query, _), grade in grades.items():
        if query in known:
            known[query].append(grade)
    best = {query: _gain(sorted(found, reverse=True)[:k]) for query, found in known.items()}
    out = {}
    for name, lists in pool.lists.items():
        values = np.full(len(pool.queries), np.nan)
        for place, query in enumerate(pool.queries):
            if query in whole and best[query] > 0:
                values[place] = _gain([grades[query, one] for one in lists[query][:k]]) / best[query]
        out[name] = values
    return out


def graded_queries(pool: Pool, grades: Grades) -> list[str]:
    """The queries of whose lists everything was graded."""
    missing = {pair[0] for pair in pool.pairs if pair not in grades}
    return [query for query in pool.queries if query not in missing]


def _gain(grades: Sequence[float]) -> float:
    return float(sum(grade / np.log2(rank + 1) for rank, grade in enumerate(grades, 1)))


def _shuffled(text: str, rng_key: int = 0) -> tuple[bytes, str]:
    return hashlib.blake2b(f"{rng_key}\t{text}".encode("utf-8", "replace"), digest_size=8).digest(), text


def _first_double(names: Sequence[str]) -> str:
    return next(name for place, name in enumerate(names) if name in names[:place])
