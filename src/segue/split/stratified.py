"""80/10/10 inside each cluster, by a hash of the playlist's id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "PART_NAMES", "stratified"]

PART_NAMES = ("train", "validation", "test")
LEAST = 3  # playlists of a cluster that can be in all three parts


def stratified(
    cluster: NDArray[np.int32], playlist_ids: Sequence[str], splittable: NDArray[np.bool_] | None = None
) -> NDArray[np.int8]:
    """Split the playlists of each cluster into training, validation and test parts.

    In the order of SHA-256 of their ids the first tenth of a cluster (rounded, at least one playlist) is its test
    part, the next tenth its validation part, the rest its training part. Nothing is drawn at random, and a playlist's
    part depends on its own cluster alone. A cluster with fewer than :data:`LEAST` playlists is not split.

    Args:
        cluster: cluster of each playlist, int32 ``(n,)``; -1 for none.
        playlist_ids: of the same playlists.
        splittable: playlists that take part, bool ``(n,)``: those with a title, say; None for all.

    Returns:
        0 training, 1 validation, 2 test, -1 none; int8 ``(n,)``.

    >>> stratified(np.array([0, 0, 0, 1, 1], np.int32), ["a", "b", "c", "d", "e"]).tolist()
    [0, 1, 2, -1, -1]
    """
    part = np.full(len(cluster), -1, np.int8)
    taking = cluster >= 0 if splittable is None else (cluster >= 0) & splittable
    rows = np.flatnonzero(taking)
    digests = [hashlib.sha256(playlist_ids[row].encode("utf-8", "replace")).digest() for row in rows.tolist()]
    by_hash = np.array(sorted(range(len(rows)), key=digests.__getitem__), np.int64)
    rows = rows[by_hash]
    rows = rows[np.argsort(cluster[rows], kind="stable")]
    _, begins, sizes = np.unique(cluster[rows], return_index=True, return_counts=True)
    for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True):
        if size < LEAST:
            continue
        tenth = max(1, (size + 5) // 10)
        mine = rows[begin : begin + size]
        part[mine] = 0
        part[mine[:tenth]] = 2
        part[mine[tenth : 2 * tenth]] = 1
    return part
