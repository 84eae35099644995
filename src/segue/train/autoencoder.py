"""Training an auto-encoder: squared error, small batches, a rate that falls to nothing, the best epoch kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.autoencoder import Autoencoder, AutoencoderSpec
from segue.errors import InputError, TrainingError

if TYPE_CHECKING:
    import torch

__all__ = [
    "AutoencoderEpoch",
    "AutoencoderSettings",
    "AutoencoderTrained",
    "constant_dimensions",
    "mean_squared_error",
    "train_autoencoder",
]

Progress = Callable[[int, int, str], None]

_LOOKED_AT = 8_192  # training rows over which each epoch's loss is taken
_CONSTANT = 1e-4  # deviation of a latent dimension that says nothing, against the largest one
_RELU = "a ReLU at the code does so"
_COLLAPSED = "the network has learnt too little, so train it longer or take fewer layers"
_CLIP = 1.0
_FLOOR = 0.01  # of the largest variance: directions that vary less are whitened less


@dataclass(frozen=True)
class AutoencoderSettings:
    """How long and how fast.

    Args:
        epochs: at most. steps_per_epoch: an epoch is one pass over the rows, or this many steps where that is
            more, so that a small library is not given up after a few dozen steps.
        patience: epochs without a better one after which it stops; None for never. The rate falls over all epochs,
            so a short patience ends before the last, slow steps, which bring much.
        batch_size: rows a step. learning_rate: the highest; it rises over the first steps, then falls as a cosine to
            ``final_rate`` of it.
        equal_columns: the error of each column is divided by the column's variance, so that one that varies little on
            its scale counts as much as one that varies a lot; curves are in that unit, too.
        rng_key: of first weights and the order of rows.
    """

    epochs: int = 80
    steps_per_epoch: int = 50
    patience: int | None = 30
    batch_size: int = 256
    learning_rate: float = 3e-3
    final_rate: float = 1e-3
    equal_columns: bool = False
    rng_key: int = 0

    def __post_init__(self) -> None:
        counts = (self.epochs, self.steps_per_epoch, self.batch_size, 1 if self.patience is None else self.patience)
        if min(counts) < 1:
            raise InputError("epochs, steps, patience and the batch size of an auto-encoder are counted from 1 on")
        if not (0 <= self.learning_rate < math.inf and 0 <= self.final_rate <= 1):
            raise InputError("the learning rate of an auto-encoder is a number from 0 on, its final rate a share")

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class AutoencoderEpoch:
    """Mean squared error after an epoch, 0 being untrained; ``train`` is over a sample of at most 8,192 rows."""

    epoch: int
    train: float
    validation: float


@dataclass(frozen=True, eq=False)
class AutoencoderTrained:
    """What came out.

    Args:
        autoencoder: with the weights of ``best_epoch``. history: the curves. warnings: sentences.
    """

    autoencoder: Autoencoder
    history: tuple[AutoencoderEpoch, ...]
    best_epoch: int
    warnings: tuple[str, ...]


def train_autoencoder(
    x_train: NDArray[np.float32],
    x_validation: NDArray[np.float32],
    spec: AutoencoderSpec,
    settings: AutoencoderSettings | None = None,
    *,
    n_targets: int | None = None,
    progress: Progress | None = None,
) -> AutoencoderTrained:
    """Train a network to give its input back.

    Inside, inputs are centred and whitened by the training rows, so that small differences are learnt as fast as
    large ones; afterwards that is multiplied into the first layer, so the network reads what it was given.
    The same data and settings give the same bits.

    Args:
        x_train, x_validation: float32 ``(n, m)``, finite, min-max-scaled features say. Validation rows choose the
            epoch and nothing else.
        n_targets: how many of the first columns are to be rebuilt; the others (indicators, artists) are only read.
            None is all.
        progress: called with (epoch, epochs, note).

    Raises:
        TrainingError: fewer than two training rows or no validation row, numbers that are not finite, no parameter
            moved, or the loss is not finite.
        MissingDependency: torch is not installed.
    """
    torch = _torch()
    settings = settings or AutoencoderSettings()
    x_train, x_validation = _checked(x_train, x_validation)
    m = x_train.shape[1]
    n_targets = m if n_targets is None else n_targets
    if not 1 <= n_targets <= m:
        raise ValueError(f"{n_targets} of {m} columns cannot be rebuilt")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the sum of a product depends on how many share it
    try:
        going = _Network.of(x_train, spec, n_targets, settings)
        looked_at = x_train if len(x_train) <= _LOOKED_AT else x_train[_sample(len(x_train), settings.rng_key)]
        looked = [(going.read(x), going.wanted(x)) for x in (looked_at, x_validation)]
        first = [p.detach().clone() for p in going.parameters]
        history = [_seen(going, 0, looked)]
        best, kept = 0, first
        for epoch in range(1, settings.epochs + 1):
            going.epoch(epoch)
            seen = _seen(going, epoch, looked)
            history.append(seen)
            if seen.validation < history[best].validation:
                best, kept = epoch, [p.detach().clone() for p in going.parameters]
            if progress is not None:
                progress(epoch, settings.epochs, f"auto-encoder {spec.text}, validation MSE {seen.validation:.5f}")
            if settings.patience is not None and epoch - best >= settings.patience:
                break
        if all(torch.equal(before, now) for before, now in zip(first, going.parameters, strict=True)):
            raise TrainingError("the training of the auto-encoder moved no parameter; give a learning rate above 0")
        autoencoder = going.exported(kept)
    finally:
        torch.set_num_threads(threads)
    why = _RELU if spec.latent_activation == "relu" else _COLLAPSED
    warnings = constant_dimensions(autoencoder.encode(x_validation), why)
    if best == 0:
        warnings = (*warnings, "no epoch was better on the validation rows than the untrained network")
    return AutoencoderTrained(autoencoder, tuple(history), best, warnings)


def mean_squared_error(autoencoder: Autoencoder, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared error of each row, the mean over the columns that are rebuilt; float64 ``(n,)``."""
    difference = x[:, : autoencoder.n_targets].astype(np.float64) - autoencoder.rebuilt(x)
    return np.asarray((difference**2).mean(axis=1))


