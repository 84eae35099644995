"""BM25 over texts, as flat arrays.

An own one of a screen: bm25s 0.3 keeps the same eager scores, but pulls in scipy at query time, stores its vocabulary
as one JSON object, and breaks ties as partitioning happens to leave them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library.arrays import load_array, save_array
from segue.library.ranking import Hits, top
from segue.library.strings import HashIndex, StringArray

__all__ = ["Bm25Index", "words"]

# Letters, digits and the marks that belong to them; \w alone would tear Indian vowel signs off.
_APOSTROPHES = re.compile(r"['’`]")
_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09bc-\u09cd\u0e31-\u0e4e]*)+")
_CAP = 20_000


def words(text: str) -> list[str]:
    """Words of a text: NFKC, lower case, apostrophes dropped; no stemming, no stop words.

    >>> words("Don't Stop (Remastered) AC/DC")
    ['dont', 'stop', 'remastered', 'ac', 'dc']
    """
    text = text[:_CAP]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(_APOSTROPHES.sub("", text.lower()))


@dataclass(frozen=True, eq=False)
class Bm25Index:
    """Every word's score in every text, computed when built.

    score(q, t) = sum over words w of q of idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b |t| / mean |t|)), with
    idf(w) = ln(1 + (n - df + 0.5) / (df + 0.5)). A word that occurs twice in the query counts twice.

    Source: Robertson et al. 1994; the idf that cannot be negative is Lucene's.

    Args:
        vocabulary: word -> its place in ``starts``; a dict, or the words of an opened folder.
        starts: int64 ``(n_words + 1,)``; rows and scores of word w are at ``starts[w]:starts[w + 1]``.
        rows: int32, ascending within a word.
        scores: float32.
        n: number of texts.
    """

    vocabulary: Mapping[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    n: int

    @classmethod
    def of(cls, texts: Iterable[str], *, k1: float = 1.2, b: float = 0.75) -> Bm25Index:
        """Index texts."""
        vocabulary: dict[str, int] = {}
        found: list[int] = []
        lengths: list[int] = []
        for text in texts:
            split = words(text)
            lengths.append(len(split))
            found += [vocabulary.setdefault(word, len(vocabulary)) for word in split]
        n = len(lengths)
        length = np.array(lengths, np.float64)
        key = np.array(found, np.int64) * max(n, 1) + np.repeat(np.arange(n), lengths)
        key, tf = np.unique(key, return_counts=True)
        word_of, row_of = np.divmod(key, max(n, 1))
        df = np.bincount(word_of, minlength=len(vocabulary))
        idf = np.log1p((n - df + 0.5) / (df + 0.5))
        mean = length.mean() if found else 1.0
        scores = idf[word_of] * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length[row_of] / mean))
        starts = np.append(0, np.cumsum(df)).astype(np.int64)
        return cls(vocabulary, starts, row_of.astype(np.int32), scores.astype(np.float32), n)

    def __len__(self) -> int:
        return self.n

    def search(self, queries: Sequence[str], k: int) -> list[Hits]:
        """The best ``k`` texts of each query that share a word with it, ties by row.

        Raises:
            ValueError: k is negative.
        """
        if k < 0:
            raise ValueError(f"k is {k}")
        return [self._search(query, k) for query in queries]

    def _search(self, query: str, k: int) -> Hits:
        scores = self.scores_of(query)
        found = np.flatnonzero(scores)
        best = top(scores[found], k)
        return Hits(found[best.rows].astype(np.int32), best.scores)

    def scores_of(self, query: str) -> NDArray[np.float32]:
        """Score of every text for one query; float32 ``(n,)``, 0 where no word is shared."""
        scores = np.zeros(self.n, np.float32)
        for word, times in Counter(words(query)).items():
            place = self.vocabulary.get(word)
            if place is not None:
                span = slice(self.starts[place], self.starts[place + 1])
                scores[self.rows[span]] += np.float32(times) * self.scores[span]
        return scores

    def frequency(self, word: str) -> int:
        """In how many texts a word of :func:`words` occurs."""
        place = self.vocabulary.get(word)
        return 0 if place is None else int(self.starts[place + 1] - self.starts[place])

    def matched(self, query: str, row: int) -> dict[str, float]:
        """The query's words that a text holds and what each adds to its score, the weightiest first."""
        found: dict[str, float] = {}
        for word, times in Counter(words(query)).items():
            place = self.vocabulary.get(word)
            if place is not None:
                begin, end = int(self.starts[place]), int(self.starts[place + 1])
                at = begin + int(np.searchsorted(self.rows[begin:end], row))
                if at < end and self.rows[at] == row:
                    found[word] = times * float(self.scores[at])
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def save(self, folder: Path) -> None:
        """Write the arrays into an existing folder; no word is an object of its own there."""
        vocabulary = list(self.vocabulary)
        StringArray.of(vocabulary).save(folder, "words")
        HashIndex.of(vocabulary).save(folder, "words")
        save_array(folder / "starts.npy", np.asarray(self.starts, np.int64))
        save_array(folder / "rows.npy", np.asarray(self.rows, np.int32))
        save_array(folder / "scores.npy", np.asarray(self.scores, np.float32))

    @classmethod
    def open(cls, folder: Path, n: int) -> Bm25Index:
        """Map the arrays of a folder; ``n`` is the number of texts.

        Raises:
            StoredDataError: a file is missing or damaged, or they do not fit; the message names it.
        """
        stored = _StoredWords(StringArray.load(folder, "words"), HashIndex.load(folder, "words"))
        starts = load_array(folder / "starts.npy", dtype=np.int64)
        rows = load_array(folder / "rows.npy", dtype=np.int32)
        scores = load_array(folder / "scores.npy", dtype=np.float32)
        fits = starts.ndim == rows.ndim == scores.ndim == 1 and len(starts) == len(stored) + 1
        if not fits or len(rows) != len(scores) or starts[0] != 0 or starts[-1] != len(rows):
            raise StoredDataError(f"{folder / 'starts.npy'} is damaged (it does not fit the others); index again")
        return cls(stored, starts, rows, scores, n)


@dataclass(frozen=True, eq=False)
class _StoredWords(Mapping[str, int]):
    """The vocabulary of a folder, looked up in mapped arrays: opening it costs nothing."""

    words: StringArray
    index: HashIndex

    def __getitem__(self, word: str) -> int:
        for row in self.index.rows(word).tolist():
            if self.words[row] == word:
                return int(row)
        raise KeyError(word)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words.to_list())
