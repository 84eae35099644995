"""Which playlists share most tracks with which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.library import Library

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Neighbours", "best", "playlist_neighbours"]

_SAME = 0.9  # Jaccard index above which two playlists are one, as in the evaluation
_POSTINGS = 5_000  # a track in more playlists says little about any, and costs the square
_POOL = 60_000  # playlists that neighbours are looked for among
_CELLS = 4_000_000  # products held at a time
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The playlists that share most with each of some playlists.

    Args:
        rows: whose they are, int32 ``(m,)``.
        neighbours: best first, int32 ``(m, k)``, padded with -1.
        similarity: idf-cosine of distinct tracks in (0, 1], 0 for padding; float32 ``(m, k)``.
    """

    rows: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    similarity: NDArray[np.float32]

    def matrix(self, n_playlists: int) -> csr_matrix:
        """Similarities as float32 CSR ``(m, n_playlists)``."""
        from scipy.sparse import csr_matrix

        there = self.neighbours >= 0
        indptr = np.concatenate([[0], np.cumsum(there.sum(1))])
        parts = (self.similarity[there], self.neighbours[there], indptr)
        return csr_matrix(parts, shape=(len(self.rows), n_playlists))


def playlist_neighbours(
    library: Library,
    rows: Sequence[int] | None = None,
    *,
    k: int = 50,
    artists: bool = False,
    pool: int = _POOL,
    progress: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """The ``k`` playlists nearest each of the given ones (all without ``rows``) by idf-cosine of tracks, ties by row.

    A playlist is not its own neighbour, and neither is one that is the same playlist again (Jaccard index of the
    tracks above 0.9). idf is ``log(playlists / playlists with the track)``; tracks in more than 5,000 of the
    playlists that are looked at are passed over.

    Args:
        artists: whether the similarity is the mean of that and the idf-cosine of distinct artists, so that playlists
            of the same music without a track in common are neighbours too.
        pool: of a larger library so many playlists are looked at, a sample that is always the same.
        progress: called with playlists done and their number.
    """
    asked = np.arange(library.n_playlists) if rows is None else np.asarray(rows, np.int64)
    tracks = library.playlist_tracks.matrix()
    looked_at = np.arange(library.n_playlists, dtype=np.int32)
    if library.n_playlists > pool:
        looked_at = np.sort(np.random.default_rng(0).choice(looked_at, pool, replace=False))
    sizes = np.diff(tracks.indptr)
    unit = _unit_rows(tracks, looked_at)
    if artists:
        from scipy.sparse import hstack

        both = (unit, _unit_rows(_artist_matrix(library, tracks), looked_at))
        unit = hstack(both, format="csr", dtype=np.float32) * np.float32(np.sqrt(0.5))
    columns = unit[looked_at].T.tocsr()
    near = np.full((len(asked), k), -1, np.int32)
    similarity = np.zeros((len(asked), k), np.float32)
    for begin, end in _blocks(unit, asked, np.diff(columns.indptr)):
        products = unit[asked[begin:end]] @ columns
        for place, row in enumerate(asked[begin:end].tolist(), begin):
            first, last = products.indptr[place - begin], products.indptr[place - begin + 1]
            found, values = looked_at[products.indices[first:last]], products.data[first:last]
            kept = (found != row) & (values > 0)
            found, values = found[kept], values[kept]
            nearest = best(values, found, k + 20)
            nearest = nearest[~_same(tracks, row, found[nearest], sizes)][:k]
            near[place, : len(nearest)], similarity[place, : len(nearest)] = found[nearest], values[nearest]
        if progress is not None:
            progress(end, len(asked))
    return Neighbours(asked.astype(np.int32), near, np.minimum(similarity, 1.0))


def best(values: NDArray[Any], ties: NDArray[Any], n: int) -> NDArray[np.int64]:
    """Places of the ``n`` highest values, ties by the lower of ``ties``."""
    if len(values) > 4 * n:
        least = np.partition(values, len(values) - n)[len(values) - n]
        near = np.flatnonzero(values >= least)
        return near[np.lexsort((ties[near], -values[near]))][:n]
    return np.lexsort((ties, -values))[:n]


def _unit_rows(matrix: csr_matrix, looked_at: NDArray[np.int32]) -> csr_matrix:
    """Rows under the idf of all rows, of unit length; what too many of those that are looked at have is left out."""
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    idf = np.log(max(matrix.shape[0], 1) / np.maximum(counts, 1)).astype(np.float32)
    if len(looked_at) < matrix.shape[0]:
        counts = np.bincount(matrix[looked_at].indices, minlength=matrix.shape[1])
    idf[counts > _POSTINGS] = 0.0
    weighted = matrix.copy()
    weighted.data = idf[matrix.indices]
    weighted.eliminate_zeros()
    squares = np.asarray(weighted.multiply(weighted).sum(1)).ravel()
    weighted.data /= np.repeat(np.sqrt(np.maximum(squares, 1e-12)), np.diff(weighted.indptr)).astype(np.float32)
    return weighted


def _artist_matrix(library: Library, tracks: csr_matrix) -> csr_matrix:
    """Which playlist has which artist, binary float32 CSR; tracks without one have none."""
    from scipy.sparse import csr_matrix

    known = np.array([bool(name.strip()) for name in library.artist_names], bool)
    of = library.artist_rows
    held = known[of] if len(known) else np.zeros(0, bool)
    rows = np.flatnonzero(held)
    parts = (np.ones(len(rows), np.float32), (rows, of[rows]))
    found = (tracks @ csr_matrix(parts, shape=(library.n_tracks, len(known)))).tocsr()
    found.data[:] = 1.0
    found.sort_indices()
    return found


def _blocks(unit: csr_matrix, asked: NDArray[np.int64], postings: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Places of the asked rows in blocks whose products fit into memory."""
    begin, cells = 0, 0
    for place, row in enumerate(asked.tolist()):
        cost = int(postings[unit.indices[unit.indptr[row] : unit.indptr[row + 1]]].sum())
        if place > begin and (cells + cost > _CELLS or place - begin >= _BLOCK):
            yield begin, place
            begin, cells = place, 0
        cells += cost
    if begin < len(asked):
        yield begin, len(asked)


def _same(tracks: csr_matrix, row: int, others: NDArray[np.int32], sizes: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the others have a Jaccard index above 0.9 with a playlist."""
    same = np.zeros(len(others), bool)
    mine, size = tracks.indices[tracks.indptr[row] : tracks.indptr[row + 1]], int(sizes[row])
    alike = np.minimum(sizes[others], size) > _SAME * np.maximum(sizes[others], size)
    for place in np.flatnonzero(alike).tolist():
        theirs = tracks.indices[tracks.indptr[others[place]] : tracks.indptr[others[place] + 1]]
        shared = len(np.intersect1d(mine, theirs, assume_unique=True))
        same[place] = shared > _SAME * (size + len(theirs) - shared)
    return same
