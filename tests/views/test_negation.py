from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.views.negation import Negation, split_negation

NEGATIONS = [
    ("no 50 cent", "", ("50 cent",)),
    ("nothing sad", "", ("sad",)),
    ("not live", "", ("live",)),
    ("Not Christmas!", "", ("Christmas",)),
    ("no 80s", "", ("80s",)),
    ("no sad songs please", "", ("sad",)),
    ("no love songs", "", ("love songs",)),
    ("nothing too slow", "", ("slow",)),
    ("no rap or country", "", ("rap", "country")),
    ("no rap, no country", "", ("rap", "country")),
    ("no guns n roses", "", ("guns n roses",)),
    ("no Beatles", "", ("Beatles",)),
    ("anything but country", "", ("country",)),
    ("w/o drake", "", ("drake",)),
    ("songs to cook to, nothing sad", "songs to cook to", ("sad",)),
    ("rap without 50 cent", "rap", ("50 cent",)),
    ("rap but no Drake", "rap", ("Drake",)),
    ("everything except country", "everything", ("country",)),
    ("rock but no metal", "rock", ("metal",)),
    ("road trip, no eagles", "road trip", ("eagles",)),
    ("rap (no drake)", "rap", ("drake",)),
    ("rap [no drake] 2017", "rap, 2017", ("drake",)),
    ("chill - no lyrics", "chill", ("lyrics",)),
    ("90s no rap", "90s", ("rap",)),
    ("rap not trap", "rap", ("trap",)),
    ("happy not sad", "happy", ("sad",)),
    ("study music no words", "study music", ("words",)),
    ("Workout without Taylor Swift and Drake", "Workout", ("Taylor Swift", "Drake")),
    ("party without guns and roses", "party", ("guns and roses",)),
    ("country, nothing by florida georgia line", "country", ("florida georgia line",)),
    ("pop, not live versions", "pop", ("live",)),
    ("rap, no 50 cent, good vibes", "rap, good vibes", ("50 cent",)),
    ("dinner without saxophones", "dinner", ("saxophones",)),
    ("jazz without any vocals", "jazz", ("vocals",)),
    ("dinner, no accordions", "dinner", ("accordions",)),
    ("hits/no rap", "hits", ("rap",)),
    ("No Doubt, no live versions", "No Doubt", ("live",)),
    ("fiesta sin reggaeton", "fiesta", ("reggaeton",)),
    ("party ohne schlager", "party", ("schlager",)),
    ("soirée sans rap", "soirée", ("rap",)),
    ("rock excluding nickelback", "rock", ("nickelback",)),
    ("no taylor swift pop", "pop", ("taylor swift",)),
    ("no Taylor Swift songs for the road", "for the road", ("Taylor Swift",)),
    ("no drake rap", "rap", ("drake",)),
    ("no rap gym", "gym", ("rap",)),
    ("no hip hop workout", "workout", ("hip hop",)),
    ("no love songs wedding", "wedding", ("love songs",)),
    ("without drake party", "party", ("drake",)),
    ("no indie rock", "", ("indie rock",)),
    ("no rap or country workout", "workout", ("rap", "country")),
]

NAMES = [
    "No Scrubs", "no doubt", "no problem", "not afraid", "no limits", "nothing else matters", "no stress",
    "mambo no 5", "Sin City", "welcome to sin city", "Without Me", "life without you", "no pain no gain",
    "No Country for Old Men",
    "nothing but love", "nothing but country", "Everything But The Girl", "no one", "not only rap", "no chill",
    "workout, no excuses", "dance like no one is watching", "ain't no mountain high enough", "no pop no style",
    "no style no pop", "original sin", "No. 1 hits", "not your average rap", "say no to drugs",
    "Nothing Compares 2 U", "no role modelz", "I'm not okay", "musica sin parar", "no new friends", "a no-no",
    "can't say no", "no",
    "without", "no,no,no", "but no", "", "   ", "good vibes only, no drama", "Notorious", "nowhere", "knot sad",
    "sad, not a phase", "no future", "Without Words", "not today", "No Sleep Till Brooklyn", "tanzen ohne ende",
    "sans toi", "no rock bottom", "no soul mates", "no pop star", "no queen of mine", "no future plans",
]  # fmt: skip


@pytest.mark.parametrize(("title", "wanted", "unwanted"), NEGATIONS)
def test_negations(title: str, wanted: str, unwanted: tuple[str, ...]) -> None:
    assert split_negation(title) == Negation(wanted, unwanted)


@pytest.mark.parametrize("title", NAMES)
def test_names_that_look_like_negations(title: str) -> None:
    assert split_negation(title) == Negation(title, ())


def test_artists_of_the_catalogue() -> None:
    assert split_negation("no tiny moving parts").unwanted == ()
    known = {"tiny moving parts", "nits"}
    for title, unwanted in [("no Tiny Moving Parts", "Tiny Moving Parts"), ("pop no The Nits", "The Nits")]:
        assert split_negation(title, known.__contains__).unwanted == (unwanted,)
    assert split_negation("no Tiny Moving Parts emo", known.__contains__) == Negation("emo", ("Tiny Moving Parts",))
    assert split_negation("no tiny moving parts in my house", known.__contains__).unwanted == ()


TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
PIECES = st.lists(
    st.sampled_from(
        ["no ", "not ", "nothing ", "without ", "rap", " ", ", ", "(", ")", " and ", " or ", "drake", "but ", "İ"]
    ),
    max_size=15,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(title=TEXT | PIECES)
def test_any_title(title: str) -> None:
    found = split_negation(title)
    assert all(part.strip() and part in title for part in found.unwanted)
    if not found.unwanted:
        assert found.wanted == title


@pytest.mark.parametrize(
    "title", ["no " * 4000, "no rap, " * 2000, "a" * 10_240, " and " * 2000, "without(" * 2000, "no /or/" * 2000]
)
def test_bounded_time(title: str) -> None:
    start = time.process_time()
    split_negation(title)
    assert time.process_time() - start < 0.25
