"""The questions of a sweep: titles of validation playlists; test playlists are left out before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.metrics import mean_of, per_query
from segue.evaluate.slices import title_slices
from segue.library import Library, Qrels, Query, Run
from segue.split.challenge import playlist_queries
from segue.split.holdout import Split, held_out, holdout
from segue.systems.sweep import Outcome
from segue.systems.title_vote import thinned

__all__ = ["OBJECTIVE", "SLICES", "Questions", "without_test"]

OBJECTIVE = "ndcg@500"
SLICES: Mapping[str, str] = {"all": "", "seen titles": " seen", "unseen titles": " unseen"}
"""Slice -> what its figures' names end with."""
_METRICS = (OBJECTIVE, "r_precision")


def without_test(library: Library) -> tuple[Library, Split]:
    """The training and validation playlists alone, in their order, and their split.

    A playlist's part depends on its id alone, so the parts stay what they are; the test part comes out empty.
    """
    split = holdout(library)
    kept = library.select_playlists(np.sort(np.concatenate([split.train, split.validation])))
    parts = holdout(kept)
    if len(parts.test):
        raise ValueError("a sweep must not see test playlists")
    return kept, parts


@dataclass(frozen=True, eq=False)
class Questions:
    """Titles to ask, their truth, and the playlists that may vote.

    Args:
        library: training and validation playlists. training: those that vote.
        queries: one for each validation playlist that is asked, evenly drawn over the part.
        slices: masks over the queries.
    """

    library: Library
    training: Library
    queries: list[Query]
    qrels: Qrels
    slices: dict[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, library: Library, n: int) -> Questions:
        """At most ``n`` questions.

        Raises:
            InputError: no validation playlist can be asked about, or there is none to vote.
        """
        kept, split = without_test(library)
        rows = thinned(held_out(kept, split, "validation"), n).rows
        if np.isin(rows, split.train).any():
            raise ValueError("a playlist that is asked about is in training: it would vote for itself")
        training = kept.select_playlists(split.train)
        queries, qrels = playlist_queries(kept, rows)
        masks = title_slices([q.title for q in queries], training.titles)
        return cls(kept, training, queries, qrels, {name: masks[name] for name in SLICES})

    @property
    def titles(self) -> list[str]:
        """Distinct titles in order of first occurrence: equal titles have equal answers."""
        return list(dict.fromkeys(q.title for q in self.queries))

    def judged(self, rankings: Mapping[str, NDArray[np.int32]]) -> Outcome:
        """What answers reach.

        Args:
            rankings: title -> track rows.
        """
        run = Run("sweep", {q.query_id: rankings[q.title] for q in self.queries})
        found = per_query(run, self.qrels, _METRICS)
        values = {
            f"{metric}{ending}": mean_of(found[metric][self.slices[name]])
            for metric in _METRICS
            for name, ending in SLICES.items()
        }
        return Outcome(float(found[OBJECTIVE].mean()), values, found[OBJECTIVE].tolist())
