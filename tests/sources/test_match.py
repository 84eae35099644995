"""Joining rows of other tables to tracks: planted spellings, and an oracle that compares every pair."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.library.names import fold
from segue.sources.match import BY, match
from segue.sources.match_keys import id_key, stem_key
from segue.sources.outside import Names, Outside, outside_of

SPOTIFY = "4uLU6hMCjMI75M1A2tKUQC"
MBID = "0a1b2c3d-0000-4000-8000-00000000000f"


def tracks(**columns: list[str | None]) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    base = {
        "track_id": [f"t:{i}" for i in range(n)],
        "name": [None] * n,
        "artist": [None] * n,
        "location": [None] * n,
    }
    table = pl.DataFrame({**base, **columns}, strict=False)
    return table.with_columns(pl.col("name", "artist", "location").cast(pl.String))


def rows(names: list[Names], **keys: list) -> Outside:
    return outside_of("x", "x", {"energy": [0.5] * len(names)}, Counter(), names=names, **keys)


def how(table: pl.DataFrame, outside: Outside, *, versions: bool = True) -> list[tuple[int, str | None]]:
    found = match(table, outside, versions=versions)
    return [
        (int(row), BY[by] if by >= 0 else None)
        for row, by in zip(found.rows.tolist(), found.by.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        SPOTIFY,
        f"spotify:track:{SPOTIFY}",
        f"https://open.spotify.com/track/{SPOTIFY}",
        f"http://open.spotify.com/intl-de/track/{SPOTIFY}?si=1",
        f" {SPOTIFY} ",
    ],
)
def test_spellings_of_spotify_ids(spelling: str) -> None:
    assert how(tracks(track_id=[f"spotify:track:{SPOTIFY}"]), rows([()], track_ids=[spelling])) == [(0, "id")]
    assert how(tracks(track_id=[f"spotify:track:{SPOTIFY.lower()}"]), rows([()], track_ids=[spelling])) == [
        (-1, None)
    ]


@pytest.mark.parametrize(
    "spelling", [MBID, MBID.upper(), f"https://musicbrainz.org/recording/{MBID}", f"mbid:{MBID}"]
)
def test_spellings_of_musicbrainz_ids(spelling: str) -> None:
    assert how(tracks(track_id=[f"https://musicbrainz.org/recording/{MBID}"]), rows([()], track_ids=[spelling])) == [
        (0, "id")
    ]


def test_numbers_are_ids_only_where_names_agree() -> None:
    table = tracks(track_id=["12", "13", "14"], name=["Toxic", "Other", None], artist=["Britney Spears", "B", None])
    names: list[Names] = [(("TOXIC", "Britney Spears"),), (("Something Else", "B"),), (("Any", "C"),)]
    assert how(table, rows(names, track_ids=["12", "13", "14"])) == [(0, "id"), (-1, None), (2, "id")]


def test_isrc_before_names() -> None:
    table = tracks(name=["A"], artist=["B"], isrc=["US-RC1-76-07839"])
    assert how(table, rows([(("A", "B"),), (("Z", "Z"),)], isrcs=[None, "usrc17607839"])) == [(1, "isrc")]
    assert how(table, rows([(("A", "B"),)], isrcs=["nonsense"])) == [(0, "name")]


def test_one_row_serves_several_tracks() -> None:
    table = tracks(track_id=["a", "b", "c"], name=["Déjà Vu", "deja vu", "Deja Vu (2011 Remaster)"], artist=["X"] * 3)
    assert how(table, rows([(("DEJA VU", "x"),)])) == [(0, "name"), (0, "name"), (0, "version")]
    assert how(table, rows([(("DEJA VU", "x"),)]), versions=False)[2] == (-1, None)


def test_versions_that_sound_otherwise_are_told_apart() -> None:
    names = [
        "Song - Live at Home",
        "Song (feat. Y)",
        "Song - Remastered 2009",
        "Song (Acoustic)",
        "Song - Original Mix",
    ]
    table = tracks(name=names, artist=["X"] * 5)
    by = [by for _, by in how(table, rows([(("Song", "X"),)]))]
    assert by == ["other version", "version", "version", "other version", "version"]


def test_the_first_of_several_artists() -> None:
    table = tracks(name=["Song"], artist=["Ed Sheeran"])
    assert how(table, rows([(("Song", "Ed Sheeran & Justin Bieber"),)])) == [(0, "version")]
    assert how(tracks(name=["Song"], artist=["Earth, Wind & Fire"]), rows([(("Song", "Fire"),)])) == [(-1, None)]


def test_the_most_popular_of_several_rows_is_taken_and_counted() -> None:
    table = tracks(name=["Song", "Other"], artist=["X", "X"])
    names: list[Names] = [(("Song", "X"),)] * 3 + [(("Other", "X"),)]
    found = match(table, rows(names, popularity=[1.0, 9.0, None, 0.0]))
    assert found.rows.tolist() == [1, 3] and found.ambiguous.tolist() == [True, False]
    assert match(table, rows(names)).rows.tolist() == [0, 3]  # the first one
    assert found.unused.tolist() == [0, 2]
    notes = found.as_notes()
    assert (notes["matched"], notes["unused"], notes["ambiguous"]) == (2, 2, 1)
    assert notes["ambiguous_examples"] == ["X - Song"]


def test_likelier_readings_of_a_file_name_come_first() -> None:
    table = tracks(name=["Live"], artist=["AC"])
    names: list[Names] = [(("DC", "AC"), ("Live", "AC")), (("Live", "AC"),)]
    assert how(table, rows(names)) == [(1, "name")]


def test_nothing_matches_without_both_name_and_artist() -> None:
    table = tracks(name=["Song", "Song", None, ""], artist=["X", None, "X", ""])
    assert [row for row, _ in how(table, rows([(("Song", ""),), (("", "X"),), (("", ""),)]))] == [-1] * 4


def test_streams_have_no_stem() -> None:
    assert stem_key("http://a.example/x/y/z.mp3") is None and stem_key("") is None and id_key(" ") is None


NAME = st.sampled_from(["a", "A", "á", "b", "b!", "c d", "C-D", "", "夜"])


@given(
    own=st.lists(st.tuples(NAME, NAME), max_size=8),
    others=st.lists(st.tuples(NAME, NAME, st.none() | st.integers(0, 3)), max_size=8),
)
def test_names_against_every_pair(own: list[tuple[str, str]], others: list[tuple[str, str, int | None]]) -> None:
    """Oracle: of all rows whose folded name and artist are equal, the most popular, then the first."""
    table = tracks(name=[n for n, _ in own], artist=[a for _, a in own]) if own else tracks(name=[])
    outside = rows(
        [((n, a),) for n, a, _ in others], popularity=[None if p is None else float(p) for _, _, p in others]
    )
    found = match(table, outside, versions=False)
    for i, (name, artist) in enumerate(own):
        equal = [
            j for j, (n, a, _) in enumerate(others) if n and a and (fold(n), fold(a)) == (fold(name), fold(artist))
        ]
        best = min(equal, key=lambda j: (-(others[j][2] or 0), j), default=-1)
        assert found.rows[i] == best
        assert found.ambiguous[i] == (len(equal) > 1)
    assert set(found.unused.tolist()) == set(range(len(others))) - set(np.unique(found.rows).tolist())
