"""Short ways, against all ways where they can be counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.recommend.tour import close_calls, placed, tour

Points = tuple[NDArray[np.float32], NDArray[np.int64], int]


def _length(distances: NDArray[np.floating], order: NDArray[np.integer]) -> float:
    return float(distances[order[:-1], order[1:]].sum(dtype=np.float64))


def _between(points: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.linalg.norm(points[:, None] - points, axis=2).astype(np.float32)


@st.composite
def planes(draw: st.DrawFn, most: int = 40) -> Points:
    n = draw(st.integers(0, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    artists = rng.integers(0, draw(st.integers(1, max(1, n))), n)
    return _between(rng.random((n, 2))), artists, draw(st.integers(0, 4))


@given(planes())
def test_a_tour_has_every_point_once_begins_with_the_first_and_brings_no_more_of_one_artist_together(
    p: Points,
) -> None:
    distances, artists, spacing = p
    before = distances.copy()
    order = tour(distances, artists, spacing)
    assert sorted(order.tolist()) == list(range(len(distances)))
    assert order[:1].tolist() == [0][: len(distances)]
    assert close_calls(artists[order], spacing) <= close_calls(artists, spacing)
    assert np.array_equal(order, tour(distances, artists, spacing))
    assert np.array_equal(distances, before)


@given(planes(most=7))
def test_short_tours_are_near_the_shortest_of_all(p: Points) -> None:
    distances, _, _ = p
    n = len(distances)
    if n < 3:
        return
    ways = ([0, *rest] for rest in itertools.permutations(range(1, n)))
    best = min(_length(distances, np.array(way)) for way in ways)
    found = _length(distances, tour(distances, np.arange(n)))
    assert best - 1e-4 <= found <= 1.35 * best


@pytest.mark.parametrize("n", [12, 66, 300])
def test_points_on_a_line_are_walked_along(n: int) -> None:
    rng = np.random.default_rng(n)
    at = np.concatenate([[0], 1 + rng.permutation(n - 1)]).astype(np.float64)
    order = tour(_between(at[:, None]), np.arange(n))
    assert at[order].tolist() == list(range(n))


def test_a_tour_is_much_shorter_than_chance_and_than_always_the_nearest() -> None:
    rng = np.random.default_rng(5)
    distances = _between(rng.random((66, 2)))
    order = tour(distances, np.arange(66))
    left, greedy = set(range(1, 66)), [0]
    while left:
        greedy.append(min(left, key=lambda at: (distances[greedy[-1], at], at)))
        left.remove(greedy[-1])
    assert _length(distances, order) < 0.93 * _length(distances, np.array(greedy))
    assert _length(distances, order) < 0.3 * _length(distances, np.arange(66))


def test_two_artists_alternate_though_each_keeps_to_itself() -> None:
    at = np.array([0.0, 0.1, 0.2, 9.0, 9.1, 9.2])
    artists = np.array([0, 0, 0, 1, 1, 1])
    alternating = np.array([0, 3, 1, 4, 2, 5])
    order = tour(_between(at[alternating][:, None]), artists[alternating], 1)
    assert close_calls(artists[alternating][order], 1) == 0
    # without the rule they are not torn apart
    free = tour(_between(at[:, None]), artists, 0)
    assert artists[free].tolist() == [0, 0, 0, 1, 1, 1]


@given(planes(most=20))
def test_places_are_given_once_each_and_keep_artists_apart(p: Points) -> None:
    distances, artists, spacing = p
    n = len(distances)
    wanted = np.arange(n)[::-1]
    cost = np.abs(wanted[:, None] - np.arange(n)).astype(np.float64)  # the given order, turned round, costs nothing
    order = placed(cost, artists, spacing, wanted.copy())
    assert sorted(order.tolist()) == list(range(n))
    assert close_calls(artists[order], spacing) <= close_calls(artists, spacing)
    assert cost[order, np.arange(n)].sum() <= cost[np.arange(n), np.arange(n)].sum()
