"""Which playlists carry which title: the bridge from nearest titles to nearest playlists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.recommend.scores import Scores, best, gather

__all__ = ["TitlePlaylists"]


@dataclass(frozen=True, eq=False)
class TitlePlaylists:
    """Distinct titles in order of first occurrence, and the playlists of each.

    Args:
        titles: distinct titles.
        indptr, playlists: CSR, playlist rows of each title ascending; int64 and int32.
    """

    titles: tuple[str, ...]
    indptr: NDArray[np.int64]
    playlists: NDArray[np.int32]

    @classmethod
    def of(cls, titles: Sequence[str]) -> TitlePlaylists:
        """Group playlists by title.

        >>> TitlePlaylists.of(["a", "b", "a"]).rows(0).tolist()
        [0, 2]
        """
        row_of: dict[str, int] = {}
        title_rows = np.array([row_of.setdefault(title, len(row_of)) for title in titles], np.int64)
        indptr = np.zeros(len(row_of) + 1, np.int64)
        np.cumsum(np.bincount(title_rows, minlength=len(row_of)), out=indptr[1:])
        return cls(tuple(row_of), indptr, np.argsort(title_rows, kind="stable").astype(np.int32))

    def __len__(self) -> int:
        return len(self.titles)

    def rows(self, title_row: int) -> NDArray[np.int32]:
        """Playlists of one title, ascending."""
        return self.playlists[self.indptr[title_row] : self.indptr[title_row + 1]]

    def title_of(self, playlists: NDArray[np.integer]) -> NDArray[np.int32]:
        """Title row of each of the given playlists.

        >>> TitlePlaylists.of(["a", "b", "a"]).title_of(np.array([2, 1])).tolist()
        [0, 1]
        """
        title_rows = np.empty(len(self.playlists), np.int32)
        title_rows[self.playlists] = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.indptr))
        return np.asarray(title_rows[playlists], np.int32)

    def nearest(self, similarity: Scores, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The ``k`` playlists whose titles are most similar, and the similarities; ties by playlist row.

        Args:
            similarity: title rows with their similarity to the query.

        >>> t = TitlePlaylists.of(["a", "b", "a", "b", "c"])
        >>> near = Scores(np.array([0, 1, 2], np.int32), np.array([0.5, 0.9, 0.5], np.float32))
        >>> t.nearest(near, 4)[0].tolist()
        [1, 3, 0, 2]
        """
        if len(similarity) == 0 or k <= 0:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        # Each title has a playlist, so the k-th best title bounds the k-th best playlist from below.
        if len(similarity) > k:
            values = similarity.values
            bound = np.partition(values, len(values) - k)[len(values) - k]
            kept = np.flatnonzero(values >= bound)
            similarity = Scores(similarity.rows[kept], values[kept])
        title_rows, values = similarity.rows, similarity.values
        order = np.lexsort((title_rows, -values))
        title_rows, values = title_rows[order], values[order]
        reached = np.cumsum(self.indptr[title_rows + 1] - self.indptr[title_rows])
        last = min(int(np.searchsorted(reached, k)), len(values) - 1)
        upto = int(np.searchsorted(-values, -values[last], "right"))  # titles tied with the last one compete by row
        playlists, lengths = gather(self.indptr, self.playlists, title_rows[:upto])
        found = best(Scores(playlists, np.repeat(values[:upto], lengths)), k)
        return found.rows, found.values
