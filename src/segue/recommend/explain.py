"""Why a track is in a list: the titles that voted for it, the artist named, the given tracks that pulled it in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from segue.library.catalogue import Catalogue
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking, Recommender
from segue.recommend.because import Because, may_show, merged, playlists_reason, sentence
from segue.recommend.continuation import Continuation, mixed, weights_for
from segue.recommend.nearest import NgramNearest, PublishedRecipe
from segue.recommend.playlist_index import PlaylistIndex, head
from segue.recommend.same_title import SameTitle
from segue.recommend.scores import Scores, gather, known_seeds, looked_up, normalised, positions
from segue.recommend.title_model import TitleModel, TitleReading

__all__ = ["Because", "Explainer", "may_show", "sentence"]

_TITLES = 2  # titles named per track
_GIVEN = 2  # given tracks named per track
_ASKED = 25  # given tracks that are looked at
_COUNTED = 500  # playlists of one title that are counted; the counts of more are left open
_LEAST = 0.02  # share below which a reason is noise

Reasons = list[list[Because]]


@dataclass(frozen=True, eq=False)
class Explainer:
    """Gives the reasons for the tracks of an answer.

    Args:
        playlist_tracks: distinct tracks of the playlists that vote.
        public: whether every playlist title may be shown.
    """

    recommender: Recommender
    catalogue: Catalogue
    playlist_tracks: Interactions
    public: bool

    def explain(self, query: Query, ranking: Ranking) -> list[tuple[Because, ...]]:
        """At most three reasons for each track, largest share first; shares are of the track's score."""
        reasons: Reasons = [[] for _ in ranking.rows]
        if isinstance(self.recommender, TitleModel):
            self._title(self.recommender, self.recommender.read(query.title), ranking.rows, ranking.scores, reasons)
        elif isinstance(self.recommender, Continuation):
            self._continuation(self.recommender, query, ranking, reasons)
        elif isinstance(self.recommender, PublishedRecipe | NgramNearest):
            playlists, weights = self.recommender.neighbours(query)
            if isinstance(self.recommender, PublishedRecipe):
                weights = np.ones_like(weights)
            titles = self.recommender.titles
            self._voters(playlists, weights, titles.title_of(playlists), titles.titles, ranking, reasons)
        elif isinstance(self.recommender, SameTitle):
            playlists, same = self.recommender.voters(query), self.recommender.titles
            weights = np.ones(len(playlists), np.float32)
            self._voters(playlists, weights, same.title_of(playlists), same.titles, ranking, reasons)
        popular = Because("popularity", "", 1.0)
        return [merged(r for r in found if r.share >= _LEAST) or (popular,) for found in reasons]

    def _continuation(self, model: Continuation, query: Query, ranking: Ranking, reasons: Reasons) -> None:
        rows = ranking.rows
        seeds = known_seeds(query.seed_tracks, len(self.catalogue))
        title = normalised(model.title_scores(query)[0])
        if isinstance(model.title, TitleModel) and query.title.strip():
            reading = model.title.read(query.title)
        else:
            reading = None
        weights = weights_for(model.weights, len(seeds))
        channels = model.channels(query) if len(seeds) else {}
        by_given = looked_up(mixed(channels, weights, len(self.catalogue)), rows, len(self.catalogue))
        weight = weights.title if by_given.any() else 1.0
        by_title = looked_up(title, rows, len(self.catalogue)) * np.float32(weight)
        total = np.maximum(by_given + by_title, np.float32(1e-12))
        if reading is not None and isinstance(model.title, TitleModel):
            scores = looked_up(model.title.score_reading(reading), rows, len(self.catalogue))
            part: Reasons = [[] for _ in rows]
            self._title(model.title, reading, rows, scores, part)
            for found, own, share in zip(reasons, part, by_title / total, strict=True):
                found += [Because(r.kind, r.text, r.share * float(share), r.count) for r in own]
        if by_given.any():
            self._given(model.index, seeds, rows, by_given / total, reasons)

    def _given(
        self,
        index: PlaylistIndex,
        seeds: NDArray[np.int32],
        rows: NDArray[np.int32],
        share: NDArray[np.floating],
        reasons: Reasons,
    ) -> None:
        """Share what given tracks brought among those that occur most together with each track."""
        asked = seeds[:_ASKED]
        together = np.zeros((len(asked), len(rows)), np.float64)
        artists = self.catalogue.artist_row
        for i, given in enumerate(asked):
            playlists, _ = head(index.indptr, index.postings, asked[i : i + 1])
            tracks, _ = gather(index.playlists.indptr, index.playlists.indices, playlists[:_COUNTED])
            rows_seen, counts = np.unique(tracks, return_counts=True)
            found = looked_up(Scores(rows_seen, counts.astype(np.float32)), rows, index.n_tracks)
            together[i] = found / np.sqrt(max(len(playlists[:_COUNTED]), 1))
            together[i] += 0.1 * (artists[rows] == artists[given])
        total = np.maximum(together.sum(axis=0), 1e-12)
        names = self.catalogue.texts["name"]
        for j, found_reasons in enumerate(reasons):
            if share[j] <= 0:
                continue
            order = np.argsort(-together[:, j], kind="stable")[:_GIVEN]
            named = [i for i in order if together[i, j] > 0]
            if not named:
                found_reasons.append(Because("given", "", float(share[j])))
            for i in named:
                part = float(share[j] * together[i, j] / total[j])
                found_reasons.append(Because("given", names[int(asked[i])], part))

    def _title(
        self,
        model: TitleModel,
        reading: TitleReading,
        rows: NDArray[np.int32],
        scores: NDArray[np.float32],
        reasons: Reasons,
    ) -> None:
        """Titles that voted for each track and artists that the title names."""
        if reading.weights is None or not len(rows):
            return
        vote, titles = model.vote, reading.weights.titles
        at, lengths = positions(vote.indptr, titles)
        kept, position = self._places(rows, vote.tracks[at])
        voter = np.searchsorted(np.cumsum(lengths), kept, "right")
        values = np.asarray(vote.votes[at[kept]], np.float64) * reading.weights.weights[voter]
        whole = np.bincount(position, values, minlength=len(rows))
        named = self._named(model, reading, rows, scores, reasons)
        if reading.track is not None and reading.track.track_row in rows:
            at_top = int(np.flatnonzero(rows == reading.track.track_row)[0])
            named[at_top] = 1.0
            reasons[at_top].append(Because("track", self.catalogue.texts["name"][reading.track.track_row], 1.0))
        order = np.lexsort((voter, -values, position))
        position, voter, values = position[order], voter[order], values[order]
        first = np.searchsorted(position, np.arange(len(rows) + 1)).tolist()
        holding = cache(lambda title: self._holding(model.titles.playlists.row(title), rows))
        shown = cache(lambda title: model.titles.shown[title])
        for j in np.flatnonzero(whole > 0).tolist():
            for i in range(first[j], min(first[j] + _TITLES, first[j + 1])):
                title = int(titles[voter[i]])
                share = float(values[i] / whole[j]) * max(0.0, 1.0 - float(named[j]))
                if share >= _LEAST:
                    sharing = int(model.titles.counts[title])
                    count = int(holding(title)[j])
                    reasons[j].append(playlists_reason(shown(title), share, count, sharing, public=self.public))

    def _places(
        self, rows: NDArray[np.int32], tracks: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the tracks are among some distinct rows, and the position of each of these there."""
        numbered = Scores(rows, np.arange(1, len(rows) + 1, dtype=np.float32))
        found = looked_up(numbered, tracks, len(self.catalogue))
        kept = np.flatnonzero(found)
        return kept, found[kept].astype(np.int64) - 1

    def _named(
        self,
        model: TitleModel,
        reading: TitleReading,
        rows: NDArray[np.int32],
        scores: NDArray[np.float32],
        reasons: Reasons,
    ) -> NDArray[np.float64]:
        """Add the artists named; returns the share of each track's score that they explain."""
        named = np.zeros(len(rows))
        if model.mentions is None:
            return named
        total = float(model.score_reading(reading).values.sum(dtype=np.float64)) or 1.0
        for mention in reading.mentions:
            own = model.mentions.tracks.row(mention.artist_row)
            powers = self._popular(model, own)
            value = looked_up(
                Scores(np.array(own), powers / max(float(powers.sum()), 1e-12)), rows, len(self.catalogue)
            )
            brought = mention.share * (1 - model.mentions.rich_part) * total * value
            for j in np.flatnonzero((value > 0) & (scores > 0)):
                share = min(1.0, float(brought[j] / scores[j]))
                named[j] = min(1.0, named[j] + share)
                name = self.catalogue.texts["artist"][int(rows[j])]
                reasons[j].append(Because("artist", name, share))
        return named

    @staticmethod
    def _popular(model: TitleModel, tracks: NDArray[np.int32]) -> NDArray[np.float32]:
        return model.popularity.counts[tracks].astype(np.float32) ** np.float32(0.75)

    def _holding(self, playlists: NDArray[np.int32], rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """How many of the playlists hold each track; 0 where there are too many to count."""
        if len(playlists) > _COUNTED:
            return np.zeros(len(rows), np.int64)
        tracks, _ = gather(self.playlist_tracks.indptr, self.playlist_tracks.indices, playlists)
        return np.bincount(self._places(rows, tracks)[1], minlength=len(rows))

    def _voters(
        self,
        playlists: NDArray[np.int32],
        weights: NDArray[np.float32],
        title_rows: NDArray[np.int32],
        titles: tuple[str, ...],
        ranking: Ranking,
        reasons: Reasons,
    ) -> None:
        """Playlists that voted, summed up by title."""
        sharing = self._sharing(title_rows)
        for j, row in enumerate(ranking.rows):
            holding = [i for i, p in enumerate(playlists) if (self.playlist_tracks.row(int(p)) == row).any()]
            total = float(sum(weights[i] for i in holding)) or 1.0
            reasons[j] += [
                playlists_reason(
                    titles[int(title_rows[i])],
                    float(weights[i]) / total,
                    1,
                    sharing[int(title_rows[i])],
                    public=self.public,
                )
                for i in holding
            ]

    def _sharing(self, title_rows: NDArray[np.int32]) -> dict[int, int]:
        titles = self.recommender.titles  # type: ignore[attr-defined]
        return {int(t): len(titles.rows(int(t))) for t in np.unique(title_rows)}
