"""A judge without a language model: how well a playlist's tracks answer a query, by words and by vectors.

It is a stand-in and says so: it finds what shares words or vectors with the query, which a person does not need. Use
it to see that everything runs, or as a floor that a language model has to beat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.enrich.evidence import EvidenceKind, evidence, said_of
from segue.evaluate.pooling import Pair
from segue.library import Library
from segue.library.names import fold
from segue.library.searching import Graded
from segue.systems.judging import Progress

__all__ = ["STAND_IN", "EvidenceJudge", "evidence_judge"]

STAND_IN = "stand-in:evidence-1"
_WORDINGS = ("words and vectors", "words", "vectors")
_CUTS = (0.5, 0.8, 0.95)  # more than this share of drawn playlists must be beaten for grades 1, 2 and 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class EvidenceJudge:
    """Grades by rank among drawn playlists: 3 beats over 95 % of them for this query, 2 over 80 %, 1 over half.

    Its wordings are three ways of comparing: by the share of the query's words (weighted by rarity) among the words
    of the tracks, by the cosine of their vectors, and by the mean of the two shares of playlists that are beaten.

    Args:
        texts: gives the tracks of playlists by id, as the judge sees them. drawn: texts of playlists drawn at random.
        encoder: for the vectors; n-grams of the drawn texts without one. variants: wordings in use, from the first.
    """

    texts: Callable[[Sequence[str]], Sequence[str]]
    drawn: tuple[str, ...]
    encoder: Encoder | None = None
    evidence: str = "tracks"
    variants: int = len(_WORDINGS)

    @property
    def wordings(self) -> tuple[str, ...]:
        """Marks of the ways in use."""
        read = "n-grams" if self.encoder is None else f"encoder {self.encoder.fingerprint}"
        return tuple(f"{STAND_IN} ({name}; {read})" for name in _WORDINGS[: self.variants])

    def grade(self, pairs: Sequence[Pair], wording: int, progress: Progress | None = None) -> list[Graded]:
        """Grade pairs; no pair fails."""
        by_query: dict[str, list[str]] = {}
        for query, one in pairs:
            by_query.setdefault(query, []).append(one)
        shares = np.zeros(len(pairs)), np.zeros(len(pairs))
        places = {pair: place for place, pair in enumerate(pairs)}
        known = self._read(sorted({one for _, one in pairs}))
        if wording in (0, 1):
            for query, ids in by_query.items():
                at = [places[query, one] for one in ids]
                shares[0][at] = self._by_words(query, [known[one][0] for one in ids])
        if wording in (0, 2):
            asked = self._encode(list(by_query))
            for done, (query, ids) in enumerate(by_query.items()):
                if progress is not None:
                    progress(done, len(by_query), "judging by words and vectors")
                at = [places[query, one] for one in ids]
                mine = np.stack([known[one][1] for one in ids]) @ asked[done]
                shares[1][at] = _share_below(mine, self._drawn_vectors @ asked[done])
        beaten = (shares[0] + shares[1]) / (2 if wording == 0 else 1)
        grades = np.searchsorted(_CUTS, beaten, side="left").tolist()
        by = self.wordings[wording]
        return [Graded(query, one, grades[places[query, one]], "", by) for query, one in pairs]

    def _by_words(self, query: str, theirs: Sequence[frozenset[str]]) -> NDArray[np.float64]:
        words = sorted(set(_words(query)))
        n = len(self.drawn)
        weights = [float(np.log((1 + n) / (1 + self._counts[word]))) + 1e-3 for word in words]
        mine, drawn = (
            np.array([sum(w for word, w in zip(words, weights, strict=True) if word in there) for there in side])
            for side in (theirs, self._drawn_words)
        )
        return _share_below(mine, drawn)

    def _read(self, ids: Sequence[str]) -> dict[str, tuple[frozenset[str], NDArray[np.float32]]]:
        new = [one for one in ids if one not in self._known]
        if new:
            texts = self.texts(new)
            words = [frozenset(_words(text)) for text in texts]
            self._known.update(zip(new, zip(words, self._encode(texts), strict=True), strict=True))
        return self._known

    @cached_property
    def _known(self) -> dict[str, tuple[frozenset[str], NDArray[np.float32]]]:
        """What was read already: the wordings read the same."""
        return {}

    @cached_property
    def _drawn_words(self) -> list[frozenset[str]]:
        return [frozenset(_words(text)) for text in self.drawn]

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(word for words in self._drawn_words for word in words)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.encoder is not None:
            return self.encoder.encode(texts)
        return self._ngrams.encode([fold(text) for text in texts])

    @cached_property
    def _ngrams(self) -> NgramEncoder:
        return NgramEncoder.fitted([fold(text) for text in self.drawn], buckets=2**16)

    @cached_property
    def _drawn_vectors(self) -> NDArray[np.float32]:
        return self._encode(self.drawn)


def evidence_judge(
    library: Library,
    *,
    kind: EvidenceKind = "tracks",
    encoder: Encoder | None = None,
    drawn: int = 200,
    variants: int = len(_WORDINGS),
    rng_key: int = 0,
) -> EvidenceJudge:
    """The stand-in for a library: it can grade any of its playlists, and compares them with ``drawn`` of them."""
    n = library.n_playlists
    rows = {one: row for row, one in enumerate(library.playlists["playlist_id"].to_list())}

    def texts(ids: Sequence[str]) -> list[str]:
        lines = evidence(library, [rows[one] for one in ids], kind=kind, rng_key=rng_key)
        return [" | ".join(mine) for mine in lines]

    ids = list(rows)
    chosen = np.random.default_rng(rng_key).choice(n, min(drawn, n), replace=False).tolist()
    return EvidenceJudge(texts, tuple(texts([ids[row] for row in chosen])), encoder, said_of(kind), variants)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _share_below(scores: NDArray[np.floating], drawn: NDArray[np.floating]) -> NDArray[np.float64]:
    ordered = np.sort(
        np.round(drawn.astype(np.float64), 6)
    )  # products differ in their last digits by how many there are
    rounded = np.round(scores.astype(np.float64), 6)
    below = np.searchsorted(ordered, rounded, side="left")
    return (below + np.searchsorted(ordered, rounded, side="right")) / (2 * max(len(ordered), 1))
