"""A server on this machine that answers as told, misbehaving included."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

CAPTCHA = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Verify you are human</body></html>"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    raw: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer; ``hang`` seconds pass before it, ``drip`` between its bytes; ``cut`` breaks it off too early.

    A ``chunked`` one does not say how long it is; cut, it lacks the end.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    drip: float = 0.0
    cut: bool = False
    chunked: bool = False


App = Callable[[Asked], Reply]


def js(value: object, status: int = 200, **headers: str) -> Reply:
    fields = {
        "Content-Type": "application/json; charset=utf-8",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return Reply(status, json.dumps(value).encode(), fields)


def page(body: bytes = CAPTCHA, status: int = 200) -> Reply:
    return Reply(status, body, {"Content-Type": "text/html; charset=UTF-8"})


def zipped(reply: Reply) -> Reply:
    return Reply(reply.status, gzip.compress(reply.body), {**reply.headers, "Content-Encoding": "gzip"})


def in_turn(replies: Sequence[Reply]) -> App:
    """The first answer to the first request, and so on; the last one for ever."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


class Server:
    """Where it is (``url``), what it was asked (``asked``), and what it answers (``app``, which may be replaced)."""

    def __init__(self, app: App) -> None:
        self.app, self.asked = app, list[Asked]()
        server = self
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two packets, and the second one shall not wait

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                form = parse_qsl(body.decode()) if "json" not in self.headers.get("Content-Type", "") else []
                params = dict([*parse_qsl(parts.query), *form])
                fields = {k.lower(): v for k, v in self.headers.items()}
                asked = Asked(self.command, unquote(parts.path), params, fields, self.path, body)
                server.asked.append(asked)
                self._send(server.app(asked))

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def _send(self, reply: Reply) -> None:
                if reply.hang and server.over.wait(reply.hang):
                    return
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    if reply.chunked:
                        self.send_header("Transfer-Encoding", "chunked")
                    else:
                        self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
                    self.end_headers()
                    if reply.chunked:
                        end = b"" if reply.cut else b"0\r\n\r\n"
                        self.wfile.write(b"%x\r\n%s\r\n%s" % (len(reply.body), reply.body, end))
                    elif not reply.drip:
                        self.wfile.write(reply.body)
                    for byte in reply.body if reply.drip and not reply.chunked else b"":
                        self.wfile.write(bytes([byte]))
                        if server.over.wait(reply.drip):
                            break
                except OSError:  # the client has had enough
                    pass
                self.close_connection = self.close_connection or reply.cut

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


@contextmanager
def serving(app: App) -> Iterator[Server]:
    server = Server(app)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


@dataclass
class Clock:
    """Time that passes only while somebody sleeps, but for ``real``."""

    time: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    real: bool = False

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return time.monotonic() if self.real else self.time
