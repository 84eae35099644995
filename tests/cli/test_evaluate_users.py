"""``segue evaluate --protocol users`` on listeners with planted tastes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Segue
from protocols.planted_listeners import planted_listeners
from segue.cli.evaluate_users import _named

HOSTILE = "<b>\x1b[31m[red]{}\u202e"


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listeners") / "planted"
    planted_listeners(60, name=HOSTILE).save(folder)
    return folder


def test_the_report_is_written_and_printed(segue: Segue, listeners: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    options = ["--views", "none,name", "--base-model", "ngrams", "--epochs", 1, "--core", 2, "--no-tune"]
    found = segue("evaluate", listeners, "--protocol", "users", *options, "--part", "validation", "-o", out, "--json")
    figures = json.loads(found.stdout)
    assert figures == json.loads((out / "users.json").read_text())
    assert [row["view"] for row in figures["views"]] == ["none", "name"]
    assert "two_tower: name" in figures["methods"] and "item_knn" in figures["methods"]
    assert figures["part"] == "validation" and any("synthetic" in note for note in figures["notes"])
    assert "\x1b" not in (out / "users.html").read_text() and "wrote" in found.stderr


def test_options_that_make_no_sense_are_one_sentence(
    refused: Callable[..., str], listeners: Path, model: Path, library: Path, tmp_path: Path
) -> None:
    ask = ("evaluate", listeners, "--protocol", "users", "--base-model", "ngrams")
    place = ("-o", tmp_path / "report")
    assert "needs a place" in refused(*ask)
    assert "leave --methods out" in refused(*ask, *place, "--methods", "popularity")
    assert "is a model" in refused("evaluate", model, "--protocol", "users", *place)
    assert "no listeners" in refused("evaluate", library, "--protocol", "users", *place)
    assert "no view of tracks" in refused(*ask, *place, "--views", "colour")
    assert "--views names nothing" in refused(*ask, *place, "--views", " , ")
    assert "no whole number" in refused(*ask, *place, "--shares", "half")
    assert "1 to 100" in refused(*ask, *place, "--shares", "200")
    assert "add 'lyrics'" in refused(*ask, *place, "--words", "10")
    assert "choose from first, random, last" in refused(*ask, *place, "--views", "lyrics", "--excerpts", "middle")
    assert "no track of the catalogue has a text" in refused(*ask, *place, "--views", "lyrics")
    assert "smaller core" in refused(*ask, *place, "--core", "1000")
    assert not (tmp_path / "report").exists()


def test_libraries_of_one_name_are_told_apart() -> None:
    found = _named([Path("a/x"), Path("b/x"), Path("c/y"), Path("d/x")], lambda folder: folder)  # type: ignore[arg-type,return-value]
    assert list(found) == ["x", "x (2)", "y", "x (3)"]
