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
        position: for each entry its place in ``columns``, int32. playlist: for each entry its playlist, ``[0, m)``.
        values: of each entry, float64.
        m: number of playlists.
    """

    columns: NDArray[np.int32]
    position: NDArray[np.int32]
    playlist: NDArray[np.int64]
    values: NDArray[np.float64]
    m: int

    @classmethod
    def of(
        cls, indices: NDArray[np.int32], lengths: NDArray[np.int64], values: NDArray[np.floating], n_columns: int
    ) -> Block:
        """Compact CSR rows, given one after the other with their lengths."""
        columns, position = compacted(indices, n_columns)
        playlist = np.repeat(np.arange(len(lengths)), lengths)
        return cls(columns, position, playlist, values.astype(np.float64), len(lengths))

    def over_columns(self, votes: NDArray[np.float64]) -> NDArray[np.float64]:
        """``F^T votes``: per column, the summed votes of the playlists that hold it."""
        spread = self.values * np.take(votes, self.playlist)
        return np.asarray(np.bincount(self.position, spread, minlength=len(self.columns)), np.float64)

    def over_playlists(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """``F weights`` for weights of the columns."""
        return self.of_entries(np.take(weights, self.position))

    def of_entries(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """``F weights`` for weights given entry by entry."""
        return np.asarray(np.bincount(self.playlist, self.values * weights, minlength=self.m), np.float64)


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
