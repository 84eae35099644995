from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError, SegueError
from segue.services.base import Blocked, NotAllowed
from segue.services.client import Client
from segue.services.lrclib import lrclib
from segue.services.lyrics import LyricsFound, LyricsSearch, Wanted
from segue.services.lyrics_ovh import lyrics_ovh
from services import apps
from services.apps import record
from services.server import CAPTCHA, App, Asked, Clock, Reply, Server, in_turn, js, page

Start = Callable[[App], Server]
RAIN = Wanted("Rain", "Somebody", "An Album", 200.4)


@pytest.fixture
def serve(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[[App, App], tuple[Server, Server]]:
    """Servers in the place of LRCLIB and lyrics.ovh."""

    def place(first: App, second: App) -> tuple[Server, Server]:
        servers = start(first), start(second)
        monkeypatch.setenv("SEGUE_LRCLIB_URL", servers[0].url)
        monkeypatch.setenv("SEGUE_LYRICS_OVH_URL", servers[1].url)
        return servers

    return place


Serve = Callable[[App, App], tuple[Server, Server]]
NONE = apps.lrclib([])
NO_WORDS = apps.ovh({})


def test_lrclib_by_name_artist_album_and_length(serve: Serve, client: Client) -> None:
    first, second = serve(apps.lrclib([record("Rain", "Somebody", "Rain on the roof\n")]), NO_WORDS)
    found = LyricsSearch(client).look_up(RAIN)
    assert found == LyricsFound("found", "Rain on the roof", "lrclib")
    params = {"track_name": "Rain", "artist_name": "Somebody", "album_name": "An Album", "duration": "200"}
    assert first.asked[0].params == params and not second.asked
    assert LyricsSearch(client).look_up(RAIN) == found and len(first.asked) == 1


def test_time_stamps_are_cut_off(serve: Serve, client: Client) -> None:
    serve(apps.lrclib([record("Rain", "Somebody", synced="[00:01.00]Rain on\n[00:03.20]the roof")]), NO_WORDS)
    assert lrclib(client, RAIN).text == "Rain on\nthe roof"


def test_instrumental_only_when_a_service_says_so(serve: Serve, client: Client) -> None:
    first, _ = serve(apps.lrclib([record("Rain", "Somebody", instrumental=True)]), NO_WORDS)
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("instrumental", source="lrclib")
    first.app = apps.lrclib([record("Sun", "Somebody", "[Instrumental]")])
    assert LyricsSearch(client).look_up(Wanted("Sun", "Somebody")).status == "instrumental"
    first.app = apps.lrclib(
        [record("Moon", "Somebody", ""), record("Wind", "Somebody", "\n \n", synced=" [00:01.0] ")]
    )
    for name in ("Moon", "Wind"):
        assert LyricsSearch(client).look_up(Wanted(name, "Somebody")).status == "not_found"


def test_search_comes_second_and_prefers_words_of_this_recording(serve: Serve, client: Client) -> None:
    others = [
        record("Rain (Instrumental)", "Somebody", instrumental=True, duration=200),
        record("Rain", "Somebody Else", "words of others"),
        record("Rain", "Somebody", "words of a long version", duration=400),
        record("Rain - 2011 Remaster", "SOMEBODY", "the words", duration=203),
        record("Rain", "Somebody", instrumental=True, duration=200.4),
    ]
    first, _ = serve(apps.lrclib([], others), NO_WORDS)
    assert lrclib(client, RAIN).text == "the words"
    assert [asked.path for asked in first.asked] == ["/api/get", "/api/search"]
    assert first.asked[1].params == {"track_name": "rain", "artist_name": "Somebody"}
    first.app = apps.lrclib([], others[:2])
    assert lrclib(client, Wanted("Rain", "Somebody", seconds=201)).status == "not_found", (
        "of another version or artist"
    )
    first.app = apps.lrclib([], [record("Rain", "Somebody", instrumental=True, duration=260)])
    assert lrclib(client, Wanted("Rain", "Somebody", seconds=202)).status == "not_found", "another recording"
    first.app = apps.lrclib([], [record("rain", "Somebody", instrumental=True, duration=202)])
    assert lrclib(client, Wanted("Rain", "Somebody", seconds=203)).status == "instrumental"


def test_remasters_are_searched_for_by_their_song_and_instrumental_versions_by_themselves(
    serve: Serve, client: Client
) -> None:
    def searched(asked: Asked) -> Reply:
        if asked.path == "/api/get":
            return js({"name": "TrackNotFound"}, 404)
        song = record("Rain", "Somebody", "the words", duration=200)
        return js([song] if asked.params["track_name"].lower() == "rain" else [song, version])

    version = record("Rain (Instrumental)", "Somebody", instrumental=True, duration=200)
    serve(searched, NO_WORDS)
    assert lrclib(client, Wanted("Rain - 2011 Remaster", "Somebody", seconds=200)).text == "the words"
    assert lrclib(client, Wanted("Rain (Instrumental)", "Somebody", seconds=200)).status == "instrumental"
    assert lrclib(client, Wanted("Rain - Karaoke Version", "Somebody")).status == "not_found"
    assert lrclib(client, Wanted("Instrumental Rain", "Somebody")).status == "not_found"


def test_lyrics_ovh_is_asked_after_lrclib(serve: Serve, client: Client) -> None:
    text = "Paroles de la chanson Rain par Somebody\r\nRain on\r\n\r\nthe roof"
    first, second = serve(NONE, apps.ovh({("Some", "body/Rain?"): text}))
    found = LyricsSearch(client).look_up(Wanted("Rain?", "Some/body"))
    assert found == LyricsFound("found", "Rain on\n\nthe roof", "lyrics.ovh")
    assert len(first.asked) == 2 and second.asked[0].raw == "/v1/Some%2Fbody/Rain%3F"
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("not_found")
    assert lyrics_ovh(client, Wanted("..", "x")).status == "not_found" and len(second.asked) == 2


@pytest.mark.parametrize("reply", [js({}, 403), page(), page(status=403), page(status=503), js({}, 429), js({}, 401)])
def test_blocked_is_never_instrumental_nor_not_found(serve: Serve, client: Client, reply: Reply) -> None:
    first, second = serve(lambda asked: reply, NO_WORDS)
    search = LyricsSearch(client)
    assert search.look_up(RAIN) == LyricsFound("blocked")
    assert len(second.asked) == 1, "the other service is asked all the same"
    assert sum(search.remarks.values()) == 1 and next(iter(search.remarks)).startswith("lrclib ")
    second.app = apps.ovh({("Somebody", "Rain"): "words"})
    client.cache = None
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("found", "words", "lyrics.ovh")
    first.app, second.app = NONE, lambda asked: reply
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("blocked")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        js({"trackName": "Rain"}),
        js({}),
        js([]),
        js(None),
        js({"trackName": "Rain", "artistName": "x", "instrumental": "true"}),
        js({"trackName": "Rain", "artistName": "x", "instrumental": True, "plainLyrics": 3}),
        Reply(200, b'{"trackName": "Rain", "instrumental": tr', {"Content-Type": "application/json"}),
        Reply(200, b"x" * 5_000_000),
        page(b"<html>Not Found", 404),
        js({}, 404),
        Reply(404, b"not found"),
        Reply(204),
    ],
)
def test_what_is_no_answer_is_an_error_and_is_asked_again(serve: Serve, client: Client, reply: Reply) -> None:
    first, second = serve(lambda asked: reply, lambda asked: reply)
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("error")
    first.app, second.app = NONE, NO_WORDS
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("not_found")


