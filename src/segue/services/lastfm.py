"""Last.fm: which tracks somebody loves, where they live, and how people tag a track.

Source: https://www.last.fm/api (user.getLovedTracks, user.getInfo, track.getTopTags, errorcodes). Errors come as JSON
with any status, 200 included; lists of one are no lists; numbers are strings. Of a profile the country alone is
read and remembered. Never asked while this was written; the tests answer as its documentation says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import msgspec

from segue.services.base import Answer, Blocked, NotAllowed, Request, Service, Temporary, Unavailable, key_from
from segue.services.client import DAY, Client

__all__ = ["LASTFM", "Lastfm", "Loved", "UserStatus"]

T = TypeVar("T")
UserStatus: TypeAlias = Literal["found", "not_found", "private", "blocked", "error"]

# five requests a second are allowed, on the average of five minutes
LASTFM = Service("last.fm", "https://ws.audioscrobbler.com/2.0", "SEGUE_LASTFM_URL", interval=0.25, attempts=5)
_PAGE = 200
_KEEP_USER, _KEEP_TAGS, _KEEP_NOTHING = 30 * DAY, 180 * DAY, 7 * DAY
_MOST_TAGS = 10
_RATE_LIMIT_S = 10.0
_WHERE = "https://www.last.fm/api/account/create"
_MISSING, _PRIVATE, _RATE_LIMIT = (6, 7), (17,), (29,)
_TEMPORARY = (8, 11, 16)
_NOT_ALLOWED = {
    2: "does not know what it was asked for (error 2)",
    3: "does not know what it was asked for (error 3)",
    4: f"does not accept the key in LASTFM_API_KEY (error 4); get one at {_WHERE}",
    5: "does not know what it was asked for (error 5)",
    10: f"does not know the key in LASTFM_API_KEY (error 10); get one at {_WHERE}",
    13: "wants a signature, which reading does not need (error 13)",
    26: "has suspended the key in LASTFM_API_KEY (error 26); write to partners@last.fm, or use another key",
}


class _Artist(msgspec.Struct):
    name: str | None = None
    text: str | None = msgspec.field(default=None, name="#text")


class _Track(msgspec.Struct):
    name: str
    artist: _Artist | str


class _Page(msgspec.Struct):
    totalPages: int | str = 1  # noqa: N815 - as it is spelled there


class _Loved(msgspec.Struct):
    track: list[_Track] | _Track | str | None = None
    page: _Page | None = msgspec.field(default=None, name="@attr")


class _User(msgspec.Struct):
    """A profile has much more: name, age, gender, picture. None of it is read."""

    country: str | None = None


class _Tag(msgspec.Struct):
    name: str
    count: float | str = 0


class _TopTags(msgspec.Struct):
    tag: list[_Tag] | _Tag | str | None = None


class _Body(msgspec.Struct):
    """Any answer; exactly one of its fields is there."""

    error: int | str | None = None
    lovedtracks: _Loved | None = None
    user: _User | None = None
    toptags: _TopTags | None = None


@dataclass(frozen=True, slots=True)
class _LovedPage:
    """What is remembered of a page of loved tracks."""

    status: UserStatus
    tracks: tuple[tuple[str, str], ...] = ()
    pages: int = 0


@dataclass(frozen=True, slots=True)
class _Country:
    status: UserStatus
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Loved:
    """A listener as far as Last.fm tells.

    Args:
        status: "found"; "not_found" and "private" are known as well, "blocked" and "error" say that nothing is.
        country: as written there, None where unknown.
        tracks: (name, artist), the most recently loved one first.
    """

    status: UserStatus
    country: str | None = None
    tracks: tuple[tuple[str, str], ...] = ()


class Lastfm:
    """Asks Last.fm; each page is remembered, so that a run that was interrupted goes on where it was.

    Raises:
        NotAllowed: LASTFM_API_KEY is not set.
    """

    def __init__(self, client: Client) -> None:
        self.client, self._key = client, key_from("last.fm", "LASTFM_API_KEY", _WHERE)

    def loved(self, user: str, n: int = _PAGE) -> Loved:
        """Country and at most ``n`` loved tracks of somebody.

        Raises:
            Blocked, Unavailable: nothing was learnt.
            NotAllowed: asking on makes no sense.
        """
        tracks: dict[tuple[str, str], None] = {}
        page = 0
        while len(tracks) < n:
            page += 1
            found = self._page(user, page)
            if found.status != "found":
                return Loved(found.status)
            tracks |= dict.fromkeys(found.tracks)
            if page >= min(found.pages, n) or not found.tracks:
                break
        country = self._country(user)
        if country.status != "found":
            return Loved(country.status)
        return Loved("found", country.country, tuple(tracks)[:n])

    def tags(self, name: str, artist: str) -> tuple[str, ...]:
        """Names of the tags that people give a track, the most given first, at most ten; none where it is unknown.

        Raises:
            Blocked, Unavailable: nothing was learnt.
            NotAllowed: asking on makes no sense.
        """
        params = {"track": name, "artist": artist, "autocorrect": "1"}
        request = self._request("track.gettoptags", params)
        return self.client.ask(
            request, _read_tags, tuple[str, ...], lambda found: _KEEP_TAGS if found else _KEEP_NOTHING
        )

    def _page(self, user: str, page: int) -> _LovedPage:
        params = {"user": user, "limit": str(_PAGE), "page": str(page)}
        return self.client.ask(self._request("user.getlovedtracks", params), _read_loved, _LovedPage, _keep)

    def _country(self, user: str) -> _Country:
        return self.client.ask(self._request("user.getinfo", {"user": user}), _read_country, _Country, _keep)

    def _request(self, method: str, params: dict[str, str]) -> Request:
        return Request(
            LASTFM, "/", {"method": method, "format": "json", **params}, secret_params={"api_key": self._key}
        )


def _keep(found: _LovedPage | _Country) -> float:
    return _KEEP_USER if found.status == "found" else _KEEP_NOTHING


def _read_loved(answer: Answer) -> _LovedPage:
    body, status = _body(answer)
    if status is not None:
        return _LovedPage(status)
    if body.lovedtracks is None:
        raise Unavailable(LASTFM.name, "answers without the loved tracks that it was asked for")
    tracks = [(track.name, _artist(track)) for track in _many(body.lovedtracks.track)]
    pages = _number(body.lovedtracks.page.totalPages) if body.lovedtracks.page is not None else 1
    return _LovedPage("found", tuple(each for each in tracks if all(part.strip() for part in each)), int(pages))


def _read_country(answer: Answer) -> _Country:
    body, status = _body(answer)
    if status is not None:
        return _Country(status)
    if body.user is None:
        raise Unavailable(LASTFM.name, "answers without the user that it was asked for")
    country = (body.user.country or "").strip()[:100]
    return _Country("found", country if country and country.casefold() != "none" else None)


def _read_tags(answer: Answer) -> tuple[str, ...]:
    body, status = _body(answer)
    if status == "not_found":
        return ()
    if status is not None or body.toptags is None:
        raise Unavailable(LASTFM.name, "answers without the tags that it was asked for")
    tags = sorted(_many(body.toptags.tag), key=lambda tag: -_number(tag.count))
    # "; " separates tags in a library
    names = (" ".join(tag.name.replace(";", ",").split())[:100] for tag in tags)
    return tuple(dict.fromkeys(filter(None, names)))[:_MOST_TAGS]


def _body(answer: Answer) -> tuple[_Body, UserStatus | None]:
    """The answer, or what its error says of somebody or something.

    Raises:
        Temporary, ServiceError: for all other errors.
    """
    try:
        body = answer.decode(_Body)
    except Unavailable:
        answer.check()
        raise
    if body.error is None:
        answer.check()
        return body, None
    number = int(_number(body.error))
    if number in _MISSING:
        return body, "not_found"
    if number in _PRIVATE:
        return body, "private"
    if number in _NOT_ALLOWED:
        raise NotAllowed(LASTFM.name, _NOT_ALLOWED[number])
    if number in _RATE_LIMIT:
        raise Temporary(Blocked(LASTFM.name, "asks for fewer requests (error 29)"), _RATE_LIMIT_S)
    failed = Unavailable(LASTFM.name, f"reports error {number}")
    raise Temporary(failed) if number in _TEMPORARY else failed


def _artist(track: _Track) -> str:
    if isinstance(track.artist, str):
        return track.artist
    return track.artist.name or track.artist.text or ""


def _many(found: list[T] | T | str | None) -> list[T]:
    """A list; one alone is written without brackets, and none as nothing or as white space."""
    if isinstance(found, list):
        return found
    return [] if found is None or isinstance(found, str) else [found]


def _number(value: float | str) -> float:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number if abs(number) < 1e9 else 0.0
