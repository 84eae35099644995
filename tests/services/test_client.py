from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from segue.errors import InputError, SegueError
from segue.services.addresses import check_base, redirected
from segue.services.base import Answer, Blocked, NotAllowed, Request, Service, Temporary, Unavailable, key_from
from segue.services.client import Client, user_agent
from segue.services.waits import RateLimit, retry_after
from services.server import CAPTCHA, App, Asked, Clock, Reply, Server, in_turn, js, page, zipped

Start = Callable[[App], Server]
SERVICE = Service("echo", "https://echo.example/v1", "SEGUE_ECHO_URL", timeout=5.0, most_bytes=100_000, interval=2.0)
SECRET = "s3cret-0123456789abcdef"


def at(server: Server, **changes: object) -> Service:
    return replace(SERVICE, url=server.url, **changes)  # type: ignore[arg-type]


def numbers(answer: Answer) -> list[int]:
    return answer.read(list[int])


def ask(client: Client, service: Service, path: str = "/numbers", **params: str) -> list[int]:
    return client.ask(Request(service, path, params), numbers, list[int], lambda read: 100.0)


def test_an_answer_is_remembered_until_it_is_stale(start: Start, client: Client, clock: Clock) -> None:
    server = start(lambda asked: js([len(asked.params), int(asked.params["a"])]))
    for _ in range(3):
        assert ask(client, at(server), a="7", b="x") == [2, 7]
    assert len(server.asked) == client.n_sent == 1
    assert ask(client, at(server), a="8") == [1, 8]
    assert len(server.asked) == 2
    clock.time += 101
    assert ask(client, at(server), a="8") == [1, 8]
    assert len(server.asked) == 3