@pytest.mark.parametrize("reply", [js({}, 404), page(b"<html>Not Found", 404), Reply(404, b"not found"), js([], 400)])
def test_a_404_that_does_not_say_what_is_missing_tells_nothing(serve: Serve, client: Client, reply: Reply) -> None:
    serve(lambda asked: reply if asked.path == "/api/get" else js([]), NO_WORDS)
    assert LyricsSearch(client).look_up(RAIN) == LyricsFound("error")


def test_what_is_remembered_does_not_hide_that_a_service_fails(serve: Serve, client: Client) -> None:
    first, _ = serve(apps.lrclib([record("Rain", "Somebody", "words")]), NO_WORDS)
    search = LyricsSearch(client, ("lrclib",), patience=3)
    assert search.look_up(RAIN).status == "found"
    first.app = lambda asked: js({}, 403)
    for i in range(3):
        assert search.look_up(Wanted(f"Sun {i}", "Somebody")).status == "blocked"
        assert search.look_up(RAIN).status == ("found" if i < 2 else "blocked")
    assert search.is_over


def test_blocked_and_error_are_not_remembered_but_the_rest_is(serve: Serve, client: Client, clock: Clock) -> None:
    first, second = serve(in_turn([js({}, 403)]), NO_WORDS)
    for _ in range(3):
        assert LyricsSearch(client).look_up(RAIN).status == "blocked"
    assert len(first.asked) == 3 and len(second.asked) == 1
    first.app = NONE
    for _ in range(3):
        assert LyricsSearch(client).look_up(RAIN).status == "not_found"
    assert len(first.asked) == 5
    clock.time += 31 * 86_400
    first.app = apps.lrclib([record("Rain", "Somebody", "new words")])
    assert LyricsSearch(client).look_up(RAIN).text == "new words", "somebody may have written them down since"


