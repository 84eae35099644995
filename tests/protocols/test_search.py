from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from protocols.planted_search import planted_library
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError
from segue.evaluate.search_page import to_html
from segue.library import Library
from segue.library.search_runs import SearchRun
from segue.library.searching import SearchQuery
from segue.protocols import search_rows
from segue.protocols.search import BEST_UNTRAINED, SearchReport, run_search
from segue.protocols.search_rows import BM25, POPULARITY, Pool
from segue.protocols.search_sets import QuerySet, benchmark, sets_of
from segue.systems.search_model import SearchModel
from segue.systems.search_settings import SearchSettings


@pytest.fixture(scope="module")
def library() -> Library:
    return planted_library()


@pytest.fixture(scope="module")
def encoder(library: Library) -> NgramEncoder:
    return NgramEncoder.fitted(library.tracks["name"].to_list(), buckets=2**10, dimension=32)


@pytest.fixture(scope="module")
def report(library: Library, encoder: NgramEncoder) -> SearchReport:
    written = library.with_playlist_columns(
        pl.DataFrame(
            {"written": ["a list"] * library.n_playlists, "written_by": ["extractive-1"] * library.n_playlists}
        )
    )
    keyword = [
        SearchQuery(f"{title} list", f"p{i}", "keyword", "templates-1") for i, title in enumerate(library.titles)
    ]
    sets = [benchmark(library), *sets_of(keyword[:30], library)]
    return run_search(library, sets, encoder, {"mine": encoder}, saw={"mine": "nothing"}, folds=3, written=written)


def test_all_rows_are_there_and_sets_apart(report: SearchReport) -> None:
    benchmark_set, keyword = report.figures.sets
    assert (benchmark_set.synthetic, keyword.synthetic) == (False, True)
    names = [row.name for row in benchmark_set.rows]
    assert names[:3] == [POPULARITY, BM25, "untuned encoder"] and "mine, fused, + written" in names
    assert benchmark_set.references["tuned BM25"] == BM25
    best = benchmark_set.row(benchmark_set.references[BEST_UNTRAINED])
    others = [row.scores["recall@10"].mean or 0 for row in benchmark_set.rows if row.kind == "untrained"]
    assert best.kind == "untrained" and best.scores["recall@10"].mean == max(others)
    assert "30 synthetic queries (30 by templates-1)" in keyword.title


def test_queries_find_their_playlists(report: SearchReport) -> None:
    found = report.figures.sets[0]
    popular, bm25 = found.row(POPULARITY).scores["recall@10"].mean, found.row(BM25).scores["recall@10"].mean
    assert popular is not None and bm25 is not None and bm25 > popular + 0.2
    change = found.row(POPULARITY).against["tuned BM25"]["recall@10"]
    assert change.verdict == "-" and change.change.mean is not None and change.change.mean < -0.5


def test_the_same_encoder_under_another_name_is_no_better(report: SearchReport) -> None:
    found = report.figures.sets[0]
    assert found.row("mine").scores == found.row("untuned encoder").scores
    same = found.row("mine").against["untuned encoder"]["recall@10"]
    assert same.verdict == "" and same.difference.mean == 0


def test_no_description_is_indexed(library: Library, encoder: NgramEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Library] = []
    build = Pool.build.__func__  # type: ignore[attr-defined]

    def watched(cls: type[Pool], indexed: Library, *args: object, **options: object) -> Pool:
        read.append(indexed)
        return build(cls, indexed, *args, **options)

    monkeypatch.setattr(Pool, "build", classmethod(watched))
    run_search(library, [benchmark(library)], encoder, folds=2, most=4)
    (indexed,) = read
    assert indexed.playlists["description"].null_count() == library.n_playlists
    held = " ".join(search_rows._WRITTEN.texts(indexed))
    assert "what we hear" not in held and "moon" in held


