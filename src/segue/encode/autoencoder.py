"""Auto-encoders of numbers, run by numpy alone: a row of features or a text's vector in, a short code out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json

__all__ = ["ACTIVATIONS", "Activation", "Autoencoder", "AutoencoderSpec", "Layer", "activated"]

Activation = Literal["relu", "sigmoid", "tanh", "gelu", "none"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)

_FORMAT_VERSION = 1
_MOST_UNITS = 16_384
_MOST_LAYERS = 32
_BLOCK = 1 << 22  # numbers of the widest layer held at once: 16 MB
_AGAIN = "train the auto-encoder again"


@dataclass(frozen=True)
class AutoencoderSpec:
    """A network as data: the encoder's layers from the input to the code; the decoder is its mirror image.

    The decoder's hidden layers have the encoder's sizes and activations in reverse, its output has no activation.

    Args:
        d: dimension of the code. layers: sizes of the hidden layers, the widest usually first; none is a linear code.
        activations: one for each hidden layer. latent_activation: of the code; a ReLU there kills dimensions.

    Raises:
        InputError: a size or an activation that no network can have.

    >>> AutoencoderSpec(4, (15, 10), ("relu", "relu")).text
    '4/15-10/relu'
    """

    d: int
    layers: tuple[int, ...] = ()
    activations: tuple[Activation, ...] = ()
    latent_activation: Activation = "none"

    def __post_init__(self) -> None:
        sizes = (self.d, *self.layers)
        if any(not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST_UNITS for size in sizes):
            raise InputError(f"an auto-encoder of sizes {_short(sizes)} cannot be; give 1 to {_MOST_UNITS:,} units")
        if len(self.layers) > _MOST_LAYERS:
            raise InputError(f"an auto-encoder of {len(self.layers)} layers cannot be; give at most {_MOST_LAYERS}")
        if len(self.activations) != len(self.layers):
            raise InputError(
                f"{len(self.layers)} layers have {len(self.activations)} activations; give one for each layer"
            )
        for name in (*self.activations, self.latent_activation):
            if name not in ACTIVATIONS:
                raise InputError(f"the activation {_short(name)} is unknown; choose one of {', '.join(ACTIVATIONS)}")

    @classmethod
    def of(
        cls,
        d: int,
        layers: Sequence[int] = (),
        activations: str | Sequence[str] = "relu",
        latent_activation: str | None = None,
    ) -> AutoencoderSpec:
        """A network of what a grid says: one activation is for all layers, several alternate.

        >>> AutoencoderSpec.of(5, [20, 15, 10], ["sigmoid", "relu"]).activations
        ('sigmoid', 'relu', 'sigmoid')
        """
        names = [activations] if isinstance(activations, str) else list(activations)
        if layers and not names:
            raise InputError("a network with layers needs an activation")
        each = tuple(names[i % len(names)] for i in range(len(layers)))
        return cls(d, tuple(layers), cast(Any, each), cast(Activation, latent_activation or "none"))

    @property
    def text(self) -> str:
        """Dimension, layers and activations in one word, as published tables have it."""
        names = [*dict.fromkeys(self.activations)] if self._alternates() else list(self.activations)
        latent = "" if self.latent_activation == "none" else f"/{self.latent_activation}"
        return f"{self.d}/{'-'.join(map(str, self.layers)) or 'linear'}/{'-'.join(names) or 'none'}{latent}"

    def _alternates(self) -> bool:
        names = [*dict.fromkeys(self.activations)]
        return all(name == names[i % len(names)] for i, name in enumerate(self.activations))

    def sizes(self, n_inputs: int, n_targets: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sizes of all layers of the encoder and of the decoder, input and output included."""
        return (n_inputs, *self.layers, self.d), (self.d, *reversed(self.layers), n_targets)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "d": self.d,
            "layers": list(self.layers),
            "activations": list(self.activations),
            "latent_activation": self.latent_activation,
        }

    @classmethod
    def from_json(cls, about: Any) -> AutoencoderSpec:
        """What :meth:`to_json` gave.

        Raises:
            StoredDataError: something else.
        """
        try:
            return cls(
                about["d"],
                tuple(about["layers"]),
                tuple(about["activations"]),
                about["latent_activation"],
            )
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise StoredDataError(f"the description of an auto-encoder is damaged ({error}); {_AGAIN}") from error


