"""Vectors kept on disk, so that no text is encoded twice."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, Progress
from segue.library.arrays import write_bytes

__all__ = ["CachedEncoder"]

_SHARD = 8192  # texts; a killed build loses at most the vectors of so many
_KEY_BYTES = 16


@dataclass(frozen=True, eq=False)
class CachedEncoder:
    """An encoder that looks into a folder first.

    Vectors lie under the encoder's fingerprint *and* its class: a torch and an ONNX encoder of the same weights
    share a fingerprint but agree only to 1e-4, and a build must not depend on who filled the cache. A shard is one
    ``.npy`` of (128-bit hash of the text, vector), written whole and named by its content, so any number of
    processes may read and write. A shard that is damaged is passed over and its texts are encoded again.
    """

    encoder: Encoder
    folder: Path
    _found: dict[bytes, tuple[int, int]] = field(default_factory=dict, repr=False)
    _shards: list[NDArray[Any]] = field(default_factory=list, repr=False)
    _seen: set[str] = field(default_factory=set, repr=False)

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return self.encoder.d

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder behind: a cache changes nothing."""
        return self.encoder.fingerprint

    @property
    def place(self) -> Path:
        """Folder of the shards."""
        return Path(self.folder) / f"{self.encoder.fingerprint}-{type(self.encoder).__name__}"

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``; new ones are encoded and kept.

        Raises:
            OutputError: the folder cannot be written to.
        """
        self._open_new_shards()
        keys = [_key(text) for text in texts]
        missing: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            if key not in self._found:
                missing.setdefault(key, text)
        pending = list(missing.items())
        total, done = len(texts), len(texts) - len(pending)
        if progress is not None and pending and done:
            progress(done, total)
        for first in range(0, len(pending), _SHARD):
            part = pending[first : first + _SHARD]
            self._keep([key for key, _ in part], self.encoder.encode([text for _, text in part]))
            if progress is not None:
                progress(done + first + len(part), total)
        return self._gather(keys)

    def _gather(self, keys: list[bytes]) -> NDArray[np.float32]:
        out = np.empty((len(keys), self.d), np.float32)
        places = np.array([self._found[key] for key in keys], np.int64).reshape(-1, 2)
        for shard in np.unique(places[:, 0]):
            mine = places[:, 0] == shard
            out[mine] = self._shards[shard]["vector"][places[mine, 1]]
        return out

    def _dtype(self) -> np.dtype[Any]:
        return np.dtype([("key", "u1", _KEY_BYTES), ("vector", "<f4", self.d)])

    def _keep(self, keys: list[bytes], vectors: NDArray[np.float32]) -> None:
        shard = np.empty(len(keys), self._dtype())
        shard["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY_BYTES)
        shard["vector"] = vectors
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, shard, allow_pickle=False)
        name = hashlib.blake2b(b"".join(sorted(keys)), digest_size=_KEY_BYTES).hexdigest() + ".npy"
        write_bytes(self.place / name, buffer.getvalue())
        self._add(name, shard)

    def _open_new_shards(self) -> None:
        for path in sorted(self.place.glob("*.npy")):
            if path.name in self._seen or path.name.startswith("."):
                continue
            with contextlib.suppress(OSError, ValueError, EOFError):
                shard = np.load(path, mmap_mode="r", allow_pickle=False)
                if shard.dtype == self._dtype() and shard.ndim == 1:
                    self._add(path.name, shard)

    def _add(self, name: str, shard: NDArray[Any]) -> None:
        self._seen.add(name)
        data = np.ascontiguousarray(shard["key"]).tobytes()
        for row in range(len(shard)):
            self._found.setdefault(data[row * _KEY_BYTES : (row + 1) * _KEY_BYTES], (len(self._shards), row))
        self._shards.append(shard)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()
