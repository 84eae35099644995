from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from segue.library import Interactions, Library
from segue.views import text
from segue.views.titles import is_english


@pytest.fixture
def library() -> Library:
    return Library(
        tracks=pl.DataFrame(
            {"track_id": ["a", "b", "c"], "name": ["Hello", None, "Africa"], "artist": ["Adele", "Toto", None]}
        ),
        playlists=pl.DataFrame({"playlist_id": ["p", "q"], "title": ["Road Trip 🚗", None]}),
        playlist_tracks=Interactions.of([[0], [1, 2]], n_columns=3),
    )


def test_views_of_a_library(library: Library) -> None:
    assert text.name(library) == ["Hello", "", "Africa"]
    assert text.name_artist(library) == ["Hello Adele", "Toto", "Africa"]
    assert (
        text.name_artist(library, [2, 0]) == text.name_artist(library, np.array([2, 0])) == ["Africa", "Hello Adele"]
    )
    assert text.title(library) == ["road trip automobile", ""]
    assert text.title(library, [1]) == [""]


@pytest.mark.parametrize(
    ("title", "english"),
    [
        ("Road Trip", True),
        ("Despacito", True),
        ("🎉", True),
        ("2017", True),
        ("", True),
        ("\ud800", True),
        ("Beyoncé", True),
        ("los angeles nights", True),
        ("my música", True),
        ("Música para estudiar", False),
        ("MUSICA", False),
        ("chansons d'amour", False),
        ("Deutsche Schlager", False),
        ("русский рок", False),
        ("日本の音楽", False),
        ("kpop 노래", False),
        ("музыка rock", False),
    ],
)
def test_is_english(title: str, english: bool) -> None:
    assert is_english(title) is english
