"""The feedback protocol: does it help to say what one thinks of a list? Simulated people, real playlists.

A held-out playlist is what a person wants; its title is asked. The person looks at the list, says keep, more or never
of some tracks (:mod:`~segue.protocols.feedback_people`), and asks again, for some turns. What comes back is judged on
tracks that the person was not shown yet, so that giving kept tracks back earns nothing. **It is a simulation**: it
says what leaning does if people want the playlist that they made and judge as the habits say, not what people like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.metrics import per_query
from segue.library import Library, Qrels, Query, Ranking, Recommender, Run
from segue.library.feedback import FeedbackEvent
from segue.protocols.common import DEPTH, Progress
from segue.protocols.feedback_figures import FeedbackFigures, FeedbackRow, rows_of
from segue.protocols.feedback_people import Habits, judged
from segue.recommend.taste import LEAN, LeanWeights, Taste, leaned
from segue.split.holdout import Part, Split, held_out

__all__ = ["EXCLUSION", "LEANING", "METHODS", "NOTHING", "Session", "run_feedback", "sessions"]

NOTHING, EXCLUSION, LEANING = "no feedback", "exclusion only", "leaning"
METHODS = (NOTHING, EXCLUSION, LEANING)
WRONG = (0.0, 0.05, 0.1, 0.2)
_SPARE = 500  # ranked beyond the depth, since what was shown is taken out
_FRESH = ("r_precision", f"ndcg@{DEPTH}")

Answering = Callable[[Ranking, Query, Taste], Ranking]


@dataclass(frozen=True, eq=False)
class Session:
    """One person with one method.

    Args:
        lists: what was on the screen, turn by turn. fresh: what each turn ranked, without what was shown before.
        verdicts: of each turn but the last: (action, position). tastes: what was known before each turn.
    """

    query: Query
    lists: tuple[NDArray[np.int32], ...]
    fresh: tuple[NDArray[np.int32], ...]
    verdicts: tuple[tuple[tuple[str, int], ...], ...]
    tastes: tuple[Taste, ...]


def answering(method: str, recommender: Recommender, weights: LeanWeights = LEAN) -> Answering:
    """How a method answers once something was said.

    Raises:
        ValueError: there is no such method.
    """
    if method == NOTHING:
        return lambda ranking, query, taste: ranking
    if method == EXCLUSION:
        return lambda ranking, query, taste: _without(ranking, np.asarray(taste.never, np.int32))
    if method == LEANING:
        return lambda ranking, query, taste: leaned(
            ranking, query, taste, recommender, len(ranking) + len(taste.never), weights
        )
    raise ValueError(f"there is no method {method!r}")


def _without(ranking: Ranking, rows: NDArray[np.int32]) -> Ranking:
    kept = ~np.isin(ranking.rows, rows)
    return Ranking(ranking.rows[kept], ranking.scores[kept], ranking.ignored)


def session(
    query: Query, ranking: Ranking, wanted: NDArray[np.int32], habits: Habits, turns: int, answer: Answering
) -> Session:
    """Let one person ask ``turns`` times.

    Args:
        ranking: what is answered before anything was said. wanted: the person's hidden playlist.
    """
    said: dict[int, str] = {}
    shown = np.zeros(0, np.int32)
    lists, fresh, verdicts, tastes = [], [], [], []
    for turn in range(turns):
        taste = _taste(said)
        ranked = answer(ranking, query, taste).rows if taste else ranking.rows
        tastes.append(taste)
        lists.append(ranked[: habits.shown])
        fresh.append(ranked[~np.isin(ranked, shown)])
        if turn == turns - 1:
            break
        words = tuple(judged(lists[-1], wanted, habits, query.query_id, turn))
        verdicts.append(words)
        for action, position in words:
            row = int(lists[-1][position - 1])
            said.pop(row, None)  # what was said last comes last
            said[row] = action
        shown = np.union1d(shown, lists[-1]).astype(np.int32)
    return Session(query, tuple(lists), tuple(fresh), tuple(verdicts), tuple(tastes))


def _taste(said: Mapping[int, str]) -> Taste:
    def rows(action: str) -> tuple[int, ...]:
        return tuple(row for row, word in said.items() if word == action)

    return Taste(rows("keep"), rows("more"), rows("never"))


def sessions(
    method: str,
    recommender: Recommender,
    queries: Sequence[Query],
    qrels: Qrels,
    habits: Habits,
    *,
    turns: int,
    weights: LeanWeights = LEAN,
    ranked: dict[str, Ranking] | None = None,
    progress: Progress | None = None,
) -> list[Session]:
    """Let every person ask; each is the same person whatever the method.

    Args:
        ranked: what the recommender answered before, by title; filled here.
    """
    ranked = {} if ranked is None else ranked
    answer = answering(method, recommender, weights)
    found = []
    for done, query in enumerate(queries):
        if progress is not None:
            progress(done, len(queries), f"{method}, {habits.wrong:.0%} wrong")
        if query.title not in ranked:
            ranked[query.title] = recommender.recommend(Query(query.title), DEPTH + _SPARE)
        wanted = qrels.relevant[query.query_id]
        found.append(session(query, ranked[query.title], wanted, habits, turns, answer))
    return found


def values_of(found: Sequence[Session], qrels: Qrels, habits: Habits, turn: int) -> dict[str, NDArray[np.float64]]:
    """How good a turn was for each person; nan where everything that fits was shown already.

    ``fitting``: share of the list on the screen that fits. ``new_fitting``: the same for the first tracks that were
    not shown before. R-precision and NDCG: of the ranking without what was shown, against what fits and was not.
    """
    n = habits.shown
    fitting = np.array([_share(s.lists[turn][:n], qrels.relevant[s.query.query_id], n) for s in found])
    fresh, relevant = {}, {}
    new = np.full(len(found), np.nan)
    for i, one in enumerate(found):
        shown = np.concatenate([np.zeros(0, np.int32), *one.lists[:turn]])
        wanted = qrels.relevant[one.query.query_id]
        left = wanted[~np.isin(wanted, shown)]
        if len(left):
            relevant[one.query.query_id] = left
            fresh[one.query.query_id] = one.fresh[turn][:DEPTH]
            new[i] = _share(one.fresh[turn][:n], left, n)
    judged_ = per_query(Run("", fresh), Qrels(relevant, qrels.artist_rows), _FRESH)
    values = {f"fitting@{n}": fitting, f"new_fitting@{n}": new}
    place = {query_id: i for i, query_id in enumerate(relevant)}
    at = [place.get(one.query.query_id, -1) for one in found]
    for metric in _FRESH:
        padded = np.append(judged_[metric], np.nan)
        values[metric] = padded[at]
    return values


def _share(rows: NDArray[np.int32], wanted: NDArray[np.int32], n: int) -> float:
    return float(np.isin(rows, wanted).sum()) / n


def events_of(
    found: Sequence[Session], track_ids: Sequence[str], *, model: str = "", turns: int | None = None
) -> list[FeedbackEvent]:
    """What a service would have stored of these people."""
    events = []
    for number, one in enumerate(found):
        person = f"simulated-{one.query.query_id}"
        for turn, words in enumerate(one.verdicts[:turns]):
            shown = tuple(track_ids[row] for row in one.lists[turn].tolist())
            list_id = f"{number}-{turn}"
            base = FeedbackEvent(float(turn), person, list_id, "shown", model, one.query.title, shown=shown)
            events.append(base)
            for action, position in words:
                said = FeedbackEvent(
                    float(turn), person, list_id, action, model, one.query.title,  # type: ignore[arg-type]
                    track_id=shown[position - 1], position=position,
                )  # fmt: skip
                events.append(said)
    return events


def run_feedback(
    library: Library,
    split: Split,
    recommender: Recommender,
    *,
    part: Part = "test",
    habits: Habits | None = None,
    wrong: Sequence[float] = WRONG,
    turns: int = 3,
    weights: LeanWeights = LEAN,
    progress: Progress | None = None,
) -> FeedbackFigures:
    """Run the protocol.

    Args:
        recommender: trained on ``split.train`` only. habits: how people judge; ``wrong`` replaces theirs, one table
            for each share. turns: how often a person asks, 2 or more.

    Raises:
        InputError: no playlist can be asked about, or a number makes no sense.
    """
    if turns < 2:
        raise InputError("feedback can only act on a second list; let people ask twice or more often")
    habits = habits or Habits()
    queries, qrels = asked(library, split, part)
    ranked: dict[str, Ranking] = {}
    rows: list[FeedbackRow] = []
    for share in wrong:
        people = replace(habits, wrong=share)
        found = {
            method: sessions(
                method, recommender, queries, qrels, people, turns=turns, weights=weights, ranked=ranked,
                progress=progress,
            )
            for method in METHODS
        }  # fmt: skip
        for turn in range(turns):
            values = {method: values_of(those, qrels, people, turn) for method, those in found.items()}
            rows += rows_of(values, NOTHING, wrong=share, turn=turn + 1)
    return FeedbackFigures(
        part=part,
        library=library.fingerprint,
        model=recommender.fingerprint,
        reference=NOTHING,
        n_people=len(queries),
        n_training=len(split.train),
        habits={name: getattr(habits, name) for name in Habits.__dataclass_fields__},
        turns=turns,
        rows=rows,
        notes=list(_NOTES),
    )


_NOTES = (
    "A simulation: a held-out playlist stands for what a person wants. Tracks that would fit and are not in it count "
    "as misses, and are rejected like misses.",
    "Turn 1 is before anything was said. From turn 2 on, new_fitting, R-precision and NDCG look at tracks that the "
    "person was not shown yet; fitting looks at the list as it is, in which kept tracks stay.",
    "With no feedback the same list comes back. Exclusion only takes rejected tracks out, which changes nothing "
    "among tracks that were not shown yet.",
    "From turn 3 on, methods have shown different tracks, so what is left to find differs as well.",
)


def asked(library: Library, split: Split, part: Part) -> tuple[list[Query], Qrels]:
    """The people of a part: query ids are playlist ids, the truth is their playlists."""
    from segue.split.challenge import playlist_queries

    held = held_out(library, split, part)
    if np.isin(held.rows, split.train).any():
        raise ValueError("a playlist that is asked about is in training: it would vote for itself")
    return playlist_queries(library, held.rows)
