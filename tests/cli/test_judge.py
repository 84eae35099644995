"""``segue judge``: a stand-in judges, people choose and measure, end to end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from segue.cli.app import app
from segue.library import Library
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Graded, read_lines, write_lines

Segue = Callable[..., Result]
runner = CliRunner()


@pytest.fixture(scope="module")
def runs(library: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One run finds playlists by the artist that is asked for, the other one others."""
    read = Library.load(library)
    ids, folder = read.playlists["playlist_id"].to_list(), tmp_path_factory.mktemp("runs")
    artists = read.tracks["artist"].to_list()
    good, bad = [], []
    for q in range(30):
        artist = artists[read.playlist_tracks.row(q)[0]]
        mine = [row for row in range(120) if artist in {artists[t] for t in read.playlist_tracks.row(row)}][:4]
        others = [row for row in range(120, 240) if artist not in {artists[t] for t in read.playlist_tracks.row(row)}]
        query = f"songs by {artist} {q}"
        good.append(RankedQuery(str(q), query, ids[q], tuple(ids[row] for row in mine)))
        bad.append(RankedQuery(str(q), query, ids[q], tuple(ids[row] for row in others[q : q + 4])))
    return [str(SearchRun(name, tuple(lines)).write(folder)) for name, lines in (("good", good), ("bad", bad))]


def test_the_stand_in_is_named_and_finds_the_better_run(
    segue: Segue, runs: list[str], library: Path, tmp_path: Path
) -> None:
    out = tmp_path / "judged"
    command = ["judge", *runs, "--library", library, "--depth", 4, "--sample", 12, "--gold", 5, "-o", out]
    said = segue(*command)
    assert (
        "stand-in" in said.stderr
        and "Mechanical gold" in said.stdout
        and "Not validated against people" in said.stdout
    )
    report = json.loads((out / "report.json").read_text())
    systems = {row["name"]: row["grade"][0] for row in report["systems"]}
    assert systems["good"] > systems["bad"] + 0.3
    grades = read_lines(out / "grades.jsonl", Graded)
    assert len(grades) == 3 * report["pairs"] and all(line.by.startswith("stand-in:evidence-1") for line in grades)
    assert "<script" not in (out / "report.html").read_text()
    before = (out / "report.json").read_bytes(), (out / "grades.jsonl").read_bytes()
    segue(*command)
    assert before == ((out / "report.json").read_bytes(), (out / "grades.jsonl").read_bytes())


def people(runs: list[str], library: Path, folder: Path, segue: Segue, *more: object) -> tuple[Path, Path]:
    """A person who likes what the good run found."""
    segue("label", "make", *runs, "--library", library, "-o", folder / "sheet.csv", "--depth", 4, *more)
    key = json.loads((folder / "sheet.key.json").read_text())
    rows = list(csv.reader(io.StringIO((folder / "sheet.csv").read_text())))
    for row in rows[1:]:
        item = key["items"][row[0]]
        row[3] = "3" if item["target"] in key["lists"]["good"][item["query"]] else "0"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    (folder / "anna.csv").write_text(out.getvalue())
    return folder / "anna.csv", folder / "sheet.key.json"


def test_people_measure_and_choose(segue: Segue, runs: list[str], library: Path, tmp_path: Path) -> None:
    anna, key = people(runs, library, tmp_path, segue)
    command = [
        "judge",
        *runs,
        "--library",
        library,
        "--depth",
        4,
        "--people",
        anna,
        "--key",
        key,
        "--json",
        "--gold",
        0,
    ]
    plain = json.loads(segue(*command).stdout)
    assert plain["validation"]["kind"] == "all people" and plain["validation"]["n"] == plain["pairs"]
    assert plain["validation"]["kappa"][0] > 0.1 and plain["validation"]["tau"][0] == 1 and plain["tried"] == []
    tuned = json.loads(segue(*command, "--tune").stdout)
    assert tuned["validation"]["kind"] == "people who chose nothing"
    assert 0 < tuned["validation"]["n"] < plain["validation"]["n"]
    assert len(tuned["tried"]) == 4 and tuned["grades_by"] in dict(tuned["tried"])


def test_the_sample_of_people_is_the_judges(segue: Segue, runs: list[str], library: Path, tmp_path: Path) -> None:
    anna, key = people(runs, library, tmp_path, segue, "--sample", 6)
    command = [
        "judge",
        *runs,
        "--library",
        library,
        "--depth",
        4,
        "--people",
        anna,
        "--key",
        key,
        "--json",
        "--gold",
        0,
    ]
    report = json.loads(segue(*command, "--sample", 6).stdout)
    assert report["queries"] == report["validation"]["queries"] == 6


def test_mechanical_gold_where_people_described(segue: Segue, runs: list[str], library: Path, tmp_path: Path) -> None:
    import polars as pl

    read = Library.load(library)
    artists = read.tracks["artist"].to_list()
    told = [f"the very best of {artists[read.playlist_tracks.row(row)[0]]}, {row}" for row in range(40)]
    column = pl.DataFrame({"description": told + [None] * (read.n_playlists - 40)})
    read.with_playlist_columns(column).save(tmp_path / "described")
    command = ["judge", *runs, "--depth", 4, "--json", "--gold", 20, "--sample", 2]
    gold = json.loads(segue(*command, "--library", tmp_path / "described").stdout)["gold"]
    assert gold["descriptions"] == 20 and gold["within"][1] > 0.5
    nothing = pl.DataFrame({"description": pl.Series([None] * read.n_playlists, dtype=pl.String)})
    read.with_playlist_columns(nothing).save(tmp_path / "bare")
    without = segue(*command, "--library", tmp_path / "bare")
    assert json.loads(without.stdout)["gold"] is None and "no mechanical gold" in without.stderr


def test_what_is_refused(refused: Callable[..., str], runs: list[str], library: Path, tmp_path: Path) -> None:
    command = ["judge", *runs, "--library", library]
    assert "--people and --key" in refused(*command, "--tune")
    (tmp_path / "a.csv").write_text("")
    assert "go together" in refused(*command, "--people", tmp_path / "a.csv")
    assert "called" in refused("judge", runs[0], runs[0], "--library", library)


def test_who_taught_may_not_judge(segue: Segue, runs: list[str], library: Path, tmp_path: Path) -> None:
    segue("judge", *runs, "--library", library, "--sample", 2, "-o", tmp_path / "judged", "--gold", 0)
    taught = read_lines(tmp_path / "judged" / "grades.jsonl", Graded)
    write_lines(tmp_path / "training.jsonl", taught[:1])
    result = runner.invoke(
        app, ["judge", *runs, "--library", str(library), "--trained-on", str(tmp_path / "training.jsonl")]
    )
    assert result.exit_code == 2 and "would judge what it taught" in result.stderr
