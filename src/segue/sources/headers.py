"""Which column of a table is what: the headers that exporters write, folded and in order of preference."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["ALIASES", "columns_of", "fold_header"]

_NOT_WORD = re.compile(r"[\W_]+")

# field -> headers (folded), the more telling one first. Exportify (three dialects), TuneMyMusic, Soundiiz, Spotlistr,
# Apple Music and foobar2000 exports, the MPD tables, and what people write by hand.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "track_id": (
        "track uri", "spotify uri", "spotify track uri", "uri", "track id", "trackid", "spotify id",
        "spotify track id", "spotify url", "track url", "spotify link", "url",
    ),
    "name": ("track name", "trackname", "track", "song name", "song", "song title", "track title", "name", "title"),
    "artist": (
        "artist name s", "artist name", "artistname", "artist names", "track artist", "artist s", "artist", "artists",
        "artist s name", "creator", "performer", "album artist name s", "album artist name", "album artist",
    ),
    "artist_id": ("artist uri s", "artist uri", "artist ids", "artist id", "artist uris"),
    "album": ("album name", "album", "track album name", "album title", "release"),
    "album_id": ("album uri", "album id", "track album id"),
    "year": (
        "year", "release year", "album release date", "release date", "track album release date",
    ),
    "duration_ms": (
        "track duration ms", "duration ms", "durationms", "length ms", "duration milliseconds", "time ms",
    ),
    "duration": ("duration s", "duration seconds", "track duration", "duration", "length", "time"),
    "explicit": ("explicit", "is explicit"),
    "genre": ("genre", "genres", "artist genres", "artist genre s", "playlist genre"),
    "location": ("location", "path", "file", "filename", "file name", "file path"),
    "playlist_id": ("playlist id", "playlistid", "pid", "playlist uri", "playlist"),
    "title": ("playlist name", "playlistname", "playlist title", "playlist", "title"),
    "description": ("playlist description", "description"),
    "collaborative": ("collaborative",),
    "modified_at": ("modified at",),
    "num_followers": ("num followers", "followers", "playlist followers"),
    "position": ("position", "pos", "playlist position", "order", "rank", "track position"),
}  # fmt: skip


def fold_header(header: str) -> str:
    """Fold a header for comparison.

    >>> fold_header(" Artist Name(s)"), fold_header("track_uri")
    ('artist name s', 'track uri')
    """
    return _NOT_WORD.sub(" ", header.replace("\ufeff", "").casefold()).strip()


def columns_of(headers: Sequence[str]) -> dict[str, int]:
    """Column number of each known field; a column serves one field, except "playlist", which may be id and title.

    >>> columns_of(["Track URI", "Track Name", "Artist Name(s)", "Added At"])
    {'track_id': 0, 'name': 1, 'artist': 2}
    >>> columns_of(["playlist", "song", "artist"])
    {'name': 1, 'artist': 2, 'playlist_id': 0, 'title': 0}
    """
    folded: dict[str, int] = {}
    for i, header in enumerate(headers):
        folded.setdefault(fold_header(header), i)
    chosen: dict[str, int] = {}
    taken: set[int] = set()
    for name, aliases in ALIASES.items():
        for alias in aliases:
            i = folded.get(fold_header(alias), -1)
            if i >= 0 and (i not in taken or alias == "playlist"):
                chosen[name] = i
                taken.add(i)
                break
    return chosen
