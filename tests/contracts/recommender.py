"""What every recommender must keep; subclass as ``Test...``, give the fixtures ``recommender`` and ``n_tracks``.

The recommender's catalogue may be anything with at least twenty tracks; ``n_tracks`` says how many.
"""

from __future__ import annotations

import numpy as np
import pytest

from segue.library import Query, Ranking, Recommender

HOSTILE_TITLES = ("", "   ", "🌧️", "🔥🔥", "\x00\ud800", "a" * 10_000, "zxqv wqzx", "no", "'; DROP TABLE", "جو", "12")


def check(ranking: Ranking, n: int, n_tracks: int, given: tuple[int, ...]) -> None:
    """Whatever was asked, the list is well formed and as long as it can be."""
    left = n_tracks - len({row for row in given if 0 <= row < n_tracks})
    assert len(ranking.rows) == len(ranking.scores) == min(n, left)
    assert ranking.rows.dtype == np.int32 and ranking.scores.dtype == np.float32
    assert len(np.unique(ranking.rows)) == len(ranking.rows)
    assert not set(ranking.rows.tolist()) & set(given)
    assert ((ranking.rows >= 0) & (ranking.rows < n_tracks)).all()
    assert np.isfinite(ranking.scores).all()
    assert (np.diff(ranking.scores) <= 0).all()
    assert all(isinstance(sentence, str) and sentence for sentence in ranking.ignored)


class RecommenderContract:
    """Reusable checks of the ``Recommender`` protocol."""

    @pytest.fixture
    def recommender(self) -> Recommender:
        """Override: the recommender under test."""
        raise NotImplementedError

    def test_keeps_the_protocol(self, recommender: Recommender) -> None:
        assert isinstance(recommender, Recommender)
        assert isinstance(recommender.fingerprint, str) and recommender.fingerprint

    @pytest.mark.parametrize("n", [0, 1, 7, 10_000])
    def test_lists_are_as_long_as_they_can_be(self, recommender: Recommender, n_tracks: int, n: int) -> None:
        for query in (Query("summer"), Query("", (3,)), Query("rain", (2, 5, 2))):
            check(recommender.recommend(query, n), n, n_tracks, query.seed_tracks)

    @pytest.mark.parametrize("title", HOSTILE_TITLES)
    def test_any_title_gets_a_list(self, recommender: Recommender, n_tracks: int, title: str) -> None:
        check(recommender.recommend(Query(title), 10), 10, n_tracks, ())

    def test_unknown_tracks_are_survived_and_named(self, recommender: Recommender, n_tracks: int) -> None:
        query = Query("summer", (n_tracks + 5, 2, -1))
        ranking = recommender.recommend(query, 10)
        check(ranking, 10, n_tracks, query.seed_tracks)

    def test_nothing_asked_for_gets_a_list(self, recommender: Recommender, n_tracks: int) -> None:
        check(recommender.recommend(Query(), 10), 10, n_tracks, ())

    def test_all_tracks_given_leaves_nothing(self, recommender: Recommender, n_tracks: int) -> None:
        check(recommender.recommend(Query("", tuple(range(n_tracks))), 10), 10, n_tracks, tuple(range(n_tracks)))

    def test_the_same_query_gets_the_same_answer(self, recommender: Recommender) -> None:
        query = Query("summer rain", (1, 4))
        first, second = recommender.recommend(query, 15), recommender.recommend(query, 15)
        assert first.rows.tobytes() == second.rows.tobytes()
        assert first.scores.tobytes() == second.scores.tobytes()
        assert first.ignored == second.ignored

    def test_a_shorter_list_is_the_head_of_a_longer_one(self, recommender: Recommender) -> None:
        query = Query("summer", (1,))
        longer, shorter = recommender.recommend(query, 15), recommender.recommend(query, 6)
        assert longer.rows[:6].tolist() == shorter.rows.tolist()
