from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.enrich.feedback import (
    Impression,
    feedback_pairs,
    graded,
    impressions,
    kept_playlists,
    seen_places,
)
from segue.enrich.feedback_bias import BUCKETS, examination
from segue.enrich.feedback_library import exported, with_feedback, write_feedback
from segue.errors import OutputError
from segue.library import Interactions, Library
from segue.library.feedback import FeedbackEvent, GradedTrack
from segue.library.searching import read_lines
from segue.split.holdout import part_of

N_SHOWN = 20


def simulated(
    decay: float, *, titles: int = 120, lists: int = 8, rng_key: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], dict[int, float]]:
    """Lists whose order follows what people like, loosely; each place is looked at with probability k ** -decay.

    Returns pairs, positions, whether kept, and the planted probability of being kept once looked at.
    """
    rng = np.random.default_rng(rng_key)
    places = np.arange(1, N_SHOWN + 1)
    pairs, positions, kept = [], [], []
    truth: dict[int, float] = {}
    for title in range(titles):
        liking = rng.uniform(0.05, 0.9, 40)
        truth.update({title * 100 + i: float(p) for i, p in enumerate(liking)})
        for _ in range(lists):
            order = np.argsort(-liking + rng.normal(0, 0.25, len(liking)))[:N_SHOWN]
            pairs.append(title * 100 + order)
            positions.append(places)
            kept.append(rng.random(N_SHOWN) < places**-decay * liking[order])
    return np.concatenate(pairs), np.concatenate(positions), np.concatenate(kept), truth


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_planted_places_are_recovered_whatever_is_liked(decay: float) -> None:
    pairs, positions, kept, _ = simulated(decay)
    found = examination(pairs, positions, kept)
    places = np.arange(1, 16)
    planted = places.astype(float) ** -decay
    assert found.known and found.measured[:8].all()
    assert np.abs(np.log(found.of(places) / planted)).mean() < 0.12
    assert abs(found.decay - decay) < 0.1
    # what is kept by place alone mixes what is liked into it: the order follows liking
    rate = np.array([kept[positions == place].mean() for place in places])
    assert np.abs(np.log(rate / rate[0] / planted)).mean() > 2 * np.abs(np.log(found.of(places) / planted)).mean()


def test_also_where_each_track_was_seen_twice_only() -> None:
    pairs, positions, kept, _ = simulated(0.7, titles=1_500, lists=2)
    found = examination(pairs, positions, kept)
    assert np.abs(np.log(found.of(np.arange(1, 16)) / np.arange(1.0, 16) ** -0.7)).mean() < 0.15


def test_weights_make_right_what_places_made_wrong() -> None:
    """The same tracks always high or always low: the naive rate follows the place, the weighted one the liking."""
    rng = np.random.default_rng(1)
    liking = np.array([0.3, 0.3, 0.6, 0.6])
    at = np.array([1, 12, 2, 14])
    shown = []
    for _ in range(4_000):
        # now and then they are swapped, which is what places are told by
        swap = rng.random() < 0.2
        where = at[[1, 0, 3, 2]] if swap else at
        looked = rng.random(4) < where**-0.6
        kept = looked & (rng.random(4) < liking)
        rejected = looked & ~kept & (rng.random(4) < 0.5)
        for i in range(4):
            verdict = 1 if kept[i] else -1 if rejected[i] else 0
            shown.append(Impression("t", "t", f"t{i}", int(where[i]), verdict, verdict != 0, True))
    found = {pair.track_id: pair for pair in graded(shown, seen_places(shown), prior=0.0)}
    naive = np.array([found[f"t{i}"].kept / found[f"t{i}"].shown for i in range(4)])
    weighted = np.array([found[f"t{i}"].rate for i in range(4)])
    assert naive[0] > naive[3] + 0.05, "what stands first looks better than what is better"
    # the first place is the measure: everything is relative to it, and it is looked at always
    assert np.abs(weighted - liking).max() < 0.06
    assert np.abs(weighted - liking).max() < np.abs(naive - liking).max() / 3
    grades = np.array([found[f"t{i}"].grade for i in range(4)])
    expected = liking / (liking + (1 - liking) * 0.5)
    assert np.abs(grades - expected).max() < 0.05


def test_a_bound_on_weights_bounds_them() -> None:
    pairs, positions, kept, _ = simulated(1.0, titles=30)
    found = examination(pairs, positions, kept)
    assert found.weights(np.arange(1, 200), 10.0).max() == 10.0
    assert found.weights(np.array([1]), 10.0).tolist() == [1.0]


