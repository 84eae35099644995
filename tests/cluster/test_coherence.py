from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.cluster.coherence import kept, title_lift, title_match, top_titles

clusterings = st.lists(
    st.tuples(st.integers(-1, 4), st.sampled_from(["gym", "Gym", "", "  ", "🔥", "a\x00b", "run"])), max_size=40
)


@given(clusterings)
def test_the_match_is_what_counting_says(rows: list[tuple[int, str]]) -> None:
    cluster, titles = np.array([c for c, _ in rows], np.int32), [t for _, t in rows]
    match, best = title_match(cluster, titles, 5), top_titles(cluster, titles, 5, 2)
    for number in range(5):
        mine = [t for c, t in rows if c == number]
        counted = Counter(t for t in mine if t.strip())
        most = max(counted.values(), default=0)
        assert match[number] == pytest.approx(100 * most / max(len(mine), 1))
        assert [n for _, n in best[number]] == sorted(counted.values(), reverse=True)[:2]
        assert all(counted[t] == n for t, n in best[number])


def test_the_threshold_is_exclusive_and_a_single_title_is_no_match() -> None:
    match, sizes = np.array([2.0, 2.01, 100.0, 50.0, 4.0, 0.0]), np.array([1000, 1000, 1, 2, 50, 7])
    assert kept(match, sizes).tolist() == [False, True, False, False, True, False]
    assert kept(match, sizes, 10).tolist() == [False] * 6
    assert kept(np.array([100.0]), np.array([2])).tolist() == [True]


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=8), st.integers(0, 2**31))
def test_counts_survive_the_percentage(sizes: list[int], rng_key: int) -> None:
    rng = np.random.default_rng(rng_key)
    for size in sizes:
        most = int(rng.integers(0, size + 1))
        found = kept(np.array([100 * most / size]), np.array([size]), 0.0)
        assert found.tolist() == [most >= 2]


def test_each_playlist_needs_a_title() -> None:
    with pytest.raises(ValueError, match="cluster and a title"):
        title_match(np.zeros(2, np.int32), ["a"], 1)


@given(clusterings)
def test_the_lift_is_that_of_counting_pairs(rows: list[tuple[int, str]]) -> None:
    inside = [(c, t) for c, t in rows if c >= 0]
    pairs = [(a, b) for i, a in enumerate(inside) for b in inside[:i]]
    together = [a[1] == b[1] and bool(a[1].strip()) for a, b in pairs if a[0] == b[0]]
    anywhere = [a[1] == b[1] and bool(a[1].strip()) for a, b in pairs]
    found = title_lift(np.array([c for c, _ in rows], np.int32), [t for _, t in rows])
    if not together or not any(anywhere):
        assert found is None
    else:
        assert found == pytest.approx(np.mean(together) / np.mean(anywhere))


def test_clusters_drawn_at_random_have_no_lift() -> None:
    rng = np.random.default_rng(0)
    titles = [f"t{i}" for i in rng.integers(0, 20, 4000)]
    lifts = [title_lift(rng.integers(0, k, 4000).astype(np.int32), titles) for k in (3, 30)]
    assert lifts == pytest.approx([1, 1], abs=0.05)
