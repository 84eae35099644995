"""The tensors of an encoder folder, read without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency, StoredDataError

__all__ = ["parameters", "tensor_shapes", "tensors"]


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor, without reading any.

    Raises:
        MissingDependency: safetensors is not installed. StoredDataError: a file is damaged.
    """
    return {name: tuple(opened.get_slice(key).get_shape()) for name, key, opened in _entries(folder)}


def tensors(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and values of every tensor, one after the other, by name; without torch.

    A prefix such as ``bert.``, which folders with a classification head have, is left out of the names.

    Raises:
        MissingDependency: safetensors is not installed.
        StoredDataError: a file is damaged, or holds numbers that numpy does not have.
    """
    for name, key, opened in _entries(folder):
        try:
            yield name, opened.get_tensor(key)
        except Exception as error:  # safetensors has errors of its own, and numpy refuses bfloat16 with a TypeError
            raise StoredDataError(f"the tensor {name} of {folder} cannot be read ({error})") from error


def _entries(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """Name, key in its file, and the opened file of every tensor, by name."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingDependency("looking into an encoder's weights", extra="train") from error
    found = []
    for file in [*sorted(folder.glob("model*.safetensors")), *sorted(folder.glob("*/model.safetensors"))]:
        try:
            opened: Any = safe_open(file, framework="numpy")
            keys = list(opened.keys())
        except (OSError, SafetensorError) as error:
            raise StoredDataError(f"{file} is damaged ({error}); fetch the encoder again") from error
        before = "" if file.parent == folder else f"{file.parent.name}/"
        prefix = _prefix(keys)
        found += [(before + key.removeprefix(prefix), key, opened) for key in keys]
    yield from sorted(found, key=lambda entry: entry[0])


def _prefix(keys: list[str]) -> str:
    """What stands before the embeddings, ``bert.`` say.

    >>> _prefix(["bert.embeddings.word_embeddings.weight", "classifier.bias"]), _prefix(["linear.weight"])
    ('bert.', '')
    """
    places = [key[: key.index("embeddings.")] for key in keys if "embeddings." in key]
    return min(places, key=len, default="")


def parameters(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Numbers in all tensors together."""
    return int(sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()))
