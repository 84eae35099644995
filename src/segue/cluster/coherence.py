"""Do the playlists of a cluster say the same? The published criterion: how many carry its most frequent title."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["kept", "title_lift", "title_match", "top_titles"]


def title_match(cluster: NDArray[np.int32], titles: Sequence[str], k: int) -> NDArray[np.float64]:
    """Per cluster the percentage of its playlists whose title equals its most frequent title; float64 ``(k,)``.

    Titles are compared as given. A blank title is none: such playlists count among the cluster's playlists but their
    title is never the most frequent. An empty cluster has 0.

    Args:
        cluster: cluster of each playlist, int32 ``(n,)``; -1 belongs to none.
        titles: of the same playlists.
        k: number of clusters.

    Source: the published title system's cleaning step.

    >>> title_match(np.array([0, 0, 0, 1, -1], np.int32), ["gym", "gym", "run", "", "gym"], 2).round(1).tolist()
    [66.7, 0.0]
    """
    of_cluster, _, counts = _counted(cluster, titles)
    best = np.zeros(k, np.int64)
    np.maximum.at(best, of_cluster, counts)
    sizes = np.bincount(cluster[cluster >= 0], minlength=k)
    share: NDArray[np.float64] = 100.0 * best / np.maximum(sizes, 1)
    return share


def kept(match: NDArray[np.floating], sizes: NDArray[np.integer], min_match: float = 2.0) -> NDArray[np.bool_]:
    """Which clusters are themes, bool ``(k,)``; the others are miscellaneous.

    A theme has a match above ``min_match`` percent *and* a title that occurs at least twice: in a cluster of one
    playlist the match is 100 % whatever it is called, and in a small one any single title is above 2 %.

    Args:
        match: percent, of :func:`title_match`.
        sizes: playlists of each cluster, ``(k,)``.

    >>> kept(np.array([2.0, 2.1, 100.0, 20.0]), np.array([100, 200, 1, 5])).tolist()
    [False, True, False, False]
    """
    most = np.rint(np.asarray(match, np.float64) * np.asarray(sizes) / 100.0)
    above: NDArray[np.bool_] = (np.asarray(match) > min_match) & (most >= 2)
    return above


def title_lift(cluster: NDArray[np.int32], titles: Sequence[str]) -> float | None:
    """How much likelier two playlists of one cluster carry the same title than any two of the clustered ones.

    Unlike the match it does not depend on the sizes of the clusters: clusters drawn at random have 1. None where no
    title occurs twice, or no cluster has two playlists.

    >>> title_lift(np.array([0, 0, 1, 1], np.int32), ["gym", "gym", "run", "run"])
    3.0
    """
    within = _pairs(_counted(cluster, titles)[2])
    inside = _pairs(np.bincount(cluster[cluster >= 0]))
    together = np.where(cluster >= 0, np.int32(0), np.int32(-1))
    among = _pairs(_counted(together, titles)[2])
    everywhere = _pairs(np.array([(cluster >= 0).sum()]))
    return within / inside / (among / everywhere) if inside and among else None


def _pairs(counts: NDArray[np.integer]) -> float:
    return float((counts.astype(np.float64) * (counts - 1)).sum())


def top_titles(cluster: NDArray[np.int32], titles: Sequence[str], k: int, n: int = 8) -> list[list[tuple[str, int]]]:
    """The ``n`` most frequent titles of each cluster with their playlists; ties in order of first use."""
    of_cluster, of_title, counts = _counted(cluster, titles)
    found: list[list[tuple[str, int]]] = [[] for _ in range(k)]
    for place in np.lexsort((of_title, -counts, of_cluster)).tolist():
        mine = found[of_cluster[place]]
        if len(mine) < n:
            mine.append((titles[int(of_title[place])], int(counts[place])))
    return found


def _counted(
    cluster: NDArray[np.int32], titles: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each (cluster, title) that occurs: cluster, the title's first row, playlists; int64 ``(m,)`` each."""
    if len(cluster) != len(titles):
        raise ValueError("each playlist needs a cluster and a title")
    first: dict[str, int] = {}
    title_row = np.array([first.setdefault(t, row) if t.strip() else -1 for row, t in enumerate(titles)], np.int64)
    rows = np.flatnonzero((cluster >= 0) & (title_row >= 0))
    width = max(len(titles), 1)
    keys, counts = np.unique(cluster[rows].astype(np.int64) * width + title_row[rows], return_counts=True)
    return keys // width, keys % width, counts.astype(np.int64)
