"""Track vectors learnt from who shares playlists: a softmax over the batch, corrected for popular tracks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.track_vectors import WEIGHTS, TrackEncoder, TrackInputs
from segue.errors import InputError, MissingDependency, TrainingError
from segue.library.interactions import Interactions

if TYPE_CHECKING:
    import torch

__all__ = ["TrackEpoch", "TrackVectorSettings", "TrackVectorsTrained", "train_track_vectors"]

Progress = Callable[[int, int, str], None]

_MASKED = -1e4
_WARM = 0.1  # share of the steps over which the rate rises
_STILL = 1e-5  # steps of a vector below this are rounding
_LOOKED_AT = 1_000  # tracks whose vectors are compared before and after
_WIDE = 1_024  # beyond so many dimensions (letters, say) the directions are found by chance and a few products
_SAMPLED = 6_000  # tracks by which the main directions of the texts are found


@dataclass(frozen=True)
class TrackVectorSettings:
    """How large, how long, how fast.

    Args:
        d: dimension of the vectors. hidden: units of the network. artist_d: of an artist's own vector.
        text_directions: main directions of the texts' vectors that are learnt on; the others are not read.
            whitening: share of the largest variance from which on a direction is not made larger; a million for none.
        epochs: passes over the (playlist, track) rows, ``most_pairs`` of them where there are more; a small library
            is passed over several times an epoch, until ``least_steps`` are made in all.
        batch_size: pairs a step; each has all others of the batch as negatives.
        temperature: of the softmax at the start; it is learnt.
        artist_dropout: how often a track is shown without its artist. dropout: of everything else.
        rng_key: of first weights, pairs and dropout.
    """

    d: int = 128
    hidden: int = 192
    artist_d: int = 64
    text_directions: int = 384
    whitening: float = 0.05
    epochs: int = 8
    batch_size: int = 1_024
    most_pairs: int = 500_000
    least_steps: int = 200
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    temperature: float = 0.1
    artist_dropout: float = 0.5
    dropout: float = 0.1
    rng_key: int = 0

    def __post_init__(self) -> None:
        sizes = (
            self.d,
            self.hidden,
            self.artist_d,
            self.text_directions,
            self.epochs,
            self.most_pairs,
            self.least_steps,
        )
        if min(sizes) < 1 or self.batch_size < 2:
            raise InputError("sizes and epochs of track vectors are counted from 1 on, the batch from 2")
        if not (
            0 <= self.learning_rate < math.inf and 0 < self.temperature < math.inf and 0 < self.whitening < math.inf
        ):
            raise InputError("rate, temperature and whitening of track vectors are numbers above 0")
        if not (0 <= self.artist_dropout <= 1 and 0 <= self.dropout < 1 and 0 <= self.weight_decay < math.inf):
            raise InputError("what is dropped out is a share, 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class TrackEpoch:
    """Mean loss of an epoch, and what ``validate`` said of it (nan without one)."""

    epoch: int
    loss: float
    score: float


@dataclass(frozen=True, eq=False)
class TrackVectorsTrained:
    """The encoder of the best epoch (the last one without ``validate``) and how it came about."""

    encoder: TrackEncoder
    history: tuple[TrackEpoch, ...]
    best_epoch: int


def train_track_vectors(
    inputs: TrackInputs,
    playlists: Interactions,
    settings: TrackVectorSettings | None = None,
    *,
    validate: Callable[[TrackEncoder], float] | None = None,
    progress: Progress | None = None,
) -> TrackVectorsTrained:
    """Learn vectors under which tracks of one playlist are nearer to each other than to others.

    Every (playlist, track) row is an anchor once an epoch; another track of the playlist, drawn uniformly, is its
    positive, the positives of the other rows are its negatives unless they are in the same playlist. The logarithm of
    how often a track is a positive is taken off its logit, so that popular tracks are not pushed away. Only tracks of
    the given playlists are looked at. The same input gives the same bits.

    Args:
        inputs: of all tracks of the catalogue. playlists: of training, columns are track rows.
        validate: encoder -> score, higher is better; chooses the epoch.
        progress: called with (step, steps, note).

    Raises:
        TrainingError: no two tracks share a playlist, nothing is known of the tracks, the loss is not finite, or no
            vector moved.
        MissingDependency: torch is not installed.

    Source: van den Oord, Li and Vinyals 2018 (the softmax); Yi et al. 2019, "Sampling-bias-corrected neural modeling
    for large corpus item recommendations" (the correction).
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependency("training track vectors", extra="train") from error
    settings = settings or TrackVectorSettings()
    if len(inputs) != playlists.n_columns:
        raise ValueError(f"inputs of {len(inputs)} tracks for playlists over {playlists.n_columns}")
    if not (np.isfinite(inputs.features).all() and np.isfinite(inputs.texts).all()):
        raise TrainingError("inputs of track vectors are not finite; scale the features with a Scaler first")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads come in any order
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.rng_key)
            return _trained(inputs, playlists.distinct(), settings, validate, progress)
    finally:
        torch.set_num_threads(threads)


