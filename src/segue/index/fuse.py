"""Several lists of hits as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.library.ranking import Hits

__all__ = ["reciprocal_rank"]


def reciprocal_rank(hits: Sequence[Hits], k: float = 60) -> Hits:
    """Fuse lists by rank alone: a row scores the sum of 1 / (k + rank) over the lists that hold it, ranks from 1.

    Ties break by row. Rows are expected once a list.

    Source: Cormack, Clarke and Buettcher 2009.

    >>> a = Hits(np.array([3, 1], np.int32), np.array([9, 8], np.float32))
    >>> b = Hits(np.array([1, 7], np.int32), np.array([0.2, 0.1], np.float32))
    >>> reciprocal_rank([a, b]).rows.tolist()
    [1, 3, 7]
    """
    if k < 0:
        raise ValueError(f"k is {k}")
    if not any(len(hit) for hit in hits):
        return Hits(np.zeros(0, np.int32), np.zeros(0, np.float32))
    rows, places = np.unique(np.concatenate([hit.rows for hit in hits]), return_inverse=True)
    votes = np.concatenate([1 / (k + 1 + np.arange(len(hit))) for hit in hits])
    scores = np.bincount(places, votes)
    order = np.argsort(-scores, kind="stable")
    return Hits(rows[order].astype(np.int32), scores[order].astype(np.float32))
