"""Services as they answer when all is well, over planted data."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.server import Asked, Reply, js, page


def record(
    name: str, artist: str, text: str | None = None, *, synced: str | None = None, instrumental: bool = False,
    duration: float = 200.0,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": 1, "name": name, "trackName": name, "artistName": artist, "albumName": "An Album",
        "duration": duration, "instrumental": instrumental, "plainLyrics": text, "syncedLyrics": synced,
    }  # fmt: skip


def lrclib(records: Sequence[dict[str, Any]], by_search: Sequence[dict[str, Any]] = ()) -> Any:
    missing = js({"code": 404, "name": "TrackNotFound", "message": "Failed to find specified track"}, 404)

    def app(asked: Asked) -> Reply:
        def fits(each: dict[str, Any]) -> bool:
            names = (each["trackName"].lower(), each["artistName"].lower())
            return names == (asked.params["track_name"].lower(), asked.params["artist_name"].lower())

        if asked.path == "/api/get":
            found = [r for r in records if fits(r)]
            if "duration" in asked.params:
                found = [r for r in found if abs(r["duration"] - float(asked.params["duration"])) <= 2]
            return js(found[0]) if found else missing
        if asked.path == "/api/search":
            return js([r for r in records if fits(r)] + list(by_search))
        return page(b"<html>404", 404)

    return app


def ovh(texts: Mapping[tuple[str, str], str]) -> Any:
    def app(asked: Asked) -> Reply:
        _, version, artist, title = asked.path.split("/", 3)
        assert version == "v1"
        text = texts.get((artist, title))
        return js({"error": "No lyrics found"}, 404) if text is None else js({"lyrics": text})

    return app


def reccobeats(features: Mapping[str, Mapping[str, float]], *, without_href: frozenset[str] = frozenset()) -> Any:
    """Rows for what is known, in no order that was asked for."""

    def app(asked: Asked) -> Reply:
        ids = asked.params["ids"].split(",")
        if not 1 <= len(ids) <= 40:
            return js({"status": 4004, "errors": [{"message": "size must be between 1 and 40"}]}, 400)
        known = sorted((each for each in ids if each in features), reverse=True)
        href = {each: f"https://open.spotify.com/track/{each}" for each in known}
        if asked.path == "/track":
            return js({"content": [{"id": f"uuid-{e}", "trackTitle": "x", "href": href[e]} for e in known]})
        assert asked.path == "/audio-features"
        rows = [
            {"id": f"uuid-{e}", "isrc": None, **features[e], **({} if e in without_href else {"href": href[e]})}
            for e in known
        ]
        return js({"content": rows})

    return app


@dataclass
class SpotifyApp:
    features: Mapping[str, Mapping[str, float]]
    client: str = "id:secret"
    token: int = 0
    uses: int = 100
    closed: bool = False

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/api/token":
            basic = "Basic " + base64.b64encode(self.client.encode()).decode()
            assert asked.method == "POST" and asked.params == {"grant_type": "client_credentials"}
            if asked.headers["authorization"] != basic:
                return js({"error": "invalid_client"}, 400)
            self.token += 1
            self.left = self.uses
            return js({"access_token": f"token{self.token}", "token_type": "Bearer", "expires_in": 3600})
        assert asked.path == "/audio-features"
        if asked.headers.get("authorization") != f"Bearer token{self.token}" or self.left == 0:
            return js({"error": {"status": 401, "message": "The access token expired"}}, 401)
        self.left -= 1
        if self.closed:
            return js({"error": {"status": 403}}, 403)
        ids = asked.params["ids"].split(",")
        rows = [{"type": "audio_features", "id": e, **self.features[e]} if e in self.features else None for e in ids]
        return js({"audio_features": rows} if len(ids) <= 100 else {"error": {"status": 400}})


@dataclass
class LastfmApp:
    """Users with a country and loved tracks, and tags of tracks; ``per_page`` is how much it gives at most."""

    users: Mapping[str, tuple[str, Sequence[tuple[str, str]]]]
    tags: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)
    per_page: int = 1_000
    key: str = "lastfm-key-0123456789"
    private: frozenset[str] = frozenset()

    def __call__(self, asked: Asked) -> Reply:
        params = asked.params
        assert params["format"] == "json" and asked.path == "/"
        if params.get("api_key") != self.key:
            return error(10, "Invalid API key - You must be granted a valid key by last.fm", 403)
        if params["method"] == "track.gettoptags":
            found = self.tags.get((params["track"], params["artist"]))
            if found is None:
                return error(6, "Track not found")
            rows = [{"count": n, "name": tag, "url": "https://www.last.fm/tag/x"} for tag, n in found.items()]
            attributes = {"artist": params["artist"], "track": params["track"]}
            return js({"toptags": {"tag": one_or_many(rows), "@attr": attributes}})
        user = params["user"]
        if user not in self.users:
            return error(6, "User not found", 404)
        country, loved = self.users[user]
        if params["method"] == "user.getinfo":
            about = {"name": user, "realname": "Real Name", "age": "33", "gender": "f", "country": country}
            return js({"user": {**about, "registered": {"#text": 1, "unixtime": "1"}}})
        if user in self.private:
            return error(17, "Login: User required to be logged in")
        assert params["method"] == "user.getlovedtracks"
        size, number = min(int(params["limit"]), self.per_page), int(params["page"])
        rows = [
            {"name": name, "artist": {"name": artist, "mbid": "", "url": "x"}, "date": {"uts": "1"}, "mbid": ""}
            for name, artist in loved[size * (number - 1) : size * number]
        ]
        pages = -(-len(loved) // size)
        attributes = {"user": user, "page": str(number), "perPage": str(size)}
        attributes |= {"totalPages": str(pages), "total": str(len(loved))}
        return js({"lovedtracks": {"track": one_or_many(rows), "@attr": attributes}})


def error(number: int, message: str, status: int = 200) -> Reply:
    return js({"error": number, "message": message, "links": []}, status)


def one_or_many(rows: list[Any]) -> Any:
    return rows[0] if len(rows) == 1 else rows
