"""Titles of one cluster nearer to each other than to those of another: triplets, all that a batch holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library import Labels
from segue.train.objective import Batch, shuffled
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["TripletLoss", "batch_all"]

_HELD_BATCH = 64


def batch_all(vectors: torch.Tensor, classes: torch.Tensor, margin: float) -> torch.Tensor:
    """Mean of ``max(0, d(a, p) - d(a, n) + margin)`` over the triplets of a batch that are not zero.

    Args:
        vectors: unit, ``(b, d)``. classes: int ``(b,)``.

    Returns:
        A scalar; zero (with gradients) if the batch holds no two of one class or no two classes.

    Source: Hermans, Beyer and Leibe 2017, "In Defense of the Triplet Loss", "batch all"; cosine distance.
    """
    import torch

    distance = 1 - vectors @ vectors.T
    same = classes[:, None] == classes[None]
    positive = same & ~torch.eye(len(classes), dtype=torch.bool, device=same.device)
    valid = positive[:, :, None] & ~same[:, None, :]
    losses = torch.relu(distance[:, :, None] - distance[:, None, :] + margin)[valid]
    return losses.sum() / (losses > 1e-12).sum().clamp(min=1)


@dataclass(frozen=True, eq=False)
class TripletLoss:
    """Batch-all triplets of titles.

    Random batches of 8 over 158 equally large classes hold two of a class in one batch of six only; ``balanced``
    batches draw ``per_class`` titles of each of their classes instead, and an epoch shows as many titles.

    Args:
        classes: of each text, training texts first, int64 ``(n_texts,)``.
    """

    texts: tuple[str, ...]
    classes: NDArray[np.int64]
    n_train: int
    settings: FinetuneSettings

    @classmethod
    def of(cls, train: Labels, validation: Labels, settings: FinetuneSettings) -> TripletLoss:
        """Prepare the loss.

        Raises:
            TrainingError: no class has two titles, or there is one class only.
        """
        sizes = np.bincount(train.classes) if len(train.classes) else np.zeros(0, int)
        if (sizes > 0).sum() < 2 or sizes.max(initial=0) < 2:
            raise TrainingError("the triplet loss needs at least two kept clusters, one of them with two titles")
        classes = np.concatenate([train.classes, validation.classes]).astype(np.int64)
        return cls((*train.texts, *validation.texts), classes, len(train.texts), settings)

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """None: only the encoder is learnt."""
        return {}

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """None."""
        return {}

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Nothing to put back."""

    def begin(self, model: TextModel) -> None:
        """Nothing to prepare."""

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Random batches, or balanced ones."""
        size = self.settings.batch_size
        if not self.settings.balanced:
            return shuffled(self.n_train, size, rng)
        return _balanced(self.classes[: self.n_train], size, self.settings.per_class, rng)

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """The loss of all triplets of the batch."""
        import torch

        classes = torch.from_numpy(self.classes[batch]).to(model.device)
        return batch_all(model.vectors(batch), classes, self.settings.margin)

    def size(self, batch: Batch) -> int:
        """Titles of the batch."""
        return len(batch)

    def held_out(self, model: TextModel) -> dict[str, float]:
        """Loss over balanced batches of held-out titles; accuracy of the nearest mean of a class's titles."""
        import torch

        held = np.arange(self.n_train, len(self.texts), dtype=np.int64)
        if not len(held):
            return {}
        vectors = model.still(np.arange(len(self.texts)))
        classes = torch.from_numpy(self.classes)
        # drawn alike after every epoch, so that epochs can be compared
        rng = np.random.default_rng(0)
        batches = _balanced(self.classes[held], _HELD_BATCH, min(2, self.settings.per_class), rng)
        losses = [float(batch_all(vectors[held[b]], classes[held[b]], self.settings.margin)) for b in batches]
        means = torch.zeros(int(classes.max()) + 1, vectors.shape[1])
        means.index_add_(0, classes[: self.n_train], vectors[: self.n_train])
        means = torch.nn.functional.normalize(means, dim=1)
        right = ((vectors[held] @ means.T).argmax(1) == classes[held]).float().mean()
        return {"loss": float(np.mean(losses)), "accuracy": float(right)}


def _balanced(classes: NDArray[np.int64], batch_size: int, per_class: int, rng: np.random.Generator) -> list[Batch]:
    """Each class's titles in random order, cut into groups of ``per_class``; random groups make a batch.

    A class of one title joins as a negative; what is left over of a class is a smaller group.
    """
    order = rng.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    ends = np.append(np.flatnonzero(np.diff(classes[order])) + 1, len(order))
    groups: list[NDArray[np.int64]] = []
    first = 0
    for end in ends.tolist():
        groups += [order[at : min(at + per_class, end)] for at in range(first, end, per_class)]
        first = end
    batches: list[Batch] = []
    now: list[NDArray[np.int64]] = []
    for at in rng.permutation(len(groups)).tolist():
        now.append(groups[at])
        if sum(map(len, now)) >= batch_size:
            batches.append(np.concatenate(now).astype(np.int64))
            now = []
    if now:
        batches.append(np.concatenate(now).astype(np.int64))
    return batches
