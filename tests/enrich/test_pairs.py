from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.enrich.pairs import graded_pairs, joined, metadata_pairs, query_pairs, similar_playlists, without
from segue.library import Interactions, Library
from segue.library.searching import Graded, SearchQuery
from segue.library.supervision import Pairs

TEXTS = {name: f"text {name}" for name in "abcd"}
grades = st.lists(
    st.builds(Graded, st.sampled_from(["q", "r", " "]), st.sampled_from("abcdz"), st.integers(0, 3), st.just(""),
              st.sampled_from(["anna", "ben"])), max_size=20
)  # fmt: skip


@given(grades, st.integers(0, 3))
def test_grades_become_pairs_of_positives_and_the_hardest_negatives(graded: list[Graded], most: int) -> None:
    pairs = graded_pairs(graded, TEXTS, hard_negatives=most)
    said: dict[tuple[str, str], list[int]] = {}
    for one in graded:
        if one.query.strip() and one.playlist_id in TEXTS:
            said.setdefault((one.query, TEXTS[one.playlist_id]), []).append(one.grade)
    given_pairs = list(zip(pairs.left, pairs.right, strict=True))
    assert len(set(given_pairs)) == len(given_pairs) and pairs.grades.dtype == np.float32
    for pair, grade in zip(given_pairs, pairs.grades.tolist(), strict=True):
        assert grade == pytest.approx(np.mean(said[pair]) / 3)
    positive = {pair for pair, found in said.items() if max(found) > 0}
    assert {pair for pair, grade in zip(given_pairs, pairs.grades, strict=True) if grade > 0} == positive
    for query in {query for query, _ in said}:
        zeros = [pair for pair in said if pair[0] == query and pair not in positive]
        kept = [
            pair for pair, grade in zip(given_pairs, pairs.grades, strict=True) if pair[0] == query and grade == 0
        ]
        assert kept == (zeros[:most] if any(pair[0] == query for pair in positive) else [])


def test_rejected_grades_and_unknown_playlists_are_left_out() -> None:
    graded = [Graded("q", "a", 3, "", "x"), Graded("q", "b", 3, "", "x"), Graded("q", "z", 3, "", "x")]
    assert graded_pairs(graded, TEXTS, rejected={("q", "b")}).right == ("text a",)
    queries = [SearchQuery("q", one, "keyword", "x") for one in ("a", "z", "", "a")]
    assert query_pairs(queries, TEXTS).right == ("text a",)


def library(lists: list[list[int]], titles: list[str], n: int = 12) -> Library:
    tracks = pl.DataFrame({"track_id": [f"t{i}" for i in range(n)], "name": ["n"] * n, "artist": ["a"] * n})
    playlists = pl.DataFrame({"playlist_id": [f"p{i}" for i in range(len(lists))], "title": titles})
    return Library(tracks, playlists, Interactions.of(lists, n_columns=n))


@given(st.lists(st.lists(st.integers(0, 11), max_size=6), min_size=1, max_size=9), st.integers(1, 4))
def test_similar_playlists_are_those_of_the_whole_product(lists: list[list[int]], k: int) -> None:
    read = library(lists, ["x"] * len(lists))
    matrix = np.zeros((len(lists), 12))
    for row, mine in enumerate(lists):
        matrix[row, mine] = 1
    weighted = matrix * np.log(len(lists) / np.maximum(matrix.sum(0), 1))
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
    cosine = unit @ unit.T
    left, right, similarity = similar_playlists(read, np.arange(len(lists)), k=k)
    for row in range(len(lists)):
        mine = left == row
        allowed = [o for o in range(len(lists)) if o != row and 1e-6 < cosine[row, o] <= 0.95 - 1e-6]
        assert row not in right[mine]
        assert set(right[mine].tolist()) <= {*allowed, *np.flatnonzero(abs(cosine[row] - 0.95) <= 1e-6).tolist()}
        best = sorted((cosine[row, o] for o in allowed), reverse=True)[:k]
        assert np.allclose(similarity[mine], best, atol=1e-5)


def test_titles_go_with_what_shares_their_tracks_and_with_their_own_contents() -> None:
    lists = [[0, 1, 2, 3], [0, 1, 4, 5], [6, 7, 8], [0, 1, 2, 3], [9, 10], [6, 7, 11]]
    read = library(lists, ["Calm!", "quiet", "loud", "calm twin", "", "noise"])
    texts = {f"p{i}": f"text {i}" for i in range(6)}
    contents = {f"p{i}": f"contents {i}" for i in range(5)}
    pairs = metadata_pairs(read, np.array([0, 1, 2, 4]), texts, contents=contents, least=0.0, own=0.5)
    made = dict(zip(zip(pairs.left, pairs.right, strict=True), pairs.grades.tolist(), strict=True))
    own = {("calm", "contents 0"): 0.5, ("quiet", "contents 1"): 0.5, ("loud", "contents 2"): 0.5}
    assert own.items() <= made.items()
    others = made.keys() - own.keys()
    assert others == {("calm", "text 1"), ("quiet", "text 0")}, "p3 and p5 are not in the part, p4 has no title"
    assert all(0 < made[pair] < 1 for pair in others)


words = st.lists(st.sampled_from(["rain", "sun", "gym", "night", "jazz"]), min_size=1, max_size=7).map(" ".join)


@given(st.lists(st.tuples(words, words), max_size=8), st.lists(words, max_size=4))
def test_no_query_is_left_in_pairs_and_nothing_else_goes(sides: list[tuple[str, str]], queries: list[str]) -> None:
    pairs = Pairs(tuple(a for a, _ in sides), tuple(b for _, b in sides), np.ones(len(sides), np.float32))

    def holds(text: str) -> bool:
        return any(text == q or (len(q.split()) >= 5 and f" {q} " in f" {text} ") for q in queries)

    kept = [pair for pair in sides if not holds(pair[0]) and not holds(pair[1])]
    clean = without(pairs, [f"  {query.upper()}?! " for query in queries])
    assert list(zip(clean.left, clean.right, strict=True)) == kept and len(clean.grades) == len(kept)


def test_pairs_are_joined_in_order() -> None:
    one = Pairs(("a",), ("b",), np.array([0.5], np.float32))
    assert joined([]).left == () and joined([one, one]).grades.tolist() == [0.5, 0.5]