def test_it_introduces_itself(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start(lambda asked: js([]))
    monkeypatch.delenv("SEGUE_CONTACT", raising=False)
    assert user_agent().startswith("segue/") and "+" not in user_agent()
    monkeypatch.setenv("SEGUE_CONTACT", "me@example.org\r\nX-Evil: 1")
    ask(client, at(server))
    agent = server.asked[0].headers["user-agent"]
    assert agent.startswith("segue/") and agent.endswith("(+me@example.orgX-Evil: 1)")
    assert "x-evil" not in server.asked[0].headers and "cookie" not in server.asked[0].headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_faults_are_outwaited(start: Start, client: Client, clock: Clock, status: int) -> None:
    server = start(in_turn([Reply(status), Reply(status, b"<html>oops"), js([1])]))
    assert ask(client, at(server)) == [1]
    assert clock.slept == [1.0, 2.0]


def test_a_fault_that_stays_is_unavailable_and_not_remembered(start: Start, client: Client, clock: Clock) -> None:
    server = start(lambda asked: Reply(500))
    with pytest.raises(Unavailable, match=r"^echo has a fault \(status 500\)"):
        ask(client, at(server))
    assert len(server.asked) == SERVICE.attempts and clock.slept == [1.0, 2.0, 4.0]
    server.app = lambda asked: js([5])
    assert ask(client, at(server)) == [5]


def test_retry_after_in_seconds_and_as_a_date(start: Start, client: Client, clock: Clock) -> None:
    date = formatdate(clock.time + 7 + 40, usegmt=True)
    server = start(in_turn([js({}, 429, Retry_After="7"), js({}, 429, Retry_After=date), js([2])]))
    assert ask(client, at(server)) == [2]
    assert clock.slept == [7.0, pytest.approx(40.0, abs=1.0)]


def test_a_long_ban_is_not_outwaited(start: Start, client: Client, clock: Clock) -> None:
    server = start(lambda asked: js({}, 429, Retry_After="86400"))
    with pytest.raises(Blocked, match="will not answer for 1,440 minutes"):
        ask(client, at(server))
    assert len(server.asked) == 1 and not clock.slept


def test_a_service_that_failed_is_asked_once_until_it_answers(start: Start, client: Client) -> None:
    server = start(lambda asked: Reply(500))
    asked = []
    for a in "123":
        with pytest.raises(Unavailable):
            ask(client, at(server), a=a)
        asked.append(len(server.asked))
    assert asked == [4, 5, 6]
    server.app = lambda asked: js([1])
    assert ask(client, at(server), a="4") == [1]
    server.app = in_turn([Reply(500), js([2])])
    assert ask(client, at(server), a="5") == [2]


def test_429_to_the_last_is_blocked(start: Start, client: Client) -> None:
    server = start(lambda asked: js({}, 429))
    with pytest.raises(Blocked, match="429"):
        ask(client, at(server))
    assert len(server.asked) == SERVICE.attempts


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (js({}, 403), Blocked),
        (js({}, 401), Blocked),
        (js({}, 451), Blocked),
        (page(), Blocked),
        (Reply(200, CAPTCHA), Blocked),  # without a content type
        (page(status=403), Blocked),
        (page(status=503), Blocked),
        (js([], cf_mitigated="challenge"), Blocked),
        (page(b"<html><body>Welcome to our hotel's network"), Blocked),
        (js({}, 404), Unavailable),
        (js({}, 418), Unavailable),
        (page(b"<html>Not found", 404), Unavailable),
        (Reply(200, b"[1, 2"), Unavailable),
        (Reply(200, b"[1, 2, null]"), Unavailable),
        (Reply(200, b""), Unavailable),
        (Reply(200, b"\xff\xfe\x00"), Unavailable),
        (Reply(200, b'{"a": 1}'), Unavailable),
        (Reply(200, b"[" * 50_000), Unavailable),
        (Reply(200, b"[1" + b"0" * 5_000 + b"]"), Unavailable),
        (Reply(200, b"[]", {"Content-Encoding": "br"}), Unavailable),
        (Reply(200, b"[]", {"Content-Encoding": "gzip"}), Unavailable),
        (Reply(302, b"", {}), Unavailable),
        (Reply(200, b'{"captcha": 1}', {"Content-Type": "text/html"}), Unavailable),
    ],
)
def test_answers_that_are_none(
    start: Start, client: Client, clock: Clock, reply: Reply, error: type[Exception]
) -> None:
    server = start(lambda asked: reply)
    with pytest.raises(error) as raised:
        ask(client, at(server))
    assert type(raised.value) is error
    assert str(raised.value).startswith("echo ") and "\n" not in str(raised.value)
    assert len(server.asked) == 1 and not clock.slept, "what will not change is not asked for again"


def test_gzip(start: Start, client: Client) -> None:
    server = start(lambda asked: zipped(js([1, 2])))
    assert ask(client, at(server)) == [1, 2]
    assert server.asked[0].headers["accept-encoding"] == "gzip"


def test_oversized_answers_are_not_read_to_their_end(start: Start, client: Client) -> None:
    bomb = gzip.compress(b"[" + b"1," * 20_000_000 + b"1]")
    assert len(bomb) < 100_000
    server = start(in_turn([js(list(range(50_000))), Reply(200, bomb, {"Content-Encoding": "gzip"})]))
    for _ in range(2):
        with pytest.raises(Unavailable, match="more than 100,000 bytes"):
            ask(client, at(server))


def test_an_answer_of_the_most_bytes_is_read(start: Start, client: Client) -> None:
    body = b"[1" + b" " * (SERVICE.most_bytes - 3) + b"]"
    server = start(in_turn([Reply(200, body), Reply(200, body + b" ")]))
    assert ask(client, at(server)) == [1]
    with pytest.raises(Unavailable, match="more than"):
        ask(client, at(server), a="1")


