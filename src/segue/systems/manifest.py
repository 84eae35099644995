"""``manifest.json`` of a model folder: read, and checked before anything relies on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue.errors import StoredDataError
from segue.library.arrays import read_json

__all__ = ["FORMAT_VERSION", "read_manifest"]

FORMAT_VERSION = 1
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
    manifest = read_json(file)
    if not isinstance(manifest, dict) or manifest.get("kind") != "segue model":
        raise StoredDataError(f"{file} does not describe a segue model")
    version = manifest.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise StoredDataError(f"{path} has model format {version}, this segue reads {FORMAT_VERSION}; upgrade it")
    needed = _ALWAYS | (_TITLE_VOTE if manifest.get("recipe") == "title_vote" else {})
    for name, kind in needed.items():
        if not isinstance(manifest.get(name), kind):
            raise StoredDataError(f"{file} is damaged (no {name!r} that can be used); train the model again")
    if not isinstance(manifest.get("encoder"), dict | None):
        raise StoredDataError(f"{file} is damaged (no 'encoder' that can be used); train the model again")
    return manifest