def constant_dimensions(codes: NDArray[np.floating], why: str = _RELU) -> tuple[str, ...]:
    """A sentence if dimensions of the code say nothing on these rows, else none.

    >>> constant_dimensions(np.array([[1.0, 5.0], [2.0, 5.0]]))
    ('1 of 2 latent dimensions is constant on the validation rows (number 2); a ReLU at the code does so',)
    """
    if not len(codes):
        return ()
    deviations = codes.astype(np.float64).std(axis=0)
    dead = np.flatnonzero(deviations <= _CONSTANT * max(float(deviations.max()), 1e-30)) + 1
    if not len(dead):
        return ()
    which = ", ".join(map(str, dead[:10].tolist())) + (", ..." if len(dead) > 10 else "")
    return (
        f"{len(dead)} of {codes.shape[1]} latent dimensions {'is' if len(dead) == 1 else 'are'} constant on the "
        f"validation rows (number {which}); {why}",
    )


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        from segue.errors import MissingDependency

        raise MissingDependency("training auto-encoders", extra="train") from error
    return torch


def _checked(
    x_train: NDArray[np.float32], x_validation: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if x_train.ndim != 2 or x_validation.ndim != 2 or x_train.shape[1] != x_validation.shape[1]:
        raise ValueError(f"rows are {x_train.shape} and {x_validation.shape}")
    if len(x_train) < 2 or len(x_validation) < 1 or not x_train.shape[1]:
        raise TrainingError(
            f"{len(x_train)} training and {len(x_validation)} validation tracks are too few for an auto-encoder; "
            "give a library with more tracks that have features"
        )
    x_train, x_validation = np.ascontiguousarray(x_train, np.float32), np.ascontiguousarray(x_validation, np.float32)
    if not (np.isfinite(x_train).all() and np.isfinite(x_validation).all()):
        raise TrainingError("features of tracks are not finite; scale them with a Scaler first")
    return x_train, x_validation


def _sample(n: int, rng_key: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng([rng_key, n]).permutation(n)[:_LOOKED_AT])


def _seen(going: _Network, epoch: int, looked: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> AutoencoderEpoch:
    train, validation = (going.error(*rows) for rows in looked)
    if not (math.isfinite(train) and math.isfinite(validation)):
        raise TrainingError(
            f"the loss of the auto-encoder is not finite in epoch {epoch}; give a lower learning rate"
        )
    return AutoencoderEpoch(epoch, train, validation)


@dataclass(eq=False)
class _Network:
    """Weights and optimiser of a network in training, over whitened rows.

    Args:
        mean: of the training rows. white: what whitens centred rows, float64 ``(m, m)``, ``rows @ white``.
        unit: of the output, float64 ``(n_targets,)``: one for all columns, so that the loss stays the mean squared
            error, or each column's deviation. told: what an error in that unit is multiplied by for the curves.
        rows, targets: of training, in the network's units.
    """

    spec: AutoencoderSpec
    settings: AutoencoderSettings
    n_targets: int
    mean: NDArray[np.float64]
    white: NDArray[np.float64]
    unit: NDArray[np.float64]
    told: float
    activations: tuple[str, ...]
    parameters: list[torch.Tensor]
    optimiser: torch.optim.Optimizer
    rows: torch.Tensor
    targets: torch.Tensor
    step: int = 0

    @classmethod
    def of(
        cls, x: NDArray[np.float32], spec: AutoencoderSpec, n_targets: int, settings: AutoencoderSettings
    ) -> _Network:
        import torch

        mean = x.mean(axis=0, dtype=np.float64)
        centred = x - mean
        values, axes = np.linalg.eigh(centred.T @ centred / len(x))
        # directions that hardly vary are not blown up into noise
        white = axes / np.sqrt(np.maximum(values, 0) + max(_FLOOR * float(values[-1]), 1e-12))
        variances = (centred[:, :n_targets] ** 2).mean(axis=0)
        told = 1.0 if settings.equal_columns else float(variances.mean()) or 1.0
        unit = np.full(n_targets, np.sqrt(told))
        if settings.equal_columns:  # a constant column is rebuilt by the bias, and says nothing
            unit = np.sqrt(np.where(variances > 1e-6 * max(float(variances.max()), 1e-12), variances, 1.0))
        generator = torch.Generator().manual_seed(settings.rng_key)
        down, up = spec.sizes(x.shape[1], n_targets)
        activations = (*spec.activations, spec.latent_activation, *reversed(spec.activations), "none")
        parameters: list[torch.Tensor] = []
        shapes = [*itertools.pairwise(down), *itertools.pairwise(up)]
        for (i, o), activation in zip(shapes, activations, strict=True):
            # He's for ReLU and its like, Glorot's for the others, four times that for the sigmoid, which is that flat
            bound = math.sqrt(6 / i) if activation in ("relu", "gelu") else math.sqrt(6 / (i + o))
            bound *= 4 if activation == "sigmoid" else 1
            weight = (torch.rand((o, i), generator=generator) * 2 - 1) * bound
            parameters += [weight.requires_grad_(), torch.zeros(o).requires_grad_()]
        optimiser = torch.optim.Adam(parameters, lr=settings.learning_rate, fused=True)
        none = torch.empty(0)
        made = cls(spec, settings, n_targets, mean, white, unit, told, activations, parameters, optimiser, none, none)
        made.rows, made.targets = made.read(x), made.wanted(x)
        return made

    def read(self, x: NDArray[np.float32]) -> torch.Tensor:
        """Rows as the network reads them."""
        import torch

        return torch.from_numpy(((x - self.mean) @ self.white).astype(np.float32))

    def wanted(self, x: NDArray[np.float32]) -> torch.Tensor:
        """What the network should give for rows."""
        import torch

        columns = slice(self.n_targets)
        return torch.from_numpy(((x[:, columns] - self.mean[columns]) / self.unit).astype(np.float32))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Code and back."""
        import torch

        functions: dict[str, Any] = {
            "relu": torch.relu,
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "gelu": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        }
        for place, activation in enumerate(self.activations):
            rows = torch.nn.functional.linear(rows, self.parameters[2 * place], self.parameters[2 * place + 1])
            if activation != "none":
                rows = functions[activation](rows)
        return rows

    def epoch(self, number: int) -> None:
        """The steps of an epoch; the order of rows depends on the key and the epoch alone."""
        import torch

        settings, n = self.settings, len(self.rows)
        passes = math.ceil(n / settings.batch_size)
        steps = max(passes, settings.steps_per_epoch)
        total = steps * settings.epochs
        rng = np.random.default_rng([settings.rng_key, number])
        order: NDArray[np.int64] = np.zeros(0, np.int64)
        while len(order) < steps * settings.batch_size:
            order = np.concatenate([order, rng.permutation(n)])
        for place in range(steps):
            batch = torch.from_numpy(order[place * settings.batch_size : (place + 1) * settings.batch_size])
            rate = settings.learning_rate * _rate(self.step / total, settings.final_rate)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss = torch.nn.functional.mse_loss(self.forward(self.rows[batch]), self.targets[batch])
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.parameters, _CLIP)
            self.optimiser.step()
            self.step += 1

    def error(self, rows: torch.Tensor, targets: torch.Tensor) -> float:
        """Mean squared error in the unit of the rows that were given, or of the columns' variances."""
        import torch

        with torch.no_grad():
            parts = [slice(first, first + 4_096) for first in range(0, len(rows), 4_096)]
            total = sum(float(((self.forward(rows[part]) - targets[part]) ** 2).double().sum()) for part in parts)
        return total / len(rows) / self.n_targets * self.told

    def exported(self, parameters: Sequence[torch.Tensor]) -> Autoencoder:
        """The network of these weights, with centring and whitening multiplied in."""
        arrays = [p.numpy().astype(np.float64) for p in parameters]
        arrays[0] = arrays[0] @ self.white.T
        arrays[1] = arrays[1] - arrays[0] @ self.mean
        arrays[-2] = arrays[-2] * self.unit[:, None]
        arrays[-1] = arrays[-1] * self.unit + self.mean[: self.n_targets]
        weights = np.concatenate([a.ravel() for a in arrays]).astype(np.float32)
        return Autoencoder.of_weights(self.spec, len(self.mean), self.n_targets, weights)


def _rate(done: float, final: float) -> float:
    """Share of the highest rate: up over the first hundredth of the steps, then down as a cosine.

    >>> [round(_rate(done, 0.0), 2) for done in (0.0, 0.005, 0.01, 0.505, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if done < 0.01:
        return done / 0.01
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (done - 0.01) / 0.99))
