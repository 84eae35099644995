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
from segue.recommend.scores import Scores, accumulate_pairs, gather, known_seeds

__all__ = ["MAX_POSTINGS", "PlaylistIndex"]

MAX_POSTINGS = (
    2_000  # playlists looked at per given track; a hundred popular tracks cost 3 ms this way
)
_MIX = 0x9E3779B97F4A7C15  # odd; multiplication by it shuffles row numbers (Fibonacci hashing)


@dataclass(frozen=True, eq=False)
class PlaylistIndex:
    """The training playlists, searchable by track.

    Tracks in more than ``max_postings`` playlists keep a sample of them. The sample is the same for all tracks (the
    playlists with the lowest hash of their row), so that playlists with several given tracks stay findable.

    Args:
        playlists: distinct tracks of each playlist, in order.
        indptr, postings: CSR, the (sampled) playlists of each track; int64 ``(n_tracks + 1,)``, int32.
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
        indptr, postings = _inverted(playlists, max_postings)
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
        playlists, lengths = gather(self.indptr, self.postings, tracks)
        return accumulate_pairs(playlists, np.repeat(weights, lengths), self.n_playlists)

    def similar(self, tracks: NDArray[np.int32]) -> Scores:
        """Idf-cosine between the given tracks and each playlist that shares one, in (0, 1]."""
        if len(tracks) == 0:
            return Scores.none()
        idf = np.maximum(self.idf(tracks), np.float32(1e-3))  # a track in every playlist still finds them
        shared = self.gathered(tracks, idf * idf)
        length = np.float32(np.sqrt(np.sum(idf.astype(np.float64) ** 2)))
        return Scores(shared.rows, np.minimum(shared.values / (self.norms[shared.rows] * length), np.float32(1.0)))

    def save(self, folder: Path) -> None:
        """Write the arrays and the popularity into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.popularity.save(folder)
        save_array(folder / "playlists.indptr.npy", self.playlists.indptr)
        save_array(folder / "playlists.indices.npy", self.playlists.indices)
        save_array(folder / "postings.indptr.npy", self.indptr)
        save_array(folder / "postings.npy", self.postings)
        save_array(folder / "norms.npy", self.norms)
        about = {"n_tracks": self.n_tracks, "max_postings": self.max_postings, "fingerprint": self.fingerprint}
        write_json(folder / "playlist_index.json", about)

    @classmethod
    def load(cls, folder: Path) -> PlaylistIndex:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        about = read_json(folder / "playlist_index.json")
        indptr, indices = load_array(folder / "playlists.indptr.npy"), load_array(folder / "playlists.indices.npy")
        try:
            playlists = Interactions(indptr, indices, int(about["n_tracks"]))
        except ValueError as error:
            raise StoredDataError(f"{folder / 'playlists.indices.npy'} does not fit: {error}") from error
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


def _inverted(playlists: Interactions, cap: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Playlists of each track, ascending; of more than ``cap`` the ones with the lowest hashes."""
    from scipy.sparse import csr_matrix  # counting sort in C; queries never come here

    n = playlists.n_rows
    hashes = np.arange(n, dtype=np.uint64) * np.uint64(_MIX)  # wraps around, on purpose
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    counts = np.bincount(playlists.indices, minlength=playlists.n_columns)
    sampled = bool((counts > cap).any())
    chosen = playlists.select(order) if sampled else playlists
    columns = csr_matrix(
        (np.ones(len(chosen.indices), np.int8), chosen.indices, chosen.indptr), shape=(n, playlists.n_columns)
    ).tocsc()
    indptr, rows = columns.indptr.astype(np.int64), columns.indices.astype(np.int32, copy=False)
    if not sampled:
        return indptr, rows
    starts = np.repeat(indptr[:-1], np.diff(indptr))
    kept = np.flatnonzero(np.arange(len(rows)) - starts < cap)
    kept_counts = np.minimum(np.diff(indptr), cap)
    capped = np.zeros(len(indptr), np.int64)
    np.cumsum(kept_counts, out=capped[1:])
    rows = order[rows[kept]]
    track_of = np.repeat(np.arange(len(kept_counts), dtype=np.int64), kept_counts)
    return capped, rows[np.lexsort((rows, track_of))]
