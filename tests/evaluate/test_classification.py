"""Scores of classifiers against scikit-learn, a hand-worked case and a slow bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluate.classification import confusion, drop, paired_scores, recalls, scored, scores

PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


@given(PAIRS)
def test_scores_are_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score, recall_score
    from sklearn.metrics import confusion_matrix as theirs

    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    table = confusion(truth, predicted, 3)
    assert table.tolist() == theirs(truth, predicted, labels=[0, 1, 2]).tolist()
    labels = np.unique(truth).tolist()
    options = {"labels": labels, "average": "macro", "zero_division": 0}
    found = scores(table)
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert found["macro_recall"] == pytest.approx(recall_score(truth, predicted, **options))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, predicted, **options))


def test_a_case_by_hand() -> None:
    # 4 of class 0 (3 right), 2 of class 1 (1 right), none of class 2, which is said once
    truth, predicted = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 2, 1, 0])
    table = confusion(truth, predicted, 3)
    assert recalls(table)[:2].tolist() == [0.75, 0.5] and np.isnan(recalls(table)[2])
    # F1: 2*3/(4+4) = 0.75, 2*1/(2+1) = 2/3
    found = scores(table)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["macro_recall"] == pytest.approx(0.625)
    assert found["macro_f1"] == pytest.approx((0.75 + 2 / 3) / 2)


def test_intervals_are_those_of_resampled_texts() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    predicted = np.where(rng.random(300) < 0.6, truth, rng.integers(0, 3, 300))
    slow = []
    for _ in range(2000):
        rows = rng.integers(0, 300, 300)
        slow.append(scores(confusion(truth[rows], predicted[rows], 3))["macro_recall"])
    found = scored(confusion(truth, predicted, 3))["macro_recall"]
    low, high = np.percentile(slow, [2.5, 97.5])
    assert found.low == pytest.approx(low, abs=0.01) and found.high == pytest.approx(high, abs=0.01)
    assert found == scored(confusion(truth, predicted, 3))["macro_recall"]


def test_a_paired_difference_is_narrower_than_two_samples_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 1000)
    weak = np.where(rng.random(1000) < 0.5, truth, (truth + 1) % 3)
    strong = np.where(rng.random(1000) < 0.15, truth, weak)
    found = paired_scores(truth, strong, weak, 3)["macro_recall"]
    expected = scores(confusion(truth, strong, 3))["macro_recall"] - scores(confusion(truth, weak, 3))["macro_recall"]
    assert found.difference.mean == pytest.approx(expected) and found.difference.low > 0 and found.p < 0.01
    apart = drop(confusion(truth, strong, 3), confusion(truth, weak, 3))["macro_recall"].drop
    assert apart.mean == pytest.approx(expected)
    assert apart.high - apart.low > found.difference.high - found.difference.low
    same = paired_scores(truth, weak, weak, 3)["accuracy"]
    assert same.difference.mean == same.difference.low == same.difference.high == 0 and same.p == 1


def test_a_drop_is_signed_and_shared() -> None:
    fine, worse = np.diag([50, 50, 50]), np.array([[25, 25, 0], [0, 50, 0], [0, 25, 25]])
    found = drop(fine, worse)["macro_recall"]
    assert found.drop.mean == pytest.approx(1 / 3) and found.share.mean == pytest.approx(1 / 3)
    assert found.drop.low > 0.2
    assert drop(worse, fine)["macro_recall"].drop.mean == pytest.approx(-1 / 3)


def test_what_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="between 0 and 2"):
        confusion(np.array([3]), np.array([0]), 3)
    with pytest.raises(ValueError, match="1 classes and 2"):
        confusion(np.array([0]), np.array([0, 1]), 3)
    with pytest.raises(ValueError, match="nothing to resample"):
        scored(np.zeros((3, 3), np.int64))
