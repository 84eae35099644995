from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.index import IndexContract
from segue.errors import InputError, MissingDependency, StoredDataError
from segue.index.ann import AnnIndex, chosen_kind, recall_against_exact
from segue.index.bm25 import Bm25Index
from segue.index.exact import ExactIndex
from segue.index.fuse import SCALES, Candidates, fit_weights, rank_of, reciprocal_rank, standardised, weighted
from segue.library import Hits
from segue.library.arrays import save_array

Planted = tuple[Any, Any, list[list[int]]]
VECTORS = np.array([[1, 0], [0, 1], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)


class _Approximate(IndexContract):
    kind: Any

    @pytest.fixture
    def planted(self) -> Planted:
        queries = np.array([[1, 0], [0, 1]], np.float32)
        return AnnIndex.of(VECTORS, self.kind), queries, [[0, 2, 1, 3, 4], [1, 3, 2, 0, 4]]


class TestHnsw(_Approximate):
    kind = "hnsw"


class TestIvf(_Approximate):
    kind = "ivf"


class TestStoredBm25(IndexContract):
    @pytest.fixture
    def planted(self, tmp_path: Path) -> Planted:
        texts = ["Africa Toto", "Hold the Line Toto", "Hello Adele", "Hello Adele", "", "Don't Stop Me Now Queen"]
        Bm25Index.of(texts).save(tmp_path)
        queries = ["toto", "HELLO adele!", "dont stop", "nothing of this", ""]
        return Bm25Index.open(tmp_path, len(texts)), queries, [[0, 1], [2, 3], [5], [], []]


def clustered(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=(20, d))[rng.integers(0, 20, n)] + rng.normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_most_of_the_exact_best_are_found_with_exact_scores(kind: Any, tmp_path: Path) -> None:
    vectors = clustered(3_000, 16, np.random.default_rng(0))
    index = AnnIndex.of(vectors, kind)
    recall = recall_against_exact(index)
    assert 0.85 < recall <= 1 and recall == recall_against_exact(index)
    about = index.save(tmp_path)
    opened = AnnIndex.open(tmp_path, vectors, about)
    for one, two, exact in zip(
        index.search(vectors[:5], 10), opened.search(vectors[:5], 10), ExactIndex(vectors).search(vectors[:5], 10),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one.rows, two.rows)
        assert one.rows[0] == exact.rows[0] and one.scores[0] == pytest.approx(exact.scores[0], abs=1e-6)
    other = np.roll(np.load(tmp_path / "faiss.npy"), 1)
    save_array(tmp_path / "faiss.npy", other)
    with pytest.raises(StoredDataError, match=r"faiss\.npy holds other bytes"):
        AnnIndex.open(tmp_path, vectors, about)


def test_an_index_that_finds_little_says_so() -> None:
    vectors = clustered(500, 16, np.random.default_rng(2))
    half = AnnIndex.of(vectors)
    blind = AnnIndex.of(vectors[:250])

    class Half:
        """Proposes the first half of all rows alone."""

        def __len__(self) -> int:
            return len(vectors)

        vectors = half.vectors

        def search(self, queries: Any, k: int) -> list[Hits]:
            return blind.search(queries, k)

    rng = np.random.default_rng(5)  # the draw of recall_against_exact, looked up by hand
    rows = np.sort(rng.permutation(500)[:200])
    asked = (vectors[rows] + rng.normal(0, 0.5 / 4, (200, 16))).astype(np.float32)
    best = np.argsort(-(asked @ vectors.T), axis=1)[:, :10]
    assert recall_against_exact(Half()) == pytest.approx(float((best < 250).mean()), abs=0.01)  # type: ignore[arg-type]
    assert recall_against_exact(half) > 0.99


def test_the_same_vectors_give_the_same_index(tmp_path: Path) -> None:
    vectors = clustered(400, 8, np.random.default_rng(1))
    for kind in ("hnsw", "ivf"):
        digests = []
        for turn in range(2):
            (tmp_path / f"{kind}{turn}").mkdir()
            digests.append(AnnIndex.of(vectors, kind).save(tmp_path / f"{kind}{turn}"))  # type: ignore[arg-type]
        assert digests[0] == digests[1]


def test_other_vectors_and_unknown_kinds_are_refused(tmp_path: Path) -> None:
    about = AnnIndex.of(VECTORS).save(tmp_path)
    with pytest.raises(StoredDataError, match="not of these vectors"):
        AnnIndex.open(tmp_path, VECTORS[:2], about)
    with pytest.raises(InputError, match="annoy"):
        chosen_kind("annoy", 3)
    with pytest.raises(InputError, match="nothing to index"):
        AnnIndex.of(VECTORS[:0])


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependency, match=r"segue-playlists\[ann\]"):
        AnnIndex.of(VECTORS)


