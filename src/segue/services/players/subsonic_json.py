"""What Subsonic servers answer: https://opensubsonic.netlify.app/docs/responses/."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from segue.library.catalogue import Track
from segue.services.players.base import PlayerTrack
from segue.services.players.matching import own_id
from segue.sources.match_keys import isrc_key

__all__ = ["Albums", "Body", "Playlist", "Playlists", "Reply", "Song", "Songs", "many", "track_of"]

T = TypeVar("T")


class Song(msgspec.Struct, rename="camel"):
    """A child: a song, or a video."""

    id: str | int
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    duration: float | None = None
    genre: str | None = None
    isrc: str | list[str] | None = None
    music_brainz_id: str | None = None
    explicit_status: str | None = None
    is_video: bool = False


class Playlist(msgspec.Struct, rename="camel"):
    """A playlist, with its songs where it was asked for."""

    id: str | int
    name: str | None = None
    owner: str | None = None
    comment: str | None = None
    song_count: int | None = None
    readonly: bool = False
    entry: list[Song] | Song | None = None


class Error(msgspec.Struct, rename="camel"):
    """Why it failed."""

    code: int = 0


class Playlists(msgspec.Struct, rename="camel"):
    """All playlists."""

    playlist: list[Playlist] | Playlist | None = None


class Songs(msgspec.Struct, rename="camel"):
    """Songs of an album or a search."""

    song: list[Song] | Song | None = None


class Album(msgspec.Struct, rename="camel"):
    """An album."""

    id: str | int


class Albums(msgspec.Struct, rename="camel"):
    """A page of albums."""

    album: list[Album] | Album | None = None


class Extension(msgspec.Struct, rename="camel"):
    """Something that OpenSubsonic adds."""

    name: str = ""


class TokenInfo(msgspec.Struct, rename="camel"):
    """Whose a key is."""

    username: str = ""


class Body(msgspec.Struct, rename="camel"):
    """An answer; of its parts only what was asked for is there."""

    status: str
    error: Error | None = None
    playlists: Playlists | None = None
    playlist: Playlist | None = None
    song: Song | None = None
    search_result3: Songs | None = None
    album: Songs | None = None
    album_list2: Albums | None = None
    token_info: TokenInfo | None = None
    open_subsonic_extensions: list[Extension] | None = None


class Reply(msgspec.Struct):
    """The envelope."""

    body: Body = msgspec.field(name="subsonic-response")


def many(value: list[T] | T | None) -> list[T]:
    """Some servers write a list of one as the one."""
    return [] if value is None else value if isinstance(value, list) else [value]


def track_of(song: Song) -> PlayerTrack:
    """A song as a player's track."""
    isrcs = [song.isrc] if isinstance(song.isrc, str) else song.isrc or []
    explicit = {"explicit": True, "clean": False}.get(song.explicit_status or "")
    track = Track(
        track_id=own_id("subsonic", str(song.id)),
        name=song.title or "",
        artist=song.artist or "",
        album=song.album or None,
        year=song.year or None,
        duration_ms=round(song.duration * 1_000) if song.duration else None,
        explicit=explicit,
    )
    isrc = next((key for each in isrcs if (key := isrc_key(each))), None)
    return PlayerTrack(str(song.id), track, isrc, (song.music_brainz_id or "").lower() or None, song.genre or None)
