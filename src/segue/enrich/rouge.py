"""ROUGE-L: how much of a reference's wording a text keeps, in order."""

from __future__ import annotations

from collections.abc import Sequence

from segue.index.bm25 import words

__all__ = ["longest_common", "rouge_l"]


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence.

    >>> longest_common("the calm piano".split(), "the very calm old piano".split())
    3
    """
    if len(a) < len(b):
        a, b = b, a
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for place, other in enumerate(b, 1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def rouge_l(written: str, reference: str) -> float:
    """F1 of the longest common subsequence of words, in [0, 1]; 0 where either text has no word.

    Words are those of BM25 (lower case, no stemming). Source: Lin 2004, sentence level, beta = 1.

    >>> round(rouge_l("calm piano", "calm old piano"), 3)
    0.8
    """
    a, b = words(written), words(reference)
    common = longest_common(a, b) if a and b else 0
    return 2 * common / (len(a) + len(b)) if common else 0.0
