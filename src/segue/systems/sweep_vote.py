"""The plain vote, swept: how many neighbours, how they are weighed, smoothed, and what long playlists count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError
from segue.library import Library
from segue.split.holdout import holdout
from segue.systems.sweep import Outcome, Progress
from segue.systems.sweep_neighbours import MOST_NEIGHBOURS, Neighbours
from segue.systems.sweep_queries import OBJECTIVE, Questions
from segue.systems.sweep_spaces import Parameter, Setting, Space

__all__ = ["VOTE", "VoteSubject"]

PUBLISHED_LENGTH = 66
_LADDER = (1, 2, 3, 5, 8, 13, 20, 30, 50, 80, 120, 200, 300, 500, 800)


VOTE = Space(
    (
        Parameter("k", "nearest playlists that vote", 5, MOST_NEIGHBOURS, 50, (5, 13, 25, 50, 100, 200, 400, 800),
                  log=True, whole=True),
        Parameter("tau", "softmax temperature of their cosines; without: one vote each", 0.02, 1.0, None,
                  (None, 0.05, 0.1, 0.2, 0.4), log=True),
        Parameter("smoothing", "part of a weight that goes to playlists with similar tracks", 0.0, 0.7, 0.0,
                  (0.0, 0.3, 0.5)),
        Parameter("length_power", "a playlist's tracks count 1 / length ** power", 0.0, 0.5, 0.0,
                  (0.0, 0.1, 0.25)),
    )
)  # fmt: skip
"""The published recipe is the default: 50 playlists, one vote each."""


@dataclass(frozen=True, eq=False)
class VoteSubject:
    """Sweeps the vote of the nearest playlists by title, all validation titles at once.

    Cosines are computed once; a trial is one product of neighbour weights and tracks. At the default setting the
    rankings are those of :class:`~segue.recommend.nearest.PublishedRecipe`, ties included; in others, too, ties go to
    the track that occurs first among the neighbours. Beyond 20,000 voting playlists smoothing looks for similar ones
    among 20,000 of them, evenly drawn.

    Args:
        n_queries: validation playlists asked, at most.
    """

    library: Library
    encoder: Encoder
    n_queries: int = 700

    what = "vote"
    objective = OBJECTIVE

    @cached_property
    def _n_voters(self) -> int:
        return len(holdout(self.library).train)

    @cached_property
    def space(self) -> Space:
        """The vote's parameters; no more neighbours than there are training playlists.

        Raises:
            InputError: the library is too small.
        """
        if self._n_voters < 2:
            raise InputError(f"{self._n_voters} training playlists are too few to vote; a larger library is needed")
        k, *others = VOTE.parameters
        return Space((k.at_most(self._n_voters), *others))

    @property
    def conditions(self) -> dict[str, Any]:
        """Fingerprints and the number of questions."""
        return {
            "library": self.library.fingerprint,
            "encoder": self.encoder.fingerprint,
            "queries": self.n_queries,
        }

    @property
    def notes(self) -> list[str]:
        """What was clipped."""
        if self._n_voters >= MOST_NEIGHBOURS:
            return []
        return [f"k ends at {self._n_voters}: there are no more training playlists."]

    @cached_property
    def questions(self) -> Questions:
        """What is asked."""
        return Questions.of(self.library, self.n_queries)

    def evaluate(self, setting: Setting, progress: Progress | None = None) -> Outcome:
        """Let the neighbours vote under a setting."""
        return self.questions.judged(self.rankings(setting))

    def details(self, best: Setting, progress: Progress | None = None) -> dict[str, Any]:
        """Per k, for the plain and the best vote: the metric by slice, how many lists fill, the k-th similarity."""
        voters, asked = self._voters, self._of_query
        fills = voters.playlists_needed(PUBLISHED_LENGTH)[asked]
        plain = self.space.default
        ladder = [k for k in _LADDER if k < self._n_voters] + [min(self._n_voters, _LADDER[-1])]
        table = []
        for done, k in enumerate(dict.fromkeys(ladder)):
            if progress is not None:
                progress(done, len(ladder), "the vote by number of neighbours")
            kth = voters.cosines[asked, k - 1]
            table.append(
                {
                    "k": k,
                    "fills": float((fills <= k).mean()),
                    "similarity": {"mean": float(kth.mean()), "low": float(np.percentile(kth, 10))},
                    "plain": dict(self.evaluate(plain | {"k": k}).values),
                    "best": dict(self.evaluate(best | {"k": k}).values),
                }
            )
        reached = {str(share): _needed(fills, share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)}
        return {"by_k": table, "tracks": PUBLISHED_LENGTH, "playlists_needed": reached, "n_queries": len(asked)}

    def rankings(self, setting: Setting) -> dict[str, NDArray[np.int32]]:
        """The first 500 tracks for each title under a setting."""
        k = int(setting["k"] or 1)
        tau, smoothing, power = setting["tau"], float(setting["smoothing"] or 0), float(setting["length_power"] or 0)
        found = self._voters.ranked(k, None if tau is None else float(tau), smoothing, power)
        return dict(zip(self.questions.titles, found, strict=True))

    @cached_property
    def _of_query(self) -> NDArray[np.int64]:
        """Place of each query's title among the distinct ones."""
        place = {title: i for i, title in enumerate(self.questions.titles)}
        return np.array([place[q.title] for q in self.questions.queries], np.int64)

    @cached_property
    def _voters(self) -> Neighbours:
        return Neighbours.of(self.questions.training, self.questions.titles, self.encoder)


def _needed(fills: NDArray[np.int64], share: float) -> int | None:
    """Fewest neighbours with which that share of the lists is full; None where no number does it."""
    found = int(np.sort(fills)[max(int(np.ceil(share * len(fills))) - 1, 0)])
    return None if found > MOST_NEIGHBOURS else found
