"""Feedback -> what training takes: playlists of kept tracks, and graded pairs of title and track.

What stands first is judged more often, whatever it is. Grades undo that: each judgement counts by the inverse of the
probability that its place is looked at (:mod:`~segue.enrich.feedback_bias`), which makes the mean right; a bound on
the weights keeps one lucky judgement far down from deciding, and the grade is divided by its own weights.

Source: T. Joachims, A. Swaminathan, T. Schnabel 2017, "Unbiased learning-to-rank with biased feedback" (inverse
propensities); A. Swaminathan, T. Joachims 2015, "The self-normalized estimator for counterfactual learning".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue.enrich.feedback_bias import Examination, examination
from segue.library.feedback import FeedbackEvent, GradedTrack
from segue.library.supervision import Pairs
from segue.split.holdout import part_of
from segue.views.titles import normalise

__all__ = ["Impression", "Kept", "feedback_pairs", "graded", "impressions", "kept_playlists", "seen_places"]

MOST_WEIGHT = 10.0
PRIOR = 2.0  # weighted judgements of an average track that are added to each
_TEST, _VALIDATION = 0, 1


@dataclass(frozen=True, slots=True)
class Impression:
    """A track of a list that was shown to somebody, under this title for the first time.

    Args:
        key: title, normalised. verdict: the last word on it in this list: 1 kept, -1 rejected, 0 nothing. judged:
            whether anything was said of it, also if that was taken back: then it was looked at. plain: whether
            nothing had been said under this title before, so that the person's taste did not place it.
    """

    key: str
    title: str
    track_id: str
    position: int
    verdict: int
    judged: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person kept or saved under a title, in the order in which they said so.

    Args:
        playlist_id: digest of person and title. person: digest of the pseudonym.
    """

    playlist_id: str
    person: str
    title: str
    track_ids: tuple[str, ...]


_VERDICTS: Mapping[str, int] = {"keep": 1, "more": 1, "never": -1, "undo": 0}


def impressions(events: Iterable[FeedbackEvent]) -> list[Impression]:
    """Each track that somebody was shown under a title, once, with what was said of it.

    Who has kept a track is shown it again, further up: what comes after some words is placed by them. So of the lists
    of one title that a person saw only the first that was answered counts whole (the last, if none was), and later
    ones with the tracks that are new. Saving a list says nothing of one track of it, so it is no judgement. Events on
    lists that are not among the given ones are passed over.
    """
    lists: dict[tuple[str, str], FeedbackEvent] = {}
    said: dict[tuple[str, str], dict[str, int]] = {}
    for event in events:
        key = (event.person, event.list_id)
        if event.action == "shown":
            lists[key] = event
        elif event.action in _VERDICTS:
            said.setdefault(key, {})[event.track_id] = _VERDICTS[event.action]
    under: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, shown in lists.items():
        under.setdefault((shown.person, normalise(shown.title, "key")), []).append(key)
    found = []
    for (_, title), keys in under.items():
        answered = next((i for i, key in enumerate(keys) if key in said), len(keys) - 1)
        before: set[str] = set()
        for key in keys[answered:]:
            found += _of_list(lists[key], title, said.get(key, {}), before, plain=key == keys[answered])
            before.update(lists[key].shown)
    return found


def _of_list(
    shown: FeedbackEvent, title: str, words: Mapping[str, int], before: Collection[str], *, plain: bool
) -> list[Impression]:
    places = {track_id: i + 1 for i, track_id in reversed(list(enumerate(shown.shown)))}
    new = sorted((position, track_id) for track_id, position in places.items() if track_id not in before)
    return [
        Impression(title, shown.title, track_id, position, words.get(track_id, 0), track_id in words, plain)
        for position, track_id in new
    ]


def seen_places(shown: Iterable[Impression]) -> Examination:
    """How likely places are looked at, as lists tell that no taste has placed."""
    plain = [one for one in shown if one.plain]
    numbers: dict[tuple[str, str], int] = {}
    pairs = np.array([numbers.setdefault((one.key, one.track_id), len(numbers)) for one in plain], np.int64)
    positions = np.array([one.position for one in plain], np.int64)
    return examination(pairs, positions, np.array([one.judged for one in plain], bool))


def graded(
    shown: Sequence[Impression], places: Examination, *, most: float = MOST_WEIGHT, prior: float = PRIOR
) -> list[GradedTrack]:
    """Pairs of title and track that somebody judged, with grades; by title, the highest grade first.

    Rates and grades are of the people who were shown a track. Later lists show it to those whose words led there.

    Args:
        most: bound on the weight of one judgement. prior: judgements of an average track that are added to each.
    """
    weights = places.weights(np.array([one.position for one in shown], np.int64), most).tolist()
    spelled: dict[str, Counter[str]] = {}
    counts: dict[tuple[str, str], list[float]] = {}
    for one, weight in zip(shown, weights, strict=True):
        spelled.setdefault(one.key, Counter())[" ".join(one.title.split())] += 1
        sums = counts.setdefault((one.key, one.track_id), [0, 0, 0, 0.0, 0.0])
        sums[0] += 1
        if one.verdict:
            at = 1 if one.verdict > 0 else 2
            sums[at] += 1
            sums[at + 2] += weight
    keeps, rejections = (sum(sums[at] for sums in counts.values()) for at in (3, 4))
    mean = keeps / max(keeps + rejections, 1e-12)
    found = []
    for (key, track_id), (n, kept, rejected, keep, reject) in counts.items():
        if kept + rejected:
            title = min(spelled[key].items(), key=lambda spelling: (-spelling[1], spelling[0]))[0]
            grade = (keep + prior * mean) / max(keep + reject + prior, 1e-12)
            found.append(GradedTrack(title, track_id, int(n), int(kept), int(rejected), keep / n, grade))
    return sorted(found, key=lambda pair: (pair.title, -pair.grade, pair.track_id))


def kept_playlists(events: Iterable[FeedbackEvent], *, least: int = 2) -> list[Kept]:
    """What each person kept under each title, as playlists; rejected and taken back tracks are not in them.

    Their ids fall into the training part of every split: what a model has shown must never judge it.

    Args:
        least: tracks that a playlist must have.
    """
    lists: dict[tuple[str, str], dict[str, None]] = {}
    titles: dict[tuple[str, str], str] = {}
    for event in events:
        if event.action == "shown":
            continue
        key = (event.person, normalise(event.title, "key"))
        tracks = lists.setdefault(key, {})
        titles.setdefault(key, event.title)
        if event.action in ("keep", "more", "save"):
            tracks.setdefault(event.track_id)
        else:
            tracks.pop(event.track_id, None)
    return [
        Kept(_training_id(f"{person}\t{key}"), _digest(person), titles[person, key], tuple(tracks))
        for (person, key), tracks in lists.items()
        if len(tracks) >= least and key
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _training_id(text: str) -> str:
    for turn in range(1_000):
        found = "feedback:" + _digest(f"{text}\t{turn}")
        if part_of(found) not in (_TEST, _VALIDATION):
            break
    return found


def feedback_pairs(pairs: Iterable[GradedTrack], texts: Mapping[str, str]) -> Pairs:
    """Pairs of title and track text for training, graded.

    Args:
        texts: text of each track by its id; others are left out.
    """
    kept = [pair for pair in pairs if texts.get(pair.track_id, "").strip()]
    grades = np.array([pair.grade for pair in kept], np.float32)
    return Pairs(tuple(pair.title for pair in kept), tuple(texts[pair.track_id] for pair in kept), grades)
