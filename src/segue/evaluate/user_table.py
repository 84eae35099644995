"""What a protocol of listeners found, as data; its JSON keeps this shape, new fields come behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from segue.evaluate.stored import load_figures_of
from segue.evaluate.table import NotBelowRow, Row, Score, Versus, mean_in, row_in

__all__ = [
    "USERS_VERSION",
    "EpochFigures",
    "Fairness",
    "Group",
    "History",
    "Shares",
    "UserFigures",
    "ViewRow",
    "load_user_figures",
]

USERS_VERSION = 1
_KIND = "segue users report"


class Group(msgspec.Struct, frozen=True):
    """Hit rate of a group of users, or for a group of held-out tracks; ``n`` users were asked."""

    name: str
    n: int
    hit_rate: Score


class Shares(msgspec.Struct, frozen=True):
    """Share of the places in the lists that a group of tracks has; of the catalogue too, in a row of that name."""

    regimes: dict[str, float | None]
    quintiles: dict[str, float | None]


class Fairness(msgspec.Struct, frozen=True):
    """Whom a method serves and shows.

    Args:
        countries: five largest, others, unknown. quintiles: by popularity of the held-out tracks' artists.
        shares: of the places in the first ten. lift: popularity of lists over popularity of profiles.
        gini: of the exposure over all tracks. shown: share of the tracks that are in some list.
    """

    method: str
    countries: list[Group]
    quintiles: list[Group]
    shares: Shares
    lift: Score
    gini: float | None
    shown: float


class EpochFigures(msgspec.Struct, frozen=True):
    """Means on the validation part after an epoch, such as "hit_rate@10 warm"."""

    epoch: int
    figures: dict[str, float]


class History(msgspec.Struct, frozen=True):
    """What a training did, epoch by epoch."""

    name: str
    best_epoch: int | None
    epochs: list[EpochFigures]


class ViewRow(msgspec.Struct, frozen=True, kw_only=True):
    """One view of one catalogue: how well towers do that read it, and how alike its texts are.

    Args:
        library: name of the catalogue. share: of its tracks, in percent.
        likeness: mean cosine of the texts of two tracks. with_text: share of the tracks that have one.
        scores: slice -> metric -> score on the part. versus: slice -> the primary metric against the first view of
            the same catalogue and share, p-values corrected over its views.
        best_epoch: the one that was kept, of ``epochs``.
    """

    library: str
    share: int
    view: str
    n_users: int
    n_tracks: int
    with_text: float
    likeness: Score
    scores: dict[str, dict[str, Score]]
    versus: dict[str, Versus] = {}
    best_epoch: int | None = None
    epochs: int | None = None


class UserFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found for one catalogue, or a comparison of views over several.

    Args:
        part: that was asked about. reference: the method that others are compared with.
        library: fingerprint of the split. settings: of the split.
        regimes: how many tracks of each. n_held_out: held-out interactions of the part.
        methods: name -> fingerprint. rows: slices are those of :data:`~segue.evaluate.users.QUESTIONS`.
        catalogue: shares of the catalogue, beside which the shares of lists stand.
        histories: figures by epoch. views: the comparison of views.
    """

    kind: str = _KIND
    format_version: int = USERS_VERSION
    part: str
    reference: str | None
    library: str
    settings: dict[str, Any]
    n_users: int
    n_tracks: int
    n_training: int
    n_held_out: int
    regimes: dict[str, int]
    methods: dict[str, str]
    metrics: list[str]
    slices: list[str]
    rows: list[Row]
    not_below: list[NotBelowRow] = []
    fairness: list[Fairness] = []
    catalogue: Shares | None = None
    histories: list[History] = []
    views: list[ViewRow] = []
    notes: list[str] = []

    def row(self, method: str, slice_name: str) -> Row:
        """One row.

        Raises:
            KeyError: there is none.
        """
        return row_in(self.rows, method, slice_name)

    def mean(self, method: str, slice_name: str, metric: str) -> float:
        """One mean, nan where there is none."""
        return mean_in(self.rows, method, slice_name, metric)


def load_user_figures(path: Path | str) -> UserFigures:
    """Read a ``users.json``.

    Raises:
        StoredDataError: it is missing, damaged, or of a newer format.
    """
    what = "report on listeners"
    return load_figures_of(path, UserFigures, kind=_KIND, version=USERS_VERSION, what=what)
