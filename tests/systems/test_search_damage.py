"""Search models that are damaged, killed in the making, or built twice at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import msgspec
import numpy as np
import pytest

from segue.errors import OutputError, StoredDataError
from segue.library import Library
from segue.library.arrays import save_array
from segue.systems.playlist_search import SearchModel, index_library
from segue.systems.search_folder import verify
from systems.planted_search import planted


@pytest.fixture(scope="module")
def folder_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "model"
    index_library(planted(), path, encoder="ngrams")
    return path


@pytest.fixture
def folder(folder_: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder_, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("damage", ["removed", "cut", "longer"])
def test_damage_of_any_file_is_named(folder: Path, damage: str) -> None:
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        kept = file.read_bytes()
        if damage == "removed":
            file.unlink()
        else:
            file.write_bytes(kept[: len(kept) // 2] if damage == "cut" else kept + b"x")
        try:
            with pytest.raises(StoredDataError) as raised:
                SearchModel.open(folder)
            assert file.name in str(raised.value)
        finally:
            file.write_bytes(kept)
    assert verify(folder) > 20


def test_flipped_bits_are_found_by_verify(folder: Path) -> None:
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")[::3]:
        kept = bytearray(file.read_bytes())
        if not kept:
            continue
        file.write_bytes(bytes(b ^ 0xFF if i >= len(kept) - 9 else b for i, b in enumerate(kept)))
        with pytest.raises(StoredDataError, match="holds other bytes") as raised:
            verify(folder)
        assert file.name in str(raised.value)
        file.write_bytes(bytes(kept))


def test_any_flipped_bits_end_in_an_answer_or_name_the_file(folder: Path) -> None:
    rng = np.random.default_rng(0)
    named = 0
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        kept = file.read_bytes()
        for bits in (1, 9) if kept else ():
            flipped = bytearray(kept)
            for place in rng.integers(0, len(kept), bits).tolist():
                flipped[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(bytes(flipped))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy takes some headers for those of Python 2, numbers overflow
                try:
                    answer = SearchModel.open(folder).answer("rainy sunday of norah jones", 24)
                except StoredDataError as error:
                    assert file.name in str(error)
                    named += 1
                else:
                    assert msgspec.json.encode(answer.to_json())
        file.write_bytes(kept)
    assert named > 30


def test_another_encoder_is_refused(folder: Path, tmp_path: Path) -> None:
    file = next(folder.glob("encoder/*.npy"))
    kept = file.read_bytes()
    save_array(file, np.roll(np.load(file), 1))
    with pytest.raises(StoredDataError, match=rf"{file.name} holds other bytes"):
        SearchModel.open(folder)
    file.write_bytes(kept)
    about = json.loads((folder / "manifest.json").read_text())
    about["encoder"]["fingerprint"] = "0" * 16
    (folder / "manifest.json").write_text(json.dumps(about))
    with pytest.raises(StoredDataError, match="not the encoder"):
        SearchModel.open(folder)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"kind": "segue search model", "format_version": 99}'])
def test_manifests_that_say_something_else(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StoredDataError, match=r"manifest\.json|reads 1"):
        SearchModel.open(folder)
    with pytest.raises(StoredDataError, match="segue index"):
        SearchModel.open(folder / "nowhere")


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    planted().save(tmp_path / "library")
    with pytest.raises(OutputError, match="segue library"):
        index_library(planted(), tmp_path / "library", encoder="none")
    assert Library.load(tmp_path / "library").n_playlists == 24


KILLED = """
import sys, time
from pathlib import Path
from segue.library import Library
from segue.systems import search_folder
from segue.systems.playlist_search import index_library
def hang(folder):
    print("ready", flush=True)
    time.sleep(60)
search_folder.describe_files = hang
index_library(Library.load(sys.argv[1]), Path(sys.argv[2]), encoder="none")
"""


def test_a_killed_build_leaves_the_old_model(folder: Path, tmp_path: Path) -> None:
    planted(each=2).save(tmp_path / "library")
    before = SearchModel.open(folder).fingerprint
    command = [sys.executable, "-c", KILLED, str(tmp_path / "library"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert SearchModel.open(folder).fingerprint == before and verify(folder)
    index_library(planted(each=2), folder, encoder="none")
    assert SearchModel.open(folder).fingerprint != before
    assert sorted(os.listdir(tmp_path)) == ["library", "model"]


def test_two_builds_at_once_leave_one_whole_model(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def build(each: int) -> None:
        try:
            index_library(planted(each=each), tmp_path / "m", encoder="none")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=build, args=(each,)) for each in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == [] and verify(tmp_path / "m")
    assert len(SearchModel.open(tmp_path / "m").corpus) in (8, 12, 16)
    assert os.listdir(tmp_path) == ["m"]
