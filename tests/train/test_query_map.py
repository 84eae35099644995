"""The map of queries: it undoes a planted rotation, stays where it is pulled to, and repeats itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.errors import InputError, TrainingError
from segue.train.query_map import MapSettings, fit_query_map

QUICK = MapSettings(pull=0.001, epochs=20, batch_size=32, lr=2e-2)


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def planted(n: int = 200, d: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Playlists, and queries that are their vectors under an unknown rotation, with noise."""
    rng = np.random.default_rng(4)
    targets = unit(rng.normal(size=(n, d)))
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return targets, unit(targets @ turn + 0.05 * rng.normal(size=(n, d))), np.arange(n)


def found(queries: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> float:
    return float(((queries @ targets.T).argmax(1) == rows).mean())


def test_a_rotation_is_undone_on_queries_that_were_not_seen() -> None:
    targets, queries, rows = planted()
    assert found(queries, targets, rows) < 0.1
    weights = fit_query_map(queries[:150], rows[:150], targets, settings=QUICK)
    assert weights.shape == (16, 16) and weights.dtype == np.float32
    assert found(queries[150:] @ weights, targets, rows[150:]) > 0.9
    assert np.array_equal(weights, fit_query_map(queries[:150], rows[:150], targets, settings=QUICK))


def test_a_strong_pull_leaves_queries_alone() -> None:
    targets, queries, rows = planted()
    still = fit_query_map(queries, rows, targets, settings=replace(QUICK, pull=1e4, epochs=2, lr=1e-3))
    assert np.abs(still - np.eye(16)).max() < 0.01
    # lengths of the playlists' vectors do not matter, as they do not for a smoothed channel's ranking of one query
    doubled = fit_query_map(queries, rows, targets * 2, settings=QUICK)
    np.testing.assert_allclose(doubled, fit_query_map(queries, rows, targets, settings=QUICK), atol=1e-3)


def test_alike_playlists_are_no_negatives() -> None:
    targets, queries, rows = planted(40)
    same = np.ones((40, 1), np.float32)  # all hold the same, so nothing is contrasted and only the pull is left
    np.testing.assert_allclose(
        fit_query_map(queries, rows, targets, contents=same, settings=QUICK), np.eye(16), atol=1e-5
    )


def test_too_little_and_nonsense() -> None:
    targets, queries, _ = planted(10)
    with pytest.raises(TrainingError, match="two playlists"):
        fit_query_map(queries, np.zeros(10, int), targets)
    with pytest.raises(InputError):
        MapSettings(pull=-1)
    with pytest.raises(InputError):
        MapSettings(batch_size=1)
