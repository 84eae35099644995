"""Models are swapped under load without a dropped or mixed answer; what cannot be opened never takes over."""

from __future__ import annotations

import gc
import json
import logging
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from segue.errors import StoredDataError
from segue.library.arrays import write_bytes
from segue.library.folders import new_folder
from segue.serve.current import Current
from segue.serve.engine import Engine
from segue.serve.measures import Measures
from segue.serve.settings import ServeSettings
from segue.systems.builds import NGRAMS, train_model
from segue.systems.requests import Request
from serve.conftest import Start


@pytest.fixture(scope="module")
def other(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another title model of the same library, with other answers."""
    from segue.library import Library

    out = tmp_path_factory.mktemp("other") / "model"
    train_model(Library.load(served_folder / "library"), out, recipe="popularity", base_model=NGRAMS)
    return out


@pytest.fixture
def place(served_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(served_folder / "model", tmp_path / "model")
    return tmp_path / "model"


def put(model: Path, place: Path) -> None:
    """Put a model in another's place as 'segue train' does: whole, in one step."""
    with new_folder(place, kind="segue model") as folder:
        shutil.copytree(model, folder, dirs_exist_ok=True)


def soon(true: Callable[[], object], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def measures() -> Measures:
    return Measures()


@pytest.fixture
def current(place: Path, served_folder: Path, tmp_path: Path, measures: Measures) -> Iterator[Current]:
    made = Current(ServeSettings(model=place, search=served_folder / "search", data=tmp_path), measures)
    yield made
    made.stop()


def titles(engine: Engine) -> list[str]:
    return [line.track.track_id for line in engine.answer(Request(title="summer")).tracks]


def test_a_new_model_takes_over_and_the_old_one_is_let_go(current: Current, place: Path, other: Path) -> None:
    old = current.engine
    first = titles(old)
    put(other, place)
    assert current.engine is old and titles(old) == first  # nothing happens by itself yet, and the old files are kept
    assert current.reload() and current.generation == 2
    assert current.engine.model.fingerprint != old.model.fingerprint and titles(current.engine) != first
    assert titles(old) == first  # who holds it still goes on with it
    assert current.engine.search is old.search  # what has not changed is taken over
    watched = weakref.ref(old), weakref.ref(old.model)
    del old
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


def test_changes_are_seen_and_failures_told(
    current: Current, place: Path, other: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "segue.serve")
    current.watch(every=0.02)
    before = current.engine
    put(other, place)
    soon(lambda: current.engine is not before)
    good = current.engine

    shutil.copytree(place, place.parent / "kept")
    manifest = json.loads((place / "manifest.json").read_text())
    # whole at once: what is half-written would be told as a failure of its own
    write_bytes(place / "manifest.json", json.dumps(manifest | {"recommender": "another"}).encode())
    soon(lambda: current.problem)
    assert current.engine is good and titles(good) and str(place) in current.problem
    assert any("old models go on" in record.message for record in caplog.records)
    failures = len(caplog.records)
    time.sleep(0.2)
    assert len(caplog.records) == failures  # it is told once, not at each look

    put(place.parent / "kept", place)
    soon(lambda: not current.problem)
    assert current.engine is not good and titles(current.engine) == titles(good)


@pytest.mark.parametrize("harm", ["truncated", "empty", "text"])
def test_a_damaged_folder_never_takes_over(current: Current, measures: Measures, place: Path, harm: str) -> None:
    good = current.engine
    fresh = place.parent / "fresh"
    shutil.copytree(place, fresh)
    victim = fresh / "playlists.indices.npy"
    match harm:
        case "truncated":
            victim.write_bytes(victim.read_bytes()[:100])
        case "empty":
            shutil.rmtree(fresh)
            fresh.mkdir()
        case "text":
            (fresh / "manifest.json").write_text("{")
    shutil.rmtree(place)
    fresh.rename(place)
    assert not current.reload() and current.problem
    assert current.engine is good and titles(good)
    assert b"segue_model_reload_failures_total 1.0" in measures.text()[0]


def test_a_folder_that_is_away_for_a_moment_is_no_failure(current: Current, place: Path) -> None:
    away = place.rename(place.parent / "away")
    current.watch(every=0.1)
    time.sleep(0.15)
    away.rename(place)
    time.sleep(0.4)
    assert not current.problem
    place.rename(away)
    soon(lambda: current.problem)
    assert titles(current.engine)


def test_a_service_does_not_start_with_what_cannot_be_opened(place: Path, tmp_path: Path) -> None:
    settings = ServeSettings(model=place, data=tmp_path)
    for broken in (
        replace(settings, model=tmp_path / "nowhere"),
        replace(settings, search=tmp_path / "nowhere"),
        replace(settings, tracks=place),
        replace(settings, towers=place),
        replace(settings, map=place / "manifest.json"),
        replace(settings, map=tmp_path / "nowhere.json"),
    ):
        with pytest.raises(StoredDataError, match=r"nowhere|model|map"):
            Engine.open(broken)


def test_under_load_every_answer_is_whole_and_of_one_model(
    place: Path, served_folder: Path, other: Path, tmp_path: Path, start: Start
) -> None:
    """Four clients ask on while models are swapped; each answer is one of the two that there are, byte for byte."""
    settings = ServeSettings(model=place, data=tmp_path / "data")
    body = {"title": "summer", "n": 20}
    found: list[tuple[int, bytes]] = []
    errors: list[BaseException] = []
    with start(settings) as served:
        current = served.serving.current
        over = threading.Event()

        def ask() -> None:
            try:
                with httpx.Client(base_url=served.url, timeout=30) as client:
                    while not over.is_set():
                        answer = client.post("/v1/recommend", json=body)
                        found.append((answer.status_code, answer.content))
            except BaseException as error:
                errors.append(error)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for swap in range(4):
            generation, asked = current.generation, len(found)
            put(other if swap % 2 == 0 else served_folder / "model", place)
            current.ask()
            soon(lambda generation=generation: current.generation > generation)
            soon(lambda asked=asked: len(found) > asked + 8)
        over.set()
        for asker in askers:
            asker.join()
        assert not current.problem
    assert not errors and {status for status, _ in found} == {200}
    assert len({answer for _, answer in found}) == 2 and len(found) > 30
