"""Descriptions as queries whose answer is known."""

from __future__ import annotations

import polars as pl

from segue.library import Interactions, Library
from segue.systems.described import described


def test_descriptions_are_cleaned_and_chosen() -> None:
    told = {
        "a": ("Road", 'Songs for a <a href="x">long drive</a> &amp; more'),
        "b": ("Prince Radio", "With Prince, Madonna, Queen and more"),
        "c": ("Short", "enjoy it"),
        "d": ("None", None),
        "e": ("Again", "songs for a LONG drive & more"),
        "f": ("With", "With all of the love that we have"),
    }
    playlists = pl.DataFrame(
        {
            "playlist_id": list(told),
            "title": [t for t, _ in told.values()],
            "description": [d for _, d in told.values()],
        }
    )
    library = Library(pl.DataFrame({"track_id": ["t"]}), playlists, Interactions.of([[0]] * len(told), n_columns=1))
    found = described(library)
    assert {q.playlist_id: q.query for q in found} == {
        "a": "Songs for a long drive & more",
        "f": "With all of the love that we have",
    }
    assert described(library, 1) == found[:1] and {q.style for q in found} == {"benchmark"}
