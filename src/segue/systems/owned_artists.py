"""The artists of a catalogue that an owned library may have, under the ways in which artists are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue.library import Catalogue
from segue.library.names import fold
from segue.recommend.mentions import artist_key
from segue.sources.match_keys import first_artist

__all__ = ["Artists", "spellings"]

_BLOCK = 3  # letters at one end of a name that two spellings share
_LENGTHS = 2  # by which two spellings may differ
ARTIST_ALIKE = 88.0
"""Normalised edit similarity, 0 to 100, from which two folded artists may be one."""


def spellings(artist: str) -> tuple[str, ...]:
    """Keys of an artist, the surest first: folded; without "the", "and" and spaces; the same of the first of several.

    >>> spellings("Simon & Garfunkel")
    ('simon garfunkel', 'simongarfunkel', 'simon')
    """
    first = first_artist(artist)
    return tuple(dict.fromkeys(key for who in (artist, first) for key in (fold(who), artist_key(who)) if key))


@dataclass(frozen=True, eq=False)
class Artists:
    """Artists of a catalogue by name.

    Args:
        rows: spelling -> artist rows of the catalogue, for the spellings that were asked for.
        names: folded name of every artist. ids: its artist row.
    """

    rows: dict[str, tuple[int, ...]]
    names: list[str]
    ids: NDArray[np.int32]
    _blocks: dict[tuple[str, bool], list[int]] = field(default_factory=dict, repr=False)
    _near: dict[str, tuple[tuple[int, float], ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, catalogue: Catalogue, wanted: Iterable[str]) -> Artists:
        """Read the distinct artists of a catalogue and keep the spellings of those that are wanted."""
        asked = {key for artist in dict.fromkeys(wanted) for key in spellings(artist)}
        ids, first = np.unique(catalogue.artist_row, return_index=True)
        texts = catalogue.texts["artist"]
        names: list[str] = []
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for artist, at in zip(ids.tolist(), first.tolist(), strict=True):
            text = texts[at]
            names.append(fold(text))
            if not text.strip():
                continue
            for key in spellings(text):
                if key in asked:
                    rows[key].append(artist)
        return cls({key: tuple(found) for key, found in rows.items()}, names, ids.astype(np.int32))

    def same(self, artist: str) -> tuple[int, ...]:
        """Artist rows of the surest spelling that the catalogue has; empty where it has none."""
        return next((self.rows[key] for key in spellings(artist) if key in self.rows), ())

    def rows_of(self, artists: Sequence[str]) -> NDArray[np.int32]:
        """The artist row of each, -1 where there is none; int32."""
        found: dict[str, int] = {}
        for artist in dict.fromkeys(artists):
            found[artist] = next(iter(self.same(artist)), -1) if artist.strip() else -1
        return np.array([found[artist] for artist in artists], np.int32)

    def tracks_of_others(self, catalogue: Catalogue, artists: Iterable[str]) -> NDArray[np.int32]:
        """All tracks by artists who are written otherwise than the given ones and may be them, ascending.

        Tracks by artists who are written the same are found by their names alone.
        """
        mask = np.zeros(int(self.ids.max(initial=-1)) + 1, bool)
        for artist in set(artists):
            written = {fold(artist), fold(first_artist(artist))}
            for row in self.same(artist):
                if self.names[int(np.searchsorted(self.ids, row))] not in written:
                    mask[row] = True
        return np.flatnonzero(mask[catalogue.artist_row]).astype(np.int32) if mask.any() else np.zeros(0, np.int32)

    def alike(self, artist: str) -> tuple[tuple[int, float], ...]:
        """Artists spelled almost so, with their likeness (0 to 100), the most alike first.

        Only artists that share three letters at one end and are about as long are compared.
        """
        from rapidfuzz import fuzz

        folded = fold(artist)
        if len(folded) <= _BLOCK:
            return ()
        if folded not in self._near:
            if not self._blocks:
                for place, name in enumerate(self.names):
                    if len(name) > _BLOCK:
                        self._blocks.setdefault((name[:_BLOCK], True), []).append(place)
                        self._blocks.setdefault((name[-_BLOCK:], False), []).append(place)
            places = {
                place
                for key in ((folded[:_BLOCK], True), (folded[-_BLOCK:], False))
                for place in self._blocks.get(key, ())
                if abs(len(self.names[place]) - len(folded)) <= _LENGTHS
            }
            scored = [
                (int(self.ids[place]), score)
                for place in sorted(places)
                if (score := fuzz.ratio(folded, self.names[place], score_cutoff=ARTIST_ALIKE))
            ]
            self._near[folded] = tuple(sorted(scored, key=lambda pair: (-pair[1], pair[0])))
        return self._near[folded]
