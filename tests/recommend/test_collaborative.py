from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.recommender import RecommenderContract
from segue.errors import StoredDataError, TrainingError
from segue.library import Interactions, Library, Query, Recommender
from segue.recommend.artist_tracks import ArtistTracks
from segue.recommend.ease import EaseSettings, fit_ease
from segue.recommend.features import ArtistFeatures
from segue.recommend.item_knn import ItemKnn
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.playlist_knn import PlaylistKnn
from segue.recommend.playlist_ridge import PlaylistRidge
from segue.recommend.popularity import Popularity
from segue.recommend.scores import Scores


@pytest.fixture
def index(library: Library) -> PlaylistIndex:
    return PlaylistIndex.of(library.playlist_tracks)


class TestPlaylistKnn(RecommenderContract):
    @pytest.fixture
    def recommender(self, index: PlaylistIndex) -> Recommender:
        return PlaylistKnn(index, k=5)


class TestItemKnn(RecommenderContract):
    @pytest.fixture
    def recommender(self, index: PlaylistIndex) -> Recommender:
        return ItemKnn(index)


class TestEase(RecommenderContract):
    @pytest.fixture
    def recommender(self, index: PlaylistIndex) -> Recommender:
        return fit_ease(index, EaseSettings(ridge=1.0))


class TestPlaylistRidge(RecommenderContract):
    @pytest.fixture
    def recommender(self, index: PlaylistIndex, library: Library) -> Recommender:
        return PlaylistRidge.fitted(index, library.artist_rows)


def dense(scores: Scores, n: int) -> NDArray[np.float64]:
    values = np.zeros(n)
    values[scores.rows] = scores.values
    return values


