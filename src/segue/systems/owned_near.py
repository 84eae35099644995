"""Names that are only alike: owned tracks whose spelling no track of the catalogue has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library import Catalogue
from segue.library.names import fold, recording_key
from segue.sources.match_keys import sounds_otherwise
from segue.systems.owned_artists import Artists

__all__ = ["NAME_ALIKE", "NAME_ALIKE_ELSEWHERE", "Near", "nearest"]

NAME_ALIKE = 86.0
"""Normalised edit similarity, 0 to 100, from which two names by one artist are the same."""
NAME_ALIKE_ELSEWHERE = 92.0
"""The same where the artist is only alike, too."""
_AS_LIKELY = 4.0  # points by which another recording may be less alike and still make a match ambiguous
_NUMBERS = re.compile(r"\d+")
# a long tail that many names share ("From the film ...") says nothing about which of them is meant
_TAIL = re.compile(r"\s*[(\[:]|\s[-–—]\s|\bfrom\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Near:
    """An owned track and the row that it seems to be.

    Args:
        alike: of the names, 0 to 1. same_artist: False where the artist is only alike.
        ambiguous: another recording is about as much alike.
    """

    owned: int
    row: int
    alike: float
    same_artist: bool
    ambiguous: bool


def nearest(
    catalogue: Catalogue,
    counts: NDArray[np.int32],
    known: Artists,
    names: Sequence[str],
    artists: Sequence[str],
    left: NDArray[np.int64],
) -> Iterator[Near]:
    """The most alike track for each owned one that has any; of equals the most popular.

    Numbers in two names must be the same ("Part 1" is not "Part 2"), and a live version is not like a studio one.

    Args:
        left: owned rows to look at.
    """
    kept = [i for i in left.tolist() if names[i].strip() and artists[i].strip()]
    same = {artist: known.same(artist) for artist in dict.fromkeys(artists[i] for i in kept)}
    # an artist whom the catalogue has is not another one with almost that name
    alike = {artist: () if rows else known.alike(artist) for artist, rows in same.items()}
    wanted = {row for rows in same.values() for row in rows} | {row for found in alike.values() for row, _ in found}
    by_artist = _ByArtist(catalogue, counts, wanted)
    for i in kept:
        wanted_name = _Name.of(names[i])
        found = by_artist.best(wanted_name, same[artists[i]], NAME_ALIKE)
        if found is not None:
            yield Near(i, found[0], found[1] / 100, True, found[2])
            continue
        for artist, score in alike[artists[i]]:
            found = by_artist.best(wanted_name, (artist,), NAME_ALIKE_ELSEWHERE)
            if found is not None:
                yield Near(i, found[0], min(found[1], score) / 100, False, found[2])
                break


@dataclass(frozen=True, slots=True)
class _Name:
    """A name as it is compared: folded without versions, its head, its numbers, and whether it sounds otherwise."""

    short: str
    head: str
    numbers: tuple[str, ...]
    otherwise: bool

    @classmethod
    def of(cls, name: str) -> _Name:
        short = recording_key(name, "").rstrip("\t")
        head = fold(next((part for part in _TAIL.split(name) if part.strip()), name))
        return cls(short, head, tuple(_NUMBERS.findall(short)), sounds_otherwise(name))


class _ByArtist:
    """Short names of the tracks of some artists; made when an artist is first asked for."""

    def __init__(self, catalogue: Catalogue, counts: NDArray[np.int32], wanted: set[int]) -> None:
        self._catalogue, self._counts = catalogue, counts
        self._rows: dict[int, NDArray[np.int64]] = {}
        self._names: dict[int, list[_Name]] = {}
        if not wanted:
            return
        mask = np.zeros(int(catalogue.artist_row.max()) + 1, bool)
        mask[list(wanted)] = True
        rows = np.flatnonzero(mask[catalogue.artist_row])
        rows = rows[np.argsort(catalogue.artist_row[rows], kind="stable")]
        ids, first = np.unique(catalogue.artist_row[rows], return_index=True)
        self._rows = dict(zip(ids.tolist(), np.split(rows, first[1:]), strict=True))

    def best(self, wanted: _Name, artists: Sequence[int], least: float) -> tuple[int, float, bool] | None:
        """Row, likeness (0 to 100), and whether another recording is as likely; None where none is alike enough."""
        from rapidfuzz import fuzz, process

        low = least - _AS_LIKELY
        found: list[tuple[float, int, int, str]] = []
        for artist in artists:
            rows = self._rows.get(artist)
            if rows is None:
                continue
            if artist not in self._names:
                texts = self._catalogue.texts["name"]
                self._names[artist] = [_Name.of(texts[row]) for row in rows.tolist()]
            names = self._names[artist]
            shorts = [name.short for name in names]
            for _, score, place in process.extract(
                wanted.short, shorts, scorer=fuzz.ratio, score_cutoff=low, limit=None
            ):
                name, row = names[place], int(rows[place])
                if (name.otherwise, name.numbers) != (wanted.otherwise, wanted.numbers):
                    continue
                score = min(score, fuzz.ratio(wanted.head, name.head))
                if score >= low:
                    found.append((-score, -int(self._counts[row]), row, name.short))
        if not found:
            return None
        found.sort()
        score, _, row, short = found[0]
        if -score < least:
            return None
        return row, -score, any(other[3] != short and other[0] - score <= _AS_LIKELY for other in found)
