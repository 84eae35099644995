"""An encoder that keeps in memory what it has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, Progress

__all__ = ["RememberedEncoder"]


@dataclass(frozen=True, eq=False)
class RememberedEncoder:
    """An encoder in front of which every vector is kept: several measurements ask for the same titles.

    What is read in one large call is not encoded a thousand times in small ones either.
    """

    encoder: Encoder
    _vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return self.encoder.d

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder behind: to remember changes nothing."""
        return self.encoder.fingerprint

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``; each is encoded once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self.encoder.encode(new, progress=progress), strict=True))
        out = np.empty((len(texts), self.d), np.float32)
        for row, text in enumerate(texts):
            out[row] = self._vectors[text]
        return out