def test_weights_are_fitted_on_other_folds(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """No truth of a query reaches the fitting of its own fold."""
    queries = benchmark(library)
    seen: list[set[int]] = []

    def watched(cases: object, truth: list[tuple[int]], **_: object) -> tuple[float, ...]:
        seen.append({row for (row,) in truth})
        return (1.0, 1.0, 1.0)

    monkeypatch.setattr(search_rows, "fit_weights", watched)
    pool = Pool.build(library, {}, written=False)
    row = search_rows.Row("x", ("words", "title-words", "lead"), "weights", "untrained", "")
    truth = np.arange(len(queries.queries))
    folds = truth % 3
    search_rows.answer(row, pool, [q.query for q in queries.queries], truth, folds)
    assert seen == [set(truth[folds != fold].tolist()) for fold in range(3)]


def test_runs_page_and_figures_are_written(
    report: SearchReport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_json, as_html = report.save(tmp_path / "report")
    figures = json.loads(as_json.read_text())
    for queries in figures["sets"]:
        for row in queries["rows"]:
            run = SearchRun.read(as_json.parent / row["run"])
            assert len(run) == queries["n_queries"] and all(len(line.ranking) <= 100 for line in run)
    page = as_html.read_text()
    assert "<script" not in page and page.count("<svg") >= 2 and "Nobody wrote these queries" in page
    report.print()
    assert "recall@10" in capsys.readouterr().out


def test_titles_and_queries_are_hostile(encoder: NgramEncoder) -> None:
    library = planted_library(30, 30)
    bad = "<script>alert(1)</script> [red]\x1b[2J"
    library = library.with_playlist_columns(
        pl.DataFrame(
            {"title": [f"{bad} {i}" for i in range(30)], "description": [f"{bad} words {i}" for i in range(30)]}
        )
    )
    found = run_search(library, [benchmark(library)], None, folds=2)
    page = to_html(found.figures, found.values)
    assert "<script>" not in page and not re.search("[\x00-\x08\x1b]", page)


def test_without_an_encoder_words_alone(library: Library) -> None:
    found = run_search(library, [benchmark(library)], None, folds=2, most=20).figures
    assert "no sentence encoder" in " ".join(found.notes)
    assert {row.name for row in found.sets[0].rows} == {POPULARITY, BM25, "words of title and lead"}


def test_too_little_to_ask(library: Library) -> None:
    with pytest.raises(InputError, match="at least 2 folds"):
        run_search(library, [benchmark(library)], None, folds=1)
    with pytest.raises(InputError, match="no queries"):
        run_search(library, [], None)


def test_a_few_queries_keep_equal_weights(library: Library) -> None:
    few = QuerySet("benchmark", False, benchmark(library).queries[:3], {})
    row = run_search(library, [few], None, folds=2).figures.sets[0].row("words of title and lead")
    assert set(row.weights.values()) == {round(1 / 3, 4)}


def test_a_search_model_is_two_rows_and_never_read_descriptions(library: Library, encoder: NgramEncoder) -> None:
    read = SearchSettings().restricted_to(["title", "tracks", "artists", "lead"])
    model = SearchModel.build(library, encoder, read)
    found = run_search(library, [benchmark(library)], None, models={"mine": model}, saw={"mine": "nothing"}, folds=2)
    figures = found.figures.sets[0]
    assert figures.row("mine").weights == {f"mine/{c.spec.name}": round(c.spec.weight, 4) for c in model.channels}
    assert sum(figures.row("mine, weights fitted").weights.values()) == pytest.approx(1, abs=1e-3)
    run = next(run for run in found.runs if run.name == "mine")
    ids = library.playlists["playlist_id"].to_list()
    asked = run.queries[3]
    assert list(asked.ranking) == [ids[row] for row in model.rank(asked.query).rows[:100].tolist()]
    with pytest.raises(InputError, match="read makers' descriptions"):
        run_search(library, [benchmark(library)], None, models={"mine": SearchModel.build(library, encoder)})
    with pytest.raises(InputError, match="another library"):
        run_search(planted_library(130), [benchmark(library)], None, models={"mine": model})


def test_a_query_about_another_library_is_refused(library: Library) -> None:
    with pytest.raises(InputError, match="no playlist of the library"):
        run_search(planted_library(5), [benchmark(library)], None)
