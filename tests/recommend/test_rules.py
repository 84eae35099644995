from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import QueryError
from segue.library import Catalogue, Interactions, Library, Query, Ranking
from segue.recommend.rules import Rules, apply

N = 30


def catalogue(**columns: Any) -> Catalogue:
    table = {
        "track_id": [str(i) for i in range(N)],
        "name": [f"Song {i}" for i in range(N)],
        "artist": [f"Artist {i % 6}" for i in range(N)],
        **columns,
    }
    playlists = pl.DataFrame({"playlist_id": ["0"]})
    return Catalogue.of(Library(pl.DataFrame(table), playlists, Interactions.of([[0]], n_columns=N)))


FULL = catalogue(
    name=[f"Song {i // 2}" + (" - Live" if i % 2 else "") for i in range(N)],
    artist=[f"Artist {(i // 2) % 6}" for i in range(N)],
    year=[1970 + 2 * i if i % 5 else None for i in range(N)],
    duration_ms=[60_000 + 10_000 * i if i % 7 else None for i in range(N)],
    explicit=[None, True, False] * 10,
)
BARE = catalogue()


def ranking(rows: list[int]) -> Ranking:
    return Ranking(np.array(rows, np.int32), np.linspace(1, 0.1, max(len(rows), 1), dtype=np.float32)[: len(rows)])


ALL = ranking(list(range(N)))

rules_strategy = st.builds(
    Rules,
    n=st.none() | st.integers(0, 40),
    minutes=st.none() | st.floats(0.5, 60),
    exclude_tracks=st.lists(st.integers(0, N), max_size=4).map(tuple),
    exclude_artists=st.lists(st.integers(0, 6), max_size=3).map(tuple),
    exclude_given_artists=st.booleans(),
    artist_cap=st.none() | st.integers(1, 4),
    artist_spacing=st.integers(0, 8),
    one_version=st.booleans(),
    year_from=st.none() | st.integers(1900, 2000),
    year_to=st.none() | st.integers(2000, 2030),
    allow_explicit=st.booleans(),
    max_track_minutes=st.none() | st.floats(0.5, 8),
)


@settings(max_examples=200)
@given(rules_strategy, st.permutations(range(N)), st.lists(st.integers(-2, N + 2), max_size=3), st.booleans())
def test_rules_hold_whatever_is_asked(rules: Rules, rows: list[int], seeds: list[int], bare: bool) -> None:
    tracks = BARE if bare else FULL
    query = Query("", tuple(seeds))
    found = apply(ranking(rows), tracks, rules, query)
    kept = found.rows.tolist()
    assert len(set(kept)) == len(kept) == len(found.scores) and set(kept) <= set(rows)
    assert not set(kept) & {*seeds, *rules.exclude_tracks}
    artists = tracks.artist_row[found.rows]
    assert not set(artists.tolist()) & set(rules.exclude_artists)
    if rules.exclude_given_artists:
        assert not set(artists.tolist()) & {int(tracks.artist_row[s]) for s in seeds if 0 <= s < N}
    if rules.one_version:
        assert len(np.unique(tracks.recording[found.rows])) == len(kept)
    if rules.artist_cap is not None and len(kept):
        assert np.bincount(artists).max() <= rules.artist_cap
    if rules.n is not None:
        assert len(kept) <= rules.n
    if rules.artist_spacing and not any("too few artists" in s for s in found.ignored):
        for i, artist in enumerate(artists):
            assert artist not in artists[max(0, i - rules.artist_spacing) : i]
    if not bare:
        if rules.year_from is not None:
            assert (tracks.year[found.rows] >= rules.year_from).all()
        if not rules.allow_explicit:
            assert (tracks.explicit[found.rows] != 1).all()
        if rules.max_track_minutes is not None:
            assert (tracks.duration_ms[found.rows] <= rules.max_track_minutes * 60_000).all()
    again = apply(ranking(rows), tracks, rules, query)
    assert again.rows.tolist() == kept and again.ignored == found.ignored
    if not rules.artist_spacing:
        assert (np.diff(found.scores) <= 0).all()


