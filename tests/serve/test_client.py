"""The client against a real service, and against what is none."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from segue.errors import InputError
from segue.serve.client import SegueClient, ServiceProblem
from segue.serve.schemas import RecommendOut


@pytest.fixture
def client(served: Any) -> Any:
    with SegueClient(served.url, key="") as made:
        yield made


def test_every_path_answers_in_its_type(client: SegueClient) -> None:
    listed = client.recommend('rainy "sunday" 🌧', n=6, artist_cap=1)
    assert len(listed.tracks) == 6 and listed.tracks[0].because
    ids = [track.track_id for track in listed.tracks]
    again = client.go_on(track_ids=ids, n=4)
    assert len(again.tracks) == 4 and not {t.track_id for t in again.tracks} & set(ids)
    near = client.similar(track_ids=ids[:1], n=3)
    assert [t.rank for t in near.tracks] == [1, 2, 3]
    assert client.search("rainy day", n=2).playlists[0].tracks
    assert len(client.for_listener(track_ids=ids[:2], n=5).tracks) == 5
    name = listed.tracks[0].name
    assert name in [track.name for track in client.tracks(name[:12], n=10)]
    about = client.model()
    assert about.fingerprint and about.abilities.search


def test_a_file_comes_as_bytes(client: SegueClient) -> None:
    ids = [track.track_id for track in client.recommend("party", n=3).tracks]
    assert client.export(ids, title="Party", format="m3u8").startswith(b"#EXTM3U")


def test_what_a_person_said_acts_and_is_forgotten(client: SegueClient) -> None:
    person = "client-test-person"
    first = client.recommend("workout", n=10, person=person).tracks[0].track_id
    client.feedback(person, "", [{"action": "never", "track_id": first, "position": 1}])
    assert first not in [t.track_id for t in client.recommend("workout", n=10, person=person).tracks]
    client.forget(person)
    assert first in [t.track_id for t in client.recommend("workout", n=10, person=person).tracks]


def test_mistakes_are_found_before_anything_is_sent() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("something was sent")

    client = SegueClient(key="", transport=httpx.MockTransport(never))
    with pytest.raises(InputError, match="minuets"):
        client.recommend("x", minuets=60)
    with pytest.raises(InputError, match="n: "):
        client.recommend("x", n=0)
    for address in ("ftp://x", "not an address", "http://a:b@127.0.0.1"):
        with pytest.raises(InputError, match="no address"):
            SegueClient(address, key="")
    with pytest.raises(InputError, match="in the clear"):
        SegueClient("http://music.example.org", key="secret")


def test_the_key_is_sent_and_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(401, json={"detail": "a key is needed"}, headers={"x-request-id": "r1"})

    monkeypatch.setenv("SEGUE_KEY", "secret-key")
    with pytest.raises(ServiceProblem) as raised:
        SegueClient(transport=httpx.MockTransport(refuse)).model()
    assert seen == ["Bearer secret-key"] and "secret-key" not in repr(raised.value) + str(raised.value)
    assert (raised.value.status, raised.value.request_id) == (401, "r1")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, text="<h1>Bad gateway</h1>", headers={"retry-after": "7"}),
        httpx.Response(503, content=b"\xff", headers={"retry-after": "Wed, 21 Oct 2026"}),
        httpx.Response(302, headers={"location": "http://elsewhere.example"}),
        httpx.Response(200, text="<h1>Welcome</h1>"),
        httpx.Response(200, json={"tracks": []}),
        httpx.Response(422, json=[1]),
        httpx.Response(422, text="[" * 100_000),
    ],
    ids=lambda r: f"{r.status_code}",
)
def test_what_is_no_answer_is_a_problem(answer: httpx.Response) -> None:
    client = SegueClient(key="", transport=httpx.MockTransport(lambda request: answer))
    with pytest.raises(ServiceProblem) as raised:
        client.recommend("x")
    assert "<h1>" not in str(raised.value)
    assert raised.value.retry_after == (7.0 if answer.headers.get("retry-after") == "7" else None)


def test_nobody_there_is_a_problem() -> None:
    with pytest.raises(ServiceProblem, match="is 'segue serve' running") as raised:
        SegueClient("http://127.0.0.1:9", key="").model()
    assert raised.value.status == 0


def test_the_body_sent_is_what_was_asked_and_no_default() -> None:
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        empty = RecommendOut(query={}, model={"fingerprint": "f"}, ignored=[], tracks=[])  # type: ignore[arg-type]
        return httpx.Response(200, text=empty.model_dump_json())

    client = SegueClient(key="", transport=httpx.MockTransport(answer))
    client.recommend("x", n=3, order="smooth")
    assert bodies == [{"title": "x", "n": 3, "order": "smooth"}]
