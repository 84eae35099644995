"""What one synthetic playlist will be: its theme, its words, and how much it wants each track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.sources.demo.draws import Draws
from segue.sources.demo.themes import Columns, Theme, Typing, Weights, themes, typing_habits
from segue.sources.demo.titles import dated, filled

# Families that join two themes: the two families, and how people say it.
_PAIRS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "genre_era": ("era", "genre", ("{a} {b}", "{a} {b}", "{a} {b}", "{b} {a}", "{a} {b} hits", "best {a} {b}")),
    "mood_activity": ("mood", "activity", ("{a} {b}", "{a} {b}", "{a} music for {b}", "{b} but {a}", "{b} ({a})")),
    "era_party": ("era", "party", ("{a} {b}", "{a} {b}", "{b} {a}")),
    "language_mood": ("language", "mood", ("{a} {b}", "{a} {b}", "{b} {a} songs", "{b} in {a}")),
    "season_place": ("season", "place", ("{a} {b}", "{b} {a}", "{a} in {b}", "{a} @ {b}")),
}

# A pair such as 1950s techno has no tracks; this many good ones make it worth a playlist.
_ENOUGH_TRACKS: Final = 15


class Plan(msgspec.Struct):
    """What one playlist will be, before its tracks are drawn."""

    key: str
    words: str
    weights: Weights
    language: str = "en"
    emoji: tuple[str, ...] = ()
    opening: tuple[int, ...] = ()
    about_nothing: bool = False


class Planner:
    """Draws plans over one catalogue with one popularity.

    Args:
        tracks: the columns of the catalogue.
        popularity: weight of each track, shape (n_tracks,), largest 1.
    """

    def __init__(self, tracks: Columns, popularity: Weights) -> None:
        self._tracks = tracks
        self._habits: Typing = typing_habits()
        self._families = list(self._habits.families)
        self._family_shares = _cumulative(list(self._habits.families.values()))
        self._theme_shares = {
            family: _cumulative([theme.share for theme in found.values()]) for family, found in themes().items()
        }
        rows: dict[str, list[int]] = {}
        for row, track in enumerate(tracks.tracks):
            rows.setdefault(track.artist, []).append(row)
        self.rows_by_artist = {artist: np.array(found) for artist, found in rows.items()}
        # Only an artist with a few recordings can carry a playlist.
        self._artists = [artist for artist, found in rows.items() if len(found) >= 3]
        self._artist_shares = _cumulative([float(popularity[rows[artist]].max()) for artist in self._artists])
        self._popularity = popularity

    def draw(self, draws: Draws, year: int) -> Plan:
        """Return the plan of one playlist that is made in this year."""
        family = self._families[draws.weighted(self._family_shares)]
        if family in _PAIRS:
            return self._pair(draws, family, year)
        if family == "artist":
            return self._artist(draws, year)
        if family == "track":
            return self._track(draws, year)
        if family in ("personal", "generic", "joke"):
            return self._about_nothing(draws, family, year)
        return self._single(draws, self._theme(draws, family), year)

    def _theme(self, draws: Draws, family: str) -> Theme:
        found = list(themes()[family].values())
        return found[draws.weighted(self._theme_shares[family])]

    def _single(self, draws: Draws, theme: Theme, year: int) -> Plan:
        language = _title_language(draws, theme)
        words = _skewed(draws, theme.titles[language])
        frames = self._habits.frames.get(language, [])
        if theme.dated and (theme.recent or draws.chance(0.45)):
            words = dated(words, draws, year) if draws.chance(0.85) else words
        elif frames and draws.chance(0.09):
            words = filled(_skewed(draws, frames), draws, self._habits, theme=words, year=year)
        weights = self._weights(theme, language=language, year=year)
        return Plan(theme.key, words, weights, language=language, emoji=theme.emoji)

    def _weights(self, *parts: Theme, year: int, language: str = "en") -> Weights:
        weights = self._tracks.weights(*parts, language=language)
        if any(theme.recent for theme in parts):
            weights = weights * self._tracks.within((year - 2, year), 0.003)
        return weights

    def _pair(self, draws: Draws, family: str, year: int) -> Plan:
        first_family, second_family, forms = _PAIRS[family]
        for _ in range(6):
            first, second = self._theme(draws, first_family), self._theme(draws, second_family)
            if "en" not in first.titles or "en" not in second.titles:
                continue
            weights = self._weights(first, second, year=year)
            if np.count_nonzero((weights > 0.2) & (self._tracks.years <= year)) >= _ENOUGH_TRACKS:
                a, b = (_skewed(draws, theme.titles["en"][:3]) for theme in (first, second))
                words = draws.pick(forms).format(a=a, b=b)
                if draws.chance(0.04):
                    words = filled(draws.pick(self._habits.frames["en"]), draws, self._habits, theme=words, year=year)
                key = f"{family}/{first.name}+{second.name}"
                return Plan(key, words, weights, emoji=first.emoji + second.emoji)
        return self._single(draws, self._theme(draws, second_family), year)

    def _artist(self, draws: Draws, year: int) -> Plan:
        artist = self._draw_artist(draws, year)
        weights = self._similar(self.rows_by_artist[artist])
        words, key = artist, artist
        if draws.chance(0.1):
            other = self._draw_artist(draws, year)
            weights = np.maximum(weights, self._similar(self.rows_by_artist[other]))
            words, key = f"{artist}{draws.pick((' / ', ' & ', ' + ', ' and ', ' x '))}{other}", f"{artist}+{other}"
        elif draws.chance(0.3):
            frame = _skewed(draws, self._habits.frames_artist["en"])
            words = filled(frame, draws, self._habits, theme=artist, year=year)
        return Plan(f"artist/{key}", words, weights, emoji=("❤️", "🖤", "🔥", "🐐", "👑"))

    def _draw_artist(self, draws: Draws, year: int) -> str:
        while True:
            artist = self._artists[draws.weighted(self._artist_shares)]
            if np.count_nonzero(self._tracks.years[self.rows_by_artist[artist]] <= year) >= 3:
                return artist

    def _similar(self, rows: NDArray[np.int64]) -> Weights:
        """Return 1 for these tracks of one artist, and a little for others of the same genre, language and time."""
        tracks = self._tracks
        weights = np.zeros(len(tracks.tracks))
        for row in dict.fromkeys(rows[:3].tolist()):
            track = tracks.tracks[row]
            near = tracks.within((track.year - 6, track.year + 6), 0.1)
            alike = tracks.mask("genre", track.genre) & tracks.mask("language", track.language)
            weights = np.maximum(weights, near * alike)
        weights[rows] = 0.0
        own = np.zeros(len(weights))
        own[rows] = 1.0
        # However many similar tracks there are, together they are drawn about half as often as the artist's own.
        total, total_own = (int(_cumulative((some * self._popularity).tolist())[-1]) for some in (weights, own))
        return own + weights * (0.5 * total_own / max(total, 1))

    def _track(self, draws: Draws, year: int) -> Plan:
        row = draws.weighted(_cumulative((self._popularity * (self._tracks.years <= year)).tolist()))
        track = self._tracks.tracks[row]
        weights = np.minimum(self._similar(self.rows_by_artist[track.artist]), 0.2)
        return Plan(f"track/{track.track_id}", track.name, weights, language=track.language, opening=(row,))

    def _about_nothing(self, draws: Draws, family: str, year: int) -> Plan:
        forms = self._habits.joke["forms"] if family == "joke" else getattr(self._habits, family)["any"]
        form = _skewed(draws, forms) if family == "generic" else draws.pick(forms)
        words = filled(form, draws, self._habits, theme="", year=year)
        language = "en"
        if draws.chance(0.12):
            language = draws.pick(("es", "fr", "de", "pt", "it", "ko", "ja", "hi", "sv", "tr", "ar", "ru"))
        weights = self._tracks.everyday(language)
        if family == "personal" and draws.chance(0.5):
            weights = self._tracks.weights(themes()["love"]["love"], language=language)
        return Plan(f"{family}/{family}", words, weights, language=language, about_nothing=True)


def _title_language(draws: Draws, theme: Theme) -> str:
    others = [code for code in theme.titles if code != "en"]
    if "en" not in theme.titles or (others and draws.chance(0.5 if theme.languages else 0.3)):
        return draws.pick(others)
    return "en"


def _skewed(draws: Draws, options: Sequence[str]) -> str:
    """Return one of the options, the first ones more often: most people say 'chill', few say 'wind down'."""
    u = draws.uniform()
    return options[min(int(u * u * u * len(options)), len(options) - 1)]


def _cumulative(weights: Sequence[float]) -> NDArray[np.int64]:
    return np.cumsum((np.array(weights) * 2.0**20).astype(np.int64))
