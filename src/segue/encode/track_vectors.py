"""Vectors of tracks that were learnt from who shares playlists, run by numpy alone: any track has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.autoencoder import activated
from segue.encode.base import unit_rows
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.names import fold

__all__ = ["WEIGHTS", "TrackEncoder", "TrackInputs"]

WEIGHTS = (
    "features", "texts", "artist", "bias", "hidden", "hidden_bias", "out", "out_bias", "texts_out", "artist_out",
)  # fmt: skip
"""Names of the network's arrays; all but the artists' own vectors."""
_FORMAT_VERSION = 1
_BLOCK = 8_192
_AGAIN = "train the track vectors again"


@dataclass(frozen=True, eq=False)
class TrackInputs:
    """What is read of tracks.

    Args:
        features: scaled numbers, float32 ``(n, m)``, finite; m may be 0.
        texts: vectors of their texts side by side, float32 ``(n, t)``, zero where there is none; t may be 0.
        artists: names, folded; empty where unknown.
    """

    features: NDArray[np.float32]
    texts: NDArray[np.float32]
    artists: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.artists)
        for name, values in (("features", self.features), ("texts", self.texts)):
            if values.ndim != 2 or len(values) != n or values.dtype != np.float32:
                raise ValueError(f"{name} are {values.dtype} {values.shape}, not float32 ({n}, m)")

    @classmethod
    def of(
        cls, features: NDArray[np.float32] | None, texts: Sequence[NDArray[np.float32]], artists: Sequence[str]
    ) -> TrackInputs:
        """Put inputs together; artists as they are spelled, features and texts may be missing."""
        n = len(artists)
        none = np.zeros((n, 0), np.float32)
        return cls(
            features=none if features is None else np.ascontiguousarray(features, np.float32),
            texts=np.ascontiguousarray(np.concatenate([none, *texts], axis=1), np.float32),
            artists=tuple(map(fold, artists)),
        )

    def __len__(self) -> int:
        return len(self.artists)

    def select(self, rows: NDArray[np.integer]) -> TrackInputs:
        """Some of the tracks, in the given order."""
        return TrackInputs(self.features[rows], self.texts[rows], tuple(self.artists[int(row)] for row in rows))


@dataclass(frozen=True, eq=False)
class TrackEncoder:
    """A small network over features, texts and the artist; its output has unit length.

    ``h = gelu(x)`` with ``x = features F + texts T + artist A + b``, then ``h' = h + gelu(h H + c)``, and the
    vector is ``h' O + o + texts T' + artist A'``. An artist who was in no training playlist has the zero vector, so
    that features and texts speak for the track; training left every artist out half of the time.

    Args:
        weights: by the names of :data:`WEIGHTS`, float32.
        artists: folded names of the artists with a vector, ascending.
        artist_vectors: float32 ``(len(artists), e)``.
    """

    weights: dict[str, NDArray[np.float32]]
    artists: tuple[str, ...]
    artist_vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        w = self.weights
        if set(w) != set(WEIGHTS) or any(a.dtype != np.float32 for a in (*w.values(), self.artist_vectors)):
            raise ValueError("the network lacks an array, or one is no float32")
        h, d, e = len(w["bias"]), len(w["out_bias"]), self.artist_vectors.shape[-1]
        wanted = {
            "features": (self.n_features, h),
            "texts": (self.n_texts, h),
            "artist": (e, h),
            "bias": (h,),
            "hidden": (h, h),
            "hidden_bias": (h,),
            "out": (h, d),
            "out_bias": (d,),
            "texts_out": (self.n_texts, d),
            "artist_out": (e, d),
        }
        if any(w[name].shape != shape for name, shape in wanted.items()):
            raise ValueError("the network's arrays do not fit together")
        if self.artist_vectors.shape != (len(self.artists), e):
            raise ValueError("each artist needs a vector")

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return len(self.weights["out_bias"])

    @property
    def n_features(self) -> int:
        """Columns of features that are read."""
        return len(self.weights["features"])

    @property
    def n_texts(self) -> int:
        """Columns of text vectors that are read."""
        return len(self.weights["texts"])

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all weights and the artists' names."""
        arrays = [self.weights[name] for name in WEIGHTS]
        return fingerprint("track encoder", *arrays, self.artist_vectors, list(self.artists))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.artists)}

    def artist_rows(self, artists: Sequence[str]) -> NDArray[np.int64]:
        """Row of each folded name among the artists with a vector, -1 for others; int64 ``(n,)``."""
        return np.array([self._places.get(name, -1) if name else -1 for name in artists], np.int64).reshape(-1)

    def encode(self, inputs: TrackInputs) -> NDArray[np.float32]:
        """Unit vectors, float32 ``(n, d)``.

        Raises:
            ValueError: another number of columns.
        """
        if (inputs.features.shape[1], inputs.texts.shape[1]) != (self.n_features, self.n_texts):
            found = f"{inputs.features.shape[1]} + {inputs.texts.shape[1]}"
            raise ValueError(f"{found} columns for a network of {self.n_features} + {self.n_texts}")
        w = self.weights
        artists = np.vstack([self.artist_vectors, np.zeros((1, self.artist_vectors.shape[1]), np.float32)])
        rows = self.artist_rows(inputs.artists)
        out = np.empty((len(inputs), self.d), np.float32)
        for first in range(0, len(inputs), _BLOCK):
            part = slice(first, first + _BLOCK)
            texts, artist = inputs.texts[part], artists[rows[part]]
            x = inputs.features[part] @ w["features"] + texts @ w["texts"] + artist @ w["artist"] + w["bias"]
            h = activated(x, "gelu")
            h = h + activated(h @ w["hidden"] + w["hidden_bias"], "gelu")
            out[part] = unit_rows(h @ w["out"] + w["out_bias"] + texts @ w["texts_out"] + artist @ w["artist_out"])
        return out

    def save(self, folder: Path) -> None:
        """Write ``track_encoder.json`` and an ``.npy`` of each array into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in WEIGHTS:
            save_array(folder / f"{name}.npy", self.weights[name])
        save_array(folder / "artist_vectors.npy", self.artist_vectors)
        about = {"format_version": _FORMAT_VERSION, "fingerprint": self.fingerprint, "artists": list(self.artists)}
        write_json(folder / "track_encoder.json", about)

    @classmethod
    def open(cls, folder: Path) -> TrackEncoder:
        """Read what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing, damaged or of a newer format; the message names it.
        """
        file = folder / "track_encoder.json"
        about: Any = read_json(file)
        if not isinstance(about, dict) or not isinstance(about.get("format_version"), int):
            raise StoredDataError(f"{file} is damaged (no description of a track encoder); {_AGAIN}")
        if about["format_version"] > _FORMAT_VERSION:
            raise StoredDataError(f"{file} was written by a newer version; upgrade segue")
        weights = {name: load_array(folder / f"{name}.npy", mmap=False, dtype=np.float32) for name in WEIGHTS}
        artist_vectors = load_array(folder / "artist_vectors.npy", mmap=False, dtype=np.float32)
        try:
            found = cls(weights, tuple(map(str, about["artists"])), artist_vectors)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise StoredDataError(f"{folder} is damaged ({error}); {_AGAIN}") from error
        if found.fingerprint != about.get("fingerprint"):
            raise StoredDataError(f"{folder} is damaged (its arrays do not fit {file.name}); {_AGAIN}")
        return found
