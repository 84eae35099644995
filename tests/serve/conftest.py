"""A real service on this machine: uvicorn in a thread, every model, made of the bundled catalogue."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segue.library import Library
from segue.library.folders import locked
from segue.serve.settings import ServeSettings


@dataclass(frozen=True)
class Served:
    """A service that runs: its address, and the application itself."""

    url: str
    app: Any
    settings: ServeSettings

    @property
    def serving(self) -> Any:
        return self.app.state.serving


Start = Callable[..., AbstractContextManager[Served]]


def build(folder: Path) -> None:
    """Library, title model, search model, track model and towers, small and quick."""
    from segue.sources.demo import songs_library
    from segue.split.users import split_users
    from segue.systems.builds import NGRAMS, TrainSettings, train_model
    from segue.systems.playlist_search import index_library
    from segue.systems.title_vote import Grid
    from segue.systems.track_neighbours import learn as learn_tracks
    from segue.systems.two_tower import learn as learn_towers
    from segue.train.two_tower_settings import tower_preset
    from segue.train.votes import VoteTraining
    from train.planted_tracks import QUICK as QUICK_TRACKS

    quick = TrainSettings(
        vote=VoteTraining(epochs=1),
        grid=Grid(temper=(0.8,), pretrained=(0.2,), smoothing=(0.5,), ridge=(0.3,), queries=30),
    )
    few = dataclasses.replace(
        QUICK_TRACKS,
        autoencoder=dataclasses.replace(QUICK_TRACKS.autoencoder, epochs=1, steps_per_epoch=5),
        vectors=dataclasses.replace(QUICK_TRACKS.vectors, epochs=1, least_steps=10),
    )
    library = dataclasses.replace(songs_library(400, 40), public=False)
    library.save(folder / "library")
    train_model(library, folder / "model", base_model=NGRAMS, settings=quick)
    index_library(library, folder / "search", encoder=NGRAMS)
    learn_tracks(library, None, few).save(folder / "tracks.model")
    split = split_users(library, k=2, rng_key=0, test=0.0, cold=0.0)
    small = tower_preset("segue").changed(embedding=8, output=8, hidden=(8,), epochs=2)
    learn_towers(split, None, None, small).model.save(folder / "towers")


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``library``, ``model``, ``search``, ``tracks.model`` and ``towers``, made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "served-models"
    with locked(folder):
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            build(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def served_library(served_folder: Path) -> Library:
    return Library.load(served_folder / "library")


@pytest.fixture
def serving_settings(served_folder: Path, tmp_path: Path) -> ServeSettings:
    """Settings with every model and a data folder of the test's own."""
    return _settings(served_folder, tmp_path / "data")


def _settings(folder: Path, data: Path) -> ServeSettings:
    return ServeSettings(
        model=folder / "model",
        search=folder / "search",
        tracks=folder / "tracks.model",
        towers=folder / "towers",
        data=data,
        port=0,
    )


@contextlib.contextmanager
def running(settings: ServeSettings) -> Iterator[Served]:
    """Run a service until the end of the block, on a free port."""
    import uvicorn

    from segue.serve.app import create_app
    from segue.serve.run import config_of

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        settings = dataclasses.replace(settings, port=port)
        app = create_app(settings)
        server = uvicorn.Server(config_of(app, settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive() and time.monotonic() < until, "the service did not start"
                time.sleep(0.01)
            yield Served(f"http://127.0.0.1:{port}", app, settings)
        finally:
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive(), "the service did not end"


@pytest.fixture(scope="session")
def start() -> Start:
    """Start another service: ``with start(settings) as served: served.url``."""
    return running


@pytest.fixture(scope="session")
def served(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for the tests of a worker; tests that write use people of their own."""
    with running(_settings(served_folder, tmp_path_factory.mktemp("served") / "data")) as found:
        yield found
