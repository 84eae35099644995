from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.index import IndexContract
from segue.index.bm25 import Bm25Index, words
from segue.index.exact import ExactIndex
from segue.index.fuse import reciprocal_rank
from segue.library import Hits

Planted = tuple[Any, Any, list[list[int]]]


class TestExact(IndexContract):
    @pytest.fixture
    def planted(self) -> Planted:
        vectors = np.array([[1, 0], [0, 1], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)
        queries = np.array([[1, 0], [0, 1]], np.float32)
        return ExactIndex(vectors), queries, [[0, 2, 1, 3, 4], [1, 3, 2, 0, 4]]

    def test_blocks_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(0)
        index = ExactIndex(rng.integers(-3, 4, (50, 4)).astype(np.float32))
        queries = rng.integers(-3, 4, (11, 4)).astype(np.float32)
        whole = index.search(queries, 7)
        monkeypatch.setattr("segue.index.exact._BLOCK_SCORES", 100)
        for one, two in zip(whole, index.search(queries, 7), strict=True):
            np.testing.assert_array_equal(one.rows, two.rows)

    def test_wrong_shapes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="float32"):
            ExactIndex(np.zeros((2, 2)))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="queries are"):
            ExactIndex(np.zeros((2, 2), np.float32)).search(np.zeros((1, 3), np.float32), 1)

    def test_empty(self) -> None:
        hits = ExactIndex(np.zeros((0, 2), np.float32)).search(np.zeros((2, 2), np.float32), 5)
        assert [len(h) for h in hits] == [0, 0]


class TestBm25(IndexContract):
    @pytest.fixture
    def planted(self) -> Planted:
        texts = ["Africa Toto", "Hold the Line Toto", "Hello Adele", "Hello Adele", "", "Don't Stop Me Now Queen"]
        queries = ["toto", "HELLO adele!", "dont stop", "nothing of this", ""]
        return Bm25Index.of(texts), queries, [[0, 1], [2, 3], [5], [], []]

    def test_texts_without_a_word_of_the_query_are_left_out(self, planted: Planted) -> None:
        index, queries, expected = planted
        assert [len(hits) for hits in index.search(queries, 9)] == [len(rows) for rows in expected]

    def test_formula(self) -> None:
        texts = ["a b", "a a c", "d"]
        score = Bm25Index.of(texts).search(["a"], 1)[0].scores[0]
        # n = 3, df = 2; text 1: tf = 2, length 3, mean length 2
        idf = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
        assert score == pytest.approx(idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2)), rel=1e-6)

    @settings(max_examples=50, deadline=None)
    @given(
        texts=st.lists(st.text("abc ", max_size=12), max_size=8),
        query=st.text("abcd ", max_size=8),
    )
    def test_against_the_plain_sum(self, texts: list[str], query: str) -> None:
        n, split = len(texts), [words(t) for t in texts]
        mean = sum(map(len, split)) / n if n else 1
        expected = []
        for text in split:
            score = 0.0
            for word in words(query):
                df, tf = sum(word in s for s in split), text.count(word)
                if tf:
                    idf = np.log1p((n - df + 0.5) / (df + 0.5))
                    score += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(text) / mean))
            expected.append(score)
        (hits,) = Bm25Index.of(texts).search([query], n)
        found = np.zeros(n)
        found[hits.rows] = hits.scores
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_hostile_texts(self) -> None:
        index = Bm25Index.of(["\ud800 a", "\x00", "🎉", "x" * 100_000, "हिंदी गाने", "é"])
        assert index.search(["हिंदी"], 3)[0].rows.tolist() == [4]
        assert index.search(["\ud800", "🎉", "e\u0301"], 3)[2].rows.tolist() == [5]

    def test_no_texts(self) -> None:
        assert len(Bm25Index.of([])) == 0
        assert [len(h) for h in Bm25Index.of([]).search(["a"], 3)] == [0]


def _hits(*rows: int) -> Hits:
    return Hits(np.array(rows, np.int32), np.linspace(1, 0.1, len(rows)).astype(np.float32))


def test_reciprocal_rank_by_hand() -> None:
    fused = reciprocal_rank([_hits(4, 2, 9), _hits(2), _hits()], k=60)
    assert fused.rows.tolist() == [2, 4, 9]
    np.testing.assert_allclose(fused.scores, [1 / 62 + 1 / 61, 1 / 61, 1 / 63], rtol=1e-6)


def test_reciprocal_rank_ties_by_row() -> None:
    assert reciprocal_rank([_hits(5, 1), _hits(1, 5)]).rows.tolist() == [1, 5]


def test_reciprocal_rank_of_nothing() -> None:
    assert len(reciprocal_rank([])) == len(reciprocal_rank([_hits()])) == 0
    with pytest.raises(ValueError, match="k is"):
        reciprocal_rank([], k=-1)
