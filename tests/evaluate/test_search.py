from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from segue.errors import InputError
from segue.evaluate.search import common, own_ranks, search_metrics
from segue.evaluate.search_table import Score, best_of, rows_of
from segue.evaluate.significance import Interval
from segue.library.search_runs import RankedQuery, SearchRun

PLAYLISTS = [f"p{i}" for i in range(14)]


def run_of(*rankings: tuple[str | None, list[str]], name: str = "x") -> SearchRun:
    lines = (RankedQuery(str(i), f"query {i}", own, tuple(found)) for i, (own, found) in enumerate(rankings))
    return SearchRun(name, tuple(lines))


def test_a_hand_worked_case() -> None:
    run = run_of(("a", ["a", "b"]), ("a", ["b", "c", "a"]), ("a", ["b"]), ("a", []), (None, ["a"]))
    found = search_metrics(run)
    assert own_ranks(run).tolist() == [1, 3, 0, 0, 0]
    assert found["recall@1"][:4].tolist() == [1, 0, 0, 0]
    assert found["recall@3"][:4].tolist() == [1, 1, 0, 0]
    assert found["mrr@10"][:4].tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert found["ndcg@10"][:4].tolist() == pytest.approx([1, 1 / 2, 0, 0])
    assert all(math.isnan(values[4]) for values in found.values()), "a query about nothing counts nowhere"
    assert "ndcg-exp@10" not in found


def test_ranks_beyond_ten_count_nowhere() -> None:
    found = search_metrics(run_of(("p10", PLAYLISTS), ("p9", PLAYLISTS)))
    assert found["recall@10"].tolist() == [0, 1]
    assert found["mrr@10"].tolist() == pytest.approx([0, 0.1]) and found["ndcg@10"][0] == 0


@given(
    ranking=st.permutations(PLAYLISTS),
    grades=st.lists(st.integers(0, 3), min_size=len(PLAYLISTS), max_size=len(PLAYLISTS)).filter(any),
)
def test_graded_ndcg_is_that_of_scikit_learn(ranking: list[str], grades: list[int]) -> None:
    graded = dict(zip(PLAYLISTS, map(float, grades), strict=True))
    found = search_metrics(run_of((None, list(ranking))), {"0": graded})
    scores = np.array([[-ranking.index(playlist) for playlist in PLAYLISTS]])
    for name, truth in (("ndcg@10", np.array([grades])), ("ndcg-exp@10", 2 ** np.array([grades]) - 1)):
        assert found[name][0] == pytest.approx(ndcg_score(truth, scores, k=10))


def test_the_own_playlist_counts_three_unless_somebody_graded_it() -> None:
    run = run_of(("a", ["a", "b"]))
    alone = search_metrics(run, {"0": {"b": 1.0}})["ndcg@10"][0]
    assert alone == pytest.approx(1.0), "3 before 1 is the best order"
    assert search_metrics(run, {"0": {"b": 1.0, "a": 0.0}})["ndcg@10"][0] == pytest.approx(1 / math.log2(3))
    assert search_metrics(run, {"0": {"b": 0.0}})["ndcg@10"][0] == 1.0, "no grade above 0 says as much as none"


def test_common_queries_in_one_order_and_the_same_by_name() -> None:
    one = run_of(("a", ["a"]), ("b", ["a"]), name="one")
    other = SearchRun("other", (*reversed(one.queries), RankedQuery("9", "z", None, ())))
    first, second = common(one, other)
    assert [line.query_id for line in first] == [line.query_id for line in second] == ["0", "1"]
    with pytest.raises(InputError, match="no query in common"):
        common(one, SearchRun("empty", ()))
    with pytest.raises(InputError, match="different queries by '0'"):
        common(one, SearchRun("liar", (RankedQuery("0", "another", "a", ()),)))


def test_rows_say_the_planted_change_and_correct_for_many() -> None:
    rng = np.random.default_rng(0)
    base = (rng.random(400) < 0.4).astype(float)
    better = np.maximum(base, rng.random(400) < 0.3)
    values = {name: {"recall@10": v, "mrr@10": v} for name, v in (("base", base), ("same", base), ("better", better))}
    rows = rows_of(values, {"reference": "base"}, kinds=dict.fromkeys(values, ("simple", "")), weights={}, runs={})
    by = {row.name: row for row in rows}
    assert by["base"].against == {}
    found = by["better"].against["reference"]["recall@10"]
    assert found.verdict == "+" and found.change.mean == pytest.approx(better.mean() / base.mean() - 1)
    assert found.p is not None and found.p == pytest.approx(2 * 2 / 2001), "of two tests, the smallest p twice"
    same = by["same"].against["reference"]["recall@10"]
    assert same.verdict == "" and same.p == 1.0 and same.difference == Score(0.0, 0.0, 0.0)
    assert best_of(values, ["base", "same", "better"]) == "better" and best_of(values, ["same", "base"]) == "same"
    assert best_of(values, []) is None


def test_what_cannot_be_averaged_is_null() -> None:
    assert str(Score.of(Interval(float("nan"), float("nan"), float("nan")))) == "-"
