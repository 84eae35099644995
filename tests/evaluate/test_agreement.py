"""Agreement of graders, against independent implementations and planted graders."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.evaluate.agreement import (
    agreement,
    auc,
    auc_interval,
    confusion,
    kendall_tau,
    order_tau,
    spearman,
    weighted_kappa,
)

_PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def _same(ours, theirs):
    return (math.isnan(ours) and math.isnan(theirs)) or ours == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(_PAIRS)
def test_kappa_and_ranks_are_those_of_scikit_learn_and_scipy(pairs):
    from scipy.stats import spearmanr
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    first, second = (list(side) for side in zip(*pairs, strict=True))
    assert (confusion(first, second) == confusion_matrix(first, second, labels=range(4))).all()
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert math.isnan(weighted_kappa(first, second)) and math.isnan(spearman(first, second))
        return
    assert _same(
        weighted_kappa(first, second), cohen_kappa_score(first, second, weights="quadratic", labels=range(4))
    )
    assert _same(spearman(first, second), spearmanr(first, second).statistic)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_tau_is_that_of_scipy(pairs):
    from scipy.stats import kendalltau

    first, second = (list(side) for side in zip(*pairs, strict=True))
    assert _same(kendall_tau(first, second), kendalltau(first, second).statistic)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_auc_is_that_of_scikit_learn(pairs):
    from sklearn.metrics import roc_auc_score

    scores, truth = (list(side) for side in zip(*pairs, strict=True))
    if len(set(truth)) == 1:
        assert math.isnan(auc(scores, truth))
    else:
        assert auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)


def test_a_planted_judge_has_the_kappa_of_its_confusion():
    """Each grade 100 times; a grade is told right with probability 0.7, else taken for a neighbour."""
    wrong = {0: (1, 1, 1), 1: (0, 2, 2), 2: (1, 1, 3), 3: (2, 2, 2)}
    truth = [grade for grade in range(4) for _ in range(100)]
    judged = [grade if i % 10 < 7 else wrong[grade][i % 10 - 7] for grade in range(4) for i in range(100)]
    found = agreement(truth, judged)
    # by hand: 120 of 400 are one off, d = 120 / 400; marginals .25 each and (80, 120, 120, 80) / 400
    columns = np.array([80, 120, 120, 80]) / 400
    chance = sum(0.25 * columns[j] * (i - j) ** 2 for i in range(4) for j in range(4))
    assert found.kappa.mean == pytest.approx(1 - 0.3 / chance)
    assert found.kappa.low < found.kappa.mean < found.kappa.high and found.kappa.high - found.kappa.low < 0.05
    assert found.exact.mean == pytest.approx(0.7) and found.n == 400
    assert found.confusion[1] == (10, 70, 20, 0) and not found.note


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    probabilities = np.array([0.2, 0.05, 0, 0, 0.05, 0.15, 0.05, 0, 0, 0.05, 0.15, 0.05, 0, 0, 0.05, 0.2])
    grid = probabilities.reshape(4, 4)
    distance = (np.arange(4)[:, None] - np.arange(4)) ** 2
    truth = 1 - (grid * distance).sum() / (np.outer(grid.sum(1), grid.sum(0)) * distance).sum()
    held = 0
    for _ in range(200):
        first, second = np.divmod(rng.choice(16, 80, p=probabilities), 4)
        found = agreement(first, second, resamples=200).kappa
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_things_of_one_query_are_drawn_together():
    first, second = [0, 3, 1, 2] * 30, [0, 3, 2, 1] * 30
    apart = agreement(first, second)
    copies = agreement(first * 10, second * 10, groups=[i % 120 for i in range(1200)])
    assert copies.kappa.mean == pytest.approx(apart.kappa.mean)
    assert copies.kappa.low == pytest.approx(apart.kappa.low)  # ten copies of each say no more than one
    assert agreement(first * 10, second * 10).kappa.low > apart.kappa.low


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [([2, 2, 2], [0, 1, 2], "the first grader"), ([0, 1], [3, 3], "the second grader"), ([1, 1], [1, 1], "both")],
)
def test_who_gives_one_grade_only_agrees_with_nobody(first, second, said):
    found = agreement(first, second)
    assert math.isnan(found.kappa.mean) and math.isnan(found.kappa.low) and said in found.note
    assert found.exact.mean == np.mean(np.array(first) == second)


def test_nothing_graded_by_both_is_said_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = agreement([], [])
    assert found.n == 0 and math.isnan(found.kappa.mean) and "by both" in found.note


def test_planted_systems_in_one_order_give_tau_one():
    rng = np.random.default_rng(0)
    quality = np.array([0.2, 1.0, 1.8, 2.6])
    people = quality + rng.normal(0, 0.3, (200, 4))
    judge = quality / 2 + rng.normal(0, 0.3, (200, 4))
    assert tuple(getattr(order_tau(people, judge), name) for name in ("mean", "low", "high")) == (1, 1, 1)
    assert order_tau(people, -judge).mean == -1
    unsure = order_tau(people[:, :3] * 0.001 + rng.normal(0, 1, (200, 3)), judge[:, :3])
    assert unsure.low < unsure.high
    people[3, 0] = np.nan  # a query that not everything was graded of
    assert order_tau(people, judge).mean == 1
    assert math.isnan(order_tau(people[:, :1], judge[:, :1]).mean)


def test_equal_systems_have_no_order():
    values = np.full((7, 3), 0.1)
    assert math.isnan(order_tau(values, np.arange(21.0).reshape(7, 3)).mean)


def test_auc_interval():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(50), 4)
    truth = np.tile([True, False, False, False], 50)
    scores = np.where(truth, rng.integers(1, 4, 200), rng.integers(0, 3, 200))
    found = auc_interval(scores, truth, groups.tolist())
    assert found.mean == auc(scores, truth) and 0.7 < found.low < found.mean < found.high < 1
    perfect = auc_interval(np.where(truth, 3, 0), truth, groups.tolist())
    assert perfect.mean == perfect.low == perfect.high == 1
    assert math.isnan(auc_interval([], [], []).mean)


def test_what_is_no_grade_is_refused():
    with pytest.raises(ValueError, match="grades are 0 to 3"):
        confusion([4], [0])
    with pytest.raises(ValueError, match="same things"):
        agreement([1, 2], [1])
    with pytest.raises(ValueError, match="same systems"):
        kendall_tau([1, 2], [1])
