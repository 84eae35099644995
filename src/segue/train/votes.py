"""Learn the vote: maximise, leave-one-out, the likelihood of each playlist's tracks under the vote of all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency, TrainingError
from segue.library import Votes
from segue.library.vote_parameters import VoteParameters
from segue.train.likelihood import VoteLikelihood

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

__all__ = ["SparseChannel", "VoteTraining", "train_votes"]


@dataclass(frozen=True, eq=False)
class SparseChannel:
    """A similarity of titles as a sparse product: ``asked[q] . voting[u]``; both CSR ``(n_titles, f)``, float32."""

    name: str
    asked: csr_matrix
    voting: csr_matrix


@dataclass(frozen=True)
class VoteTraining:
    """Settings of the training; the defaults are those of DESIGN section 4."""

    epochs: int = 8
    batch_size: int = 256
    lr_adapter: float = 2e-3
    lr_scalars: float = 3e-2
    max_playlists: int = 20_000
    rng_key: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.max_playlists) < 1:
            raise TrainingError("epochs, batch size and the number of playlists must be at least 1")


def train_votes(
    start: VoteParameters,
    votes: Votes,
    vectors: NDArray[np.float32],
    keys: NDArray[np.integer],
    channels: Sequence[SparseChannel] = (),
    *,
    settings: VoteTraining | None = None,
    validate: Callable[[VoteParameters], float] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> VoteParameters:
    """Train adapter and channel scales; the playlist itself never votes for itself.

    The mean over playlists of ``log((1 - eps) sum_j w_j P_j(t) + eps popularity(t))``, averaged over the playlist's
    tracks, is maximised with Adam. Playlists with one title share their logit, so the sums run over distinct titles.

    Args:
        start: where to begin; its scalars are kept where there is no such channel.
        votes: titles, playlists and their distinct tracks.
        vectors: unit title vectors, float32 ``(n_titles, d)``.
        keys: equal for titles that count as the same, int ``(n_titles,)``.
        channels: named as the scales of :class:`VoteParameters` (``ngram``).
        validate: parameters -> score, higher is better; the best epoch is returned. Without it the last one is.
        progress: called with (step, steps, note).

    Raises:
        TrainingError: fewer than two playlists, a loss that is not finite, or parameters that did not move.
        MissingDependency: torch is not installed.

    Source: DESIGN section 4, steps 2 and 3.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependency("training", extra="train") from error
    threads = torch.get_num_threads()
    # Sums of several threads come in any order, and the same input must give the same bits.
    torch.set_num_threads(1)
    try:
        return _trained(start, votes, vectors, keys, channels, settings or VoteTraining(), validate, progress)
    finally:
        torch.set_num_threads(threads)


def _trained(
    start: VoteParameters,
    votes: Votes,
    vectors: NDArray[np.float32],
    keys: NDArray[np.integer],
    channels: Sequence[SparseChannel],
    settings: VoteTraining,
    validate: Callable[[VoteParameters], float] | None,
    progress: Callable[[int, int, str], None] | None,
) -> VoteParameters:
    import torch

    rng = np.random.default_rng(settings.rng_key)
    data = _Data.of(votes, vectors, keys, channels, settings, rng)
    torch.manual_seed(settings.rng_key)
    parts = _Parts.of(start, [c.name for c in channels])
    # scalars that passed through a logarithm in float32 are not quite those of start
    unmoved = parts.freeze(start, 0)
    n = len(data.title_of)
    steps_an_epoch = -(-n // settings.batch_size)
    steps = settings.epochs * steps_an_epoch
    optimizer = torch.optim.Adam(
        [
            {"params": [parts.adapter], "lr": settings.lr_adapter},
            {"params": parts.scalars, "lr": settings.lr_scalars},
        ]
    )
    warm_up = max(1.0, 0.1 * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / warm_up) * max(0.02, 1 - s / steps)
    )
    best, best_score = start, -np.inf
    step = 0
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        order = rng.permutation(n)
        for begin in range(0, n, settings.batch_size):
            batch = order[begin : begin + settings.batch_size]
            loss = data.loss(parts, batch)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise TrainingError(f"the loss became {value} in epoch {epoch}; lower the learning rate")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += value * len(batch)
            step += 1
            if progress:
                progress(step, steps, f"epoch {epoch}, loss {value:.3f}")
        now = parts.freeze(start, epoch)
        score = -total / n if validate is None else validate(now)
        if validate is None or score > best_score:
            best, best_score = now, score
    if replace(best, epochs_seen=0).fingerprint in (unmoved.fingerprint, replace(start, epochs_seen=0).fingerprint):
        raise TrainingError("no parameter moved: the learning rate is zero, or no epoch was better than the start")
    return best


