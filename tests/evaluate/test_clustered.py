"""Intervals over playlists."""

import numpy as np
import pytest

from segue.evaluate.clustered import over_playlists, paired_over_playlists
from segue.evaluate.significance import interval
from segue.library import Interactions


def test_the_mean_is_that_of_the_tracks_however_many_playlists_hold_them():
    playlists = Interactions.of([[0, 1, 2, 2], [2, 3], [4], []], n_columns=6)
    rows = np.array([4, 2, 0, 3, 1])
    values = np.array([0.5, 1.0, np.nan, 0.25, 0.75])
    assert over_playlists(values, rows, playlists).mean == pytest.approx((0.5 + 1.0 + 0.25 + 0.75) / 4)


def test_alike_tracks_of_a_playlist_are_no_independent_queries():
    rng = np.random.default_rng(0)
    effect = np.repeat(rng.normal(size=30), 40)  # what all tracks of a playlist have in common
    values = effect + 0.1 * rng.normal(size=1_200)
    playlists = Interactions.of(np.arange(1_200).reshape(30, 40), n_columns=1_200)
    naive, honest = interval(values), over_playlists(values, np.arange(1_200), playlists)
    assert honest.mean == pytest.approx(naive.mean)
    assert honest.high - honest.low > 4 * (naive.high - naive.low)


def test_a_comparison_is_paired():
    rng = np.random.default_rng(1)
    effect = np.repeat(rng.normal(size=30), 10)
    a, b = effect + 0.1, effect + 0.05 * rng.normal(size=300)
    playlists = Interactions.of(np.arange(300).reshape(30, 10), n_columns=300)
    found = paired_over_playlists(a, b, np.arange(300), playlists)
    assert found.n == 30 and found.difference.low > 0 and found.p < 0.01
    same = paired_over_playlists(a, a, np.arange(300), playlists)
    assert same.difference.mean == same.difference.low == same.difference.high == 0 and same.p == 1


def test_nothing_to_compare():
    playlists = Interactions.of([[0]], n_columns=2)
    nan = np.array([np.nan])
    assert np.isnan(over_playlists(nan, np.array([0]), playlists).mean)
    assert paired_over_playlists(nan, nan, np.array([0]), playlists).n == 0
