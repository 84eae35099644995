"""Jellyfin: https://api.jellyfin.org (10.9 and later; what Emby answers alike was not tried)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar
from urllib.parse import quote

import msgspec

from segue.library.catalogue import Track
from segue.library.names import fold
from segue.services.base import Answer, NotAllowed, NotThere, Request, ServiceError, Unavailable, key_from
from segue.services.client import Client, segue_version
from segue.services.players.base import Found, PlayerPlaylist, PlayerTrack, PlaylistRef, Progress
from segue.services.players.matching import chosen, each_once, key_of, mbid_of, named_alike, own_id, searches
from segue.services.players.secrets import home_service, secret, setting
from segue.services.players.writing import PlaylistStore
from segue.sources.match_keys import isrc_key

__all__ = ["Jellyfin"]

T = TypeVar("T")

_PAGE = 500
_CHUNK = 100  # ids are in the address, 33 characters each
_FIELDS = "ProviderIds,Genres"
_TICKS = 10_000  # a millisecond
_CHECK = "check SEGUE_JELLYFIN_API_KEY, or SEGUE_JELLYFIN_USER and SEGUE_JELLYFIN_PASSWORD"


class _Item(msgspec.Struct, rename="pascal"):
    id: str
    name: str | None = None
    type: str | None = None
    artists: list[str] | None = None
    album_artist: str | None = None
    album: str | None = None
    production_year: int | None = None
    run_time_ticks: int | None = None
    provider_ids: dict[str, str | None] | None = None
    genres: list[str] | None = None
    playlist_item_id: str | None = None
    media_type: str | None = None
    can_delete: bool | None = None
    child_count: int | None = None
    overview: str | None = None


class _Items(msgspec.Struct, rename="pascal"):
    items: list[_Item]
    total_record_count: int = 0


class _User(msgspec.Struct, rename="pascal"):
    id: str
    name: str = ""


class _Login(msgspec.Struct, rename="pascal"):
    access_token: str
    user: _User


class _Made(msgspec.Struct, rename="pascal"):
    id: str


class Jellyfin(PlaylistStore):
    """A :class:`~segue.services.players.base.Player`, by an API key and a user's name or by user and password.

    A Jellyfin that is set up so drops a track that is in a playlist already.

    Raises:
        NotAllowed: SEGUE_JELLYFIN_URL or the login is missing.
    """

    name = "jellyfin"
    keeps_repeats = False

    def __init__(self, client: Client, *, in_the_clear: bool = False) -> None:
        super().__init__(client)
        self._service = home_service(
            self.name, "SEGUE_JELLYFIN_URL", "http://192.168.1.10:8096", in_the_clear=in_the_clear
        )
        self._user_name = setting("SEGUE_JELLYFIN_USER")
        self._password = secret(self.name, "SEGUE_JELLYFIN_PASSWORD")
        self._key = key_from(self.name, "SEGUE_JELLYFIN_API_KEY", "it") if setting("SEGUE_JELLYFIN_API_KEY") else ""
        if not self._user_name or not (self._key or self._password):
            raise NotAllowed(
                self.name, "needs SEGUE_JELLYFIN_USER, and SEGUE_JELLYFIN_API_KEY or SEGUE_JELLYFIN_PASSWORD"
            )

    @property
    def most(self) -> int:
        """Tracks in one request."""
        return _CHUNK

    def find(self, tracks: Sequence[Track], progress: Progress | None = None) -> tuple[Found, ...]:
        """Look for tracks by id, then among what a search for the name gives."""
        return each_once(tracks, self._find, progress)

    def playlists(self) -> list[PlaylistRef]:
        """The user's playlists of music."""
        found = self._pages({"includeItemTypes": "Playlist", "recursive": "true", "fields": "CanDelete,ChildCount"})
        return [
            PlaylistRef(item.id, item.name or "", item.can_delete is not False, item.child_count)
            for item in found
            if item.media_type in (None, "", "Audio", "Unknown")
        ]

    def read(self, playlist_id: str) -> PlayerPlaylist:
        """A playlist."""
        about = self._ask(
            f"/Items/{_part(playlist_id)}", _Item, {"userId": self._user, "fields": "Overview,CanDelete"}
        )
        entries = self._entries(playlist_id)
        tracks = tuple(_track(item) for item in entries if item.type in (None, "Audio"))
        ref = PlaylistRef(about.id, about.name or "", about.can_delete is not False, len(tracks))
        return PlayerPlaylist(ref, tracks, about.overview or None, len(entries) - len(tracks))

    def library(self) -> Iterator[PlayerTrack]:
        """All audio that the user may see."""
        asked = {
            "includeItemTypes": "Audio",
            "recursive": "true",
            "fields": _FIELDS,
            "sortBy": "AlbumArtist,Album,SortName",
        }
        seen: set[str] = set()
        for item in self._pages(asked):
            if item.id not in seen:  # what is added meanwhile moves the pages
                seen.add(item.id)
                yield _track(item)

    def keys(self, playlist_id: str) -> list[str]:
        """Ids of a playlist's entries, in order."""
        return [item.id for item in self._entries(playlist_id)]

    def create(self, title: str, description: str | None, keys: Sequence[str]) -> str:
        """Make a playlist; Jellyfin has no place for its description here."""
        body = {"Name": title, "Ids": list(keys), "UserId": self._user, "MediaType": "Audio", "IsPublic": False}
        return self._ask("/Playlists", _Made, method="POST", body=msgspec.json.encode(body), once=True).id

    def overwrite(self, playlist_id: str, title: str, description: str | None, keys: Sequence[str]) -> None:
        """Leave exactly these tracks in a playlist: what is there is taken out first."""
        entries = [item.playlist_item_id for item in self._entries(playlist_id)]
        gone = list(dict.fromkeys(entry for entry in entries if entry))
        if None in entries or "" in entries:
            raise Unavailable(self.name, "does not say how to take tracks out of a playlist; is it older than 10.9?")
        path = f"/Playlists/{_part(playlist_id)}/Items"
        for start in range(0, len(gone), _CHUNK):
            self._do("DELETE", path, {"entryIds": ",".join(gone[start : start + _CHUNK])})
        self.append(playlist_id, keys, 0)

    def append(self, playlist_id: str, keys: Sequence[str], position: int) -> None:
        """Add tracks at the end."""
        self._do("POST", f"/Playlists/{_part(playlist_id)}/Items", {"ids": ",".join(keys), "userId": self._user})

    def delete(self, playlist_id: str) -> None:
        """Remove a playlist."""
        self._do("DELETE", f"/Items/{_part(playlist_id)}", {})

    def _find(self, wanted: Track) -> Found:
        key = key_of(self.name, wanted.track_id)
        if key is not None:
            held = [_track(item) for item in self._search({"ids": key}) if item.id == key]
            # ids of another server may mean other tracks here
            if held and (not wanted.name or named_alike(wanted, held[0].track)):
                return Found(wanted, "id", held[0])
        for text in searches(wanted, names_alone=True):
            found = chosen(wanted, [_track(item) for item in self._search({"searchTerm": text})])
            if found.found is not None:
                return found
        return Found(wanted)

    def _search(self, asked: Mapping[str, str]) -> list[_Item]:
        usual = {
            "userId": self._user,
            "includeItemTypes": "Audio",
            "recursive": "true",
            "fields": _FIELDS,
            "limit": "100",
        }
        return self._ask("/Items", _Items, {**usual, **asked}).items

    def _entries(self, playlist_id: str) -> list[_Item]:
        return list(self._pages({"fields": _FIELDS}, f"/Playlists/{_part(playlist_id)}/Items"))

    def _pages(self, asked: Mapping[str, str], path: str = "/Items") -> Iterator[_Item]:
        start = 0
        while True:
            page = {**asked, "userId": self._user, "startIndex": str(start), "limit": str(_PAGE)}
            items = self._ask(path, _Items, page).items
            yield from items
            start += len(items)
            if len(items) < _PAGE:
                return

    @cached_property
    def _login(self) -> tuple[str, str]:
        """A token and the id of the user."""
        if self._key:
            users = self._send(Request(self._service, "/Users", secret_headers=_headers(self._key)), list[_User])
            found = [user for user in users if fold(user.name) == fold(self._user_name)]
            if not found:
                raise NotAllowed(self.name, "has no user of the name in SEGUE_JELLYFIN_USER")
            return self._key, found[0].id
        body = msgspec.json.encode({"Username": self._user_name, "Pw": self._password})
        request = Request(
            self._service, "/Users/AuthenticateByName", secret_headers=_headers(None), method="POST", body=body
        )
        login = self._send(request, _Login)
        if not login.access_token.isascii() or not login.access_token.isalnum():
            raise Unavailable(self.name, "gives a token that cannot be one")
        return login.access_token, login.user.id

    @property
    def _user(self) -> str:
        return self._login[1]

    def _ask(
        self,
        path: str,
        kind: type[T],
        params: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        once: bool = False,
    ) -> T:
        headers = _headers(self._login[0])
        request = Request(
            self._service, path, params or {}, secret_headers=headers, method=method, body=body, once=once
        )
        return self._send(request, kind)

    def _do(self, method: str, path: str, params: Mapping[str, str]) -> None:
        headers = _headers(self._login[0])
        request = Request(self._service, path, params, secret_headers=headers, method=method, body=b"", once=True)
        self._client.send(request, self._checked)

    def _send(self, request: Request, kind: type[T]) -> T:
        return self._client.send(request, lambda answer: self._checked(answer).decode(kind))

    def _checked(self, answer: Answer) -> Answer:
        if not answer.is_page:
            if answer.status == 401:
                raise NotAllowed(self.name, f"does not let us in (status 401); {_CHECK}")
            if answer.status == 403:
                raise NotAllowed(
                    self.name,
                    "does not let this user do that (status 403); where SEGUE_JELLYFIN_API_KEY is not enough, "
                    "SEGUE_JELLYFIN_PASSWORD may be",
                )
            if answer.status == 400:
                raise ServiceError(self.name, "does not take what it was sent (status 400)")
            if answer.status == 404:
                raise NotThere(self.name, "does not have what was asked for by its id (status 404)")
        answer.check()
        return answer


def _part(playlist_id: str) -> str:
    return quote(playlist_id, safe="")


def _headers(token: str | None) -> dict[str, str]:
    fields = {"Client": "Segue", "Device": "segue", "DeviceId": "segue", "Version": segue_version()}
    if token is not None:
        fields["Token"] = token
    return {"Authorization": "MediaBrowser " + ", ".join(f'{name}="{value}"' for name, value in fields.items())}


def _track(item: _Item) -> PlayerTrack:
    ids = {name.casefold(): value for name, value in (item.provider_ids or {}).items() if value}
    artist = next((name for name in item.artists or () if name), item.album_artist or "")
    track = Track(
        track_id=own_id("jellyfin", item.id),
        name=item.name or "",
        artist=artist,
        album=item.album or None,
        year=item.production_year or None,
        duration_ms=item.run_time_ticks // _TICKS if item.run_time_ticks else None,
    )
    # "MusicBrainzTrack" is the track of a release, another thing than its recording
    mbid = mbid_of(ids.get("musicbrainzrecording", ""))
    return PlayerTrack(item.id, track, isrc_key(ids.get("isrc")), mbid, next(iter(item.genres or ()), None))
