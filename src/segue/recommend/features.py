"""What a linear model reads of a playlist: its tracks, and how much it likes each artist."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.interactions import Interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ArtistFeatures"]


@dataclass(frozen=True, eq=False)
class ArtistFeatures:
    """Features ``weight * log(1 + tracks by the artist) * log(playlists / playlists with the artist)``.

    Most tracks of a large library are in one or two playlists and say nothing by themselves; their artist does.

    Args:
        artist_rows: artist of each track, -1 where it is not known, int32 ``(n_tracks,)``.
        scale: weight times idf of each artist, float32 ``(n_artists,)``; no artists at all switch the features off.
    """

    artist_rows: NDArray[np.int32]
    scale: NDArray[np.float32]
    fingerprint: str

    @classmethod
    def fitted(
        cls, playlists: Interactions, artist_rows: NDArray[np.integer] | None, *, weight: float
    ) -> ArtistFeatures:
        """Count the playlists of each artist.

        Args:
            playlists: distinct tracks of each training playlist.
            weight: how much an artist counts beside a track; 0 or no artists switch the features off.
        """
        if artist_rows is None or weight <= 0:
            rows, scale = np.full(playlists.n_columns, -1, np.int32), np.zeros(0, np.float32)
            return cls(rows, scale, "none")
        rows = np.asarray(artist_rows, np.int32)
        n_artists = int(rows.max(initial=-1)) + 1
        counts = np.diff(_counted(playlists, rows, n_artists).tocsc().indptr)
        idf = np.log(max(playlists.n_rows, 1) / np.maximum(counts, 1))
        return cls(rows, (weight * idf).astype(np.float32), fingerprint("artists", rows, counts, weight))

    @property
    def n_artists(self) -> int:
        """Number of artists; 0 where the features are off."""
        return len(self.scale)

    def matrix(self, playlists: Interactions) -> csr_matrix:
        """Features of many playlists, float32 CSR ``(n_playlists, n_artists)``."""
        counted = _counted(playlists, self.artist_rows, self.n_artists)
        counted.data = np.log1p(counted.data) * self.scale[counted.indices]
        return counted

    def of(self, tracks: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Features of given tracks: artist rows, ascending, and values."""
        if self.n_artists == 0:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        artists = self.artist_rows[tracks]
        rows, counts = np.unique(artists[artists >= 0], return_counts=True)
        return rows, np.log1p(counts).astype(np.float32) * self.scale[rows]

    def save(self, folder: Path) -> None:
        """Write ``artists.json`` and two arrays into a folder."""
        save_array(folder / "artist_rows.npy", self.artist_rows)
        save_array(folder / "artist_scale.npy", self.scale)
        write_json(folder / "artists.json", {"fingerprint": self.fingerprint})

    @classmethod
    def load(cls, folder: Path) -> ArtistFeatures:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        return cls(
            artist_rows=load_array(folder / "artist_rows.npy"),
            scale=load_array(folder / "artist_scale.npy"),
            fingerprint=str(read_json(folder / "artists.json")["fingerprint"]),
        )


def _counted(playlists: Interactions, artist_rows: NDArray[np.int32], n_artists: int) -> csr_matrix:
    from scipy.sparse import csr_matrix  # fitting only

    artists = artist_rows[playlists.indices]
    known = artists >= 0
    indptr = np.concatenate([[0], np.cumsum(known)])[playlists.indptr]
    ones = np.ones(int(known.sum()), np.float32)
    counted = csr_matrix((ones, artists[known], indptr), shape=(playlists.n_rows, n_artists))
    counted.sum_duplicates()
    return counted
