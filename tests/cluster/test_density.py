from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.cluster.density import Density, dbscan, hdbscan, k_distances, knee
from segue.errors import InputError, MissingDependency

ALGORITHMS = [dbscan, hdbscan]


def planted(sizes: tuple[int, ...] = (40, 25, 15), lost: int = 10, d: int = 8) -> tuple[NDArray[Any], NDArray[Any]]:
    """Tight groups far apart, points that lie alone, and a zero row; and the truth, -1 for the latter two."""
    rng = np.random.default_rng(1)
    centres = 10 * np.eye(d)[: len(sizes)]
    points = [centre + rng.normal(0, 0.1, (size, d)) for centre, size in zip(centres, sizes, strict=True)]
    alone = rng.normal(0, 1, (lost, d)) * 30
    truth = np.repeat([*range(len(sizes)), -1], [*sizes, lost + 1])
    vectors = np.concatenate([*points, alone, np.zeros((1, d))]).astype(np.float32)
    order = rng.permutation(len(vectors))
    return vectors[order], truth[order]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_planted_groups_are_found_and_the_rest_is_noise(algorithm: Callable[..., Density]) -> None:
    vectors, truth = planted()
    found = algorithm(vectors)
    np.testing.assert_array_equal(found.cluster, truth)  # the largest first
    assert found.cluster.dtype == np.int32 and found.k == 3
    assert found.noise == pytest.approx(10 / 90)
    np.testing.assert_array_equal(found.cluster, algorithm(vectors).cluster)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_order_of_playlists_does_not_matter(algorithm: Callable[..., Density]) -> None:
    vectors, _ = planted()
    order = np.random.default_rng(2).permutation(len(vectors))
    np.testing.assert_array_equal(algorithm(vectors[order]).cluster, algorithm(vectors).cluster[order])


def test_dbscan_is_what_its_definition_says() -> None:
    """Against a loop: cores that reach each other are one cluster, what no core reaches is noise."""
    points = np.random.default_rng(3).normal(size=(120, 2)).astype(np.float32)
    for eps, least in ((0.2, 3), (0.3, 5), (0.5, 8)):
        near = np.linalg.norm(points[:, None] - points[None], axis=2) <= eps
        core = near.sum(axis=1) >= least
        label, n = np.full(len(points), -1), 0
        for start in np.flatnonzero(core):
            if label[start] < 0:
                reached = [start]
                while reached:
                    at = reached.pop()
                    new = np.flatnonzero(near[at] & core & (label < 0))
                    label[new] = n
                    reached += new.tolist()
                n += 1
        found = dbscan(points, eps=eps, min_samples=least)
        assert found.k == n
        cores = found.cluster[core]
        assert len(set(zip(cores.tolist(), label[core].tolist(), strict=True))) == n
        reachable = (near & core).any(axis=1)
        np.testing.assert_array_equal(found.cluster >= 0, reachable)


def test_the_chosen_eps_lies_between_the_groups_and_what_is_alone() -> None:
    vectors, truth = planted()
    eps = dbscan(vectors).settings["eps"]
    inside = k_distances(vectors[truth >= 0], 5)
    assert np.quantile(inside, 0.9) < eps < 10


@settings(max_examples=20)
@given(n=st.integers(1, 30), k=st.integers(1, 40))
def test_k_distances_are_those_of_a_sort(n: int, k: int) -> None:
    points = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    expected = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, min(k, n) - 1]
    np.testing.assert_allclose(k_distances(points, k), expected, atol=1e-5)


def test_the_knee() -> None:
    assert knee(np.array([1.0, 1.0, 1.0, 5.0])) == 1.0
    assert knee(np.array([2.0, 2.0])) == knee(np.array([2.0])) == 2.0


def test_all_may_be_noise() -> None:
    points = 100 * np.eye(20, dtype=np.float32)
    for found in (dbscan(points, eps=1.0), hdbscan(points)):
        assert found.k == 0 and found.noise == 1.0 and (found.cluster == -1).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_alike(algorithm: Callable[..., Density]) -> None:
    found = algorithm(np.tile(np.float32([0.6, 0.8]), (30, 1)))
    assert found.noise in (0.0, 1.0) and found.k in (0, 1)


def test_unit_vectors_on_each_other_are_one_cluster() -> None:
    """Rounding makes them lie a little apart."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 384))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = dbscan(np.repeat(rows, 20, axis=0).astype(np.float32))
    assert found.k == 3 and found.noise == 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_too_few(algorithm: Callable[..., Density]) -> None:
    two = algorithm(np.eye(2, dtype=np.float32))
    assert len(two.cluster) == 2
    for vectors in (np.ones((1, 3)), np.zeros((5, 3)), np.zeros((0, 3))):
        with pytest.raises(InputError, match="at least 2 playlists"):
            algorithm(vectors.astype(np.float32))


@pytest.mark.parametrize("eps", [0, -1, float("nan"), float("inf")])
def test_eps_is_a_distance(eps: float) -> None:
    with pytest.raises(InputError, match="eps is a distance above 0"):
        dbscan(planted()[0], eps=eps)


def test_sizes_that_make_no_sense() -> None:
    for algorithm in ALGORITHMS:
        with pytest.raises(InputError, match="min_samples"):
            algorithm(planted()[0], min_samples=0)
        with pytest.raises(ValueError, match="finite"):
            algorithm(np.full((4, 2), np.nan, np.float32))
    with pytest.raises(InputError, match="min_cluster_size"):
        hdbscan(planted()[0], min_cluster_size=1)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match="extra 'train'"):
        hdbscan(planted()[0])
