"""Texts as hashed character n-grams: needs no model file, forgives typos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["NgramEncoder"]

_WORD = re.compile(r"\S+")
_CHUNK = 16_384
_MAX_CHARACTERS = 10_000  # of a text; the rest is not read


@dataclass(frozen=True, eq=False)
class NgramEncoder:
    """tf-idf over character n-grams within words.

    Each word is padded with a space on both sides; its n-grams of ``min_n`` to ``max_n`` characters are hashed
    (CRC-32) into ``buckets``; a padded word shorter than n counts once, whole. Weights are (1 + ln tf) idf, rows
    are scaled to unit length. Texts are read as they are: normalise them first. A text without a character that
    is no space has a zero row.

    Source: scikit-learn's ``char_wb`` analyser with ``sublinear_tf`` and smoothed idf, hashed.

    Args:
        idf: float32 ``(buckets,)``, of the texts it was fitted on.
        dimension: of the dense vectors that :meth:`encode` gives.
    """

    idf: NDArray[np.float32]
    min_n: int = 2
    max_n: int = 5
    dimension: int = 1024

    @classmethod
    def fitted(
        cls, texts: Sequence[str], *, buckets: int = 2**18, min_n: int = 2, max_n: int = 5, dimension: int = 1024
    ) -> NgramEncoder:
        """Fit the document frequencies: idf = ln((1 + n) / (1 + df)) + 1.

        Raises:
            ValueError: the sizes make no sense.
        """
        if not (1 <= min_n <= max_n and 1 <= buckets <= 2**31 and dimension >= 1):
            raise ValueError("1 <= min_n <= max_n, at least one bucket and one dimension are needed")
        document_frequency = np.zeros(buckets, np.int64)
        for first in range(0, len(texts), _CHUNK):
            counts = _counts(texts[first : first + _CHUNK], buckets, min_n, max_n)
            document_frequency += np.bincount(counts.indices, minlength=buckets)
        idf = np.log((1 + len(texts)) / (1 + document_frequency)) + 1
        return cls(idf.astype(np.float32), min_n, max_n, dimension)

    @property
    def d(self) -> int:
        """Dimension of the dense vectors."""
        return self.dimension

    @cached_property
    def fingerprint(self) -> str:
        """Digest of sizes and idf."""
        return fingerprint("ngrams", self.min_n, self.max_n, self.dimension, self.idf)

    def sparse(self, texts: Sequence[str]) -> csr_matrix:
        """Encode texts to a float32 CSR matrix ``(n, buckets)`` with unit rows and sorted columns."""
        from scipy.sparse import csr_matrix, vstack

        parts = [
            self._weighted(_counts(texts[first : first + _CHUNK], len(self.idf), self.min_n, self.max_n))
            for first in range(0, len(texts), _CHUNK)
        ]
        if not parts:
            return csr_matrix(np.zeros((0, len(self.idf)), np.float32))
        return parts[0] if len(parts) == 1 else csr_matrix(vstack(parts, format="csr"))

    def _weighted(self, counts: csr_matrix) -> csr_matrix:
        weights = (1 + np.log(counts.data.astype(np.float64))) * self.idf[counts.indices]
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        norms = np.sqrt(np.bincount(rows, weights * weights, minlength=counts.shape[0]))
        counts.data = (weights / norms[rows]).astype(np.float32)
        return counts

    def sparse_one(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Encode one text without scipy: ascending columns int32 ``(m,)`` and weights float32 ``(m,)``."""
        found: list[int] = []
        for word in _WORD.findall(text[:_MAX_CHARACTERS]):
            found += _grams(word, len(self.idf), self.min_n, self.max_n)
        columns, counts = np.unique(np.array(found, np.int32), return_counts=True)
        weights = (1 + np.log(counts)) * self.idf[columns]
        norm = np.sqrt(weights @ weights) if len(weights) else 1.0
        return columns, (weights / norm).astype(np.float32)

    @cached_property
    def _signs(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        # Fibonacci hashing spreads neighbouring buckets; CRC-32 already spread the n-grams.
        hashed = (np.arange(len(self.idf), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
        signs = np.where(hashed & np.uint64(1), 1, -1).astype(np.float32)
        return ((hashed >> np.uint64(1)) % np.uint64(self.dimension)).astype(np.int64), signs

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to dense rows, float32 ``(n, d)``: signed sums of the buckets, scaled to unit length."""
        places, signs = self._signs
        out = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            columns, weights = self.sparse_one(text)
            dense = np.bincount(places[columns], weights * signs[columns], minlength=self.dimension)
            norm = np.sqrt(dense @ dense)
            if norm > 0:
                out[row] = dense / norm
            if progress is not None and (row + 1 == len(texts) or (row + 1) % _CHUNK == 0):
                progress(row + 1, len(texts))
        return out

    def save(self, folder: Path) -> None:
        """Write ``ngrams.json`` and ``ngrams.idf.npy`` into a folder.

        Raises:
            OutputError: the folder cannot be written to.
        """
        write_json(folder / "ngrams.json", {"min_n": self.min_n, "max_n": self.max_n, "dimension": self.dimension})
        save_array(folder / "ngrams.idf.npy", self.idf)

    @classmethod
    def load(cls, folder: Path) -> NgramEncoder:
        """Open what :meth:`save` wrote; the idf stays on disk until it is used.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        notes, idf = read_json(folder / "ngrams.json"), load_array(folder / "ngrams.idf.npy")
        try:
            sizes = {name: int(notes[name]) for name in ("min_n", "max_n", "dimension")}
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(
                f"{folder / 'ngrams.json'} is damaged ({error!r}); build the folder again"
            ) from error
        if idf.ndim != 1 or idf.dtype != np.float32 or not len(idf):
            raise StoredDataError(f"{folder / 'ngrams.idf.npy'} is damaged (wrong shape); build the folder again")
        return cls(idf, **sizes)


def _grams(word: str, buckets: int, min_n: int, max_n: int) -> list[int]:
    """Bucket of each n-gram of a word, repeats kept."""
    padded: str | bytes = f" {word} "
    found = []
    if word.isascii():
        # Slices of bytes are the UTF-8 of slices of the text, and cheaper.
        data = f" {word} ".encode()
        for n in range(min_n, max_n + 1):
            if n >= len(data):
                found.append(crc32(data) % buckets)
                break
            found += [crc32(data[i : i + n]) % buckets for i in range(len(data) - n + 1)]
        return found
    for n in range(min_n, max_n + 1):
        if n >= len(padded):
            found.append(_hash(f" {word} ") % buckets)
            break
        found += [_hash(f" {word} "[i : i + n]) % buckets for i in range(len(padded) - n + 1)]
    return found


def _hash(gram: str) -> int:
    return crc32(gram.encode("utf-8", "replace"))


def _counts(texts: Iterable[str], buckets: int, min_n: int, max_n: int) -> csr_matrix:
    """Occurrences of each bucket in each text, int32 CSR ``(n, buckets)`` with sorted columns.

    Words repeat a lot in titles, so n-grams are made once a distinct word: (text x word) @ (word x bucket).
    """
    from scipy.sparse import csr_matrix

    rows_of_word: dict[str, int] = {}
    word_rows: list[int] = []
    text_ends = [0]
    for text in texts:
        words_of_text = _WORD.findall(text[:_MAX_CHARACTERS])
        word_rows += [rows_of_word.setdefault(word, len(rows_of_word)) for word in words_of_text]
        text_ends.append(len(word_rows))
    grams: list[int] = []
    word_ends = [0]
    for word in rows_of_word:
        grams += _grams(word, buckets, min_n, max_n)
        word_ends.append(len(grams))
    words = csr_matrix(
        (np.ones(len(grams), np.int32), np.array(grams, np.int32), np.array(word_ends)),
        shape=(len(rows_of_word), buckets),
    )
    occurrences = csr_matrix(
        (np.ones(len(word_rows), np.int32), np.array(word_rows, np.int32), np.array(text_ends)),
        shape=(len(text_ends) - 1, len(rows_of_word)),
    )
    counts = csr_matrix(occurrences @ words)
    counts.sum_duplicates()
    return counts
