from __future__ import annotations

import builtins
import io
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from segue.errors import MissingDependency, OutputError, StoredDataError
from segue.evaluate.html import to_html
from segue.evaluate.plots import plots
from segue.evaluate.report import load_report, save_report, to_json
from segue.evaluate.significance import holm, interval, paired
from segue.evaluate.table import Listed, Report, Score, TitleList, rows_of
from segue.evaluate.terminal import print_tables

HOSTILE = '<img src=x onerror="alert(1)">&\'$\\frac{a}{b}$ \U0001f525 \u202e\x00 [red]x[/red]'


def values_of(n: int = 60) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    base = rng.random(n)
    lift = rng.normal(size=n)
    lift[0] = np.nan
    return {
        "published": {"ndcg@500": base, "clicks": rng.integers(0, 51, n).astype(float), "content_lift@66": lift},
        "better": {"ndcg@500": base + 0.1, "clicks": np.zeros(n), "content_lift@66": lift + 1},
        HOSTILE: {"ndcg@500": rng.random(n), "clicks": np.ones(n), "content_lift@66": np.full(n, np.nan)},
    }


def report_of(values: dict[str, dict[str, np.ndarray]], **changes: object) -> Report:
    n = len(next(iter(values.values()))["ndcg@500"])
    slices = {"all": np.ones(n, bool), "seen titles": np.arange(n) < n // 2, "unseen titles": np.arange(n) >= n // 2}
    fields: dict[str, object] = {
        "protocol": "title",
        "part": "test",
        "reference": "published",
        "library": "0123456789abcdef",
        "n_training": 1000,
        "n_queries": n,
        "methods": dict.fromkeys(values, HOSTILE),
        "metrics": ["ndcg@500", "clicks", "content_lift@66"],
        "slices": list(slices),
        "left_out": {HOSTILE: 3},
        "rows": rows_of(values, slices, "published"),
        "lists": [TitleList(HOSTILE, HOSTILE, [Listed(HOSTILE, HOSTILE)], [HOSTILE])],
        "notes": [HOSTILE],
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]


def test_rows_hold_what_the_parts_say() -> None:
    values = values_of()
    report = report_of(values)
    row = report.row("better", "all")
    alone = interval(values["better"]["ndcg@500"])
    assert row.scores["ndcg@500"] == Score(
        pytest.approx(alone.mean), pytest.approx(alone.low), pytest.approx(alone.high)
    )  # type: ignore[arg-type]
    versus = row.versus["ndcg@500"]
    expected = paired(values["better"]["ndcg@500"], values["published"]["ndcg@500"])
    assert versus.difference.mean == pytest.approx(expected.difference.mean)
    assert versus.ratio.low == pytest.approx(expected.ratio.low)
    assert versus.p == pytest.approx(expected.p)
    other = paired(values[HOSTILE]["ndcg@500"], values["published"]["ndcg@500"])
    assert versus.p_holm == pytest.approx(holm([expected.p, other.p])[0])
    assert report.row("published", "all").versus == {}


def test_a_narrow_terminal_gets_fewer_columns_and_whole_heads() -> None:
    values = values_of()
    del values[HOSTILE]
    metrics = [f"{name}_with_a_long_name@500" for name in ("ndcg", "r_precision", "recall", "clicks")]
    named = {method: dict.fromkeys(metrics, found["ndcg@500"]) for method, found in values.items()}
    slices = {"all": np.ones(60, bool)}
    report = report_of(values, metrics=metrics, rows=rows_of(named, slices, "published"), notes=[])
    console = Console(file=io.StringIO(), width=80)
    print_tables(report, console, metrics)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "…" not in shown and all(metric in shown for metric in metrics)
    assert "too wide for here: recall" in shown


def test_a_report_without_reference_says_that_nothing_is_compared() -> None:
    assert "compared with nothing" not in to_html(report_of(values_of(), reference=None))


def test_queries_without_a_value_are_left_out_for_all_methods_that_have_any() -> None:
    values = values_of()
    report = report_of(values)
    lift = report.row("better", "all").scores["content_lift@66"].mean
    assert lift == pytest.approx(np.nanmean(values["better"]["content_lift@66"]))
    assert report.row(HOSTILE, "all").scores["content_lift@66"].mean is None
    assert math.isnan(report.mean(HOSTILE, "all", "content_lift@66"))
    versus = report.row("better", "all").versus["content_lift@66"]
    assert versus.difference.mean == pytest.approx(1)
    assert versus.ratio.mean is None


def test_fewer_than_ten_queries_get_means_only_and_none_get_no_row() -> None:
    values = {"published": {"mrr@10": np.arange(9.0)}, "b": {"mrr@10": np.ones(9)}}
    rows = rows_of(values, {"all": np.ones(9, bool), "none": np.zeros(9, bool)}, "published")
    assert [row.slice for row in rows] == ["all", "all"]
    assert rows[0].scores["mrr@10"] == Score(4.0)
    assert rows[1].versus == {}


def test_figures_of_the_whole_run_stand_in_the_first_slice_only() -> None:
    values = {"a": {"mrr@10": np.ones(20)}}
    slices = {"all": np.ones(20, bool), "seen titles": np.ones(20, bool)}
    rows = rows_of(values, slices, None, whole={"a": {"coverage@66": 0.5, "list_diversity@66": float("nan")}})
    assert rows[0].scores["coverage@66"] == Score(0.5)
    assert rows[0].scores["list_diversity@66"] == Score(None)
    assert "coverage@66" not in rows[1].scores


def test_json_has_its_stable_shape(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import json

    report = report_of(values_of())
    read = json.loads(to_json(report))
    assert list(read) == [
        "kind",
        "format_version",
        "protocol",
        "part",
        "reference",
        "library",
        "n_training",
        "n_queries",
        "methods",
        "metrics",
        "slices",
        "left_out",
        "rows",
        "truth_popularity",
        "not_below",
        "lists",
        "notes",
    ]
    assert list(read["rows"][0]) == ["method", "slice", "n_queries", "scores", "versus"]
    assert list(read["rows"][1]["versus"]["ndcg@500"]) == ["difference", "ratio", "p", "p_holm"]
    assert list(read["rows"][0]["scores"]["ndcg@500"]) == ["mean", "low", "high"]
    path, _ = save_report(report, tmp_path)
    assert load_report(path) == report


def test_damaged_newer_and_missing_reports_are_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "report.json"
    with pytest.raises(StoredDataError, match=r"report\.json is missing"):
        load_report(path)
    data = to_json(report_of(values_of()))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(StoredDataError, match="damaged"):
        load_report(path)
    path.write_bytes(data.replace(b'"format_version": 1', b'"format_version": 99'))
    with pytest.raises(StoredDataError, match="upgrade"):
        load_report(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save_report(report_of(values_of()), tmp_path / "file")


def test_the_page_escapes_hostile_names_everywhere() -> None:
    page = to_html(report_of(values_of()))
    assert "<img" not in page
    assert "&lt;img src=x onerror=&quot;" in page
    assert page.count("<svg") >= 2
    assert "<script" not in page
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', page)) <= set(ids)
    assert "http://" not in page.replace("http://www.w3.org/", "").replace("http://purl.org/", "").replace(
        "http://creativecommons.org/", ""
    )  # names of XML vocabularies only: nothing is fetched
    assert "https://" not in page.replace("https://matplotlib.org/", "")


def test_neither_page_nor_terminal_carries_control_characters() -> None:
    evil = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e"
    values = {"published": {"ndcg@500": np.arange(12.0)}, evil: {"ndcg@500": np.zeros(12)}}
    lists = [TitleList(evil, evil, [Listed(evil, evil)], [evil])]
    report = report_of(values, metrics=["ndcg@500"], notes=[evil], left_out={evil: 1}, lists=lists)
    said = io.StringIO()
    print_tables(report, Console(file=said, width=200), ["ndcg@500"])
    for shown in (to_html(report), said.getvalue()):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
        assert "\ufffd[2J" in shown


@given(st.text(max_size=40))
@settings(max_examples=10, deadline=None)
def test_no_text_can_break_out_of_the_page(text: str) -> None:
    values = {"published": {"ndcg@500": np.arange(12.0)}}
    report = report_of(values, notes=[text], metrics=["ndcg@500"], methods={"published": text}, lists=[], left_out={})
    page = to_html(report)
    tags = to_html(
        report_of(values, notes=["x"], metrics=["ndcg@500"], methods={"published": "x"}, lists=[], left_out={})
    )
    assert page.count("<") == tags.count("<")


def test_without_matplotlib_the_page_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    report = report_of(values_of())
    with pytest.raises(MissingDependency, match="train"):
        plots(report)
    page = to_html(report)
    assert "<svg" not in page
    assert "segue-playlists[train]" in page
    assert "All figures" in page


def test_a_report_of_nothing_but_one_method_still_makes_a_page() -> None:
    values = {"only": {"ndcg@500": np.zeros(3)}}
    page = to_html(report_of(values, reference=None, metrics=["ndcg@500"], lists=[], slices=["all"]))
    assert "only" in page
