"""What a fine-tuning minimises: one small interface, so that the loop knows no loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["Batch", "Objective", "shuffled"]

Batch = NDArray[np.int64]


class Objective(Protocol):
    """A loss over the texts that it names.

    It never touches the optimiser, the schedule or a file; all that it must remember between two steps is in
    :meth:`parameters` and :meth:`buffers`, so that a checkpoint can hold it.
    """

    @property
    def texts(self) -> tuple[str, ...]:
        """Texts that are encoded, by row."""
        ...

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """What is learnt besides the encoder, by name."""
        ...

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """What is remembered between two steps without being learnt."""
        ...

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Put back what :meth:`buffers` gave."""
        ...

    def begin(self, model: TextModel) -> None:
        """Prepare an epoch: make the buffers."""
        ...

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """The steps of an epoch; they depend on ``rng`` alone."""
        ...

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean loss of a batch, with gradients."""
        ...

    def size(self, batch: Batch) -> int:
        """How many playlists a batch stands for."""
        ...

    def held_out(self, model: TextModel) -> dict[str, float]:
        """``loss``, and ``accuracy`` where there is one, of the playlists that are not trained on; empty for none."""
        ...


def shuffled(n: int, batch_size: int, rng: np.random.Generator) -> list[Batch]:
    """Rows in a random order, cut into batches; the last may be smaller.

    >>> [len(b) for b in shuffled(5, 2, np.random.default_rng(0))]
    [2, 2, 1]
    """
    order = rng.permutation(n).astype(np.int64)
    return [order[first : first + batch_size] for first in range(0, n, batch_size)]
