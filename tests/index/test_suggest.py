"""What is suggested while a person types, against a search that looks at every track."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segue.index.suggest_build as build
from segue.errors import StoredDataError
from segue.index.suggest import MOST_WORDS, Suggestions
from segue.index.suggest_typos import KnownWords, other_spacings
from segue.library.catalogue import Catalogue
from segue.library.names import fold, recording_key
from segue.library.strings import HashIndex, StringArray, hash64

Names = list[tuple[str, str]]

SONGS: Names = [
    ("Bohemian Rhapsody", "Queen"),
    ("Bohemian Rhapsody - Remastered 2011", "Queen"),
    ("Halo", "Beyoncé"),
    ("Don't Stop Me Now", "Queen"),
    ("Dancing Queen", "ABBA"),
    ("Home", "Nobody"),
    ("Homecoming", "Kanye West"),
    ("Thunderstruck", "AC/DC"),
    ("Sweet Child O' Mine", "Guns N' Roses"),
    ("Да, нет", "Группа"),
    ("!!!", "🌧"),
    ("東京の夜", "誰か"),
]
COUNTS = [900, 950, 800, 700, 600, 5, 500, 400, 300, 20, 10, 8]


def catalogue(names: Names) -> Catalogue:
    empty = StringArray.of([""] * len(names))
    texts = {"name": StringArray.of([n for n, _ in names]), "artist": StringArray.of([a for _, a in names])}
    texts |= {"track_id": empty, "album": empty, "location": empty}
    none = np.full(len(names), -1)
    index = HashIndex.of([""] * len(names))
    return Catalogue(
        texts=texts,
        year=none.astype(np.int16),
        duration_ms=none.astype(np.int32),
        explicit=none.astype(np.int8),
        artist_row=none.astype(np.int32),
        recording=hash64([recording_key(n, a) for n, a in names]),
        by_id=index,
        by_name=index,
        by_recording=index,
    )


def suggestions(names: Names, counts: list[int]) -> Suggestions:
    return Suggestions.of(catalogue(names), np.array(counts, np.int32))


def brute(names: Names, counts: list[int], text: str, n: int) -> list[int]:
    """The definition, track by track."""
    order = sorted(range(len(names)), key=lambda row: (-counts[row], row))
    seen: set[str] = set()
    firsts, others = [], []
    for row in order:
        key = recording_key(*names[row])
        (others if key in seen else firsts).append(row)
        seen.add(key)
    wanted = list(dict.fromkeys(fold(text).split()))[:MOST_WORDS]

    def words(row: int) -> list[str]:
        return [word for part in names[row] for word in fold(part).split()]

    best = [
        row for row in (*firsts, *others) if wanted and all(any(w.startswith(q) for w in words(row)) for q in wanted)
    ]

    def full(row: int) -> set[str]:
        name, artist = fold(names[row][0]), fold(names[row][1])
        return {name, f"{name} {artist}", f"{artist} {name}"}

    exact = [row for row in best[:50] if fold(text) in full(row)][:3]
    return list(dict.fromkeys((*exact, *best)))[:n]


@pytest.fixture(scope="module")
def known() -> Suggestions:
    return suggestions(SONGS, COUNTS)


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("bohem", [0, 1][::-1]),
        ("queen bohem", [1, 0]),
        ("BOHEMIAN queen", [1, 0]),
        ("beyonce halo", [2]),
        ("Beyoncé", [2]),
        ("q", [1, 3, 4, 0]),
        ("dont st", [3]),
        ("don’t st", [3]),
        ("home", [5, 6]),
        ("hom", [6, 5]),
        ("нет", [9]),
        ("!!!", [10]),
        ("🌧", [10]),
        ("東京", [11]),
        ("guns n roses", [8]),
    ],
)
def test_what_a_person_types(known: Suggestions, typed: str, rows: list[int]) -> None:
    assert known.find(typed, 10) == rows


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ("bohemain", 1),  # two letters exchanged
        ("bohmian rapsody", 1),  # a letter too few
        ("bohemiann", 1),
        ("beyonse", 2),
        ("ebyonce", 2),
        ("beyonsé hallo", 2),
        ("thundrs", 7),  # while it is typed
        ("acdc thunder", 7),  # together
        ("thunder struck", 7),
        ("home coming", 6),
        ("guns and roses sweet", 8),  # a word that is not there
    ],
)
def test_what_a_person_mistypes(known: Suggestions, typed: str, row: int) -> None:
    assert brute(SONGS, COUNTS, typed, 5) == []
    assert known.find(typed, 5)[0] == row


@pytest.mark.parametrize("typed", ["", " ", "\t\n", "zzzz", "qqqqqqqq xyz", "b" * 2_000, "home " + "x" * 300])
def test_nothing_to_suggest(known: Suggestions, typed: str) -> None:
    assert known.find(typed, 10) == []


def test_words_after_the_last_that_counts_change_nothing(known: Suggestions) -> None:
    text = "queen " + " ".join(f"w{i}" for i in range(MOST_WORDS - 1))
    assert known.find(text + " bohemian", 5) == known.find(text, 5)
    assert known.find("queen " * 500, 5) == known.find("queen", 5)


def test_at_most_as_many_as_wanted(known: Suggestions) -> None:
    assert [len(known.find("q", n)) for n in (-1, 0, 1, 2, 99)] == [0, 0, 1, 2, 4]


LETTERS = st.text("abAB é-'я🌧\n\t_`", max_size=8)
PLANTED = st.lists(st.tuples(LETTERS, LETTERS, st.integers(0, 3)), max_size=40)


@settings(max_examples=150)
@given(PLANTED, st.one_of(LETTERS, st.text(max_size=12)), st.integers(1, 60), st.sampled_from([(2, 5), (8, 16)]))
def test_the_same_as_looking_at_every_track(
    planted: list[tuple[str, str, int]], text: str, n: int, ends: tuple[int, int]
) -> None:
    names = [(name, artist) for name, artist, _ in planted]
    counts = [count for _, _, count in planted]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "TIERS", ends)
        patched.setattr(build, "_BLOCK", 7)
        index = suggestions(names, counts)
    found = index.find(text, n)
    expected = brute(names, counts, text, n)
    if expected:
        assert found == expected
    else:
        assert len(set(found)) == len(found) <= n and all(0 <= row < len(names) for row in found)
        assert found == index.find(text, n)


@settings(max_examples=100)
@given(st.lists(st.one_of(LETTERS, st.text(max_size=10)), max_size=20))
def test_words_are_those_of_folded_names(texts: list[str]) -> None:
    words, word_of, row_of = build.sorted_words([StringArray.of(texts)])
    said = words.to_list()
    assert said == sorted(set(said), key=str.encode)
    stored = StringArray.of(texts)  # lone surrogates cannot be stored
    expected = [(row, word) for row in range(len(texts)) for word in fold(stored[row]).split()]
    found = [(row, said[word]) for row, word in zip(row_of.tolist(), word_of.tolist(), strict=True)]
    assert sorted(found) == sorted(expected)


@given(st.text("abc", min_size=4, max_size=9), st.data())
def test_one_difference_is_found(word: str, data: Any) -> None:
    place = data.draw(st.integers(1, len(word) - 1))
    other = {
        "too many": word[:place] + "z" + word[place:],
        "another": word[:place] + "z" + word[place + 1 :],
        "exchanged": word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :],
    }[data.draw(st.sampled_from(["too many", "another", "exchanged"]))]
    meant = KnownWords.of((word,), np.array([3]))
    assert any(word.startswith(beginning) for beginning in meant.near(other))


def test_the_nearest_are_meant_the_best_known_first() -> None:
    meant = KnownWords.of(("mellon", "mellow", "melons"), np.array([2, 9, 99]))
    assert meant.near("mellan") == ["mellon"] and meant.near("mellof") == ["mello", "mellow", "mellon"]
    far = KnownWords.of(("collective", "collection"), np.array([2, 9]))
    assert far.near("colxectiv") == ["collectiv"]  # one wrong; two would be "collectio"
    assert meant.near("mel") == [] and meant.near("m" * 41) == [] and meant.near("xxxx") == []


def test_other_spacings_are_few() -> None:
    assert len(list(other_spacings(["w"] * MOST_WORDS))) == MOST_WORDS - 1
    assert len(list(other_spacings(["x" * 2_000]))) < 40


def test_it_is_the_same_when_mapped(known: Suggestions, tmp_path: Path) -> None:
    known.save(tmp_path)
    mapped = Suggestions.load(tmp_path, catalogue(SONGS))
    for typed in ("q", "queen bohem", "bohemain", "", "home"):
        assert mapped.find(typed, 10) == known.find(typed, 10)


def test_arrays_of_another_catalogue_are_refused(known: Suggestions, tmp_path: Path) -> None:
    known.save(tmp_path)
    with pytest.raises(StoredDataError, match="does not fit"):
        Suggestions.load(tmp_path, catalogue(SONGS[:-1]))


@pytest.mark.parametrize("name", ["indptr", "postings"])
def test_damage_is_told(known: Suggestions, tmp_path: Path, name: str) -> None:
    known.save(tmp_path)
    array = np.load(tmp_path / f"{name}.npy")
    np.save(tmp_path / f"{name}.npy", array[::-1] if array.ndim == 1 else array[:, ::-1])
    with pytest.raises(StoredDataError, match="damaged"):
        Suggestions.load(tmp_path, catalogue(SONGS))
        np.save(tmp_path / "postings.npy", np.full_like(np.load(tmp_path / "postings.npy"), 10**6))
        Suggestions.load(tmp_path, catalogue(SONGS)).find("queen", 3)


def test_an_empty_catalogue_suggests_nothing() -> None:
    assert suggestions([], []).find("queen", 5) == []
