"""``manifest.json`` of a model folder: read, and checked before anything relies on it.

``files`` in it holds size and BLAKE2b of every other file. Sizes are checked whenever a model is opened, digests by
:func:`verify`: before an update, and when ``segue doctor MODEL`` asks. Models written before there was ``files`` are
opened without.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segue.errors import StoredDataError
from segue.library.manifests import checked_manifest

__all__ = ["FORMAT_VERSION", "check_sizes", "describe_files", "folder_state", "read_manifest", "verify"]

FORMAT_VERSION = 1
_CHUNK = 8 << 20
_NAMED = 5  # damaged files that one sentence names
_ALWAYS: dict[str, type] = {"recipe": str, "recommender": str, "fingerprint": str, "public": bool, "training": dict}
_TITLE_VOTE: dict[str, type] = {"encoder": dict, "title": dict, "learned": dict}


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a model folder's manifest.

    Raises:
        StoredDataError: no model, a damaged one, or one of a newer format.
    """
    if not path.is_dir():
        raise StoredDataError(f"{path} is not a model folder; make one with 'segue train LIBRARY -o {path}'")
    file = path / "manifest.json"
    manifest = checked_manifest(
        path,
        "segue model",
        FORMAT_VERSION,
        stranger="does not describe a segue model",
        again="train the model again",
        format="model format",
    )
    needed = _ALWAYS | (_TITLE_VOTE if manifest.get("recipe") == "title_vote" else {})
    for name, kind in needed.items():
        if not isinstance(manifest.get(name), kind):
            raise StoredDataError(f"{file} is damaged (no {name!r} that can be used); train the model again")
    if not isinstance(manifest.get("encoder"), dict | None):
        raise StoredDataError(f"{file} is damaged (no 'encoder' that can be used); train the model again")
    return manifest


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """``files`` of a manifest: size and digest of every file of a folder but the manifest itself."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / "manifest.json")
    return {p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "blake2b": _digest(p)} for p in files}


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_sizes(path: Path, manifest: dict[str, Any]) -> None:
    """Look whether the files that answers need are as long as they were written.

    The library in a model is for updates alone; a model may be used without it.

    Raises:
        StoredDataError: one is missing or of another size; the message names it.
    """
    root = os.fspath(path)
    for name, about in _described(path, manifest):
        if not name.startswith("library/") and (wrong := _wrong_size(f"{root}/{name}", about)):
            raise StoredDataError(f"{path / name} {wrong}; train the model again")


def verify(path: Path, parts: tuple[str, ...] = ()) -> int:
    """Read a model's files and compare them with what was written.

    Args:
        parts: folders of the model to look at; none for everything.

    Returns:
        How many files were compared; 0 if the model is older than the list of its files.

    Raises:
        StoredDataError: files are missing or damaged; the message names them.
    """
    manifest, checked, damaged = read_manifest(path), 0, []
    for name, about in _described(path, manifest):
        if parts and name.split("/", 1)[0] not in parts:
            continue
        checked += 1
        wrong = _wrong_size(os.fspath(path / name), about)
        try:
            if not wrong and _digest(path / name) != about["blake2b"]:
                wrong = "holds other bytes than were written"
        except OSError as error:
            wrong = f"cannot be read ({error.strerror})"
        if wrong:
            damaged.append(f"{path / name} {wrong}")
    if damaged:
        more = f" and {len(damaged) - _NAMED} more files are damaged" if len(damaged) > _NAMED else ""
        raise StoredDataError("; ".join(damaged[:_NAMED]) + more + "; train the model again or fetch a copy")
    return checked


def folder_state(path: Path) -> tuple[int, ...]:
    """What changes when another model is put in a folder's place; empty if there is none."""
    try:
        folder, file = os.stat(path), os.stat(path / "manifest.json")
    except OSError:
        return ()
    return folder.st_dev, folder.st_ino, file.st_ino, file.st_size, file.st_mtime_ns


def _described(path: Path, manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    files = manifest.get("files", {})
    if not isinstance(files, dict):
        raise StoredDataError(f"{path / 'manifest.json'} is damaged ('files' is no list of files)")
    for name, about in files.items():
        if not (isinstance(about, dict) and isinstance(about.get("bytes"), int) and about.get("blake2b")):
            raise StoredDataError(f"{path / 'manifest.json'} is damaged ('files' says nothing about {name})")
        yield name, about


def _wrong_size(file: str, about: dict[str, Any]) -> str:
    try:
        found = os.stat(file)
    except OSError as error:
        return f"is missing ({error.strerror})"
    if not stat.S_ISREG(found.st_mode):
        return "is damaged (no file)"
    if found.st_size != about["bytes"]:
        return f"is damaged ({found.st_size:,} bytes instead of {about['bytes']:,})"
    return ""
