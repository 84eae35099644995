"""What an encoder forgets when it is tuned: how the cosines of texts that it was not tuned on change."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import SourceError

__all__ = ["Similar", "drift", "random_similar", "read_similar", "spearman"]

_PAIRS = 1_000
_CAP = 2_000  # characters of a text
_MOST = 100_000  # rows of a file that are read


@dataclass(frozen=True, eq=False)
class Similar:
    """Pairs of texts, perhaps with how alike people found them.

    Args:
        left, right: texts. scores: float64 ``(n,)``; None where nobody said. about: what they are, for reports.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    scores: NDArray[np.float64] | None
    about: str


def random_similar(texts: Sequence[str], *, rng_key: int = 0) -> Similar:
    """Random pairs of distinct texts: no test of general similarity, but of what stays as it was."""
    rng = np.random.default_rng([rng_key, 5])
    n = min(_PAIRS, max(len(texts) // 2, 1))
    order = rng.permutation(len(texts))
    left, right = order[:n], order[n : 2 * n]
    m = min(len(left), len(right))
    chosen = [tuple(texts[row] for row in side[:m].tolist()) for side in (left, right)]
    return Similar(chosen[0], chosen[1], None, "random pairs of the texts that are searched")


def read_similar(path: Path) -> Similar:
    """A CSV with the columns text_a and text_b, and perhaps score.

    Raises:
        SourceError: it cannot be read, lacks a column, or a score is no number; the message names the line.
    """
    left: list[str] = []
    right: list[str] = []
    scores: list[float] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or []
            if "text_a" not in names or "text_b" not in names:
                raise SourceError("lacks the columns text_a and text_b", path=path, position="line 1")
            for row in rows:
                if len(left) == _MOST:
                    break
                left.append((row["text_a"] or "")[:_CAP])
                right.append((row["text_b"] or "")[:_CAP])
                if "score" in names:
                    scores.append(_number(row["score"], path, rows.line_num))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot be read: {error}", path=path) from error
    if len(left) < 2:
        raise SourceError("needs two pairs of texts at least", path=path)
    return Similar(tuple(left), tuple(right), np.array(scores) if "score" in names else None, "given pairs of texts")


def _number(cell: str | None, path: Path, line: int) -> float:
    try:
        value = float(cell or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(f"the score {(cell or '')[:40]!r} is no number", path=path, position=f"line {line}")
    return value


def drift(similar: Similar, before: Encoder, after: Encoder) -> dict[str, Any]:
    """How cosines changed.

    Returns:
        ``n``, ``about``; ``spearman_before_after``: rank correlation of the cosines with themselves; ``mean_change``:
        mean of their differences; ``loss_before``, ``loss_after``: mean squared difference from the scores, both
        scaled to [0, 1], and ``spearman_before``, ``spearman_after``: rank correlation with them; None without
        scores.
    """
    cosines = [
        np.einsum("nd,nd->n", encoder.encode(similar.left), encoder.encode(similar.right)).astype(np.float64)
        for encoder in (before, after)
    ]
    found: dict[str, Any] = {
        "n": len(similar.left),
        "about": similar.about,
        "spearman_before_after": spearman(*cosines),
        "mean_change": float(np.mean(cosines[1] - cosines[0])) if len(cosines[0]) else 0.0,
    }
    scores = similar.scores
    for name, values in zip(("before", "after"), cosines, strict=True):
        found[f"spearman_{name}"] = None if scores is None else spearman(values, scores)
        found[f"loss_{name}"] = None if scores is None else float(np.mean((_unit(values) - _unit(scores)) ** 2))
    return found


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(np.ptp(values))
    return (values - values.min()) / spread if spread else np.zeros_like(values)


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Rank correlation, ties at their mean rank; 0 where one side is constant.

    >>> spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 15])), spearman(np.ones(3), np.arange(3.0))
    (0.5, 0.0)
    """
    ranks = [_ranks(values) for values in (a, b)]
    spreads = [rank.std() for rank in ranks]
    if len(a) < 2 or min(spreads) == 0:
        return 0.0
    product = np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean()))
    return round(float(product / (spreads[0] * spreads[1])), 12)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean: NDArray[np.float64] = (ends - (counts - 1) / 2)[where]
    return mean
