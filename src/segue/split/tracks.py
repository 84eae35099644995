"""Training, validation and test tracks, told apart by a hash of their id."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.split.holdout import Split, part_of

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["fold_of", "track_folds", "track_split"]


def track_split(library: Library) -> Split:
    """Split the tracks 80/10/10 as playlists are: part 0 is the test, part 1 the validation, 2 to 9 the training.

    For measures of tracks alone, the error of an auto-encoder say; which playlists are held out is another question.
    """
    parts = np.array([part_of(i) for i in library.tracks["track_id"].to_list()], np.int8)
    rows = np.arange(len(parts), dtype=np.int32)
    return Split(train=rows[parts > 1], validation=rows[parts == 1], test=rows[parts == 0])


def fold_of(track_id: str, folds: int) -> int:
    """Fold of a track, 0 to ``folds`` - 1; it depends on nothing but the id, and not on its part.

    >>> [fold_of("a", 5), fold_of("a", 5)] == [fold_of("a", 5)] * 2
    True
    """
    digest = hashlib.sha256(b"fold\x00" + track_id.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest, "big") % folds


def track_folds(library: Library, rows: NDArray[np.integer], folds: int) -> list[NDArray[np.int32]]:
    """Cut tracks into folds, int32 rows each, ascending.

    Raises:
        InputError: fewer than two folds, or a fold without a track.
    """
    if folds < 2:
        raise InputError(f"{folds} folds are none; give 2 or more")
    ids = library.tracks["track_id"][np.asarray(rows, np.int64)].to_list()
    of = np.array([fold_of(i, folds) for i in ids], np.int64)
    cut = [np.asarray(rows, np.int32)[of == fold] for fold in range(folds)]
    if min(len(fold) for fold in cut) == 0:
        raise InputError(f"{len(of)} tracks are too few for {folds} folds; give fewer folds")
    return cut
