"""Reading what a report wrote as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from segue.errors import StoredDataError

__all__ = ["load_figures_of"]


class _Stored(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def format_version(self) -> int: ...


T = TypeVar("T", bound=_Stored)


def load_figures_of(path: Path | str, figures: type[T], *, kind: str, version: int, what: str) -> T:
    """Read a JSON file of figures.

    Args:
        figures: their shape. kind, version: what the file must say of itself, the newest version that is read.
        what: "report", say, in the error.

    Raises:
        StoredDataError: it is missing, damaged, of another kind, or of a newer format.
    """
    path = Path(path)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=figures)
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing") from error
    except (OSError, msgspec.DecodeError) as error:
        raise StoredDataError(f"{path} is damaged ({error})") from error
    if found.kind != kind or found.format_version > version:
        raise StoredDataError(f"{path} is no {what} that this segue reads; upgrade segue")
    return found
