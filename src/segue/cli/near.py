"""Tracks with nearly the name that was typed, for a message about one that is not there."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from segue.library.names import fold

if TYPE_CHECKING:
    from segue.library import Catalogue

__all__ = ["near_tracks"]

MOST_ROWS = 200_000  # tracks that are looked at: about a second
_CLOSER = 60
_ALIKE = 0.6


def near_tracks(catalogue: Catalogue, text: str, rows: Iterable[int], n: int = 3) -> list[str]:
    """Up to ``n`` tracks as "Name - Artist" that a person may have meant, the likeliest first.

    Args:
        text: what was typed. rows: tracks that may be named, the best known first; MOST_ROWS of them are looked at.
    """
    wanted = fold(text[:200])
    grams = {wanted[i : i + 3] for i in range(max(len(wanted) - 2, 1))}
    names, artists = catalogue.texts["name"], catalogue.texts["artist"]

    def shared(place_and_row: tuple[int, int]) -> tuple[bool, int, int]:
        place, row = place_and_row
        name = names[row].lower()
        both = f"{name} {artists[row].lower()}"
        return name == wanted, sum(gram in both for gram in grams), -place

    looked_at = enumerate(int(row) for row, _ in zip(rows, range(MOST_ROWS), strict=False))
    found: dict[str, tuple[float, int]] = {}
    for place, row in heapq.nlargest(_CLOSER, looked_at, key=shared):
        name, artist = fold(names[row]), fold(artists[row])
        alike = 1.0 if name == wanted else _ratio(wanted, f"{name} {artist}", f"{artist} {name}", name)
        if alike >= _ALIKE:
            found.setdefault(f"{names[row]} - {artists[row]}", (-alike, place))
    return sorted(found, key=found.__getitem__)[:n]


def _ratio(wanted: str, *written: str) -> float:
    return max(SequenceMatcher(None, wanted, one, autojunk=False).ratio() for one in written)
