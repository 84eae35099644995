"""How many tokens a prompt may be, where no tokenizer is at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segue.lm.base import Message

__all__ = ["guessed_tokens"]

_RUNS = re.compile(r"[A-Za-z0-9]+|[\x80-\U0010ffff]+|[^\sA-Za-z0-9]|[\r\n]|[ \t\f\v]{2,}")
_PIECES = re.compile(r"[A-Z]*[a-z]+|[A-Z]+|[0-9]")
_FOR_A_MESSAGE = 8
_LETTERS = 3
_ID = 8


def guessed_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a prompt, guessed from above.

    A word of Latin letters is one token for every three letters that it begins; a digit, a sign and a character of an
    id (letters mixed with digits) are one each; whatever is not ASCII is one for each of its bytes in UTF-8, which is
    the most that byte-level vocabularies can take. Each message has eight more, for its role and what separates it.

    >>> guessed_tokens([Message("user", "road trip, 1999")])
    17
    """
    return sum(_FOR_A_MESSAGE + _of(message.content) for message in messages)


def _of(text: str) -> int:
    total = 0
    for run in _RUNS.findall(text):
        if not run.isascii():
            total += len(run.encode("utf-8", "replace"))
        elif not run.isalnum():
            total += -(-len(run) // _LETTERS)
        elif len(run) >= _ID and not (run.isalpha() or run.isdigit()):
            total += len(run)
        else:
            total += sum(-(-len(piece) // _LETTERS) for piece in _PIECES.findall(run))
    return total
