"""From hits to deep cuts: the same candidates, weighed by how many playlists have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.library.ranking import Ranking

__all__ = ["adventured"]

_POWER = 0.5  # of a track's count, at the ends of the scale


def adventured(ranking: Ranking, counts: NDArray[np.int32], adventure: float) -> Ranking:
    """Multiply scores by ``count ** (-adventure / 2)``; at 0 the ranking comes back untouched.

    Args:
        counts: playlists that hold each track, int32 ``(n_tracks,)``. adventure: -1 (hits) to 1 (deep cuts).
    """
    if adventure == 0 or not len(ranking):
        return ranking
    floor = np.maximum(ranking.scores, np.float32(0))
    scores = floor * np.maximum(counts[ranking.rows], 1).astype(np.float32) ** np.float32(-adventure * _POWER)
    order = np.argsort(-scores, kind="stable")
    return Ranking(ranking.rows[order], scores[order].astype(np.float32), ranking.ignored)
