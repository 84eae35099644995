"""The scale benchmark runs at a tiny size, and its planted data are what they claim to be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PLAYLISTS = 600


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    command = [sys.executable, str(BENCHMARKS / "planted_library.py"), str(PLAYLISTS), str(folder / "library")]
    subprocess.run([*command, "--slices", str(folder / "slices"), "--n-slices", "1"], check=True, capture_output=True)
    return folder


def test_a_planted_library_has_the_published_shape(planted: Path) -> None:
    from segue.library import Library

    library = Library.load(planted / "library")
    lengths = library.playlist_tracks.lengths
    assert library.n_playlists == PLAYLISTS
    assert lengths.min() >= 5 and lengths.max() <= 250 and 55 < lengths.mean() < 78
    assert len(set(library.titles)) > 300 and all(title.strip() for title in library.titles)
    assert library.tracks["track_id"].str.starts_with("spotify:track:").all()
    assert library.notes["planted"]["synthetic"]
    assert np.array_equal(np.unique(library.playlist_tracks.indices), np.arange(library.n_tracks))


def test_playlists_of_one_theme_share_more_tracks_than_others(planted: Path) -> None:
    from segue.library import Library

    library = Library.load(planted / "library")
    theme = library.playlists["planted_theme"].to_numpy()
    matrix = library.playlist_tracks.matrix()
    shared = (matrix @ matrix.T).toarray()
    same = (theme[:, None] == theme[None, :]) & (theme[:, None] >= 0)
    np.fill_diagonal(same, False)
    other = theme[:, None] != theme[None, :]
    assert same.sum() > 50
    assert shared[same].mean() > 3 * shared[other].mean()


def test_planted_slices_are_mpd_json(planted: Path) -> None:
    (path,) = (planted / "slices").glob("*.json")
    content = json.loads(path.read_text())
    assert path.name == f"mpd.slice.0-{PLAYLISTS - 1}.json"
    assert set(content) == {"info", "playlists"} and len(content["playlists"]) == PLAYLISTS
    first = content["playlists"][0]
    assert first["num_tracks"] == len(first["tracks"]) and first["collaborative"] in ("true", "false")
    assert {"track_uri", "artist_uri", "album_uri", "track_name", "pos", "duration_ms"} <= set(first["tracks"][0])


@pytest.mark.slow
def test_every_step_of_the_scale_benchmark_runs(planted: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs.json"
    command = [sys.executable, str(BENCHMARKS / "mpd_scale.py"), "--quick", "--playlists", str(PLAYLISTS)]
    command += ["--library", str(planted / "library"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(out.read_text())
    failed = {step["step"]: step["error"] for step in run["steps"] if step["returncode"]}
    assert not failed
    naive = next(step for step in run["steps"] if step["step"] == "recipe_naive")
    assert naive["facts"]["queries"] == 12
    assert "| ingest, all fields" in done.stdout
    assert run["hardware"]["cpu"]
