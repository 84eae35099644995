"""Stored events, asked again: would what a person had said have ranked what they said next?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.significance import interval, paired
from segue.library import Query, Ranking, Recommender
from segue.library.feedback import FeedbackEvent
from segue.protocols.common import DEPTH, Progress
from segue.protocols.feedback_figures import Replayed, Spread
from segue.recommend.taste import LEAN, LeanWeights, Taste, leaned
from segue.views.titles import normalise

__all__ = ["replay"]


def replay(
    events: Iterable[FeedbackEvent],
    track_ids: Sequence[str],
    recommender: Recommender,
    *,
    weights: LeanWeights = LEAN,
    progress: Progress | None = None,
) -> Replayed:
    """Go through each person's lists in order and compare rankings on what was kept and what was rejected in them.

    Each list that comes after some word under the same title, and that has a kept and a rejected track not judged
    before, is asked for twice: without and with what had been said until then. The share of pairs with the kept track
    above counts; a pair that a ranking lacks counts half. Both tracks were looked at, so places bias nothing but who
    is compared; what fits best was mostly judged in an earlier list, so that both figures are low.

    Args:
        track_ids: of the recommender's rows.

    Raises:
        InputError: no list can be compared.
    """
    row_of = {track_id: row for row, track_id in enumerate(track_ids)}
    cases = _cases(events, row_of)
    if not cases:
        raise InputError(
            "nobody judged two lists of one title, or no second list has both a kept and a rejected track; "
            "there is nothing to compare yet"
        )
    before, after = np.zeros(len(cases)), np.zeros(len(cases))
    for done, (_, query, taste, kept, rejected) in enumerate(cases):
        if progress is not None:
            progress(done, len(cases), "replaying events")
        plain = recommender.recommend(query, DEPTH)
        before[done] = _in_order(plain, kept, rejected)
        after[done] = _in_order(leaned(plain, query, taste, recommender, DEPTH, weights), kept, rejected)
    found = paired(after, before)
    return Replayed(
        lists=len(cases),
        people=len({person for person, *_ in cases}),
        before=Spread.of(interval(before)),
        after=Spread.of(interval(after)),
        difference=Spread.of(found.difference),
    )


_Case = tuple[str, Query, Taste, NDArray[np.int32], NDArray[np.int32]]


def _cases(events: Iterable[FeedbackEvent], row_of: Mapping[str, int]) -> list[_Case]:
    """Person, question, what was known before, and the rows kept and rejected, of each list that can be compared."""
    lists: dict[tuple[str, str], list[FeedbackEvent]] = {}
    for event in events:
        if event.list_id and (event.action == "shown" or (event.person, event.list_id) in lists):
            lists.setdefault((event.person, event.list_id), []).append(event)
    known: dict[tuple[str, str], dict[int, str]] = {}
    cases: list[_Case] = []
    for (person, _), (shown, *said) in lists.items():
        before = known.setdefault((person, normalise(shown.title, "key")), {})
        words: dict[int, str] = {}
        for event in said:
            row = row_of.get(event.track_id)
            if row is not None and event.action in ("keep", "more", "never", "undo"):
                words[row] = event.action
        kept = [row for row, word in words.items() if word in ("keep", "more") and row not in before]
        rejected = [row for row, word in words.items() if word == "never" and row not in before]
        if before and kept and rejected:
            seeds = tuple(row_of[track_id] for track_id in shown.seed_tracks if track_id in row_of)
            cases.append((person, Query(shown.title, seeds), _taste(before), _rows(kept), _rows(rejected)))
        before.update(words)
    return cases


def _taste(words: Mapping[int, str]) -> Taste:
    def rows(action: str) -> tuple[int, ...]:
        return tuple(row for row, word in words.items() if word == action)

    return Taste(rows("keep"), rows("more"), rows("never"))


def _rows(rows: Sequence[int]) -> NDArray[np.int32]:
    return np.asarray(rows, np.int32)


def _in_order(ranking: Ranking, kept: NDArray[np.int32], rejected: NDArray[np.int32]) -> float:
    """Share of pairs with the kept track above; tracks that are not ranked are last, all together."""
    place = {row: at for at, row in enumerate(ranking.rows.tolist())}
    last = len(place)
    better = [place.get(row, last) for row in kept.tolist()]
    worse = [place.get(row, last) for row in rejected.tolist()]
    wins = np.sign(np.subtract.outer(worse, better))
    return float((wins + 1).mean() / 2)
