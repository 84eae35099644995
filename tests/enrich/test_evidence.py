"""What graders see of a playlist."""

import polars as pl
import pytest

from segue.enrich.evidence import evidence
from segue.library import Interactions, Library


@pytest.fixture
def library():
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(40)],
            "name": [f"name {i}" for i in range(40)],
            "artist": [None if i == 39 else f"artist {i}" for i in range(40)],
            "year": pl.Series([1990 + i for i in range(40)], dtype=pl.Int16),
            "genre": ["rock"] * 40,
        }
    )
    playlists = pl.DataFrame(
        {
            "playlist_id": ["long", "short", "empty", "odd"],
            "title": ["SECRET-TITLE", "SECRET-TITLE", "SECRET-TITLE", None],
            "description": ["SECRET-DESCRIPTION"] * 4,
            "written": ["SECRET-WRITTEN"] * 4,
            "themes": ["SECRET-THEME"] * 4,
        }
    )
    rows = [list(range(39)), [0, 1, 1, 2], [], [39]]
    return Library(tracks, playlists, Interactions.of(rows, n_columns=40))


def test_graders_see_tracks_and_nothing_that_an_index_may_have_read(library):
    long, short, empty, odd = evidence(library, range(4))
    assert not any("SECRET" in line for lines in (long, short, empty, odd) for line in lines)
    numbers = [int(line.split("name ")[1].split(" ")[0]) for line in long]
    assert len(numbers) == 15 and min(numbers) >= 15 and numbers == sorted(set(numbers))
    assert short == tuple(f"artist {i} - name {i} ({1990 + i}, rock)" for i in (0, 1, 2))
    assert empty == () and odd == ("name 39 (2029, rock)",)


def test_the_title_is_there_on_request_alone(library):
    (lines,) = evidence(library, [0], kind="title+tracks")
    assert lines[0] == "title: SECRET-TITLE" and lines[1:] == evidence(library, [0])[0]
    assert not any("DESCRIPTION" in line or "WRITTEN" in line or "THEME" in line for line in lines)


def test_the_sample_depends_on_the_playlist_alone(library):
    assert evidence(library, [3, 0])[1] == evidence(library, [0])[0] != evidence(library, [0], rng_key=1)[0]
    assert len(evidence(library, [0], n=3)[0]) == 3
