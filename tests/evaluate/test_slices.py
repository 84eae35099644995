from __future__ import annotations

import polars as pl

from segue.evaluate.slices import BANDS, known_artists, names_artist, seen_counts, title_slices
from segue.library import Interactions, Library


def test_titles_are_counted_as_they_are_compared() -> None:
    assert seen_counts(["Don't Stop", "🔥", "nowhere"], ["dont stop!", "DON’T STOP", "🔥", "🔥🔥"]).tolist() == [
        2,
        1,
        0,
    ]


def test_bands_part_the_seen_titles() -> None:
    training = ["one"] + ["three"] * 3 + ["nineteen"] * 19 + ["twenty"] * 20
    slices = title_slices(["one", "three", "nineteen", "twenty", "none"], training)
    assert slices["unseen titles"].tolist() == [False] * 4 + [True]
    bands = sum(slices[name].astype(int) for name in BANDS)
    assert bands.tolist() == [1, 1, 1, 1, 0]
    assert (slices["seen titles"] | slices["unseen titles"]).all()
    assert "names an artist" not in slices


def test_artists_need_three_playlists_to_be_known() -> None:
    tracks = pl.DataFrame({"track_id": ["a", "b", "c"], "artist": ["Daft Punk", "daft punk", "Rare Bird"]})
    playlists = pl.DataFrame({"playlist_id": ["1", "2", "3"]})
    library = Library(tracks, playlists, Interactions.of([[0, 1, 2], [1, 2], [0]], n_columns=3))
    assert known_artists(library) == {"daft punk"}


def test_a_span_of_one_to_four_words_names_an_artist() -> None:
    artists = frozenset({"prince", "guns n roses", "the artist formerly known", "a b c d e"})
    assert names_artist("PRINCE 💜", artists)
    assert names_artist("best of Guns N' Roses live", artists)
    assert names_artist("the artist formerly known", artists)
    assert not names_artist("princess", artists)
    assert not names_artist("a b c d e", artists)  # five words
    assert not names_artist("", artists)


def test_slices_by_language_and_artist() -> None:
    slices = title_slices(["drake", "música para bailar", "chill"], ["chill"], artists=frozenset({"drake"}))
    assert slices["names an artist"].tolist() == [True, False, False]
    assert slices["names no artist"].tolist() == [False, True, True]
    assert slices["not English"].tolist() == [False, True, False]
