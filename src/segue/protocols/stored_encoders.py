"""What a folder with a title encoder says about itself: a model, a bundle, or a plain encoder folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from segue.encode.base import Encoder
from segue.encode.bundle import KIND, bundle_manifest
from segue.encode.folder import SentenceFolder
from segue.errors import StoredDataError
from segue.library.arrays import read_json
from segue.protocols.encoder_folders import has_graph, open_folder

__all__ = ["Stored", "flat", "look"]

Kind = Literal["model", "bundle", "encoder"]
_NAMED = {
    "model": ("recipe", "library", "public", "n_playlists", "n_tracks", "learned", "training"),
    "bundle": ("base", "loss", "method", "preset", "data", "settings"),
    "encoder": ("pooling", "max_length"),
}
_TWICE = ("loss", "method", "preset")


@dataclass(frozen=True, eq=False)
class Stored:
    """A folder, looked at.

    Args:
        manifest: what it says about itself; of a plain folder, what can be seen.
        fingerprint: of the model, or of the encoder. encoder: of the encoder; None for a model without one.
        folder: where the encoder's files are; None for a model without a sentence encoder.
        warnings: what does not fit together.
    """

    path: Path
    kind: Kind
    manifest: dict[str, Any]
    fingerprint: str
    encoder: str | None
    folder: Path | None
    warnings: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """How it was made: dotted name -> value."""
        found = flat({name: self.manifest[name] for name in _NAMED[self.kind] if name in self.manifest})
        # a bundle says its loss, method and preset twice
        once = {name: found[name] for name in _TWICE if name in found}
        return once | {name: one for name, one in found.items() if name.removeprefix("settings.") not in _TWICE}

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """Name -> mean, low and high, as far as the manifest has numbers."""
        if self.kind == "model":
            training = self.manifest.get("training")
            found = training.get("validation") if isinstance(training, Mapping) else None
        else:
            found = self.manifest.get("metrics")
        if not isinstance(found, Mapping):
            return {}
        read = {str(name): one if isinstance(one, Mapping) else {"mean": one} for name, one in found.items()}
        return {name: {key: _number(one.get(key)) for key in ("mean", "low", "high")} for name, one in read.items()}

    def open(self, *, graph: bool | None = None) -> Encoder | None:
        """The encoder; None where a model has none.

        Raises:
            StoredDataError: it is damaged. MissingDependency: it needs torch.
        """
        if self.kind == "model":
            from segue.systems.recipes import open_encoder

            return open_encoder(self.path, self.manifest)
        return open_folder(self.path, graph=graph)

    @property
    def has_graph(self) -> bool:
        """Whether it opens without torch."""
        return self.kind == "model" or has_graph(self.path)


def look(path: Path) -> Stored:
    """Find out what a folder is.

    Raises:
        StoredDataError: nothing with an encoder, damaged, or of a newer format.
    """
    if not path.is_dir():
        raise StoredDataError(f"{path} is not a folder; give a model, a fine-tuned encoder or an encoder folder")
    kind = None
    if (path / "manifest.json").is_file():
        manifest = read_json(path / "manifest.json")
        kind = manifest.get("kind") if isinstance(manifest, dict) else None
        if kind == "segue model":
            return _model(path)
        if kind != KIND:
            said = kind if isinstance(kind, str) else "folder of something else"
            raise StoredDataError(f"{path} is a {said}; give a model, a fine-tuned encoder or an encoder folder")
    described = SentenceFolder.read(path)
    found = described.fingerprint()
    bundle = bundle_manifest(path)
    if bundle is None:
        seen = {"pooling": described.pooling, "max_length": described.max_length}
        return Stored(path, "encoder", seen, found, found, path)
    wrong = (
        ()
        if bundle.get("fingerprint") == found
        else (f"manifest.json was written for other weights ({bundle.get('fingerprint')}); the bundle is damaged",)
    )
    return Stored(path, "bundle", bundle, found, found, path, wrong)


def _model(path: Path) -> Stored:
    from segue.systems.manifest import read_manifest

    manifest = read_manifest(path)
    about = manifest.get("encoder") or {}
    folder = path / "encoder" if (path / "encoder" / "model.safetensors").is_file() else None
    named = about.get("fingerprint")
    return Stored(path, "model", manifest, str(manifest["fingerprint"]), named, folder)


def flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested objects as dotted names; an object without entries stays one.

    >>> flat({"a": {"b": 1, "c": {}}, "d": [2]})
    {'a.b': 1, 'a.c': {}, 'd': [2]}
    """
    out: dict[str, Any] = {}
    for key, one in value.items():
        name = f"{before}{key}"
        if isinstance(one, Mapping) and one:
            out |= flat(one, f"{name}.")
        else:
            out[name] = one
    return out


def _number(value: object) -> float | None:
    there = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if there else None  # type: ignore[arg-type]