@dataclass(frozen=True, eq=False)
class Layer:
    """``activation(x @ weight.T + bias)``; weight float32 ``(n_out, n_in)``, bias float32 ``(n_out,)``."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: Activation


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """A trained network. Codes are no unit vectors; scale them as the comparison needs.

    Args:
        encoder, decoder: layers from the input to the code, and from the code to the output.
    """

    spec: AutoencoderSpec
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]

    def __post_init__(self) -> None:
        down, up = self.spec.sizes(self.n_inputs, self.n_targets)
        for layers, sizes in ((self.encoder, down), (self.decoder, up)):
            shapes = [layer.weight.shape for layer in layers]
            if shapes != [(o, i) for i, o in itertools.pairwise(sizes)]:
                raise ValueError(f"layers of {shapes} are no network of {sizes}")
            if any(layer.bias.shape != (len(layer.weight),) for layer in layers):
                raise ValueError("each unit needs a bias")

    @property
    def d(self) -> int:
        """Dimension of the codes."""
        return self.spec.d

    @property
    def n_inputs(self) -> int:
        """Columns that are read."""
        return int(self.encoder[0].weight.shape[1])

    @property
    def n_targets(self) -> int:
        """Columns that are rebuilt: the first ones of the input."""
        return int(self.decoder[-1].weight.shape[0])

    @cached_property
    def fingerprint(self) -> str:
        """Digest of description and weights."""
        return fingerprint("autoencoder", self.spec.to_json(), self.n_inputs, self.n_targets, self._weights())

    def encode(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """Codes of rows, float32 ``(n, d)``.

        Args:
            x: ``(n, n_inputs)``, finite.

        Raises:
            ValueError: another number of columns.
        """
        return self._run(self.encoder, x, self.n_inputs)

    def decode(self, z: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows of codes ``(n, d)``, float32 ``(n, n_targets)``."""
        return self._run(self.decoder, z, self.d)

    def rebuilt(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """What is left of rows after they went through the code, float32 ``(n, n_targets)``."""
        return self.decode(self.encode(x))

    def _run(self, layers: tuple[Layer, ...], x: NDArray[np.floating], columns: int) -> NDArray[np.float32]:
        x = np.asarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != columns:
            raise ValueError(f"rows are {x.shape}, the network reads {columns} columns")
        out = np.empty((len(x), len(layers[-1].weight)), np.float32)
        step = max(1, _BLOCK // max(max(layer.weight.shape) for layer in layers))
        for first in range(0, len(x), step):
            values: NDArray[np.float32] = x[first : first + step]
            for layer in layers:
                values = activated(np.asarray(values @ layer.weight.T + layer.bias, np.float32), layer.activation)
            out[first : first + step] = values
        return out

    def _weights(self) -> NDArray[np.float32]:
        layers = (*self.encoder, *self.decoder)
        return np.concatenate([part.ravel() for layer in layers for part in (layer.weight, layer.bias)])

    def save(self, folder: Path) -> None:
        """Write ``autoencoder.json`` and ``autoencoder.npy`` into a folder, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        save_array(folder / "autoencoder.npy", self._weights())
        about = {
            "format_version": _FORMAT_VERSION,
            "spec": self.spec.to_json(),
            "n_inputs": self.n_inputs,
            "n_targets": self.n_targets,
            "fingerprint": self.fingerprint,
        }
        write_json(folder / "autoencoder.json", about)

    @classmethod
    def open(cls, folder: Path) -> Autoencoder:
        """Read what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing, damaged or of a newer format; the message names it.
        """
        file = folder / "autoencoder.json"
        about = read_json(file)
        if not isinstance(about, dict) or not isinstance(about.get("format_version"), int):
            raise StoredDataError(f"{file} is damaged (no description of an auto-encoder); {_AGAIN}")
        if about["format_version"] > _FORMAT_VERSION:
            raise StoredDataError(f"{file} was written by a newer version; upgrade segue")
        weights = load_array(folder / "autoencoder.npy", mmap=False, dtype=np.float32)
        try:
            spec = AutoencoderSpec.from_json(about["spec"])
            found = cls.of_weights(spec, int(about["n_inputs"]), int(about["n_targets"]), weights)
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"{folder} is damaged ({error}); {_AGAIN}") from error
        if found.fingerprint != about.get("fingerprint"):
            raise StoredDataError(f"{folder / 'autoencoder.npy'} is damaged (it does not fit {file.name}); {_AGAIN}")
        return found

    @classmethod
    def of_weights(
        cls, spec: AutoencoderSpec, n_inputs: int, n_targets: int, weights: NDArray[np.float32]
    ) -> Autoencoder:
        """Cut all weights and biases, layer after layer in one float32 row, into a network.

        Raises:
            ValueError: too many or too few.
        """
        down, up = spec.sizes(n_inputs, n_targets)
        activations = (*spec.activations, spec.latent_activation, *reversed(spec.activations), "none")
        layers, first = [], 0
        for (i, o), activation in zip((*itertools.pairwise(down), *itertools.pairwise(up)), activations, strict=True):
            last = first + i * o + o
            if last > weights.size:
                break
            part = np.ascontiguousarray(weights[first:last])
            layers.append(Layer(part[: i * o].reshape(o, i), part[i * o :], activation))
            first = last
        if first != weights.size or len(layers) != len(activations):
            raise ValueError(f"{weights.size} weights do not fill a network of {spec.text}")
        return cls(spec, tuple(layers[: len(down) - 1]), tuple(layers[len(down) - 1 :]))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def activated(x: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """Apply an activation; GELU is its approximation by tanh, which training uses too."""
    if activation == "relu":
        return np.maximum(x, np.float32(0))
    if activation == "tanh":
        return np.asarray(np.tanh(x))
    if activation == "sigmoid":
        # by tanh, which cannot overflow
        return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1)))
    if activation == "gelu":
        inner = np.float32(0.7978845608028654) * (x + np.float32(0.044715) * x * x * x)
        return np.asarray(np.float32(0.5) * x * (np.float32(1) + np.tanh(inner)))
    return x
