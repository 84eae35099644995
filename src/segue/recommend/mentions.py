"""Artists that a title names: spans, what is known about them, and how much of the list they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library import Interactions
from segue.library.arrays import load_array, save_array
from segue.library.names import fold
from segue.library.strings import HashIndex, StringArray
from segue.library.vote_parameters import ShareModel
from segue.recommend.scores import Scores, accumulate, gather

__all__ = ["FEATURES", "ArtistStatistics", "Mention", "Mentions", "artist_key", "spans"]

MAX_WORDS = 12  # a longer title is a sentence; its words name artists by chance
MIN_PLAYLISTS = 3  # unless the artist is the whole title
FEATURES = (
    "log_playlists",
    "log_rows",
    "log_tracks",
    "log_rows_per_playlist",
    "letters",
    "words",
    "part_of_title",
    "whole_title",
    "log_titles",
    "share_in_titles",
    "expected_share",
    "in_no_title",
    "log_track_names",
    "plural",
    "one_word",
    "two_words",
    "logit_expected_share",
)


def artist_key(name: str) -> str:
    """What makes two spellings one artist: folded, without a leading "the", without "and", without spaces.

    >>> artist_key("The Rolling Stones") == artist_key("rolling stones"), artist_key("Simon & Garfunkel")
    (True, 'simongarfunkel')
    """
    words = fold(name.replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return "".join(word for word in words if word != "and")


def spans(words: list[str], longest: int = 4) -> list[tuple[int, int]]:
    """Begin and end of every run of one to ``longest`` words."""
    return [(i, j) for i in range(len(words)) for j in range(i + 1, min(len(words), i + longest) + 1)]


def title_words(title: str) -> list[str]:
    """The words of a title in which artists are looked for; none of a title that is too long."""
    words = fold(title.replace("&", " and ")).split()
    return words if len(words) <= MAX_WORDS else []


@dataclass(frozen=True, slots=True)
class Mention:
    """An artist that the title names, the words that name it, and the share of the list it is due, in (0, 1)."""

    artist_row: int
    text: str
    share: float


@dataclass(frozen=True, eq=False)
class ArtistStatistics:
    """Per artist row, float32 ``(n_artists,)`` each.

    Args:
        playlists: training playlists with the artist. rows: entries in them. tracks: distinct tracks in them.
        titles: playlists whose title names the artist. title_share: sum of the artist's share in those.
        track_names: tracks whose name contains the artist's name as words.
    """

    playlists: NDArray[np.float32]
    rows: NDArray[np.float32]
    tracks: NDArray[np.float32]
    titles: NDArray[np.float32]
    title_share: NDArray[np.float32]
    track_names: NDArray[np.float32]

    NAMES = ("playlists", "rows", "tracks", "titles", "title_share", "track_names")

    def features(
        self,
        artist: int,
        *,
        key: str,
        span_words: int,
        title_words: int,
        plural: bool,
        own: Mapping[str, float] | None = None,
    ) -> list[float] | None:
        """Features of one span, in the order of :data:`FEATURES`; None if the artist is too rare to be meant.

        Args:
            own: what the playlist in question itself contributes to each statistic, to be taken off.
        """
        own = own or {}

        def known(name: str) -> float:
            return max(0.0, float(getattr(self, name)[artist]) - own.get(name, 0.0))

        whole = span_words == title_words
        playlists, titles = known("playlists"), round(known("titles"))
        if playlists < 1 or (playlists < MIN_PLAYLISTS and not whole):
            return None
        rows, tracks = known("rows"), max(known("tracks"), 1.0)
        share = known("title_share")
        expected = (share + 0.05) / (titles + 1)
        return [
            np.log(playlists),
            np.log1p(rows),
            np.log1p(tracks),
            np.log1p(rows / playlists),
            min(len(key), 15),
            span_words,
            span_words / title_words,
            float(whole),
            np.log1p(titles),
            share / titles if titles else 0.0,
            expected,
            float(titles == 0),
            np.log1p(known("track_names")),
            float(plural),
            float(span_words == 1),
            float(span_words == 2),
            np.log(expected / (1 - min(expected, 0.99))),
        ]


@dataclass(frozen=True, eq=False)
class Mentions:
    """Finds artists in titles and turns each into track scores.

    Args:
        keys: artist keys; ``key_artist`` int32 gives the artist of each (the most played of those that share it).
        key_texts: the keys themselves, to rule out hash collisions.
        statistics: see :class:`ArtistStatistics`. model: share model.
        tracks: artist x track; those in no training playlist count for nothing, but can be excluded.
        popularity: training playlists per track, int32 ``(n_tracks,)``.
        rich: artist x playlist, the playlists with the largest share of the artist; ``rich_shares`` beside it.
        playlist_tracks: training playlists.
        rich_part: part of an artist's share that goes to tracks of playlists rich in that artist.
        rich_rest: part of what the artists leave over that goes there too, instead of to the vote.
    """

    keys: HashIndex
    key_texts: StringArray
    key_artist: NDArray[np.int32]
    statistics: ArtistStatistics
    model: ShareModel
    tracks: Interactions
    popularity: NDArray[np.int32]
    rich: Interactions
    rich_shares: NDArray[np.float32]
    playlist_tracks: Interactions
    rich_part: float = 0.3
    rich_rest: float = 0.2
    min_share: float = 0.03
    max_share: float = 0.95

    def artist_of(self, key: str) -> int | None:
        """Artist row of a key, or None."""
        for row in self.keys.rows(key):
            if self.key_texts[int(row)] == key:
                return int(self.key_artist[row])
        return None

    def candidates(self, words: list[str]) -> list[tuple[int, int, int, str, bool]]:
        """Spans that are artists: (artist row, begin, end, key, plural); a span inside a longer one is left out."""
        found = []
        for begin, end in spans(words):
            if "and" in (words[begin], words[end - 1]):
                continue  # "queen and" has the key of "queen", but names no longer an artist than that
            key = artist_key(" ".join(words[begin:end]))
            if len(key) < 3:
                continue
            artist, plural = self.artist_of(key), False
            if artist is None and key.endswith("s") and len(key) > 4:
                artist, plural = self.artist_of(key[:-1]), True
            if artist is not None:
                found.append((artist, begin, end, key, plural))
        return [
            c
            for c in found
            if not any((o[1] <= c[1] and c[2] <= o[2]) and (o[1], o[2]) != (c[1], c[2]) for o in found)
        ]

    def find(self, title: str) -> list[Mention]:
        """Artists that the title names, each once, with their shares; these sum to at most ``max_share``."""
        words = title_words(title)
        features: dict[int, tuple[list[float], str]] = {}
        for artist, begin, end, key, plural in self.candidates(words):
            row = self.statistics.features(
                artist, key=key, span_words=end - begin, title_words=len(words), plural=plural
            )
            if row and (artist not in features or row[6] > features[artist][0][6]):
                features[artist] = (row, " ".join(words[begin:end]))
        if not features:
            return []
        shares = np.minimum(self.model.predict(np.array([f for f, _ in features.values()])), self.max_share)
        kept = [
            Mention(artist, text, float(s))
            for (artist, (_, text)), s in zip(features.items(), shares, strict=True)
            if s >= self.min_share
        ]
        total = sum(m.share for m in kept)
        factor = min(1.0, self.max_share / total) if total else 1.0
        return [Mention(m.artist_row, m.text, m.share * factor) for m in kept]

    def mix(self, scores: Scores, mentions: list[Mention]) -> Scores:
        """Give each artist its share of the list; the rest goes to the vote and to playlists rich in the artists.

        Source: DESIGN section 4, step 6.
        """
        if not mentions:
            return scores
        named = sum(m.share for m in mentions)
        parts = [(1.0 - named) * (1.0 - self.rich_rest)]
        found = [scores]
        for mention in mentions:
            rest = (1.0 - named) * self.rich_rest * mention.share / named
            parts += [mention.share * (1 - self.rich_part), mention.share * self.rich_part + rest]
            found += [self._own_tracks(mention.artist_row), self._rich_tracks(mention.artist_row)]
        rows, values = [], []
        for part, one in zip(parts, found, strict=True):
            whole = float(one.values.sum(dtype=np.float64))
            if whole > 0:
                rows.append(one.rows)
                values.append((one.values * (part / whole)).astype(np.float32))
        return accumulate(rows, values, len(self.popularity))

    def _own_tracks(self, artist: int) -> Scores:
        """The artist's tracks by popularity to the power 0.75."""
        rows = self.tracks.row(artist)
        return Scores(np.array(rows), (self.popularity[rows].astype(np.float32)) ** 0.75)

    def _rich_tracks(self, artist: int) -> Scores:
        """Tracks of playlists rich in the artist, each playlist weighing as its share, spread over its tracks."""
        begin, end = self.rich.indptr[artist], self.rich.indptr[artist + 1]
        playlists, shares = self.rich.indices[begin:end], self.rich_shares[begin:end]
        if len(playlists) == 0:
            return Scores.none()
        tracks, lengths = gather(self.playlist_tracks.indptr, self.playlist_tracks.indices, playlists)
        each = np.repeat(shares / np.maximum(lengths, 1), lengths).astype(np.float32)
        return accumulate([tracks], [each], len(self.popularity))

    def save(self, folder: Path) -> dict[str, object]:
        """Write the arrays into an existing folder; the returned dict belongs into its manifest."""
        self.keys.save(folder, "artist_keys")
        self.key_texts.save(folder, "artist_key_texts")
        save_array(folder / "artist_of_key.npy", self.key_artist)
        for name in ArtistStatistics.NAMES:
            save_array(folder / f"artist_{name}.npy", getattr(self.statistics, name))
        for name, x in (("artist_tracks", self.tracks), ("artist_rich", self.rich)):
            save_array(folder / f"{name}.indptr.npy", x.indptr)
            save_array(folder / f"{name}.indices.npy", x.indices)
        save_array(folder / "artist_rich.shares.npy", self.rich_shares)
        return {"rich_part": self.rich_part, "rich_rest": self.rich_rest, "share_model": self.model.to_json()}

    @classmethod
    def load(
        cls, folder: Path, notes: dict[str, object], popularity: NDArray[np.int32], playlist_tracks: Interactions
    ) -> Mentions:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """

        def interactions(name: str, n_columns: int) -> Interactions:
            return Interactions(
                load_array(folder / f"{name}.indptr.npy"), load_array(folder / f"{name}.indices.npy"), n_columns
            )

        share_model, rich_part, rich_rest = (notes.get(k) for k in ("share_model", "rich_part", "rich_rest"))
        if not (isinstance(share_model, dict) and isinstance(rich_part, float) and isinstance(rich_rest, float)):
            raise StoredDataError(f"{folder}: manifest.json does not describe the mentions; train the model again")
        return cls(
            keys=HashIndex.load(folder, "artist_keys"),
            key_texts=StringArray.load(folder, "artist_key_texts"),
            key_artist=load_array(folder / "artist_of_key.npy"),
            statistics=ArtistStatistics(*(load_array(folder / f"artist_{n}.npy") for n in ArtistStatistics.NAMES)),
            model=ShareModel.from_json(share_model),
            tracks=interactions("artist_tracks", len(popularity)),
            popularity=popularity,
            rich=interactions("artist_rich", playlist_tracks.n_rows),
            rich_shares=load_array(folder / "artist_rich.shares.npy"),
            playlist_tracks=playlist_tracks,
            rich_part=rich_part,
            rich_rest=rich_rest,
        )
