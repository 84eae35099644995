"""Playlists and the way back from a track to them: what every recommender of given tracks searches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.recommend.popularity import Popularity
from segue.recommend.scores import Scores, accumulate_pairs, known_seeds

__all__ = ["MAX_POSTINGS", "PlaylistIndex", "head", "inverted"]

MAX_POSTINGS = 5_000  # playlists kept per track
_LOOKED_AT = 100_000  # playlists looked at in one query, shared by the given tracks; costs some 2 ms
_LEAST = 200
_MIX = 0x9E3779B97F4A7C15  # odd; multiplication by it shuffles row numbers (Fibonacci hashing)


@dataclass(frozen=True, eq=False)
class PlaylistIndex:
    """The training playlists, searchable by track.

    Tracks in more than ``max_postings`` playlists keep a sample of them: the playlists with the lowest hashes, for
    all tracks the same, so that playlists with several given tracks stay findable. Many given tracks look at the
    heads of their lists, which are such samples too.

    Args:
        playlists: distinct tracks of each playlist, in order.
        indptr, postings: CSR, the playlists of each track in the order of their hash; int64 and int32.
        norms: length of each playlist's vector of track idfs, float32 ``(n_playlists,)``.
        popularity: training playlists per track, sampled nowhere.
    """

    playlists: Interactions
    indptr: NDArray[np.int64]
    postings: NDArray[np.int32]
    norms: NDArray[np.float32]
    popularity: Popularity
    max_postings: int
    fingerprint: str

    @classmethod
    def of(
        cls, playlist_tracks: Interactions, popularity: Popularity | None = None, *, max_postings: int = MAX_POSTINGS
    ) -> PlaylistIndex:
        """Index playlists; takes about half a minute for 66 million rows."""
        playlists = playlist_tracks.distinct()
        popularity = popularity or Popularity.fitted(playlists)
        indptr, postings = inverted(playlists.indptr, playlists.indices, playlists.n_columns, max_postings)
        idf = _idf(popularity.counts, popularity.n_playlists)
        squares = np.concatenate([[0.0], np.cumsum(idf[playlists.indices].astype(np.float64) ** 2)])
        norms = np.sqrt(squares[playlists.indptr[1:]] - squares[playlists.indptr[:-1]])
        return cls(
            playlists=playlists,
            indptr=indptr,
            postings=postings,
            norms=np.maximum(norms, 1e-6).astype(np.float32),
            popularity=popularity,
            max_postings=max_postings,
            fingerprint=fingerprint("playlist-index", playlists.indptr, playlists.indices, max_postings),
        )

    @property
    def n_tracks(self) -> int:
        """Number of tracks in the catalogue."""
        return self.playlists.n_columns

    @property
    def n_playlists(self) -> int:
        """Number of training playlists."""
        return self.playlists.n_rows

    def idf(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """``log(playlists / playlists with the track)`` of the given tracks; a track in none counts as in one."""
        return _idf(self.popularity.counts[rows], self.n_playlists)

    def seeds(self, query: Query) -> NDArray[np.int32]:
        """The query's given tracks that a training playlist holds, each once."""
        seeds = known_seeds(query.seed_tracks, self.n_tracks)
        return seeds[self.indptr[seeds + 1] > self.indptr[seeds]]

    def gathered(self, tracks: NDArray[np.int32], weights: NDArray[np.float32]) -> Scores:
        """Sum, for each playlist, the weights of the given tracks in it."""
        playlists, lengths = head(self.indptr, self.postings, tracks)
        return accumulate_pairs(playlists, np.repeat(weights, lengths), self.n_playlists)

    def similar(self, tracks: NDArray[np.int32]) -> Scores:
        """Idf-cosine between the given tracks and each playlist that shares one, in (0, 1]."""
        if len(tracks) == 0:
            return Scores.none()
        idf = np.maximum(self.idf(tracks), np.float32(1e-3))  # a track in every playlist still finds them
        shared = self.gathered(tracks, idf * idf)
        length = np.float32(np.sqrt(np.sum(idf.astype(np.float64) ** 2)))
        return Scores(shared.rows, np.minimum(shared.values / (self.norms[shared.rows] * length), np.float32(1.0)))

    def save(self, folder: Path, *, playlists: bool = True) -> None:
        """Write the arrays and the popularity into a folder; without the playlists where they are kept elsewhere."""
        folder.mkdir(parents=True, exist_ok=True)
        self.popularity.save(folder)
        if playlists:
            save_array(folder / "playlists.indptr.npy", self.playlists.indptr)
            save_array(folder / "playlists.indices.npy", self.playlists.indices)
        save_array(folder / "postings.indptr.npy", self.indptr)
        save_array(folder / "postings.npy", self.postings)
        save_array(folder / "norms.npy", self.norms)
        about = {
            "n_tracks": self.n_tracks,
            "n_playlists": self.n_playlists,
            "max_postings": self.max_postings,
            "fingerprint": self.fingerprint,
        }
        write_json(folder / "playlist_index.json", about)

    @classmethod
    def load(cls, folder: Path, playlists: Interactions | None = None) -> PlaylistIndex:
        """Map what :meth:`save` wrote.

        Args:
            playlists: the playlists themselves, where they are kept elsewhere.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        about = read_json(folder / "playlist_index.json")
        if playlists is None:
            indptr, indices = (
                load_array(folder / "playlists.indptr.npy"),
                load_array(folder / "playlists.indices.npy"),
            )
            try:
                playlists = Interactions(indptr, indices, int(about["n_tracks"]))
            except ValueError as error:
                raise StoredDataError(f"{folder / 'playlists.indices.npy'} does not fit: {error}") from error
        elif (playlists.n_rows, playlists.n_columns) != (int(about["n_playlists"]), int(about["n_tracks"])):
            raise StoredDataError(f"{folder} was made for other playlists; train the model again")
        return cls(
            playlists=playlists,
            indptr=load_array(folder / "postings.indptr.npy"),
            postings=load_array(folder / "postings.npy"),
            norms=load_array(folder / "norms.npy"),
            popularity=Popularity.load(folder),
            max_postings=int(about["max_postings"]),
            fingerprint=str(about["fingerprint"]),
        )


def _idf(counts: NDArray[np.integer], n_playlists: int) -> NDArray[np.float32]:
    idf: NDArray[np.float32] = np.log(max(n_playlists, 1) / np.maximum(counts, 1)).astype(np.float32)
    return idf


def inverted(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], n_columns: int, cap: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows of each column in the order of their hash, at most ``cap`` of them: CSR of int64 and int32.

    >>> pointers, rows = inverted(np.array([0, 2, 3]), np.array([0, 1, 1], np.int32), 2, 9)
    >>> pointers.tolist(), sorted(rows[1:].tolist())
    ([0, 1, 3], [0, 1])
    """
    from scipy.sparse import csr_matrix  # counting sort in C; queries never come here

    n = len(indptr) - 1
    order = np.argsort(np.arange(n, dtype=np.uint64) * np.uint64(_MIX), kind="stable")  # wraps around, on purpose
    shuffled = Interactions(np.asarray(indptr), np.asarray(indices), n_columns).select(order)
    columns = csr_matrix(
        (np.ones(len(shuffled.indices), np.int8), shuffled.indices, shuffled.indptr), shape=(n, n_columns)
    ).tocsc()
    pointers, rows = columns.indptr.astype(np.int64), order.astype(np.int32)[columns.indices]
    lengths = np.diff(pointers)
    if lengths.max(initial=0) <= cap:
        return pointers, rows
    kept = np.arange(len(rows)) - np.repeat(pointers[:-1], lengths) < cap
    capped = np.zeros(len(pointers), np.int64)
    np.cumsum(np.minimum(lengths, cap), out=capped[1:])
    return capped, rows[kept]


def head(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], rows: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Concatenate CSR rows like :func:`~segue.recommend.scores.gather`, of many rows only their heads."""
    cap = max(_LOOKED_AT // max(len(rows), 1), _LEAST)
    starts = indptr[rows].astype(np.int64)
    lengths = np.minimum(indptr[np.asarray(rows) + 1] - starts, cap)
    ends = np.cumsum(lengths)
    take = np.arange(int(lengths.sum())) + np.repeat(starts - (ends - lengths), lengths)
    return np.asarray(indices[take], np.int32), lengths
