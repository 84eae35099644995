"""Folders that builds leave behind, locks, and files that are not what they say."""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from segue.errors import OutputError, StoredDataError
from segue.library import Library
from segue.library.arrays import load_array, read_json, save_array, write_bytes, write_json
from segue.library.folders import locked, new_folder, put_back


def build(path: Path, text: str) -> None:
    with new_folder(path) as folder:
        write_json(folder / "manifest.json", text)


@pytest.fixture
def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())


# Ends between the two renames that stand in for an exchange of names.
KILLED = """
import ctypes, os, sys
from pathlib import Path
from segue.library.folders import new_folder
ctypes.CDLL = lambda *_, **__: object()
rename = os.rename
def once(a, b):
    rename(a, b)
    os._exit(9)
os.rename = once
with new_folder(Path(sys.argv[1])) as folder:
    (folder / "manifest.json").write_text('"new"')
"""


def test_killed_between_two_renames_the_folder_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a[1]"
    build(path, "old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == 9
    assert not path.exists()
    with pytest.raises(RuntimeError), new_folder(path) as folder:
        assert read_json(path / "manifest.json") == "old"
        (folder / "half").touch()
        raise RuntimeError
    assert read_json(path / "manifest.json") == "old"
    assert os.listdir(tmp_path) == ["a[1]"]


def test_what_a_running_build_has_moved_aside_is_left_alone(tmp_path: Path) -> None:
    aside = tmp_path / ".m.new-x.old"
    aside.mkdir()
    write_json(aside / "manifest.json", "old")
    (tmp_path / ".m.new-x").mkdir()
    handle = os.open(tmp_path / ".m.new-x", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert not put_back(tmp_path / "m")
    with pytest.raises(RuntimeError), new_folder(tmp_path / "m"):
        raise RuntimeError
    assert aside.exists() and (tmp_path / ".m.new-x").exists()
    os.close(handle)
    assert put_back(tmp_path / "m") and read_json(tmp_path / "m" / "manifest.json") == "old"


def test_two_renames_replace_a_folder_too(tmp_path: Path, without_exchange: None) -> None:
    assert not hasattr(ctypes.CDLL(None), "renameat2")
    for text in ("first", "second"):
        build(tmp_path / "m", text)
        assert read_json(tmp_path / "m" / "manifest.json") == text
    assert os.listdir(tmp_path) == ["m"]


def test_builds_without_an_exchange_at_once_all_end(tmp_path: Path, without_exchange: None) -> None:
    build(tmp_path / "m", "0")
    errors: list[Exception] = []

    def many() -> None:
        try:
            for i in range(20):
                with new_folder(tmp_path / "m") as folder:
                    write_json(folder / "manifest.json", i)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert isinstance(read_json(tmp_path / "m" / "manifest.json"), int)


def test_leftovers_are_swept_whatever_the_name_and_whoever_made_them(tmp_path: Path) -> None:
    for dead in (".b[1].new-999999-dead", ".b[1].new-1-dead", ".b[1].new-dead"):
        (tmp_path / dead).mkdir()
    (tmp_path / ".b1.new-other").mkdir()
    with new_folder(tmp_path / "b[1]") as first:
        (first / "manifest.json").write_text("1")
        build(tmp_path / "b[1]", "2")  # while the first one runs
        assert first.exists()
    assert sorted(os.listdir(tmp_path)) == [".b1.new-other", "b[1]"]


def test_devices_are_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(pipe, b"card")
    assert os.read(reader, 9) == b"card" and pipe.is_fifo()
    os.close(reader)
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        write_bytes(full, b"card")
    assert full.is_char_device() and sorted(os.listdir(tmp_path)) == ["full", "pipe"]


def test_a_lock_makes_the_folders_above(tmp_path: Path) -> None:
    with locked(tmp_path / "encoders" / "votes"):
        assert (tmp_path / "encoders" / ".votes.lock").is_file()
    assert not list((tmp_path / "encoders").iterdir())


def test_one_at_a_time_and_no_lock_stays(tmp_path: Path) -> None:
    said, order = threading.Event(), list[str]()

    def second() -> None:
        with locked(tmp_path / "m", said.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "m"):
        thread.start()
        assert said.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
    assert os.listdir(tmp_path) == []


def test_an_array_is_of_the_dtype_that_is_asked_for(tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", np.arange(3, dtype=np.int32))
    assert load_array(tmp_path / "a.npy", dtype="int32").tolist() == [0, 1, 2]
    with pytest.raises(StoredDataError, match=r"a\.npy is damaged \(int32 instead of int64\)"):
        load_array(tmp_path / "a.npy", dtype="int64")


@pytest.mark.parametrize("mmap", [True, False])
def test_a_header_claims_no_more_than_the_file_holds(tmp_path: Path, mmap: bool) -> None:
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (9999999999999,), }".ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + header)
    with pytest.raises(StoredDataError, match=r"a\.npy is damaged"):
        load_array(tmp_path / "a.npy", mmap=mmap)
    np.savez(tmp_path / "b.npz", np.arange(3))
    with pytest.raises(StoredDataError, match=r"b\.npz is damaged"):
        load_array(tmp_path / "b.npz", mmap=mmap)
    save_array(tmp_path / "c.npy", np.zeros((0, 7), np.float32))
    assert load_array(tmp_path / "c.npy", mmap=mmap, dtype="float32").shape == (0, 7)


def test_flipped_bits_of_a_header_end_in_an_array_or_a_sentence(tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", np.arange(3, dtype=np.int32))
    kept = (tmp_path / "a.npy").read_bytes()
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy takes some for headers of Python 2
        for place in range(len(kept) - 12):
            for bit in (0, 3, 5):
                (tmp_path / "a.npy").write_bytes(kept[:place] + bytes([kept[place] ^ 1 << bit]) + kept[place + 1 :])
                try:
                    load_array(tmp_path / "a.npy", dtype="int32")
                except StoredDataError as error:
                    assert "a.npy is damaged" in str(error)
                    refused += 1
    assert refused > 150


@pytest.mark.parametrize("text", [b"[" * 100_000, b'"\xff"', b"{"])
def test_damaged_json_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(StoredDataError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("version", [True, 0, -1, 1.0, "1", None])
def test_a_format_is_a_whole_number_from_one(tmp_path: Path, version: object) -> None:
    write_json(tmp_path / "manifest.json", {"kind": "segue library", "format_version": version})
    with pytest.raises(StoredDataError, match="format_version"):
        Library.load(tmp_path)
