"""The titles that vote: distinct ones, how many playlists have each, and which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library import Interactions
from segue.library.arrays import fingerprint, load_array, save_array
from segue.library.strings import HashIndex, StringArray
from segue.recommend.because import MIN_SHARING
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["TitleTable"]


@dataclass(frozen=True, eq=False)
class TitleTable:
    """Distinct titles as an encoder reads them; everything that depends on the title alone is computed once for each.

    Args:
        read: the titles in the form ``normalise(title, "read")``, in order of first occurrence.
        shown: how each is written in reasons: the spelling that at least five playlists share, else ``read``.
        key_rows: titles with one ``normalise(title, "key")`` share a number, int32 ``(n,)``.
        keys: key -> titles.
        playlists: title x playlist; playlists whose title reads as nothing belong to no title.
        n_playlists: number of playlists behind the table.
    """

    read: StringArray
    shown: StringArray
    key_rows: NDArray[np.int32]
    keys: HashIndex
    playlists: Interactions

    @classmethod
    def of(cls, library: Library) -> TitleTable:
        """Collect the titles of all playlists that have a title and at least one track."""
        raw_titles = library.titles
        has_tracks = library.playlist_tracks.lengths > 0
        reads: dict[str, str] = {}
        members: dict[str, list[int]] = {}
        spellings: dict[str, dict[str, int]] = {}
        for row, raw in enumerate(raw_titles):
            if not has_tracks[row]:
                continue
            read = reads.get(raw)
            if read is None:
                read = reads[raw] = normalise(raw, "read")
            if read:
                members.setdefault(read, []).append(row)
                counts = spellings.setdefault(read, {})
                counts[raw] = counts.get(raw, 0) + 1
        keys = [normalise(read, "key") for read in members]
        numbers: dict[str, int] = {}
        key_rows = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32)
        return cls(
            read=StringArray.of(members),
            shown=StringArray.of(_shown(read, counts) for read, counts in spellings.items()),
            key_rows=key_rows,
            keys=HashIndex.of(keys),
            playlists=Interactions.of(members.values(), n_columns=library.n_playlists),
        )

    def __len__(self) -> int:
        return len(self.key_rows)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Playlists per title, int64 ``(n,)``."""
        return self.playlists.lengths

    @cached_property
    def title_rows(self) -> NDArray[np.int32]:
        """Title of each playlist, -1 for those without; int32 ``(n_playlists,)``."""
        rows = np.full(self.playlists.n_columns, -1, np.int32)
        rows[self.playlists.indices] = np.repeat(np.arange(len(self), dtype=np.int32), self.counts)
        return rows

    @cached_property
    def fingerprint(self) -> str:
        """Digest of titles and their playlists."""
        return fingerprint(self.read.data, self.read.offsets, self.playlists.indptr, self.playlists.indices)

    def save(self, folder: Path) -> None:
        """Write the table's arrays into an existing folder."""
        self.read.save(folder, "read")
        self.shown.save(folder, "shown")
        self.keys.save(folder, "keys")
        save_array(folder / "key_rows.npy", self.key_rows)
        save_array(folder / "playlists.indptr.npy", self.playlists.indptr)
        save_array(folder / "playlists.indices.npy", self.playlists.indices)
        save_array(folder / "n_playlists.npy", np.array([self.playlists.n_columns], np.int64))

    @classmethod
    def load(cls, folder: Path) -> TitleTable:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        return cls(
            read=StringArray.load(folder, "read"),
            shown=StringArray.load(folder, "shown"),
            key_rows=load_array(folder / "key_rows.npy"),
            keys=HashIndex.load(folder, "keys"),
            playlists=Interactions(
                load_array(folder / "playlists.indptr.npy"),
                load_array(folder / "playlists.indices.npy"),
                int(load_array(folder / "n_playlists.npy")[0]),
            ),
        )


def _shown(read: str, counts: dict[str, int]) -> str:
    """The most frequent spelling if enough playlists share it, else the form that all spellings have in common.

    A spelling of one's own would give its playlist away where the title itself does not.
    """
    spelling = min(counts, key=lambda s: (-counts[s], s))
    return spelling if counts[spelling] >= MIN_SHARING else read
