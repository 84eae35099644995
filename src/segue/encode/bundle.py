"""The manifest of a bundle: a fine-tuned encoder's folder, and what it says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue.errors import StoredDataError
from segue.library.arrays import read_json

__all__ = ["FORMAT_VERSION", "KIND", "bundle_manifest"]

KIND = "segue encoder"
FORMAT_VERSION = 1


def bundle_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a bundle; None for a plain encoder folder.

    Raises:
        StoredDataError: the manifest is damaged, of another kind of folder, or of a newer format.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        return None
    manifest = read_json(file)
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        kind = manifest.get("kind") if isinstance(manifest, dict) else None
        raise StoredDataError(f"{folder} is a {kind or 'folder of something else'}, not an encoder; give its own")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StoredDataError(f"{file} is damaged (format_version is {version!r}); fine-tune the encoder again")
    if version > FORMAT_VERSION:
        raise StoredDataError(f"{folder} has bundle format {version}, this segue reads {FORMAT_VERSION}; upgrade it")
    return manifest
