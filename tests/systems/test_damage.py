"""Models that are damaged, replaced while they are read, or updated twice at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from segue.cli.app import app
from segue.errors import InputError, StoredDataError
from segue.library import Interactions, Library
from segue.library.arrays import save_array
from segue.library.folders import new_folder
from segue.systems.builds import NGRAMS, train_model, update_model
from segue.systems.manifest import check_sizes, read_manifest, verify
from segue.systems.model import Model, Request


def part(library: Library, begin: int, end: int) -> Library:
    import polars as pl

    chosen = library.select_playlists(np.arange(begin, end))
    held, indices = np.unique(chosen.playlist_tracks.indices, return_inverse=True)
    interactions = Interactions(chosen.playlist_tracks.indptr, indices.astype(np.int32), len(held))
    return Library(library.tracks[pl.Series(held)], chosen.playlists, interactions, public=True)


@pytest.fixture(scope="module")
def published(demo_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that is made in no time and keeps an encoder, vectors and a library."""
    path = tmp_path_factory.mktemp("published") / "model"
    train_model(part(demo_library, 0, 80), path, recipe="published", base_model=NGRAMS)
    return path


@pytest.fixture
def model(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published, tmp_path / "model")
    return tmp_path / "model"


def rolled(file: Path) -> None:
    """Other content of the same dtype, shape and size."""
    array = np.load(file)
    save_array(file, np.roll(array.ravel(), 1).reshape(array.shape))


def test_the_manifest_lists_every_file(model: Path) -> None:
    files = read_manifest(model)["files"]
    there = {p.relative_to(model).as_posix(): p.stat().st_size for p in model.rglob("*") if p.is_file()}
    there.pop("manifest.json")
    assert {name: about["bytes"] for name, about in files.items()} == there
    assert verify(model) == len(there) > 20
    assert verify(model, ("tracks",)) == sum(name.startswith("tracks/") for name in there)


def test_damage_of_the_same_shape_is_found_and_named(model: Path) -> None:
    rolled(model / "tracks" / "artist_row.npy")
    rolled(model / "playlists.indices.npy")
    Model.load(model)  # sizes are as they were
    with pytest.raises(StoredDataError) as raised:
        verify(model)
    assert "tracks/artist_row.npy holds other bytes" in str(raised.value)
    assert "playlists.indices.npy holds other bytes" in str(raised.value)


def test_doctor_says_which_file_is_damaged(model: Path) -> None:
    runner = CliRunner()
    fine = json.loads(runner.invoke(app, ["doctor", str(model), "--json"]).stdout)["findings"][-1]
    assert fine["what"] == "model" and fine["ok"] and "files are as they were written" in fine["found"]
    rolled(model / "tracks" / "artist_row.npy")
    result = runner.invoke(app, ["doctor", str(model), "--json"])
    assert result.exit_code == 2
    assert "tracks/artist_row.npy" in json.loads(result.stdout)["findings"][-1]["found"]
    assert runner.invoke(app, ["doctor", str(model / "nowhere")]).exit_code == 2


def test_an_update_refuses_damage_in_what_it_reads_and_mends_the_rest(model: Path, demo_library: Library) -> None:
    rolled(model / "library" / "playlist_tracks.indices.npy")
    with pytest.raises(StoredDataError, match=r"playlist_tracks\.indices\.npy holds other bytes"):
        update_model(model, part(demo_library, 80, 90))
    rolled_back = np.load(model / "library" / "playlist_tracks.indices.npy")
    save_array(model / "library" / "playlist_tracks.indices.npy", np.roll(rolled_back, -1))
    rolled(model / "tracks" / "artist_row.npy")
    update_model(model, part(demo_library, 80, 90))
    assert verify(model) and Model.load(model).manifest["n_playlists"] == 90


def test_a_wrong_size_is_noticed_at_once(model: Path) -> None:
    with (model / "tracks" / "name.utf8.npy").open("ab") as file:
        file.write(b"x")
    with pytest.raises(StoredDataError, match=r"name\.utf8\.npy is damaged \([\d,]+ bytes instead of"):
        Model.load(model)


