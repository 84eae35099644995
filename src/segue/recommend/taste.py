"""What a person said about tracks, and how a ranking leans on it at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.library.query import Query
from segue.library.ranking import Ranking, Recommender

__all__ = ["NO_TASTE", "Taste", "leaned"]


@dataclass(frozen=True, slots=True)
class Taste:
    """Rows of tracks that a person kept, wants more like, and never wants again."""

    kept: tuple[int, ...] = ()
    more: tuple[int, ...] = ()
    never: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kept or self.more or self.never)


NO_TASTE = Taste()


def leaned(ranking: Ranking, query: Query, taste: Taste, recommender: Recommender, n: int) -> Ranking:
    """Lean a ranking toward what was kept and away from what was rejected; without a taste it stays as it is."""
    if not taste:
        return ranking
    kept = ~np.isin(ranking.rows, np.asarray(taste.never, np.int64))
    return Ranking(ranking.rows[kept], ranking.scores[kept], ranking.ignored)
