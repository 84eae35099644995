"""Tracks while a person types: the words of names and artists, by their beginnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.catalogue import Catalogue
from segue.library.names import fold

__all__ = ["Suggestions"]


@dataclass(frozen=True, eq=False)
class Suggestions:
    """What is suggested for a text that is being typed."""

    texts: tuple[str, ...]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, catalogue: Catalogue, counts: NDArray[np.int32]) -> Suggestions:
        """Index a catalogue.

        Args:
            counts: in how many playlists each track is, int32 ``(n_tracks,)``; the best known come first.
        """
        rows = np.lexsort((np.arange(len(catalogue)), -counts.astype(np.int64)))
        _, first = np.unique(catalogue.recording[rows], return_index=True)
        version = np.ones(len(rows), bool)
        version[first] = False
        rows = np.concatenate((rows[~version], rows[version])).astype(np.int32)
        names, artists = catalogue.texts["name"], catalogue.texts["artist"]
        return cls(tuple(f" {fold(names[int(r)])} {fold(artists[int(r)])}" for r in rows), rows)

    def find(self, text: str, n: int) -> list[int]:
        """Rows of at most ``n`` tracks whose name and artist have a word that begins as each word of the text."""
        words = [f" {word}" for word in fold(text).split()]
        found: list[int] = []
        for row, words_of in zip(self.rows, self.texts, strict=True):
            if len(found) >= n or not words:
                break
            if all(word in words_of for word in words):
                found.append(int(row))
        return found
