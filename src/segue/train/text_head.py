"""Texts -> classes: cross-entropy over a linear head on unit vectors, encoder and head trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.train.objective import Batch
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["TextHead"]


@dataclass(frozen=True, eq=False)
class TextHead:
    """Dropout and a linear head over unit vectors; unlike that of titles, this head is kept.

    The head reads ``sqrt(d)`` times the unit vector, whose entries are of the size of 1; :meth:`weights` gives it
    for the unit vector itself. Batches hold texts of like length, so that little is padded and the frozen layers run
    in groups.

    Args:
        texts: of training, then held-out ones. classes: of all of them, int64 ``(n,)``, consecutive from 0.
        n_train: how many are trained on. lengths: tokens of each, int64 ``(n,)``.
        weight_of: of each class in the loss, float32 ``(n_classes,)``.
        smoothing: share of the target that is spread over all classes.
    """

    texts: tuple[str, ...]
    classes: NDArray[np.int64]
    n_train: int
    lengths: NDArray[np.int64]
    weight_of: NDArray[np.float32]
    batch_size: int
    dropout: float
    smoothing: float
    head: Any

    @classmethod
    def of(
        cls,
        model: TextModel,
        train: tuple[Sequence[str], NDArray[np.int64]],
        held: tuple[Sequence[str], NDArray[np.int64]],
        *,
        batch_size: int = 32,
        dropout: float = 0.1,
        smoothing: float = 0.0,
        balanced: bool = True,
        rng_key: int = 0,
    ) -> TextHead:
        """Prepare the loss; each text is tokenized.

        Args:
            train, held: texts with their classes; classes are consecutive from 0.
            balanced: each class weighs the same in the loss, however many texts it has.

        Raises:
            TrainingError: fewer than two classes to train on.
        """
        import torch

        counts = np.bincount(train[1]) if len(train[1]) else np.zeros(0, np.int64)
        if np.count_nonzero(counts) < 2:
            raise TrainingError("a classifier needs training texts of at least two classes; give more labelled texts")
        weight_of = np.ones(len(counts), np.float32)
        if balanced:
            weight_of = (len(train[1]) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
        texts = (*train[0], *held[0])
        lengths = np.array([len(ids) for ids in model.with_texts(texts).texts], np.int64)
        torch.manual_seed(rng_key)
        head = torch.nn.Linear(model.d, len(counts))
        classes = np.concatenate([train[1], held[1]]).astype(np.int64)
        return cls(texts, classes, len(train[0]), lengths, weight_of, batch_size, dropout, smoothing, head)

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """The head."""
        return {"head.weight": self.head.weight, "head.bias": self.head.bias}

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """None."""
        return {}

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Nothing to put back."""

    def begin(self, model: TextModel) -> None:
        """Nothing to prepare but the head's place."""
        self.head.to(model.device)

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Training texts of like length together, ties and batches in random order."""
        order = np.lexsort((rng.random(self.n_train), self.lengths[: self.n_train]))
        cut = [order[first : first + self.batch_size] for first in range(0, self.n_train, self.batch_size)]
        return [cut[place] for place in rng.permutation(len(cut))]

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean cross-entropy, classes weighted, labels smoothed."""
        import torch

        dropped = torch.nn.functional.dropout(model.vectors(batch) * model.d**0.5, self.dropout)
        wanted = torch.from_numpy(self.classes[batch]).to(model.device)
        weight = torch.from_numpy(self.weight_of).to(model.device)
        each = torch.nn.functional.cross_entropy(
            self.head(dropped), wanted, weight=weight, label_smoothing=self.smoothing, reduction="none"
        )
        # by the number of texts: a batch of rare classes may weigh more than another
        return each.mean()

    def size(self, batch: Batch) -> int:
        """Texts of the batch."""
        return len(batch)

    def logits(self, model: TextModel) -> NDArray[np.float32]:
        """Of the held-out texts, without dropout; float32 ``(m, n_classes)``."""
        import torch

        rows = np.arange(self.n_train, len(self.texts), dtype=np.int64)
        with torch.no_grad():
            still = model.still(rows).to(model.device) * model.d**0.5
            found: NDArray[np.float32] = self.head(still).cpu().numpy()
        return found

    def held_out(self, model: TextModel) -> dict[str, float]:
        """Plain cross-entropy and accuracy of the held-out texts."""
        wanted = self.classes[self.n_train :]
        if not len(wanted):
            return {}
        logits = self.logits(model).astype(np.float64)
        top = logits.max(1, keepdims=True)
        logs = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
        right = float((logits.argmax(1) == wanted).mean())
        return {"loss": -float(logs[np.arange(len(wanted)), wanted].mean()), "accuracy": right}

    def macro_recall(self, model: TextModel) -> float:
        """Mean recall over the classes of the held-out texts; nan without any."""
        wanted = self.classes[self.n_train :]
        if not len(wanted):
            return float("nan")
        right = self.logits(model).argmax(1) == wanted
        return float(np.mean([right[wanted == c].mean() for c in np.unique(wanted)]))

    def weights(self, d: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The head over unit vectors: float32 ``(n_classes, d)`` and ``(n_classes,)``."""
        weight, bias = self.head.weight.detach().cpu().numpy(), self.head.bias.detach().cpu().numpy()
        return (weight * np.float32(d**0.5)).astype(np.float32), bias.astype(np.float32)
