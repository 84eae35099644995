from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.planted_texts import HOSTILE, planted, retitled, with_playlist
from lm.server import KEY, Chat, ChatServer, serving_chat
from segue.enrich.describe import (
    FIRST,
    Description,
    describe,
    description_jobs,
    missing,
    with_written,
)
from segue.enrich.extractive import EXTRACTIVE, clean
from segue.enrich.review import Verdict, key_of, with_verdicts
from segue.library import Interactions, Library
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS
from segue.lm.openai_compatible import OpenAICompatible
from segue.lm.prompts import Prompt

SHOWN = {"name", "artist", "album", "year", "genre"}
SAID: dict[str, Any] = {
    "description": "Hard beats for lifting.",
    "themes": ["hype"],
    "genres": ["rap"],
    "activities": ["working out"],
    "eras": ["2010s"],
    "artists": ["DRAKE", "Elvis", "Migos"],
}


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with serving_chat(lambda chat: SAID) as server:
        yield server


@pytest.fixture
def model(chat: ChatServer) -> Iterator[OpenAICompatible]:
    asked = chat.model()
    yield asked
    asked.close()


def test_a_model_is_shown_title_and_first_tracks_and_nothing_else(chat: ChatServer, model: OpenAICompatible) -> None:
    library = with_playlist(planted(), "my </data> title", list(range(30)))
    row = library.n_playlists - 1
    describe(library, model, rows=[row])
    (asked,) = chat.chats
    sent = asked.last
    names = [f"Track 0 {i}" for i in range(30)]
    assert [name for name in names if f'"{name}"' in sent] == names[:FIRST]
    assert "my" in sent and "</data>" not in asked.text
    assert "genre" in sent and "2015" in sent


def test_no_description_of_a_person_and_no_other_title_reaches_a_model(
    chat: ChatServer, model: OpenAICompatible
) -> None:
    library = planted()
    describe(retitled(library, {0: "zither"}), model, rows=[0, 1])
    assert len(chat.chats) == 2
    assert "maker" not in "".join(asked.text for asked in chat.chats)
    assert sum("zither" in asked.text for asked in chat.chats) == 1


def test_what_a_model_says_becomes_columns(chat: ChatServer, model: OpenAICompatible) -> None:
    library = planted()
    made = describe(library, model, rows=[0, 2])
    version = Prompt.read("segue.enrich", "describe").version
    assert made.playlist_ids == ("p0", "p2")
    assert made.columns.row(0, named=True) == {
        "written": "Hard beats for lifting.", "written_by": f"openai:test {version}", "themes": "hype",
        "genres": "rap", "activities": "working out", "eras": "2010s", "artists": "Drake; Migos",
    }  # fmt: skip
    assert made.unknown_artists == 2 and made.to_json()["unknown_artists"] == 2
    changed = with_written(library, made.playlist_ids, made.columns)
    assert changed.playlists["written"].is_not_null().arg_true().to_list() == [0, 2]
    assert changed.playlists["description"].equals(library.playlists["description"])
    assert missing(changed) == [row for row in range(library.n_playlists) if row not in (0, 2)]
    assert changed.fingerprint == library.fingerprint


def test_only_tracks_that_were_shown_support_an_artist(chat: ChatServer, model: OpenAICompatible) -> None:
    library = with_playlist(planted(), "x", [*range(1, 4), *([2] * FIRST), 40, 41])
    chat.answer = lambda chat: {**SAID, "artists": ["Drake", "Miles Davis", "Bill Evans"]}
    made = describe(library, model, rows=[library.n_playlists - 1])
    assert made.columns["artists"].to_list() == ["Drake"] and made.unknown_artists == 2


def test_what_fails_is_a_failure_and_no_guess(chat: ChatServer, model: OpenAICompatible) -> None:
    def answer(asked: Chat) -> Any:
        return "no idea" if "Track 1" in asked.text else SAID

    chat.answer = answer
    made = describe(planted(), model, rows=[0, 12])
    assert made.playlist_ids == ("p0",) and [failure.key for failure in made.failures] == ["p12"]
    assert made.to_json()["failures"][0]["playlist_id"] == "p12"


@pytest.mark.parametrize(
    "bad",
    [
        {"description": ""},
        {"description": "x" * 601},
        {"genres": ["x"] * 11},
        {"themes": ["y" * 81]},
        {"artists": "Drake"},
        {"description": None},
        {"description": "\u202e\x00 \n"},
    ],
)
def test_a_reply_outside_the_schema_is_not_taken(
    chat: ChatServer, model: OpenAICompatible, bad: dict[str, Any]
) -> None:
    chat.answer = lambda chat: {**SAID, **bad}
    made = describe(planted(), model, rows=[0])
    assert made.playlist_ids == () and made.columns.height == 0


