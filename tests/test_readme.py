"""The README's code blocks run, its links lead somewhere, and its settings are settings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def blocks(language: str, word: str) -> list[str]:
    return [code for name, code in BLOCKS if name == language and word in code]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place as the README takes it for granted: playlists here, more playlists there."""
    from segue.sources.demo import generate, write

    write(tmp_path / "my_playlists", 150)
    write(tmp_path / "data", 150)
    # letters instead of a sentence encoder, which the next block and the demo use
    (tmp_path / "segue.toml").write_text("[train]\nbase_model = 'ngrams'\n[train.vote]\nepochs = 1\n")
    (tmp_path / "new_playlists").mkdir()
    new = {"playlists": list(generate(20, first_pid=90_000))}
    (tmp_path / "new_playlists" / "new.json").write_text(json.dumps(new))
    return tmp_path


@pytest.mark.slow
def test_the_tour_runs(folder: Path) -> None:
    (tour,) = blocks("sh", "segue update")
    run(["sh", "-euc", tour], folder)
    assert (folder / "90s_rap.m3u8").read_text(encoding="utf-8").startswith("#EXTM3U")
    assert (folder / "report" / "report.html").stat().st_size > 10_000
    assert (folder / "report" / "report.json").exists()


@pytest.mark.slow
def test_an_encoder_of_ones_own(folder: Path) -> None:
    """The block as it stands, but for fewer clusters and one epoch: there are a hundred and fifty playlists."""
    (block,) = blocks("sh", "segue finetune")
    (folder / "segue.toml").unlink()
    run(["segue", "ingest", "my_playlists/", "-o", "library"], folder)
    for line, shorter in {
        "segue themes library": "segue themes library -k 8 --base-model ngrams",
        "segue finetune library": "segue finetune library --epochs 1",
    }.items():
        assert line in block
        block = block.replace(line, shorter)
    run(["sh", "-euc", block], folder)
    assert (folder / "themes" / "report.html").stat().st_size > 1_000
    assert (folder / "encoders" / "mine" / "README.md").exists()
    assert (folder / "encoder_report" / "encoders.html").exists()


@pytest.mark.slow
def test_songs_words_listeners(tmp_path: Path) -> None:
    """The block as it stands, but for smaller files, letters instead of a sentence encoder, and one epoch."""
    from segue.sources.demo import write_songs

    (block,) = blocks("sh", "segue similar")
    for line, shorter in {
        "segue demo --files songs": "true",
        "segue similar": "segue similar --base-model ngrams --epochs 1",
        "segue towers train songs_library": "segue towers train songs_library --encoder ngrams --epochs 1",
    }.items():
        assert line in block
        block = block.replace(line, shorter)
    lyrics = write_songs(tmp_path / "songs", 100, 300)["lyrics"]
    pl.read_csv(lyrics).head(200).write_csv(lyrics)
    said = run(["sh", "-euc", block], tmp_path).stdout
    assert "The Beatles" in said
    assert (tmp_path / "tracks.model" / "manifest.json").exists()


@pytest.mark.slow
def test_playlists_found_by_words(folder: Path) -> None:
    """The block as it stands, but for one epoch on few pairs, and letters where a sentence encoder only measures."""
    (block,) = blocks("sh", "segue search")
    (folder / "segue.toml").unlink()
    run(["segue", "ingest", "my_playlists/", "--public", "-o", "library"], folder)
    for line, shorter in {
        "segue tune library": "segue tune library --epochs 1 --max-pairs 16 --batch-size 8 --rank 4",
        "segue grade library": "segue grade library --encoder none",
        "segue evaluate library --protocol search": "segue evaluate library --protocol search --base-model ngrams",
    }.items():
        assert line in block
        block = block.replace(line, shorter)
    said = run(["sh", "-euc", block], folder).stdout
    assert "calm" in said.lower()
    assert (folder / "search_report" / "report.html").exists()
    assert "Not validated against people" in (folder / "judged" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_music_and_the_app(folder: Path) -> None:
    """The block as it stands; its last line runs, on a free port, while the client's block asks it."""
    from sources.music import write_music

    for number, (name, artist) in enumerate(
        [("Hey Jude", "The Beatles"), ("Dancing Queen", "ABBA"), ("My Demo", "Me")]
    ):
        write_music(folder / "music" / f"{number}.mp3", title=name, artist=artist)
    (block,) = blocks("sh", "segue serve")
    (code,) = blocks("python", "SegueClient")
    run(["segue", "ingest", "my_playlists/", "--public", "-o", "library"], folder)
    run(["segue", "train", "library", "-o", "model"], folder)
    *lines, serve = block.strip().splitlines()
    run(["sh", "-euc", "\n".join(lines)], folder)
    assert (folder / "music" / "road_trip.m3u8").read_text(encoding="utf-8").count("\n./") <= 3
    assert json.loads((folder / "map.json").read_text(encoding="utf-8"))["themes"]
    command = [str(Path(sys.executable).parent / "segue"), *serve.split("#")[0].split()[1:], "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            address = service.stdout.readline().strip()
            said = run([sys.executable, "-c", code.replace("http://127.0.0.1:8765", address)], folder).stdout
            assert "1 " in said and 1 <= len(said.splitlines()) <= 3
        finally:
            service.terminate()
            assert service.wait(timeout=30) == 0


@pytest.mark.slow
def test_the_python_runs(folder: Path) -> None:
    (code,) = blocks("python", "segue.holdout")
    said = run([sys.executable, "-c", code], folder).stdout
    assert "ndcg@500" in said and "r_precision" in said


def test_make_has_the_commands() -> None:
    (two,) = blocks("sh", "make demo")
    targets = re.findall(r"^make (\w+)", two, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_settings_are_settings(tmp_path: Path) -> None:
    from segue.cli.settings import read_settings

    (toml,) = blocks("toml", "[train]")
    (tmp_path / "segue.toml").write_text(toml)
    settings = read_settings(tmp_path / "segue.toml")
    assert settings.train.settings().vote.epochs == 8
    assert settings.recommend.defaults().artist_cap == 3
    assert settings.language_model.settings().context == 8192
    assert settings.serve.given() == {"port": 8765, "keys": False}


def test_links_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/glossary.md"):
        page = ROOT / name
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{name} links to {link}"


def test_every_block_is_tested_or_is_about_installing() -> None:
    left = [code for name, code in BLOCKS if name != "toml"]
    known = [*blocks("sh", "make demo"), *blocks("sh", "segue ingest"), *blocks("sh", "segue finetune")]
    known += blocks("sh", "segue similar") + blocks("sh", "segue search")
    known += blocks("python", "segue.holdout") + blocks("python", "SegueClient")
    assert [code for code in left if code not in known] == ["pip install 'segue-playlists[bundled]'\n"]
