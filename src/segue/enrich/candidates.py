"""Which playlists are worth grading for a query: what word search and search by meaning find, together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.index.base import Index
from segue.index.bm25 import Bm25Index

__all__ = ["pool"]


def pool(
    queries: Sequence[str],
    bm25: Bm25Index | None,
    dense: Index[NDArray[np.float32]] | None = None,
    encoder: Encoder | None = None,
    k: int = 10,
    *,
    also: Sequence[Sequence[int]] | None = None,
) -> list[NDArray[np.int32]]:
    """The best ``k`` playlists of each search, once each: the best of either first, then the second best, and so on.

    Args:
        bm25: over the playlists' texts; None to leave it out.
        dense: over the playlists' vectors, in the encoder's space; None to leave it out.
        encoder: reads the queries, any :class:`~segue.encode.base.Encoder`, one behind an endpoint too.
        k: of each search.
        also: rows for each query that come first whatever is found, such as the playlist that it was written about.

    Returns:
        rows for each query, int32, at most ``2 k`` and those of ``also``.

    Raises:
        ValueError: neither search is given, or one of ``dense`` and ``encoder`` without the other.
    """
    if bm25 is None and dense is None:
        raise ValueError("there is nothing to search")
    if (dense is None) != (encoder is None):
        raise ValueError("search by meaning takes an index and an encoder")
    if k < 0:
        raise ValueError(f"k is {k}")
    lists: list[list[list[int]]] = [[] for _ in queries]
    if bm25 is not None:
        for mine, hits in zip(lists, bm25.search(queries, k), strict=True):
            mine.append(hits.rows.tolist())
    if dense is not None and encoder is not None:
        for mine, hits in zip(lists, dense.search(encoder.encode(queries), k), strict=True):
            mine.append(hits.rows.tolist())
    first = also if also is not None else [()] * len(queries)
    return [_interleaved(list(own), mine) for own, mine in zip(first, lists, strict=True)]


def _interleaved(first: list[int], lists: list[list[int]]) -> NDArray[np.int32]:
    seen = dict.fromkeys(first)
    for rank in range(max(map(len, lists), default=0)):
        seen.update(dict.fromkeys(mine[rank] for mine in lists if rank < len(mine)))
    return np.array(list(seen), np.int32)
