"""Synthetic playlists over the bundled catalogue, in the shape of Spotify's Million Playlist Dataset.

No person made these playlists: the recordings are real, the playlists, their titles and all counts are drawn at
random from hand-written vocabularies. They are good for trying Segue and for tests, and say nothing about how well a
system works on people's playlists.

A playlist has a theme (gym, 90s rap, navidad, one artist, nothing at all), a person's taste (favourite artists and
genres), popular tracks more often than rare ones, a share of tracks that have nothing to do with the theme and grows
towards the end, now and then runs of one artist, and rarely a track twice. Nothing in it is newer than the year in
which the playlist was last modified. Albums are unknown: `album_name` and `album_uri` are absent, `num_albums` is 0.

Playlist `pid` depends on `rng_key` and `pid` alone, bit for bit on every machine, so that parts of a large corpus can
be drawn separately.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, OutputError
from segue.sources.demo.draws import Draws
from segue.sources.demo.plans import Plan, Planner
from segue.sources.demo.themes import Columns, Weights, columns, typing_habits
from segue.sources.demo.titles import filled, typed

SLICE_SIZE: Final = 1000
_SHORTEST: Final = 8
_LONGEST: Final = 120
_MARK: Final = "Synthetic playlists, drawn by segue.sources.demo; no person made them."
_YEARS: Final = (2014, 2025)
_EPOCH: Final = date(1970, 1, 1).toordinal()


def generate(n_playlists: int = 6000, *, rng_key: int = 2026, first_pid: int = 0) -> Iterator[dict[str, Any]]:
    """Yield synthetic playlists with the keys of the Million Playlist Dataset.

    Args:
        n_playlists: how many.
        rng_key: names the random world (popularity and all playlists); not negative.
        first_pid: `pid` of the first one.

    Raises:
        InputError: if an argument is negative.
    """
    for _, playlist in generate_with_themes(n_playlists, rng_key=rng_key, first_pid=first_pid):
        yield playlist


def generate_with_themes(
    n_playlists: int = 6000, *, rng_key: int = 2026, first_pid: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each playlist was drawn to be about, and the playlist.

    The theme is 'family/name', for example 'activity/gym', 'genre_era/90s+rock', 'artist/Queen' or 'joke/joke'. It is
    the planted truth: for evaluation, never for training.

    Raises:
        InputError: if an argument is negative.
    """
    if min(n_playlists, rng_key, first_pid) < 0:
        raise InputError(
            "n_playlists, rng_key and first_pid must not be negative; "
            f"they are {n_playlists}, {rng_key} and {first_pid}"
        )
    world = _world(rng_key)
    return (world.playlist(pid) for pid in range(first_pid, first_pid + n_playlists))


