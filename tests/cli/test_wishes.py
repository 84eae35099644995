"""``segue recommend --adventure`` and ``--order``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.conftest import Segue, invoke


def _rows(segue: Segue, *arguments: object) -> tuple[list[str], dict[str, Any]]:
    answer = json.loads(segue("recommend", "rock", "-n", 20, "--json", *arguments).stdout)
    return [line["track_id"] for line in answer["tracks"]], answer["query"]


def test_wishes_change_the_list_and_are_repeated_in_it(segue: Segue, model: Path) -> None:
    plain, query = _rows(segue, "-m", model)
    assert "adventure" not in query and "order" not in query
    smooth, query = _rows(segue, "-m", model, "--order", "smooth")
    assert sorted(smooth) == sorted(plain) and smooth != plain
    assert query["order"] == "smooth"
    deep, query = _rows(segue, "-m", model, "--adventure", "1")
    assert set(deep) != set(plain)
    assert query["adventure"] == 1
    assert _rows(segue, "-m", model, "--adventure", "-0.0", "--order", "ranked")[0] == plain


def test_segue_toml_sets_them_and_options_win(segue: Segue, model: Path) -> None:
    Path("segue.toml").write_text('[recommend]\nadventure = -0.5\norder = "smooth"\n')
    _, query = _rows(segue, "-m", model)
    assert (query["adventure"], query["order"]) == (-0.5, "smooth")
    _, query = _rows(segue, "-m", model, "--adventure", 0, "--order", "ranked")
    assert "adventure" not in query and "order" not in query


def test_wishes_that_are_none_are_refused(model: Path) -> None:
    for wrong in (("--adventure", "2"), ("--adventure", "nan"), ("--order", "wild")):
        result = invoke("recommend", "rock", "-m", model, *wrong)
        assert result.exit_code == 2, wrong
        assert result.stdout == ""
