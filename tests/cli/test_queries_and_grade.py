from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from protocols.planted import planted
from segue.cli.app import app
from segue.library.searching import Graded, SearchQuery, read_lines
from segue.split.holdout import part_of

run = CliRunner()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries") / "library"
    planted(60).save(folder)
    return folder


def test_queries_then_grades_without_any_model(library: Path, tmp_path: Path) -> None:
    queries, grades = tmp_path / "q.jsonl", tmp_path / "g.jsonl"
    made = run.invoke(app, ["queries", str(library), "-o", str(queries), "--styles", "keyword,natural", "--json"])
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    written = read_lines(queries, SearchQuery)
    assert told["queries"] == len(written) > 10 and set(told["styles"]) <= {"keyword", "natural"}
    graded = run.invoke(
        app,
        [
            "grade",
            str(library),
            "--queries",
            str(queries),
            "-o",
            str(grades),
            "--encoder",
            "none",
            "-n",
            "6",
            "--json",
        ],
    )
    assert graded.exit_code == 0, graded.output
    lines = read_lines(grades, Graded)
    told = json.loads(graded.stdout)
    assert told["graded"] == len(lines) and told["grade_3"] == told["queries"], "each query has its own playlist"
    assert {one.query for one in lines} <= {one.query for one in written}


def test_variants_of_logged_queries(library: Path, tmp_path: Path) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "v.jsonl"
    rows = "".join(f"sad workout songs,p1,{int(i == 0)},{i * 100}\n" for i in range(30))
    log.write_text(f"query,playlist_id,clicked,time\n{rows}")
    made = run.invoke(app, ["queries", str(library), "-o", str(out), "--low", str(log), "--each", "2"])
    assert made.exit_code == 0, made.output
    assert [one.playlist_id for one in read_lines(out, SearchQuery)] == ["p1", "p1"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["queries", "LIBRARY", "-o", "x", "--styles", "poem"], "no style 'poem'"),
        (["queries", "LIBRARY", "-o", "x", "--lm", "gpt"], "no language model 'gpt'"),
        (["grade", "LIBRARY", "--queries", "nowhere.jsonl", "-o", "x"], "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(library: Path, tmp_path: Path, given: list[str], said: str) -> None:
    given = [str(library) if part == "LIBRARY" else str(tmp_path / "x") if part == "x" else part for part in given]
    result = run.invoke(app, given)
    assert result.exit_code == 2 and said in result.stderr


def test_rejected_queries_and_their_grades_are_not_trained_on(library: Path, tmp_path: Path) -> None:
    from segue.cli.tune import _pairs
    from segue.enrich.review import Verdict, add_verdicts, line_key
    from segue.library import Library
    from segue.library.searching import write_lines

    read = Library.load(library)
    playlist = next(i for i in read.playlists["playlist_id"].to_list() if part_of(i) > 1)
    kept, gone = (SearchQuery(f"{word} tunes of old", playlist, "keyword", "x") for word in ("brass", "wooden"))
    write_lines(tmp_path / "q.jsonl", [kept, gone])
    write_lines(tmp_path / "g.jsonl", [Graded(one.query, playlist, 3, "", "x") for one in (kept, gone)])
    add_verdicts(tmp_path / "q.jsonl", [Verdict("query", playlist, line_key(gone), "reject")])
    options = {"clicks": [], "measured": [], "metadata": False, "phrased": False, "max_pairs": 10}
    files = {"queries": [tmp_path / "q.jsonl"], "grades": [tmp_path / "g.jsonl"]}
    found = _pairs(read, **files, **options, everything=False, rng_key=0)  # type: ignore[arg-type]
    assert set(found.train.left) == {kept.query}
