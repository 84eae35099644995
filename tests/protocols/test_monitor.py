from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Click
from segue.protocols.monitor import fresh_queries, judged_pairs, mean_grades, monitor, rerun


def planted(share: float, name: str, n: int = 200) -> SearchRun:
    """A run in which a share of the queries finds its playlist first."""
    lines = [RankedQuery(str(i), f"q{i}", "own", ("own",) if i < share * n else ("other",)) for i in range(n)]
    return SearchRun(name, tuple(lines))


def test_a_planted_drop_is_found_and_nothing_else() -> None:
    stored = planted(0.8, "stored")
    assert set(monitor(planted(0.6, "today"), stored).dropped) == {
        "recall@1", "recall@3", "recall@10", "mrr@10", "ndcg@10",
    }  # fmt: skip
    assert monitor(planted(0.9, "today"), stored).dropped == []
    same = monitor(stored, stored)
    assert same.dropped == [] and same.changed == 0 and all(one.p == 1.0 for one in same.metrics)


def test_one_query_of_many_is_no_drop() -> None:
    found = monitor(planted(0.795, "today"), planted(0.8, "stored"))
    assert found.changed == 1 and found.dropped == []


def test_logged_queries_count_by_their_grades() -> None:
    lines = [RankedQuery(str(i), f"q{i}", None, ("good", "bad")) for i in range(30)]
    stored = SearchRun("stored", tuple(lines))
    today = rerun(stored, lambda query: ["bad"], "today")
    grades = {str(i): {"good": 3.0, "bad": 0.0} for i in range(30)}
    assert mean_grades(stored, grades).tolist() == [1.5] * 30
    assert np.isnan(mean_grades(stored, {})).all()
    found = monitor(today, stored, grades)
    assert {"grade@5", "ndcg@10"} <= set(found.dropped)
    assert "recall@10" not in found.dropped
    assert judged_pairs([stored, today])[:2] == (("q0", "good"), ("q0", "bad")) and len(judged_pairs([today])) == 30


@given(st.lists(st.text(max_size=6), max_size=30), st.integers(1, 10))
def test_fresh_queries_are_distinct_and_the_same_each_time(queries: list[str], n: int) -> None:
    clicks = [Click(query, "p", False, float(i)) for i, query in enumerate(queries)]
    found = fresh_queries(clicks, n)
    assert found == fresh_queries(clicks, n) and len(found) <= n
    assert {line.query for line in found} <= set(queries)
    assert fresh_queries([*clicks, *clicks], n) == found, "how often one asked does not count"


def test_case_does_not_make_another_query() -> None:
    assert len(fresh_queries([Click(q, "p", True, 0) for q in ("Rain", "rain!", "RAIN")], 5)) == 1


def test_rankings_are_cut() -> None:
    stored = planted(1.0, "stored", 1)
    assert len(rerun(stored, lambda query: [str(i) for i in range(500)], "x").queries[0].ranking) == 100


def test_nothing_in_common() -> None:
    with pytest.raises(InputError, match="no query in common"):
        monitor(SearchRun("a", ()), SearchRun("b", ()))
