from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError, SegueError
from segue.services.base import Blocked, NotAllowed, Unavailable
from segue.services.client import Client
from segue.services.lastfm import Lastfm, Loved
from services.apps import LastfmApp, error
from services.server import App, Asked, Clock, Reply, Server, in_turn, js, page
from services.test_lyrics import anything

Start = Callable[[App], Server]
KEY = LastfmApp.key


def loved(n: int) -> list[tuple[str, str]]:
    return [(f"track {i}", f"artist {i % 7}") for i in range(n)]


@pytest.fixture
def at(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[[App], Server]:
    def place(app: App) -> Server:
        server = start(app)
        monkeypatch.setenv("SEGUE_LASTFM_URL", server.url)
        monkeypatch.setenv("LASTFM_API_KEY", KEY)
        return server

    return place


At = Callable[[App], Server]


def test_loved_tracks_and_country(at: At, client: Client) -> None:
    server = at(LastfmApp({"ann": ("Sweden", loved(150))}))
    found = Lastfm(client).loved("ann")
    assert found == Loved("found", "Sweden", tuple(loved(150)))
    assert [asked.params["method"] for asked in server.asked] == ["user.getlovedtracks", "user.getinfo"]
    assert Lastfm(client).loved("ann") == found and len(server.asked) == 2


@pytest.mark.parametrize(("n", "per_page", "pages"), [(200, 50, 4), (120, 50, 3), (200, 1_000, 1), (420, 1_000, 3)])
def test_pages(at: At, client: Client, n: int, per_page: int, pages: int) -> None:
    server = at(LastfmApp({"ann": ("SE", loved(500))}, per_page=per_page))
    assert Lastfm(client).loved("ann", n).tracks == tuple(loved(n))
    asked = [a.params["page"] for a in server.asked if a.params["method"] == "user.getlovedtracks"]
    assert asked == [str(i + 1) for i in range(pages)]


def test_one_none_and_few(at: At, client: Client) -> None:
    at(LastfmApp({"one": ("None", loved(1)), "none": ("", []), "few": ("SE", loved(3))}))
    lastfm = Lastfm(client)
    assert lastfm.loved("one") == Loved("found", None, tuple(loved(1)))
    assert lastfm.loved("none") == Loved("found", None, ())
    assert lastfm.loved("few").tracks == tuple(loved(3))


@pytest.mark.parametrize(
    "body",
    [
        {"lovedtracks": {"#text": "\n", "user": "x", "total": "0"}},
        {"lovedtracks": {"track": "\n", "@attr": {"totalPages": "0"}}},
        {"lovedtracks": {"track": [], "@attr": {"totalPages": "9999999"}}},
        {"lovedtracks": {"track": [{"name": " ", "artist": {"#text": "x"}}], "@attr": {"totalPages": "many"}}},
    ],
)
def test_other_ways_to_say_nothing(at: At, client: Client, body: dict[str, Any]) -> None:
    server = at(lambda asked: js({"user": {}} if asked.params["method"] == "user.getinfo" else body))
    assert Lastfm(client).loved("ann") == Loved("found")
    assert len(server.asked) == 2


def test_a_server_that_repeats_itself_is_left(at: At, client: Client) -> None:
    track = {"name": "a", "artist": {"name": "b"}}
    body = {"lovedtracks": {"track": [track], "@attr": {"totalPages": "99999"}}}
    server = at(lambda asked: js({"user": {}} if asked.params["method"] == "user.getinfo" else body))
    assert Lastfm(client).loved("ann", 5).tracks == (("a", "b"),)
    assert len(server.asked) == 6


def test_unknown_and_private_users(at: At, client: Client, clock: Clock) -> None:
    server = at(LastfmApp({"shy": ("SE", loved(3))}, private=frozenset({"shy"})))
    for _ in range(2):
        assert Lastfm(client).loved("nobody") == Loved("not_found")
        assert Lastfm(client).loved("shy") == Loved("private")
    assert len(server.asked) == 2, "known for some days"
    clock.time += 8 * 86_400
    server.app = LastfmApp({"nobody": ("SE", loved(3))})
    assert Lastfm(client).loved("nobody").status == "found"


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize("number", [8, 11, 16, 29])
def test_temporary_errors_are_outwaited(at: At, client: Client, clock: Clock, number: int, status: int) -> None:
    well = LastfmApp({"ann": ("SE", loved(2))})
    left = [error(number, "x", status)] * 2

    def app(asked: Asked) -> Reply:
        return left.pop() if left else well(asked)

    at(app)
    assert Lastfm(client).loved("ann").tracks == tuple(loved(2))
    assert clock.slept == ([10.0, 10.0] if number == 29 else [1.0, 2.0])


@pytest.mark.parametrize(("number", "kind"), [(29, Blocked), (8, Unavailable), (11, Unavailable), (16, Unavailable)])
def test_temporary_errors_that_stay(at: At, client: Client, number: int, kind: type[Exception]) -> None:
    server = at(lambda asked: error(number, "x"))
    with pytest.raises(kind, match=f"error {number}"):
        Lastfm(client).loved("ann")
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("number", "said"), [(10, "does not know the key"), (26, "suspended the key"), (4, "error 4"), (3, "error 3")]
)
@pytest.mark.parametrize("status", [200, 403])
def test_errors_that_end_everything(at: At, client: Client, number: int, said: str, status: int) -> None:
    server = at(lambda asked: error(number, f"Invalid key {KEY}", status))
    with pytest.raises(NotAllowed, match=said) as raised:
        Lastfm(client).loved("ann")
    assert len(server.asked) == 1 and KEY not in str(raised.value) and "ann" not in str(raised.value)