def test_matched_words_add_up_to_the_score() -> None:
    index = Bm25Index.of(["rainy day", "rainy rainy night", "sunny"])
    matched = index.matched("a rainy rainy night", 1)
    assert list(matched) == ["rainy", "night"] or list(matched) == ["night", "rainy"]
    assert sum(matched.values()) == pytest.approx(index.scores_of("a rainy rainy night")[1])
    assert index.matched("sunny", 1) == {} and index.frequency("rainy") == 2 and index.frequency("x") == 0


def test_a_damaged_bm25_names_its_file(tmp_path: Path) -> None:
    Bm25Index.of(["a b", "c"]).save(tmp_path)
    save_array(tmp_path / "starts.npy", np.array([0, 1], np.int64))
    with pytest.raises(StoredDataError, match=r"starts\.npy is damaged"):
        Bm25Index.open(tmp_path, 2)


scores = st.integers(1, 4).flatmap(
    lambda c: st.integers(1, 8).flatmap(
        lambda m: st.lists(st.lists(st.integers(-9, 9), min_size=m, max_size=m), min_size=c, max_size=c)
    )
)


@given(scores, st.sampled_from(SCALES))
def test_no_scale_turns_an_order_round(values: list[list[int]], scale: Any) -> None:
    raw = np.array(values, np.float32)
    scaled = standardised(raw, scale)
    assert np.isfinite(scaled).all() and scaled.shape == raw.shape
    if scale in ("z", "minmax", "none"):
        for before, after in zip(raw, scaled, strict=True):
            for i in range(len(before)):
                assert not ((before > before[i]) & (after < after[i] - 1e-9)).any()


@given(scores)
def test_one_channel_alone_keeps_its_order(values: list[list[int]]) -> None:
    raw = np.array(values, np.float32)
    rows = np.arange(raw.shape[1], dtype=np.int32) * 3
    hits = weighted(Candidates(rows, raw), [1.0] + [0.0] * (len(raw) - 1))
    assert hits.rows.tolist() == rows[np.argsort(-raw[0], kind="stable")].tolist()


def slow_scale(values: list[float], scale: str) -> list[float]:
    """What :func:`standardised` says of one channel, number by number."""
    if scale == "none":
        return values
    n, mean = len(values), sum(values) / len(values)
    spread = (sum((v - mean) ** 2 for v in values) / n) ** 0.5
    if max(values) == min(values):
        return [0.0] * n
    return {
        "z": [(v - mean) / (spread or 1) for v in values],
        "minmax": [(v - min(values)) / (max(values) - min(values)) for v in values],
        "max": [v / (max(values) if max(values) > 0 else 1) for v in values],
        "rank": [1 / (61 + sum(other > v for other in values)) if v else 0.0 for v in values],
    }[scale]


