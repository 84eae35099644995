from __future__ import annotations

import polars as pl
import pytest

from protocols.planted_search import planted_library
from segue.errors import InputError
from segue.library import Library
from segue.library.searching import SearchQuery
from segue.protocols.search_sets import (
    QuerySet,
    benchmark,
    check_unseen,
    fold_of,
    query_id,
    sampled,
    sets_of,
    without_descriptions,
)


def described(*pairs: tuple[str, str | None]) -> Library:
    library = planted_library(len(pairs), 0)
    columns = pl.DataFrame({"title": [t for t, _ in pairs], "description": [d for _, d in pairs]})
    return library.with_playlist_columns(columns)


def test_descriptions_by_people_are_the_benchmark() -> None:
    found = benchmark(
        described(
            ("Grimes Radio", "With Grouper, Rina Sawayama, Janelle Monáe and more"),
            ("Daily Mix 1", "BTS, NU'EST, ENHYPEN and more"),
            ("Radio hits", "Loud songs of radio days and more"),
            ("Dance", '<a href="spotify:genre:edm_dance">Move</a> your   feet &amp; hands!'),
            ("x", "iykyk"),
            ("one", "The very same text"),
            ("two", "the very same TEXT!"),
            ("empty", ""),
            ("none", None),
        )
    )
    assert [(q.query, q.playlist_id, q.by) for q in found.queries] == [
        ("Loud songs of radio days and more", "p2", "people"),
        ("Move your feet & hands!", "p3", "people"),
    ]
    assert found.left_out == {"of algorithmic radios": 2, "near-empty": 1, "shared by several playlists": 2}
    assert not found.synthetic
    with pytest.raises(InputError, match="no playlist of the library has a description"):
        benchmark(described(("a", None)))


def test_styles_are_kept_apart_and_people_from_others() -> None:
    library = planted_library(4)
    queries = [
        SearchQuery("rain", "p0", "keyword", "templates-1"),
        SearchQuery("rain", "p0", "keyword", "other"),
        SearchQuery("rain song", "p0", "keyword", "people"),
        SearchQuery("gym", "nobody", "keyword", "templates-1"),
        SearchQuery("?!", "p1", "mood", "templates-1"),
        SearchQuery("calm", "p1", "mood", "templates-1"),
    ]
    found = {one.name: one for one in sets_of(queries, library)}
    assert set(found) == {"keyword, synthetic", "keyword", "mood, synthetic"}
    keyword = found["keyword, synthetic"]
    assert keyword.synthetic and len(keyword.queries) == 1
    assert keyword.left_out == {"repeated": 1, "about no playlist of the library": 1}
    assert found["mood, synthetic"].left_out == {"without a word": 1}
    with pytest.raises(InputError, match="another one"):
        sets_of([queries[3]], library)


def test_folds_are_of_playlists_and_depend_on_the_id_alone() -> None:
    folds = [fold_of(f"p{i}", 5) for i in range(2_000)]
    assert all(330 < folds.count(fold) < 470 for fold in range(5))


def test_a_sample_is_the_same_and_in_order() -> None:
    queries = tuple(SearchQuery(f"q {i}", "p0", "keyword", "x") for i in range(50))
    whole = QuerySet("x", True, queries, {})
    some = sampled(whole, 10)
    assert len(some.queries) == 10 and some.left_out == {"not in the sample": 40}
    assert list(some.queries) == sorted(some.queries, key=queries.index) and some == sampled(whole, 10)
    assert sampled(whole, 50) is whole
    assert len({query_id(query) for query in queries}) == 50


def test_an_indexed_text_that_holds_the_query_is_refused() -> None:
    library = planted_library(20)
    sets = [benchmark(library)]
    check_unseen(without_descriptions(library), sets)
    with pytest.raises(InputError, match="description of the queried playlist 'p0'"):
        check_unseen(library, sets)
    copied = pl.DataFrame({"written": [f"So: {sets[0].queries[3].query.upper()}!"] * 20})
    with pytest.raises(InputError, match="'p3' holds the query"):
        check_unseen(without_descriptions(library).with_playlist_columns(copied), sets)
