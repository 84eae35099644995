"""From a folder of music to a list that plays: ingest, match, recommend --from."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import HOSTILE_NAMES, Segue, invoke
from segue.library import Library
from sources.music import write_music


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def owned(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of music with some of the catalogue, misspelled here and there, and its library beside it."""
    home = tmp_path_factory.mktemp("home")
    tracks = Library.load(library).tracks
    for i, row in enumerate(tracks[:: tracks.height // 60].to_dicts()):
        name = row["name"].upper() if i % 3 else f"{row['name']} (2011 Remaster)"
        write_music(home / "Music" / f"Ordner {i % 7} ☂" / f"#{i}.wav", title=name, artist=row["artist"], date="1990")
    write_music(home / "Music" / "Unheard Of" / "Xylophone Polka.wav")
    (home / "Music" / "zero.mp3").write_bytes(b"")
    result = invoke("ingest", home / "Music", "-o", home / "library")
    assert result.exit_code == 0, result.stderr
    assert "left out" in result.stderr and "zero.mp3" in result.stderr and "segue match" in result.stderr
    assert "segue train" not in result.stderr  # there is nothing to learn from
    return home


def test_a_list_of_files_beside_the_music(segue: Segue, model: Path, owned: Path) -> None:
    out = owned / "Music" / "Lists" / "rock.m3u8"
    said = segue("recommend", "rock", "-m", model, "--from", owned / "library", "-n", 20, "-o", out).stderr
    assert "20 tracks" in said
    entries = [line for line in out.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(entries) == 20 and all(entry.startswith("../Ordner ") for entry in entries)
    assert all((out.parent / entry).is_file() for entry in entries)
    segue("recommend", "rock", "-m", model, "--from", owned / "library", "-n", 20, "-o", out, "--paths", "absolute")
    whole = [line for line in out.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [str((out.parent / entry).resolve()) for entry in entries] == whole
    shutil.rmtree(out.parent)


def test_a_list_elsewhere_names_files_whole(
    segue: Segue, refused: Callable[..., str], model: Path, owned: Path, tmp_path: Path
) -> None:
    arguments = ("recommend", "rock", "-m", model, "--from", owned / "library", "-n", 3)
    beside, far = owned / "Lists" / "a.m3u8", tmp_path / "a.m3u8"
    segue(*arguments, "-o", beside)
    segue(*arguments, "-o", far)
    assert "\n../Music/" in beside.read_text("utf-8") and f"\n{owned}/Music/" in far.read_text("utf-8")
    segue(*arguments, "-o", far, "--paths", "relative")
    entries = [line for line in far.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert all(entry.startswith("../") and (tmp_path / entry).is_file() for entry in entries)
    assert "give -o" in refused(*arguments, "--format", "m3u8", "--paths", "relative")


def test_json_names_owned_tracks_and_rules_see_their_values(segue: Segue, model: Path, owned: Path) -> None:
    library = Library.load(owned / "library").tracks
    arguments = ("recommend", "rock", "-m", model, "--from", owned / "library", "--json")
    answer = json.loads(segue(*arguments, "-n", 30).stdout)
    assert {line["track_id"] for line in answer["tracks"]} <= set(library["track_id"]) and len(answer["tracks"]) == 30
    assert all(line["year"] == 1990 and line["duration_ms"] == 1_000 for line in answer["tracks"])
    assert json.loads(segue(*arguments, "--year", "1991-").stdout)["tracks"] == []
    assert segue(*arguments, "-n", 30).stdout == segue(*arguments, "-n", 30).stdout
    given = answer["tracks"][0]
    for option in (("--track-id", given["track_id"]), ("--track", f"{given['name']} - {given['artist']}")):
        other = json.loads(segue(*arguments, *option).stdout)
        assert given["track_id"] not in [line["track_id"] for line in other["tracks"]]
        assert other["query"]["tracks"] == [given["track_id"]]
    without = segue(*arguments, "--exclude-artist", given["artist"], "--exclude-artist", "Unheard Of")
    assert given["artist"] not in [line["artist"] for line in json.loads(without.stdout)["tracks"]]
    assert "no artist" not in without.stderr  # the library has one


def test_what_no_playlist_has_comes_in_by_its_words(segue: Segue, model: Path, owned: Path) -> None:
    out = segue(
        "recommend", "xylophone polka", "-m", model, "--from", owned / "library", "--explain", "-n", 20
    ).stdout
    (line,) = [line for line in out.splitlines() if "Xylophone Polka" in line]
    assert "the words" in line


def test_the_match_is_reported(
    segue: Segue, refused: Callable[..., str], model: Path, owned: Path, tmp_path: Path
) -> None:
    said = segue("match", owned / "library", "-m", model, "-o", tmp_path / "match.csv").stdout
    rows = list(csv.DictReader(io.StringIO((tmp_path / "match.csv").read_text("utf-8"))))
    assert len(rows) == Library.load(owned / "library").n_tracks
    missing = [row["name"] for row in rows if row["status"] == "missing"]
    assert missing == ["Xylophone Polka"] and "missing: Xylophone Polka" in said
    assert {row["how"] for row in rows} == {"", "name", "version"}
    found = json.loads(segue("match", owned / "library", "-m", model, "--json").stdout)
    assert found["missing"] == 1 and len(found["lines"]) == len(rows) and found["how"]["name"] > 30
    assert "manifest.json" in refused("match", tmp_path, "-m", model)


def test_a_second_ingest_reads_nothing(segue: Segue, owned: Path) -> None:
    before = Library.load(owned / "library")
    said = segue("ingest", owned / "Music", "-o", owned / "library").stderr
    assert f"{before.n_tracks} unchanged" in said and "read now" not in said
    assert Library.load(owned / "library").tracks.equals(before.tracks)


def test_a_library_without_playlists_cannot_be_trained_on(
    refused: Callable[..., str], owned: Path, tmp_path: Path
) -> None:
    assert "0 playlists are too few" in refused(
        "train", owned / "library", "-o", tmp_path / "model", "--recipe", "title_vote"
    )


def test_names_that_mean_harm_stay_text(segue: Segue, hostile: Path, tmp_path: Path) -> None:
    for i, name in enumerate(HOSTILE_NAMES):
        write_music(tmp_path / "Music" / f"{i}.mp3", title=name, artist=f"artist {name}")
    segue("ingest", tmp_path / "Music", "-o", tmp_path / "library")
    arguments = ("recommend", "road trip", "-m", hostile / "model", "--from", tmp_path / "library", "--explain")
    out = segue(*arguments, "--format", "table").stdout
    assert len(out.splitlines()) == len(HOSTILE_NAMES) and "\x1b" not in out and "\u202e" not in out
    said = segue("match", tmp_path / "library", "-m", hostile / "model", "-o", tmp_path / "m.csv").stdout
    assert "\x1b" not in said and "'=HYPERLINK(1)" in (tmp_path / "m.csv").read_text("utf-8")
    segue(*arguments, "-o", tmp_path / "x.m3u8")
    assert len((tmp_path / "x.m3u8").read_text("utf-8").splitlines()) >= 3 + 2 * len(HOSTILE_NAMES)


def test_odd_file_names_are_written_as_addresses_and_said(segue: Segue, model: Path, tmp_path: Path) -> None:
    write_music(tmp_path / "Music" / "two\nlines.wav", title="Yesterday", artist="The Beatles")
    segue("ingest", tmp_path / "Music", "-o", tmp_path / "library")
    out = tmp_path / "Music" / "a.m3u8"
    said = segue("recommend", "rock", "-m", model, "--from", tmp_path / "library", "-o", out).stderr
    assert "1 file has a name that M3U cannot hold" in said
    assert out.read_text("utf-8").splitlines()[-1] == f"file://{tmp_path}/Music/two%0Alines.wav"
