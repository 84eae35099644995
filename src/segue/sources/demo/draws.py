"""Random draws that are the same, bit for bit, on every machine and numpy version.

numpy promises that of the raw bits of PCG64 and not of the methods of `Generator`; so everything here is made from
raw bits, and only with operations that IEEE 754 defines exactly (no exp, log or pow).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_BLOCK = 256


class Draws:
    """One independent stream of random numbers for each key.

    Args:
        key: non-negative integers that name the stream; equal keys give equal streams.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(list(key))
        self._buffer: list[float] = []

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """Return n numbers from [0, 1), float64."""
        raw = np.asarray(self._bits.random_raw(n), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def uniform(self) -> float:
        """Return one number from [0, 1)."""
        if not self._buffer:
            self._buffer = self.uniforms(_BLOCK).tolist()
        return self._buffer.pop()

    def chance(self, p: float) -> bool:
        """Return True with probability p."""
        return self.uniform() < p

    def below(self, n: int) -> int:
        """Return an integer from 0 to n - 1."""
        return min(int(self.uniform() * n), n - 1)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[self.below(len(options))]

    def weighted(self, cumulative: NDArray[np.int64]) -> int:
        """Return a row, likely in proportion to its weight, given the cumulative weights."""
        return int(np.searchsorted(cumulative, self.below(int(cumulative[-1])), side="right"))

    def distinct(self, cumulative: NDArray[np.int64], n: int) -> list[int]:
        """Return up to n different rows in the order drawn, likely in proportion to their weights.

        Fewer come back where a few rows carry nearly all the weight.
        """
        found: dict[int, None] = {}
        total = int(cumulative[-1])
        for _ in range(4):
            if len(found) >= n or total <= 0:
                break
            points = np.minimum((self.uniforms(2 * n) * total).astype(np.int64), total - 1)
            found.update(dict.fromkeys(np.searchsorted(cumulative, points, side="right").tolist()))
        return list(found)[:n]
