"""The k-core: users and tracks that have enough interactions with each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions

__all__ = ["k_core"]


def k_core(interactions: Interactions, k: int = 5) -> tuple[NDArray[np.int32], NDArray[np.int32], Interactions]:
    """Leave out users and tracks with fewer than ``k`` distinct interactions, again and again, until none is left.

    The result is the largest set of users and tracks in which each has at least ``k`` of the other, whatever the
    order of leaving out. Only the interactions are looked at, never a users x tracks matrix.

    Args:
        interactions: users x tracks; repeated tracks of a user count once.
        k: at least 0; 0 keeps all, also those without any interaction.

    Returns:
        the user rows kept and the track rows kept, int32, ascending; and their distinct interactions, rows and
        columns renumbered accordingly, each user's order as it was.

    Source: Seidman 1983, "Network structure and minimum degree", for bipartite graphs.

    >>> users, tracks, core = k_core(Interactions.of([[0, 1], [1, 0, 0], [1, 2]], n_columns=3), k=2)
    >>> users.tolist(), tracks.tolist(), core.row(1).tolist()
    ([0, 1], [0, 1], [1, 0])
    """
    if k < 0:
        raise ValueError("k must not be negative")
    distinct = interactions.distinct()
    user = np.repeat(np.arange(distinct.n_rows), distinct.lengths)
    track = distinct.indices.astype(np.int64)
    while True:
        per_user = np.bincount(user, minlength=distinct.n_rows)
        per_track = np.bincount(track, minlength=distinct.n_columns)
        stays = (per_user[user] >= k) & (per_track[track] >= k)
        if stays.all():
            break
        user, track = user[stays], track[stays]
    users, tracks = np.flatnonzero(per_user >= k), np.flatnonzero(per_track >= k)
    indptr = np.zeros(len(users) + 1, np.int64)
    np.cumsum(per_user[users], out=indptr[1:])
    renumbered = np.searchsorted(tracks, track).astype(np.int32)
    return users.astype(np.int32), tracks.astype(np.int32), Interactions(indptr, renumbered, len(tracks))
