"""The lists that suggestions are looked up in, from millions of names in seconds and without polars."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.library.names import fold
from segue.library.strings import StringArray

__all__ = ["TIERS", "item_order", "sorted_words", "tiers_of"]

TIERS = (1 << 13, 1 << 17)
"""Where the tiers of the best known items end; all others are the last."""

_BLOCK = 1 << 16  # strings that are folded at once
_APOSTROPHES = b"'`"
_LINE = 10
_SPACE = 32


def item_order(recording: NDArray[np.uint64], counts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rows in the order in which they are suggested, int32 ``(n,)``.

    By count, then by row; the first of each recording before all others.
    """
    rows = np.argsort(-counts.astype(np.int64), kind="stable")
    version = np.ones(len(rows), bool)
    version[np.unique(recording[rows], return_index=True)[1]] = False
    return np.concatenate((rows[~version], rows[version])).astype(np.int32)


def sorted_words(texts: Sequence[StringArray]) -> tuple[StringArray, NDArray[np.int32], NDArray[np.int32]]:
    """The words of all folded strings, sorted; and for each place where one stands its number and its row, int32."""
    numbers: defaultdict[bytes, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    words, rows = [], []
    for strings in texts:
        for first in range(0, len(strings), _BLOCK):
            for said, row in _words(strings, first, min(first + _BLOCK, len(strings))):
                words.append(np.fromiter(map(numbers.__getitem__, said), np.int32, len(said)))
                rows.append(row)
    known = list(numbers)
    order = sorted(range(len(known)), key=known.__getitem__)
    place = np.empty(len(known), np.int32)
    place[order] = np.arange(len(known), dtype=np.int32)
    offsets = np.zeros(len(known) + 1, np.int64)
    np.cumsum([len(known[i]) for i in order], out=offsets[1:])
    packed = StringArray(np.frombuffer(b"".join(known[i] for i in order), np.uint8), offsets)
    none = np.empty(0, np.int32)
    return packed, place[np.concatenate([none, *words])], np.concatenate([none, *rows])


def tiers_of(
    word_of: NDArray[np.int32], item_of: NDArray[np.int32], n_words: int, n_items: int
) -> tuple[tuple[int, ...], NDArray[np.int64], NDArray[np.int32]]:
    """Ends of the tiers, begins of the lists int64 ``(tiers, n_words + 1)``, and the lists, int32."""
    ends = (*(end for end in TIERS if end < n_items), n_items)
    tier = np.searchsorted(ends, item_of, "right")
    indptr = np.zeros((len(ends), n_words + 1), np.int64)
    lists, begin = [], 0
    for i in range(len(ends)):
        there = tier == i
        # word and item in one number: sorted at once, and a word that a name says twice falls together
        both = np.unique(word_of[there].astype(np.int64) << 32 | item_of[there])
        indptr[i, 1:] = np.cumsum(np.bincount(both >> 32, minlength=n_words))
        indptr[i] += begin
        begin += len(both)
        lists.append((both & 0xFFFFFFFF).astype(np.int32))
    return ends, indptr, np.concatenate(lists)


def _table() -> bytes:
    """What :func:`fold` makes of ASCII, byte by byte, but for ends of lines."""
    kept = [chr(i).lower() if chr(i).isalnum() else " " for i in range(128)]
    return "".join(kept).encode().replace(b"\n", b" ").ljust(256)


_FOLDED = bytes(byte if i != _LINE else _LINE for i, byte in enumerate(_table()))
_NO_LINES = bytes(i if i != _LINE else _SPACE for i in range(256))


def _words(strings: StringArray, first: int, last: int) -> Iterator[tuple[list[bytes], NDArray[np.int32]]]:
    """The words of some strings, and the row of each."""
    offsets = strings.offsets[first : last + 1]
    data = strings.data[offsets[0] : offsets[-1]].tobytes().translate(_NO_LINES)
    cuts = (offsets - offsets[0]).tolist()
    lines = [data[a:b] for a, b in itertools.pairwise(cuts)]
    special = [i for i, line in enumerate(lines) if not line.isascii()]
    for i in special:
        lines[i] = b""
    text = np.frombuffer(b"\n".join(lines).translate(_FOLDED, _APOSTROPHES), np.uint8)
    ends = text == _LINE
    letters = ~(ends | (text == _SPACE))
    starts = letters.copy()
    starts[1:] &= ~letters[:-1]
    row = np.cumsum(ends, dtype=np.int32)[starts]
    yield text.tobytes().split(), row + np.int32(first)
    wordless = np.bincount(row, minlength=last - first) == 0
    said: list[bytes] = []
    rows: list[int] = []
    for i in np.flatnonzero(wordless).tolist():
        found = fold(strings[first + i]).encode().split()
        said += found
        rows += [first + i] * len(found)
    yield said, np.array(rows, np.int32)
