"""How a query is to be read: a linear map of its vector, learnt while encoder and playlists stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, TrainingError

__all__ = ["MapSettings", "fit_query_map"]

_LOW = -1e4


@dataclass(frozen=True)
class MapSettings:
    """How the map is learnt.

    Args:
        pull: towards leaving queries as they are: weight of the squared distance from the identity. Little queries
            need much of it.
        epochs, batch_size, lr: of Adam. temperature: of the softmax at the start; it is learnt.
        like: cosine of contents from which another playlist is no negative.
    """

    pull: float = 0.05
    epochs: int = 6
    batch_size: int = 256
    lr: float = 2e-3
    temperature: float = 0.05
    like: float = 0.5
    rng_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.epochs, self.threads) < 1 or self.batch_size < 2:
            raise InputError("epochs and threads must be at least 1, batch_size at least 2")
        if not (self.pull >= 0 and self.lr > 0 and self.temperature > 0 and self.like > 0) or self.rng_key < 0:
            raise InputError("pull and rng_key must not be negative; lr, temperature and like must be above 0")


def fit_query_map(
    queries: NDArray[np.float32],
    rows: NDArray[np.integer],
    targets: NDArray[np.float32],
    *,
    contents: NDArray[np.float32] | None = None,
    settings: MapSettings | None = None,
) -> NDArray[np.float32]:
    """Learn a map under which queries are nearer to their playlists than to the others of a batch.

    What is minimised is the softmax over the batch of ``unit(q W) t / temperature``, plus ``pull ||W - I||²``; the
    map starts at the identity. Playlists whose contents are alike, and the same one twice, are no negatives.

    Args:
        queries: unit vectors, float32 ``(n, d)``. rows: playlist of each, into ``targets``.
        targets: vectors of the playlists, float32 ``(m, d)``, any lengths.
        contents: what the playlists hold, unit rows or zero, float32 ``(m, e)``; None for none.

    Returns:
        W, float32 ``(d, d)``: ``q @ W`` is what the query is compared with playlists by. The same bits for the same
        input.

    Raises:
        TrainingError: fewer than two queries, or all about one playlist; or the loss is not finite.
    """
    import torch

    chosen = settings or MapSettings()
    rows = np.asarray(rows, np.int64)
    if len(queries) < 2 or len(np.unique(rows)) < 2:
        raise TrainingError("a map of queries needs queries about two playlists at least; give more of them")
    d = queries.shape[1]
    threads = torch.get_num_threads()
    torch.set_num_threads(chosen.threads)
    try:
        eye = torch.eye(d)
        mapped = torch.nn.Parameter(eye.clone())
        scale = torch.nn.Parameter(torch.tensor(float(-np.log(chosen.temperature))))
        groups: list[dict[str, Any]] = [{"params": [mapped]}, {"params": [scale], "lr": chosen.lr / 2}]
        optimizer = torch.optim.Adam(groups, lr=chosen.lr)
        asked = torch.from_numpy(np.array(queries, np.float32))
        there = torch.nn.functional.normalize(torch.from_numpy(np.array(targets, np.float32)), dim=1)
        rng = np.random.default_rng([chosen.rng_key, 17])
        for _ in range(chosen.epochs):
            order = rng.permutation(len(rows))
            for first in range(0, len(order), chosen.batch_size):
                batch = order[first : first + chosen.batch_size]
                if len(batch) < 2:
                    continue  # there is nothing to contrast one with
                hidden = rows[batch][:, None] == rows[batch][None]
                if contents is not None:
                    hidden |= contents[rows[batch]] @ contents[rows[batch]].T >= chosen.like
                np.fill_diagonal(hidden, False)
                found = torch.nn.functional.normalize(asked[batch] @ mapped, dim=1)
                logits = (scale.exp() * found @ there[rows[batch]].T).masked_fill(torch.from_numpy(hidden), _LOW)
                loss = torch.nn.functional.cross_entropy(logits, torch.arange(len(batch)))
                loss = loss + chosen.pull * ((mapped - eye) ** 2).sum()
                if not torch.isfinite(loss.detach()):
                    raise TrainingError("the loss of the map is not finite; lower the learning rate")
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        weights: NDArray[np.float32] = mapped.detach().numpy().astype(np.float32)
        return weights
    finally:
        torch.set_num_threads(threads)
