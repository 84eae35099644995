"""What lists are like beyond their hits: fit to the hidden playlist and to the title, popularity, variety."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library import Interactions, Qrels, Run, top

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "CONTENT_NEIGHBOURS",
    "DEPTH",
    "TITLE_NEIGHBOURS",
    "content_lift",
    "content_neighbours",
    "lift",
    "list_diversity",
    "popularity_overlap",
    "title_lift",
    "title_neighbours",
]

DEPTH = 66
CONTENT_NEIGHBOURS = 50
TITLE_NEIGHBOURS = 200
_NOBODY = -1
_CELLS = 1 << 23  # similarities held at once: 32 MB of float32

Values = NDArray[np.float64]


def content_lift(run: Run, qrels: Qrels, training: Interactions, *, k: int = DEPTH) -> Values:
    """How much more often a list's tracks occur near the *hidden* playlist than anywhere, in bits.

    :func:`lift` against the 50 training playlists nearest the hidden one by idf-cosine of tracks.

    Returns:
        float64 ``(n_queries,)``, in the order of ``qrels``.

    Source: docs/metrics.md.
    """
    return lift(run, list(qrels), content_neighbours(qrels, training), training, CONTENT_NEIGHBOURS, k=k)


def title_lift(
    run: Run,
    qrels: Qrels,
    training: Interactions,
    query_vectors: NDArray[np.float32],
    training_vectors: NDArray[np.float32],
    *,
    k: int = DEPTH,
) -> Values:
    """The same against the 200 training playlists nearest by title vector: a diagnostic, in bits.

    Args:
        query_vectors: unit vectors of the queries' titles, pretrained, ``(n_queries, d)``, in the order of ``qrels``.
        training_vectors: the same for the training playlists, ``(n_training, d)``.

    Returns:
        float64 ``(n_queries,)``.
    """
    neighbours = title_neighbours(query_vectors, training_vectors)
    return lift(run, list(qrels), neighbours, training, TITLE_NEIGHBOURS, k=k)


def lift(
    run: Run,
    query_ids: Sequence[str],
    neighbours: NDArray[np.int32],
    training: Interactions,
    n_neighbours: int,
    *,
    k: int = DEPTH,
) -> Values:
    """Mean over the first ``k`` tracks of log2(((c + pi) / (m + 1)) / pi).

    c is in how many of the m neighbours the track occurs, pi in what share of all training playlists. A track of no
    training playlist is left out; a query without neighbours, or without any track that counts, is nan.

    Args:
        query_ids: the queries, in the order of ``neighbours``.
        neighbours: training rows ``(n, m)``, -1 where there are fewer.
        n_neighbours: m, as asked for; a smaller corpus lowers it.

    Returns:
        float64 ``(n,)``, bits; 0 is what tracks drawn by popularity get.

    >>> training = Interactions.of([[0], [0], [1], [2]], n_columns=3)
    >>> run = Run("example", {"q": np.array([0], np.int32)})
    >>> round(float(lift(run, ["q"], np.array([[0, 1]], np.int32), training, 2)[0]), 3)  # log2(2.5 / 3 / 0.5)
    0.737
    """
    m = min(n_neighbours, training.n_rows)
    matrix = training.matrix()
    share = np.diff(matrix.tocsc().indptr) / max(training.n_rows, 1)
    out = np.full(len(query_ids), np.nan)
    for block in _blocks(len(query_ids), 1 << 14):
        counts = _membership(neighbours[block], training.n_rows) @ matrix
        for place, row in enumerate(range(block.start, block.stop)):
            tracks = run.rankings.get(query_ids[row], np.zeros(0, np.int32))[:k]
            tracks = tracks[share[tracks] > 0]
            first, last = counts.indptr[place], counts.indptr[place + 1]
            if not len(tracks) or first == last:
                continue
            c = _look_up(counts.indices[first:last], counts.data[first:last], tracks)
            pi = share[tracks]
            out[row] = np.mean(np.log2((c + pi) / (m + 1) / pi))
    return out


def content_neighbours(qrels: Qrels, training: Interactions, m: int = CONTENT_NEIGHBOURS) -> NDArray[np.int32]:
    """The ``m`` training playlists nearest each hidden playlist by idf-cosine of distinct tracks, ties by row.

    idf is log(training playlists / playlists with the track); a playlist without a track in common is no neighbour.

    Returns:
        int32 ``(n_queries, m)``, padded with -1.
    """
    matrix = training.matrix()
    counts = np.diff(matrix.tocsc().indptr)
    idf = np.log(max(training.n_rows, 1) / np.maximum(counts, 1)).astype(np.float32)
    weighted = _weighted_unit_rows(matrix, idf).T.tocsr()
    hidden = Interactions.of(qrels.relevant.values(), n_columns=training.n_columns).matrix()
    asked = _weighted_unit_rows(hidden, idf)
    out = np.full((len(qrels), m), _NOBODY, np.int32)
    for block in _blocks(len(qrels), max(1, _CELLS // max(training.n_rows, 1))):
        similarity = (asked[block] @ weighted).toarray()
        similarity[similarity <= 0] = -np.inf
        for row, values in zip(range(block.start, block.stop), similarity, strict=True):
            nearest = top(values, m).rows
            out[row, : len(nearest)] = nearest
    return out


def title_neighbours(
    query_vectors: NDArray[np.float32], training_vectors: NDArray[np.float32], m: int = TITLE_NEIGHBOURS
) -> NDArray[np.int32]:
    """The ``m`` training playlists nearest each query by cosine of title vectors, ties by row; int32 ``(n, m)``."""
    out = np.full((len(query_vectors), m), _NOBODY, np.int32)
    for block in _blocks(len(query_vectors), max(1, _CELLS // max(len(training_vectors), 1))):
        similarity = query_vectors[block] @ training_vectors.T
        for row, values in zip(range(block.start, block.stop), similarity, strict=True):
            nearest = top(values, m).rows
            out[row, : len(nearest)] = nearest
    return out


def popularity_overlap(run: Run, qrels: Qrels, *, k: int = DEPTH) -> Values:
    """Share of each list's first ``k`` that is also among the ``k`` most popular tracks, float64 ``(n_queries,)``.

    An empty list is nan.

    Raises:
        ValueError: the truth carries no popularity.
    """
    if qrels.popularity is None:
        raise ValueError("the overlap with the popularity list needs Qrels(..., popularity=...)")
    popular = top(qrels.popularity.astype(np.float64), k).rows
    out = np.full(len(qrels), np.nan)
    for place, query_id in enumerate(qrels):
        tracks = run.rankings.get(query_id, np.zeros(0, np.int32))[:k]
        if len(tracks):
            out[place] = np.isin(tracks, popular).mean()
    return out


def list_diversity(run: Run, keys: Sequence[tuple[str, str]], *, k: int = DEPTH) -> float:
    """Mean Jaccard index of the first ``k`` tracks over all pairs of different titles.

    **0: no two lists share a track; 1: every title gets the same list.** Lower is more diverse.

    Args:
        keys: (query id, title as compared); the first query of each title counts.

    Returns:
        nan with fewer than two titles.
    """
    first: dict[str, str] = {}
    for query_id, title in keys:
        first.setdefault(title, query_id)
    lists = [run.rankings.get(q, np.zeros(0, np.int32))[:k] for q in first.values()]
    n = len(lists)
    if n < 2:
        return float("nan")
    width = 1 + max((int(tracks.max(initial=0)) for tracks in lists), default=0)
    matrix = Interactions.of(lists, n_columns=width).matrix()
    sizes = np.diff(matrix.indptr).astype(np.float64)
    transposed = matrix.T.tocsr()
    total = 0.0
    for block in _blocks(n, max(1, _CELLS // n)):
        shared = (matrix[block] @ transposed).toarray().astype(np.float64)
        union = sizes[block, None] + sizes[None, :] - shared
        total += float(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0).sum())
    return (total - float((sizes > 0).sum())) / (n * (n - 1))


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _weighted_unit_rows(matrix: csr_matrix, weights: NDArray[np.float32]) -> csr_matrix:
    """Columns times weights, then rows to unit length; a row of zeros stays one."""
    from scipy.sparse import csr_matrix  # imported late: queries never need it

    data = weights[matrix.indices]
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    norms = np.sqrt(np.bincount(row_of, data.astype(np.float64) ** 2, minlength=matrix.shape[0]))
    data = (data / np.maximum(norms, 1e-12)[row_of]).astype(np.float32)
    return csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _membership(neighbours: NDArray[np.int32], n_columns: int) -> csr_matrix:
    from scipy.sparse import csr_matrix  # imported late: queries never need it

    row_of, place = np.nonzero(neighbours != _NOBODY)
    ones = np.ones(len(row_of), np.float32)
    return csr_matrix((ones, (row_of, neighbours[row_of, place])), shape=(len(neighbours), n_columns))


def _look_up(columns: NDArray[np.integer], data: NDArray[np.float32], wanted: NDArray[np.int32]) -> Values:
    """Entries of one sparse row at the wanted columns, 0 where there is none."""
    order = np.argsort(columns, kind="stable")
    place = np.minimum(np.searchsorted(columns[order], wanted), len(columns) - 1)
    found = columns[order][place] == wanted
    return np.where(found, data[order][place], 0.0).astype(np.float64)
