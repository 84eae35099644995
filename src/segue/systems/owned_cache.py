"""Matches are kept in the user's cache: the second list from one's own music needs neither the library nor polars."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np

from segue.errors import OutputError, StoredDataError
from segue.index.bm25 import Bm25Index
from segue.library import Catalogue, Interactions
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.folders import new_folder
from segue.systems.model import Model
from segue.systems.owned_tracks import Owned

__all__ = ["FORMAT_VERSION", "MOST", "load_owned", "opened", "save_owned"]

FORMAT_VERSION = 1
KIND = "segue owned match"
MOST = 8  # matches that are kept; the least lately used go
_ARRAYS = {
    "by": "int8", "alike": "float32", "ambiguous": "bool", "counts": "int32", "artists": "int32",
    "artist_sizes": "int32",
}  # fmt: skip


def opened(model: Model, folder: Path) -> Owned:
    """An owned library by its folder: from the cache where neither it nor the model has changed, else matched.

    A cache that cannot be written or read costs time and nothing else.

    Raises:
        StoredDataError: the folder is no library, or a damaged one.
    """
    place = _cache_folder() / _key(model, folder)
    try:
        owned = load_owned(model, place)
    except StoredDataError:
        pass
    else:
        _touch(place)
        return owned
    from segue.library import Library

    owned = Owned.match(model, Library.load(folder))
    with contextlib.suppress(OutputError, OSError):
        save_owned(owned, place)
        _sweep(place.parent)
    return owned


def save_owned(owned: Owned, folder: Path) -> None:
    """Write a match as a folder, atomically.

    Raises:
        OutputError: the place cannot be written to.
    """
    with new_folder(folder, kind=KIND) as new:
        (new / "tracks").mkdir()
        (new / "words").mkdir()
        owned.catalogue.save(new / "tracks")
        owned.words.save(new / "words")
        save_array(new / "rows.indptr.npy", owned.rows.indptr)
        save_array(new / "rows.indices.npy", owned.rows.indices)
        for name in _ARRAYS:
            save_array(new / f"{name}.npy", getattr(owned, name))
        write_json(
            new / "manifest.json",
            {
                "kind": KIND,
                "format_version": FORMAT_VERSION,
                "fingerprint": owned.fingerprint,
                "n_columns": owned.rows.n_columns,
            },
        )


def load_owned(model: Model, folder: Path) -> Owned:
    """Map a match that :func:`save_owned` wrote.

    Raises:
        StoredDataError: it is missing, damaged, of another version, or of another model.
    """
    manifest = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict) or (manifest.get("kind"), manifest.get("format_version")) != (
        KIND,
        FORMAT_VERSION,
    ):
        raise StoredDataError(f"{folder} is no match of this version")
    arrays = {name: load_array(folder / f"{name}.npy", dtype=dtype) for name, dtype in _ARRAYS.items()}
    try:
        rows = Interactions(
            load_array(folder / "rows.indptr.npy", dtype="int64"),
            load_array(folder / "rows.indices.npy", dtype="int32"),
            len(model.catalogue),
        )
        catalogue = Catalogue.load(folder / "tracks")
        words = Bm25Index.open(folder / "words", int((arrays["counts"] == 0).sum()))
    except (ValueError, OSError, LookupError) as error:
        raise StoredDataError(f"{folder} is damaged ({error})") from error
    sizes = {len(catalogue), rows.n_rows, *(len(array) for array in arrays.values())}
    if len(sizes) != 1 or manifest.get("n_columns") != len(model.catalogue):
        raise StoredDataError(f"{folder} belongs to another model")
    largest = int(np.max(rows.indices, initial=-1)), int(np.min(rows.indices, initial=0))
    if largest[0] >= rows.n_columns or largest[1] < 0:
        raise StoredDataError(f"{folder} is damaged (rows outside of the model)")
    digest = str(manifest.get("fingerprint"))
    return Owned(catalogue=catalogue, rows=rows, words=words, fingerprint=digest, matched_now=False, **arrays)


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue" / "owned"


def _key(model: Model, folder: Path) -> str:
    """What a match depends on: the model, and the library as it lies there.

    A library's fingerprint says what can be learnt from it and is silent about years, durations and places, so the
    files themselves are asked. They are replaced whole, never changed in place.

    Raises:
        StoredDataError: the folder is no library.
    """
    manifest = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("kind") != "segue library":
        raise StoredDataError(f"{folder / 'manifest.json'} does not describe a segue library")
    try:
        there = (folder / "tracks.parquet").stat()
    except OSError as error:
        raise StoredDataError(f"{folder / 'tracks.parquet'} is missing; ingest the library again") from error
    table = model.path / "library" / "tracks.parquet"
    theirs = table.stat().st_mtime_ns if table.is_file() else 0
    return fingerprint(
        FORMAT_VERSION, model.fingerprint, len(model.catalogue), theirs, manifest.get("fingerprint"),
        there.st_size, there.st_mtime_ns, there.st_ino,
    )  # fmt: skip


def _touch(place: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(place)


def _sweep(folder: Path) -> None:
    """Keep the matches that were used last."""
    places = [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")]
    for old in sorted(places, key=lambda place: place.stat().st_mtime_ns, reverse=True)[MOST:]:
        shutil.rmtree(old, ignore_errors=True)