def test_a_wrong_or_missing_key(at: At, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at(LastfmApp({"ann": ("SE", loved(2))}, key="another"))
    with pytest.raises(NotAllowed, match=r"LASTFM_API_KEY \(error 10\); get one at https"):
        Lastfm(client).loved("ann")
    monkeypatch.setenv("SEGUE_LASTFM_URL", "http://lastfm.example/2.0")
    with pytest.raises(InputError, match="in the clear"):
        Lastfm(client).loved("ann")
    monkeypatch.delenv("LASTFM_API_KEY")
    with pytest.raises(NotAllowed, match="put it into LASTFM_API_KEY"):
        Lastfm(client)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (page(), Blocked),
        (Reply(403, b"forbidden"), Blocked),
        (js({}), Unavailable),
        (js({"lovedtracks": None}), Unavailable),
        (js({"lovedtracks": {"track": [{"name": 3}]}}), Unavailable),
        (js({"error": 15, "message": "x"}), Unavailable),
        (js({"error": "x"}), Unavailable),
        (Reply(200, b'{"lovedtracks": {"track"'), Unavailable),
    ],
)
def test_other_answers(at: At, client: Client, reply: Reply, kind: type[Exception]) -> None:
    at(lambda asked: reply)
    with pytest.raises(kind) as raised:
        Lastfm(client).loved("ann")
    assert type(raised.value) is kind


def test_an_interrupted_run_does_not_ask_twice(at: At, client: Client) -> None:
    well = LastfmApp({"ann": ("SE", loved(200))}, per_page=50)
    server = at(lambda asked: Reply(500) if asked.params.get("page") == "3" else well(asked))
    with pytest.raises(Unavailable):
        Lastfm(client).loved("ann")
    assert [asked.params["page"] for asked in server.asked] == ["1", "2", *"33333"]
    server.asked.clear()
    server.app = well
    assert Lastfm(client).loved("ann").tracks == tuple(loved(200))
    assert [asked.params.get("page") for asked in server.asked] == ["3", "4", None]


def test_of_a_profile_the_country_alone_is_kept(at: At, client: Client, tmp_path: Path) -> None:
    at(LastfmApp({"ann_in_the_clear": ("Sweden", loved(2))}))
    Lastfm(client).loved("ann_in_the_clear")
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert b"Sweden" in kept and b"track 1" in kept
    assert not any(private in kept for private in (b"ann_in", b"Real Name", b'"age', b"gender", KEY.encode()))


def test_tags(at: At, client: Client) -> None:
    many = {f"tag {i}": i for i in range(30)}
    tags = {
        ("Rain", "A"): {"wet; cold": 3, "slow": 100},
        ("Sun", "A"): {"one": 1},
        ("Moon", "A"): many,
        ("Wind", "A"): {},
    }
    server = at(LastfmApp({}, tags))
    lastfm = Lastfm(client)
    assert lastfm.tags("Rain", "A") == ("slow", "wet, cold")
    assert lastfm.tags("Sun", "A") == ("one",)
    assert lastfm.tags("Moon", "A") == tuple(f"tag {i}" for i in range(29, 19, -1))
    assert lastfm.tags("Wind", "A") == () and lastfm.tags("Fog", "A") == ()
    assert server.asked[0].params["autocorrect"] == "1"
    n = len(server.asked)
    assert lastfm.tags("Fog", "A") == () and lastfm.tags("Rain", "A") and len(server.asked) == n


track = st.fixed_dictionaries({}, optional={"name": st.text(max_size=4) | anything, "artist": anything})
body = st.fixed_dictionaries(
    {},
    optional={
        "lovedtracks": anything
        | st.fixed_dictionaries({}, optional={"track": st.lists(track) | track | anything, "@attr": anything}),
        "user": anything | st.fixed_dictionaries({}, optional={"country": anything}),
        "toptags": anything | st.fixed_dictionaries({}, optional={"tag": anything}),
        "error": anything,
    },
)


@given(body | anything, st.sampled_from([200, 400, 403, 404]))
def test_arbitrary_answers_raise_nothing_but_errors_of_ours(found: Any, status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=httpx.ByteStream(json.dumps(found).encode()))

    with (
        pytest.MonkeyPatch.context() as patch,
        Client(transport=httpx.MockTransport(answer), sleep=lambda _: None) as client,
    ):
        patch.setenv("LASTFM_API_KEY", KEY)
        lastfm = Lastfm(client)
        for ask in (lambda: lastfm.loved("ann"), lambda: lastfm.tags("a", "b")):
            try:
                told = ask()
            except SegueError as raised:
                assert KEY not in str(raised)
                continue
            if isinstance(told, Loved) and told.status == "found":
                assert status == 200 and isinstance(found, dict) and "lovedtracks" in found
                assert all(name.strip() and artist.strip() for name, artist in told.tracks)


def test_in_turn_is_a_script() -> None:
    app = in_turn([Reply(1), Reply(2)])
    assert [app(Asked("GET", "/", {}, {})).status for _ in range(3)] == [1, 2, 2]
