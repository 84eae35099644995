from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.conftest import HOSTILE_NAMES, Segue, invoke
from cli.small_mpd import mpd
from segue.cli.app import app

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def searchable(library: Path) -> Path:
    out = library.parent / "search"
    result = invoke("index", library, "-o", out, "--encoder", "ngrams")
    assert result.exit_code == 0 and result.stdout == "", result.stderr
    assert "words: shared words of title" in result.stderr and "withheld" in result.stderr
    return out


def test_playlists_are_found_and_reasons_given(searchable: Path, segue: Segue) -> None:
    lines = segue("search", "christmas", "-m", searchable, "-n", 4).stdout.splitlines()
    assert len(lines) == 4 and all(len(line.split("\t")) == 4 for line in lines)
    answer = json.loads(segue("search", "christmas", "-m", searchable, "--json", "-n", 4).stdout)
    assert [line.split("\t")[1] for line in lines] == [p["playlist_id"] for p in answer["playlists"]]
    assert all(p["tracks"] and p["why"] for p in answer["playlists"])


def test_filters_and_where_the_model_lies(
    searchable: Path, segue: Segue, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    assert "segue index" in refused("search", "christmas")
    monkeypatch.setenv("SEGUE_SEARCH", str(searchable))
    found = json.loads(segue("search", "road trip", "--json", "--max-tracks", 80, "--artist", "Queen").stdout)
    assert found["playlists"] and all(p["n_tracks"] <= 80 for p in found["playlists"])
    assert found["query"]["filters"] == {"max_tracks": 80, "artist": "Queen"}
    assert "Nobody At All" in refused("search", "road trip", "--artist", "Nobody At All")
    assert "klingon" in refused("search", "road trip", "--language", "klingon")
    assert "range of years" in refused("search", "road trip", "--years", "the nineties")
    assert "no word" in refused("search", "?!")
    none = segue("search", "road trip", "--min-tracks", 5_000)
    assert none.stdout == "" and "loosen" in none.stderr


def test_queries_of_any_size_and_bytes(searchable: Path, segue: Segue, refused: Refused) -> None:
    half = json.loads(segue("search", "christmas \udcff", "-m", searchable, "--json", "-n", 2).stdout)
    assert half["query"]["text"] == "christmas ?" and len(half["playlists"]) == 2
    big = CliRunner().invoke(app, ["search", "-", "-m", str(searchable), "--json"], input="christmas " * 110_000)
    answer = json.loads(big.stdout)
    assert big.exit_code == 0 and "first 2,000 characters" in big.stderr and len(answer["query"]["text"]) == 2_000
    few = json.loads(segue("search", "christmas", "-m", searchable, "--json").stdout)["playlists"]
    assert [p["playlist_id"] for p in answer["playlists"]] == [p["playlist_id"] for p in few]
    assert "no word" in refused("search", "", "-m", searchable)
    nonsense = segue("search", "xqzvw jkqxz", "-m", searchable)  # an answer or a sentence
    assert nonsense.stdout or "nothing fits" in nonsense.stderr


def test_folders_that_are_no_search_model(searchable: Path, library: Path, refused: Refused, tmp_path: Path) -> None:
    assert "segue index" in refused("search", "christmas", "-m", tmp_path / "nowhere")
    assert "segue search model" in refused("search", "christmas", "-m", library)
    assert "segue index" in refused("search", "christmas", "-m", searchable / "manifest.json")


def test_rare_titles_are_withheld_unless_public(segue: Segue, tmp_path: Path) -> None:
    """Four playlists are called one thing, five another; neither the answers nor a list like one tell the former."""
    tracks = [(f"name {i}", f"artist {i}") for i in range(6)]
    titles = ["zanzibar rain"] * 4 + ["sunny beach"] * 5
    (tmp_path / "mpd.slice.0-999.json").write_text(json.dumps(mpd([(title, tracks[i % 3 :]) for i, title in
                                                                   enumerate(titles)])))  # fmt: skip
    segue("ingest", tmp_path / "mpd.slice.0-999.json", "-o", tmp_path / "lib")
    for name, option in (("private", "--private"), ("public", "--public")):
        segue("index", tmp_path / "lib", "-o", tmp_path / name, "--encoder", "none", option)
    private, public = (
        json.loads(segue("search", "zanzibar beach", "-m", tmp_path / name, "--json", "-n", 9).stdout)["playlists"]
        for name in ("private", "public")
    )
    assert {p["title"] for p in private} == {None, "sunny beach"} and "zanzibar" not in json.dumps(private)
    assert sum(p["withheld"] for p in private) == 4
    assert {p["title"] for p in public} == {"zanzibar rain", "sunny beach"} and not any(p["withheld"] for p in public)
    rare = next(p["playlist_id"] for p in private if p["withheld"])
    segue("train", tmp_path / "lib", "-o", tmp_path / "model", "--recipe", "ngrams")
    for options in ((), ("--json",), ("--explain",), ("--format", "m3u8"), ("--format", "csv")):
        result = segue("recommend", "--like", rare, "-m", tmp_path / "model", "-n", 3, *options)
        assert result.stdout and "zanzibar" not in result.stdout + result.stderr


def test_options_that_cannot_be(library: Path, refused: Refused, tmp_path: Path) -> None:
    assert "annoy" in refused("index", library, "-o", tmp_path / "x", "--index", "annoy")
    assert "smell" in refused("index", library, "-o", tmp_path / "x", "--parts", "title,smell")
    assert "is missing" in refused("index", library, "-o", tmp_path / "x", "--weights", tmp_path / "w.json")
    assert "choose another place" in refused("index", library, "-o", library, "--encoder", "none")
    assert not (tmp_path / "x").exists()


def test_weights_parts_and_public_reach_the_model(library: Path, segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text('{"weights": {"words": 2}, "scale": "max"}')
    told = json.loads(
        segue(
            "index", library, "-o", tmp_path / "m", "--encoder", "none", "--parts", "title", "--public",
            "--weights", tmp_path / "w.json", "--json",
        ).stdout
    )  # fmt: skip
    assert told["public"] and told["settings"]["scale"] == "max" and told["encoder"] is None
    assert [(c["spec"]["name"], c["spec"]["weight"]) for c in told["channels"]] == [("words", 2)]
    found = json.loads(segue("search", "christmas", "-m", tmp_path / "m", "--json").stdout)["playlists"]
    assert found and all(p["title"] for p in found)


def test_hostile_titles_and_names_stay_text(hostile: Path, segue: Segue, tmp_path: Path) -> None:
    segue("index", hostile / "library", "-o", tmp_path / "m", "--encoder", "ngrams")
    for query in ("road trip", "etc passwd", *HOSTILE_NAMES):
        result = invoke("search", query, "-m", tmp_path / "m")
        assert result.exit_code in (0, 2)
        said = result.stdout + result.stderr
        assert not any(c in said for c in "\x1b\x07\u202e\r") and result.stdout.count("\t") % 3 == 0


def test_a_new_playlist_like_a_found_one(
    searchable: Path, library: Path, segue: Segue, refused: Refused, tmp_path: Path
) -> None:
    from segue.library import Library

    segue("train", library, "-o", tmp_path / "model", "--recipe", "ngrams")
    found = json.loads(segue("search", "christmas", "-m", searchable, "--json").stdout)["playlists"][0]
    answer = json.loads(
        segue("recommend", "--like", found["playlist_id"], "-m", tmp_path / "model", "-n", 8, "--json").stdout
    )
    read = Library.load(library)
    row = read.playlists["playlist_id"].to_list().index(found["playlist_id"])
    own = read.tracks["track_id"].gather(np.unique(read.playlist_tracks.row(row)).tolist()).to_list()
    assert set(answer["query"]["tracks"]) == set(own)
    assert len(answer["tracks"]) == 8 and not set(own) & {track["track_id"] for track in answer["tracks"]}
    assert answer["query"]["title"] == (found["title"] or "")
    assert "no playlist 'nowhere'" in refused("recommend", "--like", "nowhere", "-m", tmp_path / "model")


def test_a_search_from_a_cold_process_takes_little(searchable: Path) -> None:
    code = (
        "import sys, time; sys.argv = ['segue', 'search', 'rainy day', '-m', sys.argv[1]];"
        "from segue.cli.app import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print(time.process_time(), [m for m in ('torch', 'polars', 'scipy') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(searchable)], capture_output=True, text=True)
    seconds, loaded = done.stderr.splitlines()[-1].split(" ", 1)
    assert done.stdout and loaded == "[]"
    assert float(seconds) < 1.5  # 0.3 to 0.5 alone on a core


def test_the_doctor_looks_at_every_file(searchable: Path, segue: Segue, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "search"
    shutil.copytree(searchable, copy)
    assert "as they were written" in " ".join(segue("doctor", copy).stdout.split())
    file = max(copy.rglob("*.npy"), key=lambda one: one.stat().st_size)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    result = invoke("doctor", copy)
    assert result.exit_code != 0 and file.name in "".join(result.stdout.split())
