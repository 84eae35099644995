"""Playlists by who holds the same tracks: a truncated SVD that new playlists can be placed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from segue.library.library import Library

__all__ = ["Cooccurrence"]

_MORE = 16  # directions beyond those wanted; they make the wanted ones exact
_PASSES = 6
_NOTHING = 1e-5  # a singular value so much smaller than the first is rounding


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """The main directions of the playlist x track matrix.

    Each playlist is a row of its tracks' idf, ``ln(n / playlists with the track)``, scaled to unit length; its vector
    is that row times the right singular vectors, scaled to unit length again. Tracks of one playlist join nothing
    and are left out.

    Args:
        column: place of each track among those that count, int32 ``(n_tracks,)``; -1 for none.
        idf: float32 ``(m,)``.
        directions: right singular vectors, float32 ``(m, d)``; of each the largest entry is positive.
        report: sizes.

    Source: Halko, Martinsson and Tropp 2011, "Finding structure with randomness", algorithm 4.4.
    """

    column: NDArray[np.int32]
    idf: NDArray[np.float32]
    directions: NDArray[np.float32]
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fitted(cls, library: Library, rows: NDArray[np.integer], *, d: int = 64, rng_key: int = 0) -> Cooccurrence:
        """Find the directions of the given playlists.

        Args:
            library: holds them.
            rows: playlist rows; nothing else of the library is looked at.
            d: number of directions; fewer come out where the matrix has not so many.
            rng_key: key of the random start.

        Raises:
            InputError: no track is in two playlists.
        """
        if d < 1:
            raise ValueError("d is at least 1")
        counts = library.playlist_tracks.select(rows).column_counts()
        shared = np.flatnonzero(counts >= 2)
        if not len(shared):
            raise InputError(
                "no track is in two playlists, so there is nothing to cluster by; use the tracks' names (content)"
            )
        column = np.full(library.n_tracks, -1, np.int32)
        column[shared] = np.arange(len(shared), dtype=np.int32)
        # a track of every playlist says nothing, yet a library of copies should still have a vector
        idf = np.maximum(np.log(len(rows) / counts[shared]), 1e-3).astype(np.float32)
        matrix = _weighted(library, rows, column, idf)
        directions, values = _right_singular(matrix, min(d, *matrix.shape), rng_key)
        explained = float((values.astype(np.float64) ** 2).sum() / max(matrix.multiply(matrix).sum(), 1e-12))
        report = {"n_tracks": len(shared), "d": len(values), "explained_percent": round(100 * explained, 2)}
        return cls(column, idf, directions, report)

    def vectors(self, library: Library, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Place playlists: unit rows float32 ``(len(rows), d)``, zero where no track counts."""
        found = np.asarray(_weighted(library, rows, self.column, self.idf) @ self.directions, np.float32)
        norms = np.sqrt(np.einsum("ij,ij->i", found, found, dtype=np.float64)).astype(np.float32)
        norms[norms < 1e-6] = np.inf  # beside all directions: nothing is known, and rounding must not be blown up
        found /= norms[:, None]
        return found


def _weighted(
    library: Library, rows: NDArray[np.integer], column: NDArray[np.int32], idf: NDArray[np.float32]
) -> csr_matrix:
    """Playlists as unit rows of idf, float32 CSR ``(len(rows), m)``."""
    from scipy.sparse import csr_matrix  # imported late: queries never need it

    chosen = library.playlist_tracks.select(rows).distinct()
    columns = column[chosen.indices]
    known = columns >= 0
    kept_before = np.concatenate([[0], np.cumsum(known)])
    indptr = kept_before[chosen.indptr]
    columns = columns[known]
    weights = idf[columns]
    of = np.repeat(np.arange(len(rows)), np.diff(indptr))
    norms = np.sqrt(np.bincount(of, weights.astype(np.float64) ** 2, minlength=len(rows)))
    matrix = csr_matrix((weights / norms[of].astype(np.float32), columns, indptr), shape=(len(rows), len(idf)))
    matrix.sort_indices()
    return matrix


def _right_singular(matrix: csr_matrix, d: int, rng_key: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Right singular vectors float32 ``(m, d)`` and singular values of a sparse matrix, by subspace iteration."""
    width = min(d + _MORE, *matrix.shape)
    start = np.random.default_rng([rng_key, 1]).standard_normal((matrix.shape[1], width)).astype(np.float32)
    back = matrix.T.tocsr()
    basis = np.linalg.qr(matrix @ start)[0]
    for _ in range(_PASSES):
        basis = np.linalg.qr(matrix @ np.linalg.qr(back @ basis)[0])[0]
    small = np.asarray(back @ basis, np.float64)  # (m, width): the matrix seen from its own main directions
    values, inner = np.linalg.eigh(small.T @ small)
    order = np.argsort(-values, kind="stable")[:d]
    values = np.sqrt(np.maximum(values[order], 0))
    real = values > _NOTHING * values[0]
    values, inner = values[real], inner[:, order[real]]
    directions = small @ inner / values
    largest = directions[np.argmax(np.abs(directions), axis=0), np.arange(len(values))]
    return (directions * np.sign(largest)).astype(np.float32), values
