"""Titles near to the titles and the content of playlists that hold the same tracks, and far from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library import Overlaps
from segue.train.objective import Batch, shuffled
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["ContrastiveLoss"]

_HELD_BATCH = 128
_LIKE = 0.5  # share of the anchor's best similarity from which another playlist of the batch is no negative


@dataclass(eq=False)
class ContrastiveLoss:
    """Two softmaxes over the batch: title against titles of like playlists, title against contents.

    For each playlist one of its most similar playlists (by tracks, drawn with its similarity as weight) gives the
    positive title; the playlist's own content, through a learnt linear map, is the other positive. The other
    playlists of the batch are negatives, but for those that are like the anchor themselves or share its title.

    Args:
        data: training playlists. held: held-out ones, whose neighbours are training playlists.
        keys, held_keys: equal for playlists whose titles count as the same, int64.
    """

    data: Overlaps
    held: Overlaps | None
    keys: NDArray[np.int64]
    held_keys: NDArray[np.int64]
    settings: FinetuneSettings
    texts: tuple[str, ...]
    map: Any
    scale: Any

    @classmethod
    def of(
        cls,
        data: Overlaps,
        held: Overlaps | None,
        keys: NDArray[np.int64],
        held_keys: NDArray[np.int64],
        d: int,
        settings: FinetuneSettings,
    ) -> ContrastiveLoss:
        """Prepare the loss.

        Raises:
            TrainingError: no two playlists share a track.
        """
        import torch

        if not (data.neighbours.lengths > 0).any():
            raise TrainingError(
                "no two playlists share a track, so there is nothing to contrast; give more playlists"
            )
        linear = torch.nn.Linear(data.content.shape[1], d, bias=False)
        scale = torch.nn.Parameter(torch.tensor(float(-np.log(settings.temperature))))
        texts = (*data.titles, *(() if held is None else held.titles))
        return cls(data, held, keys, held_keys, settings, texts, linear, scale)

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """The map from contents to titles, and the logarithm of the inverse temperature."""
        return {"map.weight": self.map.weight, "scale": self.scale}

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """None."""
        return {}

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Nothing to put back."""

    def begin(self, model: TextModel) -> None:
        """Nothing to prepare but the map's place."""
        self.map.to(model.device)

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Playlists that have neighbours, in random order, with the neighbour drawn for each: int64 ``(2, b)``."""
        there = np.flatnonzero(self.data.neighbours.lengths > 0)
        batches = shuffled(len(there), self.settings.batch_size, rng)
        return [np.stack([there[b], self.data.drawn(there[b], rng)]) for b in batches]

    def size(self, batch: Batch) -> int:
        """Playlists of the batch."""
        return int(batch.shape[1])

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean of the two softmax losses."""
        anchors, positives = batch
        titles, where = np.unique(self.data.title_rows[batch], return_inverse=True)
        vectors = model.vectors(titles)
        where = where.reshape(batch.shape)
        masked = self._false_negatives(self.data, anchors, self.keys, anchors, self.keys)
        masked_titles = self._false_negatives(self.data, anchors, self.keys, positives, self.keys)
        return self._contrasted(
            vectors[where[0]], vectors[where[1]], self.data.content[anchors], masked_titles, masked
        )

    def _false_negatives(
        self,
        data: Overlaps,
        anchors: NDArray[np.int64],
        anchor_keys: NDArray[np.int64],
        others: NDArray[np.int64],
        other_keys: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Which pairs of a batch may not count as negatives, bool ``(b, b)``; the diagonal is never masked."""
        best = data.content[anchors] @ self.data.content[others].T
        limit = _LIKE * np.maximum(np.diag(best), 1e-6)
        masked: NDArray[np.bool_] = (best >= limit[:, None]) | (
            anchor_keys[anchors][:, None] == other_keys[others][None]
        )
        np.fill_diagonal(masked, False)
        return masked

    def _contrasted(
        self,
        anchors: torch.Tensor,
        positives: torch.Tensor,
        content: NDArray[np.float32],
        masked_titles: NDArray[np.bool_],
        masked: NDArray[np.bool_],
    ) -> torch.Tensor:
        import torch

        device = anchors.device
        self.map.to(device)
        mapped = torch.nn.functional.normalize(self.map(torch.from_numpy(content).to(device)), dim=-1)
        wanted = torch.arange(len(anchors), device=device)
        scale = self.scale.exp().to(device)
        losses = []
        for other, mask in ((positives, masked_titles), (mapped, masked)):
            hidden = torch.from_numpy(mask).to(device)
            logits = (scale * (anchors @ other.T)).masked_fill(hidden, -1e4)
            back = (scale * (other @ anchors.T)).masked_fill(hidden.T, -1e4)
            losses.append(torch.nn.functional.cross_entropy(logits, wanted))
            losses.append(torch.nn.functional.cross_entropy(back, wanted))
        return torch.stack(losses).mean()

    def held_out(self, model: TextModel) -> dict[str, float]:
        """The loss of held-out playlists against their nearest training playlists, in fixed batches."""
        import torch

        held = self.held
        if held is None:
            return {}
        there = np.flatnonzero(held.neighbours.lengths > 0)
        if not len(there):
            return {}
        first_held = len(self.data.titles)
        total = 0.0
        with torch.no_grad():
            for first in range(0, len(there), _HELD_BATCH):
                anchors = there[first : first + _HELD_BATCH]
                positives = np.array([held.neighbours.row(row)[0] for row in anchors], np.int64)
                asked = model.still(first_held + held.title_rows[anchors])
                voting = model.still(self.data.title_rows[positives])
                masked = self._false_negatives(held, anchors, self.held_keys, positives, self.keys)
                total += len(anchors) * float(self._contrasted(asked, voting, held.content[anchors], masked, masked))
        return {"loss": total / len(there)}
