"""Low-rank factors of tracks and artists: EASE for libraries whose playlists are too many for a square matrix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.recommend.features import ArtistFeatures
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.scores import Scores

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from segue.recommend.ease import EaseSettings

__all__ = ["TrackFactors", "fit_factors"]

_OVERSAMPLING = 16
_ITERATIONS = 3
_HIGHEST = 1000.0  # factors are scaled to this, so that float16 keeps three digits of the small ones too
_BLOCK = 16_384


@dataclass(frozen=True, eq=False)
class TrackFactors:
    """Features projected on the leading left singular vectors of the playlists' feature matrix.

    Args:
        rows: tracks that have factors, ascending, int32 ``(m,)``.
        position: where each track's factors are, -1 for none, int32 ``(n_tracks,)``.
        tracks: float16 ``(m, r)``. artists: float16 ``(n_artists, r)``; both times ``scale``.
        energies: squared singular values, float32 ``(r,)``, falling.
        artist_features: how given tracks read as artists.
    """

    rows: NDArray[np.int32]
    position: NDArray[np.int32]
    tracks: NDArray[np.float16]
    artists: NDArray[np.float16]
    energies: NDArray[np.float32]
    scale: float
    artist_features: ArtistFeatures
    fingerprint: str

    def read(self, tracks: NDArray[np.int32]) -> NDArray[np.float32]:
        """Given tracks, with their artists, as one vector float32 ``(r,)``."""
        at = self.position[tracks]
        vector = self.tracks[at[at >= 0]].astype(np.float32).sum(axis=0)
        artists, values = self.artist_features.of(tracks)
        if len(artists):
            vector = vector + values @ self.artists[artists].astype(np.float32)
        return np.asarray(vector, np.float32)

    def score(self, tracks: NDArray[np.int32], candidates: NDArray[np.int32], ridge: float) -> Scores:
        """EASE scores of the candidates that have factors, for given tracks."""
        at = self.position[candidates]
        kept = at >= 0
        candidates, at = candidates[kept], at[kept]
        damped = np.float32(1.0 / self.scale**2) / (self.energies + np.float32(ridge))
        asked = self.read(tracks) * damped
        values = np.empty(len(at), np.float32)
        for start in range(0, len(at), _BLOCK):
            factors = self.tracks[at[start : start + _BLOCK]].astype(np.float32)
            own = np.square(factors) @ damped
            values[start : start + _BLOCK] = (factors @ asked) / np.maximum(np.float32(1.0) - own, np.float32(1e-3))
        return Scores(np.asarray(candidates, np.int32), values)

    def save(self, folder: Path) -> None:
        """Write the factors into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("rows", "position", "tracks", "artists", "energies"):
            save_array(folder / f"{name}.npy", getattr(self, name))
        self.artist_features.save(folder)
        write_json(folder / "factors.json", {"scale": self.scale, "fingerprint": self.fingerprint})

    @classmethod
    def load(cls, folder: Path) -> TrackFactors:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        about = read_json(folder / "factors.json")
        arrays: dict[str, Any] = {
            name: load_array(folder / f"{name}.npy") for name in ("rows", "position", "tracks", "artists", "energies")
        }
        return cls(
            scale=float(about["scale"]),
            fingerprint=str(about["fingerprint"]),
            artist_features=ArtistFeatures.load(folder),
            **arrays,
        )


def fit_factors(index: PlaylistIndex, artists: ArtistFeatures, settings: EaseSettings) -> TrackFactors:
    """Factor the playlists' features by subspace iteration; the rank is what the library has, at most.

    Source: N. Halko, P. Martinsson, J. Tropp 2011, "Finding structure with randomness", algorithm 4.4.
    """
    assert settings.rank is not None
    rows = np.flatnonzero(index.popularity.counts >= settings.min_playlists).astype(np.int32)
    position = np.full(index.n_tracks, -1, np.int32)
    position[rows] = np.arange(len(rows), dtype=np.int32)
    features = _features(index, artists, position, len(rows), settings.length_power)
    rank = min(settings.rank, *features.shape)
    basis, energies = _leading(features, rank)
    n_artists = artists.n_artists
    highest = float(max(np.abs(basis).max(initial=0.0), 1e-12))
    scale = _HIGHEST / highest
    basis *= np.float32(scale)
    factors = basis.astype(np.float16)
    return TrackFactors(
        rows=rows,
        position=position,
        tracks=factors[: len(rows)],
        artists=factors[len(rows) : len(rows) + n_artists],
        energies=energies,
        scale=scale,
        artist_features=artists,
        fingerprint=fingerprint("factors", index.fingerprint, artists.fingerprint, energies, len(rows)),
    )


def _features(
    index: PlaylistIndex, artists: ArtistFeatures, position: NDArray[np.int32], n_rows: int, length_power: float
) -> csr_matrix:
    """Tracks that have factors, then artists; each playlist divided by its length to the power."""
    from scipy.sparse import csr_matrix, hstack

    x = index.playlists
    weights = np.maximum(x.lengths, 1).astype(np.float32) ** np.float32(-length_power)
    columns = position[x.indices]
    kept = columns >= 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[x.indptr]
    values = np.repeat(weights, np.diff(indptr))
    tracks = csr_matrix((values, columns[kept], indptr), shape=(x.n_rows, n_rows))
    if artists.n_artists == 0:
        return tracks
    liked = artists.matrix(x)
    liked.data *= np.repeat(weights, np.diff(liked.indptr))
    return csr_matrix(hstack([tracks, liked], format="csr", dtype=np.float32))


def _leading(features: csr_matrix, rank: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """``F^T U`` for the leading left singular vectors ``U`` and the squared singular values, largest first."""
    rng = np.random.default_rng(2019)
    width = min(rank + _OVERSAMPLING, *features.shape)
    transposed = features.T
    subspace = rng.standard_normal((features.shape[0], width), dtype=np.float32)
    for _ in range(_ITERATIONS):
        subspace = np.linalg.qr(subspace)[0]
        subspace = features @ (transposed @ subspace)
    subspace = np.linalg.qr(subspace)[0]
    projected = np.asarray(transposed @ subspace, np.float32)
    gram = (projected.T @ projected).astype(np.float64)
    energies, turn = np.linalg.eigh(gram)
    turn = turn[:, ::-1][:, :rank]
    turn = turn * np.where(turn[np.abs(turn).argmax(axis=0), np.arange(rank)] < 0, -1.0, 1.0)
    return projected @ turn.astype(np.float32), np.maximum(energies[::-1][:rank], 0.0).astype(np.float32)
