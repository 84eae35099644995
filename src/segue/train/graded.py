"""Queries near to the texts that answer them, the better the answer the more it counts; far from the others."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, TrainingError
from segue.library.supervision import Pairs
from segue.train.objective import Batch, shuffled
from segue.train.settings import FinetuneSettings, Loss
from segue.train.text_model import Method, TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["GradedContrast", "GradedSettings"]

_HELD_BATCH = 128
_LOW = -1e4  # what a masked logit becomes: its share of the softmax is nothing in float32


@dataclass(frozen=True)
class GradedSettings(FinetuneSettings):
    """How an encoder is tuned for search; what :class:`FinetuneSettings` says, and more.

    Args:
        lora_alpha: the change counts ``lora_alpha / lora_rank`` times; None is twice the rank. lora_targets: last
            parts of the names of the layers that get a change; empty for all linear layers of the attention.
        hard_negatives: texts of grade 0 that each query of a batch brings along, at most.
        both_ways: whether texts have to find their queries too.
        like: cosine of contents from which another text is no negative.
        max_length: tokens of a text that are read, in training and ever after.
    """

    loss: Loss = "graded"
    method: Method = "lora"
    preset: str = "search"
    epochs: int = 3
    patience: int | None = 2
    batch_size: int = 64
    lr: float = 5e-4
    lr_own: float | None = 1e-3
    lora_alpha: int | None = None
    lora_targets: tuple[str, ...] = ()
    hard_negatives: int = 1
    both_ways: bool = True
    like: float = 0.5
    max_length: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss != "graded":
            raise InputError(f"an encoder for search is tuned with the loss graded, not {self.loss}")
        if self.hard_negatives < 0 or self.max_length < 3:
            raise InputError("hard_negatives must be at least 0, max_length at least 3")
        for name in ("like", "lora_alpha"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} is {value}; it must be a number above 0")


@dataclass(frozen=True, eq=False)
class _Side:
    """Pairs as rows of texts.

    Args:
        left, right: of the pairs that are no negatives, int64 ``(n,)``. weights: their grades, by their mean.
        hard: texts of grade 0 of a left text. known: right texts of a left text that are above 0.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weights: NDArray[np.float32]
    hard: Mapping[int, tuple[int, ...]]
    known: Mapping[int, frozenset[int]]

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def of(cls, pairs: Pairs, rows: Mapping[str, int]) -> _Side:
        hard: dict[int, dict[int, None]] = defaultdict(dict)
        best: dict[tuple[int, int], float] = {}
        for left, right, grade in zip(pairs.left, pairs.right, pairs.grades.tolist(), strict=True):
            pair = rows[left], rows[right]
            if grade > 0:
                best[pair] = max(grade, best.get(pair, 0.0))  # a pair that came twice counts once
            else:
                hard[pair[0]][pair[1]] = None
        known: dict[int, set[int]] = defaultdict(set)
        for left_row, right_row in best:
            known[left_row].add(right_row)
        grades = np.array(list(best.values()), np.float32)
        ends = np.array(list(best), np.int64).reshape(-1, 2)
        return cls(
            ends[:, 0],
            ends[:, 1],
            grades / (grades.mean() if len(grades) else np.float32(1)),
            {row: tuple(x for x in texts if (row, x) not in best) for row, texts in hard.items()},
            {row: frozenset(texts) for row, texts in known.items()},
        )


