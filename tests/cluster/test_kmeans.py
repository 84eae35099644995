from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.planted_themes import blobs, same_partition
from segue.cluster import kmeans as module
from segue.cluster.kmeans import kmeans
from segue.errors import InputError


@pytest.mark.parametrize("minibatch", [False, True])
def test_planted_clusters_are_found_and_the_largest_comes_first(minibatch: bool) -> None:
    vectors, truth = blobs()
    found = kmeans(vectors, 6, minibatch=minibatch)
    assert same_partition(found.cluster, truth)
    assert found.sizes.tolist() == sorted(np.bincount(truth).tolist(), reverse=True)
    assert found.cluster.dtype == np.int32 and found.centroids.dtype == np.float32


def test_numbers_are_what_a_loop_over_all_distances_says() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((200, 7)).astype(np.float32)
    found = kmeans(vectors, 9)
    squares = ((vectors[:, None].astype(np.float64) - found.centroids[None]) ** 2).sum(2)
    assert found.cluster.tolist() == squares.argmin(1).tolist()
    assert found.inertia == pytest.approx(squares.min(1).sum(), rel=1e-9)
    assert found.assign(vectors).tolist() == found.cluster.tolist()
    means = np.stack([vectors[found.cluster == c].mean(0) for c in range(found.k)])
    np.testing.assert_allclose(found.centroids, means, atol=0.05)


def test_zero_rows_are_in_no_cluster_and_move_nothing() -> None:
    vectors, _ = blobs(100)
    with_zeros = np.insert(vectors, [0, 50, 100], 0, axis=0)
    plain, found = kmeans(vectors, 4), kmeans(with_zeros, 4)
    nothing = ~with_zeros.any(axis=1)
    assert (found.cluster[nothing] == -1).all() and nothing.sum() == 3
    assert found.cluster[~nothing].tolist() == plain.cluster.tolist()
    assert found.assign(np.zeros((2, 5), np.float32)).tolist() == [-1, -1]
    assert found.sizes.sum() == 100


@pytest.mark.parametrize("minibatch", [False, True])
def test_vectors_that_coincide_make_fewer_clusters(minibatch: bool) -> None:
    same = np.ones((40, 3), np.float32)
    found = kmeans(same, 5, minibatch=minibatch)
    assert found.k == 1 and found.inertia == pytest.approx(0, abs=1e-6) and found.cluster.tolist() == [0] * 40
    three = np.eye(3, dtype=np.float32)[np.arange(40) % 3]
    found = kmeans(three, 5, minibatch=minibatch)
    assert same_partition(found.cluster, np.arange(40) % 3) and found.sizes.tolist() == [14, 13, 13]


def test_too_few_playlists_are_named_with_both_numbers() -> None:
    vectors, _ = blobs(30)
    with pytest.raises(InputError, match="31 clusters cannot be made of 30 playlists"):
        kmeans(vectors, 31)
    with pytest.raises(InputError, match="at least 2 playlists with a vector; there is 1"):
        kmeans(vectors[:1], 1)
    with pytest.raises(InputError, match="there are 0"):
        kmeans(np.zeros((9, 3), np.float32), 2)
    assert kmeans(vectors, 30).k == 30
    with pytest.raises(ValueError, match="finite"):
        kmeans(np.full((4, 2), np.nan, np.float32), 2)


@pytest.mark.parametrize("minibatch", [False, True])
def test_same_input_same_bits(minibatch: bool) -> None:
    vectors = np.random.default_rng(2).standard_normal((400, 8)).astype(np.float32)
    one, two = (kmeans(vectors, 12, rng_key=3, minibatch=minibatch) for _ in range(2))
    assert one.centroids.tobytes() == two.centroids.tobytes() and one.cluster.tobytes() == two.cluster.tobytes()
    other = kmeans(vectors, 12, rng_key=4, minibatch=minibatch)
    assert other.centroids.tobytes() != one.centroids.tobytes()


def test_more_starts_are_never_worse() -> None:
    for rng_key in range(4):
        vectors, _ = blobs(150, k=9, d=3, rng_key=rng_key)
        few, many = kmeans(vectors, 9, n_init=1), kmeans(vectors, 9, n_init=6)
        assert many.inertia <= few.inertia * (1 + 1e-9)


def test_very_many_vectors_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    vectors, truth = blobs(200)
    monkeypatch.setattr(module, "MINIBATCH_BEYOND", 199)
    monkeypatch.setattr(module, "_lloyd", never)
    said: list[str] = []
    assert same_partition(kmeans(vectors, 6, progress=lambda *a: said.append(a[2])).cluster, truth)
    assert said == ["K-Means with 6 clusters, in batches"]
    with pytest.raises(AssertionError):
        kmeans(vectors, 6, minibatch=False)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 6))
def test_every_cluster_has_a_member_and_every_vector_its_nearest(rng_key: int, n: int, k: int) -> None:
    rng = np.random.default_rng(rng_key)
    vectors = rng.integers(-2, 3, (n, 2)).astype(np.float32)
    present = int(vectors.any(axis=1).sum())
    if present < max(2, k):
        with pytest.raises(InputError):
            kmeans(vectors, k, n_init=1)
        return
    found = kmeans(vectors, k, n_init=1)
    assert 1 <= found.k <= k and found.sizes.min() >= 1
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    assert ((found.cluster == -1) == ~vectors.any(axis=1)).all()
    squares = ((vectors[:, None] - found.centroids[None]) ** 2).sum(2)
    mine = squares[np.arange(n), np.maximum(found.cluster, 0)]
    assert (mine <= squares.min(1) + 1e-4)[found.cluster >= 0].all()
