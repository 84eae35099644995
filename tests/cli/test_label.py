"""``segue label``: sheets, the form, the agreement, end to end."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.app import app
from segue.enrich.evidence import evidence
from segue.library import Library
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Graded, write_lines
from segue.systems.builds import NGRAMS, train_model

runner = CliRunner()


@pytest.fixture(scope="module")
def runs(library: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    ids = Library.load(library).playlists["playlist_id"].to_list()
    folder = tmp_path_factory.mktemp("runs")
    paths = []
    for name, shift in (("hidden-one", 0), ("hidden-two", 2)):
        lines = [RankedQuery(str(q), f"query {q}", ids[q], tuple(ids[q + shift : q + shift + 4])) for q in range(12)]
        paths.append(str(SearchRun(name, tuple(lines)).write(folder)))
    return paths


def made(runs: list[str], library: Path, folder: Path, *more: str) -> Path:
    sheet = folder / "sheet.csv"
    result = runner.invoke(app, ["label", "make", *runs, "--library", str(library), "-o", str(sheet), *more])
    assert result.exit_code == 0, result.output
    return sheet


def filled(sheet: Path, key: dict[str, object], name: str, grade: object) -> Path:
    rows = list(csv.reader(io.StringIO(sheet.read_text())))
    for row in rows[1:]:
        row[3] = str(grade(key["items"][row[0]]))  # type: ignore[operator, index]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path = sheet.with_name(f"{name}.csv")
    path.write_text(out.getvalue())
    return path


def test_make_shows_tracks_and_no_system(runs: list[str], library: Path, tmp_path: Path) -> None:
    sheet = made(runs, library, tmp_path, "--sample", "5")
    text, read = sheet.read_text(), Library.load(library)
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    assert "hidden" not in text and set(key["lists"]) == {"hidden-one", "hidden-two"}
    assert len({item["query"] for item in key["items"].values()}) == 5
    rows = {one: row for row, one in enumerate(read.playlists["playlist_id"].to_list())}
    for number, query, shown, grade in list(csv.reader(io.StringIO(text)))[1:]:
        item = key["items"][number]
        assert query == item["query"] and grade == ""
        assert shown.split(" | ") == list(evidence(read, [rows[item["target"]]])[0])
    again = runner.invoke(app, ["label", "make", *runs, "--library", str(library), "-o", str(sheet)])
    assert again.exit_code == 2 and "exists" in again.output


def test_form_and_agreement_without_a_terminal(runs: list[str], library: Path, tmp_path: Path) -> None:
    sheet = made(runs, library, tmp_path)
    n = len(sheet.read_text().splitlines()) - 1
    result = runner.invoke(app, ["label", "form", str(sheet)], input="3\ns\nnonsense\nb\n2\nq\n")
    assert result.exit_code == 0, result.output
    assert f"2 answered now, 2 in all, {n - 2:,} left" in result.stderr and "query:" in result.stdout
    runner.invoke(app, ["label", "form", str(sheet)], input="1\n" * n)
    result = runner.invoke(app, ["label", "agree", str(sheet), "--key", str(tmp_path / "sheet.key.json")])
    assert result.exit_code == 0, result.output
    assert "hidden-one" in result.stdout and "12 queries of which everything was graded" in result.stderr


def test_agree_with_people_and_a_judge(runs: list[str], library: Path, tmp_path: Path) -> None:
    sheet = made(runs, library, tmp_path)
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    place = {one: place for place, one in enumerate(sorted({i["target"] for i in key["items"].values()}))}
    anna = filled(sheet, key, "anna", lambda item: place[item["target"]] % 4)
    ben = filled(sheet, key, "ben", lambda item: min(3, place[item["target"]] % 4 + 1))
    judge = [Graded(i["query"], i["target"], place[i["target"]] % 4, "", "judge-1") for i in key["items"].values()]
    write_lines(tmp_path / "grades.jsonl", judge)
    command = ["label", "agree", str(anna), str(ben), "--key", str(tmp_path / "sheet.key.json")]
    result = runner.invoke(app, [*command, "--judge", str(tmp_path / "grades.jsonl"), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [(one["first"], one["second"]) for one in report["judge"]] == [
        ("anna", "judge"), ("ben", "judge"), ("people together", "judge")]  # fmt: skip
    assert report["judge"][0]["kappa"] == [1, 1, 1] and 0 < report["judge"][1]["kappa"][0] < 1
    assert report["tau"] is not None and report["queries"] == 12
    page = tmp_path / "agreement.html"
    shown = runner.invoke(app, [*command, "--judge", str(tmp_path / "grades.jsonl"), "-o", str(page)])
    assert page.read_text().count("<svg") == 4 and "tau" in page.read_text() and "<script" not in page.read_text()
    assert "anna / ben: weighted kappa" in shown.stdout and "\x1b" not in shown.stdout
    for bad in (["--by", "somebody"], ["--judge", str(tmp_path / "grades.jsonl"), "--by", "somebody"]):
        assert runner.invoke(app, [*command, *bad]).exit_code == 2
    write_lines(tmp_path / "other.jsonl", [Graded("else", "x", 1, "", "judge-1")])
    foreign = runner.invoke(app, [*command, "--judge", str(tmp_path / "other.jsonl")])
    assert foreign.exit_code == 2 and "no grade of anything" in foreign.output


def test_several_raters(runs: list[str], library: Path, tmp_path: Path) -> None:
    made(runs, library, tmp_path, "--raters", "2", "--overlap", "6")
    sheets = [tmp_path / "sheet-1.csv", tmp_path / "sheet-2.csv"]
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    paths = [
        str(filled(sheet, key, f"rater{n}", lambda item: len(item["target"]) % 4)) for n, sheet in enumerate(sheets)
    ]
    result = runner.invoke(app, ["label", "agree", *paths, "--key", str(tmp_path / "sheet.key.json"), "--json"])
    report = json.loads(result.stdout)
    assert 6 <= report["people"][0]["n"] < len(key["items"]) and report["queries"] == 12


def test_a_run_of_another_library_is_refused(library: Path, tmp_path: Path) -> None:
    run = SearchRun("other", (RankedQuery("1", "q", None, ("nowhere",)),)).write(tmp_path)
    result = runner.invoke(app, ["label", "make", str(run), "--library", str(library), "-o", str(tmp_path / "s.csv")])
    assert result.exit_code == 2 and "no playlist 'nowhere'" in result.output and not (tmp_path / "s.csv").exists()


def test_tracks_that_fit(library: Path, tmp_path: Path) -> None:
    for name, recipe in (("plain", "published"), ("other", "popularity")):
        train_model(
            Library.load(library).select_playlists(range(60)), tmp_path / name, recipe=recipe, base_model=NGRAMS
        )
    (tmp_path / "titles.txt").write_text("# mine\nrainy sunday\ngym\n")
    models = [f"-m{tmp_path / name}" for name in ("plain", "other")]
    sheet = tmp_path / "sheet.csv"
    command = ["label", "tracks", *models, "-o", str(sheet), "-n", "5"]
    result = runner.invoke(app, [*command, "--titles", str(tmp_path / "titles.txt")])
    assert result.exit_code == 0, result.output
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    assert sheet.read_text("utf-8-sig").startswith("item,title,track,fits\n") and key["sheet"] == "fit"
    liked = set(key["lists"]["plain"]["rainy sunday"])
    anna = filled(sheet, key, "anna", lambda item: int(item["query"] == "rainy sunday" and item["target"] in liked))
    report = json.loads(
        runner.invoke(app, ["label", "agree", str(anna), "--key", str(tmp_path / "sheet.key.json"), "--json"]).stdout
    )
    assert report["systems"]["plain"]["share"][0] == 0.5  # all of one title, none of the other
    assert report["systems"]["other"]["share"][0] <= 0.5
    shown = runner.invoke(app, ["label", "agree", str(anna), "--key", str(tmp_path / "sheet.key.json")])
    assert "fits 0.50" in shown.stdout
    everything = runner.invoke(app, [*command[:-3], str(tmp_path / "all.csv"), "-n", "1"])
    assert everything.exit_code == 0 and "of 22 titles" in everything.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal")
def test_the_form_on_a_terminal_takes_single_keys(runs: list[str], library: Path, tmp_path: Path) -> None:
    import pty

    sheet = made(runs, library, tmp_path)
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "segue", "label", "form", str(sheet)], stdin=side, stdout=side, stderr=side
    )
    os.close(side)
    os.write(main, b"31q")  # typed ahead, no line end
    try:
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(main)
    grades = [row[3] for row in csv.reader(io.StringIO(sheet.read_text()))][1:]
    assert grades[:3] == ["3", "1", ""]
