"""Players as they answer, over planted songs; every one counts what is written to it and fails when told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from services.server import Asked, Reply, js, page

LONGEST_ADDRESS = 8_000  # what proxies take


@dataclass(frozen=True)
class Song:
    key: str
    name: str
    artist: str
    album: str = "An Album"
    isrc: str | None = None
    mbid: str | None = None
    year: int = 1999
    duration_ms: int = 200_000
    genre: str | None = "pop"


@dataclass
class Playlist:
    title: str
    keys: list[str] = field(default_factory=list)
    owner: str = "me"
    description: str | None = None
    entries: list[str] = field(default_factory=list)


@dataclass
class PlayerApp(ABC):
    """``fail`` says of the n-th writing request, counted from 1, whether it fails before or after it was done."""

    songs: list[Song]
    playlists: dict[str, Playlist] = field(default_factory=dict)
    writes: int = 0
    fail: dict[int, tuple[str, Reply]] = field(default_factory=dict)
    down: bool = False
    always: Reply | None = None
    made: int = 0
    keyed: dict[str, Song] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        if self.down:
            return Reply(503, b"<html>down")
        if self.always is not None:
            return self.always
        if len(asked.raw) > LONGEST_ADDRESS:
            return Reply(414, b"too long")
        query = parse_qsl(urlsplit(asked.raw).query, keep_blank_values=True)
        form = "form-urlencoded" in asked.headers.get("content-type", "")
        if form:
            query += parse_qsl(asked.body.decode(), keep_blank_values=True)
        if not self.writing(asked):
            return self.answer(asked, query)
        self.writes += 1
        when, reply = self.fail.get(self.writes, ("", Reply()))
        if when == "before":
            return reply
        answered = self.answer(asked, query)
        return reply if when == "after" else answered

    @property
    def by_key(self) -> dict[str, Song]:
        if len(self.keyed) != len(self.songs):
            self.keyed = {song.key: song for song in self.songs}
        return self.keyed

    def add(self, playlist: Playlist) -> str:
        self.made += 1
        playlist_id = self.new_id(self.made)
        self.playlists[playlist_id] = playlist
        return playlist_id

    def titled(self, title: str) -> list[list[str]]:
        """Keys of every playlist of a title."""
        return [list(each.keys) for each in self.playlists.values() if each.title == title]

    def new_id(self, n: int) -> str:
        return f"pl{n}"

    @abstractmethod
    def writing(self, asked: Asked) -> bool: ...

    @abstractmethod
    def answer(self, asked: Asked, query: list[tuple[str, str]]) -> Reply: ...


@dataclass
class SubsonicApp(PlayerApp):
    """``forms``: reads forms. ``old``: knows no extensions, no search for nothing, and no reply to createPlaylist."""

    forms: bool = True
    old: bool = False
    names_alone: bool = False
    user: str = "me"
    password: str = "pässword 1"
    api_key: str | None = None
    salts: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def writing(self, asked: Asked) -> bool:
        return asked.path.rsplit("/", 1)[1] in ("createPlaylist", "updatePlaylist", "deletePlaylist")

    def answer(self, asked: Asked, query: list[tuple[str, str]]) -> Reply:
        one = dict(query)
        assert asked.path.startswith("/rest/") and one["f"] == "json" and one["c"] == "segue"
        endpoint = asked.path.removeprefix("/rest/")
        if endpoint == "getOpenSubsonicExtensions":
            if self.old:
                return page(b"<html><body>404", 404)
            names = ["formPost"] if self.forms else []
            return self.ok(openSubsonicExtensions=[{"name": n, "versions": [1]} for n in names])
        assert (asked.method == "POST") == (self.forms and not self.old)
        refused = self.refused(one)
        if refused:
            return self.failed(refused)
        many = [value for name, value in query if name in ("songId", "songIdToAdd")]
        if not set(many) <= self.by_key.keys():
            return self.failed(70)
        called = getattr(self, "on_" + endpoint, None)
        return page(b"<html>404", 404) if called is None else called(one, many)

    def refused(self, one: dict[str, str]) -> int:
        if self.api_key is not None:
            if "u" in one or "t" in one:
                return 43
            return 0 if one.get("apiKey") == self.api_key else 44
        assert "p" not in one and "apiKey" not in one
        assert one["s"] not in self.salts
        self.salts.add(one["s"])
        token = hashlib.md5((self.password + one["s"]).encode()).hexdigest()
        return 0 if (one["u"], one["t"]) == (self.user, token) else 40

    def ok(self, **parts: Any) -> Reply:
        body = {"status": "ok", "version": "1.16.1", "type": "planted", "serverVersion": "1", **parts}
        return js({"subsonic-response": body | ({} if self.old else {"openSubsonic": True})})

    def failed(self, code: int) -> Reply:
        error = {"code": code, "message": f"no, {self.user} {self.password}"}
        return js({"subsonic-response": {"status": "failed", "version": "1.16.1", "error": error}})

    def child(self, song: Song) -> dict[str, Any]:
        made = {"id": song.key, "parent": "1", "isDir": False, "title": song.name, "album": song.album,
                "artist": song.artist, "year": song.year, "duration": song.duration_ms // 1000, "genre": song.genre,
                "path": f"{song.artist}/{song.name}.mp3", "type": "music", "isVideo": False}  # fmt: skip
        if not self.old:
            made |= {"isrc": [song.isrc] if song.isrc else [], "musicBrainzId": song.mbid or ""}
        return made

    def listed(self, playlist_id: str) -> dict[str, Any]:
        each = self.playlists[playlist_id]
        about = {"id": playlist_id, "name": each.title, "owner": each.owner, "public": False}
        return about | {"songCount": len(each.keys), "duration": 1, "comment": each.description or ""}

    def whole(self, playlist_id: str) -> Reply:
        entry = [self.child(self.by_key[key]) for key in self.playlists[playlist_id].keys]
        return self.ok(playlist=self.listed(playlist_id) | {"entry": entry})

    def on_tokenInfo(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return page(b"<html>404", 404) if self.old else self.ok(tokenInfo={"username": self.user})

    def on_getPlaylists(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return self.ok(playlists={"playlist": [self.listed(each) for each in self.playlists]})

    def on_getPlaylist(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return self.whole(one["id"]) if one["id"] in self.playlists else self.failed(70)

    def on_createPlaylist(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        playlist_id = one.get("playlistId")
        if playlist_id is None:
            playlist_id = self.add(Playlist(one["name"]))
        elif playlist_id not in self.playlists:
            return self.failed(70)
        elif self.playlists[playlist_id].owner != self.user:
            return self.failed(50)
        self.playlists[playlist_id].keys = many
        return self.ok() if self.old else self.whole(playlist_id)

    def on_updatePlaylist(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        if one["playlistId"] not in self.playlists:
            return self.failed(70)
        each = self.playlists[one["playlistId"]]
        if each.owner != self.user:
            return self.failed(50)
        each.keys += many
        each.description = one.get("comment", each.description)
        return self.ok()

    def on_deletePlaylist(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return self.ok() if self.playlists.pop(one["id"], None) else self.failed(70)

    def on_getSong(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return self.ok(song=self.child(self.by_key[one["id"]])) if one["id"] in self.by_key else self.failed(70)

    def on_search3(self, one: dict[str, str], many: list[str]) -> Reply:
        words = one["query"].casefold().split()
        if self.old and not words:
            return self.ok(searchResult3={})

        if len(self.texts) != len(self.songs):
            names = [
                song.name if self.names_alone else f"{song.name} {song.artist} {song.album}" for song in self.songs
            ]
            self.texts = [name.casefold() for name in names]
        found = [song for song, text in zip(self.songs, self.texts, strict=True) if all(w in text for w in words)]
        start, n = int(one["songOffset"]), int(one["songCount"])
        assert n <= 500
        rows = [self.child(song) for song in found[start : start + n]]
        return self.ok(searchResult3={"song": rows[0] if self.old and len(rows) == 1 else rows} if rows else {})

    def on_getAlbumList2(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        albums = sorted({song.album for song in self.songs})
        start, n = int(one["offset"]), int(one["size"])
        return self.ok(albumList2={"album": [{"id": name} for name in albums[start : start + n]]})

    def on_getAlbum(self, one: dict[str, str], many: list[str]) -> Reply:  # noqa: N802
        return self.ok(album={"id": one["id"], "song": [self.child(s) for s in self.songs if s.album == one["id"]]})


@dataclass
class JellyfinApp(PlayerApp):
    """``repeats``: whether a track can be in a playlist twice; without them an entry goes by the id of its track."""

    repeats: bool = True
    n_entries: int = 0
    user: str = "Me"
    password: str = "pässword 1"
    api_key: str = "0123456789abcdef0123456789abcdef"
    token: str = "fedcba9876543210fedcba9876543210"
    user_id: str = "11111111111111111111111111111111"

    def new_id(self, n: int) -> str:
        return f"{n:032x}"

    def writing(self, asked: Asked) -> bool:
        return asked.method in ("POST", "DELETE", "PUT") and asked.path != "/Users/AuthenticateByName"

    def answer(self, asked: Asked, query: list[tuple[str, str]]) -> Reply:
        one = dict(query)
        header = asked.headers["authorization"]
        assert header.startswith("MediaBrowser ")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', header))
        assert {"Client", "Device", "DeviceId", "Version"} <= fields.keys()
        if asked.path == "/Users/AuthenticateByName":
            said = json.loads(asked.body)
            if (said["Username"], said["Pw"]) != (self.user, self.password):
                return Reply(401, b"Error processing request.", {"Content-Type": "text/plain"})
            return js({"AccessToken": self.token, "User": {"Id": self.user_id, "Name": self.user}})
        if fields.get("Token") not in (self.api_key, self.token):
            return Reply(401)
        if asked.path == "/Users":
            return js([{"Id": "0" * 32, "Name": "Other"}, {"Id": self.user_id, "Name": self.user}])
        parts = asked.path.strip("/").split("/")
        if parts == ["Items"]:
            assert one["userId"] == self.user_id and one["recursive"] == "true"
            return self.items(one)
        if parts[0] == "Items":
            return self.item(asked, parts[1])
        if parts == ["Playlists"]:
            return self.create(json.loads(asked.body))
        playlist = self.playlists.get(parts[1])
        if playlist is None:
            return Reply(404)
        if playlist.owner != "me" and asked.method != "GET":
            return Reply(403)
        if asked.method == "GET":
            rows = [
                self.dto(self.by_key[key]) | {"PlaylistItemId": entry}
                for key, entry in zip(playlist.keys, self.entries(playlist), strict=True)
            ]
            return self.paged(rows, one)
        if asked.method == "DELETE":
            gone = one["entryIds"].split(",")
            left = [(k, e) for k, e in zip(playlist.keys, self.entries(playlist), strict=True) if e not in gone]
            playlist.keys, playlist.entries = [key for key, _ in left], [entry for _, entry in left]
            return Reply(204)
        assert one["userId"] == self.user_id
        self.put(playlist, one["ids"].split(","))
        return Reply(204)

    def entries(self, playlist: Playlist) -> list[str]:
        """Ids of a playlist's entries; they stay when others go."""
        if not self.repeats:
            return playlist.keys
        for _ in range(len(playlist.keys) - len(playlist.entries)):
            self.n_entries += 1
            playlist.entries.append(f"{self.n_entries:032x}")
        return playlist.entries

    def put(self, playlist: Playlist, keys: list[str]) -> None:
        assert set(keys) <= self.by_key.keys()
        if not self.repeats:
            keys = list(dict.fromkeys(key for key in keys if key not in playlist.keys))
        playlist.keys = playlist.keys + keys

    def create(self, said: dict[str, Any]) -> Reply:
        assert said["UserId"] == self.user_id and said["MediaType"] == "Audio" and said["IsPublic"] is False
        playlist = Playlist(said["Name"])
        self.put(playlist, said["Ids"])
        return js({"Id": self.add(playlist)})

    def item(self, asked: Asked, item_id: str) -> Reply:
        if item_id not in self.playlists:
            return Reply(404)
        if asked.method == "DELETE":
            del self.playlists[item_id]
            return Reply(204)
        return js(self.listed(item_id))

    def listed(self, playlist_id: str) -> dict[str, Any]:
        each = self.playlists[playlist_id]
        about = {"Id": playlist_id, "Name": each.title, "Type": "Playlist", "MediaType": "Audio"}
        return about | {"ChildCount": len(each.keys), "CanDelete": each.owner == "me"}

    def dto(self, song: Song) -> dict[str, Any]:
        ids = {"MusicBrainzTrack": "99999999-0000-4000-8000-000000000000"}
        ids |= {"MusicBrainzRecording": song.mbid} if song.mbid else {}
        ids |= {"ISRC": song.isrc} if song.isrc else {}
        return {
            "Id": song.key, "Name": song.name, "Type": "Audio", "MediaType": "Audio", "Album": song.album,
            "Artists": [song.artist, "Somebody Else"] if song.artist else [], "AlbumArtist": song.artist,
            "ProductionYear": song.year, "RunTimeTicks": song.duration_ms * 10_000, "ProviderIds": ids,
            "Genres": [song.genre] if song.genre else [],
        }  # fmt: skip

    def items(self, one: dict[str, str]) -> Reply:
        if one["includeItemTypes"] == "Playlist":
            rows = [self.listed(each) for each in self.playlists]
            return self.paged([*rows, {"Id": "f" * 32, "Name": "films", "MediaType": "Video"}], one)
        songs = self.songs
        if "ids" in one:
            songs = [song for song in songs if song.key in one["ids"].split(",")]
        if "searchTerm" in one:
            songs = [song for song in songs if one["searchTerm"].casefold() in song.name.casefold()]
        return self.paged([self.dto(song) for song in songs], one)

    def paged(self, rows: list[dict[str, Any]], one: dict[str, str]) -> Reply:
        start, n = int(one.get("startIndex", "0")), int(one["limit"])
        return js({"Items": rows[start : start + n], "TotalRecordCount": len(rows), "StartIndex": start})


