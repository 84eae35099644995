from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.views.languages_of import LANGUAGES, UNKNOWN, language_of
from segue.views.playlist_text import PARTS, PlaylistText, plain_text


def library() -> Library:
    tracks = pl.DataFrame(
        {
            "track_id": ["a", "b", "c", "d"],
            "name": ["Yesterday", "Help!", "Halo", None],
            "artist": ["The Beatles", "The Beatles", "Beyoncé", None],
            "genre": ["Rock", "rock", None, None],
            "tags": [None, "mod; rock", "R&B; pop", None],
        }
    )
    playlists = pl.DataFrame(
        {
            "playlist_id": ["p", "q"],
            "title": ["Rainy ☔", None],
            "description": ['For <a href="x">wet</a> days &amp; nights', None],
            "written": ["Calm guitars.", None],
            "themes": ["rain; calm", None],
        }
    )
    return Library(tracks, playlists, Interactions.of([[2, 0, 1, 3], []], n_columns=4))


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("title", "Rainy umbrella with rain drops"),
        ("description", "For wet days & nights"),
        ("written", "Calm guitars."),
        ("artists", "The Beatles, Beyoncé"),
        ("tags", "r&b, rock, mod"),
        ("labels", "rain; calm"),
        ("lead", "Beyoncé"),
        ("tracks", "Halo Beyoncé, Yesterday The Beatles, Help! The Beatles"),
        ("names", "Halo, Yesterday, Help!"),
    ],
)
def test_each_part(part: str, text: str) -> None:
    assert PlaylistText((part,)).texts(library()) == [text, ""]  # type: ignore[arg-type]


def test_parts_stand_in_their_order_and_numbers_cap_them() -> None:
    view = PlaylistText(("names", "title", "artists"), n_tracks=1, n_artists=1)
    assert view.texts(library(), [1, 0]) == ["", "Halo. Rainy umbrella with rain drops. The Beatles"]
    assert all(len(text) <= 3 for text in PlaylistText(("tracks",), cap=3).texts(library()))


def test_every_setting_is_in_the_fingerprint() -> None:
    views = [PlaylistText(), PlaylistText(("title",)), PlaylistText(n_artists=3), PlaylistText(n_tags=3)]
    views += [PlaylistText(n_tracks=3), PlaylistText(cap=3), PlaylistText(("description", "title"))]
    assert len({view.fingerprint for view in views}) == len(views)


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ((), ("title", "title"), ("lyrics",)):
        with pytest.raises(InputError):
            PlaylistText(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        PlaylistText(n_tracks=0)


@given(st.text(max_size=300))
def test_plain_text_is_one_safe_line_of_any_text(text: str) -> None:
    plain = plain_text(text, 100)
    assert len(plain) <= 100 and plain == plain.strip()
    assert not any(c < " " or c in "\u202e\u2066\x7f" for c in plain)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_names_have_a_language_or_none(names: list[str]) -> None:
    assert language_of(names) in (*LANGUAGES, UNKNOWN)


@pytest.mark.parametrize(
    ("names", "language"),
    [
        (["Noche de verano", "Te quiero mucho", "La vida es un carnaval"], "es"),
        (["Ich will nur dich", "Die Nacht ist mein"], "de"),
        (["봄날", "밤편지 (Through the Night)"], "ko"),
        (["夜に駆ける", "紅蓮華"], "ja"),
        (["月亮代表我的心", "朋友"], "zh"),
        (["Nightcall", "Midnight City"], UNKNOWN),
        (["Love"], UNKNOWN),
    ],
)
def test_languages_of_names(names: list[str], language: str) -> None:
    assert language_of(names) == language


def test_all_parts_of_an_empty_library() -> None:
    empty = library().select_playlists(np.zeros(0, int))
    assert PlaylistText(PARTS).texts(empty) == []
