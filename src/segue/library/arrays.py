"""Arrays and folders on disk: atomic, memory-mapped, fingerprinted, never a pickle."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import mmap as mmap_module
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import OutputError, StoredDataError

__all__ = [
    "fingerprint",
    "is_mapped",
    "load_array",
    "new_folder",
    "read_json",
    "save_array",
    "write_bytes",
    "write_json",
]

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


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


def load_array(path: Path, *, mmap: bool = True) -> NDArray[Any]:
    """Open a ``.npy`` read-only, memory-mapped by default.

    Raises:
        StoredDataError: the file is missing, truncated or no ``.npy``; the message names it.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing; build the folder again") from error
    except (ValueError, EOFError, OSError) as error:
        # numpy cannot map an empty array; its header still says what it is
        with contextlib.suppress(ValueError, EOFError, OSError):
            whole: NDArray[Any] = np.load(path, allow_pickle=False)
            return whole
        raise StoredDataError(f"{path} is damaged ({error}); build the folder again") from error
    # As a plain array over the same pages: np.memmap pays for its subclass at every slice.
    return array.view(np.ndarray)


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

    Raises:
        OutputError: the place cannot be written to.
    """
    temporary: str | None = None
    try:
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
    except (OSError, msgspec.DecodeError) as error:
        raise StoredDataError(f"{path} is damaged ({error})") from error


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Build a folder beside its final place and swap it in when the block ends without an error.

    A killed or failed build leaves the old folder as it was; what a killed one left beside it is
    swept away by the next build of the same folder.

    Raises:
        OutputError: the place cannot be written to, or holds something that is no folder of ours.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} exists and is not a folder; choose another place")
    if path.is_dir() and any(path.iterdir()) and not (path / "manifest.json").exists():
        raise OutputError(f"{path} holds other things (no manifest.json); choose another place")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-{os.getpid()}-", dir=path.parent))
        os.chmod(temporary, 0o755)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        _swap(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(path: Path) -> None:
    """Remove what builds that were killed left behind; a build that still runs is left alone."""
    for leftover in path.parent.glob(f".{path.name}.new-*"):
        owner = leftover.name.split(".new-", 1)[1].split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(leftover, ignore_errors=True)


def _swap(temporary: Path, path: Path) -> None:
    """Put ``temporary`` at ``path``; afterwards ``temporary`` holds the old folder, if there was one."""
    if not path.exists():
        try:
            os.rename(temporary, path)
            return
        except OSError:
            if not path.is_dir():
                raise
            # another build of the same folder was faster; this one is newer
    libc = ctypes.CDLL(None, use_errno=True)
    exchange = getattr(libc, "renameat2", None)
    if exchange is not None and (
        exchange(_AT_FDCWD, os.fsencode(temporary), _AT_FDCWD, os.fsencode(path), _RENAME_EXCHANGE) == 0
    ):
        return
    # No atomic exchange on this file system: two renames, the smallest gap there is.
    old = temporary.with_name(temporary.name + ".old")
    os.rename(path, old)
    os.rename(temporary, path)
    shutil.rmtree(old, ignore_errors=True)
