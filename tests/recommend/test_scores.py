from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.library import Interactions
from segue.recommend.scores import (
    Scores,
    accumulate,
    accumulate_pairs,
    best,
    blend,
    gather,
    normalised,
    rank_playlists,
    top_scores,
    vote,
)

N = 50
pairs = st.lists(st.tuples(st.integers(0, N - 1), st.integers(-8, 8)), max_size=200)


def scores(**values: float) -> Scores:
    rows = np.array([int(key[1:]) for key in values], np.int32)
    return Scores(rows, np.array(list(values.values()), np.float32))


@given(pairs)
def test_accumulate_equals_a_dictionary(given_pairs: list[tuple[int, int]]) -> None:
    expected: dict[int, float] = {}
    for row, value in given_pairs:
        expected[row] = expected.get(row, 0.0) + value
    rows = np.array([row for row, _ in given_pairs], np.int32)
    values = np.array([value for _, value in given_pairs], np.float32)
    for n_tracks in (N, 2 * N, N):  # the scratch grows and is reused
        found = accumulate_pairs(rows, values, n_tracks)
        assert dict(zip(found.rows.tolist(), found.values.tolist(), strict=True)) == expected
        assert found.rows.dtype == np.int32 and found.values.dtype == np.float32


def test_accumulate_leaves_no_trace_after_an_error() -> None:
    with pytest.raises(IndexError):
        accumulate([np.array([1, 7], np.int32)], [1.0], 5)
    with pytest.raises(IndexError):
        accumulate([np.array([-1], np.int32)], [1.0], 5)
    assert accumulate([np.array([1], np.int32)], [1.0], 5).values.tolist() == [1.0]


def test_accumulate_of_nothing_is_nothing() -> None:
    assert len(accumulate([], [], 5)) == 0
    assert len(accumulate([np.zeros(0, np.int32)], [1.0], 5)) == 0


def test_threads_do_not_share_sums() -> None:
    rng = np.random.default_rng(5)
    rows = rng.integers(0, 1000, 20_000).astype(np.int32)
    values = rng.random(20_000).astype(np.float32)
    expected = accumulate_pairs(rows, values, 1000)
    differing = []

    def work() -> None:
        for _ in range(20):
            found = accumulate_pairs(rows, values, 1000)
            if found.values.tobytes() != expected.values.tobytes():
                differing.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not differing


@given(pairs, st.integers(0, 60))
def test_best_equals_sorting(given_pairs: list[tuple[int, int]], n: int) -> None:
    distinct = dict(given_pairs)
    found = best(Scores(np.array(list(distinct), np.int32), np.array(list(distinct.values()), np.float32)), n)
    expected = sorted(distinct.items(), key=lambda item: (-item[1], item[0]))[:n]
    assert list(zip(found.rows.tolist(), found.values.tolist(), strict=True)) == expected


@given(pairs, st.integers(0, 60), st.sets(st.integers(0, N - 1)))
def test_top_scores_ranks_excludes_and_fills(given_pairs: list[tuple[int, int]], n: int, excluded: set[int]) -> None:
    distinct = dict(given_pairs)
    fill = np.arange(N, dtype=np.int32)[::-1]
    ranking = top_scores(
        Scores(np.array(list(distinct), np.int32), np.array(list(distinct.values()), np.float32)),
        n,
        tuple(excluded),
        fill,
    )
    scored = sorted((item for item in distinct.items() if item[1] > 0), key=lambda item: (-item[1], item[0]))
    expected = [row for row, _ in scored if row not in excluded]
    expected += [row for row in fill.tolist() if row not in excluded and row not in expected]
    assert ranking.rows.tolist() == expected[:n]
    assert (np.diff(ranking.scores) <= 0).all()


def test_blend_weighs_and_normalised_scales() -> None:
    mixed = blend([(2.0, scores(t1=1.0, t2=3.0)), (0.0, scores(t9=5.0)), (1.0, scores(t2=1.0))], 10)
    assert dict(zip(mixed.rows.tolist(), mixed.values.tolist(), strict=True)) == {1: 2.0, 2: 7.0}
    many = Scores(np.arange(200, dtype=np.int32), np.arange(200, dtype=np.float32))
    assert np.sort(normalised(many).values)[-100:].mean() == pytest.approx(1.0)
    assert len(normalised(Scores.none())) == 0


def test_vote_by_hand() -> None:
    playlists = Interactions.of([[0, 1, 2, 3], [1], [3, 4]], n_columns=5)
    found = vote(playlists, np.array([0, 1]), np.array([1.0, 0.5], np.float32), length_power=0.5)
    assert dict(zip(found.rows.tolist(), found.values.tolist(), strict=True)) == {0: 0.5, 1: 1.0, 2: 0.5, 3: 0.5}


def test_gather_of_empty_rows() -> None:
    columns, lengths = gather(np.array([0, 0, 2]), np.array([4, 5], np.int32), np.array([0, 1, 0]))
    assert columns.tolist() == [4, 5] and lengths.tolist() == [0, 2, 0]
    assert len(gather(np.array([0, 2]), np.array([4, 5], np.int32), np.zeros(0, np.int64))[0]) == 0


def test_rank_playlists_breaks_ties_by_position() -> None:
    assert rank_playlists(np.array([1, 2, 1, 2, 2], np.float32), 4).tolist() == [1, 3, 4, 0]
    assert rank_playlists(np.array([1.0], np.float32), 0).tolist() == []
