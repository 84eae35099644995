"""More by the artists that a listener loves, unheard tracks too, then what is popular."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.user_scores import given_tracks, ranking_of

__all__ = ["ArtistBackoff", "ArtistBackoffSettings"]


@dataclass(frozen=True)
class ArtistBackoffSettings:
    """Settings of the back-off.

    Args:
        share_power: tracks of a loved artist count ``share of the loved tracks ** share_power``; 0 makes all loved
            artists alike.
        heard_power: and ``(users of the track + prior * mean users of the artist's tracks) ** heard_power``.
        prior: how far a track that nobody has heard stands for its artist; above 0, so that it counts at all.
    """

    share_power: float = 1.0
    heard_power: float = 0.5
    prior: float = 0.1


@dataclass(frozen=True, eq=False)
class ArtistBackoff:
    """Tracks of loved artists first, by how much the artist is loved and how popular the track is; then all others.

    A track that nobody in training has is known by its artist: among the loved artists by the artist's share of the
    loved tracks, among the others by the artist's popularity. So it is the baseline that a model of cold tracks has
    to beat.

    Args:
        artist_rows: artist of each track, -1 where unknown, int32 ``(n_tracks,)``.
        standing: users of a track, smoothed by its artist's, float64 in [0, 1) ``(n_tracks,)``.
    """

    artist_rows: NDArray[np.int32]
    standing: NDArray[np.float64]
    popularity: Popularity
    settings: ArtistBackoffSettings
    fingerprint: str

    @classmethod
    def fitted(
        cls,
        artist_rows: NDArray[np.integer],
        popularity: Popularity,
        settings: ArtistBackoffSettings | None = None,
    ) -> ArtistBackoff:
        """Count the training users of tracks and of their artists.

        Raises:
            ValueError: the prior is not above 0.
        """
        settings = settings or ArtistBackoffSettings()
        if settings.prior <= 0:
            raise ValueError("the prior of an unheard track must be above 0")
        rows, counts = np.asarray(artist_rows, np.int32), popularity.counts
        known = rows >= 0
        n_artists = int(rows.max(initial=-1)) + 1
        heard = np.bincount(rows[known], counts[known], n_artists)
        # the mean is over tracks that somebody has: unheard ones say nothing of how loved an artist is
        tracks = np.bincount(rows[known & (counts > 0)], minlength=n_artists)
        smoothed = counts.astype(np.float64)
        smoothed[known] += settings.prior * (heard / np.maximum(tracks, 1))[rows[known]]
        standing = smoothed / (1 + smoothed.max(initial=0))
        digest = fingerprint("artist-backoff", rows, popularity.fingerprint, asdict(settings))
        return cls(rows, standing, popularity, settings, digest)

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """1 and more for tracks of loved artists, below 1 for others; float32 ``(n_queries, n_tracks)``."""
        given = given_tracks(queries, self.popularity.n_tracks)
        n_artists = int(self.artist_rows.max(initial=-1)) + 1
        weight = self.standing**self.settings.heard_power
        scores = np.empty((len(queries), len(self.standing)), np.float32)
        for place in range(len(queries)):
            loved = self.artist_rows[given.row(place)]
            counts = np.bincount(loved[loved >= 0], minlength=n_artists + 1)  # the last is whose artist is unknown
            shares = (counts / max(len(loved), 1))[self.artist_rows]
            own = 1 + shares**self.settings.share_power * weight
            scores[place] = np.where(shares > 0, own, self.standing)
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """More by the loved artists, then what is popular."""
        return ranking_of(self, self.popularity, query, n)
