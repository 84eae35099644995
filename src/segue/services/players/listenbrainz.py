"""ListenBrainz: playlists of MusicBrainz recordings, in JSPF.

Source: https://listenbrainz.readthedocs.io/en/latest/users/api/ (playlists, metadata, recordings' feedback). At most
100 recordings can be added in one request. It has no catalogue of one's own; what takes its place is what one loves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from segue.library.catalogue import Track
from segue.services.base import Answer, NotAllowed, NotThere, Request, Service, ServiceError, key_from
from segue.services.client import Client
from segue.services.players.base import Found, PlayerPlaylist, PlayerTrack, PlaylistRef, Progress, paged
from segue.services.players.matching import chosen, each_once, mbid_of
from segue.services.players.writing import PlaylistStore

__all__ = ["LISTENBRAINZ", "ListenBrainz"]

T = TypeVar("T")

LISTENBRAINZ = Service(
    "listenbrainz", "https://api.listenbrainz.org", "SEGUE_LISTENBRAINZ_URL", interval=0.35, most_bytes=32 << 20
)
_WHERE = "https://listenbrainz.org/settings/"
_RECORDING = "https://musicbrainz.org/recording/"
_EXTENSION = "https://musicbrainz.org/doc/jspf#playlist"
_CHUNK, _PAGE = 100, 100


class _Entry(msgspec.Struct):
    identifier: str | list[str] | None = None
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: float | None = None


class _Playlist(msgspec.Struct):
    identifier: str = ""
    title: str | None = None
    creator: str | None = None
    annotation: str | None = None
    track: list[_Entry] = []


class _Jspf(msgspec.Struct):
    playlist: _Playlist


class _Playlists(msgspec.Struct):
    playlists: list[_Jspf]
    playlist_count: int = 0


class _Made(msgspec.Struct):
    playlist_mbid: str


class _Valid(msgspec.Struct):
    valid: bool = False
    user_name: str | None = None


class _Recording(msgspec.Struct):
    recording_mbid: str | None = None
    recording_name: str | None = None
    artist_credit_name: str | None = None
    release_name: str | None = None


class _Names(msgspec.Struct):
    track_name: str | None = None
    artist_name: str | None = None
    release_name: str | None = None


class _Loved(msgspec.Struct):
    recording_mbid: str | None = None
    track_metadata: _Names | None = None


class _AllLoved(msgspec.Struct):
    feedback: list[_Loved]
    total_count: int = 0


class ListenBrainz(PlaylistStore):
    """A :class:`~segue.services.players.base.Player` of MusicBrainz recordings, by the token of a user.

    Playlists are made so that the user alone sees them.

    Raises:
        NotAllowed: LISTENBRAINZ_TOKEN is missing.
    """

    name = "listenbrainz"

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._headers = {"Authorization": f"Token {key_from(self.name, 'LISTENBRAINZ_TOKEN', _WHERE)}"}

    @property
    def most(self) -> int:
        """Recordings in one request."""
        return _CHUNK

    def find(self, tracks: Sequence[Track], progress: Progress | None = None) -> tuple[Found, ...]:
        """Take the recording that a track names, else look its name and artist up; a far-fetched answer is none."""
        return each_once(tracks, self._find, progress)

    def playlists(self) -> list[PlaylistRef]:
        """The user's own playlists."""
        path = f"/1/user/{quote(self._user, safe='')}/playlists"

        def page(offset: int) -> tuple[list[_Jspf], int]:
            found = self._ask(path, _Playlists, {"count": str(_PAGE), "offset": str(offset)})
            return found.playlists, found.playlist_count

        refs: dict[str, PlaylistRef] = {}
        for each in paged(page):
            ref = self._ref(each.playlist)
            refs.setdefault(ref.playlist_id, ref)
        return list(refs.values())

    def read(self, playlist_id: str) -> PlayerPlaylist:
        """A playlist."""
        found = self._ask(f"/1/playlist/{quote(playlist_id, safe='')}", _Jspf, {"fetch_metadata": "true"}).playlist
        tracks = [held for entry in found.track if (held := _track(entry)) is not None]
        return PlayerPlaylist(
            self._ref(found), tuple(tracks), found.annotation or None, len(found.track) - len(tracks)
        )

    def library(self) -> Iterator[PlayerTrack]:
        """What the user loves, the latest first."""
        path = f"/1/feedback/user/{quote(self._user, safe='')}/get-feedback"

        def page(offset: int) -> tuple[list[_Loved], int]:
            asked = {"score": "1", "metadata": "true", "count": str(_PAGE), "offset": str(offset)}
            found = self._ask(path, _AllLoved, asked)
            return found.feedback, found.total_count

        seen: set[str] = set()
        for loved in paged(page):
            mbid, names = mbid_of(loved.recording_mbid or ""), loved.track_metadata or _Names()
            if mbid is not None and mbid not in seen:
                seen.add(mbid)
                yield _held(mbid, names.track_name, names.artist_name, names.release_name)

    def keys(self, playlist_id: str) -> list[str]:
        """Recordings of a playlist, in order."""
        return [held.key for held in self.read(playlist_id).tracks]

    def create(self, title: str, description: str | None, keys: Sequence[str]) -> str:
        """Make a playlist."""
        playlist: dict[str, Any] = {"title": title, "extension": {_EXTENSION: {"public": False}}}
        if description:
            playlist["annotation"] = description
        return self._do("/1/playlist/create", _jspf(keys, playlist), _Made).playlist_mbid

    def overwrite(self, playlist_id: str, title: str, description: str | None, keys: Sequence[str]) -> None:
        """Leave exactly these recordings in a playlist: what is there is taken out first."""
        there = self.read(playlist_id)
        n = len(there.tracks) + there.n_other
        path = f"/1/playlist/{quote(playlist_id, safe='')}"
        if n:
            self._do(f"{path}/item/delete", {"index": 0, "count": n}, dict[str, Any])
        self.append(playlist_id, keys, 0)

    def append(self, playlist_id: str, keys: Sequence[str], position: int) -> None:
        """Add recordings at a position."""
        path = f"/1/playlist/{quote(playlist_id, safe='')}/item/add/{position}"
        self._do(path, _jspf(keys, {}), dict[str, Any])

    def delete(self, playlist_id: str) -> None:
        """Remove a playlist."""
        self._do(f"/1/playlist/{quote(playlist_id, safe='')}/delete", {}, dict[str, Any])

    def _find(self, wanted: Track) -> Found:
        mbid = mbid_of(wanted.track_id)
        if mbid is not None:
            return Found(wanted, "mbid", _held(mbid, wanted.name, wanted.artist, wanted.album))
        if not (wanted.name.strip() and wanted.artist.strip()):
            return Found(wanted)
        asked = {"recording_name": wanted.name, "artist_name": wanted.artist}
        found = self._ask("/1/metadata/lookup/", _Recording, asked)
        mbid = mbid_of(found.recording_mbid or "")
        if mbid is None:
            return Found(wanted)
        return chosen(wanted, [_held(mbid, found.recording_name, found.artist_credit_name, found.release_name)])

    @cached_property
    def _user(self) -> str:
        found = self._ask("/1/validate-token", _Valid)
        if not found.valid or not found.user_name:
            raise NotAllowed(self.name, f"does not accept LISTENBRAINZ_TOKEN; take it from {_WHERE}")
        return found.user_name

    def _ref(self, playlist: _Playlist) -> PlaylistRef:
        playlist_id = playlist.identifier.rstrip("/").rsplit("/", 1)[-1]
        return PlaylistRef(playlist_id, playlist.title or "", playlist.creator == self._user, None)

    def _ask(self, path: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        request = Request(LISTENBRAINZ, path, params or {}, secret_headers=self._headers)
        return self._client.send(request, lambda answer: self._checked(answer).decode(kind))

    def _do(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        request = Request(
            LISTENBRAINZ,
            path,
            secret_headers=self._headers,
            method="POST",
            body=msgspec.json.encode(body),
            once=True,
        )
        return self._client.send(request, lambda answer: self._checked(answer).decode(kind))

    def _checked(self, answer: Answer) -> Answer:
        if not answer.is_page:
            if answer.status == 401:
                raise NotAllowed(self.name, f"does not accept LISTENBRAINZ_TOKEN (status 401); take it from {_WHERE}")
            if answer.status == 403:
                raise NotAllowed(self.name, "does not let this user do that (status 403)")
            if answer.status == 404:
                raise NotThere(self.name, "does not have what was asked for by its id (status 404)")
            if answer.status == 400:
                raise ServiceError(self.name, "does not take what it was sent (status 400)")
        answer.check()
        return answer


def _jspf(keys: Sequence[str], playlist: Mapping[str, Any]) -> dict[str, Any]:
    return {"playlist": {**playlist, "track": [{"identifier": [_RECORDING + key]} for key in keys]}}


def _track(entry: _Entry) -> PlayerTrack | None:
    written = [entry.identifier] if isinstance(entry.identifier, str) else entry.identifier or []
    mbid = next((found for each in written if each.startswith(_RECORDING) and (found := mbid_of(each))), None)
    if mbid is None:
        return None
    return _held(mbid, entry.title, entry.creator, entry.album, round(entry.duration) if entry.duration else None)


def _held(
    mbid: str, name: str | None, artist: str | None, album: str | None, duration_ms: int | None = None
) -> PlayerTrack:
    track = Track(f"mbid:{mbid}", name or "", artist or "", album or None, duration_ms=duration_ms)
    return PlayerTrack(mbid, track, mbid=mbid)
