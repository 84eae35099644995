"""Titles -> clusters: cross-entropy over a linear head, as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library import Labels
from segue.train.objective import Batch, shuffled
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["Classification"]

_AT_ONCE = 1024  # held-out titles that are encoded together


@dataclass(frozen=True, eq=False)
class Classification:
    """Dropout and a linear head over the clusters; the head is dropped when the encoder is saved.

    Args:
        counts: how many playlists of each class a training text stands for, float32 ``(n_texts, n_classes)``. With
            distinct titles a row may hold several; otherwise each row holds a single one.
        held: rows of held-out texts and their classes, int64 ``(m,)`` each.
    """

    texts: tuple[str, ...]
    counts: NDArray[np.float32]
    held: tuple[NDArray[np.int64], NDArray[np.int64]]
    head: Any
    settings: FinetuneSettings

    @classmethod
    def of(cls, train: Labels, validation: Labels, d: int, settings: FinetuneSettings) -> Classification:
        """Prepare the loss.

        Raises:
            TrainingError: fewer than two classes or titles.
        """
        import torch

        if not len(train.classes) or int(train.classes.max()) < 1:
            raise TrainingError("cross-entropy needs titles of at least two kept clusters; make more themes")
        n_classes = int(max(train.classes.max(), validation.classes.max(initial=0))) + 1
        texts = list(dict.fromkeys(train.texts)) if settings.distinct else list(train.texts)
        row_of = {text: row for row, text in enumerate(texts)}
        rows = np.array([row_of[t] for t in train.texts]) if settings.distinct else np.arange(len(texts))
        counts = np.zeros((len(texts), n_classes), np.float32)
        np.add.at(counts, (rows, train.classes), 1)
        held = np.arange(len(texts), len(texts) + len(validation.texts), dtype=np.int64)
        head = torch.nn.Linear(d, n_classes)
        return cls((*texts, *validation.texts), counts, (held, validation.classes.astype(np.int64)), head, settings)

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
        """Training texts in random order."""
        return shuffled(len(self.counts), self.settings.batch_size, rng)

    def _logits(self, model: TextModel, rows: NDArray[np.int64], *, training: bool) -> torch.Tensor:
        import torch

        read = model.pooler if self.settings.head_on == "pooler" else model.unpooled
        dropped = torch.nn.functional.dropout(read(rows), self.settings.dropout, training=training)
        logits: torch.Tensor = self.head(dropped)
        return logits

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean cross-entropy over the playlists that the batch's texts stand for."""
        import torch

        counts = torch.from_numpy(self.counts[batch]).to(model.device)
        logs = torch.log_softmax(self._logits(model, batch, training=True), dim=1)
        return -(counts * logs).sum() / counts.sum()

    def size(self, batch: Batch) -> int:
        """Playlists of the batch's texts."""
        return int(self.counts[batch].sum())

    def held_out(self, model: TextModel) -> dict[str, float]:
        """Cross-entropy and accuracy of the held-out titles."""
        import torch

        rows, classes = self.held
        if not len(rows):
            return {}
        total, right = 0.0, 0
        with torch.no_grad(), model.at_rest():
            for first in range(0, len(rows), _AT_ONCE):
                logits = self._logits(model, rows[first : first + _AT_ONCE], training=False).cpu()
                wanted = torch.from_numpy(classes[first : first + _AT_ONCE])
                total += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
                right += int((logits.argmax(1) == wanted).sum())
        return {"loss": total / len(rows), "accuracy": right / len(rows)}
