"""Auto-encoder configurations trained and measured, beside the mean, PCA, random projections and the raw input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.autoencoder import AutoencoderSpec
from segue.library import Library
from segue.split.holdout import Part
from segue.split.tracks import track_folds
from segue.systems.architecture_inputs import Inputs
from segue.systems.architecture_measures import Linear, Measured, Questions, standardised
from segue.systems.architectures import Configuration
from segue.systems.sweep_spaces import Parameter, Setting, Space, suggested
from segue.train.autoencoder import (
    AutoencoderSettings,
    AutoencoderTrained,
    mean_squared_error,
    train_autoencoder,
)

__all__ = ["Kind", "Result", "RunSettings", "baselines", "run_configurations", "search", "with_folds"]

Progress = Callable[[int, int, str], None]
Kind = str
_PARTS = ("train", "validation", "test")
_ACTIVATIONS = ("relu", "tanh", "gelu", "sigmoid")
REFERENCE = {"audio": "standardised features", "lyrics": "text vectors"}


@dataclass(frozen=True)
class RunSettings:
    """How a comparison is run.

    Args:
        training: of all networks, where a configuration says nothing else.
        part: whose playlists ask; "test" also measures the error of the test tracks, and is for final figures.
        folds: trainings for the error with other validation tracks; 0 for none. search: trials for each dimension.
        variants: train the best network with and without the artist, the sentiment, the circular key.
    """

    training: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    part: Part = "validation"
    folds: int = 0
    search: int = 0
    variants: bool = True
    rng_key: int = 0


@dataclass(frozen=True, eq=False)
class Result:
    """One row of the comparison.

    Args:
        kind: reference, linear, published or other grid, search, variant.
        row: figures as JSON has them. vectors: standardised codes of all rows of the input, where there are some.
        rebuilt: of the columns that the decoder makes of the codes, standardised: what a code says, in any axes.
    """

    name: str
    kind: Kind
    row: dict[str, Any]
    measured: Measured | None
    vectors: NDArray[np.float32] | None = None
    trained: AutoencoderTrained | None = None
    rebuilt: Measured | None = None


def baselines(inputs: Inputs, questions: Questions, ds: Iterable[int], settings: RunSettings) -> list[Result]:
    """The rows that every network stands beside.

    Random vectors, the raw input, the mean, and for each dimension PCA and a random projection.
    """
    n, rng = len(inputs.rows), np.random.default_rng(settings.rng_key)
    found = [_reference("random neighbours", rng.normal(size=(n, 8)).astype(np.float32), questions)]
    found += [_reference(name, vectors, questions) for name, vectors in inputs.raw.items()]
    train = inputs.targets[inputs.parts == 0]
    mean = Linear.pca(train, 0)
    found.append(Result("mean", "linear", {"d": 0, **_errors(mean.errors(inputs.targets), inputs, settings)}, None))
    for d in sorted({min(d, inputs.n_targets) for d in ds}):
        linear = {f"PCA, d = {d}": Linear.pca(train, d)}
        linear[f"random projection, d = {d}"] = Linear.random(train, d, settings.rng_key)
        for name, code in linear.items():
            vectors = standardised(code.encode(inputs.targets), inputs.parts)
            measured = questions.ask(vectors)
            row = {"d": d, **_errors(code.errors(inputs.targets), inputs, settings), **questions.summary(measured)}
            found.append(Result(name, "linear", row, measured, vectors))
    return found


def run_configurations(
    configurations: Sequence[Configuration],
    inputs: Inputs,
    questions: Questions,
    settings: RunSettings,
    *,
    kind: Kind = "grid",
    progress: Progress | None = None,
) -> list[Result]:
    """Train each configuration and measure its codes; the same input gives the same figures.

    Raises:
        TrainingError: a training did nothing or diverged.
    """
    found = []
    for number, configuration in enumerate(configurations):
        if progress is not None:
            progress(number, len(configurations), f"auto-encoder {configuration.name}")
        cpu = time.process_time()
        trained = _trained(configuration.spec, inputs, configuration.settings(settings.training), inputs.parts == 1)
        cpu = time.process_time() - cpu
        vectors = standardised(trained.autoencoder.encode(inputs.x), inputs.parts)
        measured = questions.ask(vectors)
        rebuilt = standardised(trained.autoencoder.rebuilt(inputs.x), inputs.parts)
        again = questions.ask(rebuilt)
        row = {
            "network": configuration.spec.text,
            **configuration.to_json(),
            **_errors(mean_squared_error(trained.autoencoder, inputs.x), inputs, settings),
            **questions.summary(measured),
            "rebuilt": questions.summary(again),
            "best epoch": trained.best_epoch,
            "cpu_s": round(cpu, 1),
            "warnings": list(trained.warnings),
            "history": [[e.epoch, e.train, e.validation] for e in trained.history],
        }
        found.append(Result(configuration.name, kind, row, measured, vectors, trained, again))
    return found


def with_folds(
    result: Result,
    configuration: Configuration,
    library: Library,
    inputs: Inputs,
    settings: RunSettings,
    *,
    progress: Progress | None = None,
) -> Result:
    """Add the error on each of ``settings.folds`` folds of the training and validation tracks.

    Each fold is left out of a training of its own and chooses its epoch; test tracks are in none.
    """
    of_row = np.full(library.n_tracks, -1, np.int64)
    of_row[inputs.rows] = np.arange(len(inputs.rows))
    errors = []
    for number, fold in enumerate(track_folds(library, inputs.rows[inputs.parts < 2], settings.folds)):
        if progress is not None:
            progress(number, settings.folds, f"fold {number + 1} of {configuration.name}")
        out = np.zeros(len(inputs.rows), bool)
        out[of_row[fold]] = True
        trained = _trained(configuration.spec, inputs, configuration.settings(settings.training), out)
        errors.append(float(mean_squared_error(trained.autoencoder, inputs.x[out]).mean()))
    return replace(result, row=result.row | {"folds": errors})


def search(
    d: int,
    inputs: Inputs,
    settings: RunSettings,
    *,
    progress: Progress | None = None,
) -> tuple[Configuration, list[dict[str, Any]]]:
    """Look for the network of one dimension with the least validation error: TPE over sizes, activation and rate.

    Returns:
        the best configuration, and all trials as JSON has them.
    """
    space = Space(
        (
            Parameter("layers", "hidden layers", 1, 4, 2, (1, 2, 3), whole=True),
            Parameter("width", "units of the first", 8, 256, 96, (16, 64, 256), log=True, whole=True),
            Parameter("narrowing", "of each further layer", 0.3, 1.0, 0.5, (0.5, 1.0)),
            Parameter("activation", "relu, tanh, gelu, sigmoid", 0, 3, 2, (0, 1, 2, 3), whole=True),
            Parameter("learning_rate", "the highest", 3e-4, 2e-2, 3e-3, (1e-3, 3e-3, 1e-2), log=True),
        )
    )
    history: list[tuple[Setting, float]] = []
    trials = []
    for number in range(settings.search):
        setting = space.default if number == 0 else suggested(space, history, settings.rng_key + d)
        configuration = _configuration(d, inputs, setting)
        if progress is not None:
            progress(number, settings.search, f"search, d = {d}: {configuration.spec.text}")
        trained = _trained(configuration.spec, inputs, configuration.settings(settings.training), inputs.parts == 1)
        error = trained.history[trained.best_epoch].validation
        history.append((setting, -error))
        trials.append({"d": d, "network": configuration.spec.text, "setting": setting, "validation": error})
    best = max(range(len(history)), key=lambda i: (history[i][1], -i))
    return _configuration(d, inputs, history[best][0]), trials


def _configuration(d: int, inputs: Inputs, setting: Setting) -> Configuration:
    width, narrowing = float(setting["width"] or 1), float(setting["narrowing"] or 1)
    layers = [max(d, round(width * narrowing**i)) for i in range(int(setting["layers"] or 1))]
    activation = _ACTIVATIONS[int(setting["activation"] or 0)]
    training = {"learning_rate": float(setting["learning_rate"] or 0)}
    return Configuration(f"search, d = {d}", inputs.input, AutoencoderSpec.of(d, layers, activation), training)


def _trained(
    spec: AutoencoderSpec, inputs: Inputs, settings: AutoencoderSettings, out: NDArray[np.bool_]
) -> AutoencoderTrained:
    """Train on everything but ``out`` and the test tracks."""
    train = ~out & (inputs.parts < 2)
    return train_autoencoder(inputs.x[train], inputs.x[out], spec, settings, n_targets=inputs.n_targets)


def _reference(name: str, vectors: NDArray[np.float32], questions: Questions) -> Result:
    measured = questions.ask(vectors)
    return Result(name, "reference", {"d": vectors.shape[1], **questions.summary(measured)}, measured, vectors)


def _errors(errors: NDArray[np.float64], inputs: Inputs, settings: RunSettings) -> dict[str, Any]:
    """Mean squared error and what it explains, of each part; the test tracks only with the test playlists."""
    mean = inputs.targets[inputs.parts == 0].mean(axis=0, dtype=np.float64)
    shown: dict[str, Any] = {"mse": {}, "explained": {}}
    for number, part in enumerate(_PARTS):
        here = inputs.parts == number
        if (part == "test" and settings.part != "test") or not here.any():
            continue
        error = float(errors[here].mean())
        variance = float(((inputs.targets[here] - mean) ** 2).mean())
        shown["mse"][part] = error
        shown["explained"][part] = 1 - error / variance if variance else float("nan")
    return shown
