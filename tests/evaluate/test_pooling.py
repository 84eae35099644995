"""Pools of several systems' lists, and the scores that grades give them."""

import numpy as np
import pytest

from segue.errors import InputError
from segue.evaluate.pooling import grade_at, graded_queries, ndcg_at, pooled
from segue.library.search_runs import RankedQuery, SearchRun


def run(name, lists, words="query {}"):
    return SearchRun(name, tuple(RankedQuery(q, words.format(q), f"own-{q}", tuple(ids)) for q, ids in lists.items()))


def test_each_pair_is_pooled_once_and_no_deeper_than_asked():
    pool = pooled([run("a", {"1": "xyz", "2": "x"}), run("b", {"1": "yw", "2": "x", "3": "q"})], depth=2)
    assert set(pool.queries) == {"query 1", "query 2"} and pool.own["query 1"] == "own-1"
    assert sorted(pool.pairs) == [("query 1", "w"), ("query 1", "x"), ("query 1", "y"), ("query 2", "x")]
    assert pool.lists["a"]["query 1"] == ("x", "y")


def test_samples_are_nested_and_depend_on_nothing_but_queries_and_key():
    many = {str(i): "xy" for i in range(50)}
    small, large = (pooled([run("a", many)], sample=n) for n in (5, 20))
    assert large.queries[:5] == small.queries
    assert pooled([run("z", dict(reversed(many.items())))], sample=5).queries == small.queries
    assert pooled([run("a", many)], sample=5, rng_key=1).queries != small.queries
    assert len(pooled([run("a", many)], sample=99).queries) == 50


def test_equal_queries_are_one():
    assert len(pooled([run("a", {"1": "x", "2": "y"}, words="the same")]).queries) == 1


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "no run"),
        ([run("a", {"1": "x"}), run("a", {"1": "x"})], "called 'a'"),
        ([run("a", {"1": "x"}), run("b", {"2": "x"})], "no query in common"),
        ([run("a", {"1": "x"}), run("b", {"1": "x"}, words="else {}")], "other words"),
    ],
)
def test_runs_that_do_not_go_together(runs, said):
    with pytest.raises(InputError, match=said):
        pooled(runs)


def test_scores_by_hand():
    pool = pooled([run("a", {"1": "xy"}), run("b", {"1": "z"})], depth=2)
    grades = {("query 1", "x"): 3, ("query 1", "y"): 0, ("query 1", "z"): 1}
    assert grade_at(pool, grades, 2)["a"].tolist() == [1.5]
    assert grade_at(pool, grades, 2)["b"].tolist() == [0.5]
    assert grade_at(pool, grades, 2, fill_up=False)["b"].tolist() == [1.0]
    ideal = 3 + 1 / np.log2(3)
    assert ndcg_at(pool, grades, 2)["a"] == pytest.approx([3 / ideal])
    assert ndcg_at(pool, grades, 2)["b"] == pytest.approx([1 / ideal])


def test_a_query_counts_for_all_systems_or_for_none():
    pool = pooled([run("a", {"1": "x", "2": "x"}), run("b", {"1": "y", "2": "x"})])
    grades = {("query 1", "x"): 3, ("query 2", "x"): 0}
    assert graded_queries(pool, grades) == ["query 2"]
    at = pool.queries.index("query 1")
    for scores in (grade_at(pool, grades, 10), ndcg_at(pool, grades, 10)):
        assert np.isnan(scores["a"][at]) and np.isnan(scores["b"][at])
    assert np.isnan(ndcg_at(pool, grades, 10)["a"]).all()  # nothing of query 2 is any good
    assert grade_at(pool, grades, 10)["a"][1 - at] == 0


def test_the_best_list_has_ndcg_one():
    rng = np.random.default_rng(0)
    ids = [f"p{i}" for i in range(12)]
    grades = {("query 1", one): int(grade) for one, grade in zip(ids, rng.integers(0, 4, 12), strict=True)}
    best = sorted(ids, key=lambda one: -grades["query 1", one])
    pool = pooled([run("best", {"1": best[:10]}), run("worst", {"1": best[::-1]})], depth=12)
    found = ndcg_at(pool, grades, 10)
    assert found["best"] == pytest.approx([1.0]) and found["worst"][0] < 0.8
