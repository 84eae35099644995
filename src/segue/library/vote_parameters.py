"""Parameters of a learned vote: what training moves and what a model folder keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json

__all__ = ["ShareModel", "VoteParameters"]


@dataclass(frozen=True, eq=False)
class VoteParameters:
    """How a title weighs the titles of the corpus.

    A playlist with title ``u`` weighs ``softmax(temper * l(q, u))`` for a query ``q``, over all playlists, with
    ``l(q, u) = cosine * cos(q M, u M) + ngram * cos_tfidf(q, u) + same_title * [key(q) = key(u)]``.

    Args:
        adapter: ``M``, float32 ``(d, d)``.
        cosine, ngram, same_title: channel scales.
        popularity: share of the popularity distribution in the likelihood, in (0, 1); training only.
        pretrained: part of the vote that the 50 playlists with the nearest titles keep, by vectors without adapter.
        temper: exponent on the weights before they are renormalised.
        smoothing: part of each playlist's weight that goes to playlists with similar tracks.
        length_power: a playlist's tracks count ``1 / length ** length_power`` each.
        epochs_seen: which epoch these come from; 0 is untrained.

    Source: DESIGN section 4.
    """

    adapter: NDArray[np.float32]
    cosine: float = 6.0
    ngram: float = 2.0
    same_title: float = 0.0
    popularity: float = 0.27
    pretrained: float = 0.2
    temper: float = 0.8
    smoothing: float = 0.5
    length_power: float = 0.1
    epochs_seen: int = 0

    @classmethod
    def untrained(cls, d: int) -> VoteParameters:
        """The starting point: ``M`` is the identity."""
        return cls(np.eye(d, dtype=np.float32))

    def with_scalar(self, name: str, value: float) -> VoteParameters:
        """The same with one scalar changed."""
        if name not in self.scalars:
            raise KeyError(name)
        changes: dict[str, Any] = {name: value}
        return replace(self, **changes)

    @property
    def scalars(self) -> dict[str, Any]:
        """Everything but the adapter, by name."""
        values = asdict(self)
        del values["adapter"]
        return values

    @property
    def fingerprint(self) -> str:
        """Digest of all parameters."""
        return fingerprint(self.adapter, self.scalars)

    def save(self, folder: Path) -> None:
        """Write ``adapter.npy`` and ``vote.json`` into an existing folder."""
        save_array(folder / "adapter.npy", self.adapter)
        write_json(folder / "vote.json", self.scalars)

    @classmethod
    def load(cls, folder: Path) -> VoteParameters:
        """Read what :meth:`save` wrote.

        Raises:
            StoredDataError: missing, damaged, or with unknown parameters.
        """
        try:
            return cls(adapter=load_array(folder / "adapter.npy", mmap=False), **read_json(folder / "vote.json"))
        except TypeError as error:
            raise StoredDataError(
                f"{folder / 'vote.json'} has unknown parameters ({error}); upgrade segue"
            ) from error


@dataclass(frozen=True)
class ShareModel:
    """Logistic model of the share that a named artist has in a playlist: ``sigmoid(bias + weights . z)``.

    ``z`` are the features, standardised with ``mean`` and ``scale``, followed by their pairwise products (squares
    included) times 0.3, all cut to [-8, 8]. Stored as JSON.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    notes: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = len(self.features)
        if not (len(self.mean) == len(self.scale) == d and len(self.weights) == d + d * (d + 1) // 2):
            raise ValueError("each feature needs a mean and a scale, each feature and each pair a weight")

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Shares in (0, 1), float64 ``(n,)``, of feature rows ``(n, len(self.features))``."""
        z = self.expanded(np.asarray(features, np.float64), np.array(self.mean), np.array(self.scale))
        shares: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(self.bias + z @ np.array(self.weights))))
        return shares

    @staticmethod
    def expanded(
        features: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Standardised features and their products, ``(n, d + d (d + 1) / 2)``."""
        z = (features - mean) / scale
        left, right = np.triu_indices(features.shape[1])
        whole: NDArray[np.float64] = np.hstack([z, 0.3 * z[:, left] * z[:, right]]).clip(-8.0, 8.0)
        return whole

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ShareModel:
        """Read what :meth:`to_json` gave.

        Raises:
            StoredDataError: fields are missing, unknown or of the wrong length.
        """
        try:
            lists = {k: tuple(value[k]) for k in ("features", "mean", "scale", "weights")}
            return cls(**lists, bias=float(value["bias"]), notes=dict(value.get("notes", {})))
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"the model of mentions is damaged ({error})") from error
