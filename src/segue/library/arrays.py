"""Arrays and small files on disk: atomic, memory-mapped, fingerprinted, never a pickle."""

from __future__ import annotations

import contextlib
import hashlib
import math
import mmap as mmap_module
import os
import tempfile
import tokenize
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from segue.errors import OutputError, StoredDataError

__all__ = [
    "fingerprint",
    "is_mapped",
    "load_array",
    "read_json",
    "save_array",
    "write_bytes",
    "write_json",
]

_UNREADABLE = (
    ValueError, EOFError, OSError, TypeError, MemoryError, OverflowError, RecursionError, SyntaxError,
    tokenize.TokenError,  # of numpy, for a header that looks like one of Python 2
)  # fmt: skip


def fingerprint(*parts: object) -> str:
    """Digest arrays, strings, numbers and nested dicts or lists of them to 16 hexadecimal digits.

    Arrays count with dtype and shape; dict keys are sorted.

    >>> fingerprint("a", 1) == fingerprint("a", 1) != fingerprint("a", 2)
    True
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data if part.size else b"")
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update(msgspec.json.encode(part, order="sorted"))
        digest.update(b"\x00")
    return digest.hexdigest()


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array as ``.npy``; object arrays are refused."""
    if array.dtype.hasobject:
        raise TypeError("object arrays are never written")
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def load_array(path: Path, *, mmap: bool = True, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Open a ``.npy`` read-only, memory-mapped by default.

    Args:
        dtype: what the file must hold; None for anything.

    Raises:
        StoredDataError: the file is missing, truncated, no ``.npy`` or of another dtype; the message names it.
    """
    try:
        # always mapped first: a header cannot claim more than the file holds
        array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise StoredDataError(f"{path} is damaged (no array); build the folder again")
        if not mmap:
            array = np.array(array)
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing; build the folder again") from error
    except _UNREADABLE as error:
        array = _empty_array(path)
        if array is None:
            raise StoredDataError(f"{path} is damaged ({error}); build the folder again") from error
    if dtype is not None and array.dtype != np.dtype(dtype):
        wrong = f"{array.dtype} instead of {np.dtype(dtype)}"
        raise StoredDataError(f"{path} is damaged ({wrong}); build the folder again")
    # As a plain array over the same pages: np.memmap pays for its subclass at every slice.
    plain: NDArray[Any] = array.view(np.ndarray)
    return plain


def _empty_array(path: Path) -> NDArray[Any] | None:
    """An array without elements, which numpy cannot map; its header says what it is. None for any other file."""
    with contextlib.suppress(*_UNREADABLE), path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if math.prod(shape) == 0 and not dtype.hasobject:
            return np.empty(shape, dtype)
    return None


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array lies in a mapped file, so that looking at all of it would read all of it."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return isinstance(base, mmap_module.mmap)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    A device or a pipe is written to, never replaced by a file.

    Raises:
        OutputError: the place cannot be written to.
    """
    temporary: str | None = None
    try:
        if _is_stream(path):
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _is_stream(path: Path) -> bool:
    """A device, a pipe, or a name of an open file, as ``/dev/stdout`` is."""
    there = path.exists() and not path.is_file() and not path.is_dir()
    return there or path.parent.as_posix() in ("/dev", "/dev/fd", "/proc/self/fd")


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def read_json(path: Path) -> Any:
    """Read JSON written by :func:`write_json`.

    Raises:
        StoredDataError: missing or damaged; the message names the file.
    """
    try:
        return msgspec.json.decode(path.read_bytes())
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing") from error
    except (OSError, ValueError, RecursionError, MemoryError, msgspec.MsgspecError) as error:
        raise StoredDataError(f"{path} is damaged ({error})") from error
