"""How good towers are on the validation part, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower import Towers
from segue.encode.tower_inputs import TrackInputs, UserInputs
from segue.split.cold import REGIMES
from segue.split.users import UserSplit

__all__ = ["AMONG", "Validation"]

K = 10
AMONG = "strict cold among cold"
_BLOCK = 256  # users whose scores are in memory at once
_MOST = 2_000  # users that are asked after each epoch, evenly spaced among all


@dataclass(frozen=True, eq=False)
class Validation:
    """HR@10 and NDCG@10 of the validation tracks, full catalogue, training tracks masked, for at most 2,000 users.

    For all tracks and for each regime, and of strictly cold tracks once more ranked among the cold ones. The score
    that chooses the epoch is the geometric mean of NDCG@10 over all tracks and NDCG@10 of cold tracks among cold
    ones, where there are cold ones: the best epoch for known tracks is not the best one for new ones, and a gain of a
    hundredth counts alike in both.
    """

    split: UserSplit
    users: UserInputs
    tracks: TrackInputs
    _seen: dict[str, dict[str, float]] = field(default_factory=dict, repr=False)

    def score(self, towers: Towers) -> float:
        """What chooses the epoch, in [0, 1]."""
        found = self.metrics(towers)
        values = [found[f"ndcg@{K} {name}"] for name in ("all", AMONG) if f"ndcg@{K} {name}" in found]
        return float(np.prod(values) ** (1 / len(values)))

    def metrics(self, towers: Towers) -> dict[str, float]:
        """``hr@10 NAME`` and ``ndcg@10 NAME`` for "all", the regimes, and :data:`AMONG`, if it has users."""
        if towers.fingerprint not in self._seen:
            self._seen.clear()
            self._seen[towers.fingerprint] = self._measured(towers)
        return self._seen[towers.fingerprint]

    def _measured(self, towers: Towers) -> dict[str, float]:
        truth, vectors = self.split.validation, towers.track_vectors(self.tracks)
        wanted = {name: self.split.tracks_of(name, "validation") for name in ("all", *REGIMES)}
        cold = np.flatnonzero(wanted["strict cold"])
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*wanted, AMONG)}
        there = np.flatnonzero(truth.lengths > 0)
        there = there[np.linspace(0, len(there) - 1, min(len(there), _MOST)).astype(np.int64)]
        for first in range(0, len(there), _BLOCK):
            rows = there[first : first + _BLOCK]
            scores = towers.scores(self.users.select(rows), vectors)
            given = self.split.train.select(rows)
            scores[np.repeat(np.arange(len(rows)), given.lengths), given.indices] = -np.inf
            heads = _best(scores)
            cold_heads = cold[_best(scores[:, cold])] if len(cold) else np.zeros((len(rows), 0), np.int64)
            for place, row in enumerate(rows.tolist()):
                asked = truth.row(row)
                for name, mask in wanted.items():
                    of_regime = asked[mask[asked]]
                    if len(of_regime):
                        found[name].append(_judged(heads[place], of_regime))
                        if name == "strict cold":
                            found[AMONG].append(_judged(cold_heads[place], of_regime))
        means = {name: np.mean(pairs, axis=0) for name, pairs in found.items() if pairs}
        return {f"{what}@{K} {n}": float(m[i]) for n, m in means.items() for i, what in enumerate(("hr", "ndcg"))}


def _best(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Columns of the K highest scores of each row, highest first."""
    k = min(K, scores.shape[1])
    head = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, head, axis=1), axis=1, kind="stable")
    return np.take_along_axis(head, order, axis=1)


def _judged(head: NDArray[np.int64], truth: NDArray[np.int32]) -> tuple[float, float]:
    """Whether there is a hit, and NDCG with log2(rank + 1), of one list."""
    hits = np.isin(head, truth)
    discounts = 1 / np.log2(np.arange(2, K + 2))
    return float(hits.any()), float(discounts[: len(hits)][hits].sum() / discounts[: min(K, len(truth))].sum())
