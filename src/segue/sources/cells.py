"""Cells of a table as numbers, durations and truth values; what cannot be read is an error with its row."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segue.errors import SourceError

__all__ = ["Column", "each", "floats", "milliseconds", "seconds", "truth", "whole"]

Column: TypeAlias = list[str | None]

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d\d)(?:\.\d+)?")
_TRUE, _FALSE = {"true", "1", "yes", "explicit", "t", "y"}, {"false", "0", "no", "clean", "f", "n", "notexplicit"}


def floats(values: Column, what: str, label: str) -> NDArray[np.float64]:
    """Numbers; empty cells are infinite, so that they sort last."""
    out = np.full(len(values), np.inf)
    for i, value in enumerate(values):
        if value is not None and value.strip():
            try:
                out[i] = float(value)
            except ValueError:
                reason = f"{what} is {value[:40]!r}, not a number"
                raise SourceError(reason, path=label, position=f"row {i + 1}") from None
    return out


def each(values: Column, read: Callable[[str], Any], what: str, label: str) -> list[Any]:
    """Read all cells; empty ones are None."""
    made: list[Any] = []
    for i, value in enumerate(values):
        if value is None or not value.strip():
            made.append(None)
            continue
        try:
            made.append(read(value))
        except (ValueError, OverflowError):
            reason = f"{what} is {value[:40]!r}, which cannot be read"
            raise SourceError(reason, path=label, position=f"row {i + 1}") from None
    return made


def whole(value: str) -> int:
    """A whole number, also as "12.0"."""
    return int(float(value)) if not value.strip().isdigit() else int(value)


def milliseconds(value: str) -> int:
    """A duration in milliseconds; "m:ss" is understood too."""
    return seconds(value) if ":" in value else whole(value)


def seconds(value: str) -> int:
    """A duration in seconds or as "m:ss", in milliseconds.

    >>> seconds("3:05"), seconds("185.5")
    (185000, 185500)
    """
    clock = _CLOCK.fullmatch(value.strip())
    if clock:
        return ((int(clock[1] or 0) * 60 + int(clock[2])) * 60 + int(clock[3])) * 1000
    number = float(value)
    # Nobody lists a track of three hours; a number this large is milliseconds under a careless header.
    return int(number) if number >= 10_000 else int(number * 1000)


def truth(value: str) -> bool:
    """A truth value as exporters write it."""
    folded = value.strip().casefold()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise ValueError(value)
