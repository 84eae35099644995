"""Completions that were paid for, kept on disk, so that a job that was killed goes on without paying twice."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from segue.lm.base import Completion, Message, Usage
from segue.services.cache import AnswerCache

__all__ = ["CompletionCache", "completions_file", "request_key", "schema_digest"]

Schema = TypeVar("Schema", bound=BaseModel)


class _Kept(msgspec.Struct, frozen=True):
    """What is kept of a completion; the question is in the key alone, as a digest."""

    value: str
    raw: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    model: str
    prompt: str


def completions_file() -> Path:
    """Where completions are kept: ``completions.sqlite`` in SEGUE_CACHE, else in ``segue/lm`` in the user's cache."""
    if os.environ.get("SEGUE_CACHE"):
        return Path(os.environ["SEGUE_CACHE"]) / "completions.sqlite"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue" / "lm" / "completions.sqlite"


def schema_digest(schema: type[BaseModel]) -> str:
    """Digest of a schema: name, fields, bounds, descriptions; 16 hexadecimal digits."""
    return _digest(schema.__name__, schema.model_json_schema())


def request_key(
    model: str,
    prompt: str,
    schema: str,
    messages: Sequence[Message],
    *,
    temperature: float,
    max_tokens: int,
) -> str:
    """Digest of everything that an answer depends on.

    Args:
        model: its name. prompt: version of the prompt. schema: :func:`schema_digest`.
    """
    turns = [(message.role, message.content) for message in messages]
    return _digest(model, prompt, schema, turns, float(temperature), int(max_tokens))


def _digest(*parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    # surrogates that no UTF-8 carries are told apart as well
    digest.update(repr(parts).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


class CompletionCache:
    """A SQLite file of request -> completion; several threads and several processes may use it at once.

    Completions are kept as soon as they are there, each in a transaction of its own. Only what was accepted is kept:
    an invalid reply is asked for again by the next run. Messages are not kept, only a digest of them, and no
    key to any service is ever near.

    Raises:
        OutputError: the file cannot be written.
        StoredDataError: it is damaged, no such file, or of a newer version.
    """

    def __init__(self, file: Path) -> None:
        self._answers = AnswerCache(file)
        self._lock = threading.Lock()

    @property
    def file(self) -> Path:
        """Where it is."""
        return self._answers.file

    def get(self, key: str, schema: type[Schema]) -> Completion[Schema] | None:
        """The completion kept under a key, validated again; None where there is none that fits the schema."""
        with self._lock:
            body = self._answers.get(key)
        if body is None:
            return None
        try:
            kept = msgspec.json.decode(body, type=_Kept)
            value = schema.model_validate_json(kept.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValidationError):
            return None  # of another version of segue; asking again mends it
        usage = Usage(kept.prompt_tokens, kept.completion_tokens)
        return Completion(value, kept.raw, usage, kept.cost, kept.model, kept.prompt, cached=True)

    def put(self, key: str, completion: Completion[Any]) -> None:
        """Keep a completion.

        Raises:
            OutputError: the disk is full, say.
        """
        raw = completion.raw.encode("utf-8", "replace").decode()
        kept = _Kept(
            completion.value.model_dump_json(),
            raw,
            completion.usage.prompt_tokens,
            completion.usage.completion_tokens,
            completion.cost,
            completion.model,
            completion.prompt,
        )
        with self._lock:
            self._answers.put(key, "lm", msgspec.json.encode(kept), math.inf)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._answers.close()

    def __enter__(self) -> CompletionCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
