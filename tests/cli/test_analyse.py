from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from segue.library import Library

soundfile = pytest.importorskip("soundfile")

Segue = Callable[..., Result]
Refused = Callable[..., str]


def test_files_are_analysed_and_annotate_a_library(segue: Segue, library: Path, tmp_path: Path) -> None:
    row = Library.load(library).tracks.select("name", "artist").row(3)
    (tmp_path / "music").mkdir()
    sound = 0.25 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    soundfile.write(tmp_path / "music" / "x.flac", sound, 22_050)
    file = __import__("mutagen").File(tmp_path / "music" / "x.flac")
    file["title"], file["artist"] = row
    file.save()
    (tmp_path / "music" / "\x1b[31m\u202ebad.mp3").write_bytes(b"")
    out = tmp_path / "f.parquet"
    done = segue("analyse", tmp_path / "music", "-o", out, "--json")
    told = json.loads(done.stdout)
    assert (told["analysed"], told["rows"], len(told["failed"])) == (1, 1, 1)
    assert "1 file analysed, 0 unchanged, 1 unreadable" in done.stderr
    assert not any(c in done.stdout + done.stderr for c in "\x1b\u202e")
    assert "0 files analysed, 1 unchanged" in segue("analyse", tmp_path / "music", "-o", out).stderr
    segue("annotate", library, out, "-o", tmp_path / "annotated")
    tracks = Library.load(tmp_path / "annotated").tracks
    found = tracks.filter(tracks["loudness"].is_not_null())
    assert found.select("name", "artist").rows() == [row]
    assert found["loudness"][0] == pytest.approx(20 * np.log10(0.25 / np.sqrt(2)), abs=0.1)
    assert found["audio_spectral_centroid"][0] == pytest.approx(440, rel=0.05)
    assert "analyse" in segue("--help").stdout and "--jobs" in segue("analyse", "--help").stdout


def test_what_cannot_be_analysed_is_one_sentence(refused: Refused, tmp_path: Path) -> None:
    assert "no such file" in refused("analyse", tmp_path / "absent", "-o", tmp_path / "f.parquet")
    assert "holds no audio files" in refused("analyse", tmp_path, "-o", tmp_path / "f.parquet")
