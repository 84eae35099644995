from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from enrich.planted_texts import planted
from segue.enrich.describe import describe, with_written
from segue.enrich.review import accepted_lines
from segue.library import Library
from segue.library.searching import Graded, SearchQuery, write_lines

Segue = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    library = planted()
    made = describe(library)
    library = with_written(library, made.playlist_ids, made.columns)
    lie = pl.Series("written", ["Miles Davis in the 1920s, a \x1b[2Jjazz dream."])
    library = library.with_playlist_columns(library.playlists.select("written").with_columns(
        library.playlists["written"].clone().scatter(4, lie)))  # fmt: skip
    library = library.with_playlist_columns(
        pl.DataFrame({"written_by": ["openai:x describe-1" if row == 4 else "extractive-1" for row in range(36)]})
    )
    library.save(tmp_path / "library")
    return tmp_path / "library"


def filled(sheet: Path, verdicts: dict[int, str]) -> None:
    lines = list(csv.reader(sheet.read_text("utf-8-sig").splitlines()))
    for row, verdict in verdicts.items():
        lines[row + 1][lines[0].index("verdict")] = verdict
    with sheet.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


def test_a_report_a_queue_and_verdicts(segue: Segue, folder: Path, tmp_path: Path) -> None:
    told = segue("review", folder)
    assert "descriptions of playlists: 36" in told.stdout and "artist not supported: Miles Davis" in told.stdout
    assert "\x1b" not in told.stdout
    counts = json.loads(segue("review", folder, "--json").stdout)
    assert counts["playlist"]["with_unsupported_claims"] == 1
    assert counts["playlist"]["by"] == {"extractive-1": 35, "openai:x describe-1": 1}
    sheet = tmp_path / "queue.csv"
    done = segue("review", folder, "--queue", 3, "-o", sheet)
    assert done.stdout == "" and "wrote 3 texts" in done.stderr
    first = next(csv.DictReader(sheet.read_text("utf-8-sig").splitlines()))
    assert first["id"] == "p4" and "era not supported: 1920s" in first["problems"]
    filled(sheet, {0: "reject", 1: "accept"})
    done = segue("review", folder, "--take", sheet)
    assert "took 2 verdicts, 1 of them rejections" in done.stderr and done.stdout == ""
    library = Library.load(folder)
    assert library.playlists["written"][4] is None and library.playlists["written"].null_count() == 1
    assert json.loads(segue("review", folder, "--json").stdout)["review"] == {"verdicts": 2, "rejected": 1}


def test_queries_and_grades(segue: Segue, refused: Refused, tmp_path: Path) -> None:
    queries, grades = tmp_path / "queries.jsonl", tmp_path / "grades.jsonl"
    asked = [SearchQuery(f"songs about rain number {i % 2}", f"p{i}", "mood", "templates-1") for i in range(4)]
    write_lines(queries, asked)
    write_lines(grades, [Graded(line.query, line.playlist_id, 2, "fits", "x") for line in asked])
    told = json.loads(segue("review", queries, "--json").stdout)
    assert told["query"]["texts"] == 4 and told["query"]["near_duplicates"] == 2
    sheet = tmp_path / "queue.csv"
    segue("review", queries, "--queue", 2, "-o", sheet)
    filled(sheet, {0: "no"})
    segue("review", queries, "--take", sheet)
    left = accepted_lines(queries, SearchQuery)
    assert len(left) == 3 and {line.playlist_id for line in asked} - {line.playlist_id for line in left} == {"p2"}
    assert "is about queries" in refused("review", grades, "--take", sheet)
    assert "grades: 4" in segue("review", grades).stdout


def test_what_cannot_be_done_is_told(segue: Segue, refused: Refused, tmp_path: Path, folder: Path) -> None:
    planted().save(tmp_path / "bare")
    assert "holds nothing that was written" in refused("review", tmp_path / "bare")
    assert "go together" in refused("review", folder, "--queue", 3)
    assert "lacks the column 'kind'" in refused("review", folder, "--take", _made(tmp_path / "s.csv", "a,b\n"))
    head = "kind,id,key,verdict\n"
    assert "holds no verdict" in refused("review", folder, "--take", _made(tmp_path / "s.csv", head))
    other = _made(tmp_path / "other.jsonl", '{"a": 1}\n')
    assert "neither a library nor a file of queries or grades" in refused("review", other)
    assert "cannot be read" in refused("review", tmp_path / "no.jsonl")
    far = f"{head}playlist,elsewhere,0123456789abcdef,reject\n"
    done = segue("review", folder, "--take", _made(tmp_path / "s.csv", far))
    assert "1 verdict on playlists or tracks that the library does not have" in done.stderr


def _made(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