def random_playlists(rng: np.random.Generator, n_playlists: int, n_tracks: int) -> Interactions:
    lengths = rng.integers(1, max(n_tracks // 2, 2), n_playlists)
    return Interactions.of([rng.permutation(n_tracks)[:length] for length in lengths], n_columns=n_tracks)


def binary(playlists: Interactions) -> NDArray[np.float64]:
    x = np.zeros((playlists.n_rows, playlists.n_columns))
    for i in range(playlists.n_rows):
        x[i, playlists.row(i)] = 1.0
    return x


def test_item_knn_by_hand() -> None:
    # 0 with 1 twice, with 2 once; 1 is in three playlists, 2 in two
    index = PlaylistIndex.of(Interactions.of([[0, 1], [0, 1, 2], [1], [2]], n_columns=4))
    values = dense(ItemKnn(index, given_power=0.5, found_power=0.5).score(Query("", (0,))), 4)
    assert values[1] == pytest.approx(2 / np.sqrt(2 * 3))
    assert values[2] == pytest.approx(1 / np.sqrt(2 * 2))
    assert values[3] == 0


def test_playlist_knn_equals_dense_cosines() -> None:
    rng = np.random.default_rng(8)
    for _ in range(10):
        playlists = random_playlists(rng, 15, 12)
        index = PlaylistIndex.of(playlists)
        x = binary(playlists)
        idf = np.log(15 / np.maximum(x.sum(axis=0), 1))
        seeds = np.array([1, 4, 7], np.int32)
        held = np.array([s for s in seeds if x[:, s].any()])
        asked = np.zeros(12)
        asked[held] = np.maximum(idf[held], 1e-3)
        cosines = (x * idf) @ asked / np.maximum(np.linalg.norm(x * idf, axis=1), 1e-6) / np.linalg.norm(asked)
        expected = (cosines / x.sum(axis=1) ** 0.25) @ x
        found = dense(PlaylistKnn(index, k=15).score(Query("", tuple(seeds.tolist()))), 12)
        np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("shape", [(8, 14), (20, 9)])
def test_ease_dual_equals_the_primal_closed_form(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    playlists = random_playlists(rng, *shape)
    x = binary(playlists)
    y = x / x.sum(axis=1, keepdims=True) ** 0.25
    ridge = 2.0
    p = np.linalg.inv(y.T @ y + ridge * np.eye(shape[1]))
    b = -p / np.diag(p)[None, :]
    np.fill_diagonal(b, 0.0)
    model = fit_ease(PlaylistIndex.of(playlists), EaseSettings(ridge=ridge))
    for seeds in ((0,), (2, 5), (1, 3, 6)):
        expected = b[list(seeds)].sum(axis=0)
        found = dense(model.score(Query("", seeds)), shape[1])
        others = [j for j in range(shape[1]) if j not in seeds and x[:, j].any()]
        np.testing.assert_allclose(found[others], expected[others], atol=1e-4)


def test_playlist_ridge_equals_the_dense_solution_of_the_whole_system() -> None:
    rng = np.random.default_rng(9)
    playlists = random_playlists(rng, 12, 18)
    artists = rng.integers(-1, 5, 18).astype(np.int32)
    index = PlaylistIndex.of(playlists)
    model = replace(PlaylistRidge.fitted(index, artists, artist_weight=0.7), ridge=3.0, neighbours=None, steps=60)
    x = binary(playlists)
    liked = np.stack([[(artists[playlists.row(i)] == a).sum() for a in range(5)] for i in range(12)]).astype(float)
    idf = np.log(12 / np.maximum((liked > 0).sum(axis=0), 1))
    weights = x.sum(axis=1, keepdims=True) ** -0.25
    features = np.hstack([x, 0.7 * np.log1p(liked) * idf]) * weights
    seeds = np.array([0, 3, 4, 11], np.int32)
    asked = np.zeros(23)
    asked[seeds] = 1.0
    counts = np.array([(artists[seeds] == a).sum() for a in range(5)])
    asked[18:] = 0.7 * np.log1p(counts) * idf
    votes = np.linalg.solve(features @ features.T + 3.0 * np.eye(12), features @ asked)
    expected = (features.T @ votes)[:18]
    np.testing.assert_allclose(dense(model.score_tracks(seeds), 18), expected, atol=2e-3)
    # the local system: only playlists that share a track or an artist with the given tracks
    local = replace(model, neighbours=12)
    chosen = local.system(seeds)
    assert chosen.tolist() == np.flatnonzero(features @ asked > 0).tolist()
    part = features[chosen]
    votes = np.linalg.solve(part @ part.T + 3.0 * np.eye(len(chosen)), part @ asked)
    np.testing.assert_allclose(dense(local.score_tracks(seeds), 18), (part.T @ votes)[:18], atol=2e-3)
    assert len(replace(model, neighbours=4).system(seeds)) == 4


def test_a_track_nobody_has_is_reached_through_its_artist() -> None:
    index = PlaylistIndex.of(Interactions.of([[0, 1], [2, 3], [4, 5]], n_columns=7))
    ridge = replace(PlaylistRidge.fitted(index, np.array([0, 0, 1, 1, 2, 2, 1], np.int32)), ridge=1.0)
    assert set(ridge.recommend(Query("", (6,)), 2).rows.tolist()) == {2, 3}


def test_planted_theme_is_found_by_all(library: Library, index: PlaylistIndex) -> None:
    models: list[Recommender] = [
        PlaylistKnn(index, k=4),
        ItemKnn(index),
        fit_ease(index, EaseSettings(ridge=2.0)),
        replace(PlaylistRidge.fitted(index), ridge=2.0),
    ]
    for model in models:
        assert set(model.recommend(Query("", (13, 15)), 3).rows.tolist()) <= {12, 14, 16, 21}, model


def test_postings_are_sampled_alike_for_all_tracks() -> None:
    # track 0 and 1 are in all playlists: with one posting list cut, the other is cut to the same playlists
    playlists = Interactions.of([[0, 1, 2 + i % 3] for i in range(100)], n_columns=5)
    index = PlaylistIndex.of(playlists, max_postings=10)
    first, second = (index.postings[index.indptr[t] : index.indptr[t + 1]].tolist() for t in (0, 1))
    assert first == second and len(set(first)) == 10
    assert max(first) > 50  # a sample of all, not the first ones
    assert index.popularity.counts[0] == 100


def test_index_and_ridge_survive_saving(tmp_path: Path, library: Library, index: PlaylistIndex) -> None:
    ridge = PlaylistRidge.fitted(index, library.artist_rows)
    index.save(tmp_path / "index")
    ridge.save(tmp_path / "ridge")
    loaded = PlaylistRidge.load(tmp_path / "ridge", PlaylistIndex.load(tmp_path / "index"))
    assert loaded.fingerprint == ridge.fingerprint
    query = Query("", (1, 13))
    assert loaded.recommend(query, 9).rows.tolist() == ridge.recommend(query, 9).rows.tolist()
    other = Interactions.of([[0]], n_columns=3)
    with pytest.raises(StoredDataError, match="other playlists"):
        PlaylistIndex.load(tmp_path / "index", other)
    (tmp_path / "index" / "postings.npy").write_bytes(b"no")
    with pytest.raises(StoredDataError, match=r"postings\.npy"):
        PlaylistIndex.load(tmp_path / "index")


def test_ease_needs_playlists() -> None:
    with pytest.raises(TrainingError, match="no playlist"):
        fit_ease(PlaylistIndex.of(Interactions.of([], n_columns=3)), EaseSettings())


def test_artist_features_by_hand() -> None:
    playlists = Interactions.of([[0, 1, 2], [2], [3]], n_columns=5)
    features = ArtistFeatures.fitted(playlists, np.array([0, 0, 1, -1, 2]), weight=2.0)
    assert features.scale.tolist() == pytest.approx([2 * np.log(3), 2 * np.log(1.5), 2 * np.log(3)])
    rows, values = features.of(np.array([0, 1, 3]))
    assert rows.tolist() == [0] and values.tolist() == pytest.approx([np.log(3) * 2 * np.log(3)])
    assert ArtistFeatures.fitted(playlists, None, weight=1.0).n_artists == 0


def test_artist_tracks_by_hand(tmp_path: Path) -> None:
    popularity = Popularity.fitted(Interactions.of([[0, 1], [0], [0], [0, 2]], n_columns=5))
    table = ArtistTracks.fitted(np.array([0, 0, 1, 0, -1]), popularity)
    found = dense(table.score_tracks(np.array([1, 2, 4, 4], np.int32)), 5)
    assert found.tolist() == pytest.approx([0.25, 0.125, 0.25, 0, 0])  # track 3 is in no playlist
    assert len(table.score_tracks(np.array([4], np.int32))) == 0
    table.save(tmp_path)
    assert dense(ArtistTracks.load(tmp_path).score_tracks(np.array([1], np.int32)), 5)[1] == pytest.approx(0.5)
