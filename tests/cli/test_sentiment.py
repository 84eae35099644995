"""``segue sentiment``: train, apply, evaluate, end to end on a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from models.moods import planted_model
from segue.cli.app import app
from segue.library import Interactions, Library
from segue.library.tables import SENTIMENT
from train.planted_moods import planted_moods, write_csv

runner = CliRunner()


@pytest.fixture
def model() -> Path:
    return planted_model().folder


def test_train_prints_a_table_and_where_it_wrote() -> None:
    made = planted_model()
    assert "tfidf + logistic" in made.stdout and "macro-recall of fine-tuned minus majority" in made.stdout
    assert "kept" in made.stderr and "report.html" in made.stderr
    assert "\x1b" not in made.stdout + made.stderr


def test_apply_writes_columns(model: Path, tmp_path: Path) -> None:
    tracks = pl.DataFrame({"track_id": ["a", "b"], "lyrics": ["sad rain", None]})
    library = Library(tracks, pl.DataFrame({"playlist_id": ["p"]}), Interactions.of([[0, 1]], n_columns=2))
    library.save(tmp_path / "library")
    command = ["sentiment", "apply", str(tmp_path / "library"), "-m", str(model), "--cache", str(tmp_path / "cache")]
    result = runner.invoke(app, [*command, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["scored"] == 1 and "scored 1 track of 2" in result.stderr
    values = Library.load(tmp_path / "library").tracks.select(SENTIMENT)
    assert sum(values.row(0)) == pytest.approx(1, abs=1e-6) and values.row(1) == (None, None, None)
    assert "1 were scored before" in runner.invoke(app, command).stderr


def test_evaluate_reports_the_drop_and_a_page(model: Path, tmp_path: Path) -> None:
    lyrics = write_csv(planted_moods(60, rng_key=2), tmp_path / "lyrics.csv")
    command = ["sentiment", "evaluate", str(lyrics), "-m", str(model)]
    result = runner.invoke(app, [*command, "-o", str(tmp_path / "page.html")])
    assert result.exit_code == 0, result.output
    assert "macro-recall lost against others.csv" in result.stdout
    assert "<svg" in (tmp_path / "page.html").read_text()
    found = json.loads(runner.invoke(app, [*command, "--tweets", str(lyrics), "--json"]).stdout)
    assert found["drop"]["from"] == "lyrics.csv" and found["drop"]["scores"]["accuracy"]["mean"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "nowhere.csv", "-o", "m"], "there is no such file"),
        (["apply", "nowhere", "-m", "nowhere"], "nowhere is not a folder"),
        (["evaluate", "nowhere.csv", "-m", "nowhere"], "nowhere is not a folder"),
        (["train", "nowhere.csv", "-o", "m", "--smoothing", "2"], "smoothing is 2.0"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["sentiment", *arguments])
    assert result.exit_code == 2 and said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
