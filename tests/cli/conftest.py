"""A small library and models of it, made once by the commands themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.small_mpd import mpd
from segue.cli.app import app

Segue = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test runs in an empty folder, without anybody's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGUE_MODEL", raising=False)


def invoke(*arguments: object) -> Result:
    """Run a command in this process; an exception that is no exit fails the test."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    return result


@pytest.fixture
def segue() -> Segue:
    def run(*arguments: object) -> Result:
        result = invoke(*arguments)
        assert result.exit_code == 0, result.stderr
        return result

    return run


@pytest.fixture
def refused() -> Callable[..., str]:
    """Run a command that must end with exit code 2 and one sentence, which is returned."""

    def run(*arguments: object) -> str:
        result = invoke(*arguments)
        assert result.exit_code == 2, (result.stdout, result.stderr)
        assert result.stdout == ""
        said = [line for line in result.stderr.splitlines() if line.startswith("segue: ")]
        assert len(said) == 1 and result.stderr.splitlines()[-1] == said[0], result.stderr
        return said[0]

    return run


@pytest.fixture(scope="session")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from segue.sources.demo import write

    folder = tmp_path_factory.mktemp("demo") / "slices"
    write(folder, 400)
    return folder


@pytest.fixture(scope="session")
def library(slices: Path) -> Path:
    out = slices.parent / "library"
    assert invoke("ingest", slices, "-o", out).exit_code == 0
    return out


@pytest.fixture(scope="session")
def model(library: Path) -> Path:
    out = library.parent / "model"
    assert invoke("train", library, "-o", out, "--recipe", "ngrams", "--hold-out").exit_code == 0
    return out


HOSTILE_NAMES = (
    "=HYPERLINK(1)",
    "\x1b[31mred\x1b[0m",
    "[bold]bold[/bold]",
    "a\nb\rc\td",
    "\u202egnirts desrever",
    "bell\x07 and null-ish\x01",
    "[/]",
    "😀👩‍🚀",
)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library folder and a model folder whose names and titles mean harm; returns the folder of both."""
    folder = tmp_path_factory.mktemp("hostile")
    tracks = [(name, f"artist {name}") for name in HOSTILE_NAMES]
    titles = ["../../etc/passwd", "[red]road trip", "=1+1", "\x1b]0;title\x07road trip"] * 5
    (folder / "mpd.slice.0-999.json").write_text(json.dumps(mpd([(title, tracks) for title in titles])))
    assert invoke("ingest", folder / "mpd.slice.0-999.json", "-o", folder / "library", "--public").exit_code == 0
    assert invoke("train", folder / "library", "-o", folder / "model", "--recipe", "ngrams").exit_code == 0
    return folder
