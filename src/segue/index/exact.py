"""Exact search: every vector is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.ranking import Hits, top

__all__ = ["ExactIndex"]

_BLOCK_SCORES = 1 << 23  # 32 MB of scores at a time


@dataclass(frozen=True, eq=False)
class ExactIndex:
    """All inner products, in blocks; with unit rows these are cosines.

    Args:
        vectors: float32 ``(n, d)``, may be memory-mapped.
    """

    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32:
            raise ValueError(f"vectors are {self.vectors.dtype} {self.vectors.shape}, not float32 (n, d)")

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: NDArray[np.float32], k: int) -> list[Hits]:
        """The ``k`` rows of highest inner product with each query, ties by row.

        Args:
            queries: float32 ``(q, d)``.

        Raises:
            ValueError: the queries have another dimension than the vectors, or k is negative.
        """
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1] or k < 0:
            raise ValueError(f"queries are {queries.shape}, vectors {self.vectors.shape}, k is {k}")
        step = max(1, _BLOCK_SCORES // max(1, len(self)))
        hits: list[Hits] = []
        for first in range(0, len(queries), step):
            scores = queries[first : first + step] @ self.vectors.T
            hits += [top(row, k) for row in scores]
        return hits
