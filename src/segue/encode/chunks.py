"""Vectors of long texts: cut into pieces that an encoder can read, and averaged."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, Progress, unit_rows

__all__ = ["DEFAULT_WORDS", "chunked", "pieces"]

DEFAULT_WORDS = 40
"""Words of a piece: about the 64 tokens that sentence encoders are set to read."""
_MOST_PIECES = 64  # of one text; what a longer one says is said by then
_MOST_CHARACTERS = 100_000
_TEXTS = 2_000  # whose pieces are encoded together


def chunked(
    encoder: Encoder, texts: Sequence[str], *, words: int = DEFAULT_WORDS, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Unit vectors of texts of any length; float32 ``(n, d)``, zero rows where there is nothing to read.

    Each text is cut into pieces of ``words`` words, of about equal length; its vector is the mean of theirs, weighted
    by their words, at unit length. A text of one piece has the encoder's own vector.

    Raises:
        ValueError: ``words`` is below 1.
    """
    if words < 1:
        raise ValueError("a piece has at least one word")
    out = np.zeros((len(texts), encoder.d), np.float32)
    for first in range(0, len(texts), _TEXTS):
        cut = [list(pieces(text, words)) for text in texts[first : first + _TEXTS]]
        of = np.repeat(np.arange(len(cut)), [len(c) for c in cut])
        flat = [piece for c in cut for piece in c]
        if flat:
            weights = np.array([len(piece.split()) for piece in flat], np.float32)
            vectors = encoder.encode(flat) * weights[:, None]
            sums = np.zeros((len(cut), encoder.d), np.float64)
            np.add.at(sums, of, vectors)
            out[first : first + len(cut)] = unit_rows(sums)
        if progress is not None:
            progress(min(first + _TEXTS, len(texts)), len(texts))
    return out


def pieces(text: str, words: int) -> Iterator[str]:
    """Consecutive pieces of at most ``words`` words, of about equal length; at most 64.

    >>> list(pieces("a b c d e", 3)), list(pieces(" ", 3))
    (['a b c', 'd e'], [])
    """
    every = text[:_MOST_CHARACTERS].split()[: words * _MOST_PIECES]
    n = -(-len(every) // words)
    bounds = [-(-len(every) * i // n) for i in range(n + 1)] if n else [0]
    for begin, end in itertools.pairwise(bounds):
        yield " ".join(every[begin:end])
