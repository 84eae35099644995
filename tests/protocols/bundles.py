"""Encoders and bundles for tests: some that read a planted theme, some that do not, and folders written by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.tiny import write_tiny
from protocols.planted import THEMES
from segue.encode.folder import SentenceFolder


@dataclass
class ReadsThemes:
    """Sees which planted theme a title names, and almost nothing else; remembers what it was asked."""

    fingerprint: str = "themes"
    d: int = 32
    noise: float = 0.05
    asked: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str], *, progress: object = None) -> np.ndarray:
        self.asked += texts
        out = np.zeros((len(texts), self.d), np.float32)
        for row, text in enumerate(texts):
            digest = hashlib.sha256(f"{self.fingerprint} {text}".encode("utf-8", "replace")).digest()
            out[row] = self.noise * np.random.default_rng(int.from_bytes(digest[:8], "big")).normal(size=self.d)
            for place, theme in enumerate(THEMES):
                out[row, place] += theme in text
        return out / np.linalg.norm(out, axis=1, keepdims=True)


@dataclass
class ReadsNothing(ReadsThemes):
    """A vector by the title's hash alone: equal titles are near, nothing else is."""

    fingerprint: str = "nothing"

    def encode(self, texts: Sequence[str], *, progress: object = None) -> np.ndarray:
        # no theme is part of a hexadecimal number
        return super().encode([hashlib.sha256(t.encode("utf-8", "replace")).hexdigest() for t in texts])


def manifest_of(library: str, **changes: Any) -> dict[str, Any]:
    """What a bundle says about itself."""
    history = [
        {
            "epoch": e,
            "train_loss": 3 / e,
            "validation_loss": 3.2 / e,
            "train_metric": 0.1 * e,
            "validation_metric": 0.1,
        }
        for e in range(1, 6)
    ]
    return {
        "kind": "segue encoder",
        "format_version": 1,
        "fingerprint": "themes",
        "base": {"name": "tiny", "fingerprint": "0123456789abcdef"},
        "loss": "cross_entropy",
        "method": "full",
        "preset": "fast",
        "settings": {"epochs": 5, "optimiser": {"rate": 2e-5}},
        "data": {"library": library, "part": "train", "n_playlists": 240, "n_titles": 100, "themes": None},
        "effect": {"tensors": 39, "changed_tensors": 37, "relative_change": 0.02, "mean_cosine": 0.98},
        "history": history,
        "best_epoch": 3,
        "metrics": {"ndcg@500": {"mean": 0.3, "low": 0.2, "high": 0.4}},
        "versions": {"segue": "0.2.0"},
        "created": "2026-11-24T10:00:00+00:00",
        "files": {},
    } | changes


def write_bundle(folder: Path, library: str, *, rng_key: int = 1, **changes: Any) -> Path:
    """A bundle as fine-tuning writes it, but for its graph: random weights, a card, a manifest that fits them."""
    write_tiny(folder, rng_key=rng_key)
    (folder / "README.md").write_text("# A card\n\nIntended use: \x1b[31mtests\x1b[0m.\n", "utf-8")
    found = {"fingerprint": SentenceFolder.read(folder).fingerprint()}
    (folder / "manifest.json").write_text(json.dumps(manifest_of(library, **(found | changes))))
    return folder
