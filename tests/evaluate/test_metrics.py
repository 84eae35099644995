"""Metrics against cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segue.errors import InputError
from segue.evaluate import METRICS, evaluate, per_query
from segue.evaluate.metrics import is_lower_better
from segue.library import Qrels, Run


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def value(ranking: np.ndarray, relevant: np.ndarray, metric: str, artists: np.ndarray | None = None) -> float:
    popularity = np.arange(2000, dtype=np.int64)
    return float(
        per_query(Run("r", {"q": ranking}), Qrels({"q": relevant}, artists, popularity), [metric])[metric][0]
    )


# Truth: 10, 11, 12 (three tracks). Ranking: 10 hits at rank 1, 12 at rank 4.
RANKING, TRUTH = rows(10, 1, 2, 12, 3), rows(10, 11, 12)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("r_precision_track", 1 / 3),  # only rank 1 of the first three hits
        ("precision@10", 2 / 10),  # five were ranked, ten are asked for
        ("precision@4", 2 / 4),
        ("recall@3", 1 / 3),
        ("recall@66", 2 / 3),
        ("hit@1", 1.0),
        ("hit@2", 1 / 2),  # one of the two that a list of two can hit
        ("hit@4", 2 / 3),  # two of three: no list can hit a fourth
        ("hit@66", 2 / 3),
        ("hit_rate@1", 1.0),
        ("r_precision_track@2", 1 / 3),
        ("r_precision_track@1", 1 / 3),
        ("mrr@10", 1.0),
        ("clicks", 0.0),
        ("ndcg@500", (1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2)),
        ("ndcg@2", 1 / (1 + 1 / math.log2(3))),
        ("ndcg_exp@500", (1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2)),
        ("ndcg_retrieved@500", (1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3))),
        ("mean_popularity@4", (10 + 1 + 2 + 12) / 4),
        ("mean_popularity@66", (10 + 1 + 2 + 12 + 3) / 5),
    ],
)
def test_a_case_worked_by_hand(metric: str, expected: float) -> None:
    assert value(RANKING, TRUTH, metric) == pytest.approx(expected)


def test_the_three_r_precisions_differ_in_what_an_artist_is_worth() -> None:
    # Artists: 0 made tracks 0, 1, 2; 1 made 3, 4; 2 made 5; 3 made 6.
    artists = rows(0, 0, 0, 1, 1, 2, 3)
    truth = rows(0, 1, 3, 6)
    ranking = rows(0, 2, 4, 5, 6)  # first four: 0 hits; 2 (artist 0), 4 (artist 1) and 5 (artist 2) do not
    assert value(ranking, truth, "r_precision_track", artists) == pytest.approx(1 / 4)
    # missed: 1 (artist 0), 3 (artist 1), 6 (artist 3); wrong: artists 0, 1, 2; shared: 0 and 1
    assert value(ranking, truth, "r_precision", artists) == pytest.approx((1 + 0.25 * 2) / 4)
    # the artists of all four, {0, 1, 2}, and of the truth, {0, 1, 3}, share 0 and 1
    assert value(ranking, truth, "r_precision_literal", artists) == pytest.approx((1 + 0.25 * 2) / 4)


def test_r_precision_of_a_list_that_ends_early() -> None:
    artists = rows(0, 0, 0, 1, 1, 2, 3)
    truth = rows(0, 1, 3, 6)
    ranking = rows(0, 2, 4, 5, 6)
    # of the list 0, 2: one hit; 2 is by artist 0, who made the missed 1
    assert value(ranking, truth, "r_precision@2", artists) == pytest.approx((1 + 0.25) / 4)
    assert value(ranking, truth, "r_precision@1", artists) == pytest.approx(1 / 4)
    assert value(ranking, truth, "r_precision_literal@1", artists) == pytest.approx((1 + 0.25) / 4)
    # |G| = 4 ends the list of five anyway
    for name in ("r_precision", "r_precision_track", "r_precision_literal"):
        for k in (4, 5, 66, 500):
            assert value(ranking, truth, f"{name}@{k}", artists) == value(ranking, truth, name, artists)


def test_hit_is_precision_for_long_playlists_and_recall_for_short_ones() -> None:
    ranking = np.arange(100, dtype=np.int32)
    long, short = np.arange(0, 200, 2, dtype=np.int32), rows(3, 50, 900)
    for k in (10, 66, 100):
        assert value(ranking, long, f"hit@{k}") == value(ranking, long, f"precision@{k}")
        assert value(ranking, short, f"hit@{k}") == value(ranking, short, f"recall@{k}")
    assert value(rows(), short, "hit@10") == 0
    assert value(np.arange(10, dtype=np.int32), np.arange(700, dtype=np.int32), "hit@10") == 1


def test_an_artist_of_a_hit_counts_in_the_literal_form_only() -> None:
    artists = rows(0, 0, 1, 2)
    truth, ranking = rows(0, 2), rows(0, 3)
    assert value(ranking, truth, "r_precision", artists) == pytest.approx(1 / 2)
    assert value(ranking, truth, "r_precision_literal", artists) == pytest.approx((1 + 0.25) / 2)
    perfect = rows(0, 2)
    assert value(perfect, truth, "r_precision", artists) == 1
    assert value(perfect, truth, "r_precision_literal", artists) == pytest.approx((2 + 0.25 * 2) / 2)


def test_an_artist_counts_once_however_many_of_its_tracks_miss() -> None:
    artists = rows(0, 0, 0, 0, 0, 0)
    assert value(rows(3, 4, 5), rows(0, 1, 2), "r_precision", artists) == pytest.approx(0.25 / 3)


@pytest.mark.parametrize(
    ("rank", "clicks"), [(1, 0), (10, 0), (11, 1), (20, 1), (21, 2), (491, 49), (500, 49), (501, 51)]
)
def test_clicks_count_refreshes_of_ten(rank: int, clicks: int) -> None:
    ranking = np.arange(1000, 1000 + rank, dtype=np.int32)
    assert value(ranking, ranking[-1:], "clicks") == clicks


def test_nothing_found_is_zero_and_fifty_one_clicks() -> None:
    artists = np.arange(2000, dtype=np.int32)
    for empty in (rows(), rows(1, 2)):
        for metric in ("r_precision", "r_precision_track", "r_precision_literal", "ndcg@500", "mrr@10", "recall@66"):
            assert value(empty, TRUTH, metric, artists) == 0
        assert value(empty, TRUTH, "ndcg_retrieved@10") == 0
        assert value(empty, TRUTH, "clicks") == 51


def test_a_perfect_list_scores_one_also_when_the_truth_is_longer_than_the_list() -> None:
    truth = np.arange(700, dtype=np.int32)
    assert value(truth[:500], truth, "ndcg@500") == pytest.approx(1)
    assert value(truth, truth, "r_precision_track") == pytest.approx(500 / 700)  # a list ends at 500
    assert value(rows(10, 11, 12), TRUTH, "ndcg@500") == pytest.approx(1)
    assert value(rows(10, 11), TRUTH, "ndcg_retrieved@500") == pytest.approx(1)


def test_queries_without_a_ranking_count_and_rankings_without_a_truth_do_not() -> None:
    run = Run("r", {"a": rows(1), "nobody": rows(5)})
    values = per_query(run, Qrels({"a": rows(1), "b": rows(1)}), ["precision@1", "clicks"])
    assert values["precision@1"].tolist() == [1, 0]
    assert values["clicks"].tolist() == [0, 51]


def test_evaluate_averages_and_knows_coverage() -> None:
    popularity = np.array([3, 2, 1, 0], np.int64)
    run = Run("r", {"a": rows(0, 3), "b": rows(0, 1)})
    means = evaluate(run, Qrels({"a": rows(0), "b": rows(1)}, None, popularity), ["coverage@2", "mrr@2"])
    assert list(means) == ["coverage@2", "mrr@2"]
    assert means["coverage@2"] == pytest.approx(2 / 3)  # track 3 is in no training playlist
    assert means["mrr@2"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    "name", ["ndcg", "ndcg@0", "precision", "nonsense@10", "clicks@10", "r_precision@0", "hit", "coverage"]
)
def test_an_unknown_metric_is_named(name: str) -> None:
    with pytest.raises(InputError, match=r"choose from|say"):
        evaluate(Run("r", {"q": rows(1)}), Qrels({"q": rows(1)}), [name])


def test_what_a_metric_needs_and_does_not_get_is_said() -> None:
    bare = Qrels({"q": rows(1)})
    run = Run("r", {"q": rows(1)})
    with pytest.raises(InputError, match="artists"):
        per_query(run, bare, ["r_precision"])
    for name in ("mean_popularity@5", "coverage@5"):
        with pytest.raises(InputError, match="popularity"):
            evaluate(run, bare, [name])
    with pytest.raises(InputError, match="no query"):
        evaluate(run, Qrels({}), ["mrr@1"])


def test_only_clicks_fall_when_things_get_better() -> None:
    assert is_lower_better("clicks")
    assert not any(is_lower_better(m) for m in METRICS if m != "clicks")
