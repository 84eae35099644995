"""Who is served and who is shown: countries, artists' popularity, exposure, popularity lift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.significance import Interval, bounded, resampled_means
from segue.library import Interactions

__all__ = [
    "OTHERS",
    "QUINTILES",
    "UNKNOWN",
    "artist_quintiles",
    "country_groups",
    "exposure",
    "gini",
    "popularity_lift",
    "shares_of",
]

OTHERS, UNKNOWN = "others", "unknown"
QUINTILES = 5
_MOST_GROUPS = 5


def country_groups(countries: Sequence[str | None], most: int = _MOST_GROUPS) -> tuple[list[str], NDArray[np.int64]]:
    """Group users by country: the ``most`` largest (ties by name), all others together, and those without one.

    Returns:
        names, and the place of each user's group among them, int64 ``(n_users,)``; groups without users are left out.

    >>> names, group = country_groups(["SE", "SE", "DE", None, "FI", "DE"], most=2)
    >>> names, group.tolist()
    (['DE', 'SE', 'others', 'unknown'], [1, 1, 0, 3, 2, 0])
    """
    counts = Counter(country for country in countries if country)
    largest = sorted(counts, key=lambda country: (-counts[country], country))[:most]
    # "others" could be the name of a country in somebody's table: places are told apart, not names
    place = {country: at for at, country in enumerate(largest)}
    raw = np.array([place.get(c, most) if c else most + 1 for c in countries], np.int64)
    labels = [*largest, *[""] * (most - len(largest)), OTHERS, UNKNOWN]
    there = [at for at in range(len(labels)) if (raw == at).any()]
    return [labels[at] for at in there], np.searchsorted(there, raw)


def artist_quintiles(artist_rows: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.int8]:
    """The fifth of the artists, by popularity, that a track's artist is in: 0 the least popular, 4 the most.

    An artist's popularity is the number of training interactions with all their tracks; each fifth holds a fifth of
    the *artists* (ties by row), not of the interactions.

    Args:
        artist_rows: -1 where unknown. counts: training users of each track. Both ``(n_tracks,)``.

    Returns:
        int8 ``(n_tracks,)``, -1 where the artist is unknown.

    >>> artist_quintiles(np.array([0, 1, 2, 3, 4, 4, -1]), np.array([9, 1, 2, 3, 2, 2, 9])).tolist()
    [4, 0, 1, 2, 3, 3, -1]
    """
    rows = np.asarray(artist_rows, np.int64)
    artists, of_track = np.unique(rows[rows >= 0], return_inverse=True)
    found = np.full(len(rows), -1, np.int8)
    if len(artists):
        heard = np.bincount(of_track, np.asarray(counts)[rows >= 0], len(artists))
        place = np.empty(len(artists), np.int64)
        place[np.argsort(heard, kind="stable")] = np.arange(len(artists))
        found[rows >= 0] = (place * QUINTILES // len(artists))[of_track]
    return found


def exposure(lists: NDArray[np.int32], n_tracks: int) -> NDArray[np.int64]:
    """In how many places of the lists (padded with -1) each track stands, int64 ``(n_tracks,)``."""
    return np.bincount(lists[lists >= 0], minlength=n_tracks).astype(np.int64)


def shares_of(weights: NDArray[np.integer], groups: NDArray[np.integer], n: int) -> list[float]:
    """Share of the weight of tracks that falls on each of ``n`` groups; tracks in no group (-1) are left out.

    Nan where nothing has weight.

    >>> shares_of(np.array([3, 1, 5]), np.array([0, 1, -1]), 2)
    [0.75, 0.25]
    """
    inside = groups >= 0
    sums = np.bincount(groups[inside], weights[inside], n)
    total = sums.sum()
    return [float(value) for value in (sums / total if total else np.full(n, np.nan))]


def gini(counts: NDArray[np.integer]) -> float:
    """Inequality of exposure: 0 where every track stands in equally many places, near 1 where one has them all.

    ``sum_i (2 i - n - 1) x_i / (n sum x)`` over the ascending counts of all ``n`` tracks of the catalogue, unshown
    ones too; nan where nothing is shown.

    Source: C. Gini 1912; the form is that of A. Sen 1973, "On economic inequality".

    >>> gini(np.array([1, 1, 1, 1])), gini(np.array([0, 0, 0, 4]))
    (0.0, 0.75)
    """
    n, total = len(counts), int(counts.sum())
    if not n or not total:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * np.sort(counts)).sum() / (n * total))


def popularity_lift(
    lists: NDArray[np.int32], profiles: Interactions, counts: NDArray[np.integer], users: NDArray[np.integer]
) -> Interval:
    """How much more popular the recommended tracks are than the loved ones: a ratio of two means over users.

    ``mean over users of (mean popularity of the list) / mean over users of (mean popularity of the profile)``, with
    the 95 % bootstrap interval over users. 1: lists are as popular as what people love.

    Args:
        lists: padded with -1, ``(n_users, m)``. profiles: the training tracks of each user.
        counts: training users of each track. users: rows that count; those without list or profile do not.

    Source: H. Abdollahpouri et al. 2019, "The unfairness of popularity bias in recommendation", whose measure is this
    ratio minus 1.
    """
    users = np.asarray(users)
    n = (lists[users] >= 0).sum(axis=1)
    kept = users[(n > 0) & (profiles.lengths[users] > 0)]
    if not len(kept):
        return bounded(float("nan"), np.zeros(0))
    popular = np.asarray(counts, np.float64)
    own = lists[kept]
    listed = np.where(own >= 0, popular[np.maximum(own, 0)], 0).sum(axis=1) / (own >= 0).sum(axis=1)
    part = profiles.select(kept)
    loved = np.add.reduceat(popular[part.indices], part.indptr[:-1]) / part.lengths
    resampled = resampled_means(np.column_stack([listed, loved]))
    return bounded(float(listed.mean() / loved.mean()), resampled[:, 0] / resampled[:, 1])