def test_a_killed_search_between_its_two_requests_learns_nothing(serve: Serve, client: Client) -> None:
    first, _ = serve(in_turn([js({"name": "TrackNotFound"}, 404), Reply(500)]), NO_WORDS)
    assert LyricsSearch(client).look_up(RAIN).status == "error"
    first.app = apps.lrclib([record("Rain", "Somebody", "words", duration=100)])
    assert LyricsSearch(client).look_up(RAIN).text == "words"


def test_a_service_that_fails_all_the_time_is_asked_no_more(serve: Serve, client: Client) -> None:
    first, second = serve(lambda asked: js({}, 403), NO_WORDS)
    search = LyricsSearch(client, patience=3)
    for i in range(6):
        assert search.look_up(Wanted(f"Rain {i}", "Somebody")).status == "blocked"
    assert len(first.asked) == 3 and len(second.asked) == 6
    assert search.given_up == ("lrclib",) and not search.is_over
    alone = LyricsSearch(client, ("lrclib",), patience=1)
    assert alone.look_up(RAIN).status == "blocked" and alone.is_over
    mixed = LyricsSearch(client, ("lrclib",), patience=2)
    first.app = in_turn([Reply(403), js(record("a", "b", "c")), Reply(403), js(record("a", "b", "c"))])
    statuses = [mixed.look_up(Wanted(f"Sun {i}", "Somebody")).status for i in range(4)]
    assert statuses == ["blocked", "found", "blocked", "found"] and not mixed.is_over


def test_genius_says_what_to_do(client: Client) -> None:
    with pytest.raises(NotAllowed, match=r"no lyrics in its API.*segue annotate"):
        LyricsSearch(client, ("lrclib", "genius"))
    with pytest.raises(InputError, match=r"no lyrics service azlyrics; choose from lrclib, lyrics\.ovh"):
        LyricsSearch(client, ("azlyrics",))
    with pytest.raises(InputError, match="none was named"):
        LyricsSearch(client, ())
    assert not issubclass(NotAllowed, Blocked)


def test_found_has_words_and_nothing_else_has() -> None:
    for status, text in (("found", ""), ("found", " \n"), ("instrumental", "x"), ("blocked", "x")):
        with pytest.raises(ValueError, match=status):
            LyricsFound(status, text)  # type: ignore[arg-type]


words = st.text(max_size=12) | st.sampled_from(["[Instrumental]", "[00:01.00]", "\0", "♪"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
near_record = st.fixed_dictionaries(
    {},
    optional={
        "trackName": words | anything,
        "artistName": words | anything,
        "instrumental": st.booleans() | anything,
        "plainLyrics": words | anything,
        "syncedLyrics": words | anything,
        "duration": anything,
        "lyrics": words | anything,
        "error": anything,
        "name": anything,
    },
)


@given(
    st.lists(anything | near_record | st.lists(near_record, max_size=3), min_size=1, max_size=4),
    st.sampled_from([200, 200, 200, 201, 404, 400, 403, 500]),
    st.booleans(),
)
def test_arbitrary_answers_raise_nothing_and_promise_nothing(bodies: list[Any], status: int, cut: bool) -> None:
    said_so = any("nstrumental" in json.dumps(body, ensure_ascii=False) for body in bodies)
    left = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        data = json.dumps(left.pop() if len(left) > 1 else left[0]).encode()
        return httpx.Response(status, stream=httpx.ByteStream(data[:-1] if cut else data))

    with Client(transport=httpx.MockTransport(answer), sleep=lambda _: None) as client:
        for look_up in (lrclib, lyrics_ovh):
            try:
                alone = look_up(client, Wanted("Rain", "Somebody", seconds=200))
            except SegueError:
                continue
            assert status in (200, 201, 400, 404)
            assert (alone.status == "found") == bool(alone.text.strip())
        found = LyricsSearch(client).look_up(Wanted("Rain", "Somebody"))
        assert (found.status == "found") == bool(found.text.strip())
        assert found.status != "instrumental" or (said_so and status < 300)
        if status in (403, 500):
            assert found.status == ("blocked" if status == 403 else "error")


@given(
    st.binary(max_size=60)
    | st.sampled_from([CAPTCHA, b"\xef\xbb\xbf<html>", b"null", b"[[[[", b'{"lyrics": "\\ud800"}'])
)
def test_arbitrary_bytes_are_neither_found_nor_instrumental_nor_not_found(body: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body)))
    with Client(transport=transport, sleep=lambda _: None) as client:
        found = LyricsSearch(client, ("lyrics.ovh",)).look_up(RAIN)
    assert found.status in ("blocked", "error")
