from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.planted_themes import blobs
from segue.cluster.choose import curve, knee, silhouette
from segue.errors import InputError


def test_the_planted_number_is_the_knee_and_the_best_silhouette() -> None:
    vectors, truth = blobs(400, k=7, d=8)
    titles = [f"theme {t}" for t in truth]
    points = curve(vectors, titles, [28, 2, 4, 5, 7, 9, 14, 21, 7], n_init=5, sample=200)
    assert [point.k for point in points] == [2, 4, 5, 7, 9, 14, 21, 28]
    assert knee([p.k for p in points], [p.inertia for p in points]) == 3
    assert max(points, key=lambda p: p.silhouette or 0).k == 7
    at = points[3]
    assert (at.kept_percent, at.mean_match, at.n_kept, at.k_found) == (100, pytest.approx(100), 7, 7)
    assert all(a.inertia >= b.inertia for a, b in pairwise(points))


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=12), st.floats(0.01, 1e6), st.floats(0.01, 1e3))
def test_the_knee_is_the_farthest_from_the_chord_whatever_the_units(
    steps: list[float], high: float, wide: float
) -> None:
    falls = np.sort(np.array(steps))[::-1]  # ever smaller steps: a convex curve
    x, y = (
        np.arange(len(steps) + 1) * wide,
        high * (steps_down := falls.sum() - np.concatenate([[0], np.cumsum(falls)])),
    )
    place = knee(x.tolist(), y.tolist())
    apart = 1 - np.arange(len(y)) / (len(y) - 1) - steps_down / falls.sum()
    if place is None:
        assert apart.max() < 1e-6
    else:
        assert apart[place] == pytest.approx(apart.max(), abs=1e-9) and 0 < place < len(y) - 1


def test_curves_without_a_knee_have_none() -> None:
    assert knee([1, 2], [2, 1]) is None
    assert knee([1, 2, 3], [1, 1, 1]) is None
    assert knee([1, 2, 3], [1, 2, 3]) is None
    assert knee([1, 2, 3, 4], [4, 3.9, 3.5, 0]) is None, "above the chord"


def test_a_silhouette_needs_two_clusters_and_a_pair() -> None:
    vectors, truth = blobs(30)
    assert silhouette(vectors, np.zeros(30, np.int32)) is None
    assert silhouette(vectors, np.arange(30, dtype=np.int32)) is None
    assert (silhouette(vectors, truth) or 0) > 0.9


def test_what_cannot_be_clustered_is_refused() -> None:
    vectors, _ = blobs(20)
    for ks, said in (((), "give numbers"), ((0, 3), "give numbers"), ((5, 21), "21 clusters cannot be made of 20")):
        with pytest.raises(InputError, match=said):
            curve(vectors, ["x"] * 20, ks)
    with pytest.raises(InputError, match="at least 2 playlists"):
        curve(vectors[:1], ["x"], [2])


def test_same_input_same_points() -> None:
    vectors, truth = blobs(100)
    one, two = (curve(vectors, [str(t) for t in truth], [3, 6], sample=40) for _ in range(2))
    assert one == two
