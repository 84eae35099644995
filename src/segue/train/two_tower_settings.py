"""How two towers are trained, and the presets."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from segue.encode.tower import TRACK_SLOTS, USER_SLOTS, Head, TowerShape
from segue.errors import InputError

__all__ = ["TOWER_PRESETS", "TowerSettings", "tower_preset"]

TowerLoss = Literal["softmax", "logistic"]
_MOST_THREADS = 1_024


@dataclass(frozen=True)
class TowerSettings:
    """Everything that a training of towers depends on besides its data.

    Args:
        track, user: slots that are read, see :class:`~segue.encode.tower.TowerShape`; ``text`` falls away where there
            are no text vectors.
        embedding, output, hidden, skip, head, match, bag_power: of the shape.
        loss: ``softmax`` over the catalogue or a sample of it, or ``logistic`` over edges and sampled non-edges.
        full_softmax: up to so many tracks the softmax runs over all; beyond, over the batch's targets and
            ``negatives`` uniform ones, corrected for how often each is drawn.
        negatives: uniform negatives of a batch (softmax) or of each edge (logistic).
        target_share: of a user's tracks is asked for in a step while the others are given; at least one.
        user_weight: what a user with m targets counts in the loss: m to this power.
        id_dropout: how often a track's own vector is left out in training, so that tracks without one work; the same
            for its artist (``artist_dropout``) and a user's own vector.
        dropout: of the slots' values. spread: standard deviation of the tables at the start.
        batch_size: users a step. lr, weight_decay: of AdamW; ``table_decay`` is that of the tables.
        average: a running average of the weights is kept, a step counting at least ``1 - average`` in it; 0 for none.
        epochs: at most. patience: epochs without a better one after which it stops; None for never.
        threads: of torch; the same bits come out for the same number.
    """

    track: tuple[str, ...] = TRACK_SLOTS
    user: tuple[str, ...] = USER_SLOTS[:4]
    embedding: int = 96
    output: int = 192
    hidden: tuple[int, ...] = (192,)
    skip: bool = True
    head: Head = "dot"
    match: bool = True
    bag_power: float = 0.5
    loss: TowerLoss = "softmax"
    full_softmax: int = 8_000
    negatives: int = 2_000
    target_share: float = 0.3
    user_weight: float = 1.0
    id_dropout: float = 0.2
    artist_dropout: float = 0.1
    dropout: float = 0.2
    spread: float = 0.1
    batch_size: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.01
    table_decay: float = 0.01
    average: float = 0.97
    epochs: int = 60
    patience: int | None = 5
    preset: str = "segue"
    rng_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("embedding", "output", "negatives", "batch_size", "epochs", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("lr", "weight_decay", "table_decay", "spread", "bag_power", "full_softmax", "user_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}; it must be a number and not negative")
        for name in ("id_dropout", "artist_dropout", "dropout", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 0 and below 1")
        if not 0 < self.target_share < 1:
            raise InputError(f"target_share is {self.target_share}; it must lie between 0 and 1")
        if any(width < 1 for width in self.hidden):
            raise InputError(f"hidden is {list(self.hidden)}; every layer needs a width of at least 1")
        if self.threads > _MOST_THREADS:
            raise InputError(f"threads is {self.threads}; it must be at most {_MOST_THREADS:,}")
        if not 0 <= self.rng_key < 2**63:
            raise InputError(f"rng_key is {self.rng_key}; it must be at least 0 and below 2**63")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience is {self.patience}; it must be at least 1")
        for name, known in (("loss", get_args(TowerLoss)), ("head", get_args(Head))):
            if getattr(self, name) not in known:
                raise InputError(f"there is no {name} {getattr(self, name)!r}; there are {', '.join(known)}")
        for name, slots in (("track", TRACK_SLOTS), ("user", USER_SLOTS)):
            given = getattr(self, name)
            if not given or not set(given) <= set(slots) or len(set(given)) != len(given):
                raise InputError(f"{name} is {list(given)}; choose from {', '.join(slots)}")

    def changed(self, **values: Any) -> TowerSettings:
        """The same with some values changed.

        Raises:
            InputError: a value makes no sense.
        """
        return replace(self, **values)

    def shape(self, d_text: int) -> TowerShape:
        """The shape of the towers for text vectors of a dimension; 0 for none."""
        read = {side: tuple(s for s in getattr(self, side) if d_text or s != "text") for side in ("track", "user")}
        return TowerShape(
            **read,
            embedding=self.embedding,
            output=self.output,
            hidden=self.hidden,
            skip=self.skip,
            head=self.head,
            match=self.match,
            bag_power=self.bag_power,
            d_text=d_text,
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


_PRESETS: dict[str, dict[str, Any]] = {
    "segue": {},
    # As published: embedding 96, output 192, GELU, biases, no layer norm, a network over the pair, sampled edges.
    "published": {
        "loss": "logistic",
        "head": "mlp",
        "negatives": 5,
        "user": ("country", "loved", "text", "id"),
        "skip": False,
        "match": False,
        "bag_power": 1.0,
        "lr": 1e-3,
        "average": 0.0,
    },
}
TOWER_PRESETS = tuple(_PRESETS)


def tower_preset(name: str) -> TowerSettings:
    """The settings of a preset.

    Raises:
        InputError: there is no such preset.

    >>> tower_preset("published").embedding, tower_preset("published").output
    (96, 192)
    """
    if name not in _PRESETS:
        raise InputError(f"there is no preset {name!r}; there are {', '.join(_PRESETS)}")
    return TowerSettings(preset=name, **_PRESETS[name])
