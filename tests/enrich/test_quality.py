from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.planted_texts import planted
from segue.enrich.claims import Known, Names, claims
from segue.enrich.describe import describe, with_written
from segue.enrich.quality import distinct_n, near_duplicates, playlist_quality, problems, track_quality
from segue.enrich.summarise import summarise, with_summaries
from segue.library import Library


def claimed(text: str, row: int, library: Library | None = None, **lists: list[str]) -> dict[str, str]:
    """What a text about a playlist claims -> whether it is so."""
    library = library or planted()
    evidence = Known.of(library).evidence(library.playlist_tracks.row(row), library.titles[row])
    return {claim.said: claim.support for claim in claims(text, evidence, Names.of(library, [text]), **lists)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hard beats with Drake and Migos.", {"Drake": "yes", "Migos": "yes"}),
        ("Hard beats, not Miles Davis.", {"Miles Davis": "no"}),
        ("MILES DAVIS and bill evans", {"MILES DAVIS": "no"}),
        ("All of Miles Davis's best", {"Miles Davis": "no"}),
        ("From the 1960s and 2010s", {"1960s": "no", "2010s": "yes"}),
        ("From the '60s, the nineties, the 00s", {"1960s": "no", "1990s": "no", "2000s": "no"}),
        ("Best of 2016 and 1987", {"2016": "yes", "1987": "no"}),
        ("Rap, jazz and nothing more", {"rap": "yes", "jazz": "no"}),
        ("Migos opens a sentence, drake is a duck. Drake? No.", {}),
        ("In 20 songs, 45 minutes, room 1408", {}),
    ],
)
def test_claims_are_held_against_the_tracks(text: str, said: dict[str, str]) -> None:
    assert claimed(text, 0) == said


def test_lists_are_claims_whatever_they_say() -> None:
    found = claimed("", 0, artists=["Nobody", "drake"], genres=["Folk"], eras=["1960s"])
    assert found == {"Nobody": "no", "drake": "yes", "folk": "no", "1960s": "no"}


def test_nothing_is_held_against_a_text_where_nothing_is_known() -> None:
    library = planted()
    bare = Library(library.tracks.drop("year", "genre"), library.playlists, library.playlist_tracks)
    assert claimed("Jazz from the 1920s", 0, bare) == {"jazz": "unknown", "1920s": "unknown"}
    half = library.tracks.with_columns(
        year=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.col("year")), genre=pl.lit(None, pl.String)
    )
    assert claimed("From the 1920s", 0, Library(half, library.playlists, library.playlist_tracks)) == {
        "1920s": "unknown"
    }


def test_a_title_is_evidence() -> None:
    library = planted().with_playlist_columns(pl.DataFrame({"title": ["80s Soul with Sade"] * 36}))
    assert claimed("Soul of the 1980s", 0, library) == {"1980s": "yes", "soul": "yes"}


def test_what_the_stand_ins_write_is_supported() -> None:
    library = planted()
    made = describe(library)
    found = playlist_quality(with_written(library, made.playlist_ids, made.columns))
    assert len(found.texts) == library.n_playlists
    assert not any(text.unsupported or text.short for text in found.texts)
    assert sum(claim.kind == "artist" for text in found.texts for claim in text.claims) >= library.n_playlists
    summed = track_quality(with_summaries(library, summarise(library)))
    assert len(summed.texts) == library.n_tracks and not any(text.unsupported for text in summed.texts)


def test_the_worst_come_first() -> None:
    texts = {
        0: "Miles Davis plays in the 1920s.",
        1: "Short.",
        2: "A calm evening of quiet music for one and all.",
        3: "A calm evening of quiet music, for one and all!",
        4: "Loud drums and bright horns on a warm day.",
    }
    library = planted()
    found = playlist_quality(
        library.with_playlist_columns(
            pl.DataFrame({"written": [texts.get(row) for row in range(library.n_playlists)]}, {"written": pl.String})
        )
    )
    assert [text.id for text in found.worst] == ["p0", "p1", "p3", "p2", "p4"]
    said = [problems(text) for text in found.texts]
    assert said == [
        "artist not supported: Miles Davis; era not supported: 1920s", "too short", "", "near-duplicate of p2", "",
    ]  # fmt: skip
    told = found.to_json()
    assert (told["near_duplicates"], told["too_short"], told["with_unsupported_claims"]) == (1, 1, 1)
    assert told["claims"]["artist"] == {"yes": 0, "no": 1, "unknown": 0}
    assert told["by"] == {"": 5}


def test_a_summary_that_quotes_the_lyrics_is_found() -> None:
    sung = "walk with me down to the river tonight and never look back"
    tracks = planted().tracks.with_columns(
        lyrics=pl.lit(sung),
        summary_by=pl.lit("openai:x summarise-1"),
        summary=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.lit("Somebody sings: Walk with me, down to the river!"))
        .when(pl.int_range(pl.len()) == 1)
        .then(pl.lit("A walk down to a river at night with a friend.")),
    )
    found = track_quality(Library(tracks, planted().playlists, planted().playlist_tracks))
    assert [text.quotes for text in found.texts] == [True, False]


@given(st.lists(st.text("ab ", max_size=12), max_size=8), st.integers(1, 3))
def test_distinct_n_is_a_share_and_counts_by_hand(texts: list[str], n: int) -> None:
    grams = [tuple(t.split()[i : i + n]) for t in texts for i in range(len(t.split()) - n + 1)]
    value = distinct_n(texts, n)
    assert math.isnan(value) if not grams else value == len(set(grams)) / len(grams)


@given(st.lists(st.lists(st.integers(0, 30), min_size=25, max_size=40), min_size=1, max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_near_duplicates_are_near_and_copies_are_found(numbers: list[list[int]], data: st.DataObject) -> None:
    texts = [" ".join(f"w{n}" for n in line) for line in numbers]
    original = data.draw(st.integers(0, len(texts) - 1))
    texts.append(texts[original].upper() + "!")
    found = near_duplicates(texts)
    assert found[-1] >= 0 and all(other < place for place, other in enumerate(found))
    for place, other in enumerate(found):
        if other >= 0:
            one, two = ({tuple(t.lower().strip("!").split()[i : i + 3]) for i in range(len(t.split()) - 2)}
                        for t in (texts[place], texts[other]))  # fmt: skip
            assert len(one & two) / len(one | two) >= 0.8


def test_one_changed_word_in_thirty_is_found() -> None:
    words = [f"word{i}" for i in range(30)]
    changed = [*words[:29], "other"]
    assert near_duplicates([" ".join(words), " ".join(changed), " ".join(words[::-1])]) == [-1, 0, -1]
