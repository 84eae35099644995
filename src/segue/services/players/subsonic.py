"""Subsonic and OpenSubsonic: Navidrome, gonic, Airsonic, Ampache, LMS and others.

Source: https://opensubsonic.netlify.app/docs/ (endpoints, errors, extensions formPost and apiKeyAuthentication) and
http://www.subsonic.org/pages/api.jsp. Every answer has status 200 and says in its body whether it failed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from segue.library.catalogue import Track
from segue.services.base import (
    Answer,
    NotAllowed,
    NotThere,
    Request,
    ServiceError,
    Unavailable,
    key_from,
)
from segue.services.client import Client
from segue.services.players.base import Found, PlayerPlaylist, PlayerTrack, PlaylistRef, Progress
from segue.services.players.matching import chosen, each_once, key_of, named_alike, searches
from segue.services.players.secrets import home_service, secret, setting
from segue.services.players.subsonic_json import Albums, Body, Playlist, Playlists, Reply, Song, Songs, many, track_of
from segue.services.players.writing import PlaylistStore

__all__ = ["Subsonic"]

_PAGE = 500
_IN_A_FORM, _IN_AN_ADDRESS = 500, 40  # ids in one request; addresses of more than 4,000 characters are often refused
_CHECK = "check SEGUE_SUBSONIC_USER and SEGUE_SUBSONIC_PASSWORD, or SEGUE_SUBSONIC_API_KEY"
_SAID = {
    20: "is newer than this segue can talk to",
    30: "is older than this segue can talk to",
    40: f"does not accept user and password; {_CHECK}",
    41: "takes no such login for this user; make a key there and put it into SEGUE_SUBSONIC_API_KEY",
    42: "takes no such login; put a password into SEGUE_SUBSONIC_PASSWORD, or a key into SEGUE_SUBSONIC_API_KEY",
    43: "was given two logins at once",
    44: "does not accept the key in SEGUE_SUBSONIC_API_KEY",
    50: "does not let this user do that",
    60: "is past its trial period",
}


class Subsonic(PlaylistStore):
    """A :class:`~segue.services.players.base.Player`, by user and password or by a key.

    With a password a salted digest of it is sent, fresh each time; where the server takes forms, logins are in no
    address.

    Raises:
        NotAllowed: SEGUE_SUBSONIC_URL or the login is missing.
    """

    name = "subsonic"

    def __init__(self, client: Client, *, in_the_clear: bool = False) -> None:
        super().__init__(client)
        self._service = home_service(
            self.name, "SEGUE_SUBSONIC_URL", "http://192.168.1.10:4533", in_the_clear=in_the_clear
        )
        self._user, self._password = setting("SEGUE_SUBSONIC_USER"), secret(self.name, "SEGUE_SUBSONIC_PASSWORD")
        self._key = key_from(self.name, "SEGUE_SUBSONIC_API_KEY", "it") if setting("SEGUE_SUBSONIC_API_KEY") else ""
        if not self._key and not (self._user and self._password):
            raise NotAllowed(
                self.name, "needs SEGUE_SUBSONIC_USER and SEGUE_SUBSONIC_PASSWORD, or SEGUE_SUBSONIC_API_KEY"
            )

    @property
    def most(self) -> int:
        """Tracks in one request."""
        return _IN_A_FORM if self._takes_forms else _IN_AN_ADDRESS

    def find(self, tracks: Sequence[Track], progress: Progress | None = None) -> tuple[Found, ...]:
        """Look for tracks by id, then among what a search for artist and name gives."""
        return each_once(tracks, self._find, progress)

    def playlists(self) -> list[PlaylistRef]:
        """All playlists that the user sees."""
        found = many((self._ask("getPlaylists").playlists or Playlists()).playlist)
        return [self._ref(playlist) for playlist in found]

    def read(self, playlist_id: str) -> PlayerPlaylist:
        """A playlist."""
        found = self._ask("getPlaylist", {"id": playlist_id}).playlist
        if found is None:
            raise Unavailable(self.name, "answers without the playlist that it was asked for")
        songs = many(found.entry)
        tracks = tuple(track_of(song) for song in songs if not song.is_video)
        return PlayerPlaylist(self._ref(found), tracks, found.comment or None, len(songs) - len(tracks))

    def library(self) -> Iterator[PlayerTrack]:
        """All songs: by a search for nothing, as OpenSubsonic has it, else album after album."""
        offset = 0
        while songs := self._search("", _PAGE, offset):
            yield from (track_of(song) for song in songs if not song.is_video)
            offset += len(songs)
        if not offset:
            yield from self._by_album()

    def keys(self, playlist_id: str) -> list[str]:
        """Ids of a playlist's songs, in order."""
        return [held.key for held in self.read(playlist_id).tracks]

    def create(self, title: str, description: str | None, keys: Sequence[str]) -> str:
        """Make a playlist."""
        made = self._ask("createPlaylist", {"name": title, "songId": keys}, once=True).playlist
        if made is None:  # servers before API 1.14 answer without it
            raise Unavailable(self.name, "answers without the playlist that it was to make")
        if description:
            self._describe(str(made.id), description)
        return str(made.id)

    def overwrite(self, playlist_id: str, title: str, description: str | None, keys: Sequence[str]) -> None:
        """Leave exactly these songs in a playlist."""
        self._ask("createPlaylist", {"playlistId": playlist_id, "name": title, "songId": keys}, once=True)
        if description:
            self._describe(playlist_id, description)

    def append(self, playlist_id: str, keys: Sequence[str], position: int) -> None:
        """Add songs at the end."""
        self._ask("updatePlaylist", {"playlistId": playlist_id, "songIdToAdd": keys}, once=True)

    def delete(self, playlist_id: str) -> None:
        """Remove a playlist."""
        self._ask("deletePlaylist", {"id": playlist_id}, once=True)

    def _describe(self, playlist_id: str, description: str) -> None:
        try:
            self._ask("updatePlaylist", {"playlistId": playlist_id, "comment": description}, once=True)
        except Unavailable:  # the list is what matters
            return

    def _find(self, wanted: Track) -> Found:
        key = key_of(self.name, wanted.track_id)
        if key is not None:
            try:
                song = self._ask("getSong", {"id": key}).song
            except NotThere:
                song = None
            # ids of another server may mean other songs here
            if song is not None and (not wanted.name or named_alike(wanted, track_of(song).track)):
                return Found(wanted, "id", track_of(song))
        for text in searches(wanted):
            found = chosen(wanted, [track_of(song) for song in self._search(text, 100, 0) if not song.is_video])
            if found.found is not None:
                return found
        return Found(wanted)

    def _search(self, text: str, n: int, offset: int) -> list[Song]:
        asked = {"query": text, "songCount": str(n), "songOffset": str(offset), "artistCount": "0", "albumCount": "0"}
        return many((self._ask("search3", asked).search_result3 or Songs()).song)

    def _by_album(self) -> Iterator[PlayerTrack]:
        seen: set[str] = set()
        offset = 0
        while True:
            asked = {"type": "alphabeticalByName", "size": str(_PAGE), "offset": str(offset)}
            albums = many((self._ask("getAlbumList2", asked).album_list2 or Albums()).album)
            for album in albums:
                for song in many((self._ask("getAlbum", {"id": str(album.id)}).album or Songs()).song):
                    if not song.is_video and str(song.id) not in seen:
                        seen.add(str(song.id))
                        yield track_of(song)
            offset += len(albums)
            if len(albums) < _PAGE:
                return

    def _ref(self, playlist: Playlist) -> PlaylistRef:
        own = not playlist.readonly and (not playlist.owner or not self._me or playlist.owner == self._me)
        return PlaylistRef(str(playlist.id), playlist.name or "", own, playlist.song_count)

    @cached_property
    def _me(self) -> str:
        """The user's name; a key is asked whose it is, and where the server does not know that question, empty."""
        if not self._key:
            return self._user
        try:
            info = self._ask("tokenInfo").token_info
        except Unavailable:
            info = None
        return info.username if info is not None else self._user

    @cached_property
    def _takes_forms(self) -> bool:
        """Whether the server says that it reads forms; servers without extensions know no such question."""
        request = Request(
            self._service, "/rest/getOpenSubsonicExtensions", {"v": "1.16.1", "c": "segue", "f": "json"}
        )
        try:
            found = self._client.send(request, lambda answer: answer.read(Reply)).body.open_subsonic_extensions
        except ServiceError:
            return False
        return any(extension.name == "formPost" for extension in found or ())

    def _ask(
        self, endpoint: str, params: Mapping[str, str | Sequence[str]] | None = None, *, once: bool = False
    ) -> Body:
        request = Request(
            self._service,
            f"/rest/{endpoint}",
            {"v": "1.16.1", "c": "segue", "f": "json", **(params or {})},
            secret_params=self._login(),
            method="POST" if self._takes_forms else "GET",
            once=once,
        )
        return self._client.send(request, self._read)

    def _login(self) -> dict[str, str]:
        if self._key:
            return {"apiKey": self._key}
        salt = secrets.token_hex(8)
        token = hashlib.md5((self._password + salt).encode(), usedforsecurity=False).hexdigest()
        return {"u": self._user, "t": token, "s": salt}

    def _read(self, answer: Answer) -> Body:
        if answer.status in (401, 403) and not answer.is_page:
            raise NotAllowed(self.name, f"does not let us in (status {answer.status}); {_CHECK}")
        if answer.status == 404:
            raise Unavailable(self.name, "knows no such request (status 404); is SEGUE_SUBSONIC_URL the right one?")
        if answer.status == 414:
            raise Unavailable(self.name, "does not take so long an address (status 414)")
        body = answer.read(Reply).body
        if body.status == "ok":
            return body
        code = body.error.code if body.error is not None else 0
        if code == 70:
            raise NotThere(self.name, "does not have what was asked for by its id")
        if code in _SAID:
            raise NotAllowed(self.name, f"{_SAID[code]} (error {code})")
        raise Unavailable(self.name, f"says that it failed (error {code})")