@dataclass
class ListenBrainzApp(PlayerApp):
    token: str = "0a1b2c3d-1111-4222-8333-444455556666"
    user: str = "some body"
    per_page: int = 100

    def new_id(self, n: int) -> str:
        return f"{n:08x}-aaaa-4bbb-8ccc-000000000000"

    def writing(self, asked: Asked) -> bool:
        return asked.method == "POST"

    def answer(self, asked: Asked, query: list[tuple[str, str]]) -> Reply:
        one = dict(query)
        if asked.headers.get("authorization") != f"Token {self.token}":
            if asked.path == "/1/validate-token":
                return js({"code": 200, "message": "Token invalid.", "valid": False})
            return js({"code": 401, "error": "Invalid authorization token."}, 401)
        parts = [unquote(part) for part in urlsplit(asked.raw).path.strip("/").split("/")][1:]
        if parts == ["validate-token"]:
            return js({"code": 200, "message": "Token valid.", "valid": True, "user_name": self.user})
        if parts[:2] == ["user", self.user] and parts[2] == "playlists":
            start, n = int(one["offset"]), min(int(one["count"]), self.per_page)
            ids = list(self.playlists)[start : start + n]
            rows = [self.jspf(each, tracks=False) for each in ids]
            return js({"count": len(rows), "offset": start, "playlist_count": len(self.playlists), "playlists": rows})
        if parts[:2] == ["feedback", "user"]:
            assert parts[2:] == [self.user, "get-feedback"] and one["score"] == "1"
            start, n = int(one["offset"]), min(int(one["count"]), self.per_page)
            rows = [
                {"recording_mbid": song.key, "score": 1, "track_metadata": {"track_name": song.name,
                 "artist_name": song.artist, "release_name": song.album}}
                for song in self.songs[start : start + n]
            ]  # fmt: skip
            return js({"feedback": rows, "count": len(rows), "total_count": len(self.songs), "offset": start})
        if parts == ["metadata", "lookup", ""] or parts == ["metadata", "lookup"]:
            return self.lookup(one["recording_name"], one["artist_name"])
        assert parts[0] == "playlist"
        said = json.loads(asked.body) if asked.body else {}
        if parts == ["playlist", "create"]:
            return self.create(said)
        playlist = self.playlists.get(parts[1])
        if playlist is None:
            return js({"code": 404, "error": "Cannot find playlist"}, 404)
        if asked.method == "GET":
            return js(self.jspf(parts[1], tracks=True))
        if playlist.owner != "me":
            return js({"code": 403, "error": "You are not allowed"}, 403)
        if parts[2:] == ["delete"]:
            del self.playlists[parts[1]]
        elif parts[2:] == ["item", "delete"]:
            del playlist.keys[said["index"] : said["index"] + said["count"]]
        else:
            assert parts[2:4] == ["item", "add"]
            keys, at = self.recordings(said), int(parts[4])
            if keys is None or len(keys) > 100:
                return js({"code": 400, "error": "You may only add max 100 recordings per call."}, 400)
            playlist.keys[at:at] = keys
        return js({"status": "ok"})

    def lookup(self, name: str, artist: str) -> Reply:
        """The first song of which every word of the name is one: as far-fetched as the real one can be."""
        for song in self.songs:
            if name.casefold() == song.name.casefold() and artist.casefold() == song.artist.casefold():
                return self.found(song)
        for song in self.songs:
            if name.split() and set(song.name.casefold().split()) & set(name.casefold().split()):
                return self.found(song)
        return js({})

    def found(self, song: Song) -> Reply:
        return js({"recording_mbid": song.key, "recording_name": song.name, "artist_credit_name": song.artist,
                   "release_name": song.album, "release_mbid": None, "artist_mbids": []})  # fmt: skip

    def create(self, said: dict[str, Any]) -> Reply:
        playlist = said["playlist"]
        public = playlist.get("extension", {}).get("https://musicbrainz.org/doc/jspf#playlist", {}).get("public")
        keys = self.recordings(said)
        if not playlist.get("title") or not isinstance(public, bool) or keys is None:
            return js({"code": 400, "error": "JSPF playlist"}, 400)
        made = Playlist(playlist["title"], keys, description=playlist.get("annotation"))
        return js({"status": "ok", "playlist_mbid": self.add(made)})

    def recordings(self, said: dict[str, Any]) -> list[str] | None:
        prefix = "https://musicbrainz.org/recording/"
        uris = [track["identifier"] for track in said["playlist"].get("track", [])]
        if not all(isinstance(each, list) and len(each) == 1 and each[0].startswith(prefix) for each in uris):
            return None
        return [each[0].removeprefix(prefix) for each in uris]

    def jspf(self, playlist_id: str, *, tracks: bool) -> dict[str, Any]:
        each = self.playlists[playlist_id]
        made: dict[str, Any] = {
            "creator": self.user if each.owner == "me" else each.owner,
            "title": each.title,
            "identifier": f"https://listenbrainz.org/playlist/{playlist_id}",
            "track": [],
        }
        if each.description:
            made["annotation"] = each.description
        for song in (self.by_key[key] for key in each.keys) if tracks else ():
            made["track"].append({
                "identifier": [f"https://musicbrainz.org/recording/{song.key}"], "title": song.name,
                "creator": song.artist, "album": song.album, "duration": song.duration_ms,
            })  # fmt: skip
        return {"playlist": made}


