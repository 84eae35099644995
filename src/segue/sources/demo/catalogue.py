"""The bundled catalogue: real, well-known recordings, facts only.

`catalogue.tsv` was written by hand for Segue, from general knowledge: name, artist, year, genre, moods, language and
duration of a recording. The recordings are real; years and durations are from memory and may be a little off, and
moods are one person's opinion. Use it to try Segue, not as a discography.

The file is UTF-8 with `\\n` line ends, one header line, tabs between fields, and *no quoting*: a `"` is a character.
"""

from __future__ import annotations

import functools
from hashlib import blake2b
from importlib.resources import files
from typing import Final

import msgspec

from segue.errors import StoredDataError

COLUMNS: Final = ("name", "artist", "year", "genre", "moods", "language", "duration")

MOODS: Final = (
    "happy", "sad", "calm", "energetic", "romantic", "angry", "nostalgic", "dark", "dreamy", "party",
    "focus", "epic", "uplifting", "melancholic", "sexy", "chill", "rebellious", "festive", "spiritual", "playful",
)  # fmt: skip

GENRES: Final = (
    "afrobeats", "alternative", "ambient", "blues", "bollywood", "bossa nova", "chanson", "children", "christmas",
    "classic rock", "classical", "country", "dance", "disco", "drum and bass", "electronic", "folk", "funk", "gospel",
    "grunge", "hip hop", "house", "indie", "j-pop", "jazz", "k-pop", "latin", "lo-fi", "metal", "musicals", "pop",
    "punk", "r&b", "reggae", "reggaeton", "rock", "salsa", "schlager", "soul", "soundtrack", "synthpop", "techno",
    "trance", "worship",
)  # fmt: skip


class CatalogueTrack(msgspec.Struct, frozen=True, gc=False):
    """One recording of the bundled catalogue.

    Ids are short hashes of the artist and name, so they outlive a reordering of the file. `language` is an
    ISO 639-1 code, or 'zxx' for instrumental music.
    """

    track_id: str
    name: str
    artist_id: str
    artist: str
    year: int
    genre: str
    moods: tuple[str, ...]
    language: str
    duration_ms: int


def catalogue() -> list[CatalogueTrack]:
    """Return the bundled recordings in the order of the file.

    Within an artist, better-known recordings tend to come first. The list is new on each call, the tracks are shared.
    """
    return list(_tracks())


@functools.lru_cache(maxsize=1)
def _tracks() -> tuple[CatalogueTrack, ...]:
    text = (files("segue.sources.demo") / "catalogue.tsv").read_text(encoding="utf-8")
    header, *lines = text.split("\n")
    if tuple(header.split("\t")) != COLUMNS:
        raise StoredDataError(f"catalogue.tsv: the header is {header!r}, expected the columns {', '.join(COLUMNS)}")
    return tuple(_track(line) for line in lines if line)


def _track(line: str) -> CatalogueTrack:
    name, artist, year, genre, moods, language, duration = line.split("\t")
    artist_and_name = f"{artist}\t{name}"
    return CatalogueTrack(
        track_id=f"segue:demo:{_short_hash(artist_and_name)}",
        name=name,
        artist_id=f"segue:artist:{_short_hash(artist)}",
        artist=artist,
        year=int(year),
        genre=genre,
        moods=tuple(moods.split(",")),
        language=language,
        duration_ms=int(duration) * 1000,
    )


def _short_hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
