"""A model behind any server that speaks OpenAI's chat-completions protocol."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, TypeVar

import msgspec
from pydantic import BaseModel, SecretStr

from segue.lm.asking import Answered, asked, with_schema
from segue.lm.base import Completion, InvalidReply, LanguageModelError, Message, Prices, Temporary, TooLong, Usage
from segue.lm.counting import guessed_tokens
from segue.lm.endpoint import Endpoint, Refused
from segue.lm.schemas import response_format

__all__ = ["OpenAICompatible"]

Schema = TypeVar("Schema", bound=BaseModel)
Form = Literal["schema", "json", "plain"]

# codes of OpenAI and Azure for filters, and of Groq for a model that wrote what is no JSON
_FILTERED = ("content_filter", "content_policy", "content management policy", "json_validate_failed")
_NEXT: dict[Form, Form] = {"schema": "json", "json": "plain"}


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What a server was found to understand."""

    form: Form = "schema"
    tokens: str = "max_tokens"
    temperature: bool = True
    system: bool = True


class OpenAICompatible:
    """A :class:`~segue.lm.base.LanguageModel` that is asked through the ``openai`` client.

    A server that knows JSON schemas is given the schema (strict where it allows that). One that answers 400 to it
    is asked in JSON mode, and then without any, with the schema in the prompt; how it has to be asked is remembered
    for each schema. So is whether it takes ``max_completion_tokens`` in place of ``max_tokens``, no system messages,
    or no temperature; models without do not repeat themselves. Nothing is sent again for faults of the network:
    :mod:`segue.lm.jobs` does that.

    Args:
        model: its name on the server.
        base_url, key, timeout, allow_http: see :class:`~segue.lm.endpoint.Endpoint`.
        prices: None where they are not known; then completions have no cost.
        context: tokens that prompt and reply may have together; None where that is not known.

    Raises:
        LanguageModelError: the address or the key cannot be used.
        MissingDependency: the extra ``lm`` is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key: str | SecretStr | None = None,
        prices: Prices | None = None,
        context: int | None = None,
        timeout: float = 180.0,
        allow_http: bool | None = None,
    ) -> None:
        if not model.strip() or not model.isprintable():
            raise LanguageModelError("the model has no name; give one that its server knows")
        self.model, self._prices, self.context = model, prices, context
        self.endpoint = Endpoint(base_url, key, timeout=timeout, allow_http=allow_http)
        self._dialects: dict[type[BaseModel], _Dialect] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.model!r}, base_url={self.endpoint.url!r})"

    @property
    def name(self) -> str:
        """As in "openai:gpt-4o-mini", whatever server it is on."""
        return f"openai:{self.model}"

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
        """See :meth:`segue.lm.base.LanguageModel.complete`."""

        def send(turn: Sequence[Message]) -> Answered:
            return self._send(turn, schema, temperature, max_tokens)

        return asked(send, messages, schema, name=self.name, prices=self._prices, prompt=prompt)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Guessed from above, see :func:`~segue.lm.counting.guessed_tokens`."""
        return guessed_tokens(messages)

    def close(self) -> None:
        """Let go of all connections."""
        self.endpoint.close()

    def _send(
        self, messages: Sequence[Message], schema: type[BaseModel], temperature: float, max_tokens: int
    ) -> Answered:
        with self._lock:
            dialect = self._dialects.get(schema, _Dialect())
        first: Refused | None = None
        while True:
            try:
                body = self.endpoint.chat(**self._request(messages, schema, temperature, max_tokens, dialect))
            except Refused as error:
                self._check_filtered(error, messages)
                first = first or error
                other = _other(dialect, error.said)
                if other is None:
                    raise first from None
                dialect = other
                continue
            with self._lock:
                self._dialects[schema] = dialect
            return self._answered(body, messages, max_tokens)

    def _request(
        self,
        messages: Sequence[Message],
        schema: type[BaseModel],
        temperature: float,
        max_tokens: int,
        dialect: _Dialect,
    ) -> dict[str, Any]:
        if not dialect.system:
            messages = _without_system(messages)
        if dialect.form != "schema":
            messages = with_schema(messages, schema.model_json_schema())
        if self.context is not None and (needed := self.count_tokens(messages) + max_tokens) > self.context:
            raise TooLong(
                f"the prompt and a reply of {max_tokens:,} tokens need about {needed:,} tokens, but {self.name} "
                f"takes {self.context:,}; give it less"
            )
        fields: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            dialect.tokens: max_tokens,
        }
        if dialect.temperature:
            fields["temperature"] = temperature
        if dialect.form == "schema":
            fields["response_format"] = response_format(schema)
        elif dialect.form == "json":
            fields["response_format"] = {"type": "json_object"}
        return fields

    def _answered(self, body: bytes, messages: Sequence[Message], max_tokens: int) -> Answered:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Temporary("the model's server answers with what is no chat completion; try again") from error
        if reply.error is not None:
            self._raise(reply.error)
        choice = reply.choices[0] if reply.choices else None
        message = choice.message if choice is not None else None
        raw = self.endpoint.without_key((message.content if message is not None else None) or "")
        usage = self._usage(reply, messages, raw)
        if choice is None or message is None:
            raise InvalidReply("the model's server answers with no choice", raw=raw, usage=usage)
        if choice.finish_reason == "length":
            raise InvalidReply(
                f"the reply breaks off after {max_tokens:,} tokens; raise max_tokens", raw=raw, usage=usage
            )
        if choice.finish_reason == "content_filter" or message.refusal:
            raise InvalidReply("the model refuses to reply", raw=raw, usage=usage)
        return Answered(raw, usage)

    def _check_filtered(self, refused: Refused, messages: Sequence[Message]) -> None:
        """Raise where it is this prompt or its reply that a server does not want, and not how it was asked."""
        said = refused.said.lower()
        if any(word in said for word in _FILTERED):
            raise InvalidReply(
                "the model's server does not give its reply: it was filtered, or no JSON",
                usage=Usage(self.count_tokens(messages)),
            ) from None

    def _usage(self, reply: _Reply, messages: Sequence[Message], raw: str) -> Usage:
        """As the server counts, else guessed, so that a budget holds for servers that do not count."""
        told = reply.usage or _Usage()
        sent, written = told.prompt_tokens, told.completion_tokens
        return Usage(
            max(sent, 0) if sent is not None else self.count_tokens(messages),
            max(written, 0) if written is not None else guessed_tokens([Message("assistant", raw)]),
        )

    def _raise(self, error: _Error) -> NoReturn:
        """Raise what a server says that reports errors with status 200."""
        code = str(error.code)
        said = "".join(c if c.isprintable() else " " for c in self.endpoint.without_key(error.message or code))[:200]
        if code == "429" or (code.isdigit() and int(code) >= 500):
            raise Temporary(f"the model's server has a fault ({code}); try again later")
        raise LanguageModelError(f"the model's server reports an error: {said}")


def _other(dialect: _Dialect, said: str) -> _Dialect | None:
    """How to ask after a refusal; None where there is no other way."""
    if "max_completion_tokens" in said and dialect.tokens == "max_tokens":
        return replace(dialect, tokens="max_completion_tokens")
    if "system" in said.lower() and "role" in said.lower() and dialect.system:
        return replace(dialect, system=False)
    if "temperature" in said and dialect.temperature:
        return replace(dialect, temperature=False)
    following = _NEXT.get(dialect.form)
    return None if following is None else replace(dialect, form=following)


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The messages with what the system says at the head of what the user does, for templates without that role."""
    told = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if not told:
        return rest
    if rest and rest[0].role == "user":
        told.append(rest.pop(0).content)
    return [Message("user", "\n\n".join(told)), *rest]


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: _Error | None = None