def write(folder: Path, n_playlists: int = 6000, *, rng_key: int = 2026) -> list[Path]:
    """Write synthetic playlists as slices `mpd.slice.0-999.json`, ... and return their paths.

    Each file is written beside its place and then renamed. Slices of an earlier call that are not written again are
    removed.

    Raises:
        OutputError: if the folder holds slices that are not synthetic; nothing is touched then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = sorted(folder.glob("mpd.slice.*.json"))
    for path in earlier:
        with path.open("rb") as file:
            if _MARK.encode() not in file.read(1000):
                raise OutputError(f"{path} is not one of Segue's synthetic slices; choose an empty folder")
    written: list[Path] = []
    for first in range(0, n_playlists, SLICE_SIZE):
        n = min(SLICE_SIZE, n_playlists - first)
        name = f"{first}-{first + n - 1}"
        info = {"generated_on": "2026-01-01 00:00:00", "slice": name, "version": "v1", "description": _MARK}
        playlists = list(generate(n, rng_key=rng_key, first_pid=first))
        path = folder / f"mpd.slice.{name}.json"
        temporary = folder / f".{path.name}.{os.getpid()}"
        temporary.write_bytes(msgspec.json.encode({"info": info, "playlists": playlists}))
        temporary.replace(path)
        written.append(path)
    for path in earlier:
        if path not in written:
            path.unlink()
    return written


@functools.lru_cache(maxsize=2)
def _world(rng_key: int) -> _World:
    return _World(columns(), rng_key)


class _World:
    """The catalogue with one popularity; makes playlists one by one."""

    def __init__(self, tracks: Columns, rng_key: int) -> None:
        self._rng_key = rng_key
        self._tracks = tracks
        self._habits = typing_habits()
        self._popularity = popularity(tracks, rng_key)
        self._planner = Planner(tracks, self._popularity)
        genres = [track.genre for track in tracks.tracks]
        self._genres = list(dict.fromkeys(genres))
        codes = {genre: code for code, genre in enumerate(self._genres)}
        self._genre_codes = np.array([codes[genre] for genre in genres], dtype=np.int64)
        self._entries = [
            {
                "artist_name": track.artist,
                "track_uri": track.track_id,
                "artist_uri": track.artist_id,
                "track_name": track.name,
                "duration_ms": track.duration_ms,
            }
            for track in tracks.tracks
        ]

    def playlist(self, pid: int) -> tuple[str, dict[str, Any]]:
        """Return the theme and the playlist with this pid."""
        draws = Draws(self._rng_key, 1 + pid)
        # More recent years are more likely, as services grow.
        year = _YEARS[1] - int(draws.uniform() * draws.uniform() * (_YEARS[1] - _YEARS[0] + 1))
        plan = self._planner.draw(draws, year)
        title = typed(plan.words, draws, self._habits, plan.emoji)
        rows = self._rows(draws, plan, year)
        tracks = [{"pos": pos, **self._entries[row]} for pos, row in enumerate(rows)]
        found: dict[str, Any] = {
            "name": title,
            "collaborative": "true" if draws.chance(0.023) else "false",
            "pid": pid,
            "modified_at": (date(year, 1, 1).toordinal() - _EPOCH + draws.below(365)) * 86_400,
            "num_tracks": len(rows),
            "num_albums": 0,
            "num_followers": 1 if draws.chance(0.75) else min(1 + int(1 / (draws.uniform() + 0.001)), 900),
            "num_edits": 1 + int(draws.uniform() * draws.uniform() * len(rows)),
            "duration_ms": sum(self._tracks.tracks[row].duration_ms for row in rows),
            "num_artists": len({self._tracks.tracks[row].artist for row in rows}),
        }
        if draws.chance(0.08):
            form = draws.pick(self._habits.descriptions["any"])
            found["description"] = filled(form, draws, self._habits, theme=plan.words, year=year)
        found["tracks"] = tracks
        return plan.key, found

    def _rows(self, draws: Draws, plan: Plan, year: int) -> list[int]:
        """Return the tracks in order: mostly on the theme, strays more often towards the end."""
        until_now = self._tracks.years <= year
        weights = plan.weights * until_now
        fitting = int(np.count_nonzero(weights > 0.2 * float(weights.max())))
        spread = 2 if plan.key.startswith(("artist/", "track/")) else 1
        n = min(_length(draws), max(_SHORTEST, spread * fitting))
        taste = self._taste(draws, weights, strong=plan.about_nothing)
        on_theme = draws.distinct(cumulative(weights * self._popularity * taste), n)
        strays_share = 0.0 if plan.about_nothing else 0.28 * draws.uniform() * draws.uniform()
        anything = self._tracks.everyday(plan.language) * self._popularity * taste * until_now
        strays = draws.distinct(cumulative(anything), 1 + int(n * 2 * strays_share))
        run_share = 0.3 if draws.chance(0.22) else 0.0

        # A dict keeps the order and each track once.
        rows = dict.fromkeys(plan.opening)
        for at, row in enumerate(on_theme):
            if strays and draws.chance(strays_share * 2 * at / n):
                rows[strays.pop(0)] = None
            rows[row] = None
            if run_share and draws.chance(run_share):
                rows.update(dict.fromkeys(self._more_of_artist(draws, row, weights)))
        # A theme with a handful of tracks is filled up with whatever this person likes.
        rows.update(dict.fromkeys(draws.distinct(cumulative(anything), 40) if len(rows) < _SHORTEST else ()))
        found = list(rows)[:n]
        if draws.chance(0.07):
            for _ in range(1 + draws.below(3)):
                found.insert(draws.below(len(found) + 1), draws.pick(found))
        return found[:_LONGEST]

    def _taste(self, draws: Draws, weights: Weights, *, strong: bool) -> Weights:
        """Return what one person's favourite genres and artists do to the weights."""
        by_genre = np.ones(len(self._genres))
        for _ in range(1 + draws.below(3)):
            by_genre[draws.below(len(self._genres))] = 25.0 if strong else 3.0
        taste: Weights = by_genre[self._genre_codes]
        likely = cumulative(weights * self._popularity * taste)
        favourites = (self._tracks.tracks[row].artist for row in draws.distinct(likely, 1 + draws.below(5)))
        for artist in dict.fromkeys(favourites):
            rows = self._planner.rows_by_artist[artist]
            taste[rows] = taste[rows] * 5.0
        return taste

    def _more_of_artist(self, draws: Draws, row: int, weights: Weights) -> list[int]:
        rows = self._planner.rows_by_artist[self._tracks.tracks[row].artist]
        fitting = [other for other in rows.tolist() if weights[other] > 0.02]
        return fitting[: 1 + draws.below(4)]


def _length(draws: Draws) -> int:
    """Return a number of tracks from 8 to 120, about 40 on average, short ones more often."""
    x = draws.uniform()
    if draws.chance(0.65):
        x = x * draws.uniform()
    return _SHORTEST + int((_LONGEST - _SHORTEST + 1) * x)


def popularity(tracks: Columns, rng_key: int) -> Weights:
    """Return a Zipf-like weight of each track, largest 1.

    The ranks are a random permutation that favours artists with many recordings in the catalogue, their first-named
    recordings, and recent years.
    """
    n_by_artist: dict[str, int] = {}
    places: list[int] = []
    for track in tracks.tracks:
        n_by_artist[track.artist] = n_by_artist.get(track.artist, 0) + 1
        places.append(n_by_artist[track.artist])
    n_recordings = np.array([n_by_artist[track.artist] for track in tracks.tracks], dtype=np.float64)
    known = (n_recordings + 2.0) / (np.array(places, dtype=np.float64) + 2.0)
    known = known * np.where(tracks.years >= 2005, 1.5, 1.0)
    known = known * (0.3 + 1.4 * Draws(rng_key, 0).uniforms(len(places)))
    ranks = np.empty(len(places), dtype=np.int64)
    ranks[np.argsort(-known, kind="stable")] = np.arange(len(places))
    return 121.0 / (ranks.astype(np.float64) + 121.0)


def cumulative(weights: Weights) -> NDArray[np.int64]:
    """Return the weights added up as whole numbers, which add up the same in any order; floats do not."""
    return np.cumsum((weights * 2.0**24).astype(np.int64))
