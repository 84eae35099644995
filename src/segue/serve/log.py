"""The service's log: one line a request, plain or JSON, without what people asked for and without secrets.

What is never written: bodies, query strings, headers, paths as they were asked for (tokens and names of people are in
them; the route's template is written instead), and messages of unexpected errors (they may quote a title).
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from typing import Any, Literal

import msgspec

__all__ = ["LOGGER", "access", "configure", "failure"]

LOGGER = logging.getLogger("segue.serve")
_access = logging.getLogger("segue.serve.access")


def configure(format: Literal["plain", "json"] = "plain", *, level: int = logging.INFO) -> None:
    """Have the service's and uvicorn's lines written to stderr; uvicorn's access log, which has queries, is off."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Plain())
    for name in ("segue.serve", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = ([] if name == "uvicorn.error" else [handler]), name == "uvicorn.error"
        logger.setLevel(level)
    silent = logging.getLogger("uvicorn.access")
    silent.handlers, silent.propagate = [], False


def access(request_id: str, method: str, path: str, status: int, seconds: float, n_bytes: int, key_id: str) -> None:
    """Write one request down; ``path`` is its route's template."""
    if not _access.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {
        "id": request_id, "method": method, "path": path, "status": status,
        "ms": round(seconds * 1000, 1), "bytes": n_bytes,
    }  # fmt: skip
    if key_id:
        fields["key"] = key_id
    _access.info("%s %s %d", method, path, status, extra={"fields": fields})


def failure(request_id: str, error: BaseException) -> None:
    """Write an unexpected error down: its kind and where it came from, not what it says."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    where = "; ".join(f"{f.filename.rsplit('/site-packages/', 1)[-1]}:{f.lineno} {f.name}" for f in reversed(frames))
    kind = type(error).__name__
    LOGGER.error("unexpected %s at %s", kind, where, extra={"fields": {"id": request_id, "error": kind, "at": where}})


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        shown = " ".join(f"{name}={value}" for name, value in fields.items() if name in ("id", "ms", "bytes", "key"))
        line = f"{_time(record)} {record.levelname.lower()} {_message(record)}"
        return f"{line} {shown}" if shown else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {"time": _time(record), "level": record.levelname.lower(), "message": _message(record)}
        fields.update(getattr(record, "fields", {}))
        return msgspec.json.encode(fields).decode()


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _message(record: logging.LogRecord) -> str:
    """On one line, whatever was put into it; of an exception its kind alone."""
    kind = record.exc_info[0] if record.exc_info else None
    message = "".join(c if c.isprintable() else " " for c in record.getMessage()).strip()
    return f"{message} ({kind.__name__})" if kind is not None else message
