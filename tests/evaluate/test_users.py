"""Measures of lists for listeners: hand-worked cases, an independent implementation, fairness by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.evaluate.fairness import (
    artist_quintiles,
    country_groups,
    exposure,
    gini,
    popularity_lift,
    shares_of,
)
from segue.evaluate.users import QUESTIONS, asked_of, text_likeness, user_values
from segue.library import Interactions
from segue.split.cold import REGIMES


def padded(rows: list[list[int]], width: int = 10) -> NDArray[np.int32]:
    return np.array([row[:width] + [-1] * (width - len(row)) for row in rows], np.int32)


def test_hit_rate_and_ndcg_by_hand() -> None:
    lists = padded([[5, 1, 2], [0, 3], [4], [], [7, 8, 9]])
    truth = Interactions.of([[2, 9], [3], [1, 2], [0], []], n_columns=10)
    values = user_values(lists, truth)
    # a hit at rank 3 of two wanted; a hit at rank 2 of one; none; no list; nobody to ask
    assert values["hit_rate@10"].tolist()[:4] == [1, 1, 0, 0]
    wanted = [(1 / math.log2(4)) / (1 + 1 / math.log2(3)), 1 / math.log2(3), 0, 0]
    np.testing.assert_allclose(values["ndcg@10"][:4], wanted)
    assert np.isnan(values["hit_rate@10"][4]) and np.isnan(values["ndcg@10"][4])
    with pytest.raises(ValueError, match="2 lists for 5 users"):
        user_values(lists[:2], truth)


def test_the_ideal_list_has_ten_places() -> None:
    truth = Interactions.of([range(30)], n_columns=40)
    assert user_values(padded([list(range(5, 15))]), truth)["ndcg@10"][0] == pytest.approx(1)
    assert user_values(padded([list(range(5, 14))]), truth)["ndcg@10"][0] < 1, "nine hits are not ten"


rows_of_tracks = st.lists(st.lists(st.integers(0, 14), max_size=10, unique=True), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(rows_of_tracks, st.integers(0, 1000))
def test_an_independent_implementation_agrees(rows: list[list[int]], rng_key: int) -> None:
    rng = np.random.default_rng(rng_key)
    truths = [np.flatnonzero(rng.random(15) < 0.2) for _ in rows]
    values = user_values(padded(rows), Interactions.of(truths, n_columns=15))
    for user, (ranked, truth) in enumerate(zip(rows, truths, strict=True)):
        if not len(truth):
            assert np.isnan(values["ndcg@10"][user])
            continue
        gain = sum(1 / math.log2(place + 2) for place, row in enumerate(ranked) if row in truth)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(len(truth), 10)))
        assert values["hit_rate@10"][user] == float(bool(set(ranked) & set(truth.tolist())))
        assert values["ndcg@10"][user] == pytest.approx(gain / ideal)


def test_questions_name_the_regimes() -> None:
    assert {q.regime for q in QUESTIONS} == {"all", *REGIMES}
    assert [q.name for q in QUESTIONS if q.among] == ["tail, among tail", "strict cold, among cold"]


def test_the_asked_part_of_the_truth() -> None:
    truth = Interactions.of([[3, 0, 2], [], [1]], n_columns=4)
    part = asked_of(truth, np.array([True, False, False, True]))
    assert [part.row(u).tolist() for u in range(3)] == [[3, 0], [], []] and part.n_columns == 4


def test_texts_that_all_sound_alike_are_found_out() -> None:
    rng = np.random.default_rng(0)
    free = rng.normal(size=(400, 50))
    alike = free + 8 * np.ones(50)
    free, alike = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (free, alike))
    apart, together = text_likeness(free.astype(np.float32)), text_likeness(alike.astype(np.float32))
    assert abs(apart.mean) < 0.02 and together.mean > 0.97
    # the draw is about the mean over all pairs of different tracks
    gram = alike @ alike.T
    exact = (gram.sum() - np.trace(gram)) / (400 * 399)
    assert together.low <= exact <= together.high and together.high - together.low < 0.01
    without = np.vstack([alike, np.zeros((300, 50))]).astype(np.float32)
    assert text_likeness(without).mean == pytest.approx(together.mean, abs=0.002), "no text is no pair"
    assert np.isnan(text_likeness(np.zeros((5, 3), np.float32)).mean)


def test_country_groups_are_the_five_largest() -> None:
    countries: list[str | None] = [*"AAAABBBCCCDDEEFFG", None, ""]
    names, group = country_groups(countries)
    assert names == ["A", "B", "C", "D", "E", "others", "unknown"]
    assert np.bincount(group).tolist() == [4, 3, 3, 2, 2, 3, 2]
    names, group = country_groups(["others", "unknown", None])
    assert names == ["others", "unknown", "unknown"] and group.tolist() == [0, 1, 2], "countries may be called that"
    assert country_groups([])[0] == []


def test_quintiles_hold_a_fifth_of_the_artists() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 50, 600)
    counts = rng.integers(0, 9, 600)
    found = artist_quintiles(rows, counts)
    heard = np.bincount(rows, counts, 50)
    of_artist = np.array([found[rows == artist][0] for artist in range(50)])
    assert all(len(set(found[rows == artist].tolist())) == 1 for artist in range(50))
    assert np.bincount(of_artist).tolist() == [10] * 5
    assert heard[of_artist == 0].max() <= heard[of_artist == 4].min()
    assert artist_quintiles(np.array([-1, -1]), np.array([1, 2])).tolist() == [-1, -1]


def test_exposure_shares_and_inequality_by_hand() -> None:
    lists = np.array([[0, 1, -1], [0, 2, 1], [-1, -1, -1]], np.int32)
    shown = exposure(lists, 4)
    assert shown.tolist() == [2, 2, 1, 0]
    assert shares_of(shown, np.array([0, 1, 1, 2]), 3) == [0.4, 0.6, 0.0]
    assert shares_of(np.array([1, 1]), np.array([-1, 0]), 2) == [1.0, 0.0], "an unknown artist is in no fifth"
    assert all(np.isnan(shares_of(np.zeros(2, int), np.array([0, 1]), 2)))
    # ascending 0 1 2 2: (-3*0 -1*1 +1*2 +3*2) / (4*5)
    assert gini(shown) == pytest.approx(7 / 20)
    assert np.isnan(gini(np.zeros(3, int))) and gini(np.array([5])) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_gini_is_the_mean_difference(counts: list[int]) -> None:
    x = np.array(counts)
    if x.sum():
        differences = np.abs(x[:, None] - x[None, :]).mean()
        assert gini(x) == pytest.approx(differences / (2 * x.mean()))


def test_popularity_lift_by_hand() -> None:
    counts = np.array([10, 4, 2, 0])
    profiles = Interactions.of([[1, 2], [2], [], [0]], n_columns=4)
    lists = np.array([[0, 1], [0, -1], [0, 1], [-1, -1]], np.int32)
    # lists: 7 and 10; profiles: 3 and 2; the third loves nothing and the fourth has no list
    assert popularity_lift(lists, profiles, counts, np.arange(4)).mean == pytest.approx((7 + 10) / (3 + 2))
    assert popularity_lift(lists, profiles, counts, np.array([1])).mean == pytest.approx(5)
    own = popularity_lift(np.array([[1, 2], [2, -1]], np.int32), profiles, counts, np.arange(2))
    assert (own.mean, own.low, own.high) == (1, 1, 1), "people who get what they love"
    assert np.isnan(popularity_lift(lists, profiles, counts, np.array([3])).mean)
