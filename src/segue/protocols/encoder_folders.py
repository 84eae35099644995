"""Title encoders to be measured: opened from folders, and refused where they have seen what they are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from segue.encode.base import Encoder
from segue.encode.bundle import bundle_manifest
from segue.errors import InputError, StoredDataError
from segue.library import Library
from segue.split.holdout import holdout

__all__ = [
    "Candidate",
    "check_unseen",
    "has_graph",
    "open_candidate",
    "open_folder",
]


@dataclass(frozen=True, eq=False)
class Candidate:
    """An encoder under its name in the report.

    Args:
        manifest: of its bundle; None for a plain folder, which does not say what it was trained on.
    """

    name: str
    encoder: Encoder
    manifest: Mapping[str, Any] | None = None


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
