"""Title encoders to be measured: opened from folders, and refused where they have seen what they are asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, Progress
from segue.errors import InputError, StoredDataError
from segue.library import Library
from segue.library.arrays import read_json
from segue.split.holdout import holdout

__all__ = [
    "BUNDLE",
    "Candidate",
    "Remembered",
    "bundle_manifest",
    "check_unseen",
    "has_graph",
    "open_candidate",
    "open_folder",
]

BUNDLE = "segue encoder"
_FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Candidate:
    """An encoder under its name in the report.

    Args:
        manifest: of its bundle; None for a plain folder, which does not say what it was trained on.
    """

    name: str
    encoder: Encoder
    manifest: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Remembered:
    """An encoder that keeps every vector in memory: several protocols ask for the same titles."""

    encoder: Encoder
    _vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return self.encoder.d

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder behind: to remember changes nothing."""
        return self.encoder.fingerprint

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``; each is encoded once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self.encoder.encode(new, progress=progress), strict=True))
        out = np.empty((len(texts), self.d), np.float32)
        for row, text in enumerate(texts):
            out[row] = self._vectors[text]
        return out


def bundle_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a bundle; None for a plain encoder folder.

    Raises:
        StoredDataError: the manifest is damaged, of another kind of folder, or of a newer format.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        return None
    manifest = read_json(file)
    if not isinstance(manifest, dict) or manifest.get("kind") != BUNDLE:
        kind = manifest.get("kind") if isinstance(manifest, dict) else None
        raise StoredDataError(f"{folder} is a {kind or 'folder of something else'}, not an encoder; give its own")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StoredDataError(f"{file} is damaged (format_version is {version!r}); fine-tune the encoder again")
    if version > _FORMAT_VERSION:
        raise StoredDataError(f"{folder} has bundle format {version}, this segue reads {_FORMAT_VERSION}; upgrade it")
    return manifest


def has_graph(folder: Path) -> bool:
    """Whether a folder can be opened without torch."""
    return (folder / "onnx" / "model.onnx").is_file() and (folder / "tokenizer.json").is_file()


def open_folder(folder: Path, *, graph: bool | None = None) -> Encoder:
    """Open an encoder folder.

    Args:
        graph: by onnxruntime rather than torch. None is torch where it is installed: all encoders of a comparison
            then run alike, and two folders of the same weights give the same bits.

    Raises:
        StoredDataError: no encoder folder, or a damaged one. MissingDependency: torch is needed and not installed.
    """
    if not folder.is_dir():
        raise StoredDataError(
            f"{folder} is not a folder; give a fine-tuned encoder or a sentence-transformers folder"
        )
    if graph is None:
        graph = find_spec("torch") is None and has_graph(folder)
    if graph:
        from segue.encode.onnx import OnnxEncoder

        return OnnxEncoder.open(folder)
    from segue.encode.sentence import SentenceEncoder

    return SentenceEncoder.open(folder)


def open_candidate(name: str, folder: Path) -> Candidate:
    """Open a bundle or a plain encoder folder under a name.

    Raises:
        StoredDataError: no encoder, a damaged one, or a bundle whose weights are not those of its manifest.
    """
    manifest = bundle_manifest(folder) if folder.is_dir() else None
    encoder = open_folder(folder)
    if manifest is not None and manifest.get("fingerprint") != encoder.fingerprint:
        raise StoredDataError(
            f"{folder} holds other weights than its manifest.json was written for ({encoder.fingerprint} instead of "
            f"{manifest.get('fingerprint')}); fine-tune the encoder again or fetch a copy"
        )
    return Candidate(name, encoder, manifest)


def check_unseen(candidate: Candidate, library: Library) -> None:
    """Refuse a bundle that was trained on other playlists than the training part of this library.

    A plain folder says nothing about its training and passes.

    Raises:
        InputError: it has, or may have, seen the playlists that are asked about.
    """
    if candidate.manifest is None:
        return
    about = candidate.manifest.get("data")
    data: Mapping[str, Any] = about if isinstance(about, Mapping) else {}
    if data.get("part") != "train":
        said = (
            "on all playlists, those that are asked about too"
            if data.get("part") == "all"
            else "on nobody knows what"
        )
        raise InputError(
            f"the encoder {candidate.name!r} was trained {said}; its figures would mean nothing: fine-tune it on the "
            "training part, without --all"
        )
    named = data.get("library")
    if named != library.fingerprint and named != library.select_playlists(holdout(library).train).fingerprint:
        raise InputError(
            f"the encoder {candidate.name!r} was trained on other playlists than this library's ({named} instead of "
            f"{library.fingerprint}) and may have seen those that are asked about; fine-tune it on this library"
        )
