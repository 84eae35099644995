from __future__ import annotations

from unicodedata import category

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.planted_texts import HOSTILE, planted, retitled, with_playlist
from segue.enrich.extractive import EXTRACTIVE, clean, extractive
from segue.enrich.text_stats import (
    SHARED_BY,
    decades,
    neighbour_words,
    playlist_neighbours,
    title_words,
    typical_artists,
    typical_tags,
)
from segue.enrich.word_lists import sort_words
from segue.library import Interactions, Library
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS


def drawn(rows: list[list[int]], n_tracks: int) -> Library:
    return Library(
        pl.DataFrame({"track_id": [f"t{i}" for i in range(n_tracks)]}),
        pl.DataFrame({"playlist_id": [f"p{i}" for i in range(len(rows))]}),
        Interactions.of(rows, n_columns=n_tracks),
    )


@given(st.lists(st.lists(st.integers(0, 14), max_size=12), min_size=1, max_size=12), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_neighbours_are_those_of_the_dense_definition(rows: list[list[int]], k: int) -> None:
    library = drawn(rows, 15)
    dense = library.playlist_tracks.matrix().toarray().astype(np.float64)
    idf = np.log(len(rows) / np.maximum(dense.sum(0), 1))
    weighted = dense * idf
    norms = np.linalg.norm(weighted, axis=1)
    cosine = weighted @ weighted.T / np.maximum(np.outer(norms, norms), 1e-12)
    shared = dense @ dense.T
    jaccard = shared / np.maximum(dense.sum(1)[:, None] + dense.sum(1) - shared, 1)
    cosine[(jaccard > 0.9) | (norms[:, None] == 0) | (norms == 0)] = 0
    np.fill_diagonal(cosine, 0)
    found = playlist_neighbours(library, k=k)
    for row in range(len(rows)):
        there = found.neighbours[row][found.neighbours[row] >= 0]
        assert len(set(there.tolist())) == len(there) == min(k, int((cosine[row] > 1e-6).sum()))
        wanted = np.sort(cosine[row])[::-1][: len(there)]
        np.testing.assert_allclose(cosine[row][there], wanted, atol=1e-5)
        np.testing.assert_allclose(found.similarity[row][: len(there)], wanted, atol=1e-5)


def test_words_are_those_of_the_playlists_with_the_same_tracks() -> None:
    library = with_playlist(planted(), "untitled", list(range(0, 15)))
    row = library.n_playlists - 1
    assert set(neighbour_words(library, [row])[0]) == {"gym", "rap"}
    some = [0, 15, 30]
    assert neighbour_words(library, some) == [neighbour_words(library)[row] for row in some]


def test_words_of_others_are_shown_only_if_five_share_them() -> None:
    base = planted()
    for n, public, shown in ((SHARED_BY - 1, False, False), (SHARED_BY, False, True), (SHARED_BY - 1, True, True)):
        secret = retitled(base, dict.fromkeys(range(n), "gym rap annas-divorce"))
        secret = Library(secret.tracks, secret.playlists, secret.playlist_tracks, public=public)
        asked = list(range(n, 12))
        told = {word for words in neighbour_words(secret, asked, n=20) for word in words}
        assert ("divorce" in told) is shown, (n, public)
        texts = extractive(secret, asked)
        cells = " ".join(str(cell) for row in texts.iter_rows() for cell in row)
        assert ("divorce" in cells) is shown


def test_a_playlist_has_no_say_in_its_own_words_and_neither_has_its_copy() -> None:
    library = planted()
    other = retitled(library, {0: "zither zither"})
    assert neighbour_words(other, [0], least=1)[0] == neighbour_words(library, [0], least=1)[0]
    copied = with_playlist(library, "zither", library.playlist_tracks.row(0).tolist())
    public = Library(copied.tracks, copied.playlists, copied.playlist_tracks, public=True)
    assert "zither" not in neighbour_words(public, [0], least=1, n=50)[0]
    near = playlist_neighbours(public, [0]).neighbours[0]
    assert public.n_playlists - 1 not in near and 0 not in near


def test_words_of_the_own_title_can_be_left_out() -> None:
    assert neighbour_words(planted(), [0], own=False) == [()]


@pytest.mark.parametrize(
    ("title", "words"),
    [("My Gym Songs!!", ["gym"]), ("a b 12 90s", ["90s"]), ("2017 2017", ["2017"]), ("", []), ("\x00\u202e", [])],
)
def test_title_words(title: str, words: list[str]) -> None:
    matrix, vocabulary = title_words([title, "other"])
    assert [vocabulary[column] for column in matrix[0].indices] == words


def test_artists_tags_and_decades_are_counted() -> None:
    library = planted()
    assert typical_artists(library, [0], n=2) == [("Drake", "Migos")]
    assert typical_tags(library, [0, 12]) == [("rap",), ("jazz",)]
    dated = with_playlist(library, "", [0, 1, 2, 40, 41, 80, 81, 82, 83])
    years = [2015, 2016, 2017, 1959, 1960, 1969, 1970, 1971, 1969]
    assert dated.tracks["year"][dated.playlist_tracks.row(dated.n_playlists - 1)].to_list() == years
    assert decades(dated, [dated.n_playlists - 1, 0], n=3) == [("1960s", "2010s"), ("2010s",)]
    bare = Library(library.tracks.drop("year", "genre", "energy"), library.playlists, library.playlist_tracks)
    assert typical_tags(bare, [0]) == [()] == decades(bare, [0])


def test_an_artist_of_many_tracks_comes_before_a_rare_one_with_one() -> None:
    library = planted()
    mixed = with_playlist(library, "mixed", [1, 2, 3, 5, 41])
    assert typical_artists(mixed, [mixed.n_playlists - 1])[0][0] == "Drake"


def test_a_text_is_composed_of_what_is_counted() -> None:
    library = with_playlist(planted(), "untitled", list(range(25, 40)))
    made = extractive(library, [library.n_playlists - 1])
    assert made.columns == list(OPTIONAL_PLAYLIST_COLUMNS) and made.height == 1
    row = made.row(0, named=True)
    assert row["written_by"] == EXTRACTIVE
    assert row["genres"].startswith("rap") and row["activities"] == "working out" and row["eras"] == "2010s"
    assert row["artists"] == "Drake; Migos"
    assert row["written"].startswith("Rap by Drake and Migos. From the 2010s. Energetic. For working out.")
    assert "called gym, rap" in row["written"] or "called rap, gym" in row["written"]


def test_what_makers_wrote_is_not_read_and_the_same_is_written_again() -> None:
    library = planted()
    silent = library.with_playlist_columns(
        pl.DataFrame({"description": [None] * library.n_playlists}, schema={"description": pl.String})
    )
    assert extractive(library).equals(extractive(silent))
    assert extractive(library, [5, 3]).equals(extractive(library)[[5, 3]])


def test_nothing_is_said_of_what_nothing_is_known_of() -> None:
    library = drawn([[], [0]], 1)
    assert extractive(library).row(0) == (None,) * len(OPTIONAL_PLAYLIST_COLUMNS)
    assert extractive(library, []).height == 0


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_hostile_names_stay_in_their_place(artist: str, title: str) -> None:
    library = Library(
        pl.DataFrame({"track_id": ["t0", "t1"], "artist": [artist, "B"]}, schema_overrides={"artist": pl.String}),
        pl.DataFrame({"playlist_id": ["p0"], "title": [title]}),
        Interactions.of([[0, 1]], n_columns=2),
    )
    row = extractive(library).row(0, named=True)
    hidden = {category(c) for c in row["written"] if c not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not hidden
    assert len(row["artists"].split("; ")) <= 2 and len(row["written"]) <= 600


def test_names_that_mean_harm_are_words_like_others() -> None:
    library = planted()
    names = [HOSTILE[i % len(HOSTILE)] for i in range(library.n_tracks)]
    library = retitled(library, dict.fromkeys(range(12), HOSTILE[1])).with_track_columns(
        pl.DataFrame({"artist": names, "genre": names})
    )
    made = extractive(library)
    for text, artists in made.select("written", "artists").iter_rows():
        assert len(text) <= 600 and not {"\x1b", "\u202e", "\n"} & set(text)
        assert set(artists.split("; ")) <= {clean(name) for name in HOSTILE}


def test_a_separator_in_a_name_separates_nothing() -> None:
    assert ";" not in clean("a; b") and clean("\u202ea\x1b[2J") == "a[2J"


def test_words_are_sorted_by_what_they_say() -> None:
    said = sort_words(["gym", "rnb", "jogging", "80s", "2016", "rain", "gym"])
    assert (said.genres, said.activities, said.eras, said.themes) == (
        ("r&b",), ("working out", "running"), ("1980s", "2016"), ("rain",),
    )  # fmt: skip


def test_of_a_large_library_a_sample_is_looked_at_always_the_same() -> None:
    library = planted()
    found = playlist_neighbours(library, pool=20)
    seen = set(found.neighbours.ravel().tolist()) - {-1}
    assert 10 < len(seen) <= 20
    assert (playlist_neighbours(library, pool=20).neighbours == found.neighbours).all()
    exact = playlist_neighbours(library)
    for row in range(library.n_playlists):
        kept = [j for j in exact.neighbours[row].tolist() if j in seen]
        assert kept == [j for j in found.neighbours[row].tolist() if j >= 0]


def test_with_artists_the_similarity_is_the_mean_of_both_cosines() -> None:
    library = planted()
    dense = library.playlist_tracks.matrix().toarray().astype(np.float64)
    of = np.zeros((library.n_tracks, len(library.artist_names)))
    of[np.arange(library.n_tracks), library.artist_rows] = 1
    cosines = []
    for held in (dense, (dense @ of > 0).astype(np.float64)):
        weighted = held * np.log(len(held) / np.maximum(held.sum(0), 1))
        weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
        cosines.append(weighted @ weighted.T)
    mean = (cosines[0] + cosines[1]) / 2
    found = playlist_neighbours(library, artists=True)
    for row in range(library.n_playlists):
        there = found.neighbours[row][found.neighbours[row] >= 0]
        np.testing.assert_allclose(found.similarity[row][: len(there)], mean[row][there], atol=1e-5)
    # music of the same artists without a track in common is near, too
    apart = with_playlist(library, "x", [0, 1, 2])
    apart = with_playlist(apart, "y", [3, 4, 5])
    row = apart.n_playlists - 1
    assert row - 1 not in playlist_neighbours(apart, [row]).neighbours
    assert row - 1 in playlist_neighbours(apart, [row], artists=True).neighbours
