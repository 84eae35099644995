"""Same-playlist measures against what they say, track by track."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.evaluate.same_playlist import nearest, query_tracks, recall, triplet_accuracy
from segue.library import Interactions

N = 9
_PLAYLISTS = st.lists(st.lists(st.integers(0, N - 1), max_size=6), max_size=5)
_CANDIDATES = st.one_of(st.none(), st.lists(st.booleans(), min_size=N, max_size=N).map(np.array))


def _mates(playlists, track, candidates):
    found = set()
    for playlist in playlists:
        if track in playlist:
            found |= set(playlist)
    return {t for t in found - {track} if candidates is None or candidates[t]}


@settings(max_examples=150, deadline=None)
@given(_PLAYLISTS, _CANDIDATES, st.randoms(use_true_random=False))
def test_recall_is_the_formula(playlists, candidates, random):
    queries = [random.randrange(N) for _ in range(7)]
    neighbours = []
    for track in queries:
        others = [t for t in range(N) if t != track]
        random.shuffle(others)
        neighbours.append([*others[:5], -1])
    got = recall(
        np.array(neighbours, np.int32),
        np.array(queries),
        Interactions.of(playlists, n_columns=N),
        (1, 3, 6),
        candidates,
    )
    for k in (1, 3, 6):
        for i, track in enumerate(queries):
            right = _mates(playlists, track, candidates)
            value = got[f"recall@{k}"][i]
            if not right:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(len(right & set(neighbours[i][:k])) / min(k, len(right)))


@settings(max_examples=100, deadline=None)
@given(_PLAYLISTS, _CANDIDATES)
def test_tracks_that_can_be_asked_about_are_those_with_a_right_answer(playlists, candidates):
    got = query_tracks(Interactions.of(playlists, n_columns=N), candidates)
    assert got.tolist() == [t for t in range(N) if _mates(playlists, t, candidates)]


@settings(max_examples=100, deadline=None)
@given(_CANDIDATES, st.integers(1, 10), st.integers(0, 1_000))
def test_nearest_is_a_sort_of_all_cosines(candidates, k, key):
    # whole numbers, so that there are ties and zero rows
    vectors = np.random.default_rng(key).integers(-1, 2, (N, 2)).astype(np.float32)
    queries = np.array([0, 4, 8])
    got = nearest(vectors, queries, k, candidates)
    lengths = np.linalg.norm(vectors, axis=1)
    unit = (vectors / np.where(lengths, lengths, 1)[:, None]).astype(np.float32)
    for i, row in enumerate(queries):
        cosines = unit @ unit[row]
        others = [t for t in range(N) if t != row and (candidates is None or candidates[t])]
        best = sorted(others, key=lambda t: (-np.round(cosines[t], 5), t))[:k]
        np.testing.assert_allclose(cosines[got[i, : len(best)]], cosines[best], atol=1e-5)
        assert len(set(got[i, : len(best)].tolist())) == len(best) and (got[i, len(best) :] == -1).all()


@settings(max_examples=60, deadline=None)
@given(_CANDIDATES, st.integers(1, 3), st.integers(0, 1_000))
def test_nearest_by_distance_is_a_sort_of_all_distances(candidates, d, key):
    vectors = np.random.default_rng(key).integers(-2, 3, (N, d)).astype(np.float32)
    got = nearest(vectors, np.arange(N), 4, candidates, metric="distance")
    for row in range(N):
        away = ((vectors - vectors[row]) ** 2).sum(axis=1)
        others = [t for t in range(N) if t != row and (candidates is None or candidates[t])]
        best = sorted(others, key=lambda t: away[t])[:4]
        assert away[got[row, : len(best)]].tolist() == away[best].tolist()
        assert set(got[row].tolist()) - {-1} <= set(others)


def test_ties_do_not_follow_the_rows():
    # playlists of neighbouring rows, and vectors that say nothing: by row they would look as if they knew
    playlists = Interactions.of(np.arange(400).reshape(40, 10), n_columns=400)
    rows = np.arange(400)
    same = nearest(np.ones((400, 1), np.float32), rows, 10)
    np.testing.assert_array_equal(same, nearest(np.ones((400, 1), np.float32), rows, 10))
    assert recall(same, rows, playlists, (10,))["recall@10"].mean() < 0.1
    assert len(np.unique(same[:, 0])) <= 2  # all are tied, so all but one get the same list


def test_planted_playlists_are_found_and_random_vectors_are_not():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(20), 10)
    playlists = Interactions.of([np.flatnonzero(group == g) for g in range(20)], n_columns=200)
    right = np.eye(20)[group] + 0.01 * rng.normal(size=(200, 20))
    rows = query_tracks(playlists)
    assert np.mean(recall(nearest(right, rows, 10), rows, playlists, (10,))["recall@10"]) == 1
    assert np.mean(triplet_accuracy(right, playlists, 0, 2_000)) == 1
    none = rng.normal(size=(200, 20))
    assert np.mean(recall(nearest(none, rows, 10), rows, playlists, (10,))["recall@10"]) < 0.12
    assert abs(np.mean(triplet_accuracy(none, playlists, 0, 2_000)) - 0.5) < 0.05
    assert set(triplet_accuracy(np.zeros((200, 3)), playlists, 0, 50)) == {0.5}


@settings(max_examples=60, deadline=None)
@given(_PLAYLISTS, _CANDIDATES, st.integers(0, 9))
def test_triplets_are_what_they_should_be(playlists, candidates, key):
    from segue.evaluate.same_playlist import _triplets

    drawn = _triplets(Interactions.of(playlists, n_columns=N), key, 30, candidates)
    for anchor, positive, negative in zip(*(part.tolist() for part in drawn), strict=True):
        assert positive in _mates(playlists, anchor, candidates)
        assert negative not in _mates(playlists, anchor, None) | {anchor}
        assert candidates is None or (candidates[anchor] and candidates[negative])
    possible = any(
        _mates(playlists, a, candidates) and (candidates is None or candidates[a])
        and any((candidates is None or candidates[t]) and t not in _mates(playlists, a, None) | {a} for t in range(N))
        for a in range(N)
    )  # fmt: skip
    assert possible or not len(drawn[0])


def test_the_draw_is_the_same_for_all_vectors():
    playlists = Interactions.of([[0, 1], [2, 3, 4]], n_columns=6)
    vectors = np.random.default_rng(1).normal(size=(6, 2))
    a, b = triplet_accuracy(vectors, playlists, 3, 100), triplet_accuracy(vectors, playlists, 3, 100)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, triplet_accuracy(vectors * 9, playlists, 3, 100))


def test_misuse_is_refused():
    playlists = Interactions.of([[0, 1]], n_columns=3)
    with pytest.raises(ValueError, match="neighbour of its own"):
        recall(np.array([[0]], np.int32), np.array([0]), playlists, (1,))
    with pytest.raises(ValueError, match="neighbours are"):
        recall(np.array([[1]], np.int32), np.array([0]), playlists, (2,))
    with pytest.raises(ValueError, match="neighbours are none"):
        nearest(np.zeros((3, 1)), np.array([0]), 0)
