"""``segue evaluate --protocol search`` and ``segue monitor``, by a planted library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from cli.conftest import invoke
from protocols.planted_search import planted_library
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Graded, SearchQuery, write_lines
from segue.protocols.search_sets import query_id

Segue = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    planted_library(40, 30).save(folder / "library")
    assert (
        invoke(
            *("evaluate", folder / "library", "--protocol", "search", "--base-model", "none", "--folds", 3),
            *("-o", folder / "report"),
        ).exit_code
        == 0
    )
    return folder


def test_figures_page_and_runs(folder: Path) -> None:
    figures = json.loads((folder / "report" / "report.json").read_text())
    assert figures["protocol"] == "search" and figures["sets"][0]["n_queries"] == 28  # two are alike
    assert "no sentence encoder" in " ".join(figures["notes"])
    assert (folder / "report" / "report.html").is_file()
    assert {file.name for file in (folder / "report" / "runs").iterdir()} >= {"bm25-tuned.jsonl", "popularity.jsonl"}


def test_queries_and_grades_of_files(folder: Path, segue: Segue, tmp_path: Path) -> None:
    queries = [SearchQuery(f"rain {i}", f"p{i}", "keyword", "templates-1") for i in range(0, 40, 10)]
    write_lines(tmp_path / "q.jsonl", queries)
    write_lines(tmp_path / "g.jsonl", [Graded("rain 0", "p0", 3, "", "x"), Graded("rain 0", "p10", 1, "", "x")])
    found = segue(
        *("evaluate", folder / "library", "--protocol", "search", "--base-model", "none", "--queries", "q.jsonl"),
        *("--queries", "benchmark", "--most", 5, "--grades", "g.jsonl", "--json", "-o", "report"),
    )
    told = {one["name"]: one for one in json.loads(found.stdout)["sets"]}
    assert set(told) == {"benchmark", "keyword, synthetic"}
    assert told["benchmark"]["left_out"]["not in the sample"] == 23
    assert "ndcg-exp@10" in told["keyword, synthetic"]["rows"][0]["scores"]


def test_what_does_not_go_with_it(folder: Path, refused: Refused) -> None:
    library = folder / "library"
    search = ("evaluate", library, "--protocol", "search")
    assert "--methods means nothing" in refused(*search, "--methods", "ease", "-o", "x")
    assert "needs a place" in refused(*search)
    assert "NAME=FOLDER" in refused(*search, "--encoder", "lora", "-o", "x")
    assert "each name once" in refused(*search, "--encoder", "a=b", "--encoder", "a=c", "-o", "x")


def test_a_description_that_was_copied_is_refused(refused: Refused, tmp_path: Path) -> None:
    library = planted_library(20, 10)
    copied = pl.DataFrame({"written": library.playlists["description"], "written_by": ["a model"] * 20})
    library.with_playlist_columns(copied).save(tmp_path / "library")
    said = refused("evaluate", "library", "--protocol", "search", "--base-model", "none", "-o", "x")
    assert "holds the query that is to find it" in said


def test_monitor_exits_with_one_on_a_drop_alone(folder: Path, tmp_path: Path) -> None:
    good, bad = (folder / "report" / "runs" / f"{name}.jsonl" for name in ("bm25-tuned", "popularity"))
    same = invoke("monitor", good, "--against", good, "--json")
    assert same.exit_code == 0 and json.loads(same.stdout)["changed"] == 0
    worse = invoke("monitor", bad, "--against", good)
    assert worse.exit_code == 1 and "fell significantly: " in worse.stderr and "fell" in worse.stdout
    assert invoke("monitor", good, "--against", bad).exit_code == 0


def test_monitor_refuses(folder: Path, refused: Refused, tmp_path: Path) -> None:
    good = folder / "report" / "runs" / "bm25-tuned.jsonl"
    assert "and not both" in refused("monitor", "--against", good)
    assert "cannot be read" in refused("monitor", good, "--against", "missing.jsonl")
    assert "give --model" in refused("monitor", good, "--against", good, "--clicks", "log.csv")
    (tmp_path / "log.jsonl").write_text('{"query": "a"}\n')
    assert "line 1" in refused("monitor", good, "--against", "log.jsonl")


def test_monitor_asks_a_model_and_judges_fresh_queries(folder: Path, tmp_path: Path) -> None:
    library = folder / "library"
    assert invoke("index", library, "-o", "search", "--encoder", "none").exit_code == 0
    stored = [
        RankedQuery(query_id(SearchQuery(f"rain {i}", f"p{i}", "", "")), f"rain {i}", f"p{i}", ()) for i in (1, 11)
    ]
    SearchRun("stored", tuple(stored)).write(tmp_path)
    log = [f"{query},p1,true,{i}" for i, query in enumerate(["gym moon", "sleep river", "dinner"] * 3)]
    (tmp_path / "log.csv").write_text("\n".join(["query,playlist_id,clicked,time", *log]) + "\n")
    found = invoke(
        *("monitor", "--model", "search", "--against", "stored.jsonl", "--clicks", "log.csv", "--sample", 2),
        *("--library", library, "--lm", "none", "-o", "runs", "--json"),
    )
    assert found.exit_code == 0, found.stderr
    assert "mean grade of the first five of 2 logged queries" in found.stderr and "a stand-in judges" in found.stderr
    (file,) = (tmp_path / "runs").iterdir()
    today = SearchRun.read(file)
    assert len(today) == 4 and all(line.ranking for line in today)
    again = invoke("monitor", "--model", "search", "--against", file, "--library", library, "--lm", "none", "--json")
    told = {one["metric"]: one for one in json.loads(again.stdout)["metrics"]}
    assert told["grade@5"]["difference"]["mean"] == 0 and told["grade@5"]["today"]["mean"] is not None
