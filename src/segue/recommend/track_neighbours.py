"""Tracks near the given ones: an audio code, a lyrics code, a learnt vector, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.query import Query
from segue.library.ranking import Ranking, top
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks

__all__ = ["ARTIST", "Given", "Half", "TrackNeighbours"]

ARTIST = "artist"
"""Name of the part of a score that a shared artist gives."""
_BLOCK_SCORES = 1 << 22  # 16 MB of float32 a half
_NOTHING_SHARED = -1e6  # below every score: a track that cannot be compared stands at the end
_ELSEWHERE = -1e3  # what tracks outside of the given tracks' cluster lose
_SAMPLED = 2_048  # tracks whose cosines say how spread a half is


@dataclass(frozen=True, eq=False)
class Half:
    """One way to place tracks.

    Args:
        name: "audio", "lyrics", "learnt"; in reasons and weights.
        vectors: of unit length, zero where nothing is known of the track; float32 ``(n_tracks, d)``.
        mean, deviation: of the cosines of random pairs of known tracks, which put all halves on one scale.
    """

    name: str
    vectors: NDArray[np.float32]
    mean: float
    deviation: float

    @classmethod
    def of(cls, name: str, vectors: NDArray[np.float32], *, rng_key: int = 0) -> Half:
        """Measure the cosines of pairs of at most 2,048 known tracks."""
        known = np.flatnonzero(vectors.any(axis=1))
        if len(known) > _SAMPLED:
            known = np.sort(np.random.default_rng(rng_key).choice(known, _SAMPLED, replace=False))
        if len(known) < 3:
            return cls(name, vectors, 0.0, 1.0)
        sample = np.asarray(vectors[known], np.float64)
        cosines = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
        return cls(name, vectors, float(cosines.mean()), max(float(cosines.std()), 1e-6))

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which tracks have a vector, bool ``(n_tracks,)``."""
        return np.asarray(self.vectors.any(axis=1))

    def likeness(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """How many deviations each track is nearer than a random one; float32 ``(q, n_tracks)``."""
        cosines = vectors @ self.vectors.T
        cosines -= np.float32(self.mean)
        cosines /= np.float32(self.deviation)
        return np.asarray(cosines, np.float32)


@dataclass(frozen=True, eq=False)
class Given:
    """What is known of the given tracks, wherever they came from.

    Args:
        vectors: half -> unit vector float32 ``(d,)``; a half that is not there is not known.
        artists: share of the given tracks by artist row.
        clusters: of the given tracks; none where they are not known.
    """

    vectors: Mapping[str, NDArray[np.float32]]
    artists: Mapping[int, float]
    clusters: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class TrackNeighbours:
    """The tracks of highest likeness to the mean of the given tracks; every track is looked at.

    With ``z_h`` the cosine of half ``h`` in deviations from that of random pairs and ``H`` the halves that both sides
    have, the score is ``sum_H w_h z_h / sqrt(sum_H w_h ** 2)``, plus ``same_artist`` times the share of the given
    tracks that are by the track's artist. So a track without lyrics is compared by the halves that are there, with
    the weights made up for, and is neither ahead nor behind for it: its score is as spread as the others'. Where all
    tracks have all halves this orders tracks as the cosine of the concatenated vectors does.

    A half's vector of several given tracks is the mean of their unit vectors, at unit length. Ties go by row. Tracks
    that share no half with the given ones come last, and without given tracks the answer is what is most popular.

    Args:
        weights: of each half, 0 or more.
        artist_rows: int32 ``(n_tracks,)``, -1 where the artist is not known.
        cluster: of each track, int32 ``(n_tracks,)``, -1 for none; None where there are no clusters.
        inside_cluster: whether tracks of the given tracks' clusters come before all others.

    Source: the published system compares one concatenation of both codes and has no missing halves.
    """

    halves: tuple[Half, ...]
    weights: Mapping[str, float]
    artist_rows: NDArray[np.int32]
    popularity: Popularity
    same_artist: float = 0.0
    cluster: NDArray[np.int32] | None = None
    inside_cluster: bool = False

    def __post_init__(self) -> None:
        n = len(self.artist_rows)
        if not self.halves or any(half.vectors.shape[:1] != (n,) for half in self.halves):
            raise ValueError(f"each half needs a vector for each of the {n} tracks")
        if {half.name for half in self.halves} != set(self.weights) or min(self.weights.values()) < 0:
            raise ValueError("each half needs a weight of 0 or more")
        if self.cluster is not None and self.cluster.shape != (n,):
            raise ValueError("each track needs a cluster")

    @property
    def n_tracks(self) -> int:
        """Tracks of the catalogue."""
        return len(self.artist_rows)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of vectors, weights, artists and clusters."""
        parts: list[Any] = []
        for half in self.halves:
            parts += [half.name, half.vectors, half.mean, half.deviation]
        clusters = [] if self.cluster is None else [self.cluster]
        about = [dict(self.weights), self.same_artist, self.inside_cluster, self.popularity.fingerprint]
        return fingerprint("track neighbours", *parts, self.artist_rows, *clusters, *about)

    def weighted(self, weights: Mapping[str, float], same_artist: float) -> TrackNeighbours:
        """The same tracks with other weights."""
        return replace(self, weights=dict(weights), same_artist=same_artist)

    def given(self, rows: Sequence[int], outside: Sequence[Given] = ()) -> Given:
        """What is known of given tracks of the catalogue, together with some from outside of it."""
        known = np.unique([row for row in rows if 0 <= row < self.n_tracks]).astype(np.int64)
        vectors: dict[str, NDArray[np.float32]] = {}
        for half in self.halves:
            found = [*half.vectors[known[half.known[known]]]]
            found += [other.vectors[half.name] for other in outside if half.name in other.vectors]
            if found:
                mean = np.mean(np.asarray(found, np.float64), axis=0)
                length = float(np.linalg.norm(mean))
                if length > 1e-6:  # opposite vectors leave only rounding
                    vectors[half.name] = (mean / length).astype(np.float32)
        artists: dict[int, float] = {}
        for row in (*self.artist_rows[known].tolist(), *(row for other in outside for row in other.artists)):
            if row < 0:
                continue
            artists[row] = artists.get(row, 0.0) + 1.0 / max(1, len(known) + len(outside))
        clusters = set() if self.cluster is None else set(self.cluster[known].tolist())
        clusters.update(number for other in outside for number in other.clusters)
        return Given(vectors, artists, tuple(sorted(clusters - {-1})))

    def parts(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """What each half, and the artist, adds to the score of each track; float32 ``(n_tracks,)`` each."""
        found = {
            name: values[0] for name, values in self._parts({k: v[None] for k, v in given.vectors.items()}).items()
        }
        if self.same_artist and given.artists:
            shares = np.zeros(int(self.artist_rows.max(initial=0)) + 2, np.float32)  # the last is for row -1
            for row, share in given.artists.items():
                if 0 <= row < len(shares) - 1:
                    shares[row] = share * self.same_artist
            found[ARTIST] = shares[self.artist_rows]
        return found

    def _parts(
        self, vectors: Mapping[str, NDArray[np.float32]], known: Mapping[str, NDArray[np.bool_]] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Weighted likeness by half, float32 ``(q, n_tracks)``; vectors of ``q`` queries, ``known`` where not all."""
        raw: dict[str, NDArray[np.float32]] = {}
        squares: NDArray[np.float32] | None = None
        for half in self.halves:
            weight = np.float32(self.weights[half.name])
            if half.name not in vectors or not weight:
                continue
            values = half.likeness(vectors[half.name])
            shared = half.known[None] if known is None else known[half.name][:, None] & half.known[None]
            values *= weight
            if not shared.all():
                values *= shared
            squares = weight**2 * shared + (0 if squares is None else squares)
            raw[half.name] = values
        if squares is None:
            return {}
        scale = np.sqrt(np.where(squares > 0, squares, 1), dtype=np.float32)
        for values in raw.values():
            values /= scale
        first = next(iter(raw.values()))
        if not (squares > 0).all():
            first += np.where(squares > 0, 0, _NOTHING_SHARED).astype(np.float32)
        return raw

    def score(self, given: Given) -> NDArray[np.float32]:
        """Scores of all tracks, float32 ``(n_tracks,)``; the given ones are among them."""
        parts = self.parts(given)
        if not parts:
            return np.full(self.n_tracks, _NOTHING_SHARED, np.float32)
        total = np.asarray(sum(parts.values()), np.float32)
        if self.inside_cluster and self.cluster is not None and given.clusters:
            total[~np.isin(self.cluster, given.clusters)] += np.float32(_ELSEWHERE)
        return total

    def recommend(self, query: Query, n: int) -> Ranking:
        """The nearest tracks; without a given track of the catalogue, popular ones and a remark."""
        said = remarks(query, self.n_tracks, uses_title=False, uses_seeds=True)
        if not any(0 <= row < self.n_tracks for row in query.seed_tracks):
            ranking = self.popularity.recommend(query, n)
            if query.title.strip() or query.seed_tracks:
                said = (*said, "no known track was given to be near to, so these are the most popular tracks")
            return Ranking(ranking.rows, ranking.scores, said)
        return self.near(self.given(query.seed_tracks), query.seed_tracks, n, said)

    def near(
        self,
        given: Given,
        without: Sequence[int],
        n: int,
        said: Sequence[str] = (),
        *,
        only: NDArray[np.bool_] | None = None,
    ) -> Ranking:
        """Rank by what is known of given tracks.

        Args:
            without: rows that are left out. only: tracks that may be ranked, bool ``(n_tracks,)``; None for all.
        """
        scores = self.score(given)
        if only is not None:
            scores[~only] = -np.inf
        scores[[row for row in without if 0 <= row < self.n_tracks]] = -np.inf
        hits = top(scores, n)
        return Ranking(hits.rows, hits.scores, (*said, *self.remarks_on(given, hits.scores)))

    def remarks_on(self, given: Given, scores: NDArray[np.float32]) -> list[str]:
        """Sentences about what was not known of the given tracks, and about a list with these scores."""
        said = []
        lacking = [half.name for half in self.halves if self.weights[half.name] and half.name not in given.vectors]
        if lacking:
            said.append(f"nothing is known of the given tracks' {' and '.join(lacking)}")
        if self.inside_cluster and not given.clusters:
            said.append("no cluster of the given tracks is known, so none was kept to")
        elif self.inside_cluster and ((scores < _ELSEWHERE / 2) & (scores > _NOTHING_SHARED / 2)).any():
            inside = int((scores > _ELSEWHERE / 2).sum())
            said.append(f"the cluster of the given tracks has {inside} others; further ones are from outside of it")
        return said

    def neighbours(
        self, rows: NDArray[np.integer], k: int, *, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """The ``k`` nearest other tracks of each track alone, best first, int32 ``(len(rows), k)``; -1 beyond all.

        Clusters are not kept to.

        Args:
            only: tracks that may be neighbours, bool ``(n_tracks,)``; None for all.
        """
        rows = np.asarray(rows, np.int64)
        out = np.full((len(rows), k), -1, np.int32)
        step = max(1, _BLOCK_SCORES // max(1, self.n_tracks))
        for first in range(0, len(rows), step):
            asked = rows[first : first + step]
            known = {half.name: half.known[asked] for half in self.halves}
            parts = self._parts({half.name: np.asarray(half.vectors[asked]) for half in self.halves}, known)
            scores = np.zeros((len(asked), self.n_tracks), np.float32)
            for values in parts.values():
                scores += values
            if self.same_artist:
                theirs = self.artist_rows[asked][:, None]
                scores += np.float32(self.same_artist) * ((theirs == self.artist_rows[None]) & (theirs >= 0))
            scores[np.arange(len(asked)), asked] = -np.inf
            if only is not None:
                scores[:, ~only] = -np.inf
            for place, values in enumerate(scores):
                found = top(values, k).rows
                out[first + place, : len(found)] = found
        return out
