"""Texts as means of word vectors that were learnt from titles: FastText, trained by gensim and read without it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress, distinct, unit_rows
from segue.errors import InputError, MissingDependency, StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.strings import StringArray

__all__ = ["FastTextEncoder"]

# Letters, digits and, so that no word of theirs breaks, the marks of Latin, Hebrew, Arabic, Indic and Thai script.
_WORD = re.compile("[\\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e]+")
_MAX_CHARACTERS = 10_000  # of a text; the rest is not read
_MAX_WORD = 64  # characters of a word; what is longer is no word, and has thousands of n-grams
_MIN_N, _MAX_N = 3, 6
_CHUNK = 16_384


@dataclass(frozen=True, eq=False)
class FastTextEncoder:
    """The mean of the vectors of a text's words, scaled to unit length.

    Words are runs of letters and digits in lower case; a text without any (an emoji, say) is split at its spaces. A
    word that was in no title has the mean of its character n-grams' vectors, so any word has a vector. Only a text
    of nothing but spaces has a zero row.

    Args:
        words: those of the titles, most frequent first.
        vectors: of the words, n-grams included, float32 ``(n_words, d)``.
        grams: of the hashed n-grams, float32 ``(buckets, d)``.

    Source: Bojanowski, Grave, Joulin and Mikolov 2017, "Enriching word vectors with subword information".
    """

    words: tuple[str, ...] = field(repr=False)
    vectors: NDArray[np.float32] = field(repr=False)
    grams: NDArray[np.float32] = field(repr=False)

    @classmethod
    def fitted(
        cls,
        titles: Sequence[str],
        *,
        d: int = 100,
        epochs: int = 30,
        buckets: int = 2**16,
        rng_key: int = 0,
    ) -> FastTextEncoder:
        """Train on titles: skip-gram, 5 negative samples, window 5, learning rate 0.05, n-grams of 3 to 6 characters.

        All words are learnt and none is passed over for being frequent: a title has three, so each counts.
        One thread trains, so that the same titles give the same bits in any process of the same machine.

        Args:
            titles: a title that several playlists share counts as often.
            rng_key: key of beginnings and samples, 0 to 2**32 - 1.

        Raises:
            InputError: no title holds a word.
            MissingDependency: gensim is not installed.
        """
        if d < 1 or epochs < 1 or buckets < 1 or not 0 <= rng_key < 2**32:
            raise ValueError("d, epochs and buckets are at least 1, rng_key lies in [0, 2**32)")
        sentences = [words for words in map(_words, titles) if words]
        if not sentences:
            raise InputError("word vectors cannot be learnt: no title holds a word")
        try:
            from gensim.models.fasttext import FastText
        except ImportError as error:
            raise MissingDependency("FastText", extra="compare") from error

        logger = logging.getLogger("gensim")
        level = logger.level
        logger.setLevel(logging.ERROR)  # it complains of few titles
        try:
            train: Any = FastText
            model = train(
                sentences=sentences,
                vector_size=d,
                epochs=epochs,
                bucket=buckets,
                min_n=_MIN_N,
                max_n=_MAX_N,
                min_count=1,
                sg=1,
                negative=5,
                window=5,
                alpha=0.05,
                sample=0,
                workers=1,
                seed=rng_key,
                hashfxn=_crc32,
            )
        finally:
            logger.setLevel(level)
        known = model.wv
        return cls(tuple(known.index_to_key), np.array(known.vectors), np.array(known.vectors_ngrams))

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return int(self.vectors.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Digest of words and vectors."""
        return fingerprint("fasttext", _MIN_N, _MAX_N, list(self.words), self.vectors, self.grams)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to unit rows, float32 ``(n, d)``; zero rows where there is nothing but spaces."""
        unique, where = distinct(texts, _MAX_CHARACTERS)
        out = np.zeros((len(unique), self.d), np.float32)
        strange: dict[str, NDArray[np.float32]] = {}  # words that were in no title; some come again and again
        for row, text in enumerate(unique):
            found = []
            for word in _words(text):
                known = self._rows.get(word)
                if known is None and word not in strange:
                    strange[word] = self._from_grams(word)
                found.append(strange[word] if known is None else self.vectors[known])
            if found:
                out[row] = np.mean(found, axis=0)
            if progress is not None and (row + 1 == len(unique) or (row + 1) % _CHUNK == 0):
                progress(row + 1, len(unique))
        return unit_rows(out)[where]

    def _from_grams(self, word: str) -> NDArray[np.float32]:
        rows = np.array([_hash(gram) % len(self.grams) for gram in _grams(word)])
        mean: NDArray[np.float32] = self.grams[rows].mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean

    def save(self, folder: Path) -> None:
        """Write the words, the two arrays and ``fasttext.json`` into a folder; no pickle, unlike gensim.

        Raises:
            OutputError: the folder cannot be written to.
        """
        write_json(folder / "fasttext.json", {"min_n": _MIN_N, "max_n": _MAX_N, "fingerprint": self.fingerprint})
        StringArray.of(self.words).save(folder, "fasttext.words")
        save_array(folder / "fasttext.vectors.npy", self.vectors)
        save_array(folder / "fasttext.grams.npy", self.grams)

    @classmethod
    def load(cls, folder: Path) -> FastTextEncoder:
        """Open what :meth:`save` wrote; the vectors stay on disk until they are used.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        about = read_json(folder / "fasttext.json")
        found = cls(
            tuple(StringArray.load(folder, "fasttext.words").to_list()),
            load_array(folder / "fasttext.vectors.npy", dtype=np.float32),
            load_array(folder / "fasttext.grams.npy", dtype=np.float32),
        )
        if not isinstance(about, dict) or about.get("fingerprint") != found.fingerprint:
            raise StoredDataError(
                f"{folder / 'fasttext.json'} does not belong to its arrays; train the encoder again"
            )
        return found


def _words(text: str) -> list[str]:
    """Words of a text as they are learnt and looked up; valid Unicode."""
    lower = text[:_MAX_CHARACTERS].lower()
    if not lower.isascii():
        lower = lower.encode("utf-8", "replace").decode("utf-8")
    return [word[:_MAX_WORD] for word in _WORD.findall(lower) or lower.split()]


def _grams(word: str) -> list[bytes]:
    """Character n-grams of a word with its ends marked, as FastText takes them, in UTF-8."""
    marked = f"<{word}>"
    last = len(marked)
    return [
        marked[first : first + n].encode()
        for first in range(last)
        for n in range(_MIN_N, min(_MAX_N, last - first) + 1)
    ]


def _hash(gram: bytes) -> int:
    """FNV-1a with FastText's own slip: bytes are taken as signed.

    >>> _hash(b"<a>"), _hash("é".encode())
    (2359087600, 1023043777)
    """
    found = 2166136261
    for byte in gram:
        found = (found ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 & 0xFFFFFFFF
    return found


def _crc32(word: str) -> int:
    """A hash that does not depend on PYTHONHASHSEED, for gensim."""
    return crc32(word.encode())
