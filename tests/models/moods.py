"""A model of moods on the tiny encoder, trained once a process by the command that users run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from typer.testing import CliRunner

from models.tiny import tiny_folder
from segue.cli.app import app
from train.planted_moods import planted_moods, write_csv

HOSTILE = "<script>alert(1)<\u2215script>\x1b[2J.csv"


@dataclass(frozen=True)
class Made:
    """The folder, and what the command said."""

    folder: Path
    stdout: str
    stderr: str


@lru_cache(maxsize=1)
def planted_model() -> Made:
    """400 planted texts of a file with a hostile name, evaluated on 150 others, ``others.csv``, drawn with key 1."""
    folder = Path(tempfile.mkdtemp(prefix="segue-moods-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tweets = write_csv(planted_moods(400), folder / HOSTILE)
    others = write_csv(planted_moods(150, rng_key=1), folder / "others.csv")
    options = {"--evaluate": others, "--base-model": tiny_folder(), "--frozen-layers": 0, "--hold-out": 0.2}
    options |= {"--lr": 3e-3, "--epochs": 3}
    given = [str(part) for pair in options.items() for part in pair]
    result = CliRunner().invoke(app, ["sentiment", "train", str(tweets), "-o", str(folder / "model"), *given])
    assert result.exit_code == 0, result.output
    return Made(folder / "model", result.stdout, result.stderr)
