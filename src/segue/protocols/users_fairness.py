"""The fairness section of a report on listeners, made from lists and split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.evaluate.fairness import (
    QUINTILES,
    artist_quintiles,
    country_groups,
    exposure,
    gini,
    popularity_lift,
    shares_of,
)
from segue.evaluate.significance import Interval, interval
from segue.evaluate.table import FEWEST, Score, score
from segue.evaluate.user_table import Fairness, Group, Shares
from segue.evaluate.users import USER_METRICS, asked_of, user_values
from segue.recommend.artist_tracks import known_artists
from segue.split.cold import REGIMES
from segue.split.users import UserPart, UserSplit

__all__ = ["QUINTILE_NAMES", "catalogue_shares", "fairness_of"]

QUINTILE_NAMES = ("least popular fifth", "2nd", "3rd", "4th", "most popular fifth")


def catalogue_shares(split: UserSplit) -> Shares:
    """Shares of the tracks of the catalogue, beside which those of lists are read."""
    return _shares(split, np.ones(split.n_tracks, np.int64))


def fairness_of(method: str, lists: NDArray[np.int32], split: UserSplit, part: UserPart) -> Fairness:
    """Measure one method's first ten tracks in the full catalogue.

    Args:
        lists: int32 ``(n_users, m)``, padded with -1; only users with held-out tracks have any.
    """
    truth, counts = split.part(part), np.bincount(split.train.indices, minlength=split.n_tracks)
    shown = exposure(lists, split.n_tracks)
    asked = np.flatnonzero(truth.lengths > 0)
    return Fairness(
        method=method,
        countries=_by_country(lists, split, part),
        quintiles=_by_quintile(lists, split, part),
        shares=_shares(split, shown),
        lift=_scored(popularity_lift(lists, split.train, counts, asked), len(asked)),
        gini=_number(gini(shown)),
        shown=float((shown > 0).mean()),
    )


def _by_country(lists: NDArray[np.int32], split: UserSplit, part: UserPart) -> list[Group]:
    assert split.library.users is not None
    names, group = country_groups(split.library.users["country"].to_list())
    values = user_values(lists, split.part(part))[USER_METRICS[0]]
    return [_group(name, values[group == place]) for place, name in enumerate(names)]


def _by_quintile(lists: NDArray[np.int32], split: UserSplit, part: UserPart) -> list[Group]:
    of_track = _quintiles(split)
    return [
        _group(name, user_values(lists, asked_of(split.part(part), of_track == place))[USER_METRICS[0]])
        for place, name in enumerate(QUINTILE_NAMES)
    ]


def _group(name: str, values: NDArray[np.float64]) -> Group:
    there = values[np.isfinite(values)]
    return Group(name, len(there), _scored(interval(there), len(there)))


def _scored(found: Interval, n: int) -> Score:
    """As everywhere, no interval for a handful."""
    return score(found) if n >= FEWEST else Score(_number(found.mean))


def _shares(split: UserSplit, weights: NDArray[np.int64]) -> Shares:
    return Shares(
        regimes=_named(REGIMES, shares_of(weights, split.regime, len(REGIMES))),
        quintiles=_named(QUINTILE_NAMES, shares_of(weights, _quintiles(split), QUINTILES)),
    )


def _named(names: Sequence[str], shares: Sequence[float]) -> dict[str, float | None]:
    return dict(zip(names, map(_number, shares), strict=True))


def _quintiles(split: UserSplit) -> NDArray[np.int8]:
    """Of each track, by the training interactions of its artist."""
    rows = known_artists(split.library.artist_rows, split.library.artist_names)
    return artist_quintiles(rows, np.bincount(split.train.indices, minlength=split.n_tracks))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