def test_models_without_a_list_of_files_open(model: Path) -> None:
    manifest = json.loads((model / "manifest.json").read_text())
    files = manifest.pop("files")
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert Model.load(model).answer(Request("rock")).tracks and verify(model) == 0
    damaged: tuple[Any, ...] = ([], {"a": 1}, {"a": {"bytes": "1", "blake2b": "x"}})
    for wrong in damaged:
        (model / "manifest.json").write_text(json.dumps({**manifest, "files": wrong}))
        with pytest.raises(StoredDataError, match=r"manifest\.json is damaged"):
            Model.load(model)
    shutil.rmtree(model / "library")  # for updates alone
    (model / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
    assert Model.load(model).answer(Request("rock")).tracks


def test_sizes_are_checked_in_no_time(model: Path) -> None:
    manifest = read_manifest(model)
    begin = time.process_time()
    for _ in range(10):
        check_sizes(model, manifest)
    assert (time.process_time() - begin) / 10 < 0.005


@pytest.mark.parametrize("version", [True, False, 0, -1, 1.0])
def test_a_format_is_a_whole_number_from_one(model: Path, version: Any) -> None:
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps({**manifest, "format_version": version}))
    with pytest.raises(StoredDataError, match="format_version"):
        Model.load(model)


@pytest.mark.parametrize("text", ["{}", "[]", "7", "null"])
def test_damaged_json_of_a_part_is_a_sentence(trained_copy: Path, text: str) -> None:
    for file in trained_copy.rglob("*.json"):
        if file.parent == trained_copy or "library" in file.parts:
            continue
        kept = file.read_bytes()
        file.write_text(text)
        try:
            Model.load(trained_copy).answer(Request("rock"))
        except StoredDataError as error:
            assert str(trained_copy) in str(error)
        file.write_bytes(kept)


@pytest.fixture
def trained_copy(trained: Any, tmp_path: Path) -> Path:
    """The shipped recipe, its list of files taken out, so that damage gets past it."""
    shutil.copytree(trained.path, tmp_path / "trained")
    manifest = json.loads((tmp_path / "trained" / "manifest.json").read_text())
    manifest.pop("files")
    (tmp_path / "trained" / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "trained"


def test_damaged_arrays_end_in_a_sentence_or_an_answer(trained_copy: Path) -> None:
    ids = Model.load(trained_copy).catalogue.texts["track_id"]
    requests = [Request("road trip"), Request("no queen, rock", track_ids=(ids[5], ids[9]))]
    refused = 0
    for file in sorted(trained_copy.rglob("*.npy")):
        if "library" in file.parts:
            continue
        kept, array = file.read_bytes(), np.load(file)
        if array.dtype.kind not in "iu" or not array.size:
            continue
        array.flat[array.size // 2 :] = np.iinfo(array.dtype).max
        save_array(file, array)
        try:
            model = Model.load(trained_copy)
            for request in requests:
                model.answer(request)
        except StoredDataError as error:
            assert str(trained_copy) in str(error)
            refused += 1
        file.write_bytes(kept)
    assert refused > 10


def test_a_reader_sees_one_model_or_the_other_while_they_are_swapped(
    model: Path, demo_library: Library, tmp_path: Path
) -> None:
    other, place = tmp_path / "other", tmp_path / "place"
    train_model(part(demo_library, 90, 150), other, recipe="published", base_model=NGRAMS)
    fingerprints = {Model.load(path).fingerprint for path in (model, other)}
    shutil.copytree(model, place)
    stop = threading.Event()

    def swap() -> None:
        turn = 0
        while not stop.is_set():
            with new_folder(place) as folder:
                shutil.copytree((model, other)[turn % 2], folder, dirs_exist_ok=True)
            turn += 1
            stop.wait(0.02)  # on a busy machine a reader would never be done between two swaps

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = {Model.load(place).fingerprint for _ in range(60)}
    finally:
        stop.set()
        thread.join(20)
    assert seen <= fingerprints


def test_two_updates_at_once_lose_nothing(model: Path, demo_library: Library) -> None:
    said: list[str] = []
    errors: list[Exception] = []

    def update(begin: int) -> None:
        try:
            update_model(model, part(demo_library, begin, begin + 20), progress=lambda _, __, what: said.append(what))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=update, args=(begin,)) for begin in (100, 120, 140)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert Model.load(model).manifest["n_playlists"] == 140
    assert any("waiting for another update" in what for what in said)
    assert os.listdir(model.parent) == ["model"]


def test_a_failed_update_leaves_no_lock(model: Path, demo_library: Library) -> None:
    with pytest.raises(InputError):
        update_model(model, part(demo_library, 0, 5))
    assert os.listdir(model.parent) == ["model"]


# Says when it has a scratch folder, then waits to be ended.
TERMINATED = """
import sys, tempfile, time
import segue.cli.app, segue.cli
def app(**_):
    with tempfile.TemporaryDirectory(prefix="segue-"):
        print("ready", flush=True)
        time.sleep(60)
segue.cli.app.app = app
segue.cli.main()
"""


def test_a_terminated_command_tidies_up(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", TERMINATED], stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert len(os.listdir(tmp_path)) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert os.listdir(tmp_path) == []
