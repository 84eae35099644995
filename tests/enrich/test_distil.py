from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.tiny_t5 import write_tiny_t5
from segue.enrich.distil import (
    KIND,
    DistilledDescriber,
    description_pairs,
    distil,
    source_text,
    sources_of,
)
from segue.enrich.review import Verdict, key_of, with_verdicts
from segue.errors import InputError, OutputError, StoredDataError
from segue.library import Interactions, Library
from segue.split.holdout import part_of
from segue.train.seq2seq import Seq2SeqSettings

MOODS = ("calm", "loud", "sad", "happy", "slow")
PLACES = ("rain", "road", "night", "beach")


def described(n: int = 60) -> Library:
    """Playlists whose description says mood and place, which title and tracks name."""
    titles, texts, rows = [], [], []
    for i in range(n):
        mood, place = MOODS[i % 5], PLACES[i % 4]
        titles.append(f"{mood} {place}")
        texts.append(f"{place} music for {mood} people")
        rows.append([(i * 3 + j) % 30 for j in range(20)])
    tracks = pl.DataFrame(
        {"track_id": [f"t{i}" for i in range(30)], "name": [f"name{i}" for i in range(30)], "artist": ["band"] * 30}
    )
    playlists = pl.DataFrame(
        {"playlist_id": [f"p{i}" for i in range(n)], "title": titles, "description": texts, "source": ["x"] * n}
    )
    return Library(tracks, playlists, Interactions.of(rows, n_columns=30))


def test_what_is_read_are_the_title_and_the_first_fifteen_tracks() -> None:
    text = sources_of(described(3), [1])[0]
    assert text.startswith('Describe the playlist "loud road" with the tracks: name3 by band; ')
    assert "name17 by band" in text and "name18" not in text
    assert "people" not in text, "the description must not be in what it is written from"
    assert (
        "\n" not in source_text("a\nb", [("x\u202e\n", "y" * 10_000)])
        and len(source_text("", [("x", "y" * 10_000)])) < 400
    )


def test_people_come_first_and_stand_ins_only_when_they_are_named() -> None:
    library = described(4)
    texts = ["<a href='x'>Calm</a> &amp; old songs", "", None, "two words"]
    written = ["model text for this", "model text for that", "stand in text here", None]
    by = ["openai:x describe-1", "openai:x describe-1", "extractive-1", None]
    columns = {"description": texts, "written": written, "written_by": by}
    library = library.with_playlist_columns(pl.DataFrame(columns))
    pairs = description_pairs(library)
    assert pairs.targets == ("Calm & old songs", "model text for that")
    assert pairs.origins == ("people", "model")
    assert description_pairs(library, ("extractive",)).targets == ("stand in text here",)
    verdict = Verdict("playlist", "p1", key_of("playlist", "p1", "model text for that"), "reject")
    assert description_pairs(with_verdicts(library, [verdict])).targets == ("Calm & old songs",)


def test_generated_radios_are_left_out_and_parts_are_disjoint() -> None:
    library = described(60)
    titles = ["Queen Radio", *library.titles[1:]]
    texts = ["With Queen, ABBA and more", *library.playlists["description"].to_list()[1:]]
    columns = pl.DataFrame({"title": titles, "description": texts})
    pairs = description_pairs(library.with_playlist_columns(columns))
    assert len(pairs.rows) == 59 and 0 not in pairs.rows
    parts = [pairs.rows_of(part) for part in ("train", "validation", "test")]  # type: ignore[arg-type]
    assert sorted(row for part in parts for row in part) == list(pairs.rows) and all(parts)
    assert all(part_of(f"p{row}") == 0 for row in parts[2])


SETTINGS = Seq2SeqSettings(method="full", epochs=25, patience=None, lr=5e-3, batch_size=8, most_target=10)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Library]:
    folder, library = tmp_path_factory.mktemp("distil"), described()
    words = [*sources_of(library, range(60)), *library.playlists["description"].to_list()]
    base = write_tiny_t5(folder / "base", words)
    distil(library, base, folder / "out", settings=SETTINGS)
    return folder, library


def test_what_titles_say_is_learnt_and_said_of_playlists_nobody_described(made: tuple[Path, Library]) -> None:
    folder, library = made
    describer = DistilledDescriber.open(folder / "out")
    rows = description_pairs(library).rows_of("test")
    wanted = [library.playlists["description"][row] for row in rows]
    assert np.mean([a == b for a, b in zip(describer.describe(library, rows), wanted, strict=True)]) > 0.7
    assert describer.manifest["pairs"]["train"] + describer.manifest["pairs"]["validation"] + len(rows) == 60
    assert not (folder / "out.training").exists()


def test_written_texts_are_marked_and_nothing_by_people_is_touched(made: tuple[Path, Library]) -> None:
    folder, library = made
    describer = DistilledDescriber.open(folder / "out")
    stale = pl.DataFrame({"written": ["old text"] + [None] * 59, "themes": ["old"] * 60}, strict=False)
    had = library.with_playlist_columns(stale)
    new, n = describer.applied(had, rows=range(4))
    assert n == 3 and new.playlists["written"][0] == "old text"
    assert set(new.playlists["written_by"][1:4]) == {describer.name}
    assert new.playlists["themes"].to_list()[:5] == ["old", None, None, None, "old"]
    assert new.playlists["description"].to_list() == library.playlists["description"].to_list()
    again, n = describer.applied(had, rows=range(4), again=True)
    assert n == 4 and again.playlists["written"][0] != "old text"


def test_damage_and_strangers_are_named(made: tuple[Path, Library], tmp_path: Path) -> None:
    folder, library = made
    with pytest.raises(StoredDataError, match=r"manifest\.json"):
        DistilledDescriber.open(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text('{"kind": "segue library"}')
    with pytest.raises(OutputError, match="not a segue distilled describer"):
        distil(library, folder / "base", tmp_path / "other")
    nothing = library.with_playlist_columns(
        pl.DataFrame({"description": [None] * 60}, schema={"description": pl.String})
    )
    with pytest.raises(InputError, match="no training playlist has a description"):
        distil(nothing, folder / "base", tmp_path / "out")
    assert KIND in (folder / "out" / "manifest.json").read_text()
