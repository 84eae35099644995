from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import polars as pl
import pytest

from lm.server import KEY, Chat, ChatServer, serving_chat
from segue.encode.ngrams import NgramEncoder
from segue.enrich.candidates import pool
from segue.enrich.grade import about_of, check_not_trained_on, grade, questions_of
from segue.enrich.pairs import graded_pairs
from segue.enrich.stand_in_grades import STAND_IN
from segue.errors import InputError
from segue.index.bm25 import Bm25Index
from segue.index.exact import ExactIndex
from segue.library import Interactions, Library
from segue.library.searching import Graded, SearchQuery

TITLES = ["calm piano", "loud guitar", "piano at night", "copy of calm"]


@pytest.fixture(scope="module")
def library() -> Library:
    tracks = pl.DataFrame(
        {"track_id": [f"t{i}" for i in range(8)], "name": [f"n{i}" for i in range(8)], "artist": ["x"] * 8}
    )
    playlists = pl.DataFrame({"playlist_id": list("abcd"), "title": TITLES, "description": ["SECRET"] * 4})
    return Library(tracks, playlists, Interactions.of([[0, 1, 2], [3, 4], [5, 6, 7], [0, 1, 2]], n_columns=8))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving_chat(lambda chat: {"playlists": []}) as server:
        yield server


CANDIDATES = [("quiet piano music", ["a", "b", "c", "d"]), ("loud guitar", ["b"])]


def test_the_rule_is_what_it_says(library: Library) -> None:
    made = grade(library, CANDIDATES, about={"quiet piano music": "a"}).graded
    assert [(one.playlist_id, one.grade) for one in made] == [("a", 3), ("b", 0), ("c", 1), ("d", 2), ("b", 2)]
    assert {one.by for one in made} == {STAND_IN}
    pairs = graded_pairs(made, dict(zip("abcd", TITLES, strict=True)), hard_negatives=1)
    assert pairs.grades[0] == 1.0 and 0.0 in pairs.grades.tolist()


def asked_titles(chat: Chat) -> list[str]:
    """Titles of a question's playlists, in order of their numbers."""
    playlists = json.loads(chat.contents[1].split("Playlists: ", 1)[1])
    assert [one["number"] for one in playlists] == list(range(1, len(playlists) + 1))
    return [one["playlist"]["title"] for one in playlists]


def test_a_model_grades_numbers_and_never_sees_ids_or_descriptions(library: Library, server: ChatServer) -> None:
    def answer(chat: Chat) -> object:
        graded = [
            {"number": n, "grade": TITLES.index(title), "reason": "a\u202e\nb"}
            for n, title in enumerate(asked_titles(chat), 1)
        ]
        return {"playlists": graded[::-1]}

    server.answer = answer
    with closing(server.model()) as model:
        made = grade(library, CANDIDATES, model)
    assert [(one.playlist_id, one.grade) for one in made.graded] == [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("b", 1)]
    assert made.graded[0].by.startswith("openai:test labeler-1-") and "\u202e" not in made.graded[0].reason
    assert "SECRET" not in server.chats[0].text and "playlist_id" not in server.chats[0].text


def test_the_order_of_a_question_does_not_follow_the_search(library: Library, server: ChatServer) -> None:
    server.answer = lambda chat: {
        "playlists": [{"number": n, "grade": 1} for n in range(1, 1 + len(asked_titles(chat)))]
    }
    with closing(server.model()) as model:
        for ids in ("abcd", "dcba"):
            grade(library, [(f"query {i}", list(ids)) for i in range(12)], model)
    by_query: dict[str, set[tuple[str, ...]]] = {}
    for chat in server.chats:
        query = chat.contents[1].splitlines()[0]
        by_query.setdefault(query, set()).add(tuple(asked_titles(chat)))
    assert {len(orders) for orders in by_query.values()} == {1}, "the order that search found changes nothing"
    assert len({next(iter(orders))[0] for orders in by_query.values()}) > 1


@pytest.mark.parametrize("numbers", [[1, 2, 3], [1, 2, 3, 4, 5], [1, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 99]], ids=str)
def test_unknown_missing_or_repeated_numbers_are_a_failure(
    library: Library, server: ChatServer, numbers: list[int]
) -> None:
    server.answer = lambda chat: {"playlists": [{"number": n, "grade": 3, "reason": KEY} for n in numbers]}
    with closing(server.model()) as model:
        made = grade(library, CANDIDATES[:1], model)
    assert not made.graded and "each of 1 to 4 once" in made.failures[0].reason
    assert KEY not in made.failures[0].reason


def test_many_candidates_are_asked_in_parts() -> None:
    ids = [str(i) for i in range(23)]
    asked = questions_of([("q", ids), ("r", ["x"])])
    assert [len(part) for _, part in asked] == [10, 10, 3, 1]
    assert [one for query, part in asked for one in part if query == "q"] == ids


def test_who_labels_does_not_judge(library: Library) -> None:
    labels = grade(library, CANDIDATES).graded
    with pytest.raises(InputError, match="may not judge"):
        check_not_trained_on([Graded("q", "a", 1, "", STAND_IN)], labels)
    check_not_trained_on([Graded("q", "a", 1, "", "anna")], labels)
    with pytest.raises(InputError, match="no playlist 'zzz'"):
        grade(library, [("q", ["zzz"])])


def test_candidates_come_from_both_searches_each_once(library: Library) -> None:
    encoder = NgramEncoder.fitted(TITLES)
    found = pool(["calm piano"], Bm25Index.of(TITLES), ExactIndex(encoder.encode(TITLES)), encoder, 2, also=[[3]])[0]
    assert found[0] == 3 and found[1] == 0 and len(set(found.tolist())) == len(found)
    with pytest.raises(ValueError, match="nothing to search"):
        pool(["x"], None)
    assert np.array_equal(pool(["zzz"], Bm25Index.of(TITLES))[0], [])


def test_a_query_is_about_the_first_playlist_it_was_written_for() -> None:
    queries = [SearchQuery("q", "a", "keyword", "x"), SearchQuery("q", "b", "keyword", "x")]
    assert about_of(queries) == {"q": "a"}
