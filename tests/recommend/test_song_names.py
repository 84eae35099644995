from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.library import Interactions, Library
from segue.recommend.song_names import SongNames

TRACKS = [
    ("Heroes - 2017 Remaster", "David Bowie"),  # 0
    ("Heroes", "David Bowie"),  # 1, in two playlists
    ("Heroes", "Peter Gabriel"),  # 2
    ("Don't Stop Believin'", "Journey"),  # 3
    ("99 Luftballons", "Nena"),  # 4
    ("Halo", "Beyoncé"),  # 5
    ("Intro", "The xx"),  # 6
    ("Intro", "M83"),  # 7
    ("", "Nobody"),  # 8
    ("Heroes", "David Bowie"),  # 9, a copy in three playlists
]


@pytest.fixture(scope="module")
def names() -> SongNames:
    tracks = pl.DataFrame(
        {"track_id": [str(i) for i in range(10)], "name": [n for n, _ in TRACKS], "artist": [a for _, a in TRACKS]}
    )
    playlists = pl.DataFrame({"playlist_id": ["a", "b", "c"]})
    rows = [[1, 9, 0, 2, 3], [1, 9, 4, 5], [9, 6, 7, 8]]
    return SongNames.of(Library(tracks, playlists, Interactions.of(rows, n_columns=10)))


@pytest.mark.parametrize(
    ("name", "artist", "row"),
    [
        ("heroes", "DAVID BOWIE", 9),  # the most popular of those of one name
        ("“Heroes” - Live", "David Bowie", 9),
        ("Heroes", "Peter Gabriel", 2),
        ("Dont Stop Believing", "Journey", 3),  # spelled otherwise
        ("Halo", "Beyonce", 5),
        ("Halo", "Beyonc", 5),  # an artist with a letter missing
        ("Nena", "99 Luftballons", 4),  # the other way round
        ("Intro", "M83", 7),
        ("Heroes", "Alesso", None),  # a name alone is no match
        ("Halo", "", None),
        ("", "", None),
        ("Nothing Else", "David Bowie", None),
        ("x" * 100_000, "David Bowie", None),
        ("\ud800", "\x00", None),
    ],
)
def test_what_is_meant(names: SongNames, name: str, artist: str, row: int | None) -> None:
    assert names.row(name, artist) == row


def test_misses_keep_their_places_and_nothing_counts_twice(names: SongNames) -> None:
    named = [("Made Up", "Nena"), ("Heroes", "David Bowie"), ("Heroes - 2017 Remaster", "David Bowie")]
    named += [("made up", "NENA"), ("Other", "Nobody Known"), ("Halo", "Beyoncé")]
    assert names.rows(named).tolist() == [-1, 9, 0, -2, 5]
    assert names.rows([]).dtype == np.int32


@given(st.sampled_from([i for i in range(10) if TRACKS[i][0]]))
def test_every_track_is_found_by_its_own_name(names: SongNames, row: int) -> None:
    found = names.row(*TRACKS[row])
    assert found is not None and TRACKS[found] == TRACKS[row]
