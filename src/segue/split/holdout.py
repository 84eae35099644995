"""Training, validation and test playlists, told apart by a hash of their id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from segue.library import Library

__all__ = ["Held", "Part", "Split", "drop_near_duplicates", "held_out", "holdout", "part_of"]

Part = Literal["test", "validation"]

_PARTS = 10
_TEST, _VALIDATION = 0, 1


def part_of(playlist_id: str) -> int:
    """Part of a playlist, 0 to 9: its id's SHA-256, read as one big-endian integer, modulo 10.

    It depends on nothing but the id, so a corpus that grows keeps its test playlists.

    >>> part_of("0"), part_of("1")
    (5, 5)
    """
    return int.from_bytes(hashlib.sha256(playlist_id.encode("utf-8", "replace")).digest(), "big") % _PARTS


@dataclass(frozen=True, eq=False)
class Split:
    """Playlist rows by use, int32 each, ascending and disjoint.

    Raises:
        ValueError: a playlist is in two parts.
    """

    train: NDArray[np.int32]
    validation: NDArray[np.int32]
    test: NDArray[np.int32]

    def __post_init__(self) -> None:
        together = np.concatenate([self.train, self.validation, self.test])
        if len(np.unique(together)) != len(together):
            raise ValueError("the parts of a split must be disjoint: a test playlist may not vote for itself")

    def part(self, name: Part) -> NDArray[np.int32]:
        """Rows of the named held-out part."""
        return self.test if name == "test" else self.validation


def holdout(library: Library) -> Split:
    """Split a library: part 0 is the test, part 1 the validation, parts 2 to 9 the training."""
    parts = np.array([part_of(i) for i in library.playlists["playlist_id"].to_list()], np.int8)
    rows = np.arange(len(parts), dtype=np.int32)
    return Split(
        train=rows[parts > _VALIDATION],
        validation=rows[parts == _VALIDATION],
        test=rows[parts == _TEST],
    )


@dataclass(frozen=True, eq=False)
class Held:
    """Playlists that can be asked about.

    Args:
        rows: playlist rows, int32, ascending.
        left_out: reason -> how many playlists of the part were left out for it.
    """

    rows: NDArray[np.int32]
    left_out: dict[str, int]


def held_out(library: Library, split: Split, part: Part = "test") -> Held:
    """The playlists of a part that have a title and a track and no near-duplicate in training.

    Raises:
        InputError: none is left, or the split has no training playlists.
    """
    rows = split.part(part)
    if not len(split.train):
        raise InputError("the split leaves no training playlist; a larger library is needed")
    no_tracks = library.playlist_tracks.lengths[rows] == 0
    no_title = np.array([not library.titles[row].strip() for row in rows], bool) & ~no_tracks
    asked = rows[~(no_tracks | no_title)]
    kept = drop_near_duplicates(library, split.train, asked)
    if not len(kept):
        raise InputError(f"no {part} playlist is left to ask about; a larger library is needed")
    return Held(
        rows=kept,
        left_out={
            "without tracks": int(no_tracks.sum()),
            "without a title": int(no_title.sum()),
            "near-duplicate of a training playlist": len(asked) - len(kept),
        },
    )


def drop_near_duplicates(
    library: Library,
    train_rows: NDArray[np.integer],
    rows: NDArray[np.integer],
    threshold: float = 0.9,
) -> NDArray[np.int32]:
    """Leave out the rows whose distinct tracks have a Jaccard index above ``threshold`` with a training playlist.

    Candidates come from shared rare tracks (prefix filtering), so that no playlist x playlist matrix is built and a
    million playlists pass in seconds; candidates are then compared exactly. A playlist without tracks is kept.

    Args:
        library: holds both kinds of playlists.
        train_rows, rows: playlist rows.
        threshold: in (0, 1).

    Returns:
        the rows kept, int32, in their order.

    Source: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search" (prefix filtering).
    """
    asked_rows: NDArray[np.int32] = np.asarray(rows, np.int32)
    if not 0 < threshold < 1:
        raise ValueError("threshold must lie in (0, 1)")
    if not len(asked_rows) or not len(train_rows):
        return asked_rows
    counts = np.bincount(library.playlist_tracks.indices, minlength=library.n_tracks)
    voters = library.playlist_tracks.select(train_rows).matrix()
    asked = library.playlist_tracks.select(asked_rows).matrix()
    shared = (_prefixes(asked, counts, threshold) @ _prefixes(voters, counts, threshold).T).tocoo()
    overlap = np.asarray(asked[shared.row].multiply(voters[shared.col]).sum(axis=1)).ravel()
    sizes = np.diff(asked.indptr)[shared.row] + np.diff(voters.indptr)[shared.col]
    near = np.unique(shared.row[overlap > threshold * (sizes - overlap)])
    return np.asarray(np.delete(asked_rows, near), np.int32)


def _prefixes(matrix: csr_matrix, counts: NDArray[np.integer], threshold: float) -> csr_matrix:
    """Only each row's rarest tracks: two sets above the threshold share one of their ``n - ceil(tn) + 1`` rarest."""
    from scipy.sparse import csr_matrix  # imported late: queries never need it

    lengths = np.diff(matrix.indptr)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((matrix.indices, counts[matrix.indices], row_of))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], lengths)
    # the small term keeps rounding from cutting a prefix short
    keep = place < np.repeat(lengths - np.ceil(threshold * lengths - 1e-9) + 1, lengths)
    taken = order[keep]
    ones = np.ones(len(taken), np.float32)
    return csr_matrix((ones, (row_of[taken], matrix.indices[taken])), shape=matrix.shape)
