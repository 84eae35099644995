"""Answers on their way out: request ids, protective headers, packing."""

from __future__ import annotations

import asyncio
import re
import zlib

import msgspec
from starlette.types import Message, Send

from segue.serve.problems import Problem, problem_json

__all__ = ["PROTECTION", "Answering"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PROTECTION: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Sent with every answer."""

_LEAST = 1024  # bytes: below that packing saves nothing
_LARGE = 1 << 16  # bytes from which packing is done beside the event loop
_LEVEL = 3
_PACKABLE = re.compile(rb"text/|application/(?:json|javascript|xml|[a-z.-]+\+(?:json|xml))|image/svg", re.IGNORECASE)
_GZIP = re.compile(rb"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?=,|$)", re.IGNORECASE)


class Answering:
    """Sends one answer, with what every answer has.

    Args:
        accepted: the request's Accept-Encoding. extra: headers for this request. private: whether nobody may keep the
            answer, unless it says itself who may.
    """

    def __init__(
        self, send: Send, request_id: str, accepted: bytes, extra: list[tuple[bytes, bytes]], *, private: bool
    ) -> None:
        self._send, self._accepted, self._private = send, accepted, private
        self._extra = [*extra, (b"x-request-id", request_id.encode("ascii"))]
        self._start: Message | None = None
        self.status = 0
        self.n_bytes = 0
        self.sent = self.complete = False

    async def send(self, message: Message) -> None:
        """What the app sends with; the beginning is held back until there is something to send after it."""
        if message["type"] == "http.response.start":
            self.status, self._start = message["status"], message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        start, self._start = self._start, None
        more = message.get("more_body", False)
        if start is not None:
            body = message.get("body", b"")
            headers = list(start.get("headers", []))
            names = {name.lower(): value for name, value in headers}
            if not more:
                body = await self._packed(body, headers, names)
                message = {"type": "http.response.body", "body": body, "more_body": False}
            headers += [pair for pair in PROTECTION if pair[0] not in names]
            headers += self._extra
            if self._private and b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            self.sent = True
            await self._send({**start, "headers": headers})
        self.n_bytes += len(message.get("body", b""))
        self.complete = not more
        await self._send(message)

    async def problem(self, problem: Problem) -> None:
        """Answer with an error."""
        body = msgspec.json.encode(problem_json(problem.status, problem.detail))
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()),
        ]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def empty(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer that all is well, with headers alone."""
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def _packed(self, body: bytes, headers: list[tuple[bytes, bytes]], names: dict[bytes, bytes]) -> bytes:
        """The body, packed where that helps and is wanted; the headers are changed to fit."""
        if len(body) < _LEAST or b"content-encoding" in names or self.status in (204, 206, 304):
            return body
        if not _PACKABLE.match(names.get(b"content-type", b"")):
            return body
        headers.append((b"vary", b"Accept-Encoding"))
        if not _GZIP.search(self._accepted):
            return body
        packed = await asyncio.to_thread(_gzip, body) if len(body) > _LARGE else _gzip(body)
        etag = names.get(b"etag")
        dropped = (b"content-length", b"etag")
        headers[:] = [(name, value) for name, value in headers if name.lower() not in dropped]
        headers += [(b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())]
        if etag is not None:  # other bytes, so no longer the same by the strong comparison
            headers.append((b"etag", etag if etag.startswith(b"W/") else b"W/" + etag))
        return packed


def _gzip(body: bytes) -> bytes:
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packing.compress(body) + packing.flush()
