"""What is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segue.library.query import Query

__all__ = ["Hits", "Ranking", "Recommender", "top"]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Rows found and their scores, best first: int32 ``(m,)`` and float32 ``(m,)``."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Tracks for a query, best first, each once.

    Args:
        rows: track rows, int32 ``(n,)``.
        scores: higher is better, never rising, float32 ``(n,)``.
        ignored: sentences about what of the query could not be used.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    ignored: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


@runtime_checkable
class Recommender(Protocol):
    """Answers queries with tracks. Never sees the truth; same query, same ranking, bit for bit."""

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the answers depend on."""
        ...

    def recommend(self, query: Query, n: int) -> Ranking:
        """Rank ``min(n, number of tracks left)`` tracks without the query's given tracks."""
        ...


def top(scores: NDArray[np.floating], n: int) -> Hits:
    """The ``n`` highest scores, ties by row; ``-inf`` is left out.

    >>> top(np.array([1.0, 3.0, 3.0, -np.inf]), 4).rows.tolist()
    [1, 2, 0]
    """
    n = min(n, len(scores))
    if n == 0:
        return Hits(np.zeros(0, np.int32), np.zeros(0, np.float32))
    if n < len(scores):
        bound = np.partition(scores, len(scores) - n)[len(scores) - n]
        above = np.flatnonzero(scores > bound)
        ties = np.flatnonzero(scores == bound)[: n - len(above)]
        rows = np.sort(np.concatenate([above, ties]))
    else:
        rows = np.arange(len(scores))
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    rows = rows[scores[rows] > -np.inf]
    return Hits(rows.astype(np.int32), scores[rows].astype(np.float32))