@dataclass(eq=False)
class _Parts:
    """The trainable tensors; scales are kept as logarithms so that they stay positive."""

    adapter: torch.Tensor
    cosine: torch.Tensor
    same_title: torch.Tensor
    popularity: torch.Tensor
    channels: list[torch.Tensor]
    names: list[str]

    @classmethod
    def of(cls, start: VoteParameters, names: list[str]) -> _Parts:
        import torch

        def parameter(value: float) -> torch.Tensor:
            return torch.nn.Parameter(torch.tensor(float(value)))

        return cls(
            adapter=torch.nn.Parameter(torch.from_numpy(np.array(start.adapter))),
            cosine=parameter(np.log(start.cosine)),
            same_title=parameter(start.same_title),
            popularity=parameter(np.log(start.popularity / (1 - start.popularity))),
            channels=[parameter(getattr(start, name)) for name in names],
            names=names,
        )

    @property
    def scalars(self) -> list[torch.Tensor]:
        return [self.cosine, self.same_title, self.popularity, *self.channels]

    def freeze(self, start: VoteParameters, epoch: int) -> VoteParameters:
        scales: dict[str, Any] = {n: float(c.detach()) for n, c in zip(self.names, self.channels, strict=True)}
        return replace(
            start,
            adapter=self.adapter.detach().numpy().copy(),
            cosine=float(self.cosine.detach().exp()),
            same_title=float(self.same_title.detach()),
            popularity=float(self.popularity.detach().sigmoid()),
            epochs_seen=epoch,
            **scales,
        )


@dataclass(frozen=True, eq=False)
class _Data:
    """The corpus as the loss reads it, reduced to a sample where it is large."""

    vectors: torch.Tensor  # (u, d)
    keys: torch.Tensor  # (u,)
    channels: Sequence[SparseChannel]
    likelihood: VoteLikelihood

    @property
    def title_of(self) -> NDArray[np.int64]:
        return self.likelihood.title_of

    @classmethod
    def of(
        cls,
        votes: Votes,
        vectors: NDArray[np.float32],
        keys: NDArray[np.integer],
        channels: Sequence[SparseChannel],
        settings: VoteTraining,
        rng: np.random.Generator,
    ) -> _Data:
        import torch

        likelihood = VoteLikelihood.of(votes, max_playlists=settings.max_playlists, rng=rng)
        kept = likelihood.titles
        return cls(
            vectors=torch.from_numpy(np.ascontiguousarray(vectors[kept], np.float32)),
            keys=torch.from_numpy(np.asarray(keys)[kept].astype(np.int64)),
            channels=[SparseChannel(c.name, c.asked[kept], c.voting[kept].T.tocsr()) for c in channels],
            likelihood=likelihood,
        )

    def loss(self, parts: _Parts, batch: NDArray[np.int64]) -> torch.Tensor:
        """Mean negative log-likelihood of the batch's playlists."""
        import torch

        titles = self.title_of[batch]
        t = torch.from_numpy(titles)
        adapted = torch.nn.functional.normalize(self.vectors @ parts.adapter, dim=-1)
        logits = parts.cosine.exp() * (adapted[t] @ adapted.T)
        logits = logits + parts.same_title * (self.keys[t][:, None] == self.keys[None])
        for scale, channel in zip(parts.channels, self.channels, strict=True):
            logits = logits + scale * torch.from_numpy((channel.asked[titles] @ channel.voting).toarray())
        return self.likelihood.loss(logits, parts.popularity.sigmoid(), batch)
