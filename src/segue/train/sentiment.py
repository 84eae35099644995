"""Labelled texts -> a sentence encoder with a head of moods, both trained; the epoch is chosen by held-out texts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.folder import SentenceFolder
from segue.encode.sentiment import pieces, read_text
from segue.errors import InputError, TrainingError
from segue.library.arrays import fingerprint
from segue.train.loop import Progress, Trained, train_encoder
from segue.train.settings import FinetuneSettings
from segue.train.text_head import TextHead
from segue.train.text_model import TextModel

__all__ = ["Examples", "SentimentSettings", "TrainedHead", "examples", "held_out", "train_head"]

_MOST_PIECES = 4  # of one text that are trained on: a song must not outweigh forty tweets
_LEAST_HELD = 8


@dataclass(frozen=True)
class SentimentSettings:
    """Everything that a training depends on besides its data.

    Args:
        epochs: at most. patience: epochs without a better one after which it stops; None for never.
        batch_size: pieces of text a step. lr: of the encoder. lr_head: of the head.
        frozen_layers: of the encoder, from the bottom, that stay; they are run once for each text. The embeddings
            stay in any case: most words of a small data set are rare.
        dropout: before the head. smoothing: share of the target spread over all classes.
        balanced: each class weighs the same in the loss, as in macro-recall.
        hold_out: share of the training texts that choose the epoch and are not trained on.
    """

    epochs: int = 2
    patience: int | None = 2
    batch_size: int = 32
    lr: float = 1e-4
    lr_head: float = 1e-3
    frozen_layers: int = 3
    dropout: float = 0.1
    smoothing: float = 0.0
    balanced: bool = True
    hold_out: float = 0.1
    rng_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.hold_out < 1:
            raise InputError(f"hold_out is {self.hold_out}; it must lie between 0 and 1")
        if not (0 <= self.smoothing < 1 and math.isfinite(self.smoothing)):
            raise InputError(f"smoothing is {self.smoothing}; it must be at least 0 and below 1")
        self.loop()  # checks what both have

    def changed(self, **values: Any) -> SentimentSettings:
        """The same with some values changed.

        Raises:
            InputError: a value makes no sense.
        """
        return replace(self, **values)

    def loop(self) -> FinetuneSettings:
        """What the training loop is told.

        Raises:
            InputError: a value makes no sense.
        """
        return FinetuneSettings(
            loss="cross_entropy",
            preset="sentiment",
            epochs=self.epochs,
            patience=self.patience,
            best_by="metric",
            batch_size=self.batch_size,
            lr=self.lr,
            lr_own=self.lr_head,
            frozen_layers=self.frozen_layers,
            dropout=self.dropout,
            precision="float32",
            rng_key=self.rng_key,
            threads=self.threads,
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Examples:
    """Pieces of texts as the encoder reads them, with the class of their text.

    Args:
        train, held: texts and int64 classes, consecutive from 0. present: the class of the data that each stands for.
        n_texts: whole texts of both. fingerprint: of all of it.
    """

    train: tuple[tuple[str, ...], NDArray[np.int64]]
    held: tuple[tuple[str, ...], NDArray[np.int64]]
    present: tuple[int, ...]
    n_texts: int = 0

    @property
    def fingerprint(self) -> str:
        """Digest of texts and classes."""
        return fingerprint(list(self.train[0]), self.train[1], list(self.held[0]), self.held[1], list(self.present))


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A model with the weights of its best epoch, its head, and what it came from."""

    model: TextModel = field(repr=False)
    head: TextHead = field(repr=False)
    trained: Trained
    base: Path
    examples: Examples = field(repr=False)


def held_out(text: str, share: float) -> bool:
    """Whether a text chooses and does not train, by its SHA-256: the same text is on the same side everywhere.

    >>> 80 < sum(held_out(str(i), 0.1) for i in range(1000)) < 120
    True
    """
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def examples(texts: Sequence[str], classes: NDArray[np.integer], *, hold_out: float) -> Examples:
    """Read texts, cut long ones into pieces, and hold a share of the texts out.

    Of a long text at most :data:`_MOST_PIECES` pieces are taken, evenly spaced.

    Args:
        classes: of the texts, any numbers from 0 on.

    Raises:
        TrainingError: fewer than two classes, or too few texts to hold any out.
    """
    present = tuple(int(c) for c in np.unique(classes))
    if len(present) < 2:
        raise TrainingError(f"a classifier needs texts of at least two classes, these have {len(present)}; give more")
    sides: tuple[list[tuple[str, int]], list[tuple[str, int]]] = ([], [])
    n_held = 0
    for text, mood in zip(texts, classes.tolist(), strict=True):
        read = read_text(text)
        cut = pieces(read)
        if len(cut) > _MOST_PIECES:
            cut = [cut[row] for row in np.linspace(0, len(cut) - 1, _MOST_PIECES).astype(int).tolist()]
        held = held_out(read, hold_out)
        n_held += held
        sides[held].extend((piece, present.index(mood)) for piece in cut)
    made = [(tuple(t for t, _ in side), np.array([c for _, c in side], np.int64)) for side in sides]
    if n_held < _LEAST_HELD or len(np.unique(made[0][1])) < len(present):
        raise TrainingError(
            f"{len(texts)} texts are too few: {n_held} are held out to choose the epoch and the others must know "
            "every class; give more labelled texts, or hold more out"
        )
    return Examples(made[0], made[1], present, len(texts))


def train_head(
    found: Examples,
    base: Path,
    settings: SentimentSettings,
    *,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> TrainedHead:
    """Train encoder and head in memory; a training that was killed goes on from ``checkpoints`` to the same bits.

    Raises:
        TrainingError: too little to learn from, or a loss that is not finite. StoredDataError: a damaged encoder or
            checkpoint. MissingDependency: torch is missing.
    """
    model = TextModel.open(
        base,
        freeze_embeddings=True,
        frozen_layers=settings.frozen_layers,
        precision="float32",
        chunk=settings.batch_size,
        rng_key=settings.rng_key,
    )
    head = TextHead.of(
        model,
        found.train,
        found.held,
        batch_size=settings.batch_size,
        dropout=settings.dropout,
        smoothing=settings.smoothing,
        balanced=settings.balanced,
        rng_key=settings.rng_key,
    )
    trained = train_encoder(
        model,
        head,
        settings.loop(),
        validate=head.macro_recall,
        checkpoints=checkpoints,
        run=fingerprint(found.fingerprint, settings.to_json(), SentenceFolder.read(base).fingerprint()),
        progress=progress,
    )
    return TrainedHead(model, head, trained, base, found)
