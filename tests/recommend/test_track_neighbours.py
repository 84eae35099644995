from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.recommender import RecommenderContract
from segue.encode.base import unit_rows
from segue.library import Interactions, Query
from segue.recommend.popularity import Popularity
from segue.recommend.track_neighbours import Given, Half, TrackNeighbours

N = 30


def random_halves(rng: np.random.Generator, n: int = N, *, absent: float = 0.3) -> tuple[Half, ...]:
    halves = []
    for name, d in (("audio", 4), ("lyrics", 6)):
        vectors = unit_rows(rng.standard_normal((n, d)))
        vectors[rng.random(n) < absent] = 0
        halves.append(Half.of(name, vectors))
    return tuple(halves)


def made(
    rng_key: int = 0,
    n: int = N,
    *,
    absent: float = 0.3,
    same_artist: float = 0.0,
    weights: tuple[float, float] = (1.0, 0.5),
    inside: bool = False,
    held: bool = True,
) -> TrackNeighbours:
    rng = np.random.default_rng(rng_key)
    playlists = Interactions.of([rng.choice(n, 5, replace=False) for _ in range(8)] if held else [], n_columns=n)
    return TrackNeighbours(
        halves=random_halves(rng, n, absent=absent),
        weights=dict(zip(("audio", "lyrics"), weights, strict=True)),
        artist_rows=rng.integers(-1, 6, n).astype(np.int32),
        popularity=Popularity.fitted(playlists),
        same_artist=same_artist,
        cluster=rng.integers(-1, 4, n).astype(np.int32),
        inside_cluster=inside,
    )


def by_hand(near: TrackNeighbours, rows: list[int]) -> np.ndarray:
    """Scores by the formula, one track and one half at a time."""
    out = np.zeros(near.n_tracks)
    for t in range(near.n_tracks):
        total = squares = 0.0
        for half in near.halves:
            known = [half.vectors[row].astype(float) for row in rows if half.vectors[row].any()]
            if not known or not half.vectors[t].any() or not near.weights[half.name]:
                continue
            mean = np.mean(known, axis=0)
            cosine = mean @ half.vectors[t] / np.linalg.norm(mean)
            total += near.weights[half.name] * (cosine - half.mean) / half.deviation
            squares += near.weights[half.name] ** 2
        out[t] = total / np.sqrt(squares) if squares else -1e6
        shares = [near.artist_rows[row] == near.artist_rows[t] >= 0 for row in rows]
        out[t] += near.same_artist * np.mean(shares)
    return out


class TestContract(RecommenderContract):
    @pytest.fixture
    def n_tracks(self) -> int:
        return N

    @pytest.fixture(params=["plain", "artist", "inside"])
    def recommender(self, request: pytest.FixtureRequest) -> TrackNeighbours:
        artist = 1.5 if request.param == "artist" else 0.0
        return made(same_artist=artist, inside=request.param == "inside")


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.lists(st.integers(0, N - 1), min_size=1, max_size=4, unique=True))
def test_scores_are_what_the_formula_says(rng_key: int, rows: list[int]) -> None:
    near = made(rng_key, same_artist=0.7)
    ranking = near.recommend(Query("", tuple(rows)), N)
    wanted = by_hand(near, rows)
    apart = wanted > -1e5
    found = near.score(near.given(rows))
    assert np.allclose(found[apart], wanted[apart], atol=2e-4)
    assert (found[~apart] < -1e5).all()
    assert ranking.rows.tolist() == [row for row in np.argsort(-found, kind="stable").tolist() if row not in rows]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_neighbours_of_many_are_those_of_each(rng_key: int) -> None:
    near = made(rng_key, same_artist=0.3)
    rows = np.arange(0, N, 3)
    found = near.neighbours(rows, 7)
    for row, mine in zip(rows.tolist(), found.tolist(), strict=True):
        assert row not in mine
        scores = near.score(near.given([row]))
        scores[row] = -np.inf
        # sums in another order differ in the last digits, which may swap what is all but tied
        assert np.allclose(scores[mine], np.sort(scores)[::-1][:7], rtol=1e-5, atol=1e-4)


def test_with_all_halves_known_it_orders_as_the_concatenation_does() -> None:
    near = made(3, absent=0.0, weights=(1.0, 0.4))
    scaled = [half.vectors * np.sqrt(near.weights[half.name] / half.deviation) for half in near.halves]
    joined = np.concatenate(scaled, axis=1)
    cosines = joined @ joined[5]
    ranking = near.recommend(Query("", (5,)), N)
    assert ranking.rows.tolist() == [row for row in np.argsort(-cosines, kind="stable").tolist() if row != 5]


