"""Synthetic texts over the bundled catalogue: verses, summaries and tags.

No line was taken from a song: verses are put together from words and lines written for Segue (`words/verses.toml`),
by genre, moods and a topic, and have nothing to do with what is sung on the recording. All are in English, whatever
the language of the recording.

A track's text depends on `rng_key`, its id and its artist alone.
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import msgspec
import polars as pl

from segue.sources.demo.catalogue import CatalogueTrack, catalogue
from segue.sources.demo.draws import Draws
from segue.sources.demo.features import stream

__all__ = ["SOURCE", "Song", "song", "songs", "songs_table", "topic_of", "topics"]

SOURCE: Final = "synthetic"
"""What stands in ``lyrics_source`` of every text made here."""
_TEXT, _TOPIC, _TAGS = 21, 22, 23  # streams
_NOT_FOUND, _WORDLESS, _NO_TAGS = 0.04, 0.01, 0.02
_WORDS = (60, 200)  # of a text: no fewer, no more
_VOWEL: Final = re.compile(r"(?<=\b[Aa]) (?=[aeiou])")  # no word of the vocabulary starts with a spoken "you"


class Song(msgspec.Struct, frozen=True):
    """What is made up about one track; ``topic`` is the planted truth: for evaluation, never for training."""

    topic: str
    lyrics: str | None
    lyrics_status: str
    summary: str | None
    tags: str | None


class _Words(msgspec.Struct, frozen=True):
    adj: list[str] = []
    feel: list[str] = []
    lines: list[str] = []
    about: str = ""
    thing: list[str] = []
    things: list[str] = []
    place: list[str] = []
    act: list[str] = []
    topics: list[str] = []
    sound: list[str] = []


class _Vocabulary(msgspec.Struct, frozen=True):
    lines: dict[str, list[str]]
    topics: dict[str, _Words]
    moods: dict[str, _Words]
    genres: dict[str, _Words]
    summary: dict[str, list[str]]


def topics() -> tuple[str, ...]:
    """What a text can be about."""
    return tuple(_vocabulary().topics)


def songs_table(*, rng_key: int = 2026) -> pl.DataFrame:
    """Texts of all tracks of the catalogue, in its order: the string columns that a library may have for them."""
    found = songs(rng_key=rng_key)
    return pl.DataFrame(
        {
            "lyrics": [s.lyrics for s in found],
            "lyrics_status": [s.lyrics_status for s in found],
            "lyrics_source": [SOURCE] * len(found),
            "summary": [s.summary for s in found],
            "tags": [s.tags for s in found],
        },
        schema=dict.fromkeys(("lyrics", "lyrics_status", "lyrics_source", "summary", "tags"), pl.String),
    )


@functools.lru_cache(maxsize=2)
def songs(*, rng_key: int = 2026) -> tuple[Song, ...]:
    """What is made up about each track of the catalogue, in its order."""
    return tuple(song(track, rng_key=rng_key) for track in catalogue())


def topic_of(track: CatalogueTrack, *, rng_key: int = 2026) -> str:
    """What a track is about: half of the time what its artist always writes about, else what its genre likes."""
    of_artist, draws = stream(rng_key, _TOPIC, track.artist_id), stream(rng_key, _TOPIC, track.track_id)
    favourite = _topic(of_artist, track.genre)
    return favourite if draws.chance(0.5) else _topic(draws, track.genre)


def song(track: CatalogueTrack, *, rng_key: int = 2026) -> Song:
    """All that is made up about one track.

    Recordings without words, and one in a hundred of the others, are "instrumental"; four in a hundred texts are
    "not_found", and there is no summary of those.
    """
    draws = stream(rng_key, _TEXT, track.track_id)
    topic, tags = topic_of(track, rng_key=rng_key), _tags(track, stream(rng_key, _TAGS, track.track_id))
    writer = _Writer(track, topic, draws)
    if track.language == "zxx" or draws.chance(_WORDLESS):
        return Song(topic, None, "instrumental", writer.summary(_vocabulary().summary["instrumental"]), tags)
    if draws.chance(_NOT_FOUND):
        return Song(topic, None, "not_found", None, tags)
    return Song(topic, writer.lyrics(), "found", writer.summary(_vocabulary().summary["forms"]), tags)


class _Writer:
    """Fills lines with a handful of words that are this track's own."""

    def __init__(self, track: CatalogueTrack, topic: str, draws: Draws) -> None:
        words = _vocabulary()
        moods = [words.moods[mood] for mood in track.moods]
        about, genre = words.topics[topic], words.genres[track.genre]
        self._draws, self._track, self._about = draws, track, about.about
        self._gaps: dict[str, list[str]] = {
            "thing": _some(about.thing, 3, draws),
            "things": _some(about.things, 3, draws),
            "place": _some(about.place, 2, draws),
            "act": _some(about.act, 3, draws),
            "adj": _some([word for mood in moods for word in mood.adj], 4, draws),
            "feel": _some([word for mood in moods for word in mood.feel], 3, draws),
            "sound": genre.sound,
            "verb": words.summary["verbs"],
        }
        self._kinds = (
            [line for mood in moods for line in mood.lines],
            genre.lines,
            words.lines["any"],
        )

    def lyrics(self) -> str:
        """Two to four verses with a chorus between, an empty line between any two."""
        hooks = _vocabulary().lines["hook"]
        hook = self._filled(self._draws.pick(hooks))
        chorus = "\n".join([hook, self._line(0.7), hook, self._line(0.7)])
        parts: list[str] = []
        used: set[str] = set()
        wanted, n_words = _WORDS[0] + 10 + self._draws.below(90), 0
        while n_words < wanted:
            verse = chorus if len(parts) % 2 else "\n".join(self._new_line(used) for _ in range(4))
            parts.append(verse)
            n_words += len(verse.split())
        return "\n\n".join(parts)

    def _new_line(self, used: set[str]) -> str:
        """A line that was not there before, if one comes up soon."""
        line = self._line(0.35)
        for _ in range(5):
            if line not in used:
                break
            line = self._line(0.35)
        used.add(line)
        return line

    def summary(self, forms: Sequence[str]) -> str:
        """About 25 words; all summaries are alike, which is what is suspected of those that machines write."""
        track, form = self._track, self._draws.pick(forms)
        genre = track.genre if track.genre not in ("classical", "christmas") else f"{track.genre} music"
        return self._filled(form, mood=track.moods[0], genre=genre, about=self._about)

    def _line(self, moody: float) -> str:
        roll = self._draws.uniform()
        kind = 0 if roll < moody else 1 if roll < moody + 0.25 else 2
        return self._filled(self._draws.pick(self._kinds[kind]))

    def _filled(self, line: str, **more: str) -> str:
        chosen = dict(more)
        for gap in _gaps_of(line):
            if gap not in chosen:
                # "sound2" is another sound than "sound"
                words = [word for word in self._gaps[gap.rstrip("2")] if word != chosen.get(gap.rstrip("2"))]
                chosen[gap] = self._draws.pick(words)
        return _VOWEL.sub("n ", line.format(**chosen))


