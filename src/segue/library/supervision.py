"""What training learns from: the types only. How they are made is the business of views, splits and protocols."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions

__all__ = ["Labels", "Overlaps", "Pairs", "Triplets", "Votes"]


@dataclass(frozen=True, eq=False)
class Labels:
    """Texts with a class each: ``classes`` int32 ``(n,)``, consecutive from 0."""

    texts: tuple[str, ...]
    classes: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Graded text pairs: ``grades`` float32 ``(n,)`` in [0, 1]."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    grades: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Triplets:
    """Text rows (anchor, positive, negative): int32 ``(n, 3)`` into ``texts``."""

    texts: tuple[str, ...]
    rows: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Votes:
    """Playlists as voters: each has a title and tracks.

    Args:
        titles: distinct titles as the encoder reads them.
        title_rows: title of each playlist, int32 ``(n_playlists,)``.
        playlist_tracks: distinct tracks of each playlist.
    """

    titles: tuple[str, ...]
    title_rows: NDArray[np.int32]
    playlist_tracks: Interactions

    def __post_init__(self) -> None:
        if len(self.title_rows) != self.playlist_tracks.n_rows:
            raise ValueError("each playlist needs a title row")


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Playlists with a title, and the playlists whose tracks are most like theirs.

    Args:
        titles: distinct titles as the encoder reads them. title_rows: title of each playlist, int64 ``(n,)``.
        neighbours: playlist -> like playlists, most similar first (rows of the training playlists).
        similarity: of each neighbour, float32, in (0, 1].
        content: what each playlist holds, as unit rows (or zero), float32 ``(n, d)``.
    """

    titles: tuple[str, ...]
    title_rows: NDArray[np.int64]
    neighbours: Interactions
    similarity: NDArray[np.float32]
    content: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.title_rows)
        if not (n == self.neighbours.n_rows == len(self.content)):
            raise ValueError("each playlist needs a title row, neighbours and a content vector")
        if len(self.similarity) != len(self.neighbours.indices):
            raise ValueError("each neighbour needs a similarity")

    def drawn(self, rows: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int64]:
        """One neighbour for each of the given playlists, with the similarity as weight, int64 ``(m,)``."""
        drawn = np.empty(len(rows), np.int64)
        for place, (row, point) in enumerate(zip(rows.tolist(), rng.random(len(rows)).tolist(), strict=True)):
            first, last = self.neighbours.indptr[row], self.neighbours.indptr[row + 1]
            cumulated = np.cumsum(self.similarity[first:last], dtype=np.float64)
            at = min(int(np.searchsorted(cumulated, point * cumulated[-1], "right")), int(last - first) - 1)
            drawn[place] = self.neighbours.indices[first + at]
        return drawn
