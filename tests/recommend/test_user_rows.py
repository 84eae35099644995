"""The rows of the users protocol: contracts, planted answers, and dense ways to compute the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.recommender import RecommenderContract
from segue.library import Interactions, Query, Recommender
from segue.recommend.als import AlsSettings, fit_als
from segue.recommend.artist_backoff import ArtistBackoff, ArtistBackoffSettings
from segue.recommend.ease import EaseSettings
from segue.recommend.text_knn import TextKnn
from segue.recommend.user_ease import fit_user_ease
from segue.recommend.user_item_knn import UserItemKnnSettings, fit_user_item_knn
from segue.recommend.user_scores import BlockScorer, popularity_among, ranked

N_TRACKS = 24
IDS = [f"t{i}" for i in range(N_TRACKS)]
# two tastes: 0-9 and 10-19; 20 and 21 are heard by both, 22 and 23 by nobody
USERS = [[(5 * g + i + j) % 10 + 10 * (g % 2) for j in range(5)] + [20 + i % 2] for g in range(2) for i in range(10)]
TRAIN = Interactions.of(USERS, n_columns=N_TRACKS)
POPULARITY = popularity_among(TRAIN, IDS)
ARTISTS = np.array([i // 2 for i in range(20)] + [10, 10, 0, -1], np.int32)


def unit(rng_key: int, n: int = N_TRACKS, d: int = 6) -> NDArray[np.float32]:
    vectors = np.random.default_rng(rng_key).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _rows() -> dict[str, BlockScorer]:
    vectors = unit(1)
    vectors[[3, 23]] = 0  # without a text
    return {
        "item-knn": fit_user_item_knn(TRAIN, POPULARITY, UserItemKnnSettings(k=4)),
        "als": fit_als(TRAIN, POPULARITY, AlsSettings(4, 0.1, iterations=5)),
        "ease": fit_user_ease(TRAIN, POPULARITY, EaseSettings(2.0, length_power=0.0)),
        "text": TextKnn.of(vectors, POPULARITY),
        "artists": ArtistBackoff.fitted(ARTISTS, POPULARITY),
    }


ROWS = _rows()


class _OfUsers(RecommenderContract):
    @pytest.fixture
    def n_tracks(self) -> int:
        return N_TRACKS


@pytest.mark.parametrize("name", list(ROWS))
class TestRows(_OfUsers):
    @pytest.fixture
    def recommender(self, name: str) -> Recommender:
        found = ROWS[name]
        assert isinstance(found, Recommender)
        return found

    def test_a_block_scores_as_one_by_one(self, name: str) -> None:
        scorer = ROWS[name]
        queries = [Query(seed_tracks=tuple(u)) for u in USERS[:5]] + [Query()]
        block = scorer.score_block(queries)
        assert block.shape == (6, N_TRACKS) and block.dtype == np.float32 and np.isfinite(block).all()
        for query, scores in zip(queries, block, strict=True):
            np.testing.assert_allclose(scores, scorer.score_block([query])[0], rtol=1e-5, atol=1e-6)

    def test_neighbours_in_taste_come_first(self, name: str) -> None:
        recommender = ROWS[name]
        assert isinstance(recommender, Recommender)
        if name != "text":  # the vectors are random
            # one track is left of the loved artists
            first = recommender.recommend(Query(seed_tracks=(10, 11, 12)), 1 if name == "artists" else 2).rows
            assert ((first >= 10) & (first < 20)).all()

    def test_nobody_gets_what_is_popular(self, name: str) -> None:
        recommender = ROWS[name]
        assert isinstance(recommender, Recommender)
        popular = POPULARITY.recommend(Query(), 2).rows
        assert recommender.recommend(Query(), 2).rows.tolist() == popular.tolist()
        assert set(popular.tolist()) == {20, 21}


class TestPopularity(_OfUsers):
    @pytest.fixture
    def recommender(self) -> Recommender:
        return POPULARITY


def test_ties_do_not_follow_the_rows() -> None:
    nobody = popularity_among(Interactions.of([], n_columns=400), [f"t{i}" for i in range(400)])
    assert sorted(nobody.order.tolist()) == list(range(400))
    assert abs(np.corrcoef(nobody.order, np.arange(400))[0, 1]) < 0.2
    # the id decides, wherever the track stands
    backwards = popularity_among(Interactions.of([], n_columns=400), [f"t{399 - i}" for i in range(400)])
    assert (399 - backwards.order).tolist() == nobody.order.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_ranked_is_a_sort(rng_key: int) -> None:
    rng = np.random.default_rng(rng_key)
    scores = rng.integers(0, 4, 12).astype(np.float32)
    order, candidates = rng.permutation(12).astype(np.int32), rng.random(12) < 0.7
    taken, n = rng.choice(12, 3, replace=False), int(rng.integers(0, 13))
    before = scores.copy()
    found = ranked(scores, taken, order[candidates[order]], n)
    left = [row for row in order.tolist() if candidates[row] and row not in taken]
    assert found.rows.tolist() == sorted(left, key=lambda row: -scores[row])[:n]
    assert scores.tolist() == before.tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([0.0, 3.0]))
def test_item_knn_is_the_dense_sum(rng_key: int, k: int, shrink: float) -> None:
    rng = np.random.default_rng(rng_key)
    x = (rng.random((15, 9)) < 0.4).astype(float)
    train = Interactions.of([np.flatnonzero(row) for row in x], n_columns=9)
    chosen = UserItemKnnSettings(k=k, given_power=0.6, found_power=0.3, shrink=shrink)
    found = fit_user_item_knn(train, popularity_among(train, IDS[:9]), chosen)
    together, counts = x.T @ x, np.maximum(x.sum(axis=0), 1)
    similar = together / (counts[:, None] ** 0.6 * counts[None, :] ** 0.3 + shrink)
    np.fill_diagonal(similar, 0)
    for row in similar:  # keep the k highest of each, ties to the lower row
        row[np.argsort(-row, kind="stable")[k:]] = 0
    wanted = x @ similar
    asked = [Query(seed_tracks=tuple(np.flatnonzero(row).tolist())) for row in x]
    np.testing.assert_allclose(found.score_block(asked), wanted, rtol=1e-5, atol=1e-6)


def test_item_knn_in_blocks_is_item_knn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_user_item_knn(TRAIN, POPULARITY)
    monkeypatch.setattr("segue.recommend.user_item_knn._PAIRS", 40)
    parts = fit_user_item_knn(TRAIN, POPULARITY)
    assert np.array_equal(whole.near.toarray(), parts.near.toarray()) and whole.near.nnz


def test_als_is_the_same_every_time_and_depends_on_its_key() -> None:
    first, second = (fit_als(TRAIN, POPULARITY, AlsSettings(4, 0.1)) for _ in range(2))
    assert first.tracks.tobytes() == second.tracks.tobytes() and first.fingerprint == second.fingerprint
    other = fit_als(TRAIN, POPULARITY, AlsSettings(4, 0.1, rng_key=1))
    assert other.tracks.tobytes() != first.tracks.tobytes() and other.fingerprint != first.fingerprint
    assert not first.tracks[[22, 23]].any(), "nobody has these"


def test_als_solves_a_listener_as_the_equation_says() -> None:
    als = fit_als(TRAIN, POPULARITY, AlsSettings(factors=4, alpha=7.0, regularization=0.3))
    y, loved = als.tracks.astype(float), np.array([1, 2, 20])
    confidence = np.ones(N_TRACKS)
    confidence[loved] = 7.0
    wanted = np.linalg.solve(
        y.T @ np.diag(confidence) @ y + 0.3 * np.eye(4), y.T @ np.where(np.isin(np.arange(N_TRACKS), loved), 7.0, 0)
    )
    np.testing.assert_allclose(als.listener(loved), wanted, rtol=1e-6)


def test_als_training_is_at_a_fixed_point() -> None:
    """Many iterations later a track's factors solve its own least squares, by the formula that we cite."""
    als = fit_als(TRAIN, POPULARITY, AlsSettings(factors=3, alpha=5.0, regularization=0.5, iterations=200))
    users = np.array([als.listener(np.array(u)) for u in USERS])
    for track in (0, 12, 20):
        fans = np.array([track in u for u in USERS])
        left = users.T @ users + 4 * users[fans].T @ users[fans] + 0.5 * np.eye(3)
        np.testing.assert_allclose(als.tracks[track], np.linalg.solve(left, 5 * users[fans].sum(axis=0)), atol=2e-3)


