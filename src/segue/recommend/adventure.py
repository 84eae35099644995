"""From hits to deep cuts: the candidates change places by how many playlists have them, but none goes far.

A candidate at place ``r`` counts ``-r / 100 - adventure * weight * log(max(count, level / 2) + level)``. Places count
instead of scores, because scores fall too slowly behind the first hundred: by scores, deep cuts are tracks of one
playlist from far down. ``level`` is the median count of the first two hundred, so that a wish means the same in every
corner of the catalogue; tracks of less than half of it gain nothing over each other, as there chance decides. How
this was chosen: docs/log.md.

As the order at any adventure maximises the sum of these numbers over the head of the list, the mean of the logarithms
over the first ``n`` never rises with the adventure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.library.ranking import Ranking

__all__ = ["CANDIDATES", "adventured"]

CANDIDATES = 1_000
"""How many of a ranking change places; ask for as many."""
_DEEP, _HITS = 6.0, 0.5  # weights at the ends of the scale
_PLACES = 100.0
_LEVEL_OF = 200


def adventured(ranking: Ranking, counts: NDArray[np.int32], adventure: float) -> Ranking:
    """Put hits or deep cuts further ahead; at 0 the ranking comes back untouched.

    Scores stay with their tracks, so they may rise. Tracks without a score, which only fill a list up, stay behind.

    Args:
        counts: playlists that hold each track, int32 ``(n_tracks,)``. adventure: -1 (hits) to 1 (deep cuts).
    """
    scored = int((ranking.scores > 0).sum())
    n = min(scored, CANDIDATES)
    if adventure == 0 or n < 2:
        return ranking
    held = counts[ranking.rows[:n]].astype(np.float64)
    level = max(float(np.median(held[:_LEVEL_OF])), 1.0)
    known = np.log(np.maximum(held, level / 2) + level)
    if adventure > 0:
        worth = -np.arange(n) / _PLACES - adventure * _DEEP * known
    else:
        worth = np.log(np.minimum.accumulate(ranking.scores[:n].astype(np.float64))) - adventure * _HITS * known
    order = np.arange(len(ranking))
    order[:n] = np.argsort(-worth, kind="stable")
    return Ranking(ranking.rows[order], ranking.scores[order], ranking.ignored)
