"""What every index keeps. Subclass, give the fixture ``planted``, and let pytest run it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue.library import Hits


class IndexContract:
    """Order, ties, cuts, determinism, and planted answers."""

    @pytest.fixture
    def planted(self) -> tuple[Any, Any, list[list[int]]]:
        """An index, queries (sliceable), and for each query the rows that must come back first, in order.

        At least one query must have two rows that tie, the lower one first.
        """
        raise NotImplementedError

    def test_finds_what_was_planted(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, expected = planted
        for hits, rows in zip(index.search(queries, len(index)), expected, strict=True):
            assert hits.rows[: len(rows)].tolist() == rows

    def test_types_and_order(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        for hits in index.search(queries, len(index)):
            assert isinstance(hits, Hits)
            assert hits.rows.dtype == np.int32 and hits.scores.dtype == np.float32
            assert len(set(hits.rows.tolist())) == len(hits) <= len(index)
            steps = list(zip(hits.scores, hits.rows, strict=True))
            assert steps == sorted(steps, key=lambda pair: (-pair[0], pair[1]))

    def test_k_cuts_and_nothing_else(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        whole = index.search(queries, len(index))
        for k in (0, 1, 2, len(index) + 5):
            for hits, full in zip(index.search(queries, k), whole, strict=True):
                np.testing.assert_array_equal(hits.rows, full.rows[:k])
                np.testing.assert_array_equal(hits.scores, full.scores[:k])

    def test_ties_break_by_row(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        tied = [np.flatnonzero(np.diff(hits.scores) == 0) for hits in index.search(queries, len(index))]
        assert any(len(places) for places in tied), "plant a tie"

    def test_same_search_same_bits(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        for one, two in zip(index.search(queries, 3), index.search(queries, 3), strict=True):
            np.testing.assert_array_equal(one.rows, two.rows)
            np.testing.assert_array_equal(one.scores, two.scores)

    def test_no_queries(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        assert index.search(queries[:0], 3) == []

    def test_negative_k_is_refused(self, planted: tuple[Any, Any, list[list[int]]]) -> None:
        index, queries, _ = planted
        with pytest.raises(ValueError):
            index.search(queries, -1)
