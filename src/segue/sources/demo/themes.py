"""What a synthetic playlist is about: themes, and how well each track fits one.

The vocabularies are the TOML files in `words/`, written by hand for Segue. A theme gives every track of the bundled
catalogue a soft weight, the product of one factor each for genre, moods, year and language.
"""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.sources.demo.catalogue import CatalogueTrack, catalogue

Weights = NDArray[np.float64]

_FILES: Final = ("genres.toml", "moods.toml", "activities.toml", "occasions.toml", "places.toml")
_TITLE_LANGUAGES: Final = ("en", "es", "fr", "de", "pt", "it", "ko", "ja", "hi", "sv", "tr", "ar", "ru", "zh")

# A few years off is still the right kind of music: factors for one, two and three years outside the range.
_YEARS_OFF: Final = (0.25, 0.1, 0.05)


class Theme(msgspec.Struct, frozen=True):
    """What a playlist is about, as one table of `words/*.toml` says it."""

    family: str
    name: str
    titles: dict[str, list[str]]
    share: float = 10
    genres: dict[str, float] = {}
    moods: dict[str, float] = {}
    years: tuple[int, int] | None = None
    languages: dict[str, float] = {}
    any_language: bool = False
    names: tuple[str, ...] = ()
    emoji: tuple[str, ...] = ()
    dated: bool = False
    recent: bool = False
    off: float = 0.0005

    @property
    def key(self) -> str:
        """The family and the name, as in 'activity/gym'."""
        return f"{self.family}/{self.name}"


class Typing(msgspec.Struct, frozen=True):
    """How people type titles and how often they make which kind of playlist (`words/typing.toml`)."""

    everyday: dict[str, float]
    families: dict[str, float]
    frames: dict[str, list[str]]
    frames_artist: dict[str, list[str]]
    endings: dict[str, list[str]]
    first_names: dict[str, list[str]]
    personal: dict[str, list[str]]
    generic: dict[str, list[str]]
    joke: dict[str, list[str]]
    descriptions: dict[str, list[str]]


@functools.lru_cache(maxsize=1)
def themes() -> dict[str, dict[str, Theme]]:
    """Return all themes by family and name, in the order of the files."""
    found: dict[str, dict[str, Theme]] = {}
    for file in _FILES:
        for family, tables in _toml(file).items():
            for name, table in tables.items():
                titles = {code: table.pop(code) for code in _TITLE_LANGUAGES if code in table}
                theme = msgspec.convert({"family": family, "name": name, "titles": titles, **table}, Theme)
                found.setdefault(family, {})[name] = theme
    return found


@functools.lru_cache(maxsize=1)
def typing_habits() -> Typing:
    """Return the vocabulary of typing habits."""
    return msgspec.convert(_toml("typing.toml"), Typing)


def _toml(file: str) -> dict[str, Any]:
    return tomllib.loads((files("segue.sources.demo") / "words" / file).read_text(encoding="utf-8"))


class Columns:
    """The columns of the catalogue as arrays, and the factors that a theme makes of them.

    All weights are float64 and come from products and sums of a few constants, so they are exact everywhere.
    """

    def __init__(self, tracks: list[CatalogueTrack]) -> None:
        self.tracks = tracks
        self.years = np.array([track.year for track in tracks], dtype=np.int64)
        self._masks: dict[tuple[str, str], NDArray[np.bool_]] = {}
        self._factors: dict[str, dict[str, Weights]] = {}
        self._homes: dict[str, Weights] = {}
        self._everyday = self._lookup("genre", typing_habits().everyday, otherwise=1.0)

    def mask(self, column: str, value: str) -> NDArray[np.bool_]:
        """Return which tracks have this value; column is genre, mood, language, artist or name."""
        key = (column, value)
        if key not in self._masks:
            if column == "mood":
                flags = [value in track.moods for track in self.tracks]
            else:
                flags = [getattr(track, column) == value for track in self.tracks]
            self._masks[key] = np.array(flags, dtype=np.bool_)
        return self._masks[key]

    def weights(self, *parts: Theme, language: str = "en") -> Weights:
        """Return how well each track fits all the parts at once, shape (n_tracks,), largest about 1.

        Args:
            parts: one theme, or several for a combination such as '90s rap'.
            language: of the title; its tracks are favoured where the themes leave it open.
        """
        found = [self._theme_factors(part) for part in parts]
        product = np.ones(len(self.tracks))
        for column in ("genre", "mood", "year", "language"):
            given = [factors[column] for factors in found if column in factors]
            if column == "language" and not given:
                given = [self.home(language)]
            for factor in given:
                product = product * factor
        if not any("genre" in factors for factors in found):
            product = product * self._everyday
        if len(parts) == 1 and "name" in found[0]:
            product = np.maximum(product, found[0]["name"])
        return product

    def home(self, language: str) -> Weights:
        """Return how welcome each track's language is to someone who types in this language."""
        if language not in self._homes:
            others = 0.04 if language == "en" else 0.03
            wanted = {"en": 0.35, "zxx": 1.0, language: 1.0}
            self._homes[language] = self._lookup("language", wanted, otherwise=others)
        return self._homes[language]

    def everyday(self, language: str) -> Weights:
        """Return the weights of a playlist that is about nothing."""
        return self._everyday * self.home(language)

    def _theme_factors(self, theme: Theme) -> dict[str, Weights]:
        if theme.key not in self._factors:
            self._factors[theme.key] = self._make_factors(theme)
        return self._factors[theme.key]

    def _make_factors(self, theme: Theme) -> dict[str, Weights]:
        factors: dict[str, Weights] = {}
        if theme.genres:
            factors["genre"] = self._lookup("genre", theme.genres, otherwise=theme.off)
        if theme.moods:
            mood = np.full(len(self.tracks), theme.off)
            for value, weight in theme.moods.items():
                mood = mood + weight * self.mask("mood", value)
            factors["mood"] = np.minimum(mood, 1.2)
        if theme.years:
            factors["year"] = self.within(theme.years, theme.off)
        if theme.languages:
            factors["language"] = self._lookup("language", theme.languages, otherwise=theme.off)
        elif theme.any_language:
            factors["language"] = np.ones(len(self.tracks))
        if theme.names:
            named = np.zeros(len(self.tracks))
            for name in theme.names:
                named = np.maximum(named, self.mask("name", name).astype(np.float64))
            factors["name"] = named
        return factors

    def within(self, years: tuple[int, int], off: float) -> Weights:
        """Return 1 inside the years, less up to three years outside them, and `off` beyond."""
        distance = np.maximum(np.maximum(years[0] - self.years, self.years - years[1]), 0)
        factor = np.where(distance == 0, 1.0, off)
        for years_off, weight in enumerate(_YEARS_OFF, start=1):
            factor = np.where(distance == years_off, weight, factor)
        return factor

    def _lookup(self, column: str, wanted: dict[str, float], otherwise: float) -> Weights:
        values = [getattr(track, column) for track in self.tracks]
        return np.array([wanted.get(value, otherwise) for value in values], dtype=np.float64)


@functools.lru_cache(maxsize=1)
def columns() -> Columns:
    """Return the columns of the bundled catalogue."""
    return Columns(catalogue())