def test_what_the_library_does_not_know_is_said() -> None:
    rules = Rules(n=5, year_from=1990, allow_explicit=False, max_track_minutes=5)
    found = apply(ALL, BARE, rules)
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert len(found.ignored) == 3
    assert "no years" in found.ignored[0] and "explicit" in found.ignored[1] and "no durations" in found.ignored[2]


def test_tracks_of_unknown_year_are_left_out_of_a_year_range() -> None:
    found = apply(ALL, FULL, Rules(n=None, year_to=1980, one_version=False))
    assert found.rows.tolist() == [1, 2, 3, 4]
    assert found.ignored == ()


def test_the_best_ranked_version_stays() -> None:
    assert apply(ranking([3, 2, 0, 1]), FULL, Rules(n=9)).rows.tolist() == [3, 0]
    assert apply(ranking([3, 2, 0, 1]), FULL, Rules(n=9, one_version=False)).rows.tolist() == [3, 2, 0, 1]


def test_artist_cap_and_spacing_by_hand() -> None:
    rows = [0, 6, 12, 1, 7, 2]  # artists 0 0 0 1 1 2
    assert apply(ranking(rows), BARE, Rules(n=9, artist_cap=1)).rows.tolist() == [0, 1, 2]
    spaced = apply(ranking(rows), BARE, Rules(n=6, artist_spacing=1))
    assert spaced.rows.tolist() == [0, 1, 6, 7, 12, 2]
    assert spaced.ignored == ()
    impossible = apply(ranking([0, 6, 1]), BARE, Rules(n=3, artist_spacing=2))
    assert impossible.rows.tolist() == [0, 1, 6]
    assert "too few artists" in impossible.ignored[0]


def test_minutes_take_what_fits() -> None:
    durations = [180_000, 600_000, 120_000] + [60_000] * (N - 3)
    timed = catalogue(duration_ms=durations)
    found = apply(ALL, timed, Rules(minutes=6, n=None))
    assert found.rows.tolist() == [0, 2, 3]
    assert found.ignored == ()
    assert apply(ALL, timed, Rules(minutes=6, n=2)).rows.tolist() == [0, 2]
    few = apply(ranking([0]), timed, Rules(minutes=60, n=None))
    assert few.rows.tolist() == [0] and "3 of 60 minutes" in few.ignored[0]
    unknown = apply(ALL, BARE, Rules(minutes=7, n=None))
    assert len(unknown) == 2 and "knows no durations" in unknown.ignored[0]


def test_no_track_that_is_short_enough_is_said() -> None:
    found = apply(ALL, FULL, Rules(minutes=0.01, n=None))
    assert len(found) == 0 and "no track" in found.ignored[-1] and "0.01 minutes" in found.ignored[-1]


def test_too_few_tracks_are_reported() -> None:
    found = apply(ALL, FULL, Rules(n=40, one_version=False))
    assert len(found) == N and "only 30 of 40" in found.ignored[0]
    assert len(apply(ranking([]), FULL, Rules(artist_spacing=2, minutes=3))) == 0


@pytest.mark.parametrize(
    "rules",
    [
        {"n": -1},
        {"minutes": 0},
        {"minutes": float("nan")},
        {"artist_cap": 0},
        {"artist_spacing": -1},
        {"year_from": 2000, "year_to": 1990},
        {"max_track_minutes": 0},
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        Rules(**rules)


def test_how_deep_to_rank_and_what_to_show() -> None:
    assert Rules().most_tracks == 66
    assert Rules(n=None, minutes=60).most_tracks == 30
    assert Rules(n=None).most_tracks == 500
    assert Rules(artist_cap=2).to_json() == {"n": 66, "one_version": True, "artist_cap": 2}
