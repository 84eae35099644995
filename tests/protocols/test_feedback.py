from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.corpora import library_of
from segue.enrich.feedback import impressions
from segue.errors import InputError
from segue.evaluate.metrics import per_query
from segue.library import Library, Qrels, Query, Recommender, Run
from segue.library.feedback import FeedbackEvent
from segue.protocols.feedback import (
    EXCLUSION,
    LEANING,
    METHODS,
    NOTHING,
    asked,
    events_of,
    run_feedback,
    sessions,
    values_of,
)
from segue.protocols.feedback_figures import FeedbackFigures, save_figures
from segue.protocols.feedback_learning import WITH, WITHOUT, run_learning
from segue.protocols.feedback_people import Habits, examined, judged
from segue.protocols.feedback_replay import replay
from segue.recommend.continuation import Continuation
from segue.recommend.same_title import SameTitle
from segue.split.holdout import Split, holdout

# each title means one of two sides; whoever likes a side has ten of its thirty tracks
TITLES, SIDE, LENGTH = 4, 30, 10
SHORT = Habits(shown=8, keep=0.9, never=0.5)


def planted(n: int = 700) -> Library:
    rng = np.random.default_rng(3)
    playlists = []
    for i in range(n):
        title, side = i % TITLES, int(rng.integers(2))
        rows = (title * 2 + side) * SIDE + rng.choice(SIDE, LENGTH, replace=False)
        playlists.append((f"title {title}", rows.tolist()))
    return library_of(playlists, n_tracks=TITLES * 2 * SIDE)


def fitted(library: Library) -> Recommender:
    return Continuation.fitted(library, SameTitle.fitted(library))


@pytest.fixture(scope="module")
def library() -> Library:
    return planted()


@pytest.fixture(scope="module")
def split(library: Library) -> Split:
    return holdout(library)


@pytest.fixture(scope="module")
def recommender(library: Library, split: Split) -> Recommender:
    return fitted(library.select_playlists(split.train))


@pytest.fixture(scope="module")
def figures(library: Library, split: Split, recommender: Recommender) -> FeedbackFigures:
    return run_feedback(library, split, recommender, habits=SHORT, wrong=(0.0, 0.2), turns=3)


@given(st.integers(0, 50), st.sampled_from([0.0, 1.0]))
def test_people_judge_what_they_look_at_by_what_they_want(turn: int, wrong: float) -> None:
    rows = np.arange(100, 130, dtype=np.int32)
    wanted = rows[::2]
    habits = Habits(shown=30, keep=1.0, never=1.0, decay=0.0, wrong=wrong)
    said = judged(rows, wanted, habits, "p", turn)
    assert [position for _, position in said] == list(range(1, 31)), "everything is looked at and judged"
    fits = [(action != "never") == (wrong == 0.0) for action, _ in said]
    assert fits == [True, False] * 15
    assert judged(rows, wanted, habits, "p", turn) == said


def test_places_are_looked_at_as_planned() -> None:
    rows = np.arange(20, dtype=np.int32)
    habits = Habits(keep=1.0, never=1.0)
    seen = np.zeros(20)
    for i in range(3_000):
        for _, position in judged(rows, rows[:0], habits, f"person {i}", 0):
            seen[position - 1] += 1
    assert np.abs(seen / 3_000 - examined(habits, 20)).max() < 0.035


def test_shares_are_as_planned() -> None:
    rows = np.arange(400, dtype=np.int32)
    habits = Habits(shown=400, decay=0.0, keep=0.6, more=0.25, never=0.3, wrong=0.1)
    said = judged(rows, rows[:200], habits, "p", 0)
    first = [action for action, position in said if position <= 200]
    kept = sum(action != "never" for action in first) / 200
    assert abs(kept - 0.9 * 0.6) < 0.1
    assert abs(first.count("more") / max(sum(a != "never" for a in first), 1) - 0.25) < 0.12
    assert abs(first.count("never") / 200 - 0.1 * 0.3) < 0.04


