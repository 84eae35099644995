"""Ask, read, and ask once more where the reply does not fit: the same for all models."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from segue.lm.base import Completion, InvalidReply, LanguageModelError, Message, Prices, TooLong, Usage
from segue.lm.reading import clean, validated

__all__ = ["Answered", "Send", "asked", "cleaned", "with_schema"]

Schema = TypeVar("Schema", bound=BaseModel)

_MOST_RETURNED = 8_000  # characters of a reply that are sent back


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply as it came, and what it took."""

    raw: str
    usage: Usage


Send = Callable[[Sequence[Message]], Answered]
"""Sends messages once; raises what :meth:`~segue.lm.base.LanguageModel.complete` raises."""


def asked(
    send: Send,
    messages: Sequence[Message],
    schema: type[Schema],
    *,
    name: str,
    prices: Prices | None,
    prompt: str = "",
) -> Completion[Schema]:
    """Ask once, and once more with what was wrong where the reply does not fit.

    In the second turn the reply stands as what the model said, cut to 8,000 characters, and what is wrong with it as
    a JSON string: it may hold names of fields that come from what the model has read.

    Raises:
        InvalidReply: also the second reply does not fit; its usage is that of both calls.
        LanguageModelError: whatever ``send`` raises; its usage is what was answered before.
    """
    conversation = cleaned(messages)
    answered = send(conversation)
    usage = answered.usage
    try:
        value = validated(answered.raw, schema)
    except InvalidReply as wrong:
        try:
            answered = send([*conversation, *_repair(answered.raw, str(wrong), schema)])
        except TooLong:
            raise InvalidReply(str(wrong), raw=answered.raw, usage=usage) from wrong
        except LanguageModelError as error:
            error.usage = usage + error.usage
            raise
        usage = usage + answered.usage
        try:
            value = validated(answered.raw, schema)
        except InvalidReply as still:
            raise InvalidReply(f"{still} (also after repair)", raw=answered.raw, usage=usage) from still
    cost = None if prices is None else prices.cost(usage)
    return Completion(value, answered.raw, usage, cost, name, prompt)


def cleaned(messages: Sequence[Message]) -> list[Message]:
    """The messages as valid Unicode without NUL."""
    return [Message(message.role, clean(message.content)) for message in messages]


def with_schema(messages: Sequence[Message], schema: dict[str, Any]) -> list[Message]:
    """The messages with the schema behind the last of them, for servers that take none apart from it."""
    said = f"Reply with one JSON object that fits this JSON schema, and with nothing else:\n{json.dumps(schema)}"
    last = messages[-1] if messages else Message("user", "")
    if last.role != "user":
        return [*messages, Message("user", said)]
    return [*messages[:-1], Message("user", f"{last.content}\n\n{said}".lstrip())]


def _repair(raw: str, reason: str, schema: type[BaseModel]) -> list[Message]:
    said = (
        "Your reply cannot be used. What is wrong with it, as a JSON string: "
        f"{json.dumps(clean(reason))}\nReply again with one JSON object that fits this JSON schema, and with nothing "
        f"else:\n{json.dumps(schema.model_json_schema())}"
    )
    # some servers refuse an empty turn
    return [Message("assistant", clean(raw)[:_MOST_RETURNED].strip() or "(nothing)"), Message("user", said)]
