"""Ridge regression from what a playlist holds to what it lacks, solved at query time over the playlists that matter.

EASE without its matrix: the dual system ``(K + ridge I) a = k`` over the ``neighbours`` most similar playlists is
solved by a few conjugate gradient steps, and the playlists vote with ``a``, which is positive for likeness and
negative for what others say already. Three steps reach what the exact solution reaches, and the division by
``1 - y_j^T M y_j`` that EASE adds changes no figure (docs/log.md), so nothing is inverted and no track x track table
exists.

Source: H. Steck 2019 (EASE) in its dual form; M. Hestenes, E. Stiefel 1952 (conjugate gradients).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.features import ArtistFeatures
from segue.recommend.local_system import Block, solve
from segue.recommend.playlist_index import PlaylistIndex, head, inverted
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, accumulate, best, gather, known_seeds, looked_up

__all__ = ["PlaylistRidge"]

NEIGHBOURS = 2_000
_MANY = 100_000  # playlists; among so many, half the neighbours are as near, and a query takes half the time

_ARRAYS = ("artist_indptr", "artist_indices", "artist_values", "posted_indptr", "postings")


@dataclass(frozen=True, eq=False)
class PlaylistRidge:
    """The linear model of given tracks and their artists.

    Args:
        artist_indptr, artist_indices, artist_values: CSR of the playlists' artist features.
        posted_indptr, postings: CSR, the playlists of each artist in the order of their hash.
        ridge: added to the diagonal; few given tracks want more of it.
        neighbours: playlists in the system; None takes all and is exact up to ``steps``.
        steps: conjugate gradient steps.
        length_power: playlists count ``1 / length ** length_power``.
    """

    index: PlaylistIndex
    artists: ArtistFeatures
    artist_indptr: NDArray[np.int64]
    artist_indices: NDArray[np.int32]
    artist_values: NDArray[np.float16]
    posted_indptr: NDArray[np.int64]
    postings: NDArray[np.int32]
    ridge: float = 400.0
    neighbours: int | None = NEIGHBOURS
    steps: int = 3
    length_power: float = 0.25

    @classmethod
    def fitted(
        cls, index: PlaylistIndex, artist_rows: NDArray[np.integer] | None = None, *, artist_weight: float = 0.2
    ) -> PlaylistRidge:
        """Tabulate the artists of each playlist and the playlists of each artist.

        Args:
            artist_rows: artist of each track, -1 where unknown; None does without artists.
            artist_weight: how much an artist counts beside a track.
        """
        artists = ArtistFeatures.fitted(index.playlists, artist_rows, weight=artist_weight)
        matrix = artists.matrix(index.playlists)
        indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
        posted_indptr, postings = inverted(indptr, indices, artists.n_artists, index.max_postings)
        neighbours = NEIGHBOURS // 2 if index.n_playlists > _MANY else NEIGHBOURS
        values = matrix.data.astype(np.float16)
        return cls(index, artists, indptr, indices, values, posted_indptr, postings, neighbours=neighbours)

    @property
    def fingerprint(self) -> str:
        """Digest of playlists, artists and settings."""
        settings = [self.ridge, self.neighbours, self.steps, self.length_power]
        return fingerprint("playlist-ridge", self.index.fingerprint, self.artists.fingerprint, settings)

    def system(self, tracks: NDArray[np.int32]) -> NDArray[np.int32]:
        """The playlists whose system is solved, ascending: those most like the given tracks and their artists."""
        if self.neighbours is None:
            return np.arange(self.index.n_playlists, dtype=np.int32)
        by_track, lengths = head(self.index.indptr, self.index.postings, tracks)
        artists, values = self.artists.of(tracks)
        by_artist, artist_lengths = head(self.posted_indptr, self.postings, artists)
        # one track by the artist stands for however many there are: this only chooses the playlists
        weights = np.repeat(values * self.artists.scale[artists] * np.float32(np.log(2.0)), artist_lengths)
        alike = accumulate([by_track, by_artist], [1.0, weights], self.index.n_playlists)
        x = self.index.playlists.indptr
        lengths = np.maximum(x[alike.rows + 1] - x[alike.rows], 1)
        damped = alike.values / lengths.astype(np.float32) ** np.float32(self.length_power)
        return np.sort(best(Scores(alike.rows, damped), self.neighbours).rows)

    def score_tracks(self, tracks: NDArray[np.int32], ridge: float | None = None) -> Scores:
        """Scores for given tracks; those of playlists' tracks that speak against them are negative."""
        playlists = self.system(tracks)
        x = self.index.playlists
        held, lengths = gather(x.indptr, x.indices, playlists)
        if len(held) == 0:
            return Scores.none()
        weights = np.maximum(lengths, 1).astype(np.float32) ** np.float32(-self.length_power)
        by_track = Block.of(held, lengths, np.repeat(weights, lengths), x.n_columns)
        kernel = by_track.of_entries(looked_up(Scores(tracks, np.ones(len(tracks), np.float32)), held, x.n_columns))
        blocks = [by_track]
        if self.artists.n_artists:
            liked, lengths = gather(self.artist_indptr, self.artist_indices, playlists)
            at = np.arange(len(liked)) + np.repeat(
                self.artist_indptr[playlists] - (np.cumsum(lengths) - lengths), lengths
            )
            values = self.artist_values[at].astype(np.float32) * np.repeat(weights, lengths)
            by_artist = Block.of(liked, lengths, values, self.artists.n_artists)
            kernel += by_artist.of_entries(looked_up(Scores(*self.artists.of(tracks)), liked, self.artists.n_artists))
            blocks.append(by_artist)
        votes = solve(tuple(blocks), kernel, self.ridge if ridge is None else ridge, self.steps)
        return Scores(by_track.columns, by_track.over_columns(votes).astype(np.float32))

    def score(self, query: Query) -> Scores:
        """Scores for the given tracks; none without any."""
        seeds = known_seeds(query.seed_tracks, self.index.n_tracks)
        return self.score_tracks(seeds) if len(seeds) else Scores.none()

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest positive scores, then popular ones."""
        said = remarks(query, self.index.n_tracks, uses_title=False, uses_seeds=True)
        return self.index.popularity.fill(self.score(query), query, n, said)

    def save(self, folder: Path) -> None:
        """Write the artists' tables into a folder; the index is saved by its owner."""
        folder.mkdir(parents=True, exist_ok=True)
        self.artists.save(folder)
        for name in _ARRAYS:
            save_array(folder / f"{name}.npy", getattr(self, name))
        settings = {name: getattr(self, name) for name in ("ridge", "neighbours", "steps", "length_power")}
        write_json(folder / "playlist_ridge.json", settings)

    @classmethod
    def load(cls, folder: Path, index: PlaylistIndex) -> PlaylistRidge:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        arrays: dict[str, Any] = {name: load_array(folder / f"{name}.npy") for name in _ARRAYS}
        settings: dict[str, Any] = read_json(folder / "playlist_ridge.json")
        return cls(index=index, artists=ArtistFeatures.load(folder), **arrays, **settings)
