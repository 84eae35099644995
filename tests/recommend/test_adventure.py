"""Hits and deep cuts: how popular lists are at each wish, and that what fits stays what is listed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.library.ranking import Ranking
from segue.recommend.adventure import CANDIDATES, adventured

WISHES = (-1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0)


def _case(key: int, n: int, unscored: int = 0) -> tuple[Ranking, NDArray[np.int32]]:
    rng = np.random.default_rng(key)
    counts = np.ceil(rng.pareto(0.8, n + 7) * 3).clip(0, 5_000).astype(np.int32)
    scores = np.sort(rng.random(n).astype(np.float32) + np.float32(0.01))[::-1]
    scores[n - unscored :] = 0
    return Ranking(rng.permutation(n + 7)[:n].astype(np.int32), scores, ("said",)), counts


@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.integers(1, 100))
def test_the_more_adventure_the_rarer_the_list(key: int, n: int, length: int) -> None:
    ranking, counts = _case(key, n)
    level = max(float(np.median(counts[ranking.rows[:200]])), 1.0)
    held = np.log(np.maximum(counts, level / 2) + level)
    means = [held[adventured(ranking, counts, wish).rows[:length]].mean() for wish in WISHES]
    assert (np.diff(means) <= 1e-9).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 1_500), st.sampled_from(WISHES))
def test_it_only_moves_candidates_and_what_fills_a_list_stays_behind(key: int, n: int, wish: float) -> None:
    ranking, counts = _case(key, n, unscored=n // 3)
    found = adventured(ranking, counts, wish)
    assert sorted(found.rows) == sorted(ranking.rows)
    of = dict(zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True))
    assert [of[row] for row in found.rows.tolist()] == found.scores.tolist()
    fixed = min(n - n // 3, CANDIDATES)
    assert np.array_equal(found.rows[fixed:], ranking.rows[fixed:])
    assert found.ignored == ("said",)
    assert np.array_equal(found.rows, adventured(ranking, counts, wish).rows)
    if wish == 0:
        assert found is ranking


@given(st.integers(0, 2**32 - 1), st.sampled_from(WISHES))
def test_looking_deeper_changes_no_list(key: int, wish: float) -> None:
    ranking, counts = _case(key, CANDIDATES + 400)
    short = Ranking(ranking.rows[:CANDIDATES], ranking.scores[:CANDIDATES])
    deeper, found = (adventured(r, counts, wish).rows[:CANDIDATES] for r in (ranking, short))
    assert np.array_equal(deeper, found)


def test_deep_cuts_are_those_of_the_neighbourhood_not_tracks_of_one_playlist_from_far_down() -> None:
    # 60 hits, then tracks of the neighbourhood that thirty playlists have, then noise that one playlist has
    counts = np.concatenate([np.full(60, 900), np.full(240, 30), np.ones(600)]).astype(np.int32)
    scores = 1 / np.arange(1, len(counts) + 1, dtype=np.float32)
    ranking = Ranking(np.arange(len(counts), dtype=np.int32), scores)
    deep = adventured(ranking, counts, 1.0).rows[:50]
    assert ((deep >= 60) & (deep < 300)).all()
    assert (adventured(ranking, counts, -1.0).rows[:60] < 60).all()
