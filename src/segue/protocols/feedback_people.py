"""Simulated people who judge lists: a hidden playlist is what they want, positions are what they look at.

Nobody was asked. That a track is missing in the hidden playlist does not mean that it would not fit, so "never" is
said wrongly more often than ``wrong`` tells, for every method alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError

__all__ = ["Habits", "Verdict", "examined", "judged"]

Verdict = tuple[Literal["keep", "more", "never"], int]
"""What was said, and of which position, from 1."""
_MIX, _STEP = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Habits:
    """How lists are looked at and judged.

    Args:
        shown: tracks of a list that are on the screen.
        decay: position ``i`` is looked at with probability ``i ** -decay``.
        keep: probability that a track that fits and is looked at is kept; ``more``: that of those more is wanted.
        never: probability that one that does not fit and is looked at is rejected.
        wrong: probability that a track that is looked at is taken for what it is not.

    Raises:
        InputError: a probability outside [0, 1], or a list without tracks.
    """

    shown: int = 20
    decay: float = 0.5
    keep: float = 0.7
    more: float = 0.15
    never: float = 0.3
    wrong: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.shown < 1
            or self.decay < 0
            or not all(0 <= p <= 1 for p in (self.keep, self.more, self.never, self.wrong))
        ):
            raise InputError("simulated people look at 1 track or more, and probabilities lie between 0 and 1")


def examined(habits: Habits, n: int) -> NDArray[np.float64]:
    """The probability of being looked at, by position, ``(n,)``.

    >>> examined(Habits(decay=1.0), 4).round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """
    return np.arange(1, n + 1, dtype=np.float64) ** -habits.decay


def judged(
    rows: NDArray[np.int32], wanted: NDArray[np.int32], habits: Habits, person: str, turn: int
) -> list[Verdict]:
    """What a person says of a list; the same person says the same of the same track in the same place and turn.

    Draws belong to person, turn and track, so that two methods are judged by the same moods.

    Args:
        rows: the tracks on the screen, in order. wanted: tracks of the hidden playlist.
    """
    look, mood, slip, more = (_draws(f"{person}\t{turn}\t{what}", rows) for what in ("look", "mood", "slip", "more"))
    fits = np.isin(rows, wanted) ^ (slip < habits.wrong)
    seen = look < examined(habits, len(rows))
    said: list[Verdict] = []
    for i in np.flatnonzero(seen & (mood < np.where(fits, habits.keep, habits.never))).tolist():
        if fits[i]:
            said.append(("more" if more[i] < habits.more else "keep", i + 1))
        else:
            said.append(("never", i + 1))
    return said


def _draws(name: str, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """One number in [0, 1) for each row, from nothing but name and row (SplitMix64)."""
    start = np.uint64(int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big"))
    with np.errstate(over="ignore"):
        x = start + (rows.astype(np.uint64) + np.uint64(1)) * _STEP
        x = (x ^ (x >> np.uint64(30))) * _MIX
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) / float(1 << 53)