@dataclass
class SpotifyApp(PlayerApp):
    """The API under ``/v1`` and the accounts beside it; an access token is good for ``uses`` requests."""

    client_id: str = "clientid0123456789"
    uses: int = 10_000
    access: str = "access-0"
    refresh: str = "refresh-0"
    left: int = 10_000
    renewed: int = 0
    challenge: str = ""
    redirect: str = ""
    says_no: bool = False

    def new_id(self, n: int) -> str:
        return f"Pl{n:020d}"

    def writing(self, asked: Asked) -> bool:
        return asked.path.startswith("/v1/") and asked.method != "GET"

    def answer(self, asked: Asked, query: list[tuple[str, str]]) -> Reply:
        one = dict(query)
        if asked.path == "/authorize":
            return self.authorize(one)
        if asked.path == "/api/token":
            return self.token(asked, one)
        if asked.headers.get("authorization") != f"Bearer {self.access}" or self.left <= 0:
            return js({"error": {"status": 401, "message": "The access token expired"}}, 401)
        self.left -= 1
        said = json.loads(asked.body) if asked.body else {}
        path = asked.path.removeprefix("/v1")
        if path == "/me":
            return js({"id": "me", "display_name": "Me", "type": "user"})
        if path == "/me/playlists" and asked.method == "GET":
            return self.paged([self.listed(each) for each in self.playlists], one)
        if path == "/me/playlists":
            assert said["public"] is False and 0 < len(said["name"]) <= 100
            made = Playlist(said["name"], description=said.get("description"))
            return js(self.listed(self.add(made)), 201)
        if path == "/me/tracks":
            return self.paged([{"added_at": "x", "track": self.track(song)} for song in self.songs], one)
        if path == "/me/library" and asked.method == "DELETE":
            self.playlists.pop(one["uris"].removeprefix("spotify:playlist:"))
            return Reply(200)
        if path == "/search":
            return self.search(one)
        found = re.fullmatch(r"/playlists/(\w+)(/items)?", path)
        if found is None:  # the endpoints of before
            return js({"error": {"status": 403, "message": "Forbidden"}}, 403)
        playlist = self.playlists.get(found[1])
        if playlist is None:
            return js({"error": {"status": 404, "message": "Resource not found"}}, 404)
        if found[2] is None:
            return js(self.listed(found[1]))
        if playlist.owner != "me":
            return js({"error": {"status": 403, "message": "Forbidden"}}, 403)
        if asked.method == "GET":
            rows = [{"added_at": "x", "is_local": False, "item": self.track(self.by_key[k])} for k in playlist.keys]
            return self.paged(rows, one)
        keys = [uri.removeprefix("spotify:track:") for uri in said["uris"]]
        if len(keys) > 100 or not set(keys) <= self.by_key.keys():
            return js({"error": {"status": 400, "message": "bad uris"}}, 400)
        if asked.method == "PUT":
            playlist.keys = keys
        else:
            playlist.keys[said["position"] : said["position"]] = keys
        return js({"snapshot_id": "s"}, 200 if asked.method == "PUT" else 201)

    def authorize(self, one: dict[str, str]) -> Reply:
        assert one["client_id"] == self.client_id and one["response_type"] == "code"
        assert one["code_challenge_method"] == "S256" and "playlist-modify-private" in one["scope"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", one["redirect_uri"])
        self.challenge, self.redirect = one["code_challenge"], one["redirect_uri"]
        said = "error=access_denied" if self.says_no else "code=thecode"
        return Reply(302, b"", {"Location": f"{self.redirect}?{said}&state={one['state']}"})

    def token(self, asked: Asked, one: dict[str, str]) -> Reply:
        assert asked.method == "POST" and "authorization" not in asked.headers and "?" not in asked.raw
        assert one["client_id"] == self.client_id and "client_secret" not in one
        if one["grant_type"] == "authorization_code":
            digest = hashlib.sha256(one["code_verifier"].encode()).digest()
            good = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
            good = good and one["code"] == "thecode" and one["redirect_uri"] == self.redirect
        else:
            good = one["grant_type"] == "refresh_token" and one["refresh_token"] == self.refresh
        if not good:
            return js({"error": "invalid_grant", "error_description": "Refresh token revoked"}, 400)
        self.renewed += 1
        self.access, self.refresh = f"access-{self.renewed}", f"refresh-{self.renewed}"
        self.left = self.uses
        said = {"access_token": self.access, "refresh_token": self.refresh, "token_type": "Bearer"}
        return js(said | {"expires_in": 3600, "scope": ""})

    def listed(self, playlist_id: str) -> dict[str, Any]:
        each = self.playlists[playlist_id]
        about = {"id": playlist_id, "name": each.title, "description": each.description, "collaborative": False}
        return about | {"owner": {"id": each.owner}, "items": {"total": len(each.keys)}}

    def track(self, song: Song) -> dict[str, Any]:
        return {
            "type": "track", "id": song.key, "uri": f"spotify:track:{song.key}", "name": song.name,
            "artists": [{"name": song.artist}, {"name": "Somebody Else"}], "explicit": False, "is_local": False,
            "album": {"name": song.album, "release_date": f"{song.year}-05-01"}, "duration_ms": song.duration_ms,
            "external_ids": {"isrc": song.isrc} if song.isrc else {},
        }  # fmt: skip

    def search(self, one: dict[str, str]) -> Reply:
        if not 1 <= int(one["limit"]) <= 10 or one["type"] != "track":
            return js({"error": {"status": 400, "message": "Invalid limit"}}, 400)
        text = one["q"].casefold()
        fields = re.findall(r'(\w+):("[^"]*"|\S+)', text)
        songs = []
        for song in self.songs:
            values = {"isrc": (song.isrc or "").casefold(), "track": song.name.casefold(),
                      "artist": song.artist.casefold()}  # fmt: skip
            if fields:
                fits = all(value.strip('"') in values[name] for name, value in fields)
            else:
                fits = all(word in f"{values['track']} {values['artist']}" for word in text.split())
            songs += [song] if fits else []
        return js({"tracks": {"items": [self.track(song) for song in songs[: int(one["limit"])]]}})

    def paged(self, rows: list[Any], one: dict[str, str]) -> Reply:
        start, n = int(one["offset"]), int(one["limit"])
        if not 1 <= n <= 50:
            return js({"error": {"status": 400, "message": "Invalid limit"}}, 400)
        return js({"items": rows[start : start + n], "total": len(rows), "limit": n, "offset": start, "next": None})
