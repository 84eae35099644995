"""``segue architectures`` and ``segue ratings`` from outside."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from systems.planted_songs import planted

Segue = Callable[..., Result]
Refused = Callable[..., str]
_GRID = '[[configuration]]\nname = "small \\u001b[2J"\nd = 2\nlayers = [6]\nactivations = "tanh"\n'


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    planted(150).save(folder / "songs")
    (folder / "grid.toml").write_text(_GRID)
    return folder


def test_a_report_and_the_ratings_of_its_sheet(segue: Segue, refused: Refused, songs: Path, tmp_path: Path) -> None:
    options = (songs / "songs", "-o", "r", "--grid", songs / "grid.toml", "--epochs", 2)
    done = segue("architectures", *options)
    assert "\x1b" not in done.stdout and "small" in done.stdout and "PCA, d = 2" in done.stdout
    assert "with artist" in done.stdout and "report.html" in done.stderr
    folds = ("--search", 1, "--folds", 2, "--no-variants", "--test", "--json")
    report = json.loads(segue("architectures", *options, *folds).stdout)
    rows = {row["name"]: row for row in report["inputs"]["audio"]["rows"]}
    assert report["part"] == "test" and set(rows["PCA, d = 2"]["mse"]) == {"train", "validation", "test"}
    assert "search, d = 2" in rows and len(rows["small \x1b[2J"]["folds"]) == 2
    assert not any(row["kind"] == "variant" for row in rows.values())

    assert "no list was rated" in refused("ratings", "r/rating_sheet.csv", "--key", "r/rating_key.json")
    lines = list(csv.reader(Path("r/rating_sheet.csv").read_text().splitlines()))
    for line in lines[1:]:
        line[4] = "7" if line[2] == "1" else ""
    with Path("rated.csv").open("w") as file:
        csv.writer(file).writerows(lines)
    told = segue("ratings", "rated.csv", "--key", "r/rating_key.json")
    assert "7.00 [7.00, 7.00]" in told.stdout and "\x1b" not in told.stdout and "7.49, 6.06, 5.87" in told.stderr
    stored = json.loads(segue("ratings", "rated.csv", "--key", "r/rating_key.json", "--json").stdout)
    assert stored["unrated"] == 0 and {system["rating"][0] for system in stored["systems"]} == {7.0}


def test_lyrics_are_read_with_an_encoder(segue: Segue, songs: Path) -> None:
    grid = ("--grid", songs / "grid.toml", "--input", "lyrics", "--base-model", "ngrams")
    done = segue("architectures", songs / "songs", "-o", "r", *grid, "--epochs", 1)
    assert done.stdout.startswith("lyrics, 150 tracks") and "text vectors" in done.stdout


def test_wrong_options_are_one_sentence(refused: Refused, songs: Path) -> None:
    folder = songs / "songs"
    assert "choose audio, lyrics or both" in refused("architectures", folder, "-o", "r", "--input", "video")
    assert "give 2 or more" in refused("architectures", folder, "-o", "r", "--folds", 1)
    assert "there is no grid" in refused("architectures", folder, "-o", "r", "--grid", "mine")
    assert "is not a library folder" in refused("architectures", "nowhere", "-o", "r")
    Path("r").mkdir()
    Path("r/mine.txt").write_text("")
    assert "holds other things" in refused("architectures", folder, "-o", "r")
    assert "rating_key" in refused("ratings", "sheet.csv", "--key", "rating_key.json")
