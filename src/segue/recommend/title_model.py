"""The title model: a title's nearest titles vote, named artists get their share, and the list says why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError
from segue.library import Interactions, Query, Ranking
from segue.library.arrays import fingerprint
from segue.recommend.memo import Memo
from segue.recommend.mentions import Mention, Mentions, artist_key
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.ridge import TitleRidge
from segue.recommend.scores import Scores, looked_up, top_scores
from segue.recommend.titles import TitleTable
from segue.recommend.track_mentions import TrackMention, TrackMentions
from segue.recommend.vote import TitleVote, TitleWeights
from segue.views.negation import Negation, split_negation
from segue.views.titles import normalise

__all__ = ["TitleModel", "TitleReading"]

_AGAINST = 1.0  # how much an unwanted title counts against the wanted one
_REMEMBERED = 16  # titles; what they score takes up to a megabyte each
_UNLIKE, _APART = 0.5, 0.2  # nearest title by vector and by letters; below both a title is like none
MAX_TITLE = 2_000  # characters that are looked at; what lies behind them is said to be ignored


@dataclass(frozen=True, eq=False)
class TitleReading:
    """What the model understood of a title.

    Args:
        read: what the encoder read; empty where nothing was left to read.
        unwanted: spans that the title excludes.
        vector: unit title vector ``(d,)``; None where there is nothing to read.
        weights: titles that vote, None where none do. mentions: artists named.
        track: the track that the title names, if it does and no playlist is called so.
        ignored: sentences about what could not be used.
    """

    read: str
    unwanted: tuple[str, ...]
    vector: NDArray[np.float32] | None
    weights: TitleWeights | None
    mentions: tuple[Mention, ...]
    track: TrackMention | None
    ignored: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TitleModel:
    """The shipped title recommender: everything of DESIGN section 4 but the given tracks.

    Args:
        titles, vote: distinct titles and how they vote.
        mentions, track_mentions, ridge: None switches the channel off.
        encoder: reads titles for the query. ngram_encoder: its character n-grams.
        popularity: training playlists per track, and the filling of short lists.
    """

    titles: TitleTable
    vote: TitleVote
    mentions: Mentions | None
    track_mentions: TrackMentions | None
    ridge: TitleRidge | None
    encoder: Encoder
    ngram_encoder: NgramEncoder
    popularity: Popularity

    @cached_property
    def fingerprint(self) -> str:
        """Digest of encoder, parameters and votes."""
        parts: list[object] = [self.encoder.fingerprint, self.vote.parameters.fingerprint, self.titles.fingerprint]
        parts.append(None if self.mentions is None else self.mentions.model.to_json())
        parts.append(None if self.track_mentions is None else self.track_mentions.rates)
        parts.append(None if self.ridge is None else self.ridge.fingerprint)
        return fingerprint(*parts)

    @cached_property
    def _readings(self) -> Memo[str, TitleReading]:
        return Memo(_REMEMBERED)

    @cached_property
    def _scores(self) -> Memo[TitleReading, Scores]:
        return Memo(_REMEMBERED)

    def read(self, title: str) -> TitleReading:
        """Understand a title: negations split off, titles weighed, artists found."""
        return self._readings.get(title, lambda: self._read(title))

    def _read(self, title: str) -> TitleReading:
        ignored = []
        if len(title) > MAX_TITLE:
            ignored.append(f"the title is longer than {MAX_TITLE} characters; the rest was not read")
            title = title[:MAX_TITLE]
        negation: Negation = split_negation(title, self._is_artist)
        read = normalise(negation.wanted, "read")
        if not read:
            if negation.unwanted:
                ignored.append("the title only says what is not wanted, so these are popular tracks without it")
            elif title.strip():
                ignored.append(f"the title {title[:40]!r} says nothing that can be read")
            return TitleReading("", negation.unwanted, None, None, (), None, tuple(ignored))
        weights = vector = None
        if len(self.titles):
            vector = self.encoder.encode([read])[0]
            weights = self.vote.weights(read, vector, self.ngram_encoder.sparse_one(read))
        ignored += [
            f"{text[:40]!r} can only be avoided as far as playlist titles tell"
            for text in negation.unwanted
            if not self._is_artist(text)
        ]
        found = tuple(self.mentions.find(negation.wanted)) if self.mentions else ()
        track = None
        if self.track_mentions is not None and not len(self.titles.keys.rows(normalise(read, "key"))):
            track = self.track_mentions.find(read)
        if weights is not None and weights.cosine < _UNLIKE and weights.overlap < _APART and not (found or track):
            ignored.append(f"no playlist has a title like {negation.wanted[:40]!r}; these are guesses")
        return TitleReading(read, negation.unwanted, vector, weights, found, track, tuple(ignored))

    def score_reading(self, reading: TitleReading) -> Scores:
        """Scores for what was understood; empty where nothing was."""
        return self._scores.get(reading, lambda: self._scored(reading))

    def _scored(self, reading: TitleReading) -> Scores:
        if reading.weights is None or reading.vector is None:
            if reading.unwanted:
                return self.without(self.popularity.score(Query()), reading.unwanted)
            return Scores.none()
        scores = self.vote.tally(reading.weights)
        if self.ridge is not None:
            scores = self.ridge.blend(scores, reading.vector, self.ngram_encoder.encode([reading.read])[0])
        if self.mentions is not None:
            scores = self.mentions.mix(scores, list(reading.mentions))
        if self.track_mentions is not None:
            scores = self.track_mentions.mix(scores, reading.track)
        return self.without(scores, reading.unwanted)

    def _is_artist(self, folded: str) -> bool:
        return self.mentions is not None and self.mentions.artist_of(artist_key(folded)) is not None

    def without(self, scores: Scores, unwanted: tuple[str, ...]) -> Scores:
        """Leave out what a title excludes: an artist's tracks altogether, anything else as far as it is voted for.

        A word is subtracted through its own vote: the share of a track under the unwanted title is taken off its
        share under the wanted one, as often as it weighs more there.
        """
        for text in unwanted:
            artist = self.mentions.artist_of(artist_key(text)) if self.mentions else None
            if artist is not None and self.mentions is not None:
                kept = ~np.isin(scores.rows, self.mentions.tracks.row(artist))
                scores = Scores(scores.rows[kept], scores.values[kept])
                continue
            read = normalise(text, "read")
            if not read or not len(self.titles) or not len(scores):
                continue
            vector = self.encoder.encode([read])[0]
            against = self.vote.tally(self.vote.weights(read, vector, self.ngram_encoder.sparse_one(read)))
            share = looked_up(against, scores.rows, self.popularity.n_tracks)
            share /= max(float(share.sum(dtype=np.float64)), 1e-12)
            own = scores.values / max(float(scores.values.sum(dtype=np.float64)), 1e-12)
            values = np.maximum(own - _AGAINST * share, 0) * (own > share)
            scores = Scores(scores.rows[values > 0], values[values > 0].astype(np.float32))
        return scores

    def left_out(self, reading: TitleReading) -> NDArray[np.int32]:
        """Tracks of the artists that the title excludes: they may not come back by another way, int32 ``(m,)``."""
        if self.mentions is None:
            return np.zeros(0, np.int32)
        artists = (self.mentions.artist_of(artist_key(text)) for text in reading.unwanted)
        rows = [self.mentions.tracks.row(artist) for artist in artists if artist is not None]
        return np.concatenate([np.zeros(0, np.int32), *rows])

    def score(self, query: Query) -> Scores:
        """Scores for the query's title; its given tracks are not looked at."""
        return self.score_reading(self.read(query.title))

    def recommend(self, query: Query, n: int) -> Ranking:
        """The ``n`` best tracks for the title, filled up by popularity."""
        reading = self.read(query.title)
        ignored = (*reading.ignored, *remarks(query, self.popularity.n_tracks, uses_title=True, uses_seeds=False))
        given = np.asarray(query.seed_tracks, np.int64)
        return top_scores(
            self.score_reading(reading),
            n,
            exclude=np.concatenate([given, self.left_out(reading)]),
            fill=self.popularity.order,
            ignored=ignored,
        )

    def save(self, folder: Path) -> dict[str, object]:
        """Write titles, votes and channels into an existing folder; the returned dict belongs into its manifest."""
        for name in ("titles", "votes", "mentions", "ridge"):
            (folder / name).mkdir()
        self.titles.save(folder / "titles")
        self.vote.save(folder / "votes")
        self.ngram_encoder.save(folder / "titles")
        self.popularity.save(folder / "popularity")
        return {
            "fingerprint": self.fingerprint,
            "encoder": self.encoder.fingerprint,
            "mentions": None if self.mentions is None else self.mentions.save(folder / "mentions"),
            "track_mentions": None if self.track_mentions is None else self.track_mentions.save(folder / "mentions"),
            "ridge": None if self.ridge is None else self.ridge.save(folder / "ridge"),
        }

    @classmethod
    def load(
        cls, folder: Path, notes: dict[str, object], encoder: Encoder, playlist_tracks: Interactions
    ) -> TitleModel:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        titles = TitleTable.load(folder / "titles")
        popularity = Popularity.load(folder / "popularity")
        mentions, named, ridge = notes.get("mentions"), notes.get("track_mentions"), notes.get("ridge")
        if (popularity.n_playlists, popularity.n_tracks) != (playlist_tracks.n_rows, playlist_tracks.n_columns):
            raise StoredDataError(f"{folder / 'popularity'} belongs to another model; train the model again")
        return cls(
            titles=titles,
            vote=TitleVote.load(folder / "votes", titles, popularity.n_tracks),
            mentions=Mentions.load(folder / "mentions", mentions, popularity.counts, playlist_tracks)
            if isinstance(mentions, dict)
            else None,
            track_mentions=TrackMentions.load(folder / "mentions", named, popularity.counts, playlist_tracks)
            if isinstance(named, dict)
            else None,
            ridge=TitleRidge.load(folder / "ridge", ridge) if isinstance(ridge, dict) else None,
            encoder=encoder,
            ngram_encoder=NgramEncoder.load(folder / "titles"),
            popularity=popularity,
        )