def test_what_cannot_be_told_is_not_made_up() -> None:
    pairs, positions, kept, _ = simulated(1.0, titles=50, lists=1)  # no track stood in two places
    for found in (examination(pairs, positions, kept), examination(pairs[:0], positions[:0], kept[:0])):
        assert not found.known and found.of(np.arange(1, 50)).tolist() == [1.0] * 49
    swapped = examination(np.array([1, 1]), np.array([1, 5]), np.array([True, False]))
    assert (swapped.known, swapped.swapped) == (False, 1)


def test_groups_that_no_swap_connects_are_not_compared() -> None:
    """Places 1 and 2 swap, places 6 and 8 swap, nothing between: one such set is measured, the rest on its curve."""
    rng = np.random.default_rng(0)
    rows = [(f, p) for f in range(200) for p in (1, 2)] + [(f, p) for f in range(200, 400) for p in (6, 8)]
    pairs, positions = (np.array(column) for column in zip(*rows, strict=True))
    found = examination(pairs, positions, rng.random(len(pairs)) < 0.5)
    assert found.measured.sum() == 2


words = st.lists(
    st.tuples(
        st.sampled_from(["shown", "keep", "more", "never", "undo", "save"]),
        st.sampled_from("pq"),
        st.sampled_from("lm"),
        st.sampled_from("abcd"),
    ),
    max_size=25,
)


def events_of(said: list[tuple[str, str, str, str]]) -> list[FeedbackEvent]:
    return [
        FeedbackEvent(1.0, person, name, "shown", "m", f"Title {name}", shown=("a", "b", "c", "a"))
        if action == "shown"
        else FeedbackEvent(1.0, person, name, action, "m", f"title {name}!", (), track, 1)  # type: ignore[arg-type]
        for action, person, name, track in said
    ]


@given(words)
def test_impressions_are_the_shown_tracks_with_the_last_word(said: list[tuple[str, str, str, str]]) -> None:
    found = impressions(events_of(said))
    lists = {(person, name) for action, person, name, _ in said if action == "shown"}
    assert len(found) == 3 * len(lists), "each track once"
    assert all(one.position == "abc".index(one.track_id) + 1 and one.plain for one in found)
    for one in found:
        assert abs(one.verdict) <= one.judged
    total = sum(abs(one.verdict) for one in found)
    last = {(p, name, t): a for a, p, name, t in said if a in ("keep", "more", "never", "undo")}
    assert total == sum((p, n) in lists and t in "abc" and a != "undo" for (p, n, t), a in last.items())


def test_what_words_have_placed_tells_nothing_of_places() -> None:
    """Lists of one title: nothing said, something said, and one that those words have ordered anew."""

    def event(name: str, action: str, track: str = "", shown: tuple[str, ...] = ()) -> FeedbackEvent:
        return FeedbackEvent(1.0, "p", name, action, "m", "t", (), track, 1, shown)  # type: ignore[arg-type]

    events = [
        event("1", "shown", shown=("a", "b")),
        event("2", "shown", shown=("b", "a")),
        event("2", "keep", "a"),
        event("3", "shown", shown=("a", "c", "b")),
        event("3", "keep", "a"),
        event("3", "never", "c"),
    ]
    found = {(one.track_id, one.position, one.verdict, one.plain) for one in impressions(events)}
    assert found == {("b", 1, 0, True), ("a", 2, 1, True), ("c", 2, -1, False)}
    unanswered = impressions(events[:2])
    assert [(one.track_id, one.position) for one in unanswered] == [("b", 1), ("a", 2)]


@given(words)
def test_kept_playlists_hold_what_was_not_taken_back(said: list[tuple[str, str, str, str]]) -> None:
    found = {(one.title.lower()[-2:-1], one.person): set(one.track_ids) for one in kept_playlists(events_of(said))}
    expected: dict[tuple[str, str], set[str]] = {}
    for action, person, name, track in said:
        tracks = expected.setdefault((name, person), set())
        if action in ("keep", "more", "save"):
            tracks.add(track)
        elif action != "shown":
            tracks.discard(track)
    assert sorted(map(sorted, found.values())) == sorted(sorted(t) for t in expected.values() if len(t) > 1)


def test_what_a_model_has_shown_never_judges_it() -> None:
    events = [
        FeedbackEvent(1.0, f"person {i}", "", "keep", "m", "t", (), track, 0) for i in range(300) for track in "ab"
    ]
    ids = [one.playlist_id for one in kept_playlists(events)]
    assert len(set(ids)) == 300
    assert all(part_of(playlist_id) > 1 for playlist_id in ids), "neither test nor validation"
    assert ids == [one.playlist_id for one in kept_playlists(events)]
    assert not any("person" in one.person for one in kept_playlists(events))


