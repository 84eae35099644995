"""What a misspelt text may have meant: words apart or together, and words with a letter or two wrong."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KnownWords", "other_spacings"]

_SHORTEST = 4  # letters of a word that is taken for misspelt
_TWO_WRONG = 7  # letters from which two may be wrong
_LONGEST = 40  # no word that people mean is longer, and comparing costs length by length
_MEANT = 8  # beginnings that one word may have meant
_SPLIT = 3  # words of a text in which words are taken apart; a longer one is a sentence


@dataclass(frozen=True, eq=False)
class KnownWords:
    """Words that may have been meant.

    Args:
        words: sorted. counts: in how many of the best known tracks each is, int64 ``(n,)``.
        letters: which letters each has, as bits, uint64 ``(n,)``.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    letters: NDArray[np.uint64]

    @classmethod
    def of(cls, words: Sequence[str], counts: NDArray[np.int64]) -> KnownWords:
        """Take sorted words and their counts."""
        return cls(tuple(words), counts, np.array([_letters(word) for word in words], np.uint64))

    def near(self, word: str) -> list[str]:
        """Beginnings of known words that differ the least from a word, in a letter or two, the best known first.

        One letter too much, too few, another, or two exchanged is one difference; from seven letters on there may be
        two. The first letter is right or the second in its place, since people look at it.

        Source: optimal string alignment distance; G. Navarro, "A guided tour to approximate string matching", ACM
        Computing Surveys 33 (2001), section 2.
        """
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import cdist

        if not _SHORTEST <= len(word) <= _LONGEST:
            return []
        wrong = 1 if len(word) < _TWO_WRONG else 2
        counts: dict[str, int] = {}
        for known, count in self._candidates(word, wrong):
            for length in range(len(word) - 1, min(len(word) + 1, len(known)) + 1):
                counts[known[:length]] = counts.get(known[:length], 0) + count
        beginnings = list(counts)
        if not beginnings:
            return []
        differ = cdist([word], beginnings, scorer=OSA.distance, score_cutoff=wrong, dtype=np.int32)[0]
        least = min(int(differ.min()), wrong)
        near = [(-counts[beginnings[i]], beginnings[i]) for i in np.flatnonzero(differ == least).tolist()]
        return [beginning for _, beginning in sorted(near)[:_MEANT]]

    def _candidates(self, word: str, wrong: int) -> Iterator[tuple[str, int]]:
        """Words that begin as they must and lack at most as many letters of the word as may be wrong."""
        letters = np.uint64(_letters(word))
        for letter in dict.fromkeys(word[:2]):
            first = bisect_left(self.words, letter)
            last = bisect_left(self.words, letter + "\U0010ffff", first)
            lacking = np.bitwise_count(letters & ~self.letters[first:last])
            for i in (np.flatnonzero(lacking <= wrong) + first).tolist():
                yield self.words[i], int(self.counts[i])


def _letters(word: str) -> int:
    """The letters of a word as bits; letters that share one make the choice of candidates wider, never wrong."""
    bits = 0
    for letter in set(word):
        bits |= 1 << (ord(letter) & 63)
    return bits


def other_spacings(words: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Texts of the same letters: whole words, and words that are begun.

    >>> list(other_spacings(["beat", "les"]))[0]
    ([], ['beatles'])
    >>> (["ac"], ["dc"]) in other_spacings(["acdc"])
    True
    """
    for i in range(len(words) - 1):
        yield [], [*words[:i], words[i] + words[i + 1], *words[i + 2 :]]
    if len(words) <= _SPLIT:
        for i, word in enumerate(words):
            for cut in range(1, min(len(word), _LONGEST)):
                yield [word[:cut]], [*words[:i], word[cut:], *words[i + 1 :]]
