from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from contracts.recommender import RecommenderContract
from segue.errors import StoredDataError
from segue.library import Interactions, Library, Query, Recommender
from segue.recommend.nearest import NgramNearest, PublishedRecipe
from segue.recommend.popularity import Popularity
from segue.recommend.same_title import SameTitle
from segue.recommend.scores import Scores
from segue.recommend.title_playlists import TitlePlaylists


class WordEncoder:
    """Counts of a few known words, normalised; case is folded as the real encoder does."""

    words = ("summer", "rain", "rock", "vibes")
    d = len(words)
    fingerprint = "words"

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        vectors = np.array([[text.lower().count(word) for word in self.words] for text in texts], np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class TestPopularity(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return Popularity.fitted(library.playlist_tracks)


class TestSameTitle(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return SameTitle.fitted(library)


class TestPublishedRecipe(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return PublishedRecipe.fitted(library, WordEncoder(), k=3)


class TestNgramNearest(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return NgramNearest.fitted(library, k=4)


def tiny(titles: list[str], rows: list[list[int]], n_tracks: int) -> Library:
    tracks = pl.DataFrame({"track_id": [str(i) for i in range(n_tracks)]})
    playlists = pl.DataFrame({"playlist_id": [str(i) for i in range(len(titles))], "title": titles})
    return Library(tracks, playlists, Interactions.of(rows, n_columns=n_tracks))


def test_popularity_counts_playlists_not_rows(tmp_path: Path) -> None:
    popularity = Popularity.fitted(Interactions.of([[2, 2, 2], [1, 0], [1]], n_columns=4))
    assert popularity.order.tolist() == [1, 0, 2, 3]
    assert popularity.recommend(Query("", (1,)), 2).rows.tolist() == [0, 2]
    assert popularity.recommend(Query(), 1).scores.tolist() == [pytest.approx(2 / 3)]
    assert popularity.score(Query()).rows.tolist() == [1, 0, 2]
    popularity.save(tmp_path)
    loaded = Popularity.load(tmp_path)
    assert loaded.fingerprint == popularity.fingerprint and loaded.order.tolist() == [1, 0, 2, 3]
    (tmp_path / "order.npy").unlink()
    with pytest.raises(StoredDataError, match=r"order\.npy"):
        Popularity.load(tmp_path)


def test_same_title_counts_votes_then_popularity(library: Library) -> None:
    ranking = SameTitle.fitted(library).recommend(Query("summer"), 24)
    # three "summer" lists: 2 and 3 in all; 18 is the most popular of those in two
    assert ranking.rows[:2].tolist() == [2, 3]
    assert ranking.rows[2] == 18
    assert np.floor(ranking.scores[:3]).tolist() == [3, 3, 2]


def test_same_title_unknown_is_popularity_and_says_so(library: Library) -> None:
    ranking = SameTitle.fitted(library).recommend(Query("polka"), 5)
    assert ranking.rows.tolist() == Popularity.fitted(library.playlist_tracks).recommend(Query(), 5).rows.tolist()
    assert any("no playlist has this title" in sentence for sentence in ranking.ignored)


def test_published_recipe_counts_playlists_not_titles_and_breaks_ties_by_first_occurrence() -> None:
    library = tiny(
        ["rain", "summer vibes", "summer", "Summer", "rock", "summer"],
        [[0], [9, 8], [7, 6, 5], [5, 7, 4], [1, 1], [3, 4]],
        n_tracks=12,
    )
    recipe = PublishedRecipe.fitted(library, WordEncoder(), k=3)
    # the cosines of "summer", "Summer" and "summer" are equal: by row 2, 3, 5; "summer vibes" is the fourth
    playlists, cosines = recipe.neighbours(Query("SUMMER"))
    assert playlists.tolist() == [2, 3, 5] and cosines.tolist() == [1.0, 1.0, 1.0]
    ranking = recipe.recommend(Query("SUMMER"), 8)
    # votes: 7 two (first met first), 5 two, 4 two; then 6, 3 one each; then popularity by row: 0, 1, 8
    assert ranking.rows.tolist() == [7, 5, 4, 6, 3, 0, 1, 8]
    assert ranking.scores.tolist() == [2, 2, 2, 1, 1, 0, 0, 0]
    assert recipe.recommend(Query("SUMMER", (7,)), 3).rows.tolist() == [5, 4, 6]


def test_published_recipe_takes_k_playlists_of_one_title() -> None:
    library = tiny(["rain"] * 4 + ["rainy"], [[0], [1], [2], [3], [4]], n_tracks=5)
    assert PublishedRecipe.fitted(library, WordEncoder(), k=3).neighbours(Query("rain"))[0].tolist() == [0, 1, 2]


def test_published_recipe_without_words_is_popularity(library: Library) -> None:
    ranking = PublishedRecipe.fitted(library, WordEncoder()).recommend(Query("🌧"), 4)
    assert ranking.scores.tolist() == [0, 0, 0, 0] and ranking.ignored


def test_ngram_nearest_finds_misspelt_titles(library: Library) -> None:
    recommender = NgramNearest.fitted(library, k=3)
    assert set(recommender.recommend(Query("sumer"), 3).rows.tolist()) <= {0, 1, 2, 3, 4, 5, 18}
    assert set(recommender.neighbours(Query("clasic rok"))[0].tolist()) == {7, 8, 9}


def test_nearest_equals_sorting_all_playlists() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        titles = [str(rng.integers(0, 6)) for _ in range(30)]
        groups = TitlePlaylists.of(titles)
        values = rng.integers(0, 4, len(groups)).astype(np.float32)
        cosine = dict(zip(groups.titles, values, strict=True))
        k = int(rng.integers(1, 35))
        found, _ = groups.nearest(Scores(np.arange(len(groups), dtype=np.int32), values), k)
        expected = sorted(range(30), key=lambda row: (-cosine[titles[row]], row))[:k]
        assert found.tolist() == expected
