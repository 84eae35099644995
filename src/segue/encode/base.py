"""What an encoder is, and what all encoders do to texts before they read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder", "Progress", "distinct", "unit_rows"]

Progress = Callable[[int, int], None]
"""Called with the number of texts done and their total."""


@runtime_checkable
class Encoder(Protocol):
    """Texts -> vectors.

    Every ``str`` can be encoded, hostile ones too. The vector of a text does not depend on the other texts of the
    call (beyond float32 rounding), and the same call gives the same bits.
    """

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the vectors depend on; 16 hexadecimal digits."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``; rows have unit length, or are zero where there is nothing to say."""
        ...


def distinct(texts: Sequence[str], cap: int) -> tuple[list[str], NDArray[np.int64]]:
    """Cut texts to ``cap`` characters, make them valid Unicode, and list each once, in order of first occurrence.

    Returns:
        The distinct texts and, for each given text, its row among them: int64 ``(n,)``.

    >>> distinct(["ab", "abc", "x"], 2)
    (['ab', 'x'], array([0, 0, 1]))
    """
    rows: dict[str, int] = {}
    where = np.empty(len(texts), np.int64)
    for i, text in enumerate(texts):
        kept = text[:cap]
        if not kept.isascii():
            # Tokenizers refuse lone surrogates.
            kept = kept.encode("utf-8", "replace").decode("utf-8")
        where[i] = rows.setdefault(kept, len(rows))
    return list(rows), where


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale rows to unit length; zero rows stay zero. float32 ``(n, d)``."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    norms[norms == 0] = 1
    scaled: NDArray[np.float32] = (vectors / norms[:, None]).astype(np.float32)
    return scaled
