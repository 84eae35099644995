"""Replies that were recorded, in place of a model: for tests, and for runs that others repeat."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from pydantic import BaseModel

from segue.errors import OutputError, StoredDataError
from segue.library.arrays import fingerprint
from segue.lm.base import Completion, InvalidReply, LanguageModel, LanguageModelError, Message, Prices, Usage
from segue.lm.counting import guessed_tokens
from segue.lm.reading import clean, validated

__all__ = ["Recording", "Replay"]

Schema = TypeVar("Schema", bound=BaseModel)

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL, errno.ENOSYS)


class _Line(msgspec.Struct):
    """One recorded reply.

    Args:
        model: name of the model. prompt: version of the prompt.
        messages, schema: digests of what was asked. temperature: it was asked with.
        raw: the reply. prompt_tokens, completion_tokens: what it took, repair included.
        invalid: why it was no valid reply; None where it was one.
    """

    model: str
    prompt: str
    messages: str
    schema: str
    temperature: float
    raw: str
    prompt_tokens: int
    completion_tokens: int
    invalid: str | None = None

    @property
    def key(self) -> _Key:
        return self.prompt, self.messages, self.schema, self.temperature


_Key = tuple[str, str, str, float]


class Replay:
    """A :class:`~segue.lm.base.LanguageModel` that says again what a file holds, and nothing else.

    Its name is that of the recorded model, so that a repeated run says, and is, the same as the first one. A request
    is known by prompt version, messages, schema and temperature; of several replies to one the first valid one
    counts. What was recorded as invalid alone is invalid again.

    Args:
        path: a file that :class:`Recording` wrote. A last line that broke off is left out.
        model: whose replies, where the file holds those of several models.
        prices: of the recorded model, for what it would cost again; None where they are not known.

    Raises:
        StoredDataError: the file is missing, damaged, or holds nothing of the model.
        LanguageModelError: it holds several models and none is named.
    """

    def __init__(self, path: Path | str, *, model: str | None = None, prices: Prices | None = None) -> None:
        self.path, self._prices = Path(path), prices
        lines = _read(self.path)
        models = list(dict.fromkeys(line.model for line in lines))
        if model is None and len(models) > 1:
            named = ", ".join(models)[:200]
            raise LanguageModelError(f"{path} holds replies of several models ({named}); name one: replay:FILE#MODEL")
        self._name = model if model is not None else (models[0] if models else "")
        self._replies: dict[_Key, _Line] = {}
        for line in lines:
            if line.model != self._name:
                continue
            known = self._replies.get(line.key)
            # a failure is asked for again by the next run
            if known is None or (known.invalid is not None and line.invalid is None):
                self._replies[line.key] = line
        if not self._replies:
            raise StoredDataError(f"{path} holds no replies{f' of {model}' if model else ''}; record some")

    def __repr__(self) -> str:
        return f"Replay({str(self.path)!r}, model={self._name!r})"

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def name(self) -> str:
        """Name of the recorded model."""
        return self._name

    @property
    def prices(self) -> Prices | None:
        """As given."""
        return self._prices

    def complete(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Schema]:
        """See :meth:`segue.lm.base.LanguageModel.complete`; ``max_tokens`` is not looked at.

        Raises:
            LanguageModelError: the request was never recorded.
        """
        line = self._replies.get(_key(messages, schema, prompt, temperature))
        if line is None:
            raise LanguageModelError(
                f"{self.path} holds no reply of {self._name} to this request (prompt {prompt or 'unnamed'}); "
                "record it, or ask the model itself"
            )
        usage = Usage(line.prompt_tokens, line.completion_tokens)
        if line.invalid is not None:
            raise InvalidReply(line.invalid, raw=line.raw, usage=usage)
        try:
            value = validated(line.raw, schema)
        except InvalidReply as error:
            raise InvalidReply(str(error), raw=line.raw, usage=usage) from error
        cost = None if self._prices is None else self._prices.cost(usage)
        return Completion(value, line.raw, usage, cost, self._name, prompt)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Guessed from above, see :func:`~segue.lm.counting.guessed_tokens`."""
        return guessed_tokens(messages)


class Recording:
    """A :class:`~segue.lm.base.LanguageModel` that writes down what another one replies.

    Each reply is one line, written at once; several threads and processes may write to one file. A line that a killed
    process left unfinished is taken away when the next recording begins. What was no answer at all (no connection,
    a refused key) is not recorded.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, model: LanguageModel, path: Path | str) -> None:
        self.inner, self.path = model, Path(path)
        self._lock = threading.Lock()
        self._valid: set[_Key] | None = None
        self._write(b"")

    def __repr__(self) -> str:
        return f"Recording({self.inner!r}, {str(self.path)!r})"

    @property
    def name(self) -> str:
        """Name of the model that replies."""
        return self.inner.name

    @property
    def prices(self) -> Prices | None:
        """Those of the model that replies."""
        return self.inner.prices

    def complete(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Schema]:
        """See :meth:`segue.lm.base.LanguageModel.complete`.

        Raises:
            OutputError: the reply cannot be written down.
        """
        key = _key(messages, schema, prompt, temperature)
        try:
            made = self.inner.complete(
                messages, schema, prompt=prompt, temperature=temperature, max_tokens=max_tokens
            )
        except InvalidReply as error:
            self._record(key, error.raw, error.usage, str(error))
            raise
        self._record(key, made.raw, made.usage, None)
        return made

    def keep(
        self,
        messages: Sequence[Message],
        schema: type[BaseModel],
        completion: Completion[BaseModel],
        *,
        temperature: float = 0.0,
    ) -> None:
        """Write down what a cache knew and nobody was asked for, unless the file holds a valid reply already.

        Raises:
            OutputError: it cannot be written down. StoredDataError: the file is damaged.
        """
        key = _key(messages, schema, completion.prompt, temperature)
        with self._lock:
            if self._valid is None:
                name = self.inner.name
                read = _read(self.path)
                self._valid = {line.key for line in read if line.model == name and line.invalid is None}
            known = key in self._valid
            self._valid.add(key)
        if not known:
            self._record(key, completion.raw, completion.usage, None)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """As the model that replies counts."""
        return self.inner.count_tokens(messages)

    def _record(self, key: _Key, raw: str, usage: Usage, invalid: str | None) -> None:
        said = (clean(raw), usage.prompt_tokens, usage.completion_tokens, invalid)
        self._write(msgspec.json.encode(_Line(self.inner.name, *key, *said)) + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            with self._lock, self.path.open("a+b", buffering=0) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
                except OSError as error:
                    if error.errno not in _NO_LOCKS:
                        raise
                _drop_torn_end(file.fileno())
                if os.write(file.fileno(), line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error


def _drop_torn_end(file: int) -> None:
    """Cut off what stands behind the last line break; whoever wrote it is no more, since the lock is ours."""
    size = end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - 65_536)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)


def _read(path: Path) -> list[_Line]:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing; record replies first") from error
    except OSError as error:
        raise StoredDataError(f"{path} cannot be read: {error.strerror or error}") from error
    whole, _, _ = data.rpartition(b"\n")
    lines = []
    for number, line in enumerate(whole.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            lines.append(msgspec.json.decode(line, type=_Line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise StoredDataError(f"{path}: line {number:,} is no recorded reply; record them again") from error
    return lines


def _key(messages: Sequence[Message], schema: type[BaseModel], prompt: str, temperature: float) -> _Key:
    asked = [[message.role, clean(message.content)] for message in messages]
    return prompt, fingerprint(asked), fingerprint(schema.model_json_schema()), float(temperature)
