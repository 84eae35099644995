"""What every folder of ours says about itself, read with the same checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue.errors import StoredDataError
from segue.library.arrays import read_json

__all__ = ["checked_manifest"]


def checked_manifest(
    path: Path, kind: str, newest: int, *, stranger: str, again: str, format: str = "format"
) -> dict[str, Any]:
    """Read ``manifest.json`` of a folder.

    Args:
        kind, newest: what it must say of itself, and the newest format that is read.
        stranger: what is said of a file of another kind. again: how to mend a damaged one. format: of what it is.

    Raises:
        StoredDataError: it is missing, damaged, of another kind, or of a newer format; the message names the file.
    """
    file = path / "manifest.json"
    manifest = read_json(file)
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        raise StoredDataError(f"{file} {stranger}")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StoredDataError(f"{file} is damaged (format_version is {version!r}); {again}")
    if version > newest:
        raise StoredDataError(f"{path} has {format} {version}, this segue reads {newest}; upgrade it")
    return manifest
