"""Synthetic audio features of the bundled catalogue: plausible by genre and mood, measured nowhere.

The recordings are real, *these numbers are not theirs*: they are drawn around what one person imagines of a genre
and a mood (`words/audio.toml`). A track's features depend on `rng_key`, its id and its artist alone.
"""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Final

import msgspec
import polars as pl

from segue.library.tables import AUDIO_FEATURES
from segue.sources.demo.catalogue import CatalogueTrack, catalogue
from segue.sources.demo.draws import Draws

__all__ = ["Audio", "features", "features_table", "stream"]

_TRACK, _ARTIST, _UNKNOWN = 11, 12, 0.03  # streams; the share of tracks of which no feature is known
_NOISE: Final = {
    "danceability": 0.09, "energy": 0.10, "speechiness": 0.03, "acousticness": 0.14, "instrumentalness": 0.05,
    "liveness": 0.08, "valence": 0.13,
}  # fmt: skip
_WALTZ: Final = {"chanson": 0.2, "classical": 0.3, "folk": 0.12, "jazz": 0.12, "musicals": 0.15, "christmas": 0.12}


class Audio(msgspec.Struct, frozen=True):
    """What genres and moods sound like (`words/audio.toml`)."""

    genres: dict[str, tuple[float, float, float, float, float, float, float, float, float, float]]
    moods: dict[str, tuple[float, float, float, float, float, float]]


def features_table(*, rng_key: int = 2026) -> pl.DataFrame:
    """Features of all tracks of the catalogue, in its order: float32 columns of ``AUDIO_FEATURES``.

    Three in a hundred tracks have none at all, as in any catalogue.
    """
    rows = [features(track, rng_key=rng_key) for track in catalogue()]
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in AUDIO_FEATURES},
        schema=dict.fromkeys(AUDIO_FEATURES, pl.Float32),
    )


def features(track: CatalogueTrack, *, rng_key: int = 2026) -> dict[str, float]:
    """The twelve features of one track, in Spotify's units; empty where they are unknown.

    Every number is a product and a sum of constants and of uniform numbers, so it is the same on every machine.
    """
    audio, draws = _audio(), stream(rng_key, _TRACK, track.track_id)
    if draws.chance(_UNKNOWN):
        return {}
    of_artist = stream(rng_key, _ARTIST, track.artist_id)
    dance, energy, speech, acoustic, instrumental, live, valence, tempo, spread, minor = audio.genres[track.genre]
    pace = 1.0
    for at, mood in enumerate(track.moods):
        share = 1.0 if at == 0 else 0.5  # what is named first says most
        d, e, a, v, t, m = (share * x for x in audio.moods[mood])
        dance, energy, acoustic, valence, pace, minor = (
            dance + d, energy + e, acoustic + a, valence + v, pace + t, minor + m,
        )  # fmt: skip
    if track.language == "zxx":
        instrumental, speech = max(instrumental, 0.75), min(speech, 0.05)
    middle = {
        "danceability": dance,
        "energy": energy,
        "speechiness": speech,
        "acousticness": acoustic,
        "instrumentalness": instrumental,
        "liveness": live,
        "valence": valence,
    }
    found = {
        name: _inside(value + _NOISE[name] * (0.5 * _bell(of_artist) + _bell(draws)))
        for name, value in middle.items()
    }
    # instruments alone or a voice throughout: there is little between
    found["instrumentalness"] = found["instrumentalness"] if instrumental > 0.3 else _inside(0.02 * draws.uniform())
    # recordings have become louder; what is energetic is loud
    loudness = -19.0 + 11.0 * found["energy"] + 0.06 * (track.year - 1990) + 1.3 * _bell(draws)
    found["loudness"] = round(min(max(loudness, -40.0), -1.0), 2)
    found["tempo"] = round(min(max(tempo * pace + spread * _bell(draws), 52.0), 212.0), 2)
    found["key"] = float(draws.below(12))
    found["mode"] = 0.0 if draws.chance(minor) else 1.0
    found["time_signature"] = 3.0 if draws.chance(_WALTZ.get(track.genre, 0.03)) else 4.0
    return found


def stream(rng_key: int, purpose: int, name: str) -> Draws:
    """A stream of its own for a track or an artist, whatever else is in the catalogue; ids end in a hash."""
    return Draws(rng_key, purpose, int(name.rsplit(":", 1)[1], 16))


def _bell(draws: Draws) -> float:
    """A number of mean 0 and variance 1, bell-shaped: the sum of four uniform ones (Irwin-Hall)."""
    total = draws.uniform() + draws.uniform() + draws.uniform() + draws.uniform()
    return (total - 2.0) * 1.7320508075688772


def _inside(value: float) -> float:
    """A share: reflected at 0.02 and 0.98 rather than cut, so that no two tracks lie on the edge for nothing."""
    if value < 0.02:
        value = 0.04 - value
    if value > 0.98:
        value = 1.96 - value
    return round(min(max(value, 0.0), 1.0), 4)


@functools.lru_cache(maxsize=1)
def _audio() -> Audio:
    text = (files("segue.sources.demo") / "words" / "audio.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Audio)
