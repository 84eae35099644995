from __future__ import annotations

import polars as pl
import pytest

from segue.library import Interactions, Library

N_TRACKS = 24

# summer lists hold 0-5, rain lists 6-11, rock lists 12-17; 18-21 are everywhere a little, 22 and 23 nowhere
PLAYLISTS = [
    ("Summer", [0, 1, 2, 3, 18]),
    ("summer!", [1, 2, 3, 4]),
    ("SUMMER", [2, 3, 4, 5, 18, 19]),
    ("summer vibes", [0, 2, 4, 19]),
    ("rain", [6, 7, 8, 9]),
    ("rainy day", [7, 8, 9, 10, 18]),
    ("rain 🌧", [8, 9, 10, 11, 20]),
    ("rock", [12, 13, 14, 15]),
    ("rock!", [13, 14, 15, 16, 21]),
    ("classic rock", [14, 15, 16, 17, 18, 20]),
    ("", [0, 6, 12, 18]),
    ("🔥", [1, 7, 13, 18, 19]),
]


@pytest.fixture(scope="session")
def library() -> Library:
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(N_TRACKS)],
            "name": [f"Song {i}" for i in range(N_TRACKS)],
            "artist": [f"Artist {i % 8}" for i in range(N_TRACKS)],
        }
    )
    playlists = pl.DataFrame(
        {"playlist_id": [str(i) for i in range(len(PLAYLISTS))], "title": [title for title, _ in PLAYLISTS]}
    )
    return Library(tracks, playlists, Interactions.of([rows for _, rows in PLAYLISTS], n_columns=N_TRACKS))


@pytest.fixture
def n_tracks() -> int:
    return N_TRACKS
