"""How a title encoder is fine-tuned, and the presets: as published, as the released scripts do it, and fast."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from segue.errors import InputError
from segue.train.text_model import Method, Precision

__all__ = ["LOSSES", "PRESETS", "FinetuneSettings", "Loss", "preset"]

Loss = Literal["cross_entropy", "triplet", "contrastive", "votes", "graded"]
LOSSES: tuple[Loss, ...] = ("cross_entropy", "triplet", "contrastive", "votes")  # that learn from titles and tracks
Best = Literal["metric", "loss", "accuracy"]
_MOST_THREADS = 1_024  # torch starts as many as it is told, and dies of too many


@dataclass(frozen=True)
class FinetuneSettings:
    """Everything that a fine-tuning depends on besides its data.

    Args:
        loss: what is minimised. method: what moves: all weights, low-rank changes of them (LoRA), or one linear map
            behind the frozen encoder. preset: where the values came from.
        epochs: at most. patience: epochs without a better one after which it stops; None for never.
        best_by: what chooses among the epochs: the recommendation metric of the validation playlists, or loss or
            accuracy on the validation part inside the clusters.
        batch_size: playlists (or distinct titles) a step. lr: of the encoder. lr_own: of what a loss adds (head,
            scales); None is ``lr``. warmup: steps, or a share of all steps if below 1.
        schedule: of the rates after the warm-up: down to a fiftieth of them, or constant.
        distinct: cross-entropy encodes each distinct title once, with the counts of its classes, instead of each
            playlist's title.
        freeze_embeddings: word and position embeddings stay; half of a small model's weights are in them.
        frozen_layers: layers from the bottom that stay, embeddings included, with method ``full`` and the head on the
            mean; what they give is computed once for each text. At most all but one; 0 for none.
        precision: bfloat16 where it pays ("auto"), or as said.
        head_on: what the head of classes reads: the mean over the tokens, as titles are encoded, or the pooler.
        dropout: before the head. encoder_dropout: inside the encoder; None leaves the encoder's own.
        balanced: triplets come from batches of ``per_class`` titles of each class, instead of random ones.
        margin: of the triplet loss, in cosine distance. temperature: of the contrastive loss, at the start.
        neighbours: playlists with the most similar tracks that count as positives of the contrastive loss.
        cosine: scale of the cosine in the vote, at the start.
        view: which form of the titles is trained on: raw, as the published recipe encodes them, or "read", as the
            title view gives them to the shipped model (emoji as words).
        artists: the vote is also asked for names of artists in at least so many playlists; 0 for never.
        max_playlists: a larger corpus is sampled. threads: of torch; the same bits come out for the same number.
    """

    loss: Loss = "contrastive"
    method: Method = "full"
    preset: str = "fast"
    epochs: int = 8
    patience: int | None = 3
    best_by: Best = "metric"
    batch_size: int = 128
    lr: float = 5e-5
    lr_own: float | None = 2e-2
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: Literal["linear", "constant"] = "linear"
    clip: float = 1.0
    distinct: bool = True
    freeze_embeddings: bool = True
    frozen_layers: int = 0
    precision: Precision = "auto"
    chunk: int = 64
    head_on: Literal["mean", "pooler"] = "mean"
    dropout: float = 0.1
    encoder_dropout: float | None = None
    balanced: bool = True
    per_class: int = 4
    margin: float = 0.5
    temperature: float = 0.05
    neighbours: int = 20
    cosine: float = 15.0
    view: Literal["raw", "read"] = "raw"
    artists: int = 0
    lora_rank: int = 16
    max_playlists: int = 200_000
    rng_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        whole = ("epochs", "batch_size", "chunk", "per_class", "neighbours", "lora_rank", "max_playlists", "threads")
        for name in whole:
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in (
            "lr",
            "lr_own",
            "weight_decay",
            "warmup",
            "margin",
            "dropout",
            "encoder_dropout",
            "artists",
            "frozen_layers",
        ):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise InputError(f"{name} is {value}; it must be a number and not negative")
        for name in ("temperature", "cosine", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}; it must be a number above 0")
        for name in ("dropout", "encoder_dropout"):
            if (getattr(self, name) or 0) >= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be below 1")
        if self.threads > _MOST_THREADS:
            raise InputError(f"threads is {self.threads}; it must be at most {_MOST_THREADS:,}")
        if not 0 <= self.rng_key < 2**63:
            raise InputError(f"rng_key is {self.rng_key}; it must be at least 0 and below 2**63")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience is {self.patience}; it must be at least 1")
        choices = {"loss": get_args(Loss), "method": get_args(Method), "best_by": get_args(Best)}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(f"there is no {name} {getattr(self, name)!r}; there are {', '.join(known)}")
        if self.best_by == "accuracy" and self.loss not in ("cross_entropy", "triplet"):
            raise InputError(f"the loss {self.loss} has no accuracy; choose the best epoch by metric or loss")

    def changed(self, **values: Any) -> FinetuneSettings:
        """The same with some values changed.

        Raises:
            InputError: a value makes no sense.
        """
        return replace(self, **values)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


# What the report says: batches of 8, 2e-5, five epochs, the best validation epoch. It says nothing of a warm-up.
_PUBLISHED: dict[str, Any] = {
    "epochs": 5,
    "patience": None,
    "best_by": "loss",
    "batch_size": 8,
    "lr": 2e-5,
    "lr_own": None,
    "warmup": 0.0,
    "schedule": "constant",
    "distinct": False,
    "freeze_embeddings": False,
    "precision": "float32",
    "balanced": False,
}
# What the released scripts do instead.
_RELEASED: dict[str, Any] = {**_PUBLISHED, "best_by": "accuracy", "warmup": 100, "schedule": "linear"}

_FAST: dict[Loss, dict[str, Any]] = {
    "cross_entropy": {"frozen_layers": 3, "lr": 1e-4, "lr_own": 1e-2, "epochs": 8},
    "triplet": {"lr": 3e-5, "epochs": 8},
    "contrastive": {"lr": 5e-5, "lr_own": 1e-3, "epochs": 8},
    "votes": {},
}
PRESETS = ("fast", "published", "published-code")


def preset(name: str, loss: Loss) -> FinetuneSettings:
    """The settings of a preset for a loss.

    ``published`` and ``published-code`` exist for the published losses, cross-entropy and triplet.

    Raises:
        InputError: there is no such preset, or not for this loss.

    >>> preset("published", "triplet").batch_size, preset("published-code", "triplet").epochs
    (8, 50)
    """
    if loss not in LOSSES:
        raise InputError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    if name not in PRESETS:
        raise InputError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    if name == "fast":
        return FinetuneSettings(loss=loss, preset=name, **_FAST[loss])
    if loss not in ("cross_entropy", "triplet"):
        raise InputError(f"the loss {loss} was not published, so it has no preset {name!r}; use 'fast'")
    if name == "published":
        return FinetuneSettings(loss=loss, preset=name, **_PUBLISHED)
    more: dict[str, Any] = {"epochs": 100, "head_on": "pooler"} if loss == "cross_entropy" else {"epochs": 50}
    return FinetuneSettings(loss=loss, preset=name, **{**_RELEASED, **more})