def test_a_missing_half_is_neither_a_bonus_nor_a_penalty() -> None:
    """Half of the tracks lose their lyrics at random: their share of the upper lists stays a half."""
    rng = np.random.default_rng(1)
    n = 3_000
    audio, lyrics = (unit_rows(rng.standard_normal((n, 8))) for _ in range(2))
    lyrics[n // 2 :] = 0
    near = TrackNeighbours(
        halves=(Half.of("audio", audio), Half.of("lyrics", lyrics)),
        weights={"audio": 1.0, "lyrics": 1.0},
        artist_rows=np.full(n, -1, np.int32),
        popularity=Popularity.fitted(Interactions.of([], n_columns=n)),
    )
    upper = near.neighbours(np.arange(100), 100)
    assert (upper >= n // 2).mean() == pytest.approx(0.5, abs=0.03)


def test_tracks_that_share_nothing_come_last() -> None:
    audio, lyrics = np.zeros((4, 2), np.float32), np.zeros((4, 2), np.float32)
    audio[[0, 1]], lyrics[[2, 3]] = [1, 0], [0, 1]
    audio[1] = [-1, 0]
    near = TrackNeighbours(
        halves=(Half.of("audio", audio), Half.of("lyrics", lyrics)),
        weights={"audio": 1.0, "lyrics": 1.0},
        artist_rows=np.full(4, -1, np.int32),
        popularity=Popularity.fitted(Interactions.of([], n_columns=4)),
    )
    ranking = near.recommend(Query("", (0,)), 4)
    assert ranking.rows.tolist() == [1, 2, 3]
    assert any("lyrics" in sentence for sentence in ranking.ignored)


def test_unknown_artists_are_not_the_same_artist() -> None:
    near = made(2, same_artist=50.0)
    row = int(np.flatnonzero(near.artist_rows < 0)[0])
    assert "artist" in near.parts(near.given([int(np.flatnonzero(near.artist_rows >= 0)[0])]))
    assert not any(values.max() > 20 for values in near.parts(near.given([row])).values())


def test_inside_the_cluster_comes_first_and_the_rest_is_said() -> None:
    near = made(4, absent=0.0, inside=True)
    row = int(np.flatnonzero(near.cluster == 2)[0])  # type: ignore[operator]
    mates = set(np.flatnonzero(near.cluster == 2).tolist()) - {row}  # type: ignore[operator]
    ranking = near.recommend(Query("", (row,)), N)
    assert set(ranking.rows[: len(mates)].tolist()) == mates
    assert any("outside of it" in sentence for sentence in ranking.ignored)
    short = near.recommend(Query("", (row,)), len(mates))
    assert set(short.rows.tolist()) == mates and not short.ignored


def test_without_given_tracks_it_is_popular_and_said() -> None:
    near = made(0)
    for query in (Query(), Query("rain"), Query("", (N + 3,))):
        ranking = near.recommend(query, 5)
        assert ranking.rows.tolist() == near.popularity.order[:5].tolist()
        assert any("most popular" in sentence for sentence in ranking.ignored)


def test_given_tracks_from_outside_count_as_those_inside() -> None:
    near = made(5, absent=0.0)
    inside = near.given([3, 7])
    outside = near.given([3], [Given({h.name: h.vectors[7] for h in near.halves}, {int(near.artist_rows[7]): 1.0})])
    for name, vector in inside.vectors.items():
        assert np.allclose(outside.vectors[name], vector, atol=1e-6)
    assert {k: v for k, v in outside.artists.items() if k >= 0} == inside.artists


def test_opposite_given_tracks_leave_nothing_to_be_near_to() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 1]], np.float32)
    near = TrackNeighbours(
        (Half("audio", vectors, 0.0, 1.0),),
        {"audio": 1.0},
        np.full(3, -1, np.int32),
        Popularity.fitted(Interactions.of([], n_columns=3)),
    )
    ranking = near.recommend(Query("", (0, 1)), 3)
    assert ranking.rows.tolist() == [2] and ranking.ignored


@pytest.mark.parametrize("wrong", [{"audio": 1.0}, {"audio": 1.0, "lyrics": -1.0}])
def test_weights_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        made(0).weighted(wrong, 0.0)


def test_any_change_changes_the_fingerprint() -> None:
    near = made(0)
    others = [
        made(1),
        near.weighted({"audio": 0.5, "lyrics": 0.5}, 0.0),
        near.weighted(dict(near.weights), 1.0),
        made(0, inside=True),
    ]
    assert len({near.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert made(0).fingerprint == near.fingerprint
