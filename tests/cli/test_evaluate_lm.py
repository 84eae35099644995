from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from lm.server import KEY, ChatServer, serving_chat
from protocols.planted import planted
from segue.cli.app import app

run = CliRunner()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked") / "library"
    whole = planted(120)
    ended = pl.DataFrame({"modified_at": [1_500_000_000] * whole.n_playlists})
    whole.with_playlist_columns(ended).save(folder)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChatServer]:
    with serving_chat(lambda chat: {"tracks": [{"name": "track <b>1</b>", "artist": "artist 0"}]}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
        yield server


def evaluated(library: Path, *given: str) -> tuple[int, str, str]:
    plain = ["--methods", "popularity,same_title", "--base-model", "ngrams"]
    result = run.invoke(app, ["evaluate", str(library), *plain, "--lm", "openai:test", "--sample", "5", *given])
    return result.exit_code, result.stdout, result.stderr


def test_a_dry_run_asks_nothing(library: Path, server: ChatServer) -> None:
    code, out, said = evaluated(library, "--dry-run", "--lm-rows", "zero_shot,few_shot")
    assert code == 0, said
    assert "calls to make" in out and "tokens of prompts" in out and "few-shot: " in said
    assert not server.chats


def test_the_model_s_rows_stand_beside_the_others(library: Path, server: ChatServer, tmp_path: Path) -> None:
    out = tmp_path / "report"
    code, shown, said = evaluated(library, "-o", str(out), "--lm-n", "3")
    assert code == 0, said
    report = json.loads((out / "report.json").read_text())
    assert report["n_queries"] == 5
    assert {"popularity", "same_title", "asked, zero-shot", "asked, few-shot"} <= set(report["methods"])
    assert any("of the named tracks are not in the catalogue" in note for note in report["notes"])
    assert "left out: the row 'grounded'" in said and "a sample of 5 titles" in said
    asked = len(server.chats)
    again = evaluated(library, "-o", str(out), "--lm-n", "3")
    assert again[0] == 0 and len(server.chats) == asked, "what was answered is remembered"
    assert KEY not in shown + said + "".join(path.read_text("utf-8", "replace") for path in out.iterdir())


def test_what_does_not_go_together_is_said(library: Path, server: ChatServer, tmp_path: Path) -> None:
    for given, message in (
        (["--protocol", "challenge"], "leave --protocol out"),
        (["--playlist", "p1"], "does not go with --playlist"),
        (["--lm-rows", "magic"], "no way 'magic'"),
    ):
        code, _, said = evaluated(library, "-o", str(tmp_path / "r"), *given)
        assert code == 2 and message in said
