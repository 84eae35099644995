"""Requests' bodies: received whole, in time, within limits, and not nested without end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.types import Message, Receive

from segue.serve.problems import Problem
from segue.serve.settings import Limits

__all__ = ["check_depth", "whole_body"]

_STRING = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL
)  # one left open counts too, else time were quadratic
_NOT_BRACKETS = bytes(b for b in range(256) if b not in b"[]{}")
_ALIKE = bytes.maketrans(b"{}", b"[]")
_CLOSE = {"Connection": "close"}
_DRAINED = 8 << 20  # bytes that are read and forgotten, since a client that still sends may not read what we say


async def whole_body(receive: Receive, headers: Mapping[bytes, bytes], limits: Limits) -> Receive:
    """Wait for a request's body; a ``receive`` that gives it in one piece, and afterwards what the server says.

    Raises:
        Problem: 400 two lengths, no UTF-8, or too deep; 408 too slow; 413 too large; 415 packed or no JSON; 499 gone.
    """
    declared = headers.get(b"content-length")
    if declared is None and b"transfer-encoding" not in headers:
        return receive
    if declared is not None and b"transfer-encoding" in headers:
        # two lengths: a proxy may believe the other one, and take what follows for a request of somebody else
        raise Problem(
            400, "a request has one length; send either Content-Length or Transfer-Encoding", headers=_CLOSE
        )
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Problem(415, "a packed body is not taken; send it as it is", headers=_CLOSE)
    # the server has seen to it that it is a number; who waits to be told to send is told not to
    most = limits.body_bytes if b"expect" in headers else max(limits.body_bytes, _DRAINED)
    if declared is not None and int(declared) > most:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.receive_seconds):
            body = await _received(receive, limits)
    except TimeoutError as error:
        raise Problem(
            408, f"the request did not arrive within {limits.receive_seconds:g} seconds", headers=_CLOSE
        ) from error
    if body:
        _check_json(body, headers.get(b"content-type", b""), limits.depth)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _received(receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(499, "the client has gone")
        part = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        if size > limits.body_bytes:
            parts.clear()
            if not more or size > _DRAINED:
                raise _too_large(limits)
            continue
        parts.append(part)
        if not more:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"a request may have {limits.body_bytes:,} bytes; send less at once", headers=_CLOSE)


def _check_json(body: bytes, media_type: bytes, depth: int) -> None:
    kind = media_type.split(b";", 1)[0].strip().lower()
    # a page elsewhere can have a browser send any form or plain text, but not this without being asked first
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        raise Problem(415, "the body must be JSON; send 'Content-Type: application/json'")
    if b"\x00" in body[:4]:
        raise Problem(400, "the body must be UTF-8")
    check_depth(body, depth)


def check_depth(body: bytes, most: int) -> None:
    """Refuse JSON that is nested deeper than ``most``, in linear time; whether it is JSON at all is not looked at.

    Raises:
        Problem: 400.

    >>> check_depth(b'{"a": [1, "]]]["]}', 2)
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return
    brackets = _STRING.sub(b"", body).translate(_ALIKE, _NOT_BRACKETS)
    for _ in range(most):  # each round takes the innermost level away
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    # what is left is deeper, or not balanced: the latter is for the parser to say, unless it could be too deep too
    if b"[]" in brackets or brackets.count(b"[") > most:
        raise Problem(400, f"the body is nested deeper than {most} levels")
