"""Auto-encoder architectures as data: the published grid, wider networks, grids of one's own in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from segue.encode.autoencoder import AutoencoderSpec
from segue.errors import InputError, SourceError
from segue.train.autoencoder import AutoencoderSettings

__all__ = ["GRIDS", "INPUTS", "Configuration", "Input", "bundled_grid", "read_grid", "wanted"]

Input = Literal["audio", "lyrics"]
INPUTS: tuple[Input, ...] = get_args(Input)
GRIDS = ("published", "wide")
"""Bundled: the six tabular and the six text networks of the published study, and wider ones of ours."""

_KEYS = frozenset({"name", "input", "d", "layers", "activations", "latent_activation"})
_TRAINING: Mapping[str, type] = {
    "epochs": int, "patience": int, "batch_size": int, "learning_rate": float, "equal_columns": bool,
}  # fmt: skip
_MOST = 200
_MOST_NAME = 60


@dataclass(frozen=True)
class Configuration:
    """A network with a name and what it reads.

    Args:
        training: settings that differ from those of the run, by name.
    """

    name: str
    input: Input
    spec: AutoencoderSpec
    training: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, of_run: AutoencoderSettings) -> AutoencoderSettings:
        """The run's settings with the configuration's own."""
        return replace(of_run, **self.training)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "input": self.input, **self.spec.to_json(), **self.training}


def bundled_grid(name: str) -> tuple[Configuration, ...]:
    """A grid that comes with the package.

    Raises:
        InputError: there is none of that name.

    >>> [c.spec.text for c in bundled_grid("published")][:2]
    ['4/15-10/relu', '5/20-10/sigmoid-relu']
    """
    if name not in GRIDS:
        raise InputError(f"there is no grid {name[:60]!r}; choose one of {', '.join(GRIDS)}, or give a TOML file")
    text = resources.files("segue.systems").joinpath("data", "architectures.json").read_bytes()
    return _configurations(msgspec.json.decode(text)[name], "audio", Path("architectures.json"))


def read_grid(path: Path, default: Input = "audio") -> tuple[Configuration, ...]:
    """Read a grid of one's own: TOML with one ``[[configuration]]`` for each network.

    Each has ``name``, ``d``, ``layers`` and ``activations`` (one for all layers, or several that alternate), perhaps
    ``input`` (audio or lyrics), ``latent_activation``, ``epochs``, ``patience``, ``batch_size``, ``learning_rate``,
    ``equal_columns``.

    Args:
        default: what a configuration without ``input`` reads.

    Raises:
        SourceError: the file cannot be read, or describes a network that cannot be; the message names which.
    """
    try:
        about = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceError(f"cannot be read as TOML ({str(error)[:200]})", path=path) from error
    entries = about.get("configuration")
    if set(about) != {"configuration"} or not isinstance(entries, list) or not entries:
        raise SourceError("is no grid; write one [[configuration]] with name, d, layers, activations each", path=path)
    if len(entries) > _MOST:
        raise SourceError(f"lists {len(entries):,} configurations; give at most {_MOST}", path=path)
    return _configurations(entries, default, path)


def wanted(grids: Sequence[str], inputs: Sequence[Input]) -> tuple[Configuration, ...]:
    """The configurations of several grids, bundled ones by name and others by file, that read one of the inputs.

    Raises:
        InputError: a grid is unknown, two configurations have one name, or none is left.
    """
    found: list[Configuration] = []
    for grid in grids:
        found += bundled_grid(grid) if grid in GRIDS or not _is_file(grid) else read_grid(Path(grid), inputs[0])
    kept = [configuration for configuration in found if configuration.input in inputs]
    names = [configuration.name for configuration in kept]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two configurations are called {twice!r}; give each a name of its own")
    if not kept:
        raise InputError(f"no configuration reads {' or '.join(inputs)}; choose another grid or input")
    return tuple(kept)


def _is_file(grid: str) -> bool:
    try:
        return Path(grid).exists()
    except (OSError, ValueError):
        return False


def _configurations(entries: Sequence[Any], default: Input, path: Path) -> tuple[Configuration, ...]:
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_configuration(entry, default))
        except InputError as error:
            raise SourceError(str(error), path=path, position=f"configuration {number}") from error
    return tuple(found)


def _configuration(entry: Any, default: Input) -> Configuration:
    """Raises: InputError: it is none."""
    if not isinstance(entry, dict):
        raise InputError("a configuration is a table with name, d, layers and activations")
    unknown = sorted(set(entry) - _KEYS - set(_TRAINING))
    if unknown:
        allowed = ", ".join(sorted(_KEYS | set(_TRAINING)))
        raise InputError(f"the key {unknown[0][:60]!r} is unknown; a configuration has {allowed}")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > _MOST_NAME:
        raise InputError(f"a configuration needs a name of at most {_MOST_NAME} characters")
    read = entry.get("input", default)
    if read not in INPUTS:
        raise InputError(f"the input {str(read)[:60]!r} is unknown; choose one of {', '.join(INPUTS)}")
    layers, activations = entry.get("layers", []), entry.get("activations", "relu")
    if not isinstance(layers, list) or not isinstance(activations, str | list) or "d" not in entry:
        raise InputError("a configuration needs a number d, a list of layers, and an activation or a list of them")
    if isinstance(activations, list) and not all(isinstance(a, str) for a in activations):
        raise InputError("activations are words")
    latent = entry.get("latent_activation")
    if latent is not None and not isinstance(latent, str):
        raise InputError("the latent activation is a word")
    spec = AutoencoderSpec.of(entry["d"], layers, activations, latent)
    training: dict[str, Any] = {}
    for key, kind in _TRAINING.items():
        if key in entry:
            value = entry[key]
            if isinstance(value, bool) != (kind is bool) or not isinstance(value, int | kind):
                raise InputError(
                    f"{key} is {str(value)[:60]!r}; give {'true or false' if kind is bool else 'a number'}"
                )
            training[key] = kind(value)
    AutoencoderSettings(**training)
    return Configuration(name.strip(), read, spec, training)