def test_ease_is_steck_over_tracks() -> None:
    x = np.zeros((len(USERS), N_TRACKS))
    for user, loved in enumerate(USERS):
        x[user, loved] = 1
    p = np.linalg.inv(x.T @ x + 2.0 * np.eye(N_TRACKS))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0)
    ease = fit_user_ease(TRAIN, POPULARITY, EaseSettings(2.0, length_power=0.0))
    found = ease.score_block([Query(seed_tracks=tuple(user)) for user in USERS])
    unseen = x == 0  # of a given track the model through the users keeps what it says of itself
    np.testing.assert_allclose(found[unseen], (x @ b)[unseen], atol=1e-4)


def test_text_knn_finds_the_planted_text() -> None:
    vectors = np.eye(N_TRACKS, dtype=np.float32)
    vectors[22] = (vectors[4] + vectors[5]) / np.sqrt(2)  # unheard, and it reads like both loved ones
    found = TextKnn.of(vectors, POPULARITY).recommend(Query(seed_tracks=(4, 5)), 3)
    assert found.rows[0] == 22 and found.scores[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="3 text vectors"):
        TextKnn.of(vectors[:3], POPULARITY)


def test_artist_backoff_by_hand() -> None:
    # artists: 0 has tracks 0 (4 users), 1 (1), 2 (0); 1 has 3 (2 users), 4 (0); 2 has 5 (3); 6 is by nobody known
    artists = np.array([0, 0, 0, 1, 1, 2, -1, -1], np.int32)
    counts = [4, 1, 0, 2, 0, 3, 1, 0]
    users = [[track for track, n in enumerate(counts) if user < n] for user in range(4)]
    train = Interactions.of(users, n_columns=8)
    popularity = popularity_among(train, IDS[:8])
    row = ArtistBackoff.fitted(artists, popularity, ArtistBackoffSettings(1.0, 1.0, 0.5))
    # smoothed: artist 0 means 2.5 over its heard tracks, artist 1 means 2, artist 2 means 3
    smoothed = np.array([5.25, 2.25, 1.25, 3.0, 1.0, 4.5, 1.0, 0.0])
    np.testing.assert_allclose(row.standing, smoothed / 6.25)
    scores = row.score_block([Query(seed_tracks=(0, 1, 3, 6))])[0]
    np.testing.assert_allclose(scores[[2, 4, 5, 7]], [1 + 0.5 * 1.25 / 6.25, 1 + 0.25 / 6.25, 4.5 / 6.25, 0])
    ranking = row.recommend(Query(seed_tracks=(0, 1, 3, 6)), 9)
    assert ranking.rows.tolist() == [2, 4, 5, 7], "cold tracks by the share of their artist, then what is popular"
    # two tracks without a known artist have nothing in common
    assert row.score_block([Query(seed_tracks=(6,))])[0, 7] == 0
    with pytest.raises(ValueError, match="prior"):
        ArtistBackoff.fitted(artists, popularity, ArtistBackoffSettings(prior=0.0))
