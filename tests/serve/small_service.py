"""A small app behind the real guard in a real server: what the guard does, without models."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from segue.errors import InputError, MissingDependency, OutputError, QueryError, StoredDataError
from segue.serve import problem_handlers
from segue.serve.gate import Gate
from segue.serve.guard import guarded
from segue.serve.guard_connection import Connection
from segue.serve.keys import Caller, Keys, caller
from segue.serve.measures import Measures
from segue.serve.problems import Problem
from segue.serve.settings import ServeSettings

SECRET = "sekrit-title"
ERRORS: dict[str, Exception] = {
    "query": QueryError("no such track"),
    "input": InputError("no"),
    "stored": StoredDataError(f"/home/{SECRET}/model is damaged"),
    "output": OutputError(f"cannot write /home/{SECRET}"),
    "extra": MissingDependency("this", extra="serve"),
    "problem": Problem(409, "changed meanwhile", headers={"X-Made": "yes"}),
    "unexpected": ValueError(f"cannot convert {SECRET!r}"),
}


def small_app(settings: ServeSettings) -> tuple[FastAPI, Measures, Gate]:
    """Echo, errors, sizes, works of any length."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    measures = Measures()
    limits = settings.limits
    gate = Gate(limits.threads, limits.waiting, limits.seconds, changed=measures.load)
    app.state.serving = SimpleNamespace(settings=settings, keys=Keys.open(settings.data))
    app.state.worked, app.state.hold, app.state.gate = 0, threading.Event(), gate
    problem_handlers.install(app)

    @app.get("/")
    def page() -> Response:
        return Response("<p>page</p>", media_type="text/html")

    @app.post("/v1/echo/{name}")
    async def echo(name: str, body: dict[str, Any], who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
        return {"name": name, "body": body, "key_id": who.key_id}

    @app.post("/v1/nothing")
    async def nothing() -> dict[str, str]:
        return {}

    @app.get("/v1/error/{kind}")
    async def error(kind: str) -> None:
        raise ERRORS[kind]

    @app.get("/v1/half")
    async def half() -> Response:
        class Half(Response):
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
                await send({"type": "http.response.body", "body": b"half", "more_body": True})
                raise ValueError(SECRET)

        return Half()

    @app.get("/v1/text/{size}")
    async def text(size: int, kind: str = "text/plain") -> Response:
        return Response(b"a" * size, media_type=kind, headers={"ETag": '"one"'})

    @app.get("/v1/work")
    async def work(hold: bool = False) -> dict[str, str]:
        def working() -> dict[str, str]:
            app.state.worked += 1
            if hold:
                app.state.hold.wait(20)
            return {}

        return await gate.run(working)

    @app.get("/v1/shared/{token}")
    async def shared(token: str, request: Request) -> dict[str, str]:
        return {"id": request.state.request_id}

    @app.get("/metrics")
    async def metrics() -> Response:
        content, kind = measures.text()
        return Response(content, media_type=kind)

    return app, measures, gate


@dataclass
class Running:
    """A server that runs; ``port`` for raw sockets."""

    url: str
    port: int
    settings: ServeSettings
    app: FastAPI
    client: httpx.Client = field(init=False)

    def raw(self, data: bytes = b"", seconds: float = 5.0) -> socket.socket:
        """A connection over which something has been said."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        connection.sendall(data)
        return connection


@contextlib.contextmanager
def running(data: Path, *, connection: Any = Connection, **more: Any) -> Iterator[Running]:
    """Serve the small app with these settings; ``limits`` as keywords of :class:`Limits`."""
    settings = ServeSettings(model=data, data=data)
    settings = replace(settings, limits=replace(settings.limits, **more.pop("limits", {})), **more)
    app, measures, gate = small_app(settings)
    config = uvicorn.Config(
        guarded(app, settings, measures), port=0, http=connection, log_config=None, access_log=False, ws="none",
        lifespan="off", timeout_graceful_shutdown=2, server_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    found = Running(f"http://127.0.0.1:{port}", port, settings, app)
    with httpx.Client(base_url=found.url, trust_env=False, timeout=10) as client:
        found.client = client
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join(10)
            gate.close()


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that comes true soon."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


def problem_of(answer: httpx.Response, status: int) -> str:
    """The sentence of an error, which is one as all of them are."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"] != "Error"
    return str(body["detail"])


def whole(connection: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
