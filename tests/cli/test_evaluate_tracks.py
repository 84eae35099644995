from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Segue
from train.planted_tracks import QUICK, planted_tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tracks") / "library"
    planted_tracks(n_playlists=100, per_group=20)[0].save(place)
    return place


def test_the_protocol_writes_its_report(segue: Segue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.systems.track_neighbours.TrackSettings", lambda: QUICK)
    result = segue(
        "evaluate", folder, "--protocol", "tracks", "--base-model", "ngrams", "--epochs", 1, "-o", "report", "--json"
    )
    found = json.loads(result.stdout)
    assert found["rows"] and "lyrics code" not in {row["method"] for row in found["rows"]}
    assert json.loads(Path("report/tracks.json").read_text()) == found and Path("report/tracks.html").is_file()


def test_what_does_not_go_with_it_is_refused(refused: Callable[..., str], folder: Path, model: Path) -> None:
    assert "with -o" in refused("evaluate", folder, "--protocol", "tracks")
    assert "--methods" in refused("evaluate", folder, "--protocol", "tracks", "-o", "x", "--methods", "ease")
    assert "library" in refused("evaluate", model, "--protocol", "tracks", "-o", "x")
