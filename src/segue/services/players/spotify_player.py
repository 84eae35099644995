"""Spotify's playlists and saved tracks, as its Web API is since February 2026.

Source: https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide and the changelogs
of February and March 2026. For apps in development mode playlists are made by POST /me/playlists, their tracks are
under /playlists/{id}/items with the field ``item``, a search gives at most 10 results, tracks cannot be asked for in
batches, a playlist is removed by DELETE /me/library, and only playlists that one owns or works on show their tracks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from segue.library.catalogue import Track
from segue.services.base import Answer, NotAllowed, NotThere, Request, ServiceError, key_from
from segue.services.client import Client
from segue.services.players.base import Found, PlayerPlaylist, PlayerTrack, PlaylistRef, Progress, paged
from segue.services.players.matching import chosen, each_once, searches
from segue.services.players.spotify_login import Leave
from segue.services.players.writing import PlaylistStore
from segue.services.spotify import SPOTIFY
from segue.sources.match_keys import first_artist, isrc_key
from segue.sources.text import canonical_id

__all__ = ["SpotifyPlayer", "client_id"]

T = TypeVar("T")

_CHUNK, _PAGE, _RESULTS = 100, 50, 10
_URI = "spotify:track:"
_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_CLOSED = (
    "does not let this app do that (status 403): in development mode its owner needs Premium, the person must be on "
    "the app's list of users, and only own playlists are shown"
)


class _Named(msgspec.Struct):
    name: str | None = None


class _Album(msgspec.Struct):
    name: str | None = None
    release_date: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    uri: str | None = None
    name: str | None = None
    artists: list[_Named] | None = None
    album: _Album | None = None
    duration_ms: float | None = None
    explicit: bool | None = None
    external_ids: dict[str, str] | None = None
    is_local: bool | None = None


class _Entry(msgspec.Struct):
    item: _Item | None = None
    track: _Item | bool | None = None  # as it was called before, and still is among saved tracks


class _Entries(msgspec.Struct):
    items: list[_Entry]
    total: int = 0


class _User(msgspec.Struct):
    id: str = ""


class _Size(msgspec.Struct):
    total: int | None = None


class _Playlist(msgspec.Struct):
    id: str
    name: str | None = None
    description: str | None = None
    owner: _User | None = None
    collaborative: bool | None = None
    items: _Size | None = None


class _Playlists(msgspec.Struct):
    items: list[_Playlist | None]
    total: int = 0


class _Tracks(msgspec.Struct):
    items: list[_Item | None]


class _Result(msgspec.Struct):
    tracks: _Tracks


class _Made(msgspec.Struct):
    id: str


def client_id() -> str:
    """The id of one's own app.

    Raises:
        NotAllowed: SPOTIFY_CLIENT_ID is not set.
    """
    return key_from("spotify", "SPOTIFY_CLIENT_ID", "https://developer.spotify.com/dashboard")


class SpotifyPlayer(PlaylistStore):
    """A :class:`~segue.services.players.base.Player`, by the leave that a person gave to an app of their own.

    Playlists are made so that the person alone sees them.

    Args:
        file: where the leave is kept.

    Raises:
        NotAllowed: SPOTIFY_CLIENT_ID is missing, or no leave was given yet.
    """

    name = "spotify"
    most_title = 100
    creates_empty = True

    def __init__(self, client: Client, file: Path) -> None:
        super().__init__(client)
        self._leave = Leave(client, client_id(), file)

    @property
    def most(self) -> int:
        """Tracks in one request."""
        return _CHUNK

    def find(self, tracks: Sequence[Track], progress: Progress | None = None) -> tuple[Found, ...]:
        """Take the track that an id names, else search for ISRC or name and artist."""
        return each_once(tracks, self._find, progress)

    def playlists(self) -> list[PlaylistRef]:
        """The playlists in the person's library."""

        def page(offset: int) -> tuple[list[_Playlist | None], int]:
            asked = {"limit": str(_PAGE), "offset": str(offset)}
            found = self._ask("/me/playlists", _Playlists, asked)
            return found.items, found.total

        refs: dict[str, PlaylistRef] = {}
        for each in paged(page):
            if each is not None:
                refs.setdefault(each.id, self._ref(each))
        return list(refs.values())

    def read(self, playlist_id: str) -> PlayerPlaylist:
        """A playlist."""
        about = self._ask(_path(playlist_id), _Playlist)
        entries = list(self._entries(_path(playlist_id) + "/items"))
        tracks = tuple(held for entry in entries if (held := _track(entry)) is not None)
        return PlayerPlaylist(self._ref(about), tracks, about.description or None, len(entries) - len(tracks))

    def library(self) -> Iterator[PlayerTrack]:
        """The person's saved tracks, the latest first."""
        seen: set[str] = set()
        for entry in self._entries("/me/tracks"):
            held = _track(entry)
            if held is not None and held.key not in seen:
                seen.add(held.key)
                yield held

    def keys(self, playlist_id: str) -> list[str]:
        """Ids of a playlist's entries, in order; those that are no tracks are empty."""
        entries = self._entries(_path(playlist_id) + "/items")
        return [held.key if (held := _track(entry)) is not None else "" for entry in entries]

    def create(self, title: str, description: str | None, keys: Sequence[str]) -> str:
        """Make an empty playlist."""
        body = {"name": title, "public": False, **({"description": description} if description else {})}
        return self._do("POST", "/me/playlists", body=msgspec.json.encode(body)).decode(_Made).id

    def overwrite(self, playlist_id: str, title: str, description: str | None, keys: Sequence[str]) -> None:
        """Leave exactly these tracks in a playlist."""
        self._stored(playlist_id, keys, "PUT")

    def append(self, playlist_id: str, keys: Sequence[str], position: int) -> None:
        """Add tracks at a position."""
        self._stored(playlist_id, keys, "POST", position)

    def delete(self, playlist_id: str) -> None:
        """Remove a playlist from the person's library."""
        asked = {"uris": f"spotify:playlist:{playlist_id}"}
        self._do("DELETE", "/me/library", asked)

    def _stored(self, playlist_id: str, keys: Sequence[str], method: str, position: int | None = None) -> None:
        body: dict[str, Any] = {"uris": [_URI + key for key in keys]}
        if position is not None:
            body["position"] = position
        self._do(method, _path(playlist_id) + "/items", body=msgspec.json.encode(body))

    def _find(self, wanted: Track) -> Found:
        track_id = canonical_id(wanted.track_id)
        if track_id.startswith(_URI) and _ID.fullmatch(track_id[len(_URI) :]):
            return Found(wanted, "id", PlayerTrack(track_id[len(_URI) :], wanted))
        isrc = isrc_key(wanted.track_id.removeprefix("isrc:"))
        for text in ([f"isrc:{isrc}"] if isrc else []) + _fields(wanted):
            asked = {"q": text, "type": "track", "limit": str(_RESULTS)}
            items = self._ask("/search", _Result, asked).tracks.items
            held = [each for item in items if (each := _track(_Entry(item=item))) is not None]
            found = chosen(wanted, held)
            if found.found is not None:
                return found
        return Found(wanted)

    def _entries(self, path: str) -> Iterator[_Entry]:
        def page(offset: int) -> tuple[list[_Entry], int]:
            found = self._ask(path, _Entries, {"limit": str(_PAGE), "offset": str(offset)})
            return found.items, found.total

        return paged(page)

    @cached_property
    def _person(self) -> str:
        return self._ask("/me", _User).id

    def _ref(self, playlist: _Playlist) -> PlaylistRef:
        own = bool(playlist.collaborative) or (playlist.owner or _User()).id == self._person
        return PlaylistRef(playlist.id, playlist.name or "", own, (playlist.items or _Size()).total)

    def _ask(self, path: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        return self._sent(Request(SPOTIFY, path, params or {})).decode(kind)

    def _do(self, method: str, path: str, params: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        return self._sent(Request(SPOTIFY, path, params or {}, method=method, body=body, once=True))

    def _sent(self, request: Request) -> Answer:
        """A good answer; a token that has run out is renewed once."""
        for attempt in range(2):
            answer = self._client.send(replace(request, secret_headers=self._leave.headers), lambda answer: answer)
            if answer.status != 401 or answer.is_page:
                break
            if attempt == 0:
                self._leave.renew()
        return self._checked(answer)

    def _checked(self, answer: Answer) -> Answer:
        if not answer.is_page:
            if answer.status == 401:
                raise NotAllowed(self.name, "does not accept the token that it has just given (status 401)")
            if answer.status == 403:
                raise NotAllowed(self.name, _CLOSED)
            if answer.status == 400:
                raise ServiceError(
                    self.name, "does not take what it was sent (status 400); is each id one of a track?"
                )
            if answer.status == 404:
                raise NotThere(self.name, "does not have what was asked for by its id (status 404)")
        answer.check()
        return answer


def _path(playlist_id: str) -> str:
    if not _ID.fullmatch(playlist_id):
        raise NotThere("spotify", "has no playlist of such an id")
    return f"/playlists/{playlist_id}"


def _fields(wanted: Track) -> list[str]:
    """Searches in the words that Spotify reads, the narrowest first."""
    name = next(searches(wanted, names_alone=True), "")
    artist = " ".join(first_artist(wanted.artist).replace('"', " ").replace(":", " ").split())
    if not name or not artist:
        return [name] if name else []
    return [f'track:"{name}" artist:"{artist}"', f"{name} {artist}"]


def _track(entry: _Entry) -> PlayerTrack | None:
    item = entry.item if entry.item is not None else entry.track
    if not isinstance(item, _Item) or item.is_local or item.type not in (None, "track") or not item.id:
        return None
    album = item.album or _Album()
    year = re.match(r"[12]\d{3}", album.release_date or "")
    track = Track(
        track_id=_URI + item.id,
        name=item.name or "",
        artist=next((each.name for each in item.artists or () if each.name), ""),
        album=album.name or None,
        year=int(year[0]) if year else None,
        duration_ms=round(item.duration_ms) if item.duration_ms else None,
        explicit=item.explicit,
    )
    return PlayerTrack(item.id, track, isrc_key((item.external_ids or {}).get("isrc")))
