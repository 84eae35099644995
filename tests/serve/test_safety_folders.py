"""Every file of every kind of folder that a service opens, replaced by one that would run code."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safety.hostile import files_of, linked_copy, object_array, plain_pickle, replace
from segue.errors import SegueError, StoredDataError
from segue.library import Library
from segue.library.folders import new_folder
from segue.serve.engine import Engine
from segue.serve.settings import ServeSettings
from segue.systems.model import Model
from segue.systems.requests import Request


def _library(folder: Path) -> None:
    Library.load(folder)


def _title_model(folder: Path) -> None:
    model = Model.load(folder)
    model.answer(Request(title="rainy sunday"))


def _search(folder: Path) -> None:
    from segue.systems.search_model import SearchModel

    SearchModel.open(folder).answer("rainy sunday")


def _tracks(folder: Path) -> None:
    from segue.systems.track_answers import GivenTracks, similar
    from segue.systems.track_model import TrackModel

    similar(TrackModel.load(folder), GivenTracks((0,), ("given",)), 3)


def _towers(folder: Path) -> None:
    from segue.systems.two_tower_folder import TwoTowerModel

    TwoTowerModel.open(folder)


OPENERS: dict[str, Callable[[Path], None]] = {
    "library": _library, "model": _title_model, "search": _search, "tracks.model": _tracks, "towers": _towers,
}  # fmt: skip


def test_the_bomb_goes_off_when_it_is_unpickled(tmp_path: Path) -> None:
    """The tests below could not fail otherwise."""
    canary = tmp_path / "canary"
    (tmp_path / "a.npy").write_bytes(object_array(canary))
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert canary.exists()


@pytest.mark.parametrize("kind", OPENERS)
def test_no_file_of_a_folder_can_run_code(served_folder: Path, tmp_path: Path, kind: str) -> None:
    folder, canary = linked_copy(served_folder / kind, tmp_path / kind), tmp_path / "canary"
    OPENERS[kind](folder)  # as it is, it opens
    refused = 0
    for name in list(files_of(folder)):
        before = (folder / name).read_bytes()
        bombs = [object_array(canary)] if name.suffix == ".npy" else [plain_pickle(canary), object_array(canary)]
        for bomb in bombs:
            replace(folder / name, bomb)
            try:
                OPENERS[kind](folder)
            except StoredDataError as error:
                refused += 1
                assert str(folder) in str(error), name
            assert not canary.exists(), name
        replace(folder / name, before)
    assert refused > 3
    OPENERS[kind](folder)


@pytest.mark.parametrize("kind", OPENERS)
def test_files_beside_are_not_looked_at(served_folder: Path, tmp_path: Path, kind: str) -> None:
    """Code that lies in a folder stays there."""
    folder, canary = linked_copy(served_folder / kind, tmp_path / kind), tmp_path / "canary"
    code = f"import os\nos.makedirs({str(canary)!r}, exist_ok=True)\n"
    for name in ("__init__.py", "conftest.py", "modeling.py", "sitecustomize.py", "setup.py"):
        (folder / name).write_text(code)
    for name in ("model.pkl", "model.joblib", "pytorch_model.bin", "cache.pt"):
        (folder / name).write_bytes(plain_pickle(canary))
    with contextlib.suppress(StoredDataError):  # to refuse what does not belong there is right too
        OPENERS[kind](folder)
    assert not canary.exists()


@pytest.mark.parametrize("kind", OPENERS)
def test_a_manifest_names_no_file_outside(served_folder: Path, tmp_path: Path, kind: str) -> None:
    """Wherever a manifest says the name of a file or folder, one outside is not opened."""
    folder = linked_copy(served_folder / kind, tmp_path / kind)
    outside = tmp_path / "outside"
    os.mkfifo(outside)  # whoever opens it waits for ever, and the test with it
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {str(name) for name in files_of(folder)} | {path.name for path in folder.iterdir()}

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {changed(key) if key in names else key: changed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        return "../outside" if isinstance(value, str) and value in names else value

    replace(folder / "manifest.json", json.dumps(changed(manifest)).encode())
    with contextlib.suppress(SegueError):
        OPENERS[kind](folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\x80\x04.", b"[" * 100_000, b'{"points": 1}', b"NaN"])
def test_a_map_is_json_or_nothing(served_folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "map.json").write_bytes(content)
    with pytest.raises(StoredDataError, match=r"map\.json"):
        Engine.open(ServeSettings(model=served_folder / "model", map=tmp_path / "map.json", data=tmp_path / "data"))


def test_what_is_written_never_goes_through_a_link(tmp_path: Path) -> None:
    from segue.library.arrays import write_bytes

    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out").symlink_to(victim)
    write_bytes(tmp_path / "out", b"new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out").read_bytes() == b"new"
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "manifest.json").write_text('{"kind": "segue test"}')
    (tmp_path / "precious" / "kept").touch()
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    with new_folder(tmp_path / "link", kind="segue test") as folder:
        (folder / "manifest.json").write_text('{"kind": "segue test"}')
    assert (tmp_path / "precious" / "kept").exists()
