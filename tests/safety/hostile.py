"""What a hostile folder may hold: things that would run code if anybody let them."""

from __future__ import annotations

import io
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.makedirs, (str(self.canary), 0o700, True)


def object_array(canary: Path) -> bytes:
    """A ``.npy`` of objects."""
    array = np.empty(3, dtype=object)
    array[:] = [Bomb(canary) for _ in range(3)]
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def plain_pickle(canary: Path) -> bytes:
    """What ``np.load`` would unpickle whatever its name."""
    return pickle.dumps(Bomb(canary))


def linked_copy(folder: Path, to: Path) -> Path:
    """A copy whose files are the same on disk until they are replaced."""
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to, copy_function=os.link))


def replace(file: Path, content: bytes) -> None:
    """Another file of this name, without touching those it is linked with."""
    file.unlink()
    file.write_bytes(content)


def files_of(folder: Path) -> Iterator[Path]:
    """All files below, as paths within."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder)
