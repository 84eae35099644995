"""Errors as the API tells them: RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Problem", "problem_json"]

_TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "A key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request came too slowly",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    421: "Not here",
    422: "Cannot be used",
    429: "Too many requests",
    499: "Gone",
    500: "Internal error",
    501: "Not installed",
    503: "Busy",
    504: "Took too long",
}


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP. detail: a sentence for people: what, where, what to do. headers: to be sent with it.
    """

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        super().__init__(detail)


def problem_json(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The body of a problem.

    >>> problem_json(404, "there is no such playlist")
    {'type': 'about:blank', 'title': 'Not found', 'status': 404, 'detail': 'there is no such playlist'}
    """
    return {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
