"""Playlists as vectors of their content: the mean of their tracks' texts, each distinct text encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.cluster.cooccurrence import Cooccurrence
from segue.views import text as views

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix

    from segue.library.library import Library

__all__ = [
    "TextEncoder",
    "TrackText",
    "collaborative_vectors",
    "content_vectors",
    "covered_tracks",
    "joint_vectors",
    "scaled",
]

Progress = Callable[[int, int, str], None]
TrackText = Literal["name", "name_artist"]

_BLOCK = 16_384  # distinct texts whose vectors are in memory at a time


class TextEncoder(Protocol):
    """What is asked of an encoder here; every one of ``segue.encode`` is such."""

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        ...

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``."""
        ...


def content_vectors(
    library: Library,
    rows: NDArray[np.integer],
    encoder: TextEncoder,
    *,
    text: TrackText = "name",
    coverage: float = 1.0,
    tracks: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """The mean vector of each playlist's tracks, scaled to unit length.

    Tracks of the same text share one encoding; a playlist that has several of them counts each. The memory that is
    needed is that of the result and of some thousand texts, however many tracks there are.

    Args:
        library: holds playlists and tracks.
        rows: playlist rows.
        encoder: reads the tracks' texts; a ``CachedEncoder`` keeps them, so that a killed run goes on.
        text: name of the track, or name and artist.
        coverage: the most-played tracks are encoded that hold this share of all (playlist, track) rows, in (0, 1].
        tracks: tracks that count, bool ``(n_tracks,)``, of :func:`covered_tracks` for other rows, say; instead of
            ``coverage``.

    Returns:
        float32 ``(len(rows), d)``: unit rows, zero for a playlist without a track that counts; and a report.

    Source: the published title system (mean of the track names' vectors).
    """
    chosen = library.playlist_tracks.select(rows).distinct()
    counts = np.bincount(chosen.indices, minlength=library.n_tracks)
    counting = covered_tracks(library, rows, coverage) if tracks is None else tracks
    order = np.lexsort((np.arange(len(counts)), -counts))
    order = order[(counting & (counts > 0))[order]]  # the most-played first: a run that is stopped has done the most
    texts, of_track = _distinct(library, order, text)
    matrix = _playlist_by_text(chosen.indptr, chosen.indices, of_track, len(texts))
    sums = np.zeros((len(rows), encoder.d), np.float32)
    for begin in range(0, len(texts), _BLOCK):
        block = texts[begin : begin + _BLOCK]

        def said(done: int, _: int, begin: int = begin) -> None:
            if progress is not None:
                progress(begin + done, len(texts), "encoding distinct track texts")

        said(0, 0)
        vectors = encoder.encode(block, progress=said)
        part = matrix[:, begin : begin + len(block)]
        touched = np.unique(part.indices)
        if len(touched):
            sums[touched] += part.tocsr()[touched] @ vectors
    found = scaled(sums)
    encoded = int(matrix.sum())
    report = {
        "text": text,
        "coverage": coverage,
        "n_tracks": int((counts > 0).sum()),
        "n_tracks_encoded": int((of_track >= 0).sum()),
        "n_texts": len(texts),
        "n_rows": len(chosen.indices),
        "n_rows_encoded": encoded,
        "rows_encoded_percent": round(100.0 * encoded / max(len(chosen.indices), 1), 3),
        "n_playlists": len(rows),
        "n_playlists_without_vector": int((~found.any(axis=1)).sum()),
    }
    return found, report


def covered_tracks(library: Library, rows: NDArray[np.integer], coverage: float = 1.0) -> NDArray[np.bool_]:
    """The most-played tracks of the playlists that together hold ``coverage`` of their (playlist, track) rows.

    Ties go to the lower track row. Bool ``(n_tracks,)``.
    """
    if not 0 < coverage <= 1:
        raise ValueError("coverage lies in (0, 1]")
    counts = library.playlist_tracks.select(rows).column_counts()
    order = np.lexsort((np.arange(len(counts)), -counts))
    before = np.cumsum(counts[order]) - counts[order]  # rows that the tracks ahead hold
    taken = (before < coverage * counts.sum()) & (counts[order] > 0)
    covered = np.zeros(len(counts), bool)
    covered[order[taken]] = True
    return covered


def collaborative_vectors(
    library: Library, rows: NDArray[np.integer], *, d: int = 64, rng_key: int = 0
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Playlists by who holds the same tracks: unit rows float32 ``(len(rows), <= d)``, and a report.

    See :class:`~segue.cluster.cooccurrence.Cooccurrence`, which also places other playlists among them.
    """
    space = Cooccurrence.fitted(library, rows, d=d, rng_key=rng_key)
    vectors = space.vectors(library, rows)
    return vectors, space.report | {"n_playlists_without_vector": int((~vectors.any(axis=1)).sum())}


def joint_vectors(
    content: NDArray[np.float32], collaborative: NDArray[np.float32], weight: float = 0.5
) -> NDArray[np.float32]:
    """Both side by side, so that squared distances add: ``1 - weight`` of the content's, ``weight`` of the other.

    Unit rows float32 ``(n, d + d')``; a playlist that one side knows nothing of is placed by the other alone.

    >>> joint_vectors(np.eye(2, dtype=np.float32), np.array([[1], [0]], np.float32), 0.36).round(1).tolist()
    [[0.800000011920929, 0.0, 0.6000000238418579], [0.0, 1.0, 0.0]]
    """
    if not 0 <= weight <= 1:
        raise ValueError("the weight lies in [0, 1]")
    return scaled(np.hstack([content * np.float32((1 - weight) ** 0.5), collaborative * np.float32(weight**0.5)]))


def scaled(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length, in place; zero rows stay zero."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)).astype(np.float32)
    norms[norms == 0] = 1
    vectors /= norms[:, None]
    return vectors


def _distinct(library: Library, order: NDArray[np.integer], text: TrackText) -> tuple[list[str], NDArray[np.int32]]:
    """Distinct texts of tracks in their order, and each track's among them: int32 ``(n_tracks,)``, -1 for none."""
    read = (views.name if text == "name" else views.name_artist)(library, order)
    rows: dict[str, int] = {}
    of_track = np.full(library.n_tracks, -1, np.int32)
    for track, words in zip(order.tolist(), read, strict=True):
        if words.strip():  # a track without a name says nothing
            of_track[track] = rows.setdefault(words, len(rows))
    return list(rows), of_track


def _playlist_by_text(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], of_track: NDArray[np.int32], n_texts: int
) -> csc_matrix:
    """How many tracks of each text a playlist has, float32 CSC ``(n_playlists, n_texts)``."""
    from scipy.sparse import coo_matrix, csc_matrix  # imported late: queries never need it

    playlist = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    columns = of_track[indices]
    known = columns >= 0
    ones = np.ones(int(known.sum()), np.float32)
    placed = coo_matrix((ones, (playlist[known], columns[known])), shape=(len(indptr) - 1, n_texts))
    return csc_matrix(placed)
