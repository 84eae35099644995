from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.server import ChatServer, serving_chat
from segue.enrich.pairs import check_without, query_pairs, without
from segue.enrich.queries import WRITTEN_STYLES, low_queries, rows_of_part, vary_queries, write_queries
from segue.enrich.query_templates import RULES, TEMPLATES, Facts, facts_of, rephrased, templated
from segue.errors import InputError
from segue.library import Interactions, Library
from segue.library.names import fold
from segue.library.searching import Click
from segue.split.holdout import part_of

FACTS = Facts(
    "Sad Rainy Morning", ("sad", "rainy"), ("indie", "folk"), ("studying",), ("1990s",), ("Nick Drake", "Beth Orton")
)


@pytest.fixture(scope="module")
def library() -> Library:
    titles = [["Sad Rainy Morning", "Gym Rap", "Road Trip 90s", "Dinner Jazz"][i % 4] for i in range(40)]
    lists = {
        "themes": "sad; rainy",
        "genres": "indie; folk",
        "activities": "studying",
        "eras": "1990s",
        "artists": "a; b",
    }
    columns = {name: [value] * 40 for name, value in lists.items()}
    playlists = pl.DataFrame(
        {
            "playlist_id": [f"p{i}" for i in range(40)],
            "title": titles,
            "description": ["SECRET words"] * 40,
            **columns,
        }
    ).with_columns(written=pl.lit("text"), written_by=pl.lit("x"))
    tracks = pl.DataFrame({"track_id": [f"t{i}" for i in range(20)], "name": ["n"] * 20, "artist": ["a"] * 20})
    return Library(tracks, playlists, Interactions.of([[i % 20, (i + 1) % 20] for i in range(40)], n_columns=20))


@pytest.mark.parametrize("style", WRITTEN_STYLES)
def test_templates_say_what_is_known_and_nothing_else(style: str) -> None:
    made = templated(FACTS, style, 3, np.random.default_rng(1))
    assert made and len(set(made)) == len(made)
    for query in made:
        assert fold(query) != fold(FACTS.title) and "{" not in query
    if style == "activity":
        assert all("studying" in query for query in made)


@given(st.text(max_size=60), st.integers(0, 1000))
def test_rules_never_give_the_title_back(title: str, key: int) -> None:
    for query in rephrased(title, 2, np.random.default_rng(key)):
        assert fold(query) != fold(title) and query.strip()


@given(st.builds(Facts, st.text(max_size=20), *[st.lists(st.text(max_size=8), max_size=3).map(tuple)] * 5))
def test_any_facts_give_some_queries_or_none(facts: Facts) -> None:
    for style in WRITTEN_STYLES:
        made = templated(facts, style, 2, np.random.default_rng(0))
        assert len(made) <= 2 and len(set(made)) == len(made)


def test_only_training_playlists_are_asked_about_and_marked(library: Library) -> None:
    made = write_queries(library)
    assert {one.by for one in made.queries} == {TEMPLATES, RULES}
    assert {one.style for one in made.queries} == set(WRITTEN_STYLES)
    assert all(part_of(one.playlist_id) > 1 for one in made.queries)
    assert not any("SECRET" in one.query for one in made.queries)
    assert write_queries(library).queries == made.queries
    test = write_queries(library, rows=rows_of_part(library, "test")).queries
    assert test and not {one.playlist_id for one in test} & {one.playlist_id for one in made.queries}


def test_where_nothing_was_written_the_tracks_tell(library: Library) -> None:
    blank = [None if i in (3, 5) else value for i, value in enumerate(library.playlists["artists"].to_list())]
    emptied = {name: [None if i in (3, 5) else "x; y" for i in range(40)] for name in ("themes", "genres")}
    part = library.with_playlist_columns(
        pl.DataFrame({**emptied, "artists": blank, "activities": blank, "eras": blank})
    )
    told = facts_of(part, [2, 3])
    assert told[0].genres == ("x", "y")
    assert told[1].artists == ("a",) and "x" not in told[1].genres
    assert facts_of(library, [2])[0].activities == ("studying",)


