"""How answers become bytes: the same ones as on the command line, but for the indentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Response

__all__ = ["ERRORS", "json_response"]

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}


def json_response(value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A value as compact JSON; ``msgspec.json.format(body, indent=2)`` is what a command prints."""
    return Response(msgspec.json.encode(value), media_type="application/json", headers=dict(headers or {}))


def _error(what: str) -> dict[str, Any]:
    return {"description": what, "content": {"application/problem+json": {"schema": _PROBLEM}}}


ERRORS: dict[int | str, dict[str, Any]] = {
    400: _error("The request is not valid HTTP or JSON."),
    401: _error("This service wants a key, and the request had none that it knows."),
    404: _error("There is no such thing, or the service was started without the model that would answer."),
    413: _error("The request is larger than the service takes."),
    422: _error("The request cannot be answered; the detail says which part and why."),
    429: _error("Too many requests; Retry-After says when the next one may come."),
    503: _error("More requests than can wait; Retry-After says when to come again."),
    504: _error("The answer took too long."),
}
"""Errors that every path may answer with, for OpenAPI."""
