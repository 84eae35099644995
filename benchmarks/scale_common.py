"""What the steps of the scale benchmark share: where things lie, the library, the encoder, the titles asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.library import Library

__all__ = ["Place", "Remembering", "StoredTitles", "asked_titles", "encoder", "library", "progress_to_stderr"]

_MADE_UP = "{} for {}|late {} & {}|{} no {}|{} xyz {}|the {} of {}|{}{} time"


@dataclass(frozen=True)
class Place:
    """Settings of a run; the same in the measuring process and in the measured ones."""

    work: str
    playlists: int
    encoder: str = "base"  # "base" or "ngrams"
    n_slices: int = 20
    queries: int = 300
    forms: int = 50_000  # playlists at which the exact and the scalable form are compared
    made: str = ""  # a planted library that exists already

    @property
    def folder(self) -> Path:
        """Work folder."""
        return Path(self.work)

    @property
    def library(self) -> Path:
        """Planted library of the wanted size."""
        return Path(self.made) if self.made else self.folder / f"library-{self.playlists}"

    @property
    def vectors(self) -> Path:
        """Vectors of its distinct raw titles, in order of first occurrence."""
        return self.folder / f"vectors-{self.encoder}-{self.playlists}.npy"

    @property
    def model(self) -> Path:
        """The shipped model built on it."""
        return self.folder / f"model-{self.encoder}-{self.playlists}"

    @property
    def continuation(self) -> Path:
        """The playlist index built on it."""
        return self.folder / f"continuation-{self.playlists}"

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Place:
        """Read what :meth:`to_json` wrote."""
        return cls(**json.loads(text))


def library(place: Place) -> Library:
    """The planted library."""
    return Library.load(place.library)


def encoder_folder(place: Place) -> Path:
    """The ONNX export of the base model, made once per work folder."""
    from segue.encode.locate import base_model_folder

    folder = place.folder / "encoder"
    if not (folder / "onnx" / "model.onnx").exists():
        from segue.train.export import export_onnx

        export_onnx(base_model_folder(), folder)
    return folder


def encoder(place: Place) -> Any:
    """The encoder of titles: the ONNX export of the base model, or n-grams where none is wanted."""
    if place.encoder == "ngrams":
        from segue.encode.ngrams import NgramEncoder

        return NgramEncoder.fitted(sorted(set(library(place).titles)))
    from segue.encode.onnx import OnnxEncoder

    return OnnxEncoder.open(encoder_folder(place))


@dataclass(frozen=True, eq=False)
class StoredTitles:
    """An encoder that has the vectors of all training titles already; other texts go to the encoder inside."""

    inner: Any
    vectors: NDArray[np.float32]

    @property
    def d(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    @property
    def fingerprint(self) -> str:
        """That of the encoder inside."""
        return str(self.inner.fingerprint)

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """The stored vectors for the whole list of titles, else new ones."""
        return self.vectors if len(texts) == len(self.vectors) else self.inner.encode(texts)


@dataclass(eq=False)
class Remembering:
    """An encoder that keeps the vectors of the first texts it was given."""

    inner: Any
    first: NDArray[np.float32] | None = None

    @property
    def d(self) -> int:
        """Length of a vector."""
        return int(self.inner.d)

    @property
    def fingerprint(self) -> str:
        """That of the encoder inside."""
        return str(self.inner.fingerprint)

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """The vectors of the encoder inside."""
        vectors: NDArray[np.float32] = self.inner.encode(texts)
        if self.first is None:
            self.first = vectors
        return vectors


def asked_titles(place: Place, titles: Sequence[str]) -> list[str]:
    """Titles to ask: half of them typed before by playlist frequency, half put together anew."""
    rng = np.random.default_rng(66)
    known = [titles[i] for i in rng.integers(0, len(titles), place.queries)]
    patterns = _MADE_UP.split("|")
    half = place.queries // 2
    new = [patterns[i % len(patterns)].format(known[i], known[-1 - i]) for i in range(half)]
    return [title for pair in zip(known[:half], new, strict=True) for title in pair]


def progress_to_stderr() -> Callable[[int, int, str], None]:
    """A progress callback that prints each phase once with its CPU time, for logs."""
    import sys
    import time

    last = {"phase": ""}

    def report(done: int, total: int, phase: str) -> None:
        phase = phase.split(",")[0]
        if phase != last["phase"]:
            last["phase"] = phase
            print(f"{time.process_time():8.1f} CPU-s  {phase}", file=sys.stderr, flush=True)

    return report