def test_hostile_replies_are_one_harmless_line(chat: ChatServer, model: OpenAICompatible) -> None:
    chat.answer = lambda chat: {**SAID, "description": "a\u202e\x1b[2J\nb", "themes": ["x; y", "\x00", "x; y"]}
    row = describe(planted(), model, rows=[0]).columns.row(0, named=True)
    assert row["written"] == "a[2J b" and row["themes"] == "x, y"


def test_titles_and_names_that_mean_harm_stay_data(chat: ChatServer, model: OpenAICompatible) -> None:
    library = planted()
    n = len(HOSTILE)
    names = [HOSTILE[i % n] for i in range(library.n_tracks)]
    library = retitled(library, dict(enumerate(HOSTILE))).with_track_columns(
        pl.DataFrame({"name": names, "artist": names, "album": names, "genre": names})
    )
    # a model that obeys: it says what it reads, and names what was never there
    chat.answer = lambda asked: {**SAID, "artists": ["Elvis", HOSTILE[6], "unknown"], "themes": [KEY], "extra": "x"}
    made = describe(library, model, rows=list(range(n)))
    for asked in chat.chats:
        system, data = asked.contents
        assert system == Prompt.read("segue.enrich", "describe").system
        title, tracks = data.split("\n")
        assert isinstance(json.loads(title.removeprefix("Title: ")), str)
        shown = json.loads(tracks.split(": ", 1)[1])
        assert len(shown) == FIRST and all(set(track) <= SHOWN for track in shown)
        assert "</" not in data and "\x1b" not in data and "\u202e" not in data and len(data) < 20_000
        assert KEY not in asked.text
    assert len(made.playlist_ids) == n and made.columns.columns == list(OPTIONAL_PLAYLIST_COLUMNS)
    given = {clean(name) for name in HOSTILE}
    for artists in made.columns["artists"]:
        assert artists is None or set(artists.split("; ")) <= given
    assert made.unknown_artists >= 2 * n


def test_playlists_without_tracks_are_not_asked_about() -> None:
    library = with_playlist(planted(), "empty", [])
    assert library.n_playlists - 1 not in missing(library)


def test_the_stand_in_needs_no_model_and_says_so() -> None:
    made = describe(planted())
    assert set(made.columns["written_by"]) == {EXTRACTIVE} and made.asked == len(made.playlist_ids) == 36


def test_a_rejected_reply_is_not_taken_again(chat: ChatServer, model: OpenAICompatible) -> None:
    library = planted()
    made = describe(library, model, rows=[0])
    text = made.columns["written"][0]
    judged = with_verdicts(
        with_written(library, made.playlist_ids, made.columns),
        [Verdict("playlist", "p0", key_of("playlist", "p0", text), "reject")],
    )
    again = describe(judged, model, rows=[0, 1])
    assert again.rejected == 1 and again.playlist_ids == ("p1",)
    chat.answer = lambda chat: {**SAID, "description": "Something else."}
    assert describe(judged, model, rows=[0]).playlist_ids == ("p0",)


@given(st.lists(st.integers(0, 7), max_size=6, unique=True), st.lists(st.integers(0, 5), max_size=6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_texts_go_where_they_belong(there: list[int], ids: list[int], over: bool) -> None:
    library = Library(
        pl.DataFrame({"track_id": ["t"]}),
        pl.DataFrame({"playlist_id": [f"p{i}" for i in range(6)]}),
        Interactions.of([[0]] * 6, n_columns=1),
    )
    held = [f"old {i}" if i in there else None for i in range(6)]
    library = library.with_playlist_columns(pl.DataFrame({"written": held}, {"written": pl.String}))
    new = list(dict.fromkeys(ids))
    columns = pl.DataFrame(
        {**{name: [None] * len(new) for name in OPTIONAL_PLAYLIST_COLUMNS}, "written": [f"new {i}" for i in new]},
        dict.fromkeys(OPTIONAL_PLAYLIST_COLUMNS, pl.String),
    )
    found = with_written(library, [f"p{i}" for i in new], columns, over=over).playlists["written"].to_list()
    assert found == [f"new {i}" if i in new and (over or held[i] is None) else held[i] for i in range(6)]
    # an id that the library lacks is passed over
    assert (
        with_written(library, ["px"], columns[:1] if new else columns, over=True).playlists["written"].to_list()
        == held
    )


def test_each_job_has_its_playlists_id() -> None:
    library = planted()
    jobs = description_jobs(library, np.arange(3).tolist())
    assert [job.key for job in jobs] == ["p0", "p1", "p2"]
    schema = json.dumps(Description.model_json_schema())
    assert "maxLength" in schema and "maxItems" in schema
    named = Prompt.read("segue.enrich", "describe")
    assert named.schema == Description.__name__ and named.inputs == ("title", "tracks")
    assert replace(library).titles[0] == "gym rap"
