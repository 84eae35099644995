"""The ridge against its closed form, playlist by playlist, on dense arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommend.corpora import dense, random_library
from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError
from segue.library import Library
from segue.library.arrays import is_mapped
from segue.recommend.ridge import TitleRidge, fit_ridge
from segue.recommend.scores import Scores
from segue.recommend.titles import TitleTable

D = 5


def fitted(library: Library, *, r: int = 300, penalty: float = 10.0) -> tuple[TitleRidge, np.ndarray]:
    """The ridge, and the features of each title."""
    titles = TitleTable.of(library)
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((len(titles), D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ngrams = NgramEncoder.fitted(titles.read.to_list(), buckets=256, dimension=16)
    ridge = fit_ridge(
        titles, vectors, ngrams, library.playlist_tracks.matrix(), blend_weight=0.4, r=r, penalty=penalty
    )
    return ridge, np.hstack([vectors, ngrams.encode(titles.read.to_list())]) / np.sqrt(2)


@pytest.mark.parametrize("penalty", [0.5, 10.0])
def test_the_weights_are_the_closed_form_over_playlists(penalty: float) -> None:
    library = random_library(0)
    titles = TitleTable.of(library)
    ridge, features = fitted(library, r=20, penalty=penalty)
    rows = titles.title_rows
    asked = np.flatnonzero(rows >= 0)
    x = dense(library)
    profiles = x / np.maximum(x.sum(axis=1, keepdims=True), 1) ** 0.25
    f = features[rows[asked]].astype(np.float64)
    targets = profiles[asked] @ ridge.factors.astype(np.float64)
    wanted = np.linalg.inv(f.T @ f + penalty * np.eye(f.shape[1])) @ f.T @ targets
    assert ridge.weights.shape == (D + 16, 20) and ridge.factors.shape == (library.n_tracks, 20)
    # the factors are kept in half precision, the weights were fitted before they were rounded
    np.testing.assert_allclose(ridge.weights, wanted, atol=3e-3)


def test_all_factors_together_lose_nothing() -> None:
    library = random_library(1, n_tracks=20)
    ridge, _ = fitted(library)
    x = dense(library)
    factors = ridge.factors.astype(np.float64)
    assert factors.shape == (20, 20)
    np.testing.assert_allclose(x @ factors @ factors.T, x, atol=0.02)


def dense_blend(ridge: TitleRidge, scores: Scores, vector: np.ndarray, ngrams: np.ndarray) -> np.ndarray:
    """Both on the scale of their best hundred, then added; for fewer tracks than there are candidates."""
    wanted = np.concatenate([vector, ngrams]) / np.sqrt(2) @ ridge.weights.astype(np.float64)
    fitted_scores = np.maximum(ridge.factors[scores.rows].astype(np.float64) @ wanted, 0)
    by_ridge, by_vote = (np.sort(v)[::-1][:100].mean() for v in (fitted_scores, scores.values))
    return np.asarray(scores.values / by_vote + ridge.blend_weight * fitted_scores / by_ridge)


@pytest.mark.parametrize("m", [7, 60, 300])  # few of the tracks, many, and more than the hundred that set the scale
def test_the_blend_adds_both_on_one_scale(m: int) -> None:
    rng = np.random.default_rng(m)
    ridge = TitleRidge(
        rng.standard_normal((D + 3, 4)).astype(np.float32), rng.standard_normal((400, 4)).astype(np.float16), 0.6
    )
    scores = Scores(rng.choice(400, m, replace=False).astype(np.int32), rng.random(m).astype(np.float32))
    vector, ngrams = rng.standard_normal(D).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    found = ridge.blend(scores, vector, ngrams)
    assert found.rows.tolist() == scores.rows.tolist() and found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, dense_blend(ridge, scores, vector, ngrams), rtol=2e-4)


def test_only_the_best_of_the_vote_are_scored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.recommend.ridge.CANDIDATES", 2)
    for n_tracks in (4, 400):  # the dense and the sparse way
        ridge = TitleRidge(np.ones((2, 1), np.float32), np.ones((n_tracks, 1), np.float16), 1.0)
        scores = Scores(np.array([3, 0, 2], np.int32), np.array([3, 1, 2], np.float32))
        found = ridge.blend(scores, np.ones(1, np.float32), np.ones(1, np.float32))
        # the vote's scale is that of the two that are scored again
        np.testing.assert_allclose(found.values, [3 / 2.5 + 1, 1 / 2.5, 2 / 2.5 + 1], rtol=1e-6)


def test_by_hand() -> None:
    # one feature each, one factor; wanted = (1 * 2 + 0) / sqrt(2); only track 0 fits, track 1 is against it
    ridge = TitleRidge(np.array([[2.0], [5.0]], np.float32), np.array([[1.0], [-1.0]], np.float16), 0.5)
    scores = Scores(np.array([1, 0], np.int32), np.array([3, 1], np.float32))
    found = ridge.blend(scores, np.array([1.0], np.float32), np.array([0.0], np.float32))
    # vote / mean(3, 1); ridge / mean(sqrt 2, 0) = 2 for track 0
    np.testing.assert_allclose(found.values, [1.5, 0.5 + 0.5 * 2])


def test_where_the_ridge_has_nothing_to_say_the_vote_stays() -> None:
    vector, ngrams = np.ones(1, np.float32), np.zeros(1, np.float32)
    scores = Scores(np.array([0], np.int32), np.array([2], np.float32))
    against = TitleRidge(np.ones((2, 1), np.float32), -np.ones((1, 1), np.float16), 0.5)
    assert against.blend(scores, vector, ngrams) is scores
    assert replace(against, blend_weight=0.0).blend(scores, vector, ngrams) is scores
    assert len(against.blend(Scores.none(), vector, ngrams)) == 0


def test_the_fingerprint_knows_weights_and_blend(tmp_path: Path) -> None:
    ridge, _ = fitted(random_library(0), r=4)
    assert ridge.fingerprint == fitted(random_library(0), r=4)[0].fingerprint
    assert ridge.fingerprint != replace(ridge, blend_weight=0.1).fingerprint
    assert ridge.fingerprint != fitted(random_library(1), r=4)[0].fingerprint
    notes = ridge.save(tmp_path)
    again = TitleRidge.load(tmp_path, notes)
    assert again.fingerprint == ridge.fingerprint and is_mapped(again.factors)


@pytest.mark.parametrize("notes", [{}, {"blend_weight": "much"}, {"blend_weight": None}])
def test_notes_of_a_damaged_manifest_are_an_error(tmp_path: Path, notes: dict[str, object]) -> None:
    fitted(random_library(0), r=4)[0].save(tmp_path)
    with pytest.raises(StoredDataError):
        TitleRidge.load(tmp_path, notes)
