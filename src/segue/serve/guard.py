"""The guard around the app: it sees a request only after everything that can be refused without it was looked at."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from segue.serve import log
from segue.serve.gate import disconnected
from segue.serve.guard_answer import Answering
from segue.serve.guard_body import whole_body
from segue.serve.guard_rate import Rates, address_name
from segue.serve.guard_rules import Rules, is_open
from segue.serve.keys import Caller, Keys
from segue.serve.measures import Measures
from segue.serve.problems import Problem
from segue.serve.settings import ServeSettings

__all__ = ["Guard", "guarded"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_NOBODY = Caller("")


def guarded(app: ASGIApp, settings: ServeSettings, measures: Measures, keys: Keys | None = None) -> ASGIApp:
    """An app that only sees requests within the limits; fits ``app.add_middleware(guarded, settings=..., ...)`` too.

    Args:
        keys: None to read those in the settings' data folder. Looked at only where the settings ask for keys.
    """
    return Guard(app, settings, measures, keys or Keys(settings.data / "keys.json"))


class Guard:
    """See :func:`guarded`.

    In this order: request id, name of the service, pages elsewhere, key, rate, body. Every answer gets protective
    headers and is counted and logged under its route; an error that nobody expected becomes a 500 that says nothing.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, measures: Measures, keys: Keys) -> None:
        self.app, self.limits, self.measures, self.keys = app, settings.limits, measures, keys
        self.receive_seconds = settings.limits.receive_seconds
        self._rules, self._needs_key = Rules(settings), settings.keys
        per_minute = settings.limits.per_minute
        shared = settings.data / "rates.bin" if settings.workers > 1 else None
        self._rates = Rates(per_minute, shared) if per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            else:  # nothing here speaks over web sockets
                await send({"type": "websocket.close"})
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))
        scope.setdefault("state", {})["request_id"] = request_id
        answer = Answering(
            send,
            request_id,
            headers.get(b"accept-encoding", b""),
            self._rules.shared(headers),
            private=scope["path"].startswith("/v1/"),
        )
        self.measures.started()
        try:
            await self._answered(scope, headers, receive, answer)
        except Problem as problem:
            await answer.problem(problem)
        except Exception as error:
            log.failure(request_id, error)
            if answer.sent:
                if not answer.complete:  # what was begun cannot be taken back; the connection is broken off
                    raise ConnectionAbortedError("an answer could not be completed") from None
            else:
                await answer.problem(Problem(500, f"something went wrong here; the log says more under {request_id}"))
        finally:
            seconds = time.perf_counter() - started
            path = _template(scope, answer.status)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.measures.ended(method, path, answer.status, seconds)
            key_id = scope.get("segue.caller", _NOBODY).key_id
            log.access(request_id, method, path, answer.status, seconds, answer.n_bytes, key_id)

    async def _answered(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: Answering) -> None:
        method: str = scope["method"]
        self._rules.check(method, headers)
        allowed = self._rules.preflight(method, headers)
        if allowed is not None:
            await answer.empty(allowed)
            return
        self._identify(scope, headers)
        receive = await whole_body(receive, headers, self.limits)
        token = disconnected.set(_gone(receive))
        try:
            await self.app(scope, receive, answer.send)
        finally:
            disconnected.reset(token)

    def _identify(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Who asks, and whether they may so soon again.

        Raises:
            Problem: 401 or 429.
        """
        path: str = scope["path"]
        refused = None
        if self._needs_key and not is_open(path):
            try:
                scope["segue.caller"] = self.keys.caller(headers.get(b"authorization", b"").decode("latin-1"))
            except Problem as problem:
                refused = problem
        else:
            scope["segue.caller"] = _NOBODY
        if self._rates is not None and path.startswith("/v1/"):
            key_id = scope.get("segue.caller", _NOBODY).key_id
            client = scope.get("client") or ("", 0)
            wait = self._rates.take(f"key {key_id}" if key_id else f"address {address_name(client[0])}")
            if wait:
                detail = f"at most {self.limits.per_minute:,} requests a minute; come back a little later"
                raise Problem(429, detail, headers={"Retry-After": str(int(wait) + 1)})
        if refused is not None:
            raise refused


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _request_id(given: bytes) -> str:
    """The client's own, if it is a short token; otherwise a new one."""
    return given.decode("ascii") if _REQUEST_ID.match(given) else secrets.token_hex(8)


def _template(scope: Scope, status: int) -> str:
    """The route that a request came to, as it is declared; never what was asked for."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    return "/static" if scope["path"].startswith("/static/") and status < 400 else "other"


def _gone(receive: Receive) -> Callable[[], Awaitable[None]]:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    return gone
