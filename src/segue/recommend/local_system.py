"""One query's linear system over some playlists, solved by conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.recommend.scores import compacted

__all__ = ["Block", "solve"]


@dataclass(frozen=True, eq=False)
class Block:
    """Features of one kind of ``m`` playlists, compacted to the columns that occur.

    Args:
        columns: the distinct columns, int32 ``(c,)``.
        position: for each entry its place in ``columns``, int64.
        lengths: entries of each playlist, int64 ``(m,)``.
        values: of each entry, float64.
        begins: where the entries of each playlist that has any begin; filled, which playlists those are.
    """

    columns: NDArray[np.int32]
    position: NDArray[np.int64]
    lengths: NDArray[np.int64]
    values: NDArray[np.float64]
    begins: NDArray[np.int64]
    filled: NDArray[np.int64]

    @classmethod
    def of(
        cls, indices: NDArray[np.int32], lengths: NDArray[np.int64], values: NDArray[np.floating], n_columns: int
    ) -> Block:
        """Compact CSR rows, given one after the other with their lengths."""
        columns, position = compacted(indices, n_columns)
        filled = np.flatnonzero(lengths)
        begins = (np.cumsum(lengths) - lengths)[filled]
        return cls(columns, position.astype(np.int64), lengths, values.astype(np.float64), begins, filled)

    def over_columns(self, votes: NDArray[np.float64]) -> NDArray[np.float64]:
        """``F^T votes``: per column, the summed votes of the playlists that hold it."""
        spread = self.values * np.repeat(votes, self.lengths)
        return np.asarray(np.bincount(self.position, spread, minlength=len(self.columns)), np.float64)

    def over_playlists(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """``F weights`` for weights of the columns."""
        return self.of_entries(np.take(weights, self.position))

    def of_entries(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """``F weights`` for weights given entry by entry."""
        sums = np.zeros(len(self.lengths))
        if len(self.filled):
            sums[self.filled] = np.add.reduceat(self.values * weights, self.begins)
        return sums


def solve(blocks: tuple[Block, ...], kernel: NDArray[np.float64], ridge: float, steps: int) -> NDArray[np.float64]:
    """Solve ``(F F^T + ridge I) a = kernel`` by a number of conjugate gradient steps; float64 ``(m,)``.

    Source: M. Hestenes, E. Stiefel 1952, "Methods of conjugate gradients for solving linear systems".
    """
    found = np.zeros_like(kernel)
    residual = kernel.copy()
    direction = residual.copy()
    energy = float(residual @ residual)
    for _ in range(steps):
        if energy <= 1e-20:
            break
        image = ridge * direction
        for block in blocks:
            image += block.over_playlists(block.over_columns(direction))
        step = energy / float(direction @ image)
        found += step * direction
        residual -= step * image
        energy, before = float(residual @ residual), energy
        direction = residual + (energy / before) * direction
    return found
