"""The guard in a real server: what gets through, what does not, and what every answer has."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.serve import log
from segue.serve.guard_answer import PROTECTION
from serve.small_service import SECRET, Running, problem_of, running, until, whole

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"body_bytes": 20_000, "depth": 5, "receive_seconds": 0.4}
    with running(tmp_path_factory.mktemp("data"), limits=limits) as found:
        yield found


def test_every_answer_has_an_id_and_protection(small: Running) -> None:
    for path in (
        "/",
        "/v1/text/10",
        "/v1/error/query",
        "/v1/error/unexpected",
        "/nowhere",
        "/v1/nothing",
        "/v1/text/x",
    ):
        answer = small.client.get(path)
        assert answer.headers["x-request-id"], path
        for name, value in PROTECTION:
            assert answer.headers.get_list(name.decode()) == [value.decode()], path
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "*" not in policy


def test_a_request_id_is_taken_over_only_if_it_is_a_short_token(small: Running) -> None:
    def sent(given: str) -> str:
        return str(small.client.get("/v1/shared/x", headers={"X-Request-Id": given}).json()["id"])

    assert sent("abc-1.2_3") == "abc-1.2_3"
    for given_id in ("a b", "x" * 65, '"quoted"', "<script>", ""):
        made = sent(given_id)
        assert made != given_id
        assert len(made) == 16
    assert sent("") != sent("")


def test_errors_of_every_kind_are_problems(small: Running) -> None:
    get = small.client.get
    assert problem_of(get("/v1/error/query"), 422) == "no such track"
    problem_of(get("/v1/error/extra"), 501)
    answer = get("/v1/error/problem")
    assert problem_of(answer, 409) == "changed meanwhile"
    assert answer.headers["x-made"] == "yes"
    problem_of(get("/nowhere"), 404)
    answer = small.client.put("/v1/nothing")
    problem_of(answer, 405)
    assert answer.headers["allow"] == "POST"
    for kind, status in (("stored", 503), ("output", 503), ("unexpected", 500)):
        answer = get(f"/v1/error/{kind}")
        problem_of(answer, status)
        assert SECRET not in answer.text
        assert "/home" not in answer.text
    answer = small.client.post("/v1/echo/a", content=b"{", headers=JSON)
    problem_of(answer, 400)
    answer = small.client.post("/v1/echo/a", json=[SECRET])
    problem_of(answer, 422)
    assert SECRET not in answer.text  # what was sent is not sent back


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(small: Running, caplog: Any) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        small.client.get("/v1/half")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8765", "[::1]", "[::1]:8765", "localhost."]
)
def test_the_service_answers_under_its_own_names(small: Running, host: str) -> None:
    assert small.client.get("/v1/text/1", headers={"Host": host}).is_success


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "evil.example:8765",
        "[::2]",
        "[::1",
        "",
        "a@localhost",
    ],
)
def test_a_name_that_is_made_to_point_here_gets_nothing(small: Running, host: str) -> None:
    problem_of(small.client.get("/v1/text/1", headers={"Host": host}), 421)


def test_names_can_be_given(tmp_path: Path) -> None:
    with running(tmp_path, host="0.0.0.0", hosts=("music.example",)) as served:
        for host, fine in (
            ("music.example", True),
            ("Music.Example:443", True),
            ("localhost", True),
            ("other.example", False),
        ):
            assert served.client.get("/v1/text/1", headers={"Host": host}).is_success == fine


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "file://"},
    {"Origin": "http://[::1"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_elsewhere_cannot_write(small: Running, headers: dict[str, str]) -> None:
    problem_of(small.client.post("/v1/nothing", headers=headers), 403)
    problem_of(small.client.delete("/v1/nothing", headers=headers), 403)
    answer = small.client.get("/v1/text/1", headers=headers)  # may be sent, but not read there
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_our_own_page_and_programs_can_write(small: Running) -> None:
    own = f"http://127.0.0.1:{small.port}"
    for headers in (
        {},
        {"Origin": own},
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert small.client.post("/v1/nothing", headers=headers).is_success
    behind_a_proxy = {"Host": "localhost", "Origin": "https://localhost"}
    assert small.client.post("/v1/nothing", headers=behind_a_proxy).is_success


def test_origins_that_are_allowed_are_exactly_those(tmp_path: Path) -> None:
    page = "https://music.example"
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with running(tmp_path, origins=(page,)) as served:
        answer = served.client.options("/v1/nothing", headers={"Origin": page, **asks})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == page
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in answer.headers
        answer = served.client.post("/v1/nothing", headers={"Origin": page, "Sec-Fetch-Site": "cross-site"})
        assert answer.is_success
        assert answer.headers["access-control-allow-origin"] == page
        assert "Origin" in answer.headers["vary"]
        assert served.client.get("/nowhere", headers={"Origin": page}).headers["access-control-allow-origin"] == page
        for other in ("https://music.example.evil.example", "http://music.example", "null", f"{page}:8443"):
            answer = served.client.options("/v1/nothing", headers={"Origin": other, **asks})
            assert "access-control-allow-origin" not in answer.headers
            assert answer.status_code != 204
            problem_of(served.client.post("/v1/nothing", headers={"Origin": other}), 403)


def test_without_origins_nothing_is_said_about_them(small: Running) -> None:
    answer = small.client.options(
        "/v1/nothing", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    )
    problem_of(answer, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        *((wanted, True) for wanted in ("gzip", "br, gzip;q=0.5", "*", "GZIP")),
        *((other, False) for other in ("gzip;q=0", "gzip; q=0.000", "br", "", "xgzip")),
    ],
)
def test_large_answers_are_packed_for_those_who_want_it(small: Running, accepted: str, packed: bool) -> None:
    answer = small.client.get("/v1/text/5000", headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) == packed
    assert answer.text == "a" * 5000
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] == ('W/"one"' if packed else '"one"')
    assert (int(answer.headers["content-length"]) < 200) == packed


def test_small_answers_and_pictures_are_not_packed(small: Running) -> None:
    for path in ("/v1/text/1023", "/v1/text/5000?kind=image/png", "/v1/text/5000?kind=application/octet-stream"):
        assert "content-encoding" not in small.client.get(path).headers
    answer = small.client.get("/v1/text/200000")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "a" * 200_000


def test_answers_of_the_api_are_kept_by_nobody(small: Running) -> None:
    assert small.client.get("/v1/text/1").headers["cache-control"] == "no-store"
    assert "cache-control" not in small.client.get("/").headers


def test_a_waiting_client_that_goes_frees_its_place(tmp_path: Path) -> None:
    with running(tmp_path, limits={"threads": 1, "waiting": 1}) as served:
        state = served.app.state
        slow = threading.Thread(target=lambda: served.client.get("/v1/work?hold=true"))
        slow.start()
        until(lambda: state.worked == 1)
        with served.raw(b"GET /v1/work HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            until(lambda: state.gate.waiting == 1)
            answer = httpx.get(f"{served.url}/v1/work", trust_env=False)
            problem_of(answer, 503)
            assert int(answer.headers["retry-after"]) >= 1
        until(lambda: state.gate.waiting == 0)  # the place is free again, while the thread is not
        assert state.gate.busy == 1
        state.hold.set()
        slow.join()
        assert httpx.get(f"{served.url}/v1/work", trust_env=False).is_success
        assert state.worked == 2  # for the client that went nothing was done


def test_web_sockets_are_turned_away(small: Running) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with small.raw(ask) as connection:
        assert b" 101 " not in whole(connection)


@pytest.mark.parametrize("format", ["plain", "json"])
def test_the_log_has_a_line_a_request_and_no_secrets(small: Running, format: Any, capfd: Any) -> None:
    loggers = [logging.getLogger(name) for name in ("segue.serve", "uvicorn", "uvicorn.error", "uvicorn.access")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    log.configure(format)
    try:
        secret = {"Authorization": f"Bearer {SECRET}", "Cookie": SECRET, "User-Agent": SECRET, "Referer": SECRET}
        get, post = small.client.get, small.client.post
        answers = [
            post(f"/v1/echo/{SECRET}?title={SECRET}", json={SECRET: SECRET}, headers=secret),
            post(f"/v1/echo/{SECRET}", json=[SECRET]),
            get(f"/v1/shared/{SECRET}"),
            get(f"/p/{SECRET}"),
            get(f"/{SECRET}?{SECRET}"),
            get("/v1/error/unexpected", headers={"X-Request-Id": "find-me"}),
            get("/v1/error/query"),
        ]
        small.client.request(SECRET.upper(), "/")
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
    written = capfd.readouterr().err
    assert SECRET not in written
    assert SECRET.upper() not in written
    lines = written.splitlines()
    for answer in answers:
        assert any(answer.headers["x-request-id"] in line and str(answer.status_code) in line for line in lines)
    failures = [line for line in lines if "unexpected ValueError" in line]
    assert len(failures) == 1
    assert "find-me" in failures[0]
    assert "small_service.py" in failures[0]  # where it came from is said
    if format == "json":
        records = [json.loads(line) for line in lines]
        echoed = next(r for r in records if r.get("path") == "/v1/echo/{name}")
        assert echoed.keys() == {"time", "level", "message", "id", "method", "path", "status", "ms", "bytes"}
