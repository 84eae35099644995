"""Whether training on feedback helps people who gave none: half of the simulated people speak, the others judge."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from segue.enrich.feedback import kept_playlists
from segue.enrich.feedback_library import with_feedback
from segue.errors import InputError
from segue.evaluate.metrics import per_query
from segue.library import Library, Qrels, Query, Recommender, Run
from segue.protocols.common import DEPTH, Progress, ask
from segue.protocols.feedback import LEANING, asked, events_of, sessions
from segue.protocols.feedback_figures import FeedbackRow, rows_of
from segue.protocols.feedback_people import Habits
from segue.split.holdout import Part, Split

__all__ = ["WITH", "WITHOUT", "run_learning"]

WITHOUT, WITH = "trained without feedback", "trained with feedback"
_METRICS = ("precision@10", "r_precision", f"ndcg@{DEPTH}")


def run_learning(
    library: Library,
    split: Split,
    recommender: Recommender,
    learnt_from: Library,
    train: Callable[[Library], Recommender],
    *,
    part: Part = "test",
    habits: Habits | None = None,
    turns: int = 3,
    progress: Progress | None = None,
) -> tuple[list[FeedbackRow], int]:
    """Ask the judging half of the people for their titles, before and after training on what the others kept.

    Args:
        recommender: made by ``train`` of ``learnt_from``, in which no playlist of the part may vote. train: the same
            training for any library with the same tracks.

    Returns:
        rows of both, and how many playlists were learnt from.

    Raises:
        InputError: nobody kept anything, or nobody is left to judge.
    """
    habits = habits or Habits()
    queries, qrels = asked(library, split, part)
    speaking = [query for query in queries if _speaks(query.query_id)]
    judging = [query for query in queries if not _speaks(query.query_id)]
    found = sessions(LEANING, recommender, speaking, qrels, habits, turns=turns, progress=progress)
    kept = kept_playlists(events_of(found, library.tracks["track_id"].to_list()))
    if not kept or not judging:
        raise InputError("too few people to learn from or to judge; a larger library is needed")
    learnt = train(with_feedback(learnt_from, kept))
    values = {
        WITHOUT: _values(WITHOUT, recommender, judging, qrels, progress),
        WITH: _values(WITH, learnt, judging, qrels, progress),
    }
    return rows_of(values, WITHOUT, wrong=habits.wrong, turn=1), len(kept)


def _speaks(query_id: str) -> bool:
    """Half of the people, by a digest of their playlist's id that no split looks at."""
    return hashlib.sha256(f"speaks\t{query_id}".encode("utf-8", "replace")).digest()[0] % 2 == 0


def _values(
    name: str, recommender: Recommender, queries: Sequence[Query], qrels: Qrels, progress: Progress | None
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    run = ask(name, recommender, queries, progress=progress)
    truth = Qrels({query.query_id: qrels.relevant[query.query_id] for query in queries}, qrels.artist_rows)
    return dict(per_query(Run(name, run.rankings), truth, _METRICS))
