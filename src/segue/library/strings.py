"""Millions of strings as two flat arrays: memory-mapped, opened in no time, read one by one."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import load_array, save_array

__all__ = ["HashIndex", "StringArray", "hash64"]


@dataclass(frozen=True, slots=True, eq=False)
class StringArray:
    """An immutable sequence of strings: UTF-8 bytes (uint8) and int64 offsets of length ``n + 1``.

    >>> names = StringArray.of(["Hey Jude", "", "99 Luftballons"])
    >>> len(names), names[2], names[1]
    (3, '99 Luftballons', '')
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Iterable[str]) -> StringArray:
        """Pack strings; lone surrogates become U+FFFD, so that any input can be stored."""
        encoded = [s.encode("utf-8", "replace") for s in strings]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(e) for e in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    @classmethod
    def load(cls, folder: Path, name: str) -> StringArray:
        """Map the strings saved under ``name``."""
        data = load_array(folder / f"{name}.utf8.npy", dtype="uint8")
        return cls(data, load_array(folder / f"{name}.offsets.npy", dtype="int64"))

    def save(self, folder: Path, name: str) -> None:
        """Write ``name.utf8.npy`` and ``name.offsets.npy``."""
        save_array(folder / f"{name}.utf8.npy", self.data)
        save_array(folder / f"{name}.offsets.npy", self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode("utf-8")

    def take(self, rows: NDArray[np.integer]) -> list[str]:
        """The strings of some rows, in their order; quicker than one by one.

        Raises:
            IndexError: there is no such row.
        """
        if len(rows) and rows.min() < 0:
            raise IndexError(int(rows.min()))
        begins, ends = self.offsets[rows].tolist(), self.offsets[np.asarray(rows, np.int64) + 1].tolist()
        data = self.data.data  # the same bytes, sliced without an array for each
        return [str(data[a:b], "utf-8") for a, b in zip(begins, ends, strict=True)]

    def to_list(self) -> list[str]:
        """All strings."""
        data, ends = self.data.tobytes(), self.offsets.tolist()
        return [data[a:b].decode("utf-8") for a, b in itertools.pairwise(ends)]


def hash64(strings: Sequence[str]) -> NDArray[np.uint64]:
    """Hash strings to uint64 ``(n,)``, the same on every machine (BLAKE2b, 8 bytes)."""
    digests = b"".join(hashlib.blake2b(s.encode("utf-8", "replace"), digest_size=8).digest() for s in strings)
    return np.frombuffer(digests, "<u8").astype(np.uint64, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class HashIndex:
    """Key -> rows, as sorted hashes; opened by mapping two arrays, searched in O(log n).

    Two keys share a hash with probability 2**-64 a pair; a caller that must be certain compares the row's own key.

    >>> HashIndex.of(["b", "a", "b"]).rows("b").tolist()
    [0, 2]
    """

    hashes: NDArray[np.uint64]
    order: NDArray[np.int32]

    @classmethod
    def of(cls, keys: Sequence[str]) -> HashIndex:
        """Index keys; row ``i`` is ``keys[i]``. Empty keys are left out."""
        kept = np.array([i for i, key in enumerate(keys) if key], np.int32)
        hashes = hash64([keys[i] for i in kept])
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], kept[order])

    @classmethod
    def load(cls, folder: Path, name: str) -> HashIndex:
        """Map the index saved under ``name``."""
        hashes = load_array(folder / f"{name}.hashes.npy", dtype="uint64")
        return cls(hashes, load_array(folder / f"{name}.order.npy", dtype="int32"))

    def save(self, folder: Path, name: str) -> None:
        """Write ``name.hashes.npy`` and ``name.order.npy``."""
        save_array(folder / f"{name}.hashes.npy", self.hashes)
        save_array(folder / f"{name}.order.npy", self.order)

    def rows(self, key: str) -> NDArray[np.int32]:
        """Rows whose key hashes as ``key`` does, ascending; int32 ``(m,)``, empty where there is none."""
        wanted = hash64([key])[0]
        first, last = np.searchsorted(self.hashes, wanted, "left"), np.searchsorted(self.hashes, wanted, "right")
        return np.array(self.order[first:last])
