from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from segue.cluster.stability import adjusted_rand, mean_agreement, stability, stability_over_samples

LABELS = st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), max_size=40)


@given(pairs=LABELS)
def test_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    expected = adjusted_rand_score(one, other) if pairs else 1.0
    assert adjusted_rand(one, other) == pytest.approx(expected, abs=1e-12)


@given(pairs=LABELS, rng_key=st.integers(0, 5))
def test_names_of_clusters_and_order_mean_nothing(pairs: list[tuple[int, int]], rng_key: int) -> None:
    one, other = np.array([a for a, _ in pairs], int), np.array([b for _, b in pairs], int)
    rng = np.random.default_rng(rng_key)
    renamed, order = rng.permutation(6)[one + 1], rng.permutation(len(one))
    assert adjusted_rand(one, other) == adjusted_rand(other, one)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand(renamed[order], other[order]), abs=1e-12)
    assert adjusted_rand(one, renamed) == 1


def test_chance_is_about_zero() -> None:
    rng = np.random.default_rng(0)
    assert abs(mean_agreement([rng.integers(0, 10, 3000) for _ in range(4)])) < 0.01


def test_partitions_of_other_things() -> None:
    with pytest.raises(ValueError, match="same things"):
        adjusted_rand([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="two partitions"):
        mean_agreement([[0, 1]])


VECTORS = np.arange(60, dtype=np.float32)[:, None]


def by_value(vectors: NDArray[np.float32], rng_key: int) -> NDArray[np.int32]:
    return (vectors[:, 0] // 10).astype(np.int32)


def by_chance(vectors: NDArray[np.float32], rng_key: int) -> NDArray[np.int32]:
    return np.random.default_rng(rng_key).integers(0, 6, len(vectors)).astype(np.int32)


def by_place(vectors: NDArray[np.float32], rng_key: int) -> NDArray[np.int32]:
    """The same for the same vectors, another for others: only samples show that it means nothing."""
    return (np.arange(len(vectors)) * 7919 % 97 % 6).astype(np.int32)


def test_what_depends_on_the_start_is_told_from_what_depends_on_the_sample() -> None:
    assert stability(VECTORS, by_value) == stability_over_samples(VECTORS, by_value) == 1
    assert stability(VECTORS, by_place) == 1 > 0.5 > stability_over_samples(VECTORS, by_place)
    assert stability(VECTORS, by_chance) < 0.3 > stability_over_samples(VECTORS, by_chance)


def test_samples_are_of_the_size_asked_for_and_the_same_each_time() -> None:
    seen: list[NDArray[np.float32]] = []

    def look(vectors: NDArray[np.float32], rng_key: int) -> NDArray[np.int32]:
        seen.append(vectors)
        return by_chance(vectors, rng_key)

    first = stability_over_samples(VECTORS, look, n_samples=4, share=0.8, rng_key=3)
    assert [len(v) for v in seen] == [48] * 4 and len({v.tobytes() for v in seen}) == 4
    assert stability_over_samples(VECTORS, look, n_samples=4, share=0.8, rng_key=3) == first
    assert stability_over_samples(VECTORS[:1], by_value) == 1


@pytest.mark.parametrize("wrong", [{"n_samples": 1}, {"share": 0.5}, {"share": 1.1}])
def test_samples_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least two samples"):
        stability_over_samples(VECTORS, by_value, **wrong)  # type: ignore[arg-type]
