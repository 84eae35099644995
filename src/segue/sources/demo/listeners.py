"""Synthetic listeners over the bundled catalogue: a country and the tracks they love.

No such person exists: their tastes are drawn at random. A listener likes one to three genres, a mood or two, a topic
of the texts that :mod:`~segue.sources.demo.verses` makes up, some artists, music in the languages of their country,
and, like everybody, what is popular. What they love is listed with the most loved first.

Listener `i` depends on `rng_key` and `i` alone, bit for bit on every machine.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.sources.demo.draws import Draws
from segue.sources.demo.generate import cumulative, popularity
from segue.sources.demo.themes import Columns, Weights, columns
from segue.sources.demo.verses import songs, topics
from segue.sources.listeners import ListenedTrack, Listener

__all__ = ["Taste", "listeners", "listeners_with_tastes"]

_STREAM, _UNKNOWN_COUNTRY = 31, 0.06
_SHORTEST, _LONGEST = 15, 120
# how much more a listener likes what they like
_GENRE, _MOOD, _TOPIC, _ARTIST, _NO_LANGUAGE = 14.0, 3.0, 4.0, 8.0, 0.03


class Taste(msgspec.Struct, frozen=True):
    """What a listener was drawn to like: the planted truth, for evaluation, never for training."""

    genres: tuple[str, ...]
    moods: tuple[str, ...]
    topic: str
    artists: tuple[str, ...]


class _Country(msgspec.Struct, frozen=True):
    share: int
    languages: dict[str, float]


def listeners(n_listeners: int = 400, *, rng_key: int = 2026) -> Iterator[Listener]:
    """Yield synthetic listeners with 15 to 120 loved tracks each.

    Raises:
        InputError: an argument is negative.
    """
    return (listener for _, listener in listeners_with_tastes(n_listeners, rng_key=rng_key))


def listeners_with_tastes(n_listeners: int = 400, *, rng_key: int = 2026) -> Iterator[tuple[Taste, Listener]]:
    """Yield each listener's taste, and the listener.

    Raises:
        InputError: an argument is negative.
    """
    if min(n_listeners, rng_key) < 0:
        raise InputError(f"n_listeners and rng_key must not be negative; they are {n_listeners} and {rng_key}")
    crowd = _crowd(rng_key)
    return (crowd.listener(number) for number in range(n_listeners))


@functools.lru_cache(maxsize=2)
def _crowd(rng_key: int) -> _Crowd:
    return _Crowd(columns(), rng_key)


class _Crowd:
    """The catalogue with one popularity; makes listeners one by one."""

    def __init__(self, tracks: Columns, rng_key: int) -> None:
        self._tracks, self._rng_key = tracks, rng_key
        self._popularity = popularity(tracks, rng_key)
        self._countries = _countries()
        self._homes: dict[str, Weights] = {}
        self._shares = np.cumsum([country.share for country in self._countries.values()])
        self._topics = np.array([song.topic for song in songs(rng_key=rng_key)])
        self._genres: Final = list(dict.fromkeys(track.genre for track in tracks.tracks))
        self._moods: Final = list(dict.fromkeys(mood for track in tracks.tracks for mood in track.moods))
        # a genre is as likely to be liked as it is large, a niche at least a little
        sizes = [int(tracks.mask("genre", genre).sum()) for genre in self._genres]
        self._genre_shares = np.cumsum([20 + size for size in sizes])

    def listener(self, number: int) -> tuple[Taste, Listener]:
        """The taste and the listener with this number."""
        draws = Draws(self._rng_key, _STREAM, number)
        name = list(self._countries)[draws.weighted(self._shares)]
        weights = self._popularity * self._home(name)
        genres = tuple(self._genres[g] for g in draws.distinct(self._genre_shares, 1 + draws.below(3)))
        moods = tuple(dict.fromkeys(draws.pick(self._moods) for _ in range(1 + draws.below(2))))
        topic = draws.pick(topics())
        for column, values, factor in (("genre", genres, _GENRE), ("mood", moods, _MOOD)):
            liked = np.zeros(len(weights), np.bool_)
            for value in values:
                liked |= self._tracks.mask(column, value)
            weights = weights * np.where(liked, factor, 1.0)
        weights = weights * np.where(self._topics == topic, _TOPIC, 1.0)
        found = draws.distinct(_whole(weights), 2 + draws.below(5))
        artists = tuple(dict.fromkeys(self._tracks.tracks[row].artist for row in found))
        for artist in artists:
            weights = weights * np.where(self._tracks.mask("artist", artist), _ARTIST, 1.0)
        x = draws.uniform()
        n = _SHORTEST + int((_LONGEST - _SHORTEST + 1) * (x * draws.uniform() if draws.chance(0.5) else x))
        loved = [
            ListenedTrack(track.name, track.artist, track.track_id)
            for track in (self._tracks.tracks[row] for row in draws.distinct(_whole(weights), n))
        ]
        country = None if draws.chance(_UNKNOWN_COUNTRY) else name
        return Taste(genres, moods, topic, artists), Listener(f"synthetic listener {number}", country, loved)

    def _home(self, country: str) -> Weights:
        """How welcome each track's language is in a country; music without words is welcome everywhere."""
        if country not in self._homes:
            wanted = {"zxx": 0.5, **self._countries[country].languages}
            by_track = [wanted.get(track.language, _NO_LANGUAGE) for track in self._tracks.tracks]
            self._homes[country] = np.array(by_track, np.float64)
        return self._homes[country]


def _whole(weights: Weights) -> NDArray[np.int64]:
    # everybody's tastes multiply to different heights; the largest weight is 1, so that 2**24 steps suffice
    return cumulative(weights / weights.max())


@functools.lru_cache(maxsize=1)
def _countries() -> dict[str, _Country]:
    text = (files("segue.sources.demo") / "words" / "countries.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, _Country])
