"""``segue judge``: a stand-in judges, people choose and measure, end to end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lm.server import KEY, Chat, ChatServer, serving_chat
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
    assert result.exit_code == 2 and "may not judge" in result.stderr


def by_evidence(chat: Chat) -> dict[str, Any]:
    """A judge that grades by the share of tracks of the artist that is asked for."""
    asked, listed = chat.last.split("\nPlaylists: ")
    artist = json.loads(asked.removeprefix("Query: ")).removeprefix("songs by ").rsplit(" ", 1)[0]
    return {
        "playlists": [
            {"number": one["number"], "grade": 3 if any(t.startswith(f"{artist} - ") for t in one["playlist"]) else 0}
            for one in json.loads(listed)
        ]
    }


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChatServer]:
    with serving_chat(by_evidence) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield server


def test_a_language_model_judges_and_resumes(
    segue: Segue, runs: list[str], library: Path, tmp_path: Path, endpoint: ChatServer
) -> None:
    command = ["judge", *runs, "--library", library, "--depth", 4, "--sample", 6, "--gold", 3, "--lm", "openai:test"]
    assert "27 calls to make" in segue(*command, "--dry-run").stdout and not endpoint.chats
    said = segue(*command, "-o", tmp_path / "judged")
    report = json.loads((tmp_path / "judged" / "report.json").read_text())
    systems = {row["name"]: row["grade"][0] for row in report["systems"]}
    assert systems["good"] > systems["bad"] and report["changed"] == 0 and len(report["wordings"]) == 3
    assert report["gold"]["descriptions"] == 3 and all(
        by.startswith("openai:test judge-1-") for by in report["wordings"]
    )
    n = len(endpoint.chats)
    segue(*command)
    assert n == len(endpoint.chats) == 27  # the second time all is remembered
    assert KEY not in said.stdout + said.stderr + (tmp_path / "judged" / "report.html").read_text()
    refused = runner.invoke(
        app, [str(a) for a in command] + ["--trained-on", str(tmp_path / "judged" / "grades.jsonl")]
    )
    assert refused.exit_code == 2 and "may not judge" in refused.stderr


def test_no_text_of_the_index_reaches_the_judge(
    segue: Segue, runs: list[str], library: Path, tmp_path: Path, endpoint: ChatServer
) -> None:
    import polars as pl

    read = Library.load(library)
    secrets = ("SECRET-TITLE", "SECRET-DESCRIPTION", "SECRET-WRITTEN", "SECRET-TAG")
    columns = dict(
        zip(("title", "description", "written", "themes"), ([s] * read.n_playlists for s in secrets), strict=True)
    )
    read.with_playlist_columns(pl.DataFrame(columns)).save(tmp_path / "secret")
    segue("judge", *runs, "--library", tmp_path / "secret", "--sample", 4, "--gold", 0, "--lm", "openai:test")
    whole = json.dumps([chat.body for chat in endpoint.chats])
    assert len(endpoint.chats) == 12 and not any(secret in whole for secret in secrets)
    assert not any(one in whole for one in read.playlists["playlist_id"].to_list() if len(one) > 5)


def test_a_model_that_answers_nonsense_is_no_judge(
    refused: Callable[..., str], runs: list[str], library: Path, endpoint: ChatServer
) -> None:
    endpoint.answer = lambda chat: {"playlists": [{"number": 77, "grade": 3}]}
    said = refused("judge", *runs, "--library", library, "--sample", 2, "--gold", 0, "--lm", "openai:test")
    assert "graded nothing" in said
