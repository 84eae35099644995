"""What training learns from: the types only. How they are made is the business of views, splits and protocols."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions

__all__ = ["Labels", "Pairs", "Triplets", "Votes"]


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