def test_hostile_names_make_harmless_queries() -> None:
    hostile = Facts("t", ("{artist}",), ("{genre}",), ("{x}",), ("1990s",), ("{era}", "{other}"))
    made = {query for style in WRITTEN_STYLES for query in templated(hostile, style, 9, np.random.default_rng(0))}
    assert "music for {x}" in made and "songs by artists like {era} and {other}" in made


def test_what_makes_no_sense_is_said(library: Library) -> None:
    with pytest.raises(InputError, match="no style 'poem'"):
        write_queries(library, styles=("poem",))
    with pytest.raises(InputError, match="no part 'rest'"):
        rows_of_part(library, "rest")
    with pytest.raises(InputError, match="at least 1"):
        write_queries(library, each=0)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving_chat(lambda chat: {"queries": []}) as server:
        yield server


def test_a_model_s_queries_are_kept_as_far_as_they_were_asked_for(library: Library, server: ChatServer) -> None:
    def answer(chat: object) -> object:
        title = json.loads(str(chat.contents[1]).splitlines()[0].partition(": ")[2])  # type: ignore[attr-defined]
        wanted = [
            {"style": "keyword", "query": f"about\u202e {title} \n x"},
            {"style": "keyword", "query": "a second"},
        ]
        return {"queries": [*wanted, {"style": "mood", "query": title}]}  # the title itself is no query

    server.answer = answer
    with closing(server.model()) as model:
        made = write_queries(library, model, rows=[0, 1], styles=("keyword", "mood"))
    assert [one.query for one in made.queries] == ["about Sad Rainy Morning x", "about Gym Rap x"]
    assert all(one.by.startswith("openai:test queries-1-") for one in made.queries)
    assert not any("SECRET" in chat.text for chat in server.chats)


def test_a_style_that_was_not_asked_for_is_a_failure(library: Library, server: ChatServer) -> None:
    server.answer = lambda chat: {"queries": [{"style": "poem", "query": "roses are red"}]}
    with closing(server.model()) as model:
        made = write_queries(library, model, rows=[0], styles=("keyword",))
    assert not made.queries and "'poem'" in made.failures[0].reason


def log(query: str, shown: int, clicked: int, playlist_id: str = "p2") -> list[Click]:
    return [Click(query, playlist_id, i < clicked, 1000.0 + i) for i in range(shown)]


def test_low_queries_are_those_shown_often_and_clicked_rarely() -> None:
    clicks = log("sad  morning", 40, 1) + log("gym", 30, 20) + log("rare", 5, 0) + log("nothing ever", 25, 0)
    low = low_queries(clicks)
    assert [(one.query, one.clicks, one.playlist_id) for one in low] == [
        ("sad morning", 1, "p2"),
        ("nothing ever", 0, ""),
    ]
    assert [one.playlist_id for one in low_queries(clicks, {"p3"})] == ["", ""], "clicks on other parts say nothing"
    made = vary_queries(low)
    assert made.empty == 1 and made.queries
    assert all(one.style == "logged" and one.by == RULES and one.playlist_id == "p2" for one in made.queries)


def test_a_model_varies_queries(server: ChatServer) -> None:
    server.answer = lambda chat: {"variants": ["Sad Morning!", "gloomy dawn", "gloomy dawn", "blue wake up"]}
    with closing(server.model()) as model:
        made = vary_queries(low_queries(log("sad morning", 40, 1)), model, n=2)
    assert [one.query for one in made.queries] == ["gloomy dawn", "blue wake up"]


def test_no_query_that_is_measured_can_be_trained_on(library: Library) -> None:
    queries = write_queries(library).queries
    pairs = query_pairs(queries, {f"p{i}": f"text {i}" for i in range(40)})
    measured = [queries[0].query.upper() + "!", queries[5].query]
    clean = without(pairs, measured)
    assert 0 < len(clean.left) < len(pairs.left)
    check_without(clean, measured)
    with pytest.raises(InputError, match="hold a query that is to be measured"):
        check_without(pairs, measured)
