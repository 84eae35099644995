from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.split.challenge import MINIMUM_HIDDEN, SCENARIOS, rule_of, scenario


def library_of(playlists: list[list[int]], titles: list[str]) -> Library:
    return Library(
        pl.DataFrame({"track_id": [str(i) for i in range(200)], "artist": [str(i % 9) for i in range(200)]}),
        pl.DataFrame({"playlist_id": [f"p{i}" for i in range(len(playlists))], "title": titles}),
        Interactions.of(playlists, n_columns=200),
    )


def test_there_are_ten_scenarios() -> None:
    assert len(SCENARIOS) == 10
    shapes = {(rule_of(s).title, rule_of(s).given, rule_of(s).random) for s in SCENARIOS}
    assert shapes == {
        (True, 0, False),
        (True, 1, False),
        (True, 5, False),
        (True, 10, False),
        (True, 25, False),
        (True, 100, False),
        (False, 5, False),
        (False, 10, False),
        (True, 25, True),
        (True, 100, True),
    }
    with pytest.raises(InputError, match="title\\+first-5"):
        scenario(library_of([[0]], ["a"]), np.array([0]), "first-3")


playlists = st.lists(st.lists(st.integers(0, 199), max_size=160), min_size=1, max_size=5)


@given(playlists, st.sampled_from(SCENARIOS), st.data())
@settings(max_examples=150, deadline=None)
def test_given_and_hidden_are_the_distinct_tracks(lists: list[list[int]], name: str, data: st.DataObject) -> None:
    titles = data.draw(
        st.lists(st.sampled_from(["", " ", "road trip", "🔥"]), min_size=len(lists), max_size=len(lists))
    )
    library = library_of(lists, titles)
    rule = rule_of(name)
    queries, truth = scenario(library, np.arange(len(lists)), name)
    asked = {query.query_id: query for query in queries}
    assert list(asked) == list(truth)
    for row, (tracks, title) in enumerate(zip(lists, titles, strict=True)):
        distinct = list(dict.fromkeys(tracks))
        minimum = rule.given + (MINIMUM_HIDDEN if rule.given else 1)
        takes_part = len(distinct) >= minimum and (bool(title.strip()) or not rule.title)
        assert (f"p{row}" in asked) == takes_part
        if not takes_part:
            continue
        query, hidden = asked[f"p{row}"], truth.relevant[f"p{row}"].tolist()
        given_tracks = list(query.seed_tracks)
        assert query.title == (title if rule.title else "")
        assert len(given_tracks) == rule.given
        assert set(given_tracks) | set(hidden) == set(distinct)
        assert not set(given_tracks) & set(hidden)
        assert given_tracks == [t for t in distinct if t in set(given_tracks)]  # in playlist order
        assert hidden == [t for t in distinct if t in set(hidden)]
        if not rule.random:
            assert given_tracks == distinct[: rule.given]


def test_a_draw_depends_on_the_playlist_and_not_on_its_company() -> None:
    lists = [list(range(60)), list(range(60, 120)), list(range(100, 180))]
    library = library_of(lists, ["a", "b", "c"])
    together, _ = scenario(library, np.array([0, 1, 2]), "title+random-25")
    alone, _ = scenario(library, np.array([2]), "title+random-25")
    other, _ = scenario(library, np.array([2]), "title+random-25", rng_key=7)
    assert together[2] == alone[0]
    assert other[0].seed_tracks != alone[0].seed_tracks
    assert alone[0].seed_tracks != tuple(range(100, 125))


def test_truth_carries_artists_and_popularity() -> None:
    library = library_of([list(range(30))], ["a"])
    popularity = np.arange(200)
    _, truth = scenario(library, np.array([0]), "title", popularity=popularity)
    assert truth.popularity is popularity
    assert truth.artist_rows is not None
    assert len(truth.artist_rows) == 200
