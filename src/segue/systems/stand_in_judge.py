"""A judge without a language model: how well a playlist's tracks answer a query, by words and by vectors.

It is a stand-in and says so: it finds what shares words or vectors with the query, which a person does not need. Use
it to see that everything runs, or as a floor that a language model has to beat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.evaluate.pooling import Pair
from segue.library.names import fold
from segue.library.searching import Graded
from segue.systems.judging import Progress

__all__ = ["STAND_IN", "EvidenceJudge"]

STAND_IN = "stand-in:evidence-1"
_WORDINGS = ("words and vectors", "words", "vectors")
_CUTS = (0.8, 0.95, 0.99)  # share of drawn playlists that a playlist must beat for grades 1, 2 and 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class EvidenceJudge:
    """Grades by rank among drawn playlists: grade 3 beats 99 % of them for this query, 2 beats 95 %, 1 beats 80 %.

    Its wordings are three ways of comparing: by the share of the query's words (weighted by rarity) among the words
    of the tracks, by the cosine of their vectors, and by the mean of the two shares of playlists that are beaten.

    Args:
        texts: playlist id -> its tracks, as the judge sees them. drawn: texts of playlists drawn at random.
        encoder: for the vectors; n-grams of the drawn texts without one.
    """

    texts: Mapping[str, str]
    drawn: tuple[str, ...]
    encoder: Encoder | None = None
    evidence: str = "tracks"

    @property
    def wordings(self) -> tuple[str, ...]:
        """Marks of the three ways."""
        return tuple(f"{STAND_IN} ({name})" for name in _WORDINGS)

    def grade(self, pairs: Sequence[Pair], wording: int, progress: Progress | None = None) -> list[Graded]:
        """Grade pairs; no pair fails."""
        by_query: dict[str, list[str]] = {}
        for query, one in pairs:
            by_query.setdefault(query, []).append(one)
        found: dict[Pair, int] = {}
        for done, (query, ids) in enumerate(by_query.items()):
            if progress is not None:
                progress(done, len(by_query), "judging by words and vectors")
            for one, beaten in zip(ids, self._beaten(query, ids, wording).tolist(), strict=True):
                found[query, one] = int(np.searchsorted(_CUTS, beaten, side="right"))
        if progress is not None:
            progress(len(by_query), len(by_query), "judging by words and vectors")
        by = self.wordings[wording]
        return [Graded(query, one, found[query, one], "", by) for query, one in pairs]

    def _beaten(self, query: str, ids: Sequence[str], wording: int) -> NDArray[np.float64]:
        """Share of the drawn playlists that each playlist beats; one that is as good counts half."""
        shares = []
        if wording in (0, 1):
            words = sorted(set(_words(query)))
            weights = np.array([self._rarity(word) for word in words])
            mine = [_overlap(words, weights, self._word_sets[one]) for one in ids]
            shares.append(
                _share_below(np.array(mine), np.array([_overlap(words, weights, w) for w in self._drawn_words]))
            )
        if wording in (0, 2):
            asked = self._encode([query])[0]
            mine_vectors = np.stack([self._vectors[one] for one in ids])
            shares.append(_share_below(mine_vectors @ asked, self._drawn_vectors @ asked))
        return np.mean(shares, axis=0)  # type: ignore[no-any-return]  # of arrays of one dtype

    @cached_property
    def _word_sets(self) -> dict[str, frozenset[str]]:
        return {one: frozenset(_words(text)) for one, text in self.texts.items()}

    @cached_property
    def _drawn_words(self) -> list[frozenset[str]]:
        return [frozenset(_words(text)) for text in self.drawn]

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(word for words in self._drawn_words for word in words)

    def _rarity(self, word: str) -> float:
        return float(np.log((1 + len(self.drawn)) / (1 + self._counts[word]))) + 1e-3

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.encoder is not None:
            return self.encoder.encode(texts)
        return self._ngrams.encode([fold(text) for text in texts])

    @cached_property
    def _ngrams(self) -> NgramEncoder:
        return NgramEncoder.fitted([fold(text) for text in self.drawn], buckets=2**16)

    @cached_property
    def _vectors(self) -> dict[str, NDArray[np.float32]]:
        return dict(zip(self.texts, self._encode(list(self.texts.values())), strict=True))

    @cached_property
    def _drawn_vectors(self) -> NDArray[np.float32]:
        return self._encode(self.drawn)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _overlap(words: Sequence[str], weights: NDArray[np.float64], there: frozenset[str]) -> float:
    total = float(weights.sum())
    return (
        float(sum(weight for word, weight in zip(words, weights, strict=True) if word in there)) / total
        if total
        else 0.0
    )


def _share_below(scores: NDArray[np.floating], drawn: NDArray[np.floating]) -> NDArray[np.float64]:
    ordered = np.sort(
        np.round(drawn.astype(np.float64), 6)
    )  # products differ in their last digits by how many there are
    rounded = np.round(scores.astype(np.float64), 6)
    below = np.searchsorted(ordered, rounded, side="left")
    return (below + np.searchsorted(ordered, rounded, side="right")) / (2 * max(len(ordered), 1))
