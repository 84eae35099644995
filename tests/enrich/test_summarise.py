from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.planted_texts import planted, with_playlist
from lm.server import ChatServer, serving_chat
from segue.enrich.summarise import (
    TEMPLATE,
    WORDS,
    Summary,
    samples,
    summarise,
    summary_jobs,
    template,
    unsummarised,
    with_summaries,
)
from segue.library import Interactions, Library
from segue.lm.openai_compatible import OpenAICompatible
from segue.lm.prompts import Prompt
from segue.views.specs import view_of

SUNG = "river river moon moon walk along the river tonight"


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with serving_chat(lambda chat: {"summary": "A slow song about a river."}) as server:
        yield server


@pytest.fixture
def model(chat: ChatServer) -> Iterator[OpenAICompatible]:
    asked = chat.model()
    yield asked
    asked.close()


def sung() -> Library:
    """The planted library; the first track has lyrics, the second a summary that came with it."""
    library = planted()
    n = library.n_tracks
    return library.with_track_columns(
        pl.DataFrame(
            {
                "lyrics": [SUNG, None, "rain rain"] + [None] * (n - 3),
                "summary": [None, "Written by somebody."] + [None] * (n - 2),
            }
        )
    )


def test_a_model_is_asked_from_lyrics_where_there_are_some(chat: ChatServer, model: OpenAICompatible) -> None:
    made = summarise(sung(), model, rows=[0, 3])
    # calls go out side by side, so they arrive in any order
    asked = {name: one.last for one in chat.chats for name in ("Track 0 0", "Track 0 3") if f'"{name}"' in one.last}
    assert len(chat.chats) == 2 and "river" in asked["Track 0 0"] and "null" in asked["Track 0 3"]
    assert made.track_ids == ("t0-0", "t0-3") and made.from_lyrics == 1
    version = Prompt.read("segue.enrich", "summarise").version
    assert made.columns.row(0) == ("A slow song about a river.", f"openai:test {version}")
    shown = samples(sung(), made)
    assert [(s.name, s.excerpt) for s in shown] == [("Track 0 0", SUNG), ("Track 0 3", "Track 0 3, Drake")]


def test_longer_replies_are_cut_and_bad_ones_fail(chat: ChatServer, model: OpenAICompatible) -> None:
    chat.answer = lambda chat: {"summary": " ".join(["word"] * 40)}
    made = summarise(planted(), model, rows=[0])
    assert len(made.columns["summary"][0].split()) == WORDS
    for bad in ({"summary": ""}, {"summary": 3}, {"summary": "x" * 401}, {}, "no idea"):
        answer: Any = bad
        chat.answer = lambda chat, answer=answer: answer
        made = summarise(planted(), model, rows=[0])
        assert made.track_ids == () and [failure.key for failure in made.failures] == ["t0-0"]


def test_what_came_with_a_track_stays() -> None:
    library = sung()
    assert 1 not in unsummarised(library) and len(unsummarised(library)) == library.n_tracks - 1
    once = with_summaries(library, summarise(library))
    assert once.tracks["summary"][1] == "Written by somebody." and once.tracks["summary_by"][1] is None
    assert once.tracks["summary"].null_count() == 0 and unsummarised(once) == []
    # again: the stand-in's are written anew, the other one is not
    assert 1 not in unsummarised(once, again=True) and len(unsummarised(once, again=True)) == library.n_tracks - 1
    every = summarise(once, rows=range(once.n_tracks))
    other = replace(every, columns=every.columns.with_columns(summary=pl.lit("new")))
    assert with_summaries(once, other).tracks["summary"].equals(once.tracks["summary"])
    over = with_summaries(once, other, over=True).tracks["summary"].to_list()
    assert over == ["new", "Written by somebody."] + ["new"] * (once.n_tracks - 2)


def test_the_tracks_that_most_playlists_have_come_first() -> None:
    library = planted()
    for _ in range(20):
        library = with_playlist(library, "x", [77, 5] if library.n_playlists % 2 else [5])
    assert unsummarised(library)[:2] == [5, 77]


def test_the_stand_in_says_what_is_known() -> None:
    library = sung()
    made = summarise(library, rows=[0, 79, 80])
    assert set(made.columns["summary_by"]) == {TEMPLATE}
    first, second, third = made.columns["summary"].to_list()
    assert first == "Track 0 0 by Migos. Rap from 2015. Sings of river and moon."
    assert second == "Track 1 39 by Miles Davis. Jazz from 1959."
    assert third == "Track 2 0 by Joan Baez. Folk from 1969. Calm."
    assert view_of("summary").texts(with_summaries(library, made), [0]) == [first]


def test_a_track_without_name_and_artist_gets_nothing() -> None:
    library = Library(
        pl.DataFrame({"track_id": ["a", "b"], "name": [None, "B"]}, schema_overrides={"name": pl.String}),
        pl.DataFrame({"playlist_id": ["p"]}),
        Interactions.of([[0, 1]], n_columns=2),
    )
    assert template(library, [0, 1]) == [None, "B."]
    assert unsummarised(library) == []


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=200), st.text(max_size=300))
@settings(max_examples=50, deadline=None)
def test_hostile_texts_stay_25_words_on_a_line(name: str, artist: str, tags: str, lyrics: str) -> None:
    library = Library(
        pl.DataFrame({"track_id": ["a"], "name": [name], "artist": [artist], "tags": [tags], "lyrics": [lyrics]}),
        pl.DataFrame({"playlist_id": ["p"]}),
        Interactions.of([[0]], n_columns=1),
    )
    (text,) = template(library, [0])
    if text is not None:
        assert len(text.split()) <= WORDS and "\n" not in text and "\x1b" not in text and "\u202e" not in text


def test_the_prompt_and_the_schema_fit() -> None:
    prompt = Prompt.read("segue.enrich", "summarise")
    assert prompt.schema == Summary.__name__ and prompt.inputs == ("name", "artist", "lyrics")
    assert [job.key for job in summary_jobs(planted(), [2, 0])] == ["t0-2", "t0-0"]
