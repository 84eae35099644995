"""EASE: a linear model from the tracks of a playlist to the tracks it lacks, solved through the playlists.

With ``F`` the playlists' features (tracks divided by ``length ** length_power``, then artists), ``K = F F^T`` and
``M = (K + ridge I)^-1``, the closed form for item weights without self-influence, ``B_ij = -P_ij / P_jj`` with
``P = (F^T F + ridge I)^-1``, becomes ``score_j = f_q F^T M y_j / (1 - y_j^T M y_j)`` for a query's features ``f_q``:
a matrix over playlists, none over tracks. Beyond :data:`MAX_EXACT` playlists use
:class:`~segue.recommend.playlist_ridge.PlaylistRidge`, which solves the same system without the matrix.

Source: H. Steck 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8; the dual form is the push-through
identity.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.features import ArtistFeatures
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, known_seeds

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

__all__ = ["MAX_EXACT", "Ease", "EaseSettings", "fit_ease"]

MAX_EXACT = 20_000  # playlists; the square matrix takes 1.6 GB there


@dataclass(frozen=True)
class EaseSettings:
    """Settings of an EASE model.

    Args:
        ridge: added to the diagonal; few given tracks want more of it.
        artist_weight: how much an artist counts beside a track; 0 is plain EASE.
        length_power: playlists count ``1 / length ** length_power``.
    """

    ridge: float = 400.0
    artist_weight: float = 0.0
    length_power: float = 0.25


@dataclass(frozen=True, eq=False)
class Ease:
    """The solved model.

    Args:
        features: ``F``, tracks and then artists, CSC.
        inverse: ``M``, float32 ``(n_playlists, n_playlists)``.
        slack: ``1 - y_j^T M y_j`` of each track, float32 in (0, 1].
    """

    index: PlaylistIndex
    artists: ArtistFeatures
    settings: EaseSettings
    features: csc_matrix
    inverse: NDArray[np.float32]
    slack: NDArray[np.float32]

    @property
    def fingerprint(self) -> str:
        """Digest of playlists, artists and settings."""
        return fingerprint("ease", self.index.fingerprint, self.artists.fingerprint, asdict(self.settings))

    def score_tracks(self, tracks: NDArray[np.int32]) -> Scores:
        """Scores of all tracks that a training playlist holds, for given ones."""
        artists, values = self.artists.of(tracks)
        columns = np.concatenate([tracks, self.index.n_tracks + artists])
        kernel = self.features[:, columns] @ np.concatenate([np.ones(len(tracks), np.float32), values])
        weights = self.inverse @ kernel.astype(np.float32)
        rows = np.flatnonzero(self.index.popularity.counts).astype(np.int32)
        sums = self.features.T[: self.index.n_tracks] @ weights
        return Scores(rows, (sums[rows] / self.slack[rows]).astype(np.float32))

    def score(self, query: Query) -> Scores:
        """Scores of all tracks; none without given tracks."""
        seeds = known_seeds(query.seed_tracks, self.index.n_tracks)
        return self.score_tracks(seeds) if len(seeds) else Scores.none()

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest positive scores, then popular ones."""
        said = remarks(query, self.index.n_tracks, uses_title=False, uses_seeds=True)
        return self.index.popularity.fill(self.score(query), query, n, said)


def fit_ease(index: PlaylistIndex, settings: EaseSettings, artist_rows: NDArray[np.integer] | None = None) -> Ease:
    """Solve the model.

    Args:
        artist_rows: artist of each track, -1 where unknown; needed when ``settings.artist_weight`` is positive.

    Raises:
        TrainingError: there are too many playlists for the exact form, or none.
    """
    if index.n_playlists == 0:
        raise TrainingError("there is no playlist to learn from; add playlists to the library")
    artists = ArtistFeatures.fitted(index.playlists, artist_rows, weight=settings.artist_weight)
    if index.n_playlists > MAX_EXACT:
        raise TrainingError(
            f"EASE needs a matrix over {index.n_playlists:,} playlists, more than {MAX_EXACT:,}; use PlaylistRidge"
        )
    return _solved(index, artists, settings)


def _solved(index: PlaylistIndex, artists: ArtistFeatures, settings: EaseSettings) -> Ease:
    from scipy.linalg import lapack
    from scipy.sparse import csc_matrix, diags_array, hstack

    x = index.playlists.matrix()
    lengths = np.maximum(np.diff(x.indptr), 1).astype(np.float32) ** np.float32(-settings.length_power)
    weigh = diags_array(lengths)
    y = (weigh @ x).tocsr()
    a = (weigh @ artists.matrix(index.playlists)).tocsr().astype(np.float32)
    kernel = (y @ y.T).toarray(order="F")
    if artists.n_artists:
        kernel += (a @ a.T).toarray(order="F")
    kernel[np.diag_indices(index.n_playlists)] += settings.ridge
    # Cholesky and inverse in place, in float32: K + ridge I is far from singular for any useful ridge
    factor, failed = lapack.spotrf(kernel, lower=1, overwrite_a=1)
    if failed == 0:
        inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise TrainingError(f"EASE could not be solved with ridge {settings.ridge}; raise it")
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    features = csc_matrix(hstack([y, a], format="csc", dtype=np.float32))
    return Ease(index, artists, settings, features, np.ascontiguousarray(inverse), _slack(y, inverse))


def _slack(y: csr_matrix, inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    """``1 - y_j^T M y_j`` by blocks of tracks, kept away from zero."""
    by_track = y.T.tocsr()
    slack = np.ones(by_track.shape[0], np.float32)
    block = max(1, 20_000_000 // max(inverse.shape[0], 1))
    for start in range(0, by_track.shape[0], block):
        part = by_track[start : start + block]
        own = np.asarray(part.multiply(part @ inverse).sum(axis=1)).ravel()
        slack[start : start + block] -= own
    return np.maximum(slack, np.float32(1e-3))