@given(scores, st.sampled_from(SCALES), st.lists(st.integers(0, 8), min_size=4, max_size=4))
def test_weighted_fusion_is_a_sum_over_channels(values: list[list[int]], scale: Any, parts: list[int]) -> None:
    weights = [part / 4 for part in parts[: len(values)]]
    rows = np.arange(len(values[0]), dtype=np.int32) * 2 + 1
    scaled = [slow_scale([float(v) for v in channel], scale) for channel in values]
    fused = [sum(w * channel[i] for w, channel in zip(weights, scaled, strict=True)) for i in range(len(rows))]
    hits = weighted(Candidates(rows, np.array(values, np.float32)), weights, scale=scale)
    assert sorted(hits.rows.tolist()) == rows.tolist()
    np.testing.assert_allclose(hits.scores, [fused[(row - 1) // 2] for row in hits.rows.tolist()], atol=1e-5)
    steps = list(zip(-hits.scores, hits.rows, strict=True))
    assert steps == sorted(steps)


@given(st.lists(st.lists(st.integers(0, 9), unique=True, max_size=6), max_size=4))
def test_reciprocal_ranks_add_up(lists: list[list[int]]) -> None:
    hits = reciprocal_rank([Hits(np.array(one, np.int32), np.ones(len(one), np.float32)) for one in lists])
    expected = {row: sum(1 / (61 + one.index(row)) for one in lists if row in one) for one in lists for row in one}
    assert dict(zip(hits.rows.tolist(), hits.scores.tolist(), strict=True)) == pytest.approx(expected, abs=1e-7)
    steps = list(zip(-hits.scores, hits.rows, strict=True))
    assert steps == sorted(steps)


def test_fitted_weights_are_as_good_as_the_planted_ones() -> None:
    rng = np.random.default_rng(7)
    planted = np.array([0.6, 0.3, 0.1])
    cases, truth = [], []
    for _ in range(120):
        channels = rng.normal(size=(3, 60)).astype(np.float32)
        cases.append(Candidates(np.arange(60, dtype=np.int32), channels))
        truth.append([int(np.argmax(planted @ standardised(channels)))])  # what these weights put first

    def found(weights: Any) -> float:
        ranks = [rank_of(weighted(case, weights), rows) for case, rows in zip(cases, truth, strict=True)]
        return float(np.mean([0.5 / rank + 0.5 if rank <= 10 else 0 for rank in ranks]))

    fitted = fit_weights(cases, truth)
    assert found(planted) == 1 and found(fitted) > 0.97 > found([1, 1, 1]) + 0.02
    np.testing.assert_allclose(fitted, planted, atol=0.08)
    assert fit_weights(cases, truth, start=planted.tolist()) == pytest.approx(planted)  # nothing to gain


def test_fitted_weights_find_the_channel_that_knows() -> None:
    rng = np.random.default_rng(0)
    cases, truth = [], []
    for _ in range(60):
        noise = rng.normal(size=(3, 80)).astype(np.float32)
        answer = int(rng.integers(80))
        noise[1, answer] += 4
        cases.append(Candidates(np.arange(80, dtype=np.int32), noise))
        truth.append([answer])
    weights = fit_weights(cases, truth)
    assert weights == fit_weights(cases, truth) and sum(weights) == pytest.approx(1)
    assert weights[1] > 0.6

    def mean_rank(w: Any) -> float:
        return float(np.mean([rank_of(weighted(c, w), t) for c, t in zip(cases, truth, strict=True)]))

    assert mean_rank(weights) < mean_rank([1, 1, 1])


def test_what_cannot_be_fused_is_refused() -> None:
    two = Candidates(np.array([1, 2], np.int32), np.zeros((1, 2), np.float32))
    for weights in ([1, 1], [float("nan")]):
        with pytest.raises(ValueError, match="weights"):
            weighted(two, weights)
    with pytest.raises(ValueError, match="ascending"):
        Candidates(np.array([2, 1], np.int32), np.zeros((1, 2), np.float32))
    with pytest.raises(ValueError, match="cases"):
        fit_weights([], [])


def test_an_opened_bm25_needs_neither_scipy_nor_polars(tmp_path: Path) -> None:
    Bm25Index.of(["a b"]).save(tmp_path)
    code = (
        "import sys; from pathlib import Path; from segue.index.bm25 import Bm25Index;"
        f"assert Bm25Index.open(Path({str(tmp_path)!r}), 1).search(['b'], 1)[0].rows.tolist() == [0];"
        "print([m for m in ('scipy', 'polars', 'torch', 'faiss') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
