"""Ridge regression from titles to track factors: what a title's words say even where no similar title votes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array, save_array
from segue.recommend.scores import Scores, best
from segue.recommend.titles import TitleTable
from segue.recommend.vote_table import track_factors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["TitleRidge", "fit_ridge"]

CANDIDATES = 1_000  # the vote's best tracks, which the ridge scores again
_DEPTH = 100  # both scores are scaled by the mean of their best hundred before they are added


@dataclass(frozen=True, eq=False)
class TitleRidge:
    """A linear map from title features to track factors.

    Args:
        weights: float32 ``(d + d_ngrams, r)``. factors: one row per track, float16 ``(n_tracks, r)``.
        blend_weight: what the ridge counts beside the vote.
    """

    weights: NDArray[np.float32]
    factors: NDArray[np.float16]
    blend_weight: float

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the map."""
        return fingerprint(np.asarray(self.weights), self.blend_weight, list(self.factors.shape))

    def blend(self, scores: Scores, vector: NDArray[np.float32], ngrams: NDArray[np.float32]) -> Scores:
        """Add the ridge's scores to those of the vote's best tracks; both on the scale of their best hundred.

        Args:
            vector: unit title vector ``(d,)``. ngrams: dense n-gram vector ``(d_ngrams,)``.
        """
        if len(scores) == 0 or self.blend_weight == 0:
            return scores
        wanted = title_features(vector[None], ngrams[None])[0] @ self.weights
        head = best(scores, CANDIDATES)
        fitted = np.maximum(self.factors[head.rows].astype(np.float32) @ wanted, 0)
        scale = _scale(fitted)
        if scale <= 0:
            return scores
        values = scores.values / np.float32(_scale(head.values))
        added = np.zeros(len(self.factors), np.float32) if len(scores) > len(self.factors) // 8 else None
        boost = self.blend_weight * fitted / scale
        if added is not None:  # most tracks are scored: a dense lookup is cheaper than a sorted one
            added[head.rows] = boost
            return Scores(scores.rows, values + added[scores.rows])
        order = np.argsort(head.rows)
        at = np.minimum(np.searchsorted(head.rows[order], scores.rows), len(order) - 1)
        hit = head.rows[order][at] == scores.rows
        return Scores(scores.rows, values + np.where(hit, boost[order][at], 0).astype(np.float32))

    def save(self, folder: Path) -> dict[str, object]:
        """Write two arrays; the returned dict belongs into the manifest."""
        save_array(folder / "weights.npy", self.weights)
        save_array(folder / "factors.npy", self.factors)
        return {"blend_weight": self.blend_weight}

    @classmethod
    def load(cls, folder: Path, notes: dict[str, object]) -> TitleRidge:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        weight = notes.get("blend_weight")
        if not isinstance(weight, float):
            raise StoredDataError(
                f"{folder}: manifest.json does not say what the ridge weighs; train the model again"
            )
        return cls(load_array(folder / "weights.npy"), load_array(folder / "factors.npy"), weight)


def _scale(values: NDArray[np.float32]) -> float:
    depth = min(_DEPTH, len(values))
    return float(np.partition(values, len(values) - depth)[len(values) - depth :].mean())


def title_features(vectors: NDArray[np.float32], ngrams: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sentence vector and n-gram vector side by side, each with half of the squared length."""
    return np.hstack([vectors, ngrams]).astype(np.float32) * np.float32(np.sqrt(0.5))


def fit_ridge(
    titles: TitleTable,
    vectors: NDArray[np.float32],
    ngram_encoder: NgramEncoder,
    tracks: csr_matrix,
    *,
    blend_weight: float,
    penalty: float = 10.0,
    r: int = 300,
    length_power: float = 0.25,
    min_playlists: int = 1,
    rng_key: int = 0,
) -> TitleRidge:
    """Fit the map: every playlist's factors from its title, in closed form over distinct titles.

    Minimises ``sum_u n_u |W' f_u - y_u|^2 + penalty |W|^2`` with ``y_u`` the mean factors of the title's playlists.

    Args:
        vectors: unit title vectors, float32 ``(n_titles, d)``. tracks: playlist x track, binary CSR.
        r: number of factors. min_playlists: tracks in fewer get no factors.

    Source: DESIGN section 4, the row "ridge from title vector to SVD-300 track factors".
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import csr_matrix, diags_array

    lengths = np.maximum(np.asarray(tracks.sum(axis=1)).ravel(), 1)
    kept = np.flatnonzero(np.asarray(tracks.sum(axis=0)).ravel() >= min_playlists)
    profiles = csr_matrix(diags_array(lengths**-length_power) @ tracks[:, kept]).astype(np.float32)
    basis = track_factors(profiles, r, np.random.default_rng(rng_key))
    shares = np.repeat(1.0 / titles.counts, titles.counts).astype(np.float32)
    member = csr_matrix(
        (shares, titles.playlists.indices, titles.playlists.indptr), shape=(len(titles), len(lengths))
    )
    places = member @ (profiles @ basis)  # (u, r)
    features = title_features(vectors, ngram_encoder.encode(titles.read.to_list()))
    weighted = features * titles.counts[:, None].astype(np.float32)
    normal = (features.T @ weighted).astype(np.float64)
    normal[np.diag_indices_from(normal)] += penalty
    weights = cho_solve(cho_factor(normal, lower=True), (weighted.T @ places).astype(np.float64))
    factors = np.zeros((tracks.shape[1], basis.shape[1]), np.float16)
    factors[kept] = basis
    return TitleRidge(weights.astype(np.float32), factors, float(blend_weight))
