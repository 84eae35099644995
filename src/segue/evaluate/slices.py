"""Which queries belong together in a report: seen and unseen titles, frequent and rare ones, and so on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.library import Library
from segue.library.names import fold
from segue.views.titles import is_english, normalise

__all__ = ["BANDS", "MENTION_PLAYLISTS", "known_artists", "names_artist", "seen_counts", "title_slices"]

BANDS: Mapping[str, tuple[int, int]] = {
    "title in 1 training playlist": (1, 1),
    "title in 2 to 4": (2, 4),
    "title in 5 to 19": (5, 19),
    "title in 20 or more": (20, 1 << 62),
}
"""Slices by the number of training playlists with the query's title, both ends included."""

MENTION_PLAYLISTS = 3
"""Training playlists that an artist needs to count as named by a title."""
_MOST_WORDS = 4


def seen_counts(titles: Sequence[str], training_titles: Iterable[str]) -> NDArray[np.int64]:
    """How many training playlists carry each title, compared by the normalisation ``seen``; int64 ``(n,)``.

    >>> seen_counts(["Chill!", "yoga"], ["chill", "CHILL", "rock"]).tolist()
    [2, 0]
    """
    counts = Counter(normalise(title, "seen") for title in training_titles)
    return np.array([counts[normalise(title, "seen")] for title in titles], np.int64)


def known_artists(training: Library) -> frozenset[str]:
    """Folded names of the artists that occur in at least three of a library's playlists."""
    distinct = training.playlist_tracks.distinct()
    row_of = np.repeat(np.arange(distinct.n_rows, dtype=np.int64), distinct.lengths)
    n_artists = max(len(training.artist_names), 1)
    pairs = np.unique(row_of * n_artists + training.artist_rows[distinct.indices])
    counts = np.bincount(pairs % n_artists, minlength=n_artists)
    names = (fold(name) for name, count in zip(training.artist_names, counts, strict=False))
    enough = {name for name, count in zip(names, counts.tolist(), strict=False) if count >= MENTION_PLAYLISTS}
    return frozenset(enough - {""})


def names_artist(title: str, artists: frozenset[str]) -> bool:
    """Whether one to four neighbouring words of a title are a known artist.

    >>> names_artist("best of Daft Punk!", frozenset({"daft punk"}))
    True
    """
    words = fold(title).split()
    return any(
        " ".join(words[i:j]) in artists
        for i in range(len(words))
        for j in range(i + 1, min(i + _MOST_WORDS, len(words)) + 1)
    )


def title_slices(
    titles: Sequence[str],
    training_titles: Iterable[str],
    *,
    artists: frozenset[str] | None = None,
) -> dict[str, NDArray[np.bool_]]:
    """Masks over queries by their titles.

    Args:
        titles: raw titles of the queries.
        training_titles: raw titles of all training playlists.
        artists: from :func:`known_artists`; None leaves the slices by artist out.

    Returns:
        slice -> bool ``(n_queries,)``: ``all``, ``seen``, ``unseen``, the :data:`BANDS`, ``not English``, ``names an
        artist``, ``names no artist``. Every slice is there, also an empty one.
    """
    counts = seen_counts(titles, training_titles)
    slices = {"all": np.ones(len(titles), bool), "seen titles": counts > 0, "unseen titles": counts == 0}
    for name, (low, high) in BANDS.items():
        slices[name] = (counts >= low) & (counts <= high)
    slices["not English"] = np.array([not is_english(title) for title in titles], bool)
    if artists is not None:
        named = np.array([names_artist(title, artists) for title in titles], bool)
        slices["names an artist"] = named
        slices["names no artist"] = ~named
    return slices
