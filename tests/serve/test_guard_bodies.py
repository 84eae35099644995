"""Bodies and connections: sizes, depths, kinds, and clients that take their time; over real sockets."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.serve.guard_body import check_depth
from segue.serve.problems import Problem
from serve.small_service import Running, problem_of, running, whole

JSON = {"Content-Type": "application/json"}
HEAD = b"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"body_bytes": 20_000, "depth": 5, "receive_seconds": 0.4}
    with running(tmp_path_factory.mktemp("data"), limits=limits) as found:
        yield found


def test_bodies_are_json_or_refused(small: Running) -> None:
    post = small.client.post
    assert post("/v1/echo/a", json={"a": 1}).json() == {"name": "a", "body": {"a": 1}, "key_id": ""}
    assert post("/v1/echo/a", content=b"{}", headers={"Content-Type": "application/x+json; charset=utf-8"}).is_success
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "", "json"):
        problem_of(post("/v1/echo/a", content=b"{}", headers={"Content-Type": kind}), 415)
    problem_of(post("/v1/echo/a", content=gzip.compress(b"{}"), headers={**JSON, "Content-Encoding": "gzip"}), 415)
    problem_of(post("/v1/echo/a", content='{"a": 1}'.encode("utf-16"), headers=JSON), 400)
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
        assert "20,000 bytes" in problem_of(answer, 413)
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
    problem_of(small.client.post("/v1/echo/a", json=nested(6)), 400)
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


@pytest.mark.parametrize("trickles", [False, True])
@pytest.mark.parametrize("said", [HEAD, HEAD + b'{"a": "', b"GET / HTTP/1.1\r\nHost: loc", b"G"])
def test_a_request_that_trickles_in_is_let_go(small: Running, said: bytes, trickles: bool) -> None:
    started = time.monotonic()
    with small.raw(said) as connection:
        stop = threading.Event()
        trickling = threading.Thread(target=_trickle, args=(connection, stop))
        if trickles:
            trickling.start()
        try:
            answer = whole(connection)
        except ConnectionResetError:  # what it still sent met a closed door
            assert trickles
        else:
            assert answer.startswith(b"HTTP/1.1 408 ")
        stop.set()
        if trickles:
            trickling.join()
    assert time.monotonic() - started > 0.3
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
