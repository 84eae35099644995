"""Tracks that a title names: a playlist called "hotel california" should have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.library import Interactions
from segue.library.names import fold
from segue.library.strings import HashIndex
from segue.recommend.scores import Scores, accumulate, gather

if TYPE_CHECKING:
    from segue.library import Library
    from segue.recommend.titles import TitleTable

__all__ = ["TrackMention", "TrackMentions", "build_track_mentions"]

_WORDS = 5  # names of that many words or more are one kind
_MIN_NAMED = 10  # titles from which the rate of a kind is estimated, at least
_LEAST = 0.1  # rate below which a title of that kind names its track by chance
_NEIGHBOURS = 50  # playlists with the track that say what goes with it


@dataclass(frozen=True, slots=True)
class TrackMention:
    """A track that the title names and the share of the list that its playlists are due, in (0, 1)."""

    track_row: int
    share: float


@dataclass(frozen=True, eq=False)
class TrackMentions:
    """Finds titles that are the name of a track, whole.

    Args:
        names: folded track name -> rows; rows of one name are told apart by popularity.
        rates: for names of 1, 2, ... 5 and more words the rate at which a playlist so titled has the track, estimated
            on playlists with the playlist itself left out; int popularity decides which track is meant.
        popularity: int32 ``(n_tracks,)``. holders: track x playlist, the playlists with each track, ascending.
    """

    names: HashIndex
    rates: tuple[float, ...]
    popularity: NDArray[np.int32]
    playlist_tracks: Interactions
    indptr: NDArray[np.int64]
    holders: NDArray[np.int32]

    def named(self, title: str) -> int | None:
        """The most popular track whose name is the title, or None."""
        key = fold(title)
        rows = self.names.rows(key) if key else np.zeros(0, np.int32)
        rows = rows[self.popularity[rows] > 0]
        return int(rows[np.lexsort((rows, -self.popularity[rows]))[0]]) if len(rows) else None

    def find(self, title: str) -> TrackMention | None:
        """The track that a title names, if titles of its length usually mean it."""
        row = self.named(title)
        if row is None:
            return None
        rate = self.rates[min(len(fold(title).split()), _WORDS) - 1]
        return TrackMention(row, rate) if rate >= _LEAST else None

    def mix(self, scores: Scores, mention: TrackMention | None) -> Scores:
        """Put the track first, and give ``share`` of the list to what goes with it in playlists."""
        if mention is None:
            return scores
        begin, end = self.indptr[mention.track_row], self.indptr[mention.track_row + 1]
        playlists = self.holders[begin:end][:_NEIGHBOURS]
        tracks, lengths = gather(self.playlist_tracks.indptr, self.playlist_tracks.indices, playlists)
        each = np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
        beside = accumulate([tracks], [each], len(self.popularity))
        rows, values = [], []
        for part, found in ((1 - mention.share, scores), (mention.share, beside)):
            whole = float(found.values.sum(dtype=np.float64))
            if whole > 0:
                rows.append(found.rows)
                values.append((found.values * (part / whole)).astype(np.float32))
        rows.append(np.array([mention.track_row], np.int32))
        values.append(np.array([1.0], np.float32))
        return accumulate(rows, values, len(self.popularity))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the arrays into an existing folder; the returned dict belongs into its manifest."""
        from segue.library.arrays import save_array

        self.names.save(folder, "track_names")
        save_array(folder / "track_holders.indptr.npy", self.indptr)
        save_array(folder / "track_holders.indices.npy", self.holders)
        return {"rates": list(self.rates)}

    @classmethod
    def load(
        cls, folder: Path, notes: dict[str, Any], popularity: NDArray[np.int32], playlist_tracks: Interactions
    ) -> TrackMentions:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        from segue.library.arrays import load_array

        return cls(
            names=HashIndex.load(folder, "track_names"),
            rates=tuple(float(r) for r in notes["rates"]),
            popularity=popularity,
            playlist_tracks=playlist_tracks,
            indptr=load_array(folder / "track_holders.indptr.npy"),
            holders=load_array(folder / "track_holders.indices.npy"),
        )


def build_track_mentions(
    library: Library,
    titles: TitleTable,
    popularity: NDArray[np.int32],
    playlist_tracks: Interactions,
    *,
    rates: tuple[float, ...] | None = None,
) -> TrackMentions:
    """Index track names and count how often playlists called like a track have it.

    Args:
        playlist_tracks: distinct tracks of the library's playlists.
        rates: what was learnt before; None counts them here.
    """
    names = [fold(name) for name in library.tracks["name"].fill_null("").to_list()]
    names = [name if popularity[row] > 0 else "" for row, name in enumerate(names)]
    indptr, holders = _holders(playlist_tracks, len(popularity))
    found = TrackMentions(HashIndex.of(names), rates or (0.0,) * _WORDS, popularity, playlist_tracks, indptr, holders)
    if rates is not None:
        return found
    hits, cases = np.zeros(_WORDS), np.zeros(_WORDS)
    for title, read in enumerate(titles.read.to_list()):
        row = found.named(read)
        # only titles that one playlist has: what many share is a title of its own ("good vibes")
        if row is None or titles.counts[title] > 1:
            continue
        own = playlist_tracks.row(int(titles.playlists.row(title)[0]))
        kind = min(len(fold(read).split()), _WORDS) - 1
        cases[kind] += 1
        # the playlist itself must not have made the track known
        hits[kind] += bool((own == row).any()) and popularity[row] > 1
    counted = tuple(float(h / c) if c >= _MIN_NAMED else 0.0 for h, c in zip(hits, cases, strict=True))
    return TrackMentions(found.names, counted, popularity, playlist_tracks, indptr, holders)


def _holders(playlist_tracks: Interactions, n_tracks: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The first playlists with each track, at most fifty, shortest last: CSR of playlists by track."""
    playlist = np.repeat(np.arange(playlist_tracks.n_rows, dtype=np.int32), playlist_tracks.lengths)
    order = np.argsort(playlist_tracks.indices, kind="stable")
    track = playlist_tracks.indices[order]
    first = np.searchsorted(track, np.arange(n_tracks))
    kept = np.arange(len(track)) - first[track] < _NEIGHBOURS
    indptr = np.zeros(n_tracks + 1, np.int64)
    np.cumsum(np.bincount(track[kept], minlength=n_tracks), out=indptr[1:])
    return indptr, playlist[order][kept]
