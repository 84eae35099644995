"""What each half counts: tried on validation playlists, one weight after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.same_playlist import query_tracks, recall
from segue.library import Interactions
from segue.recommend.track_neighbours import ARTIST, TrackNeighbours

__all__ = ["fitted_weights"]

_WEIGHTS = (0.0, 0.25, 0.5, 1.0)
_ARTIST = (0.0, 1.0, 2.0, 4.0, 100.0)  # in deviations; a hundred puts the artist's tracks first, whatever they are
_K = 50
_QUERIES = 500
_GAIN = 1.001  # a weight is changed for at least a thousandth: less is the sample's noise


def fitted_weights(
    neighbours: TrackNeighbours,
    playlists: Interactions,
    *,
    rng_key: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[TrackNeighbours, dict[str, Any]]:
    """Choose the weights of halves and artist by same-playlist recall@50 on held-out playlists.

    The best single half begins with weight 1; then each other weight, the artist's last, takes the value that is best
    while the others stay. At most 500 query tracks are asked.

    Args:
        neighbours: whose weights are to be found.
        playlists: of validation, columns are track rows; without two tracks in one, all halves weigh 1.

    Returns:
        the same with weights, and what was tried: ``{"queries", "trials": [{"weights", "recall@50"}, ...]}``.
    """
    names = [half.name for half in neighbours.halves]
    asked = query_tracks(playlists)
    if not len(asked):
        return neighbours.weighted(dict.fromkeys(names, 1.0), neighbours.same_artist), {"queries": 0, "trials": []}
    if len(asked) > _QUERIES:
        asked = np.sort(np.random.default_rng(rng_key).choice(asked, _QUERIES, replace=False))
    trials: list[dict[str, Any]] = []
    total = len(names) + len(_WEIGHTS) * (len(names) - 1) + len(_ARTIST)

    def tried(weights: Mapping[str, float]) -> float:
        if progress is not None:
            progress(len(trials), total, "weights of the halves")
        found = _recall(neighbours, weights, asked, playlists)
        trials.append({"weights": dict(weights), f"recall@{_K}": round(found, 6)})
        return found

    single = {name: tried({other: float(other == name) for other in names}) for name in names}
    first = max(names, key=lambda name: (single[name], -names.index(name)))
    best, score = {other: float(other == first) for other in names}, single[first]
    for name in [*(other for other in names if other != first), ARTIST]:
        for value in _ARTIST if name == ARTIST else _WEIGHTS:
            candidate = {**best, name: value}
            if value and (now := tried(candidate)) > score * _GAIN:
                best, score = candidate, now
    same_artist = best.pop(ARTIST, 0.0)
    return neighbours.weighted(best, same_artist), {"queries": len(asked), "trials": trials}


def _recall(
    neighbours: TrackNeighbours, weights: Mapping[str, float], asked: NDArray[np.int32], playlists: Interactions
) -> float:
    halves = {name: value for name, value in weights.items() if name != ARTIST}
    k = min(_K, max(1, neighbours.n_tracks - 1))
    rows = neighbours.weighted(halves, weights.get(ARTIST, 0.0)).neighbours(asked, k)
    return float(np.nanmean(recall(rows, asked, playlists, (k,))[f"recall@{k}"]))
