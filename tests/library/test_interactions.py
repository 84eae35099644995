from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.library import Interactions

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=12)


@given(ROWS)
def test_rows_come_back_in_order_with_duplicates(rows: list[list[int]]) -> None:
    x = Interactions.of(rows, n_columns=10)
    assert [x.row(i).tolist() for i in range(x.n_rows)] == rows


@given(ROWS)
def test_distinct_keeps_first_occurrences(rows: list[list[int]]) -> None:
    x = Interactions.of(rows, n_columns=10).distinct()
    assert [x.row(i).tolist() for i in range(x.n_rows)] == [list(dict.fromkeys(r)) for r in rows]


@given(ROWS, st.data())
def test_select_is_indexing(rows: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, max(0, len(rows) - 1)), max_size=8 if rows else 0))
    x = Interactions.of(rows, n_columns=10).select(np.array(chosen, int))
    assert [x.row(i).tolist() for i in range(x.n_rows)] == [rows[c] for c in chosen]


@given(ROWS)
def test_matrix_and_counts_agree_with_sets(rows: list[list[int]]) -> None:
    x = Interactions.of(rows, n_columns=10)
    dense = np.zeros((len(rows), 10))
    for i, row in enumerate(rows):
        dense[i, row] = 1
    assert (x.matrix().toarray() == dense).all()
    assert (x.column_counts() == dense.sum(axis=0)).all()


@pytest.mark.parametrize(
    ("indptr", "indices"),
    [([1, 2], [0, 1]), ([0, 3], [0, 1]), ([0, 2, 1], [0]), ([0, 1], [7]), ([0, 1], [-1])],
)
def test_arrays_that_do_not_fit_are_refused(indptr: list[int], indices: list[int]) -> None:
    with pytest.raises(ValueError):
        Interactions(np.array(indptr, np.int64), np.array(indices, np.int32), 3)
