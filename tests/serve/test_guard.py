"""The guard in a real server: what gets through, what does not, and what every answer has."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.serve import log
from segue.serve.guard_answer import PROTECTION
from segue.serve.guard_body import check_depth
from segue.serve.guard_rate import Rates, address_name
from segue.serve.key_file import add_key
from segue.serve.problems import Problem
from serve.small_service import SECRET, Running, running, until, whole

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"body_bytes": 20_000, "depth": 5, "receive_seconds": 0.4}
    with running(tmp_path_factory.mktemp("data"), limits=limits) as found:
        yield found


def _problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"] != "Error"
    return str(body["detail"])


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
    assert _problem(get("/v1/error/query"), 422) == "no such track"
    _problem(get("/v1/error/extra"), 501)
    answer = get("/v1/error/problem")
    assert _problem(answer, 409) == "changed meanwhile"
    assert answer.headers["x-made"] == "yes"
    _problem(get("/nowhere"), 404)
    answer = small.client.put("/v1/nothing")
    _problem(answer, 405)
    assert answer.headers["allow"] == "POST"
    for kind, status in (("stored", 503), ("output", 503), ("unexpected", 500)):
        answer = get(f"/v1/error/{kind}")
        _problem(answer, status)
        assert SECRET not in answer.text
        assert "/home" not in answer.text
    answer = small.client.post("/v1/echo/a", content=b"{", headers=JSON)
    _problem(answer, 400)
    answer = small.client.post("/v1/echo/a", json=[SECRET])
    _problem(answer, 422)
    assert SECRET not in answer.text  # what was sent is not sent back


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(small: Running, caplog: Any) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        small.client.get("/v1/half")
    assert SECRET not in caplog.text


def test_bodies_are_json_or_refused(small: Running) -> None:
    post = small.client.post
    assert post("/v1/echo/a", json={"a": 1}).json() == {"name": "a", "body": {"a": 1}, "key_id": ""}
    assert post("/v1/echo/a", content=b"{}", headers={"Content-Type": "application/x+json; charset=utf-8"}).is_success
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "", "json"):
        _problem(post("/v1/echo/a", content=b"{}", headers={"Content-Type": kind}), 415)
    _problem(post("/v1/echo/a", content=gzip.compress(b"{}"), headers={**JSON, "Content-Encoding": "gzip"}), 415)
    _problem(post("/v1/echo/a", content='{"a": 1}'.encode("utf-16"), headers=JSON), 400)
    assert post("/v1/nothing").is_success  # no body, no kind
    assert post("/v1/nothing", content=b"").is_success


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_have_a_size(small: Running, chunked: bool) -> None:
    def post(size: int) -> httpx.Response:
        body = b'{"a": "' + b"x" * (size - 9) + b'"}'
        parts = [body[i : i + 10_000] for i in range(0, size, 10_000)]
        return small.client.post("/v1/echo/a", content=iter(parts) if chunked else body, headers=JSON)

    assert post(20_000).is_success
    for size in (20_001, 3 << 20):  # of the latter most is still on its way when it is refused
        answer = post(size)
        assert "20,000 bytes" in _problem(answer, 413)
        assert answer.headers["connection"] == "close"


def test_a_body_announced_too_large_is_refused_before_it_is_sent(small: Running) -> None:
    head = b"POST /v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with small.raw(head + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n") as connection:
        answer = whole(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    for length in (b"-1", b"1e3", b"0x10", b"5, 6"):
        with small.raw(head + b"Content-Length: " + length + b"\r\n\r\n{}") as connection:
            assert whole(connection).startswith(b"HTTP/1.1 400 ")
    both = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    second = b"GET /v1/text/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with small.raw(head + both + second) as connection:  # the old way to smuggle a second request in
        answer = whole(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b" 200 " not in answer


def test_bodies_have_a_depth(small: Running) -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: Any = 1
        for level in range(depth):
            value = [value] if level % 2 and level < depth - 1 else {"a": value}
        return {"b": value} if depth == 0 else value

    assert small.client.post("/v1/echo/a", json=nested(5)).is_success
    _problem(small.client.post("/v1/echo/a", json=nested(6)), 400)
    for hostile in (b"[" * 19_000, b'{"a":' * 3_000, b'["' * 9_000, b"[{}" * 6_000, b'"\\"' * 6_000 + b"[" * 900):
        answer = small.client.post("/v1/echo/a", content=hostile, headers=JSON)
        assert answer.status_code in (400, 422)


_json = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_json, st.integers(1, 6), st.booleans())
def test_depth_is_counted_exactly_whatever_strings_hold(value: Any, most: int, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if _depth(value) <= most:
        check_depth(body, most)
    else:
        with pytest.raises(Problem):
            check_depth(body, most)


def test_depth_is_looked_at_in_linear_time() -> None:
    quotes = b'"' + b'\\"' * 400_000  # a string that never ends, full of what could be a beginning
    started = time.process_time()
    for body in (quotes + b"[" * 100, b"[]" * 500_000, b"[[]]" * 250_000, b'["a",' * 200_000):
        try:
            check_depth(body, 32)
        except Problem as problem:
            assert problem.status == 400
    assert time.process_time() - started < 2


def test_a_request_that_trickles_in_is_let_go(small: Running) -> None:
    head = b"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    for said in (head, head + b'{"a": "', b"GET / HTTP/1.1\r\nHost: loc", b"G"):
        with small.raw(said) as connection:
            started = time.monotonic()
            stop = threading.Event()
            trickling = threading.Thread(target=_trickle, args=(connection, stop))
            trickling.start()
            answer = whole(connection)
            stop.set()
            trickling.join()
            assert time.monotonic() - started > 0.3
        assert answer.startswith(b"HTTP/1.1 408 "), said
    assert small.client.get("/").is_success


def _trickle(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def test_headers_that_trickle_in_on_a_used_connection_are_let_go_too(small: Running) -> None:
    with small.raw(b"GET /v1/text/3 HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        time.sleep(0.1)
        assert connection.recv(65536).endswith(b"aaa")
        connection.sendall(b"GET /v1/te")
        assert whole(connection).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read_is_let_go(small: Running) -> None:
    with small.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/text/30000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.4 * 6 + 0.6)
        with pytest.raises(ConnectionResetError):
            whole(connection)


def test_headers_have_a_size(small: Running) -> None:
    with small.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000) as connection:
        assert whole(connection).startswith(b"HTTP/1.1 400 ")


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
    _problem(small.client.get("/v1/text/1", headers={"Host": host}), 421)


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
    _problem(small.client.post("/v1/nothing", headers=headers), 403)
    _problem(small.client.delete("/v1/nothing", headers=headers), 403)
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
            _problem(served.client.post("/v1/nothing", headers={"Origin": other}), 403)


def test_without_origins_nothing_is_said_about_them(small: Running) -> None:
    answer = small.client.options(
        "/v1/nothing", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    )
    _problem(answer, 405)
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


def test_a_rate_is_kept_and_says_when(tmp_path: Path) -> None:
    with running(tmp_path, limits={"per_minute": 5}) as served:
        assert [served.client.get("/v1/text/1").status_code for _ in range(6)] == [200] * 5 + [429]
        answer = served.client.get("/v1/text/1")
        _problem(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 13
        assert served.client.get("/").is_success  # the page, and signs of life, always


def test_the_rate_is_each_keys_own(tmp_path: Path) -> None:
    secrets = [add_key(tmp_path / "keys.json", name)[1] for name in ("one", "two")]
    with running(tmp_path, keys=True, limits={"per_minute": 3}) as served:

        def status(secret: str) -> int:
            return served.client.get("/v1/text/1", headers={"Authorization": f"Bearer {secret}"}).status_code

        assert [status(secrets[0]) for _ in range(4)] == [200, 200, 200, 429]
        assert status(secrets[1]) == 200
        # who guesses keys is counted by address
        assert [status("wrong") for _ in range(4)] == [401, 401, 401, 429]
        assert status(secrets[1]) == 200


class _Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_buckets_do_what_a_bucket_does(per_minute: int, pauses: list[float]) -> None:
    """Against the sentence: never more than what was there at the start and has been refilled since."""
    clock = _Clock()
    rates = Rates(per_minute, clock=clock)
    tokens, taken = float(per_minute), 0
    for pause in pauses:
        clock.now += pause
        tokens = min(tokens + pause * per_minute / 60, per_minute)
        wait = rates.take("a")
        if abs(tokens - 1) > 1e-6:
            assert (wait == 0) == (tokens > 1)
        if wait:
            assert wait == pytest.approx((1 - tokens) * 60 / per_minute, abs=1e-6)
        else:
            tokens, taken = max(tokens - 1, 0.0), taken + 1
    assert taken <= per_minute + sum(pauses) * per_minute / 60 + 1
    rates.close()


def test_processes_share_buckets(tmp_path: Path) -> None:
    clock = _Clock()
    first, second = (Rates(4, tmp_path / "rates.bin", clock=clock) for _ in range(2))
    waits = [rates.take("a") for rates in (first, second, first, second, first, second)]
    assert [wait == 0 for wait in waits] == [True] * 4 + [False] * 2
    assert second.take("b") == 0
    clock.now = 5.0  # the machine was started again
    assert first.take("a") == 0
    (tmp_path / "rates.bin").write_bytes(b"\xff" * (tmp_path / "rates.bin").stat().st_size)
    assert first.take("a") == 0  # rubbish in the table is no bucket
    assert (tmp_path / "rates.bin").stat().st_mode & 0o777 == 0o600
    first.close()
    second.close()


def test_many_addresses_do_not_push_out_one_that_is_at_its_limit_soon_nor_fill_the_memory() -> None:
    clock = _Clock()
    rates = Rates(10, clock=clock)
    for i in range(20_000):
        clock.now += 0.0001
        assert rates.take(f"address {i}") == 0
        if i % 100 == 0:
            rates.take("busy")
    assert rates.take("busy") > 0
    rates.close()


def test_addresses_of_one_network_are_one() -> None:
    assert address_name("2001:db8:0:1::5") == address_name("2001:db8:0:1:ffff::6") != address_name("2001:db8:0:2::5")
    assert address_name("::ffff:192.0.2.7") == address_name("192.0.2.7")
    assert address_name("fe80::1%eth0") == address_name("fe80::2")
    assert address_name("no:address") == "no:address"


def test_a_waiting_client_that_goes_frees_its_place(tmp_path: Path) -> None:
    with running(tmp_path, limits={"threads": 1, "waiting": 1}) as served:
        state = served.app.state
        slow = threading.Thread(target=lambda: served.client.get("/v1/work?hold=true"))
        slow.start()
        until(lambda: state.worked == 1)
        with served.raw(b"GET /v1/work HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            until(lambda: state.gate.waiting == 1)
            answer = httpx.get(f"{served.url}/v1/work", trust_env=False)
            _problem(answer, 503)
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
