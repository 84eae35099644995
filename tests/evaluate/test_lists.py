from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.evaluate.lists import (
    content_lift,
    content_neighbours,
    lift,
    list_diversity,
    popularity_overlap,
    title_lift,
    title_neighbours,
)
from segue.library import Interactions, Qrels, Run


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_lift_by_hand() -> None:
    # Four playlists; track 0 in three of them, track 1 in one, track 2 in none, track 3 in one.
    training = Interactions.of([[0], [0, 1], [0, 0], [3]], n_columns=4)
    neighbours = np.array([[1, 2]], np.int32)
    run = Run("r", {"q": rows(0, 1, 2, 3)})
    expected = [
        math.log2((2 + 0.75) / 3 / 0.75),
        math.log2((1 + 0.25) / 3 / 0.25),
        math.log2((0 + 0.25) / 3 / 0.25),
    ]
    assert lift(run, ["q"], neighbours, training, 2)[0] == pytest.approx(np.mean(expected))
    assert lift(run, ["q"], neighbours, training, 2, k=1)[0] == pytest.approx(expected[0])


def test_lift_has_no_value_where_nothing_can_be_said() -> None:
    training = Interactions.of([[0], [1]], n_columns=3)
    run = Run("r", {"unknown": rows(2), "lonely": rows(0), "empty": rows()})
    neighbours = np.array([[0, -1], [-1, -1], [0, 1]], np.int32)
    assert np.isnan(lift(run, ["unknown", "lonely", "empty"], neighbours, training, 2)).all()


def test_tracks_that_are_everywhere_carry_no_lift() -> None:
    training = Interactions.of([[0]] * 60, n_columns=1)
    run, qrels = Run("r", {"q": rows(0)}), Qrels({"q": rows(0)})
    # idf 0: no playlist is near by a track that all have, so nothing can be said
    assert np.isnan(content_lift(run, qrels, training))[0]
    assert lift(run, ["q"], np.arange(50, dtype=np.int32)[None], training, 50)[0] == pytest.approx(0)


@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=8), min_size=3, max_size=12), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_content_neighbours_match_a_dense_computation(playlists: list[list[int]], m: int) -> None:
    hidden, training = playlists[:2], playlists[2:]
    interactions = Interactions.of(training, n_columns=12)
    X = np.zeros((len(training), 12))
    for i, playlist in enumerate(training):
        X[i, playlist] = 1
    idf = np.log(len(training) / np.maximum(X.sum(0), 1))
    qrels = Qrels({str(i): np.unique(np.array(p, np.int32)) for i, p in enumerate(hidden)})
    got = content_neighbours(qrels, interactions, m)
    assert got.shape == (2, m)
    for i, playlist in enumerate(hidden):
        q = np.zeros(12)
        q[playlist] = 1
        norms = np.linalg.norm(X * idf, axis=1) * np.linalg.norm(q * idf)
        cosine = np.divide((X * idf) @ (q * idf), norms, out=np.zeros(len(training)), where=norms > 0)
        found = got[i][got[i] >= 0]
        assert len(found) == min(m, (cosine > 1e-9).sum())
        expected = np.sort(cosine[cosine > 1e-9])[::-1][:m]
        np.testing.assert_allclose(cosine[found], expected, atol=1e-5)


def test_content_lift_prefers_the_list_that_fits_the_hidden_playlist() -> None:
    rock, folk = list(range(0, 20)), list(range(20, 40))
    rng = np.random.default_rng(0)
    playlists = [rng.choice(rock if i % 2 else folk, 8, replace=False) for i in range(200)]
    training = Interactions.of(playlists, n_columns=40)
    qrels = Qrels({"q": np.array(rock[:10], np.int32)})
    fitting = content_lift(Run("a", {"q": np.array(rock, np.int32)}), qrels, training)[0]
    other = content_lift(Run("b", {"q": np.array(folk, np.int32)}), qrels, training)[0]
    assert fitting > 0.5 > -1 > other


def test_title_lift_follows_the_vectors() -> None:
    training = Interactions.of([[0]] * 300 + [[1]] * 300, n_columns=2)
    vectors = np.array([[1, 0]] * 300 + [[0, 1]] * 300, np.float32)
    asked = np.array([[1, 0], [0, 1]], np.float32)
    qrels = Qrels({"a": rows(0), "b": rows(1)})
    run = Run("r", {"a": rows(0), "b": rows(0)})
    got = title_lift(run, qrels, training, asked, vectors)
    assert got[0] == pytest.approx(math.log2(200.5 / 201 / 0.5))
    assert got[1] == pytest.approx(math.log2(0.5 / 201 / 0.5))
    assert title_neighbours(asked, vectors, 3).tolist() == [[0, 1, 2], [300, 301, 302]]


def test_overlap_with_the_popularity_list() -> None:
    qrels = Qrels({"a": rows(0), "b": rows(0), "c": rows(0)}, None, np.array([5, 4, 3, 2, 1], np.int64))
    run = Run("r", {"a": rows(0, 1), "b": rows(1, 4), "c": rows()})
    got = popularity_overlap(run, qrels, k=2)
    assert got[:2].tolist() == [1.0, 0.5]
    assert np.isnan(got[2])
    with pytest.raises(ValueError, match="popularity"):
        popularity_overlap(run, Qrels({"a": rows(0)}))


def test_diversity_is_the_mean_jaccard_of_different_titles() -> None:
    run = Run("r", {"a": rows(0, 1), "b": rows(1, 2), "c": rows(0, 1), "d": rows(7, 8)})
    keys = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "z")]  # c has the title of a
    assert list_diversity(run, keys) == pytest.approx((1 / 3 + 0 + 0) / 3)
    assert list_diversity(run, [("a", "x"), ("c", "y")]) == pytest.approx(1)
    assert np.isnan(list_diversity(run, [("a", "x"), ("c", "x")]))
    assert list_diversity(Run("e", {}), [("a", "x"), ("b", "y")]) == 0


def test_diversity_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import segue.evaluate.lists as module

    rng = np.random.default_rng(1)
    run = Run("r", {str(i): rng.choice(30, 10, replace=False).astype(np.int32) for i in range(25)})
    keys = [(str(i), str(i)) for i in range(25)]
    whole = list_diversity(run, keys)
    monkeypatch.setattr(module, "_CELLS", 60)
    assert list_diversity(run, keys) == pytest.approx(whole)
