"""Search models on disk: written whole, mapped when opened, checked by size always and by digest on request."""

from __future__ import annotations

import platform
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, StoredDataError
from segue.library.arrays import write_json
from segue.library.folders import new_folder, put_back
from segue.library.manifests import checked_manifest
from segue.systems.manifest import check_sizes, describe_files, folder_state
from segue.systems.search_channels import open_channel
from segue.systems.search_corpus import SearchCorpus
from segue.systems.search_model import KIND, SearchModel
from segue.systems.search_settings import SearchSettings

__all__ = ["FORMAT_VERSION", "open_model", "read_search_manifest", "save", "verify"]

FORMAT_VERSION = 1
_AGAIN = "index the library again"
_DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError)
_ATTEMPTS = 50  # to open a folder that is being replaced
_NAMED = 5  # damaged files that one sentence names
_NEEDED: dict[str, type] = {
    "fingerprint": str, "public": bool, "settings": dict, "channels": list, "about": dict, "files": dict,
}  # fmt: skip


def save(model: SearchModel, path: Path) -> dict[str, Any]:
    """Write a model folder, atomically; returns its manifest.

    Raises:
        InputError: the encoder lies in no folder. OutputError: the place cannot be written to.
    """
    with new_folder(path, kind=KIND) as folder:
        model.corpus.save(folder)
        channels = []
        for channel in model.channels:
            place = folder / "channels" / channel.spec.name
            place.mkdir(parents=True)
            channels.append(channel.save(place))
        manifest: dict[str, Any] = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "fingerprint": model.fingerprint,
            "public": model.corpus.public,
            "settings": model.settings.to_json(),
            "channels": channels,
            "encoder": _save_encoder(model, folder / "encoder"),
            "about": dict(model.about),
            "versions": {"segue": version("segue-playlists"), "python": platform.python_version()},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        manifest["files"] = describe_files(folder)
        write_json(folder / "manifest.json", manifest)
    return manifest


def _save_encoder(model: SearchModel, folder: Path) -> dict[str, Any] | None:
    if model.encoder is None:
        return None
    folder.mkdir()
    if isinstance(model.encoder, NgramEncoder):
        model.encoder.save(folder)
        return {"kind": "ngrams", "fingerprint": model.encoder.fingerprint}
    if model.encoder_folder is None:
        raise InputError("the encoder lies in no folder that could be copied into the model; give its folder")
    shutil.copytree(model.encoder_folder / "onnx", folder / "onnx")  # the weights lie beside the graph
    shutil.copyfile(model.encoder_folder / "tokenizer.json", folder / "tokenizer.json")
    return {"kind": "onnx", "fingerprint": model.encoder.fingerprint}


def open_model(path: Path) -> SearchModel:
    """Open a model folder; arrays are mapped, not read.

    A folder that is replaced meanwhile is opened again, so that a model is the old one or the new one.

    Raises:
        StoredDataError: it is missing, damaged or of a newer format; the message names the file.
    """
    for _ in range(_ATTEMPTS):
        before = folder_state(path)
        try:
            model = _open(path)
        except StoredDataError:
            if folder_state(path) == before:
                raise
        except _DAMAGE as error:
            if folder_state(path) == before:
                raise StoredDataError(f"{path} is damaged ({error!r:.200}); {_AGAIN}") from error
        else:
            if folder_state(path) == before:
                return model
    raise StoredDataError(f"{path} is replaced again and again; try again when that has ended")


def read_search_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a search model folder.

    Raises:
        StoredDataError: no search model, a damaged one, or one of a newer format.
    """
    put_back(path)
    if not path.is_dir():
        raise StoredDataError(f"{path} is not a search model folder; make one with 'segue index LIBRARY -o {path}'")
    manifest = checked_manifest(path, KIND, FORMAT_VERSION, stranger=f"does not describe a {KIND}", again=_AGAIN)
    for name, kind in _NEEDED.items():
        if not isinstance(manifest.get(name), kind):
            raise StoredDataError(f"{path / 'manifest.json'} is damaged (no {name!r} that can be used); {_AGAIN}")
    return manifest


def _open(path: Path) -> SearchModel:
    manifest = read_search_manifest(path)
    check_sizes(path, manifest)
    try:
        settings = SearchSettings.from_json(manifest["settings"])
    except (InputError, KeyError, TypeError, ValueError) as error:
        said = f"{path / 'manifest.json'} is damaged (settings: {error!s:.100}); {_AGAIN}"
        raise StoredDataError(said) from error
    corpus = SearchCorpus.open(path, public=manifest["public"])
    channels = tuple(
        open_channel(path / "channels" / spec.name, about, len(corpus))
        for spec, about in zip(settings.channels, manifest["channels"], strict=True)
    )
    encoder = _open_encoder(path, manifest.get("encoder"), settings.tokens)
    return SearchModel(
        corpus=corpus,
        channels=channels,
        settings=settings,
        encoder=encoder,
        encoder_folder=path / "encoder" if encoder is not None else None,
        about=manifest["about"],
        stored=manifest["fingerprint"],
        path=path,
    )


def _open_encoder(path: Path, about: Any, tokens: int) -> Encoder | None:
    """The encoder that the vectors were made with.

    Raises:
        StoredDataError: it is missing, damaged, or another one.
    """
    if about is None:
        return None
    folder = path / "encoder"
    encoder: Encoder
    match about.get("kind"):
        case "ngrams":
            encoder = NgramEncoder.load(folder)
        case "onnx":
            from segue.encode.onnx import OnnxEncoder

            encoder = OnnxEncoder.open(folder, max_length=tokens)
        case other:
            raise StoredDataError(f"{path / 'manifest.json'} names an unknown kind of encoder: {other!r}")
    if encoder.fingerprint != about.get("fingerprint"):
        verify(path)
        raise StoredDataError(
            f"{folder} is not the encoder that the playlists' vectors were made with "
            f"({encoder.fingerprint} instead of {about.get('fingerprint')}); {_AGAIN}"
        )
    return encoder


def verify(path: Path) -> int:
    """Read a model's files and compare them with what was written; returns how many were compared.

    Raises:
        StoredDataError: files are missing or damaged; the message names them.
    """
    described = read_search_manifest(path)["files"]
    found = describe_files(path)
    damaged = []
    for name, about in described.items():
        if name not in found:
            damaged.append(f"{path / name} is missing")
        elif found[name] != about:
            damaged.append(f"{path / name} holds other bytes than were written")
    if damaged:
        more = f" and {len(damaged) - _NAMED} more files are damaged" if len(damaged) > _NAMED else ""
        raise StoredDataError("; ".join(damaged[:_NAMED]) + more + f"; {_AGAIN}")
    return len(described)
