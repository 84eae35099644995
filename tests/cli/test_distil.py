from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from enrich.test_distil import described
from models.tiny import tiny_folder
from models.tiny_t5 import write_tiny_t5
from segue.cli.app import app
from segue.enrich.distil import sources_of
from segue.library import Library

run = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, library = tmp_path_factory.mktemp("distil"), described()
    library.save(folder / "library")
    write_tiny_t5(folder / "base", [*sources_of(library, range(60)), *library.playlists["description"].to_list()])
    return folder


def test_train_measure_and_apply(folder: Path) -> None:
    library, out = str(folder / "library"), str(folder / "out")
    given = ["--base", str(folder / "base"), "--method", "lora", "--rank", "4", "--epochs", "2"]
    given += ["--base-model", str(tiny_folder()), "--distractors", "10", "--json"]
    result = run.invoke(app, ["distil", library, "-o", out, *given])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["corpus"] == report["n"] + 10 and set(report["recall"]) == {"1", "3", "10"}
    assert 0 < report["model"]["trainable"] < report["model"]["parameters"]
    assert "recall@10" in result.stderr
    page = (folder / "out" / "report" / "report.html").read_text()
    assert "ROUGE-L" in page and "<svg" in page
    applied = run.invoke(app, ["distil", library, "-o", out, "--apply", "--json"])
    assert applied.exit_code == 0, applied.output
    said = json.loads(applied.stdout)
    written = Library.load(library).playlists
    assert written["written_by"].drop_nulls().unique().to_list() in ([said["by"]], [])
    assert said["described"] == written["written"].drop_nulls().len()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no model to start from"),
        (["--base", "nowhere"], "no folder of a sequence-to-sequence model"),
        (["--base", "nowhere", "--from", "cats"], "there is no origin 'cats'"),
        (["--apply"], "manifest.json"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder: Path, given: list[str], said: str) -> None:
    result = run.invoke(app, ["distil", str(folder / "library"), "-o", str(folder / "new"), *given])
    assert result.exit_code == 2
    assert said in result.stderr
