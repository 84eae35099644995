"""Sets of queries for the search protocol: by people, or synthetic and labelled so; what of each is left out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from segue.errors import InputError
from segue.index.bm25 import words
from segue.library import Library
from segue.library.arrays import fingerprint
from segue.library.searching import SearchQuery
from segue.views.playlist_text import plain_text

__all__ = [
    "PEOPLE",
    "QuerySet",
    "benchmark",
    "check_unseen",
    "fold_of",
    "query_id",
    "sets_of",
    "without_descriptions",
]

PEOPLE = "people"
_RADIO = re.compile(r"\bradio$", re.IGNORECASE)
_MADE_OF_NAMES = re.compile(r"^(?:with )?.{2,300}(?:,| and) .{0,100}\bmore\.?$", re.IGNORECASE)
_MIX = re.compile(r"\b(?:daily mix|discover weekly|release radar)\b", re.IGNORECASE)
_FEWEST_WORDS = 2
_PHRASE = 5  # words in a row that are no coincidence


@dataclass(frozen=True)
class QuerySet:
    """Queries that are one table of the report.

    Args:
        synthetic: whether nobody wrote them by hand. left_out: reason -> how many.
    """

    name: str
    synthetic: bool
    queries: tuple[SearchQuery, ...]
    left_out: dict[str, int]

    @property
    def by(self) -> dict[str, int]:
        """Who wrote how many."""
        return dict(Counter(query.by for query in self.queries).most_common())


def query_id(query: SearchQuery) -> str:
    """Tells queries apart, and is the same in every run.

    >>> query_id(SearchQuery("rain", "p1", "keyword", "x")) == query_id(SearchQuery("rain", "p1", "mood", "y"))
    True
    """
    return f"{query.playlist_id}/{fingerprint(query.query)[:8]}"


def fold_of(playlist_id: str, folds: int) -> int:
    """Fold of a playlist's queries; independent of the hash that splits training and test.

    >>> [fold_of(str(i), 5) for i in range(6)]
    [2, 1, 4, 0, 2, 4]
    """
    digest = hashlib.sha256(b"search fold:" + playlist_id.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest, "big") % folds


def benchmark(library: Library) -> QuerySet:
    """The descriptions that makers gave their playlists, each as a query for its own playlist.

    Markup is stripped. Left out are those of algorithmic radios and mixes (they list their own artists), texts of
    fewer than two words, and texts that several playlists share.

    Raises:
        InputError: none is left.
    """
    left_out: Counter[str] = Counter()
    found: list[SearchQuery] = []
    table = library.playlists.select("playlist_id", "title", "description")
    for playlist_id, title, description in table.iter_rows():
        text = plain_text(description or "")
        if not text:
            continue
        if (_RADIO.search(title or "") or _MIX.search(title or "")) and _MADE_OF_NAMES.match(text):
            left_out["of algorithmic radios"] += 1
        elif len(words(text)) < _FEWEST_WORDS:
            left_out["near-empty"] += 1
        else:
            found.append(SearchQuery(text, playlist_id, "benchmark", PEOPLE))
    shared = Counter(tuple(words(query.query)) for query in found)
    kept = tuple(query for query in found if shared[tuple(words(query.query))] == 1)
    if len(kept) < len(found):
        left_out["shared by several playlists"] += len(found) - len(kept)
    if not kept:
        raise InputError("no playlist of the library has a description to ask with; give queries with --queries")
    return QuerySet("benchmark", False, kept, dict(left_out))


def sets_of(queries: Iterable[SearchQuery], library: Library) -> list[QuerySet]:
    """Queries of a file as one set for each style; queries by people and by others are never in one set.

    Left out are queries about no playlist of the library, those without a word, and repeated ones.

    Raises:
        InputError: none is left.
    """
    known = set(library.playlists["playlist_id"].to_list())
    kept: dict[tuple[str, bool], dict[str, SearchQuery]] = {}
    left_out: dict[tuple[str, bool], Counter[str]] = {}
    for query in queries:
        key = (query.style, query.by != PEOPLE)
        reasons = left_out.setdefault(key, Counter())
        mine = kept.setdefault(key, {})
        if query.playlist_id not in known:
            reasons["about no playlist of the library"] += 1
        elif not words(plain_text(query.query)):
            reasons["without a word"] += 1
        elif query_id(query) in mine:
            reasons["repeated"] += 1
        else:
            mine[query_id(query)] = query
    found = [
        QuerySet(f"{style}, synthetic" if synthetic else style, synthetic, tuple(mine.values()), dict(left_out[key]))
        for key, mine in kept.items()
        for style, synthetic in [key]
        if mine
    ]
    if not found:
        raise InputError("no query is about a playlist of the library; were they written for another one?")
    return found


def sampled(queries: QuerySet, most: int) -> QuerySet:
    """At most so many queries, chosen by a hash, in their order."""
    if len(queries.queries) <= most:
        return queries
    keys = [hashlib.sha256(query_id(q).encode("utf-8", "replace")).digest() for q in queries.queries]
    chosen = sorted(sorted(range(len(keys)), key=keys.__getitem__)[:most])
    left_out = {**queries.left_out, "not in the sample": len(keys) - most}
    return replace(queries, queries=tuple(queries.queries[i] for i in chosen), left_out=left_out)


def without_descriptions(library: Library) -> Library:
    """The library as it is indexed: nothing of what makers wrote about their playlists but the titles."""
    return library.with_playlist_columns(
        pl.DataFrame({"description": pl.Series([None] * library.n_playlists, dtype=pl.String)})
    )


def check_unseen(library: Library, sets: Sequence[QuerySet]) -> None:
    """Make sure that no query by people can be read in what is indexed of its playlist beside the title.

    Raises:
        InputError: a description or a written text holds the query's words in a row, or a playlist is not there.
    """
    rows = {i: row for row, i in enumerate(library.playlists["playlist_id"].to_list())}
    texts = {
        name: library.playlists[name].fill_null("").to_list()
        for name in ("description", "written")
        if name in library.playlists.columns
    }
    for queries in sets:
        for query in queries.queries:
            if query.playlist_id not in rows:
                raise InputError(f"a query is about {query.playlist_id!r}, which is no playlist of the library")
            asked = words(query.query)
            for name, column in texts.items():
                text = column[rows[query.playlist_id]]
                if name == "description" and text:
                    raise InputError(
                        f"the description of the queried playlist {query.playlist_id!r} would be indexed"
                    )
                if not queries.synthetic and len(asked) >= _PHRASE and _holds(words(text), asked):
                    raise InputError(
                        f"what was written about playlist {query.playlist_id!r} holds the query that is to find it; "
                        "write descriptions that do not copy the maker's"
                    )


def _holds(text: Sequence[str], asked: Sequence[str]) -> bool:
    n = len(asked)
    return any(list(text[i : i + n]) == list(asked) for i in range(len(text) - n + 1))


def folds_of(queries: QuerySet, folds: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Fold of each query, int64 ``(n,)``."""
    return np.array([fold_of(query.playlist_id, folds) for query in queries.queries], np.int64)
