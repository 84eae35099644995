"""Who has which track, in order: playlist x track or user x track as CSR of int32 rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue.library.arrays import is_mapped

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Interactions"]

_BLOCK = 1 << 21  # interactions sorted at a time


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Ordered interactions: row ``i`` holds the columns ``indices[indptr[i]:indptr[i + 1]]``.

    ``indptr`` int64 ``(n_rows + 1,)``; ``indices`` int32, each in ``[0, n_columns)``; order and duplicates are kept.

    >>> x = Interactions.of([[2, 0, 2], [1]], n_columns=3)
    >>> x.row(0).tolist(), x.distinct().row(0).tolist(), x.column_counts().tolist()
    ([2, 0, 2], [2, 0], [1, 1, 1])
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    n_columns: int

    def __post_init__(self) -> None:
        if self.indptr.ndim != 1 or len(self.indptr) < 1 or self.indptr[0] != 0:
            raise ValueError("indptr must be one-dimensional and start at 0")
        if self.indptr[-1] != len(self.indices):
            raise ValueError("indptr must rise to the number of indices")
        if is_mapped(self.indices):
            return  # mapped from a folder of ours; looking at everything would read the whole file
        if np.any(np.diff(self.indptr) < 0):
            raise ValueError("indptr must rise to the number of indices")
        if len(self.indices) and (self.indices.min() < 0 or self.indices.max() >= self.n_columns):
            raise ValueError(f"indices must lie in [0, {self.n_columns})")

    @classmethod
    def of(cls, rows: Iterable[ArrayLike], *, n_columns: int) -> Interactions:
        """Build from one sequence of column numbers per row."""
        arrays = [np.asarray(row, np.int32) for row in rows]
        indptr = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(a) for a in arrays], out=indptr[1:])
        indices = np.concatenate(arrays) if arrays else np.zeros(0, np.int32)
        return cls(indptr, indices.astype(np.int32, copy=False), n_columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Row lengths, duplicates counted; int64 ``(n_rows,)``."""
        return np.diff(self.indptr)

    def row(self, row: int) -> NDArray[np.int32]:
        """Columns of one row, in order."""
        return self.indices[self.indptr[row] : self.indptr[row + 1]]

    def select(self, rows: Sequence[int] | NDArray[np.integer]) -> Interactions:
        """Only the given rows, in the given order."""
        rows = np.asarray(rows, np.int64)
        lengths = self.lengths[rows]
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        take = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Interactions(indptr, self.indices[take], self.n_columns)

    def distinct(self) -> Interactions:
        """Without repeated columns inside a row; the first occurrence stays where it is."""
        rows = self._repeating_rows()
        if not len(rows):
            return self
        part = self.select(rows)
        of = np.repeat(np.arange(len(rows)), part.lengths)
        # A stable sort by (row, column) puts each first occurrence at the head of its group.
        order = np.lexsort((part.indices, of))
        r, c = of[order], part.indices[order]
        again = order[1:][(r[1:] == r[:-1]) & (c[1:] == c[:-1])]
        position = np.repeat(self.indptr[rows] - part.indptr[:-1], part.lengths) + np.arange(len(part.indices))
        kept = np.ones(len(self.indices), bool)
        kept[position[again]] = False
        lengths = self.lengths.copy()
        lengths[rows] -= np.bincount(of[again], minlength=len(rows))
        indptr = np.zeros(self.n_rows + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        return Interactions(indptr, self.indices[kept], self.n_columns)

    def _repeating_rows(self) -> NDArray[np.int64]:
        """Rows that hold a column twice, found block by block: most rows hold none and need no closer look."""
        found = [np.zeros(0, np.int64)]
        begin = 0
        while begin < self.n_rows:
            end = int(np.searchsorted(self.indptr, self.indptr[begin] + _BLOCK, "right")) - 1
            end = min(max(end, begin + 1), self.n_rows)
            keys = np.repeat(np.arange(end - begin, dtype=np.int64) * self.n_columns, self.lengths[begin:end])
            keys += self.indices[self.indptr[begin] : self.indptr[end]]
            keys.sort()
            found.append(np.unique(keys[1:][keys[1:] == keys[:-1]] // max(self.n_columns, 1)) + begin)
            begin = end
        return np.concatenate(found)

    def column_counts(self) -> NDArray[np.int64]:
        """In how many rows each column occurs (once a row); int64 ``(n_columns,)``."""
        return np.bincount(self.distinct().indices, minlength=self.n_columns).astype(np.int64)

    def matrix(self) -> csr_matrix:
        """Binary float32 CSR ``(n_rows, n_columns)`` with sorted columns."""
        from scipy.sparse import csr_matrix  # imported late: queries never need it

        distinct = self.distinct()
        ones = np.ones(len(distinct.indices), np.float32)
        matrix = csr_matrix((ones, distinct.indices.copy(), distinct.indptr), shape=(self.n_rows, self.n_columns))
        matrix.sort_indices()
        return matrix
