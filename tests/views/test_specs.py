"""Views by name: every word that is accepted makes one text a track, every other is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.views.specs import excerpt, view_of


def library() -> Library:
    tracks = pl.DataFrame(
        {
            "track_id": ["a", "b"],
            "name": ["Hey Jude", None],
            "artist": ["The Beatles", "Nobody"],
            "lyrics": ["one two three four", None],
        }
    )
    none = Interactions(np.zeros(1, np.int64), np.zeros(0, np.int32), 2)
    return Library(tracks, pl.DataFrame({"playlist_id": pl.Series([], dtype=pl.String)}), none)


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ("name", ["Hey Jude", ""]),
        ("name_artist", ["Hey Jude The Beatles", "Nobody"]),
        ("lyrics:2", ["one two", ""]),
        ("lyrics:2:last", ["three four", ""]),
        ("name+lyrics:1", ["Hey Jude one", ""]),
        ("summary", ["", ""]),
    ],
)
def test_what_a_view_reads(spec: str, texts: list[str]) -> None:
    assert view_of(spec).texts(library()) == texts
    assert view_of(spec).texts(library(), [1, 0]) == texts[::-1]


def test_a_word_and_the_same_word_with_its_defaults_are_one_view() -> None:
    assert view_of("lyrics").fingerprint == view_of("lyrics:25:first").fingerprint != view_of("lyrics:50").fingerprint


@pytest.mark.parametrize(
    "spec", ["", "nam", "lyrics:0", "lyrics:x", "lyrics:5:middle", "name:3", "name+", "lyrics:1:last:2"]
)
def test_other_words_are_refused(spec: str) -> None:
    with pytest.raises(InputError, match="no view of tracks"):
        view_of(spec)


@given(st.text(), st.integers(1, 30))
def test_an_excerpt_is_a_run_of_the_words(text: str, n: int) -> None:
    words = text.split()
    for which in ("first", "random", "last"):
        found = excerpt(text, n, which).split()
        assert len(found) == min(n, len(words))
        assert any(words[i : i + len(found)] == found for i in range(len(words) + 1))
