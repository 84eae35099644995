"""The table of titles against a plain grouping of the playlists."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.corpora import library_of
from segue.errors import StoredDataError
from segue.library.arrays import is_mapped
from segue.recommend.titles import TitleTable
from segue.views.titles import normalise

PLAYLISTS = [
    ("Road Trip", [0, 1]),
    ("road trip!", [1]),
    ("r o a d  t r i p", [2]),
    ("road trips", [0]),
    ("Road Trip", [2]),
    ("", [1]),
    ("   ", [1]),
    ("rain", []),
    ("🌧", [0]),
]


def test_titles_are_those_an_encoder_reads() -> None:
    titles = TitleTable.of(library_of(PLAYLISTS))
    assert titles.read.to_list()[:2] == ["road trip", "road trips"] and len(titles) == 3
    assert titles.playlists.row(0).tolist() == [0, 1, 2, 4]
    assert titles.counts.tolist() == [4, 1, 1]
    # 5 and 6 have no title, 7 has no track
    assert titles.title_rows.tolist() == [0, 0, 0, 1, 0, -1, -1, -1, 2]
    # no spelling is shared by five playlists, so none is shown
    assert titles.shown[0] == "road trip"
    # one stem, one key
    assert titles.key_rows.tolist() == [0, 0, 1]
    assert titles.keys.rows(normalise("Road Trips", "key")).tolist() == [0, 1]


def test_a_spelling_is_shown_when_five_playlists_share_it() -> None:
    rows: list[tuple[str, list[int]]] = [("ROCK!", [0])] * 4 + [("Rock", [1])] * 5 + [("rock :)", [0])]
    titles = TitleTable.of(library_of(rows))
    assert titles.shown[0] == "Rock"


@given(st.lists(st.tuples(st.text(max_size=8), st.booleans()), max_size=12))
def test_any_titles_are_grouped_by_what_is_read(titles_and_tracks: list[tuple[str, bool]]) -> None:
    playlists = [(title, [0] if has else []) for title, has in titles_and_tracks]
    if not playlists:
        return
    try:
        library = library_of(playlists, n_tracks=1)
    except UnicodeEncodeError:
        return  # polars holds no lone surrogates
    titles = TitleTable.of(library)
    groups: dict[str, list[int]] = defaultdict(list)
    for row, (title, has) in enumerate(playlists):
        read = normalise(title, "read")
        if has and read:
            groups[read].append(row)
    assert titles.read.to_list() == list(groups)
    assert [titles.playlists.row(u).tolist() for u in range(len(titles))] == list(groups.values())
    keys = [normalise(read, "key") for read in groups]
    same = titles.key_rows[:, None] == titles.key_rows[None]
    assert same.tolist() == [[a == b for b in keys] for a in keys]
    for u in range(len(titles)):
        assert normalise(titles.shown[u], "read") == titles.read[u]


def test_a_library_without_titles_has_none() -> None:
    titles = TitleTable.of(library_of([("", [0]), ("rain", [])], n_tracks=1))
    assert len(titles) == 0 and titles.title_rows.tolist() == [-1, -1]


def test_what_was_saved_is_mapped(tmp_path: Path) -> None:
    titles = TitleTable.of(library_of(PLAYLISTS))
    titles.save(tmp_path)
    again = TitleTable.load(tmp_path)
    assert again.fingerprint == titles.fingerprint
    assert again.read.to_list() == titles.read.to_list() and again.shown.to_list() == titles.shown.to_list()
    assert again.keys.rows("road trip").tolist() == titles.keys.rows("road trip").tolist()
    assert np.array_equal(again.title_rows, titles.title_rows)
    assert is_mapped(again.key_rows) and is_mapped(again.playlists.indices)


@pytest.mark.parametrize("name", ["read.utf8.npy", "shown.offsets.npy", "keys.hashes.npy", "playlists.indices.npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    TitleTable.of(library_of(PLAYLISTS)).save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(StoredDataError, match=name):
        TitleTable.load(tmp_path)


def test_the_fingerprint_knows_titles_and_their_playlists() -> None:
    base = TitleTable.of(library_of([("a", [0]), ("b", [0])])).fingerprint
    assert base == TitleTable.of(library_of([("a", [0]), ("b", [0])])).fingerprint
    assert base != TitleTable.of(library_of([("a", [0]), ("c", [0])])).fingerprint
    assert base != TitleTable.of(library_of([("b", [0]), ("a", [0])])).fingerprint
