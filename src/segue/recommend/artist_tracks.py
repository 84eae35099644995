"""More by the same artists: a channel of its own, since a linear model knows little of tracks in few playlists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import load_array, save_array
from segue.recommend.popularity import Popularity
from segue.recommend.scores import Scores, gather

__all__ = ["ArtistTracks", "known_artists"]

_MOST = 300  # tracks per artist; a list of 500 has no room for more


@dataclass(frozen=True, eq=False)
class ArtistTracks:
    """The tracks of each artist, most popular first, and how much each stands for the artist.

    Args:
        artist_rows: artist of each track, -1 where unknown, int32 ``(n_tracks,)``.
        indptr, tracks: CSR, at most 300 tracks of each artist; int64 and int32.
        standing: ``sqrt(popularity / popularity of the artist's first track)``, float32 in (0, 1].
    """

    artist_rows: NDArray[np.int32]
    indptr: NDArray[np.int64]
    tracks: NDArray[np.int32]
    standing: NDArray[np.float32]

    @classmethod
    def fitted(cls, artist_rows: NDArray[np.integer], popularity: Popularity) -> ArtistTracks:
        """Sort the tracks that a training playlist holds by artist and popularity."""
        rows = np.asarray(artist_rows, np.int32)
        counts = popularity.counts
        known = np.flatnonzero((rows >= 0) & (counts > 0))
        ordered = known[np.lexsort((known, -counts[known], rows[known]))]
        indptr = np.zeros(int(rows.max(initial=-1)) + 2, np.int64)
        np.cumsum(np.bincount(rows[ordered], minlength=len(indptr) - 1), out=indptr[1:])
        lengths = np.diff(indptr)
        ordered = ordered[np.arange(len(ordered)) - np.repeat(indptr[:-1], lengths) < _MOST]
        np.cumsum(np.minimum(lengths, _MOST), out=indptr[1:])
        first = counts[ordered[np.repeat(indptr[:-1], np.diff(indptr))]]
        standing = np.sqrt(counts[ordered] / np.maximum(first, 1)).astype(np.float32)
        return cls(rows, indptr, ordered.astype(np.int32), standing)

    def score_tracks(self, tracks: NDArray[np.int32]) -> Scores:
        """Share of the given tracks that are by a track's artist, times its standing; in [0, 1]."""
        artists = self.artist_rows[tracks]
        rows, counts = np.unique(artists[artists >= 0], return_counts=True)
        if len(rows) == 0:
            return Scores.none()
        found, lengths = gather(self.indptr, self.tracks, rows)
        at = np.arange(len(found)) + np.repeat(self.indptr[rows] - (np.cumsum(lengths) - lengths), lengths)
        shares = (counts / len(tracks)).astype(np.float32)
        # a track has one artist, so rows are distinct already
        return Scores(found, self.standing[at] * np.repeat(shares, lengths))

    def save(self, folder: Path) -> None:
        """Write the tables into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            save_array(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> ArtistTracks:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        return cls(*(load_array(folder / f"{name}.npy") for name in _ARRAYS))


_ARRAYS = ("artist_rows", "indptr", "tracks", "standing")


def known_artists(artist_rows: NDArray[np.integer], artist_names: list[str]) -> NDArray[np.int32]:
    """Artist rows with -1 for tracks whose artist has no name: they have nothing in common.

    >>> known_artists(np.array([0, 1, 0]), ["", "Queen"]).tolist()
    [-1, 1, -1]
    """
    named = np.array([bool(name.strip()) for name in artist_names] or [False])
    rows = np.asarray(artist_rows, np.int32)
    return np.where(named[rows], rows, np.int32(-1)) if len(rows) else rows