def _topic(draws: Draws, genre: str) -> str:
    """What a genre likes, the first most; now and then anything."""
    liked, roll = _vocabulary().genres[genre].topics, draws.uniform()
    if roll < 0.85:
        return liked[0 if roll < 0.4 else 1 if roll < 0.65 else 2]
    return draws.pick(topics())


def _tags(track: CatalogueTrack, draws: Draws) -> str | None:
    """Genre, moods and decade, the most given first; people leave some out."""
    if draws.chance(_NO_TAGS):
        return None
    decade = track.year // 10 * 10
    given = [track.genre, *track.moods, f"{decade % 100:02d}s" if decade < 2000 else f"{decade}s"]
    if track.language == "zxx":
        given.append("instrumental")
    return "; ".join(tag for at, tag in enumerate(given) if at == 0 or draws.chance(0.8))


def _some(words: Sequence[str], n: int, draws: Draws) -> list[str]:
    """Up to n different words."""
    left = list(dict.fromkeys(words))
    found: list[str] = []
    while left and len(found) < n:
        found.append(left.pop(draws.below(len(left))))
    return found


@functools.lru_cache(maxsize=512)
def _gaps_of(line: str) -> tuple[str, ...]:
    return tuple(gap for _, gap, _, _ in string.Formatter().parse(line) if gap)


@functools.lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    text = (files("segue.sources.demo") / "words" / "verses.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Vocabulary)
