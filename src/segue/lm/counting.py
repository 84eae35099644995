"""How many tokens a prompt may be, where no tokenizer is at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segue.lm.base import Message

__all__ = ["guessed_tokens"]

_PIECES = re.compile(
    r"[A-Z]*[a-z]+|[A-Z]+|[0-9]|[^\sA-Za-z0-9\x80-\U0010ffff]|[\r\n]|[\x80-\U0010ffff]+|[ \t\f\v]{2,}"
)
_FOR_A_MESSAGE = 8
_LETTERS = 3


def guessed_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a prompt, guessed from above.

    A word of Latin letters is one token for every three letters that it begins, a digit or a sign is one, and
    whatever is not ASCII is one for each of its bytes in UTF-8, which is the most that byte-level vocabularies can
    take. Each message has eight more, for its role and what separates it.

    >>> guessed_tokens([Message("user", "road trip, 1999")])
    17
    """
    return sum(_FOR_A_MESSAGE + _of(message.content) for message in messages)


def _of(text: str) -> int:
    total = 0
    for piece in _PIECES.findall(text):
        if piece.isascii():
            total += -(-len(piece) // _LETTERS)
        else:
            total += len(piece.encode("utf-8", "replace"))
    return total
