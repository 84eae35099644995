"""Requests that change something: sent once, unless it is certain that nothing was done."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from contracts.player import Start
from segue.services import client as client_module
from segue.services.addresses import redirected
from segue.services.base import Answer, Blocked, Request, Service, Unavailable
from segue.services.client import Client
from services.server import Clock, Reply, in_turn, js

SERVICE = Service("echo", "https://echo.example/v1", "SEGUE_ECHO_URL", timeout=5.0)


def numbers(answer: Answer) -> list[int]:
    return answer.read(list[int])


@pytest.mark.parametrize("reply", [Reply(500), Reply(503), Reply(200, b"[1", cut=True)])
def test_a_fault_is_not_asked_again(start: Start, client: Client, clock: Clock, reply: Reply) -> None:
    server = start(in_turn([reply, js([1])]))
    service = replace(SERVICE, url=server.url)
    with pytest.raises(Unavailable):
        client.send(Request(service, "/x", method="POST", once=True), numbers)
    assert len(server.asked) == 1 and not clock.slept
    server.app = in_turn([Reply(500), Reply(500), js([2])])
    assert client.send(Request(service, "/x"), numbers) == [2], "and what only reads is not thought lost for it"


def test_no_answer_in_time_is_not_asked_again(start: Start, client: Client) -> None:
    server = start(in_turn([Reply(200, b"[1]", hang=3.0), js([1])]))
    service = replace(SERVICE, url=server.url, timeout=0.2)
    with pytest.raises(Unavailable, match="in time"):
        client.send(Request(service, "/x", method="POST", once=True), numbers)
    assert len(server.asked) == 1


def test_429_and_a_closed_door_did_nothing_and_are_asked_again(
    start: Start, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(in_turn([js({}, 429, Retry_After="3"), js([1])]))
    service = replace(SERVICE, url=server.url)
    assert client.send(Request(service, "/x", method="POST", once=True), numbers) == [1]
    assert clock.slept == [3.0]
    tried = []

    def refuse(request: httpx.Request) -> httpx.Response:
        tried.append(request)
        if len(tried) < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, stream=httpx.ByteStream(b"[4]"))

    with Client(transport=httpx.MockTransport(refuse), sleep=clock.sleep, monotonic=clock.now) as mocked:
        assert mocked.send(Request(service, "/x", method="POST", once=True), numbers) == [4]
    assert len(tried) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_follows_no_redirect_not_even_to_its_own(start: Start, client: Client, status: int) -> None:
    server = start(lambda asked: Reply(status, b"", {"Location": "/other"}))
    with pytest.raises(Unavailable, match="sends us on instead of doing it"):
        client.send(Request(replace(SERVICE, url=server.url), "/x", method="POST", once=True), numbers)
    assert len(server.asked) == 1


def test_bodies_methods_and_repeated_parameters_arrive(start: Start, client: Client) -> None:
    server = start(lambda asked: js([1]))
    service = replace(SERVICE, url=server.url)
    client.send(
        Request(service, "/a", {"id": ("x", "y&="), "z": "1"}, method="PUT", body=b'{"k": "\xc3\xbc"}'), numbers
    )
    client.send(Request(service, "/b", {"id": ("x", "y")}, {"u": "me"}, method="POST"), numbers)
    client.send(Request(service, "/c", {"id": "x"}, method="DELETE", body=b""), numbers)
    one, two, three = server.asked
    assert (one.method, one.raw, one.body) == ("PUT", "/a?id=x&id=y%26%3D&z=1", b'{"k": "\xc3\xbc"}')
    assert one.headers["content-type"] == "application/json"
    assert (two.method, two.raw, two.body) == ("POST", "/b", b"id=x&id=y&u=me")
    assert (three.method, three.raw, three.body) == ("DELETE", "/c?id=x", b"")
    assert "content-type" not in three.headers


def test_what_is_sent_tells_requests_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [
        Request(SERVICE, "/x"), Request(SERVICE, "/x", method="POST"),
        Request(SERVICE, "/x", method="POST", body=b"{}"), Request(SERVICE, "/x", {"a": "b"}),
        Request(SERVICE, "/x", {"a": ("b", "c")}), Request(SERVICE, "/x", {"a": ("c", "b")}),
    ]  # fmt: skip
    assert len({request.key for request in requests}) == len(requests)
    assert Request(SERVICE, "/x", {"a": ("b",)}).key == requests[3].key, "one value is one value"


def test_a_server_at_home_that_wants_https_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_ECHO_URL", "http://10.0.0.5:4533")
    home = replace(SERVICE, at_home=True)
    for there in ("https://10.0.0.5/", "https://10.0.0.5:4533/rest/ping", "//10.0.0.5:4533/x"):
        if there.startswith("https"):
            with pytest.raises(Unavailable, match="sends us on to https; put that address into SEGUE_ECHO_URL"):
                redirected(home, "http://10.0.0.5:4533/rest/ping", there)
        else:
            assert redirected(home, "http://10.0.0.5:4533/rest/ping", there) == "http://10.0.0.5:4533/x"
    for there in ("https://10.0.0.6/", "http://10.0.0.5:80/", "https://me:x@10.0.0.5/", "http://127.0.0.1/"):
        with pytest.raises(Unavailable, match="which is not one of its own"):
            redirected(home, "http://10.0.0.5:4533/rest/ping", there)


def test_a_key_in_the_clear_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []

    class Seen(httpx.Client):
        def __init__(self, **options: object) -> None:
            made.append(bool(options["trust_env"]))
            super().__init__(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(client_module.httpx, "Client", Seen)
    with Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(b"[1]")))
    ) as client:
        for url, home in (("http://10.0.0.5", True), ("https://echo.example", True), ("http://10.0.0.5", False)):
            client.send(Request(replace(SERVICE, url=url, at_home=home, interval=0.0), "/x"), numbers)
    assert made == [False, True, True]


def test_a_ban_is_one_for_writers_too(start: Start, client: Client) -> None:
    server = start(lambda asked: js({}, 429, Retry_After="9999"))
    with pytest.raises(Blocked):
        client.send(Request(replace(SERVICE, url=server.url), "/x", method="POST", once=True), numbers)
    assert len(server.asked) == 1
