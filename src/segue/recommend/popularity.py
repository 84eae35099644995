"""The most popular tracks: the floor under every report and the filling of every short list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, top_scores

__all__ = ["Popularity"]


@dataclass(frozen=True, eq=False)
class Popularity:
    """Recommends what most training playlists hold, whatever is asked.

    Args:
        counts: in how many training playlists each track is, int32 ``(n_tracks,)``.
        order: all track rows, most popular first, ties by row, int32 ``(n_tracks,)``.
        n_playlists: number of training playlists.
    """

    counts: NDArray[np.int32]
    order: NDArray[np.int32]
    n_playlists: int
    fingerprint: str

    @classmethod
    def fitted(cls, playlist_tracks: Interactions) -> Popularity:
        """Count the training playlists."""
        counts = playlist_tracks.column_counts().astype(np.int32)
        order = np.argsort(-counts, kind="stable").astype(np.int32)
        n_playlists = playlist_tracks.n_rows
        return cls(counts, order, n_playlists, fingerprint("popularity", counts, n_playlists))

    @property
    def n_tracks(self) -> int:
        """Number of tracks in the catalogue."""
        return len(self.counts)

    def score(self, query: Query) -> Scores:
        """Share of the training playlists that hold each track, in [0, 1]; tracks in none are left out."""
        rows = self.order[: int(np.searchsorted(-self.counts[self.order], 0))]
        return Scores(rows, self.share(rows))

    def share(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Share of the training playlists that hold each of the given tracks, float32 in [0, 1]."""
        counts: NDArray[np.float32] = self.counts[rows].astype(np.float32)
        return counts / np.float32(max(self.n_playlists, 1))

    def recommend(self, query: Query, n: int) -> Ranking:
        """The ``n`` most popular tracks that were not given."""
        excluded = set(query.seed_tracks)
        head = np.asarray(self.order[: n + len(excluded)])
        rows = head[[int(row) not in excluded for row in head]][:n] if excluded and len(head) else head[:n]
        said = remarks(query, self.n_tracks, uses_title=False, uses_seeds=False)
        return Ranking(rows.astype(np.int32), self.share(rows), said)

    def fill(self, scores: Scores, query: Query, n: int, ignored: tuple[str, ...] = ()) -> Ranking:
        """Rank scores without the given tracks and fill the list up with popular ones."""
        return top_scores(scores, n, exclude=query.seed_tracks, fill=self.order, ignored=ignored)

    def save(self, folder: Path) -> None:
        """Write ``counts.npy``, ``order.npy`` and ``popularity.json`` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        save_array(folder / "counts.npy", self.counts)
        save_array(folder / "order.npy", self.order)
        write_json(folder / "popularity.json", {"n_playlists": self.n_playlists, "fingerprint": self.fingerprint})

    @classmethod
    def load(cls, folder: Path) -> Popularity:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        about = read_json(folder / "popularity.json")
        return cls(
            counts=load_array(folder / "counts.npy"),
            order=load_array(folder / "order.npy"),
            n_playlists=int(about["n_playlists"]),
            fingerprint=str(about["fingerprint"]),
        )
