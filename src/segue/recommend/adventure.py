"""From hits to deep cuts: the candidates change places by how many playlists have them, but none goes far.

With ``known = log(max(count, level / 2) + level)``, a candidate at place ``r`` with score ``s`` counts

- for deep cuts ``log(s) - r / 200 - adventure * 4 * known``: places too, because scores fall slowly behind the first
  hundred, so that by scores alone deep cuts are tracks of one playlist from far down;
- for hits ``log(s) - adventure * known / 2``: hits of everywhere lie not far behind a small neighbourhood, but score
  far less.

``level`` is the median count of the first two hundred, so that a wish means the same in every corner of the
catalogue. Tracks of less than half of it gain nothing over each other, as there chance decides. How this was chosen:
docs/log.md.

On either side the order maximises the sum of these numbers over the head of the list, so the mean of ``known`` over
the first ``n`` never rises with the adventure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.library.ranking import Ranking

__all__ = ["CANDIDATES", "adventured"]

CANDIDATES = 1_000
"""How many of a ranking change places; ask for as many."""
_DEEP, _HITS = 4.0, 0.5  # weights at the ends of the scale
_PLACES = 200.0
_LEVEL_OF = 200


def adventured(ranking: Ranking, counts: NDArray[np.int32], adventure: float) -> Ranking:
    """Put hits or deep cuts further ahead; at 0 the ranking comes back untouched.

    Scores stay with their tracks, so they may rise. Tracks without a score, which only fill a list up, stay behind.

    Args:
        counts: playlists that hold each track, int32 ``(n_tracks,)``. adventure: -1 (hits) to 1 (deep cuts).
    """
    unscored = np.flatnonzero(ranking.scores <= 0)
    n = min(int(unscored[0]) if len(unscored) else len(ranking), CANDIDATES)
    if adventure == 0 or n < 2:
        return ranking
    held = counts[ranking.rows[:n]].astype(np.float64)
    level = max(float(np.median(held[:_LEVEL_OF])), 1.0)
    known = np.log(np.maximum(held, level / 2) + level)
    worth = np.log(np.minimum.accumulate(ranking.scores[:n].astype(np.float64)))
    if adventure > 0:
        worth -= np.arange(n) / _PLACES
    worth -= adventure * (_DEEP if adventure > 0 else _HITS) * known
    order = np.arange(len(ranking))
    order[:n] = np.argsort(-worth, kind="stable")
    return Ranking(ranking.rows[order], ranking.scores[order], ranking.ignored)
