"""Vote of the playlists that have the same title: the baseline that any title model must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, vote
from segue.recommend.title_playlists import TitlePlaylists
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["SameTitle"]


@dataclass(frozen=True, eq=False)
class SameTitle:
    """Counts, over training playlists with the same normalised title, how many hold each track.

    Equal counts are ordered by popularity, through a fraction of a vote below one; a title that was never seen gets
    the popular tracks.
    """

    playlists: Interactions
    titles: TitlePlaylists
    title_rows: Mapping[str, int]
    popularity: Popularity
    fingerprint: str

    @classmethod
    def fitted(cls, library: Library, popularity: Popularity | None = None) -> SameTitle:
        """Group the training playlists by normalised title."""
        playlists = library.playlist_tracks.distinct()
        titles = TitlePlaylists.of([normalise(title, "seen") for title in library.titles])
        return cls(
            playlists=playlists,
            titles=titles,
            title_rows={title: row for row, title in enumerate(titles.titles) if title},
            popularity=popularity or Popularity.fitted(playlists),
            fingerprint=fingerprint("same-title", library.fingerprint),
        )

    def voters(self, query: Query) -> NDArray[np.int32]:
        """Rows of the training playlists that have the query's title."""
        row = self.title_rows.get(normalise(query.title, "seen"))
        return np.zeros(0, np.int32) if row is None else self.titles.rows(row)

    def score(self, query: Query) -> Scores:
        """Votes, plus the track's popularity as a fraction of one vote."""
        voters = self.voters(query)
        votes = vote(self.playlists, voters, np.ones(len(voters), np.float32))
        highest = np.float32(self.popularity.counts.max(initial=0) + 1)
        fraction = self.popularity.counts[votes.rows].astype(np.float32) / highest
        return Scores(votes.rows, votes.values + fraction)

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with most votes, then popular ones."""
        said = remarks(query, self.popularity.n_tracks, uses_title=True, uses_seeds=False)
        scores = self.score(query)
        if not len(scores) and query.title.strip():
            said = (*said, "no playlist has this title, so these are the most popular tracks")
        return self.popularity.fill(scores, query, n, said)
