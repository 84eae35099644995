"""What a model wrote -> a validated object, or :class:`InvalidReply`: never a guess."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from segue.lm.base import InvalidReply

__all__ = ["MOST_CHARACTERS", "clean", "validated"]

Schema = TypeVar("Schema", bound=BaseModel)

MOST_CHARACTERS = 1_000_000
"""Of a reply; no answer of ours is nearly as long."""

_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_MOST_SHOWN = 300


def validated(raw: str, schema: type[Schema]) -> Schema:
    """The one object that a reply holds.

    Taken away is only what cannot change the meaning: a byte-order mark, thoughts in a leading ``<think>`` block, a
    code fence, and prose around the object that holds no braces of its own. Not mended are objects that break off,
    trailing commas, single quotes, or a name given twice; and where a reply holds two objects, none is chosen, since
    one of them may come from what the model was given to read. What the schema forbids, such as fields that it does
    not know, is refused.

    Raises:
        InvalidReply: there is no such object; the reason quotes no value of the reply.

    >>> class Year(BaseModel):
    ...     year: int
    >>> validated('Sure!\\n```json\\n{"year": 1999}\\n```', Year)
    Year(year=1999)
    """
    if len(raw) > MOST_CHARACTERS:
        raise InvalidReply(f"the reply is longer than {MOST_CHARACTERS:,} characters", raw=raw[:MOST_CHARACTERS])
    text = _json_in(_THOUGHTS.sub("", clean(raw).lstrip("\ufeff"), count=1), raw)
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        raise InvalidReply(f"the reply does not fit the schema: {_told(error)}", raw=raw) from error


def clean(text: str) -> str:
    """Valid Unicode without NUL, which is what servers and tokenizers can take.

    >>> clean("a\\0b\\ud800")
    'ab?'
    """
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _json_in(text: str, raw: str) -> str:
    """The JSON text of a reply."""
    whole = text.strip()
    if not whole:
        raise InvalidReply("the reply is empty", raw=raw)
    if _is_json(whole, raw):
        return whole
    fenced = _fenced(text)
    if fenced and _is_json(fenced, raw):
        return fenced
    return _only_object(whole, raw)


def _fenced(text: str) -> str:
    """What the one code fence of a text holds; empty where there is none, or several."""
    lines = text.split("\n")
    fences = [i for i, line in enumerate(lines) if line.lstrip().startswith("```")]
    return "\n".join(lines[fences[0] + 1 : fences[1]]).strip() if len(fences) == 2 else ""


def _only_object(text: str, raw: str) -> str:
    """The one object with nothing but words around it.

    An object that is a part of something larger is none: of a list that broke off, of an object that lost its head.
    """
    start = text.find("{")
    if start < 0:
        raise InvalidReply("the reply holds no JSON object", raw=raw)
    before = text[:start].rstrip()
    if "}" in before or before.count("[") > before.count("]") or before.endswith('":'):
        raise InvalidReply("the reply is JSON that is not whole", raw=raw)
    try:
        _, end = _DECODER.raw_decode(text, start)
    except _UNREADABLE as error:
        raise InvalidReply(f"the reply is no JSON that can be read: {_short(error)}", raw=raw) from error
    rest = text[end:]
    if "{" in rest or "}" in rest:
        raise InvalidReply("the reply holds more than one JSON object", raw=raw)
    return text[start:end]


def _is_json(text: str, raw: str) -> bool:
    """Whether a text is JSON as a whole."""
    if text[:1] not in "{[":
        return False
    try:
        return _DECODER.raw_decode(text)[1] == len(text)
    except _Twice as error:
        raise InvalidReply(f"the reply is no JSON that can be read: {error}", raw=raw) from error
    except _UNREADABLE:
        return False


class _Twice(ValueError):
    """A name that an object gives twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("an object gives one name twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
_UNREADABLE = (ValueError, RecursionError)


def _told(error: ValidationError) -> str:
    """What is wrong, without the values that are."""
    said = [
        f"{'.'.join(str(part) for part in each['loc']) or 'the whole'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False, include_context=False)[:3]
    ]
    more = error.error_count() - len(said)
    return _line("; ".join(said))[:_MOST_SHOWN] + (f"; and {more} more" if more > 0 else "")


def _short(error: BaseException) -> str:
    return _line(str(error))[:_MOST_SHOWN] or type(error).__name__


def _line(text: str) -> str:
    """One line that can be printed; names of fields that a model made up are in it."""
    return "".join(c if c.isprintable() else " " for c in text)