@pytest.mark.parametrize("given_", [{"shown": 0}, {"wrong": 1.5}, {"decay": -1}, {"keep": -0.1}])
def test_habits_that_nobody_has(given_: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Habits(**given_)  # type: ignore[arg-type]


def mean(figures: FeedbackFigures, method: str, metric: str, turn: int, wrong: float = 0.0) -> float:
    found = figures.row(wrong, turn, method, metric).score.mean
    assert found is not None
    return found


def test_leaning_finds_the_side_that_was_planted(figures: FeedbackFigures) -> None:
    for turn in (2, 3):
        for metric in ("new_fitting@8", "r_precision", "ndcg@500", "fitting@8"):
            row = figures.row(0.0, turn, LEANING, metric)
            assert row.difference is not None and row.difference.low is not None and row.difference.low > 0
            assert turn > 2 or (row.p is not None and row.p < 0.05)
    gained = mean(figures, LEANING, "new_fitting@8", 2) / mean(figures, NOTHING, "new_fitting@8", 2)
    assert gained > 1.25, "half of the tracks of a title fit nobody of the other side"


def test_wrong_clicks_take_some_of_it(figures: FeedbackFigures) -> None:
    sure, unsure = (mean(figures, LEANING, "new_fitting@8", 2, wrong) for wrong in (0.0, 0.2))
    assert mean(figures, NOTHING, "new_fitting@8", 2, 0.2) < unsure < sure


def test_before_anything_is_said_all_are_one(figures: FeedbackFigures) -> None:
    for row in figures.rows:
        if row.turn == 1 and row.method != NOTHING:
            assert row.difference is not None and row.difference.mean == 0 and row.p == 1.0


def test_exclusion_changes_the_list_and_nothing_that_was_not_shown(figures: FeedbackFigures) -> None:
    assert mean(figures, EXCLUSION, "fitting@8", 2) > mean(figures, NOTHING, "fitting@8", 2)
    for metric in ("new_fitting@8", "r_precision", "ndcg@500"):
        assert mean(figures, EXCLUSION, metric, 2) == mean(figures, NOTHING, metric, 2)


def test_what_is_judged_was_not_shown(library: Library, split: Split, recommender: Recommender) -> None:
    queries, qrels = asked(library, split, "test")
    for method in METHODS:
        for one in sessions(method, recommender, queries, qrels, SHORT, turns=3):
            shown: set[int] = set()
            for turn in range(3):
                assert not shown & set(one.fresh[turn].tolist())
                shown |= set(one.lists[turn].tolist())
            never = [int(one.lists[t][p - 1]) for t in (0, 1) for action, p in one.verdicts[t] if action == "never"]
            assert method == NOTHING or set(one.tastes[2].never) <= set(never)
            if method != NOTHING:
                assert not set(one.lists[2].tolist()) & set(one.tastes[2].never)


def test_the_first_turn_is_the_title_protocol(library: Library, split: Split, recommender: Recommender) -> None:
    queries, qrels = asked(library, split, "test")
    found = values_of(sessions(NOTHING, recommender, queries, qrels, SHORT, turns=2), qrels, SHORT, 0)
    run = Run("", {q.query_id: recommender.recommend(Query(q.title), 500).rows for q in queries})
    expected = per_query(run, qrels, ["r_precision", "ndcg@500", "precision@8"])
    assert found["r_precision"].tolist() == expected["r_precision"].tolist()
    assert found["ndcg@500"].tolist() == expected["ndcg@500"].tolist()
    assert np.allclose(found["fitting@8"], expected["precision@8"])


def test_events_are_what_a_service_stores(library: Library, split: Split, recommender: Recommender) -> None:
    queries, qrels = asked(library, split, "test")
    found = sessions(LEANING, recommender, queries[:10], qrels, SHORT, turns=3)
    events = events_of(found, library.tracks["track_id"].to_list())
    shown = impressions(events)
    plain = [one for one in shown if one.plain]
    answered = [next((t for t, words in enumerate(one.verdicts) if words), 1) for one in found]
    assert len(plain) == 10 * 8
    judged_ = sum(len(one.verdicts[t]) for one, t in zip(found, answered, strict=True))
    assert sum(one.judged for one in plain) == judged_


def test_a_playlist_in_training_is_not_asked_about(library: Library, split: Split, recommender: Recommender) -> None:
    leaky = Split(split.train, split.validation, split.test)
    object.__setattr__(leaky, "train", np.sort(np.concatenate([split.train, split.test[:3]])))
    leaked = {str(row) for row in split.test[:3].tolist()}
    assert leaked & {query.query_id for query in asked(library, split, "test")[0]}
    assert not leaked & {query.query_id for query in asked(library, leaky, "test")[0]}
    with pytest.raises(InputError, match="twice"):
        run_feedback(library, split, recommender, turns=1)


def test_learning_is_judged_by_people_who_said_nothing(
    library: Library, split: Split, recommender: Recommender
) -> None:
    training = library.select_playlists(split.train)
    seen: list[Library] = []

    def train(grown: Library) -> Recommender:
        seen.append(grown)
        return fitted(grown)

    rows, n = run_learning(library, split, recommender, training, train, habits=SHORT)
    assert seen[0].n_playlists == training.n_playlists + n and n > 5
    added = seen[0].playlists["playlist_id"].to_list()[training.n_playlists :]
    assert all(playlist_id.startswith("feedback:") for playlist_id in added)
    by = {(row.method, row.metric): row for row in rows}
    queries, _ = asked(library, split, "test")
    assert 0 < by[WITHOUT, "r_precision"].n < len(queries)
    again, _ = run_learning(library, split, recommender, training, lambda _: recommender, habits=SHORT)
    assert all(row.difference.mean == 0 for row in again if row.method == WITH and row.difference is not None)


def test_people_without_a_word_teach_nothing(library: Library, split: Split, recommender: Recommender) -> None:
    silent = replace(SHORT, keep=0.0, never=0.0)
    with pytest.raises(InputError, match="too few people"):
        run_learning(library, split, recommender, library, lambda _: recommender, habits=silent)


def test_replayed_events_say_whether_leaning_would_have_helped(
    library: Library, split: Split, recommender: Recommender
) -> None:
    ids = library.tracks["track_id"].to_list()
    events = []
    for part in ("test", "validation"):
        queries, qrels = asked(library, split, part)  # type: ignore[arg-type]
        # these people want the whole side, so that each word tells something
        sides = {i: rows[0] // SIDE * SIDE + np.arange(SIDE) for i, rows in qrels.relevant.items()}
        qrels = Qrels({i: side.astype(np.int32) for i, side in sides.items()}, qrels.artist_rows)
        people = sessions(EXCLUSION, recommender, queries, qrels, SHORT, turns=5)
        events += [_of(event, part) for event in events_of(people, ids)]
    found = replay(events, ids, recommender)
    assert found.lists > 40 and found.people < found.lists
    assert found.difference.low is not None and found.difference.low > 0
    # what was said of the first list turned round: leaning on it ranks the second one worse
    turned = {"keep": "never", "more": "never", "never": "keep"}
    backwards = [
        _said(event, turned.get(event.action, event.action)) if event.list_id.endswith("-0") else event
        for event in events
        if event.list_id[-2:] in ("-0", "-1")
    ]
    worse = replay(backwards, ids, recommender)
    assert worse.difference.high is not None and worse.difference.high < 0


def _of(event: FeedbackEvent, part: str) -> FeedbackEvent:
    import msgspec

    return msgspec.structs.replace(event, person=f"{part}:{event.person}")


def _said(event: FeedbackEvent, action: str) -> FeedbackEvent:
    import msgspec

    return msgspec.structs.replace(event, action=action)


def test_nothing_to_replay_is_said(library: Library, recommender: Recommender) -> None:
    ids = library.tracks["track_id"].to_list()
    once = [FeedbackEvent(1.0, "p", "l", "shown", "m", "title 0", shown=tuple(ids[:4]))]
    for events in ([], once, [*once, _said(once[0], "keep")]):
        with pytest.raises(InputError, match="nothing to compare"):
            replay(events, ids, recommender)


def test_the_report_is_written_as_data_and_as_a_page(figures: FeedbackFigures, tmp_path: Path) -> None:
    data, html = save_figures(figures, tmp_path)
    read = json.loads(data.read_text())
    assert read["n_people"] == figures.n_people and len(read["rows"]) == 2 * 3 * 3 * 4
    page = html.read_text()
    assert "20% wrong clicks" in page and "simulation" in page and "<script" not in page
