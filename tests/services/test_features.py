from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library.tables import AUDIO_FEATURES
from segue.services.base import NotAllowed, Unavailable
from segue.services.client import Client
from segue.services.features import features_of, spotify_id
from segue.services.reccobeats import ReccoBeats
from segue.services.spotify import Spotify
from services.apps import SpotifyApp, reccobeats
from services.server import App, Reply, Server, js, page
from services.test_lyrics import anything

Start = Callable[[App], Server]


def ids(n: int) -> list[str]:
    return [f"{i:022d}" for i in range(n)]


def planted(n: int, *, names: tuple[str, ...] = AUDIO_FEATURES) -> dict[str, dict[str, float]]:
    """Each third track is unknown."""
    return {each: {name: float(i + j) for j, name in enumerate(names)} for i, each in enumerate(ids(n)) if i % 3}


@pytest.fixture
def at(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[[App], Server]:
    def place(app: App) -> Server:
        server = start(app)
        for name in ("RECCOBEATS", "SPOTIFY", "SPOTIFY_ACCOUNTS"):
            monkeypatch.setenv(f"SEGUE_{name}_URL", server.url)
        monkeypatch.setenv("SPOTIFY_CLIENT_ID", "id")
        monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "secret")
        return server

    return place


def test_reccobeats_in_batches_by_href(at: Callable[[App], Server], client: Client) -> None:
    truth = planted(90, names=AUDIO_FEATURES[:-1])
    server = at(reccobeats(truth))
    brought: list[int] = []
    found = features_of(client, "reccobeats", ids(90), found=lambda some: brought.append(len(some)))
    assert found.features == truth
    assert [len(asked.params["ids"].split(",")) for asked in server.asked] == [40, 40, 10]
    assert sum(brought) == len(truth) and len(brought) == 3
    assert {each for each, status in found.status.items() if status == "not_found"} == set(ids(90)) - set(truth)
    again = features_of(client, "reccobeats", ids(100)[::-1])
    assert again.features == truth
    assert len(server.asked) == 4 and len(server.asked[3].params["ids"].split(",")) == 10, "only what is new is asked"


def test_rows_without_an_address_are_found_through_their_ids(at: Callable[[App], Server], client: Client) -> None:
    truth = planted(7)
    server = at(reccobeats(truth, without_href=frozenset(ids(5))))
    assert ReccoBeats().ask(client, ids(7)) == truth
    assert [asked.path for asked in server.asked] == ["/audio-features", "/track"]


def test_rows_of_other_tracks_are_not_taken(at: Callable[[App], Server], client: Client) -> None:
    row = {"tempo": 1.0, "href": f"https://open.spotify.com/track/{'x' * 22}"}
    at(lambda asked: js({"content": [row, {"id": "uuid", "tempo": 2.0, "href": "https://open.spotify.com/"}]}))
    assert ReccoBeats().ask(client, ids(3)) == {}


def test_spotify_with_tokens_that_run_out(
    at: Callable[[App], Server], client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    truth = planted(250)
    app = SpotifyApp(truth, uses=2)
    at(app)
    found = features_of(client, "spotify", ids(250))
    assert found.features == truth and app.token == 2
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir()).decode("latin-1")
    basic = base64.b64encode(b"id:secret").decode()
    assert not any(secret in kept + caplog.text for secret in ("token1", "token2", basic, "secret"))


def test_spotify_is_closed_or_refuses(
    at: Callable[[App], Server], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = at(SpotifyApp(planted(3), closed=True))
    with pytest.raises(NotAllowed, match=r"2024-11-27.*reccobeats.*AcousticBrainz.*CSV.*segue analyse"):
        features_of(client, "spotify", ids(3))
    assert [asked.path for asked in server.asked] == ["/api/token", "/audio-features"]
    server.app = SpotifyApp(planted(3), uses=0)
    with pytest.raises(NotAllowed, match="status 401"):
        features_of(client, "spotify", ids(3))
    server.app = SpotifyApp(planted(3), client="id:other")
    with pytest.raises(NotAllowed, match="does not accept SPOTIFY_CLIENT_ID") as raised:
        features_of(client, "spotify", ids(3))
    assert "secret" not in str(raised.value).replace("CLIENT_SECRET", "").lower()
    monkeypatch.delenv("SPOTIFY_CLIENT_SECRET")
    with pytest.raises(NotAllowed, match="put it into SPOTIFY_CLIENT_SECRET"):
        features_of(client, "spotify", ids(3))


def test_rows_that_do_not_fit_the_question(at: Callable[[App], Server], client: Client) -> None:
    def app(asked: object) -> Reply:
        path = getattr(asked, "path", "")
        return js({"access_token": "t"}) if path == "/api/token" else js({"audio_features": [None]})

    at(app)
    with pytest.raises(Unavailable, match="1 rows for 2 tracks"):
        Spotify().ask(client, ids(2))


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (page(), "blocked"),
        (js({}, 429), "blocked"),
        (Reply(500), "error"),
        (js({"content": [{"tempo": "fast"}]}), "error"),
        (js([]), "error"),
    ],
)
def test_failures_are_told_and_not_remembered(
    at: Callable[[App], Server], client: Client, reply: Reply, status: str
) -> None:
    server = at(lambda asked: reply)
    found = features_of(client, "reccobeats", ids(200))
    assert found.features == {} and set(found.status.values()) == {status}
    assert len(found.status) == 120, "after three failures in a row nobody is asked any more"
    assert sum(found.remarks.values()) == 3
    server.app = reccobeats(planted(200))
    assert features_of(client, "reccobeats", ids(200)).features == planted(200)


def test_an_interrupted_look_up_goes_on(at: Callable[[App], Server], client: Client) -> None:
    server = at(reccobeats(planted(100)))

    def stop(done: int, total: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features_of(client, "reccobeats", ids(100), progress=stop)
    assert len(server.asked) == 1
    assert features_of(client, "reccobeats", ids(100)).features == planted(100)
    assert [len(asked.params["ids"].split(",")) for asked in server.asked] == [40, 40, 20]


def test_names(client: Client) -> None:
    with pytest.raises(InputError, match=r"no service echonest .* choose from reccobeats, spotify"):
        features_of(client, "echonest", [])
    assert spotify_id(None) is None and spotify_id("spotify:track:short") is None
    assert spotify_id("spotify:local:x:y") is None


row = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from(ids(2)) | anything, "href": anything, "tempo": anything, "key": anything}
)


@given(st.fixed_dictionaries({}, optional={"content": st.lists(row | anything, max_size=3) | anything}) | anything)
def test_arbitrary_answers_raise_nothing(body: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(body).encode()))

    with Client(transport=httpx.MockTransport(answer), sleep=lambda _: None) as client:
        found = features_of(client, "reccobeats", ids(2))
    assert set(found.status) == set(ids(2))
    for each, values in found.features.items():
        assert found.status[each] == "found" and values
        assert all(isinstance(value, float) for value in values.values())
        assert isinstance(body, Mapping) and "content" in body