def test_hanging_cut_and_dripping_answers(start: Start, client: Client, clock: Clock) -> None:
    service = {"timeout": 0.1, "attempts": 2}
    server = start(in_turn([Reply(200, b"[1]", hang=30.0), js([1])]))
    assert ask(client, at(server, **service)) == [1]
    server.app = lambda asked: Reply(200, b"[1", hang=30.0)
    with pytest.raises(Unavailable, match="does not answer in time"):
        ask(client, at(server, **service), a="1")
    server.app = lambda asked: Reply(200, b"[1, 2, 3]", cut=True)
    with pytest.raises(Unavailable, match="cannot be reached"):
        ask(client, at(server, **service), a="2")
    assert clock.slept == [1.0, 1.0]
    server.app = lambda asked: Reply(200, b"[" + b" " * 1_000 + b"]", drip=0.02)
    started = time.monotonic()
    with Client(sleep=clock.sleep) as real, pytest.raises(Unavailable, match="in time"):
        ask(real, at(server, timeout=5.0, most_seconds=0.2, attempts=1))
    assert time.monotonic() - started < 3.0


def test_nobody_there(client: Client, clock: Clock) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached .*is there a network"):
        ask(client, replace(SERVICE, url="http://127.0.0.1:9"))
    assert clock.slept == [1.0, 2.0, 4.0]


def test_requests_to_one_host_are_kept_apart(clock: Clock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        clock.time += 0.5  # it takes its time
        return httpx.Response(200, stream=httpx.ByteStream(b"[1]"))

    with Client(transport=httpx.MockTransport(answer), sleep=clock.sleep, monotonic=clock.now) as client:
        for a in "123":
            ask(client, SERVICE, a=a)
        assert clock.slept == [1.5, 1.5]
        ask(client, replace(SERVICE, url="https://another.example"), a="1")
        assert clock.slept == [1.5, 1.5]
    limit = RateLimit(clock.now, clock.sleep)
    limit.wait("a", 1.0)
    clock.time += 10
    clock.slept.clear()
    limit.wait("a", 1.0)
    assert not clock.slept, "time that nobody used is not saved up"
    limit.wait("a", 1.0)
    assert clock.slept == [1.0]


def test_readers_may_ask_for_another_attempt(start: Start, client: Client, clock: Clock) -> None:
    def read(answer: Answer) -> list[int]:
        found = answer.read(list[int])
        if found == [0]:
            raise Temporary(Blocked("echo", "is tired"), after=9.0)
        return found

    server = start(in_turn([js([0]), js([3])]))
    assert client.ask(Request(at(server), "/"), read, list[int], lambda found: 10.0) == [3]
    assert clock.slept == [9.0]
    server.app = lambda asked: js([0])
    with pytest.raises(Blocked, match="echo is tired"):
        client.ask(Request(at(server), "/other"), read, list[int], lambda found: 10.0)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/x",
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "https://10.0.0.1/x",
        "https://evil.example/x",
        "https://echo.example.evil.example/x",
        "http://echo.example/x",
        "https://echo.example:8443/x",
        "https://user:pass@echo.example/x",
        "//evil.example/x",
        "file:///etc/passwd",
        "ftp://echo.example/x",
        "gopher://echo.example/",
        "https://[/x",
        "https://echo.example:99999999/",
    ],
)
def test_redirects_elsewhere_are_refused(start: Start, client: Client, location: str) -> None:
    with pytest.raises(Unavailable, match="sends us on to"):
        redirected(SERVICE, "https://echo.example/v1/numbers", location)
    server = start(lambda asked: Reply(302, b"", {"Location": location}))
    with pytest.raises(Unavailable, match="sends us on to"):
        ask(client, at(server))
    assert len(server.asked) == 1


