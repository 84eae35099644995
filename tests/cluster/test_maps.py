from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segue.cluster.maps import tsne_map
from segue.errors import MissingDependency


def groups(n: int = 30, d: int = 60) -> NDArray[np.float32]:
    """Three groups of ``n`` far apart, and a zero row at the end."""
    rng = np.random.default_rng(0)
    points = np.repeat(8 * np.eye(d)[:3], n, axis=0) + rng.normal(0, 0.3, (3 * n, d))
    return np.concatenate([points, np.zeros((1, d))]).astype(np.float32)


def test_neighbours_on_the_map_are_neighbours() -> None:
    vectors = groups()
    found = tsne_map(vectors)
    assert found.places.shape == (90, 2) and found.places.dtype == np.float32 and np.isfinite(found.places).all()
    np.testing.assert_array_equal(found.rows, np.arange(90))
    apart = np.linalg.norm(found.places[:, None] - found.places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_array_equal(apart.argmin(axis=1) // 30, np.arange(90) // 30)


def test_the_same_places_in_another_process() -> None:
    code = (
        "from test_maps import groups; from segue.cluster.maps import tsne_map\n"
        "print(tsne_map(groups(), rng_key=5, most=40).places.tobytes().hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = tsne_map(groups(), rng_key=5, most=40)
    assert run.stdout.strip() == here.places.tobytes().hex() and run.stderr == ""
    assert here.places.tobytes() != tsne_map(groups(), rng_key=6, most=40).places.tobytes()


def test_a_sample_is_shown_of_many() -> None:
    found = tsne_map(groups(), most=20)
    assert len(found.rows) == len(found.places) == 20
    assert (np.diff(found.rows) > 0).all() and 90 not in found.rows


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6])
def test_few(n: int) -> None:
    found = tsne_map(np.eye(8, dtype=np.float32)[:n])
    assert found.places.shape == (n, 2) and np.isfinite(found.places).all()
    assert len(np.unique(found.places, axis=0)) == n


def test_all_alike_and_on_one_line() -> None:
    alike = tsne_map(np.ones((40, 3), np.float32))
    assert not alike.places.any()
    line = tsne_map(np.outer(1 + np.arange(40), [1, 0]).astype(np.float32))
    assert np.isfinite(line.places).all() and len(np.unique(line.places, axis=0)) > 1


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    tsne_map(groups(5), progress=lambda done, total, what: seen.append((done, total)))
    assert seen[-1] == (750, 750) and seen == sorted(seen)


def test_impossible_settings() -> None:
    for wrong in ({"most": 0}, {"perplexity": 0}, {"rng_key": -1}):
        with pytest.raises(ValueError, match="above 0"):
            tsne_map(groups(), **wrong)  # type: ignore[arg-type]


def test_without_opentsne(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name.startswith("openTSNE"):
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match="extra 'compare'"):
        tsne_map(groups())
