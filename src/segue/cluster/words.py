"""What a cluster is about, in words of its playlists' titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from segue.views.titles import normalise

__all__ = ["characteristic_words", "theme_names"]

# They are frequent enough everywhere to win in small clusters, and tell nobody what a theme is.
# fmt: off
_EMPTY = frozenset([
    "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "if", "im", "in", "is", "it", "its", "me", "my",
    "no", "not", "of", "on", "or", "our", "so", "song", "songs", "that", "the", "this", "to", "was", "we", "with",
    "you", "your", "list", "mix", "music", "playlist", "playlists", "stuff",
])
# fmt: on


def characteristic_words(
    cluster: NDArray[np.int32], titles: Sequence[str], k: int, *, n: int = 3, least: int = 1
) -> list[list[str]]:
    """The ``n`` most characteristic words of each cluster's titles, the best first.

    A word of cluster c weighs ``tf * ln(1 + A / f)``: ``tf`` its share of the words in c, ``f`` its occurrences in
    all clusters, ``A`` the mean number of words in a cluster. A playlist counts a word once. Words that several
    playlists of the cluster have come before those of a single one; ties in alphabetical order.

    Args:
        cluster: cluster of each playlist, int32 ``(n_playlists,)``; -1 belongs to none.
        titles: raw titles of the same playlists; read as encoders read them.
        k: number of clusters.
        n: words of a cluster.
        least: playlists of all clusters that a word must be in to be shown.

    Source: Grootendorst 2022, "BERTopic", equation 1 (class-based tf-idf).

    >>> characteristic_words(np.array([0, 0, 1, 1], np.int32), ["Gym!", "gym rap", "Chill", "chill rap"], 2)
    [['gym', 'rap'], ['chill', 'rap']]
    """
    counts: list[Counter[str]] = [Counter() for _ in range(k)]
    read: dict[str, frozenset[str]] = {}
    for row in np.flatnonzero(cluster >= 0).tolist():
        title = titles[row]
        if title not in read:
            read[title] = frozenset(w for w in normalise(title).split() if w not in _EMPTY and len(w) > 1)
        counts[int(cluster[row])].update(read[title])
    everywhere: Counter[str] = Counter()
    for mine in counts:
        everywhere.update(mine)
    mean = everywhere.total() / max(k, 1)
    found = []
    for mine in counts:
        total = mine.total()
        weights = {w: c / total * log1p(mean / everywhere[w]) for w, c in mine.items() if everywhere[w] >= least}
        found.append(sorted(weights, key=lambda w: (mine[w] < 2, -weights[w], w))[:n])
    return found


def theme_names(words: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name for each cluster: its three best words, or its number where there is none.

    >>> theme_names([["gym", "workout", "run", "pump"], []])
    ('gym, workout, run', 'cluster 1')
    """
    return tuple(", ".join(mine[:3]) or f"cluster {number}" for number, mine in enumerate(words))
