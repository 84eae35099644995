"""``segue map``: files, pages and lists of themes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Segue, invoke


@pytest.fixture(scope="module")
def published(slices: Path) -> Path:
    library, out = slices.parent / "public", slices.parent / "published"
    assert invoke("ingest", slices, "-o", library, "--public").exit_code == 0
    assert _trained(library, out) == 0
    return out


def _trained(library: Path, out: Path) -> int:
    return invoke("train", library, "-o", out, "--recipe", "published", "--base-model", "ngrams").exit_code


def test_the_map_is_written_printed_and_listed(segue: Segue, published: Path, tmp_path: Path) -> None:
    said = segue("map", published, "-o", tmp_path / "map.json", "--most", 40)
    assert said.stdout == ""
    assert "wrote" in said.stderr
    written = (tmp_path / "map.json").read_bytes()
    printed = segue("map", published, "--json", "--most", 40).stdout
    assert printed.encode() == written + b"\n"
    made = json.loads(written)
    assert len(made["points"]) == 40
    listed = segue("map", published, "--most", 40).stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == [theme["name"] for theme in made["themes"]]


def test_a_page_is_written_where_the_name_says_so(segue: Segue, published: Path, tmp_path: Path) -> None:
    segue("map", published, "-o", tmp_path / "map.HTML", "--most", 30)
    page = (tmp_path / "map.HTML").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<circle") == len(json.loads(segue("map", published, "--json", "--most", 30).stdout)["points"])


def test_hostile_titles_stay_text(segue: Segue, hostile: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    assert _trained(hostile / "library", model) == 0
    listed = segue("map", model).stdout
    assert "\x1b" not in listed and "\x07" not in listed
    made = json.loads(segue("map", model, "--json").stdout)
    assert all(point["title"].isprintable() for point in made["points"])


def test_what_cannot_be_mapped_is_said(
    refused: Callable[..., str], model: Path, published: Path, library: Path
) -> None:
    assert "has no vectors of titles to map" in refused("map", model)
    assert "is not a model folder" in refused("map", library.parent / "nothing")
    assert "not a themes folder" in refused("map", published, "--themes", library.parent / "nothing")