@dataclass(eq=False)
class GradedContrast:
    """A softmax over the batch: a query against the texts of all its pairs and their hard negatives, and back.

    Each pair above grade 0 is asked once an epoch and weighs what it is graded. No negatives are: texts that any pair
    gives to the same query, texts that are the same, and texts whose contents are alike.

    Source: in-batch negatives, Henderson et al. 2017; temperature learnt as in Radford et al. 2021.

    Args:
        train, held: rows of the pairs in ``texts``. contents: unit vectors of what a text stands for, float32
            ``(n_texts, d)``, zero where unknown; None for none.
    """

    texts: tuple[str, ...]
    train: _Side
    held: _Side
    settings: GradedSettings
    scale: Any
    contents: NDArray[np.float32] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        pairs: Pairs,
        settings: GradedSettings,
        *,
        held: Pairs | None = None,
        contents: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> GradedContrast:
        """Prepare the loss.

        Args:
            pairs: query, text, grade in [0, 1]; 0 marks a hard negative of the query.
            held: pairs that only measure.
            contents: unit vector of what a text stands for, by text.

        Raises:
            TrainingError: fewer than two pairs are above 0, or all have the same text.
        """
        import torch

        asked = held or Pairs((), (), np.zeros(0, np.float32))
        for each in (pairs, asked):
            if not (len(each.left) == len(each.right) == len(each.grades)):
                raise ValueError("pairs need a left text, a right text and a grade each")
            if not np.all((each.grades >= 0) & (each.grades <= 1)):
                raise TrainingError("a grade is not in 0 to 1; divide grades of 0 to 3 by 3")
        texts = tuple(dict.fromkeys((*pairs.left, *pairs.right, *asked.left, *asked.right)))
        rows = {text: row for row, text in enumerate(texts)}
        train = _Side.of(pairs, rows)
        if len(train) < 2 or len(np.unique(train.right)) < 2:
            raise TrainingError(
                f"tuning for search needs two pairs of a query and a text at least, there are {len(train)}; "
                "give more queries, grades or playlists"
            )
        scale = torch.nn.Parameter(torch.tensor(float(-np.log(settings.temperature))))
        vectors = None
        if contents:
            d = len(next(iter(contents.values())))
            vectors = np.stack([contents.get(text, np.zeros(d, np.float32)) for text in texts]).astype(np.float32)
        return cls(texts, train, _Side.of(asked, rows), settings, scale, vectors)

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """The logarithm of the inverse temperature."""
        return {"scale": self.scale}

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """None."""
        return {}

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Nothing to put back."""

    def begin(self, model: TextModel) -> None:
        """Nothing to prepare."""

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Pairs in random order, with hard negatives drawn for each: int64 ``(1 + hard_negatives, b)``.

        The first row holds pairs; the others texts, -1 for none.
        """
        return [self._drawn(b, rng) for b in shuffled(len(self.train), self.settings.batch_size, rng) if len(b) > 1]

    def _drawn(self, pairs: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        batch = np.full((1 + self.settings.hard_negatives, len(pairs)), -1, np.int64)
        batch[0] = pairs
        for place, pair in enumerate(pairs.tolist()):
            texts = self.train.hard.get(int(self.train.left[pair]), ())
            drawn = rng.permutation(len(texts))[: self.settings.hard_negatives]
            batch[1 : 1 + len(drawn), place] = [texts[at] for at in drawn.tolist()]
        return batch

    def size(self, batch: Batch) -> int:
        """Pairs of the batch."""
        return int(batch.shape[1])

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean softmax loss of the pairs, weighted by their grades."""
        hard = np.unique(batch[1:][batch[1:] >= 0])
        return self._contrasted(model.vectors, self.train, batch[0], hard)

    def _contrasted(
        self, encode: Any, side: _Side, pairs: NDArray[np.int64], hard: NDArray[np.int64]
    ) -> torch.Tensor:
        import torch

        left, right = side.left[pairs], side.right[pairs]
        others = np.concatenate([right, hard])
        rows, where = np.unique(np.concatenate([left, others]), return_inverse=True)
        vectors = encode(rows)
        asked, found = vectors[where[: len(left)]], vectors[where[len(left) :]]
        hidden = self.masked(side, pairs, others)
        device = vectors.device
        mask = torch.from_numpy(hidden).to(device)
        weights = torch.from_numpy(side.weights[pairs]).to(device)
        wanted = torch.arange(len(left), device=device)
        logits = self.scale.exp().to(device) * (asked @ found.T)
        ways = [(logits, mask)]
        if self.settings.both_ways:
            ways.append((logits[:, : len(left)].T, mask[:, : len(left)].T))
        losses = [
            torch.nn.functional.cross_entropy(one.masked_fill(hide, _LOW), wanted, reduction="none")
            for one, hide in ways
        ]
        return (torch.stack(losses).mean(0) * weights).sum() / weights.sum()

    def masked(self, side: _Side, pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which texts may not count as negatives of which pair, bool ``(b, m)``; a pair's own text is never masked.

        Args:
            others: text rows, the pairs' own first.
        """
        left, right = side.left[pairs], side.right[pairs]
        hidden: NDArray[np.bool_] = (right[:, None] == others[None]) | (left[:, None] == others[None])
        for place, row in enumerate(left.tolist()):
            hidden[place] |= np.isin(others, list(side.known.get(row, ())))
        same = left[:, None] == left[None]  # a query that stands twice in the batch is no negative of itself
        hidden[:, : len(left)] |= same
        if self.contents is not None:
            hidden |= self.contents[right] @ self.contents[others].T >= self.settings.like
        hidden[np.arange(len(left)), np.arange(len(left))] = False
        return hidden

    def held_out(self, model: TextModel) -> dict[str, float]:
        """The loss of the held-out pairs, in fixed batches with all their hard negatives; empty without any."""
        import torch

        held, total, weight = self.held, 0.0, 0.0
        if len(held) < 2:
            return {}
        with torch.no_grad():
            for pairs in np.array_split(np.arange(len(held)), -(-len(held) // _HELD_BATCH)):
                hard = [held.hard.get(row, ())[: self.settings.hard_negatives] for row in held.left[pairs].tolist()]
                texts = np.unique(np.array([row for each in hard for row in each], np.int64))
                here = float(held.weights[pairs].sum())
                total += here * float(self._contrasted(model.still, held, pairs, texts))
                weight += here
        return {"loss": total / weight}