def test_redirects_within_are_followed_without_secrets_or_end(start: Start, client: Client) -> None:
    def app(asked: Asked) -> Reply:
        there = "/new" if asked.path == "/old" else asked.path
        return js([4]) if asked.path == "/new" else Reply(301, b"", {"Location": there})

    server = start(app)
    request = Request(at(server), "/old", {"a": "1"}, {"key": SECRET}, {"Authorization": f"Bearer {SECRET}"})
    assert client.send(request, numbers) == [4]
    assert server.asked[0].params == {"a": "1", "key": SECRET} and SECRET in server.asked[0].headers["authorization"]
    assert server.asked[1].params == {} and "authorization" not in server.asked[1].headers
    with pytest.raises(Unavailable, match="on and on"):
        ask(client, at(server), "/circle")
    assert redirected(SERVICE, "https://echo.example/v1/a", "/v2/a") == "https://echo.example/v2/a"
    other = replace(SERVICE, hosts=frozenset({"cdn.example"}))
    assert redirected(other, "https://echo.example/v1/a", "https://cdn.example/a") == "https://cdn.example/a"


def test_secrets_are_nowhere(start: Start, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(lambda asked: js([1]))

    def request(path: str, key: str = SECRET) -> Request:
        return Request(at(server), path, {"user": "ann"}, {"api_key": key}, {"Authorization": f"Basic {key}"})

    assert client.ask(request("/ok"), numbers, list[int], lambda read: 10.0) == [1]
    assert client.ask(request("/ok", "another key"), numbers, list[int], lambda read: 10.0) == [1], (
        "not a part of the question"
    )
    assert len(server.asked) == 1 and server.asked[0].params["api_key"] == SECRET
    said = repr(request("/ok"))
    for reply in (js({}, 403), js({"x": SECRET}), js({}, 404), page(), Reply(302, b"", {"Location": "http://x/"})):
        server.app = in_turn([reply])
        with pytest.raises(SegueError) as raised:
            client.ask(request("/bad"), numbers, list[int], lambda read: 10.0)
        said += str(raised.value)
    assert "HTTP Request: GET" in caplog.text
    assert SECRET not in said and SECRET not in caplog.text
    assert all(SECRET.encode() not in file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert all(b"ann" not in file.read_bytes() for file in (tmp_path / "cache").iterdir())


def test_places_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in (
        "ftp://x",
        "echo.example",
        "https://u:p@x",
        "http://[",
        "https://x/?a=b",
        "https://x:port",
        "file:///x",
    ):
        monkeypatch.setenv("SEGUE_ECHO_URL", bad)
        with pytest.raises(InputError, match="SEGUE_ECHO_URL") as raised:
            check_base(SERVICE)
        assert "u:p" not in str(raised.value)
    monkeypatch.setenv("SEGUE_ECHO_URL", "http://echo.example/api/")
    assert check_base(SERVICE) == "http://echo.example/api"
    with pytest.raises(InputError, match="in the clear"):
        check_base(SERVICE, secret=True)
    for fine in ("http://127.0.0.1:8000", "http://localhost:1", "https://echo.example", "http://[::1]:8"):
        monkeypatch.setenv("SEGUE_ECHO_URL", fine)
        assert check_base(SERVICE, secret=True) == fine


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECHO_KEY", raising=False)
    with pytest.raises(NotAllowed, match="get one at there and put it into ECHO_KEY"):
        key_from("echo", "ECHO_KEY", "there")
    monkeypatch.setenv("ECHO_KEY", " two words ")
    with pytest.raises(NotAllowed, match="ECHO_KEY") as raised:
        key_from("echo", "ECHO_KEY", "there")
    assert "two" not in str(raised.value)
    monkeypatch.setenv("ECHO_KEY", f" {SECRET}\n")
    assert key_from("echo", "ECHO_KEY", "there") == SECRET


def test_retry_after_is_hostile() -> None:
    for bad in (None, "", "nan", "inf", "-inf", "soon", "9" * 400, "Thu, 99 Jan 9999 99:99:99 GMT", "0x1"):
        assert retry_after(bad, 0.0) is None
    assert retry_after("-5", 0.0) == 0.0 and retry_after("Thu, 01 Jan 1970 00:00:09 GMT", 20.0) == 0.0
