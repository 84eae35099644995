"""Model folders of the bundled catalogue's synthetic playlists, made once a session."""

from __future__ import annotations

import json

import pytest

from segue.library import Library
from segue.sources.demo import CatalogueTrack, catalogue, write
from segue.sources.ingest import ingest
from segue.systems.builds import NGRAMS, train_model
from segue.systems.model import Model
from systems.trained import QUICK, Trained


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("demo") / "slices"
    write(folder, 800)
    return ingest([folder], public=True)


@pytest.fixture(scope="session")
def trained(demo_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The shipped system without a sentence encoder, test playlists held out."""
    path = tmp_path_factory.mktemp("trained") / "model"
    manifest = train_model(demo_library, path, base_model=NGRAMS, settings=QUICK, hold_out=True)
    return Trained(demo_library, path, json.loads(json.dumps(manifest)), Model.load(path))


@pytest.fixture(scope="session")
def tracks() -> dict[str, CatalogueTrack]:
    """The planted truth: genre, moods and year of each track id."""
    return {track.track_id: track for track in catalogue()}
