"""What a fine-tuning did to an encoder, in figures: the proof that it did anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.tensors import tensors
from segue.errors import TrainingError

__all__ = ["STILL", "Effect", "measured", "neighbours_kept"]

K = 50
STILL = 1e-5
"""Steps below this are rounding: another batch, another order of sums."""
_SAMPLE = 1_000  # titles whose neighbours are compared


@dataclass(frozen=True)
class Effect:
    """The tuned encoder against its base.

    Args:
        tensors: of the tuned encoder. changed_tensors: those that differ in any bit, or are new.
        relative_change: norm of all differences over the norm of the base's tensors; a new linear map counts with its
            difference from the identity.
        mean_cosine: between the old and the new vector of a title. titles: how many.
        neighbours_kept: share of a title's ``k`` nearest other titles that stay.
        largest_step: the most that an entry of any title's vector changed.
    """

    tensors: int
    changed_tensors: int
    relative_change: float
    mean_cosine: float
    neighbours_kept: float
    k: int
    titles: int
    largest_step: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    def check(self) -> None:
        """Raise TrainingError if the weights or the vectors of titles are what they were."""
        if not self.changed_tensors:
            raise TrainingError(
                "no parameter moved: the learning rate is zero, or no epoch was better than the start"
            )
        if self.titles and self.largest_step < STILL:
            raise TrainingError(
                f"{self.changed_tensors} tensors changed, but no title's vector did: what was trained is not what "
                "titles are encoded with; put the head on the mean, or let more move"
            )

    @property
    def sentences(self) -> list[str]:
        """What people are told."""
        return [
            f"{self.changed_tensors} of {self.tensors} tensors changed, by {self.relative_change:.2%} of their norm",
            f"old and new vectors of {self.titles:,} titles: mean cosine {self.mean_cosine:.3f}, "
            f"{self.neighbours_kept:.0%} of the {self.k} nearest titles stay",
        ]


def measured(base: Path, tuned: Path, before: NDArray[np.float32], after: NDArray[np.float32]) -> Effect:
    """Compare two encoder folders and the vectors that they give the same titles.

    Args:
        base, tuned: sentence-transformers folders, the base perhaps a plain transformers folder.
        before, after: unit vectors of the same titles, float32 ``(n, d)``.

    Raises:
        StoredDataError: weights are missing or damaged.
    """
    old, new = dict(tensors(base)), dict(tensors(tuned))
    changed, moved, whole = 0, 0.0, 0.0
    for name, tensor in new.items():
        start = old.get(name)
        if start is None or start.shape != tensor.shape:
            start = np.eye(*tensor.shape, dtype=tensor.dtype) if tensor.ndim == 2 else np.zeros_like(tensor)
            changed += 1
        elif tensor.tobytes() != start.tobytes():
            changed += 1
        moved += float(np.linalg.norm(tensor.astype(np.float64) - start)) ** 2
        whole += float(np.linalg.norm(start.astype(np.float64))) ** 2
    cosine = float(np.einsum("ij,ij->i", before, after, dtype=np.float64).mean()) if len(before) else 1.0
    k = min(K, max(1, len(before) // 6))
    kept = neighbours_kept(before, after, k)
    relative = float(np.sqrt(moved / max(whole, 1e-30)))
    step = float(np.abs(before - after).max()) if len(before) else 0.0
    return Effect(len(new), changed, relative, cosine, kept, k, len(before), step)


def neighbours_kept(before: NDArray[np.float32], after: NDArray[np.float32], k: int) -> float:
    """Mean share of the ``k`` nearest other rows that are the same in both; evenly spaced rows of many.

    >>> x = np.eye(4, dtype=np.float32)
    >>> neighbours_kept(x, x, 2)
    1.0
    """
    n = len(before)
    if n < 2:
        return 1.0
    k = min(k, n - 1)
    shares = []
    for row in np.linspace(0, n - 1, min(n, _SAMPLE)).astype(int):
        near = []
        for vectors in (before, after):
            cosines = vectors @ vectors[row]
            cosines[row] = -np.inf
            near.append(set(np.argsort(-cosines, kind="stable")[:k].tolist()))
        shares.append(len(near[0] & near[1]) / k)
    return float(np.mean(shares))
