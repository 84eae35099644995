from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.recommender import RecommenderContract
from segue.errors import StoredDataError
from segue.library import Interactions, Library, Query, Recommender
from segue.recommend.continuation import DEFAULT_WEIGHTS, BlendWeights, Continuation, fit_weights, weights_for
from segue.recommend.same_title import SameTitle


@pytest.fixture
def model(library: Library) -> Continuation:
    return Continuation.fitted(library, SameTitle.fitted(library))


class TestContinuation(RecommenderContract):
    @pytest.fixture
    def recommender(self, model: Continuation) -> Recommender:
        return model


class TestContinuationWithoutTitles(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return Continuation.fitted(library)


def test_weights_between_fitted_numbers_are_between_their_values() -> None:
    for low, high in pairwise(DEFAULT_WEIGHTS):
        middle = weights_for(DEFAULT_WEIGHTS, (low.given + high.given) // 2)
        assert min(low.ridge, high.ridge) <= middle.ridge <= max(low.ridge, high.ridge)
        assert min(low.title, high.title) <= middle.title <= max(low.title, high.title)
    assert weights_for(DEFAULT_WEIGHTS, 5) == DEFAULT_WEIGHTS[1]


def test_without_given_tracks_the_title_answers(model: Continuation, library: Library) -> None:
    expected = SameTitle.fitted(library).recommend(Query("summer"), 12)
    assert model.recommend(Query("summer"), 12).rows.tolist() == expected.rows.tolist()


def test_given_tracks_decide_where_the_title_says_nothing(model: Continuation) -> None:
    assert set(model.recommend(Query("polka", (13, 15)), 3).rows.tolist()) <= {12, 14, 16, 17, 21}


def test_the_title_shifts_the_list(model: Continuation) -> None:
    loud = replace(model, weights=tuple(replace(w, title=50.0) for w in model.weights))
    assert set(loud.recommend(Query("summer", (13,)), 4).rows.tolist()) <= {1, 2, 3, 4, 18}


def test_a_track_that_says_nothing_leaves_the_title(model: Continuation, library: Library) -> None:
    names = library.tracks.with_columns(artist=None)
    silent = Continuation.fitted(replace(library, tracks=names), model.title)
    ranking = silent.recommend(Query("summer", (22,)), 3)  # in no playlist, by nobody
    assert ranking.rows.tolist() == model.recommend(Query("summer"), 3).rows.tolist()
    assert any("no playlist has the given tracks" in sentence for sentence in ranking.ignored)


def test_saving_keeps_every_answer(tmp_path: Path, model: Continuation, library: Library) -> None:
    model.save(tmp_path)
    playlists = library.playlist_tracks.distinct()
    loaded = Continuation.load(tmp_path, model.title, playlists)
    assert loaded.fingerprint == model.fingerprint
    for query in (Query("summer", (1,)), Query("", (13, 15, 2)), Query("rock")):
        one, other = model.recommend(query, 20), loaded.recommend(query, 20)
        assert one.rows.tolist() == other.rows.tolist() and one.scores.tobytes() == other.scores.tobytes()
    (tmp_path / "weights.json").write_text("{")
    with pytest.raises(StoredDataError, match=r"weights\.json"):
        Continuation.load(tmp_path, model.title, playlists)


def test_no_pickle_is_written(tmp_path: Path, model: Continuation) -> None:
    model.save(tmp_path)
    for path in tmp_path.rglob("*.npy"):
        np.load(path, allow_pickle=False)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".npy", ".json"}


def test_fitting_finds_that_only_the_title_matters(model: Continuation) -> None:
    # the wanted tracks are those of the title, whatever was given
    cases = {1: [Query("summer", (13,)), Query("summer", (6,))], 5: []}

    def hits(query: Query, rows: NDArray[np.int32]) -> float:
        return float(np.isin(rows[:4], [2, 3, 1, 4]).sum())

    start = replace(model, weights=(BlendWeights(1, 400.0, 0.8, 1.0, 0.0), BlendWeights(5, 100.0, 0.1, 1.0, 0.1)))
    fitted = fit_weights(start, cases, hits, n=24)
    assert fitted.weights[0].title > 0.2
    assert fitted.weights[1] == start.weights[1]  # nothing to learn from: kept
    value = sum(hits(q, fitted.recommend(q, 24).rows) for q in cases[1])
    assert value >= sum(hits(q, start.recommend(q, 24).rows) for q in cases[1])
    assert fitted.fingerprint != start.fingerprint


def test_one_playlist_and_one_track(library: Library) -> None:
    one = replace(library, playlists=library.playlists[:1], playlist_tracks=library.playlist_tracks.select([0]))
    assert len(Continuation.fitted(one).recommend(Query("", (0,)), 5)) == 5
    empty = replace(
        library, playlists=library.playlists[:0], playlist_tracks=Interactions.of([], n_columns=library.n_tracks)
    )
    assert len(Continuation.fitted(empty).recommend(Query("x", (0,)), 5)) == 5