def test_grades_lie_between_none_and_all_and_know_their_titles() -> None:
    shown = [
        Impression("rain", "Rain", "a", 1, 1, True, True),
        Impression("rain", "rain", "a", 2, 1, True, True),
        Impression("rain", "rain", "b", 3, -1, True, True),
        Impression("rain", "rain", "c", 4, 0, False, True),
    ]
    found = graded(shown, seen_places(shown))
    assert [(p.title, p.track_id, p.shown, p.kept, p.rejected) for p in found] == [
        ("rain", "a", 2, 2, 0),
        ("rain", "b", 1, 0, 1),
    ]
    assert 1 > found[0].grade > 2 / 3 > found[1].grade > 0, "the prior is the mean of all"
    pairs = feedback_pairs(found, {"a": "Song A", "b": " "})
    assert (pairs.left, pairs.right, len(pairs.grades)) == (("rain",), ("Song A",), 1)


def library() -> Library:
    tracks = pl.DataFrame({"track_id": [f"x:{c}" for c in "abcd"], "name": list("ABCD"), "artist": list("wxyz")})
    playlists = pl.DataFrame({"playlist_id": ["1"], "title": ["old"]})
    return Library(tracks, playlists, Interactions.of([[0, 1]], n_columns=4))


def stored() -> list[FeedbackEvent]:
    shown = FeedbackEvent(1.0, "k1:secret-name", "l", "shown", "m", "Rain", shown=("x:a", "x:b", "x:c"))
    said = [
        FeedbackEvent(2.0, "k1:secret-name", "l", action, "m", "Rain", (), track, 1)  # type: ignore[arg-type]
        for action, track in [("keep", "x:c"), ("more", "x:a"), ("never", "x:b"), ("keep", "unknown:1")]
    ]
    return [shown, *said]


def test_an_export_is_read_by_what_trains(tmp_path: Path) -> None:
    from segue.sources.ingest import ingest
    from segue.sources.listeners_csv import read_listeners

    about = write_feedback(exported(stored()), tmp_path / "out", library())
    assert (about["events"], about["people"], about["playlists"], about["pairs"]) == (5, 1, 1, 3)
    data = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert b"secret-name" not in data, "pseudonyms become digests"
    ingested = ingest([tmp_path / "out" / "playlists.jsonl"])
    assert ingested.titles == ["Rain"]
    assert ingested.tracks["track_id"].to_list() == ["x:c", "x:a", "unknown:1"]
    listeners, _ = read_listeners([tmp_path / "out" / "listeners.csv"])
    assert [[track.track_id for track in one.tracks] for one in listeners] == [["x:c", "x:a", "unknown:1"]]
    pairs = read_lines(tmp_path / "out" / "pairs.jsonl", GradedTrack)
    assert [pair.track_id for pair in pairs if pair.rejected] == ["x:b"]
    assert len(read_lines(tmp_path / "out" / "events.jsonl", FeedbackEvent)) == 5
    grown = Library.load(tmp_path / "out" / "library")
    assert grown.titles == ["old", "Rain"] and grown.playlist_tracks.row(1).tolist() == [2, 0]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["kind"] == "segue feedback"
    with pytest.raises(OutputError):
        write_feedback(exported(stored()), tmp_path / "out" / "library")


def test_hostile_ids_are_no_formulas(tmp_path: Path) -> None:
    events = [
        FeedbackEvent(1.0, "p", "", "keep", "m", "=1+1", (), track, 0) for track in ("=cmd|'/c'", "@x", 'a,b\n"c')
    ]
    write_feedback(exported(events), tmp_path / "out")
    with (tmp_path / "out" / "listeners.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[1][:1] for row in rows] == ["'", "'", "a"]
    assert rows[2][1] == 'a,b\n"c'


def test_a_library_without_new_tracks_stays_as_it_is() -> None:
    events = [FeedbackEvent(1.0, "p", "", "keep", "m", "t", (), f"unknown:{i}", 0) for i in range(3)]
    grown = with_feedback(library(), kept_playlists(events))
    assert grown.titles == ["old"]


def test_buckets_rise_and_start_at_one() -> None:
    assert BUCKETS[0] == 1 and list(BUCKETS) == sorted(set(BUCKETS))
