from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from segue.cli.app import _Commands
from segue.cli.themes_compare import compare

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """The command alone, with the error handling of all commands."""
    app = typer.Typer(cls=_Commands, pretty_exceptions_enable=False)
    app.command()(compare)
    app.command()(_other)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["compare", *map(str, arguments)], catch_exceptions=False)

    return invoke


def _other() -> None:
    """A second command, so that the first has a name."""


QUICK = ("--encoders", "ngrams", "--sample", 80, "-k", 6)


def test_a_table_and_a_folder(run: Run, library: Path, tmp_path: Path) -> None:
    result = run(library, "-o", tmp_path / "out", *QUICK, "--algorithms", "kmeans, hdbscan")
    assert result.exit_code == 0, result.stderr
    head, *lines = result.stdout.splitlines()
    assert head.split()[:3] == ["encoder", "algorithm", "clusters"]
    assert [line.split()[:2] for line in lines] == [["ngrams", "kmeans"], ["ngrams", "hdbscan"]]
    assert lines[0].split()[2] == "6"
    assert "wrote" in result.stderr
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert found["n_playlists"] == 80 and len(found["rows"]) == 2
    assert "<svg" in (tmp_path / "out" / "compare.html").read_text()


def test_json_alone_is_on_stdout(run: Run, library: Path, tmp_path: Path) -> None:
    result = run(library, "-o", tmp_path / "out", *QUICK, "--algorithms", "kmeans", "--on", "titles", "--json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed == json.loads((tmp_path / "out" / "compare.json").read_text())
    assert printed["settings"]["on"] == "titles"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--encoders", "word2vec"), "there is no encoder 'word2vec'"),
        (("--algorithms", "kmeans,birch"), "there is no algorithm 'birch'"),
        (("--eps", "0"), "eps is 0"),
        (("--sample", "1"), "sample is 1"),
        (("-k", "5000"), "5,000 clusters cannot be made of"),
        (("--encoders", "nobody/nothing"), "no folder nobody/nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, library: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    quick = ("--encoders", "ngrams") if "--encoders" not in options else ()
    result = run(library, "-o", tmp_path / "out", *quick, *options)
    assert result.exit_code == 2 and result.stdout == ""
    assert said in result.stderr.splitlines()[-1] and result.stderr.splitlines()[-1].startswith("segue: ")
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_taken_is_refused_before_any_work(run: Run, library: Path) -> None:
    result = run(library, "-o", library, *QUICK)
    assert result.exit_code == 2 and "segue library" in result.stderr