def _trained(
    inputs: TrackInputs,
    playlists: Interactions,
    settings: TrackVectorSettings,
    validate: Callable[[TrackEncoder], float] | None,
    progress: Progress | None,
) -> TrackVectorsTrained:
    pairs = _Pairs.of(playlists, settings)
    network = _Network.of(inputs, pairs.tracks, settings)
    looked_at = inputs.select(pairs.tracks[:: max(1, len(pairs.tracks) // _LOOKED_AT)][:_LOOKED_AT])
    before = network.exported().encode(looked_at)
    steps_an_epoch = pairs.steps
    steps = settings.epochs * steps_an_epoch
    optimiser = network.optimiser(steps)
    history: list[TrackEpoch] = []
    best: TrackEncoder | None = None
    best_epoch, best_score = 0, -math.inf
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        for step, batch in enumerate(pairs.epoch(epoch), 1):
            value = network.step(batch, optimiser)
            if not math.isfinite(value):
                raise TrainingError(f"the loss of the track vectors became {value}; lower the learning rate")
            total += value
            if progress is not None:
                progress((epoch - 1) * steps_an_epoch + step, steps, f"track vectors, loss {value:.3f}")
        now = network.exported()
        score = math.nan if validate is None else validate(now)
        history.append(TrackEpoch(epoch, total / steps_an_epoch, score))
        if validate is None or score > best_score or best is None:
            best, best_epoch, best_score = now, epoch, score
    assert best is not None
    if float(np.abs(best.encode(looked_at) - before).max()) < _STILL:
        raise TrainingError("no track's vector moved: the learning rate is zero, or nothing tells tracks apart")
    return TrackVectorsTrained(best, tuple(history), best_epoch)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Anchors and positives, track rows int64 ``(b,)``; which positives are no negatives of which anchor, bool
    ``(b, b)``; logarithm of how often each positive is one."""

    anchors: NDArray[np.int64]
    positives: NDArray[np.int64]
    masked: NDArray[np.bool_]
    log_share: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Playlists of two tracks or more, and how often each track is a positive."""

    playlists: Interactions
    tracks: NDArray[np.int64]
    log_share: NDArray[np.float32]
    settings: TrackVectorSettings
    matrix: Any

    @classmethod
    def of(cls, playlists: Interactions, settings: TrackVectorSettings) -> _Pairs:
        kept = playlists.select(np.flatnonzero(playlists.lengths >= 2))
        if not len(kept.indices):
            raise TrainingError("no two tracks share a playlist, so there is nothing to learn; give more playlists")
        counts = np.bincount(kept.indices, minlength=playlists.n_columns)
        # an anchor is drawn with its playlist's length, a positive against it: what is left is how many hold it
        log_share = np.log(np.maximum(counts, 1) / len(kept.indices)).astype(np.float32)
        tracks = np.flatnonzero(counts).astype(np.int64)
        return cls(kept, tracks, log_share, settings, kept.matrix())

    @property
    def n(self) -> int:
        """Pairs of an epoch."""
        return min(len(self.playlists.indices), self.settings.most_pairs)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        settings = self.settings
        return max(1, round(self.n / settings.batch_size), -(-settings.least_steps // settings.epochs))

    def epoch(self, number: int) -> Any:
        """The batches of an epoch, which depend on key and number alone."""
        rng = np.random.default_rng([self.settings.rng_key, number])
        batch = min(self.settings.batch_size, len(self.playlists.indices))
        order: NDArray[np.int64] = np.zeros(0, np.int64)
        while len(order) < self.steps * batch:
            order = np.concatenate([order, rng.permutation(len(self.playlists.indices))])
        lengths = self.playlists.lengths
        of = np.repeat(np.arange(self.playlists.n_rows), lengths)
        for at in order[: self.steps * batch].reshape(self.steps, batch):
            row = of[at]
            place = at - self.playlists.indptr[row]
            other = rng.integers(0, lengths[row] - 1)
            other += other >= place
            anchors = self.playlists.indices[at].astype(np.int64)
            positives = self.playlists.indices[self.playlists.indptr[row] + other].astype(np.int64)
            masked = self.matrix[row][:, positives].toarray() > 0
            masked |= anchors[:, None] == positives[None]
            np.fill_diagonal(masked, False)
            yield _Batch(anchors, positives, masked, self.log_share[positives])


@dataclass(eq=False)
class _Network:
    """Weights in training; texts are read along their main directions, which :meth:`exported` multiplies in."""

    inputs: TrackInputs
    settings: TrackVectorSettings
    texts: torch.Tensor
    directions: NDArray[np.float32]
    centre: NDArray[np.float32]
    names: tuple[str, ...]
    artist_of: NDArray[np.int64]
    weights: dict[str, torch.Tensor]
    own: dict[str, torch.Tensor]

    @classmethod
    def of(cls, inputs: TrackInputs, tracks: NDArray[np.int64], settings: TrackVectorSettings) -> _Network:
        import torch

        if not (inputs.features.shape[1] or inputs.texts.shape[1]):
            raise TrainingError("nothing is known of the tracks but their ids; give features, or texts to read")
        centre, directions = _main_directions(inputs.texts, tracks, settings)
        texts = ((inputs.texts - centre) @ directions).astype(np.float32)
        names = tuple(sorted({inputs.artists[int(row)] for row in tracks} - {""}))
        place = {name: i for i, name in enumerate(names)}
        artist_of = np.array([place.get(name, len(names)) for name in inputs.artists], np.int64)
        m, t, h, d, e = inputs.features.shape[1], texts.shape[1], settings.hidden, settings.d, settings.artist_d
        generator = torch.Generator().manual_seed(settings.rng_key)

        def made(rows: int, columns: int, scale: float = 1.0) -> torch.Tensor:
            bound = scale * math.sqrt(6 / max(1, rows + columns))
            return ((torch.rand((rows, columns), generator=generator) * 2 - 1) * bound).requires_grad_()

        shapes = {
            "features": (m, h),
            "texts": (t, h),
            "artist": (e, h),
            "hidden": (h, h),
            "out": (h, d),
            "texts_out": (t, d),
            "artist_out": (e, d),
        }
        weights = {name: made(*shape) for name, shape in shapes.items()}
        for name, size in (("bias", h), ("hidden_bias", h), ("out_bias", d)):
            weights[name] = torch.zeros(size, requires_grad=True)
        own = {
            "artists": (torch.randn((len(names) + 1, e), generator=generator) * 0.05).requires_grad_(),
            "scale": torch.tensor(-math.log(settings.temperature), requires_grad=True),
        }
        return cls(inputs, settings, torch.from_numpy(texts), directions, centre, names, artist_of, weights, own)

    def optimiser(self, steps: int) -> tuple[torch.optim.Optimizer, Any]:
        """AdamW, and its rate over all steps: up, then down as a cosine."""
        import torch

        settings = self.settings
        made = torch.optim.AdamW(
            [*self.weights.values(), *self.own.values()],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )

        def rate(step: int) -> float:
            done = step / max(1, steps)
            return min(1.0, (step + 1) / max(1.0, _WARM * steps)) * (
                0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
            )

        return made, torch.optim.lr_scheduler.LambdaLR(made, rate)

    def vectors(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Unit vectors of tracks, with dropout."""
        import torch
        from torch.nn.functional import dropout, gelu, normalize

        w, share = self.weights, self.settings.dropout
        features = dropout(torch.from_numpy(self.inputs.features[rows]), share / 2)
        texts = dropout(self.texts[torch.from_numpy(rows)], share)
        shown = (torch.rand(len(rows), 1) >= self.settings.artist_dropout).float()
        place = self.artist_of[rows]
        shown = shown * torch.from_numpy((place < len(self.names)).astype(np.float32))[:, None]
        artist = self.own["artists"][torch.from_numpy(place)] * shown
        x = features @ w["features"] + texts @ w["texts"] + artist @ w["artist"] + w["bias"]
        h = dropout(gelu(x, approximate="tanh"), share)
        h = dropout(h + gelu(h @ w["hidden"] + w["hidden_bias"], approximate="tanh"), share)
        return normalize(h @ w["out"] + w["out_bias"] + texts @ w["texts_out"] + artist @ w["artist_out"], dim=-1)

    def step(self, batch: _Batch, optimiser: tuple[torch.optim.Optimizer, Any]) -> float:
        """One step down; the loss before it."""
        import torch
        from torch.nn.functional import cross_entropy

        both = self.vectors(np.concatenate([batch.anchors, batch.positives]))
        anchors, positives = both[: len(batch.anchors)], both[len(batch.anchors) :]
        scale = self.own["scale"].exp()
        logits = scale * (anchors @ positives.T) - torch.from_numpy(batch.log_share)[None]
        logits = logits.masked_fill(torch.from_numpy(batch.masked), _MASKED)
        loss = cross_entropy(logits, torch.arange(len(anchors)))
        optimiser[0].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser[0].step()
        optimiser[1].step()
        return float(loss.detach())

    def exported(self) -> TrackEncoder:
        """The network as numpy runs it, centring and directions of the texts multiplied in."""
        arrays = {name: self.weights[name].detach().numpy().astype(np.float64) for name in WEIGHTS}
        for name, bias in (("texts", "bias"), ("texts_out", "out_bias")):
            arrays[name] = self.directions.astype(np.float64) @ arrays[name]
            arrays[bias] = arrays[bias] - self.centre.astype(np.float64) @ arrays[name]
        return TrackEncoder(
            {name: array.astype(np.float32) for name, array in arrays.items()},
            self.names,
            self.own["artists"].detach().numpy()[: len(self.names)].copy(),
        )


def _main_directions(
    texts: NDArray[np.float32], tracks: NDArray[np.int64], settings: TrackVectorSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean ``(t,)`` and main directions ``(t, directions)`` of the training tracks' texts, small ones made larger.

    Who an artist is lies in directions that hardly vary over all tracks; at their own size they are learnt too late.
    """
    if len(tracks) > _SAMPLED:
        tracks = np.sort(np.random.default_rng([settings.rng_key, 2]).choice(tracks, _SAMPLED, replace=False))
    sample = texts[tracks].astype(np.float64)
    if not sample.shape[1]:
        return np.zeros(0, np.float32), np.zeros((0, 0), np.float32)
    centre = sample.mean(axis=0)
    sample -= centre
    if sample.shape[1] > _WIDE:
        from sklearn.utils.extmath import randomized_svd

        _, sizes, turned = randomized_svd(
            sample, min(settings.text_directions, *sample.shape), n_iter=4, random_state=settings.rng_key
        )
        values, axes = (sizes**2 / len(sample))[::-1], turned.T[:, ::-1]
    else:
        values, axes = np.linalg.eigh(sample.T @ sample / len(sample))
    kept = [i for i in range(len(values) - 1, -1, -1) if values[i] > 1e-9][: settings.text_directions]
    spread = values[kept]
    larger = 1 / np.sqrt(spread + settings.whitening * spread[:1])
    # the texts keep their size as a whole, so that they weigh as much as before beside the features
    larger *= np.sqrt(spread.sum() / max(float((spread * larger**2).sum()), 1e-12))
    return centre.astype(np.float32), (axes[:, kept] * larger).astype(np.float32)
