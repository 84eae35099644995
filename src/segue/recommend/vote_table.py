"""Build the votes: title x track profiles, smoothed over similar playlists, cut where they are long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.recommend.titles import TitleTable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["idf_rows", "neighbour_matrix", "truncated", "vote_table"]

NEIGHBOURS = 50
EXACT_UP_TO = 20_000  # playlists; beyond it neighbours are looked for among landmarks
_LANDMARKS = 60_000
_FACTORS = 64
_BLOCK = 512

Progress = Callable[[int, int, str], None]


def idf_rows(tracks: csr_matrix) -> csr_matrix:
    """Playlist x track rows weighted by ``log(n / df)`` and scaled to unit length."""
    from scipy.sparse import csr_matrix, diags_array

    df = np.asarray(tracks.sum(axis=0)).ravel()
    idf = np.log(tracks.shape[0] / np.maximum(df, 1)).astype(np.float32)
    weighted = csr_matrix(tracks @ diags_array(idf))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_matrix(diags_array(1 / np.maximum(norms, 1e-9)) @ weighted).astype(np.float32)


def neighbour_matrix(
    queries: csr_matrix, candidates: csr_matrix, k: int = NEIGHBOURS, *, progress: Progress | None = None
) -> csr_matrix:
    """Each query's ``k`` most similar candidates by dot product, weighted by it, rows summing to 1.

    Args:
        queries, candidates: unit rows over tracks, CSR float32.
    """
    from scipy.sparse import csr_matrix

    turned = candidates.T.tocsr()
    n = queries.shape[0]
    k = min(k, candidates.shape[0])
    columns, values, lengths = [], [], np.zeros(n, np.int64)
    for begin in range(0, n, _BLOCK):
        similar = (queries[begin : begin + _BLOCK] @ turned).toarray()
        rows = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        rows.sort(axis=1)
        found = np.maximum(np.take_along_axis(similar, rows, axis=1), 0)
        found /= np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
        columns.append(rows[found > 0])
        values.append(found[found > 0])
        lengths[begin : begin + len(rows)] = (found > 0).sum(axis=1)
        if progress:
            progress(min(n, begin + _BLOCK), n, "similar playlists")
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    data = np.concatenate(values) if values else np.zeros(0)
    indices = np.concatenate(columns) if columns else np.zeros(0, int)
    return csr_matrix((data.astype(np.float32), indices, indptr), shape=(n, candidates.shape[0]))


def vote_table(
    titles: TitleTable,
    tracks: csr_matrix,
    *,
    smoothing: float,
    length_power: float,
    max_tracks: int,
    rng_key: int = 0,
    exact_up_to: int = EXACT_UP_TO,
    progress: Progress | None = None,
) -> csr_matrix:
    """Title x track votes, CSR float32.

    Row ``u`` is the mean over the title's playlists ``j`` of ``(1 - g) y_j + g sum_i P_ji y_i`` with
    ``y = x / length ** length_power`` and ``P`` the similar playlists by idf-cosine of tracks; each row keeps its
    ``max_tracks`` heaviest tracks. Up to ``exact_up_to`` playlists ``P`` is exact; beyond, the mean idf vector of the
    title is compared with landmark playlists in the space of the tracks' factors.

    Source: DESIGN section 4, steps 4 and 5.
    """
    from scipy.sparse import csr_matrix, diags_array

    lengths = np.maximum(np.asarray(tracks.sum(axis=1)).ravel(), 1)
    profiles = csr_matrix(diags_array(lengths**-length_power) @ tracks).astype(np.float32)
    n, u = tracks.shape[0], len(titles)
    shares = np.repeat(1.0 / titles.counts, titles.counts).astype(np.float32)
    member = csr_matrix((shares, titles.playlists.indices, titles.playlists.indptr), shape=(u, n))
    if smoothing == 0 or u == 0:
        return truncated(member, profiles, max_tracks, progress=progress)
    if n <= exact_up_to:
        unit = idf_rows(tracks)
        similar = csr_matrix(member @ neighbour_matrix(unit, unit, progress=progress))
        spread = csr_matrix((1 - smoothing) * member + smoothing * similar)
        return truncated(spread, profiles, max_tracks, progress=progress)
    rng = np.random.default_rng(rng_key)
    landmarks = np.sort(rng.choice(n, min(n, _LANDMARKS), replace=False))
    similar = _landmark_neighbours(member, tracks, landmarks, rng, progress)
    spread = csr_matrix((1 - smoothing) * member + smoothing * similar)
    return truncated(spread, profiles, max_tracks, progress=progress)


def _landmark_neighbours(
    member: csr_matrix,
    tracks: csr_matrix,
    landmarks: NDArray[np.int64],
    rng: np.random.Generator,
    progress: Progress | None,
) -> csr_matrix:
    """Similar landmark playlists of each title: rows sum to 1, CSR ``(n_titles, n_playlists)``."""
    from scipy.sparse import csr_matrix

    unit = idf_rows(tracks)
    factors = track_factors(unit[landmarks], _FACTORS, rng)  # (t, r)
    places = unit @ factors  # (n, r)
    places /= np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)
    wanted = member @ places
    wanted /= np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9)
    marks = np.ascontiguousarray(places[landmarks].T)
    u, k = member.shape[0], min(NEIGHBOURS, len(landmarks))
    columns, values = np.zeros((u, k), np.int64), np.zeros((u, k), np.float32)
    for begin in range(0, u, _BLOCK):
        similar = wanted[begin : begin + _BLOCK] @ marks
        rows = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        rows.sort(axis=1)
        found = np.maximum(np.take_along_axis(similar, rows, axis=1), 0)
        columns[begin : begin + len(rows)] = landmarks[rows]
        values[begin : begin + len(rows)] = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
        if progress:
            progress(min(u, begin + _BLOCK), u, "similar playlists")
    indptr = np.arange(0, u * k + 1, k)
    return csr_matrix((values.ravel(), columns.ravel(), indptr), shape=(u, tracks.shape[0]))


def track_factors(rows: csr_matrix, r: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Right singular directions of ``rows`` by a randomised range finder with two power steps; float32 ``(t, r)``.

    Source: Halko, Martinsson and Tropp (2011), algorithm 4.4.
    """
    r = min(r, *rows.shape)
    turned = rows.T.tocsr()
    basis = _orthonormal(turned @ rng.standard_normal((rows.shape[0], r)).astype(np.float32))
    for _ in range(2):
        basis = _orthonormal(turned @ (rows @ basis))
    return basis


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Orthonormal columns that span the same, through the small Gram matrix: no second tall copy as in QR.

    Directions without length (fewer independent columns than asked for) become zero.
    """
    gram = (columns.T @ columns).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    kept = values > values[-1] * 1e-10
    inverse = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
    return np.asarray(columns @ (vectors * inverse).astype(np.float32), np.float32)


def truncated(
    weights: csr_matrix, profiles: csr_matrix, max_tracks: int, *, progress: Progress | None = None
) -> csr_matrix:
    """``weights @ profiles`` block by block, each row cut to its ``max_tracks`` largest values; CSR float32."""
    from scipy.sparse import csr_matrix

    n = weights.shape[0]
    columns, values, lengths = [], [], np.zeros(n, np.int64)
    for begin in range(0, n, _BLOCK):
        block = csr_matrix(weights[begin : begin + _BLOCK] @ profiles)
        block.sort_indices()
        for row in range(block.shape[0]):
            a, b = block.indptr[row], block.indptr[row + 1]
            indices, data = block.indices[a:b], block.data[a:b]
            if b - a > max_tracks:
                kept = np.sort(np.argpartition(-data, max_tracks - 1)[:max_tracks])
                indices, data = indices[kept], data[kept]
            columns.append(indices.astype(np.int32))
            values.append(data.astype(np.float32))
            lengths[begin + row] = len(indices)
        if progress:
            progress(min(n, begin + _BLOCK), n, "votes")
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(columns) if columns else np.zeros(0, np.int32)
    data = np.concatenate(values) if values else np.zeros(0, np.float32)
    return csr_matrix((data, indices, indptr), shape=(n, profiles.shape[1]))
