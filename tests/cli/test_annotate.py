"""``segue annotate``: in place, into another folder, killed, run twice, with hostile names."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cli.conftest import HOSTILE_NAMES, Segue, invoke
from cli.small_mpd import mpd
from segue.library import Library
from segue.library.tables import AUDIO_FEATURES
from segue.sources.spreadsheet import csv_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [(name, f"artist {name}") for name in HOSTILE_NAMES]
    (tmp_path / "mpd.slice.0-999.json").write_text(json.dumps(mpd([("road trip", names), ("home", names[:2])])))
    assert invoke("ingest", tmp_path / "mpd.slice.0-999.json", "-o", tmp_path / "library").exit_code == 0
    rows = [(name, f"artist {name}", 0.5, "some words") for name in HOSTILE_NAMES[:-2]]
    (tmp_path / "features.csv").write_bytes(csv_bytes(("name", "artist", "energy", "lyrics"), rows))
    return tmp_path


def test_in_place_and_a_second_time(folder: Path, segue: Segue) -> None:
    before = Library.load(folder / "library")
    result = segue("annotate", folder / "library", folder / "features.csv")
    after = Library.load(folder / "library")
    assert after.tracks["energy"].null_count() == 2 and after.fingerprint == before.fingerprint
    assert "6 of 8 tracks matched (6 by name)" in result.stdout and "energy" in result.stdout
    files = {p.name: p.read_bytes() for p in (folder / "library").iterdir()}
    again = segue("annotate", folder / "library", folder / "features.csv")
    assert "nothing new" in again.stdout and "wrote" not in again.stderr
    assert files == {p.name: p.read_bytes() for p in (folder / "library").iterdir()}


def test_into_another_folder(folder: Path, segue: Segue) -> None:
    files = {p.name: p.read_bytes() for p in (folder / "library").iterdir()}
    segue("annotate", folder / "library", folder / "features.csv", "-o", folder / "other")
    assert files == {p.name: p.read_bytes() for p in (folder / "library").iterdir()}
    assert Library.load(folder / "other").tracks["lyrics_status"].to_list().count("found") == 6


def test_json_is_the_report(folder: Path, segue: Segue) -> None:
    report = json.loads(segue("annotate", folder / "library", folder / "features.csv", "--json").stdout)
    assert report["missing"] == 2 and report["coverage"]["energy"]["tracks"] == [0, 6]
    assert report["sources"][0]["match"]["by"] == {"name": 6}
    assert Library.load(folder / "library").notes["annotations"] == [report]


def test_missing_tracks_are_a_harmless_table(folder: Path, segue: Segue) -> None:
    (folder / "one.csv").write_bytes(csv_bytes(("name", "artist", "energy"), [(HOSTILE_NAMES[1], "artist", 0.5)]))
    segue("annotate", folder / "library", folder / "features.csv", "--missing", folder / "m.csv", "--overwrite")
    lines = (folder / "m.csv").read_bytes().decode().split("\r\n")
    assert lines[0] == "track_id,name,artist,rows" and len(lines) == 4  # two tracks and the end
    segue("annotate", folder / "library", folder / "one.csv", "--missing", folder / "m.csv")
    cells = pl.read_csv(folder / "m.csv")["name"].to_list()
    assert "'=HYPERLINK(1)" in cells and "=HYPERLINK(1)" not in cells


def test_hostile_names_stay_on_their_lines(folder: Path, segue: Segue) -> None:
    twice = [(HOSTILE_NAMES[i], f"artist {HOSTILE_NAMES[i]}", 0.5) for i in (1, 3, 4, 5, 1, 3, 4, 5)]
    (folder / "twice\x1b[31m.csv").write_bytes(csv_bytes(("name", "artist", "energy"), twice))
    result = segue("annotate", folder / "library", folder / "twice\x1b[31m.csv")
    assert "4 tracks fitted several rows" in result.stdout
    assert not any(c in result.stdout + result.stderr for c in "\x1b\x07\r\u202e")


def test_errors_are_one_sentence(folder: Path, refused: Callable[..., str]) -> None:
    assert "no such file" in refused("annotate", folder / "library", folder / "none.csv")
    assert "not a library folder" in refused("annotate", folder / "none", folder / "features.csv")
    (folder / "bad.csv").write_text("a,b\n1,2\n")
    assert "wrong schema" in refused("annotate", folder / "library", folder / "bad.csv")
    assert "nothing to annotate with" in refused(
        "annotate", folder / "library", folder / "bad.csv", "--on-error", "skip"
    )
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("years of work")
    assert "choose another place" in refused(
        "annotate", folder / "library", folder / "features.csv", "-o", folder / "full"
    )


KILLED = """
import os, signal, sys
import segue.library.library as module
whole = module.write_json
def write_json(path, value):
    whole(path, value)
    os.kill(os.getpid(), signal.SIGKILL)
module.write_json = write_json
from segue.cli.app import app
app(["annotate", *sys.argv[1:]])
"""


def test_killed_while_writing_the_old_library_is_there(folder: Path, segue: Segue) -> None:
    files = {p.name: p.read_bytes() for p in (folder / "library").iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, folder / "library", folder / "features.csv"], capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert files == {p.name: p.read_bytes() for p in (folder / "library").iterdir()}
    segue("annotate", folder / "library", folder / "features.csv")
    assert Library.load(folder / "library").tracks["energy"].null_count() == 2
    assert not list(folder.glob(".library*"))  # what the killed one left is swept away


def test_the_demo_as_files_comes_back_as_it_was_planted(tmp_path: Path, segue: Segue) -> None:
    """Playlists, then features, lyrics and summaries through the commands: every value of every track is there."""
    from segue.sources.demo.songs import tracks_table, write_songs

    files = write_songs(tmp_path / "songs", 60, 1)
    segue("ingest", files["playlists"], "-o", tmp_path / "library")
    segue("annotate", tmp_path / "library", *(files[n] for n in ("tracks", "features", "lyrics", "summaries")))
    found = Library.load(tmp_path / "library").tracks
    planted = found.select("track_id").join(tracks_table(), on="track_id", how="left", maintain_order="left")
    assert found.height > 500
    for name in ("lyrics", "lyrics_status", "lyrics_source", "summary", "tags", "genre", "year"):
        assert found[name].equals(planted[name].cast(found.schema[name])), name
    for name in AUDIO_FEATURES:
        assert found[name].is_null().equals(planted[name].is_null()), name
        assert (found[name] - planted[name]).abs().max() < 1e-3, name


def test_help_has_examples() -> None:
    shown = invoke("annotate", "--help").stdout
    assert "segue annotate library" in shown
