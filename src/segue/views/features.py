"""Numbers of tracks as networks read them: audio features, analysis, sentiment; scaled by the training part alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, StoredDataError
from segue.library.arrays import fingerprint
from segue.library.names import fold
from segue.views.text import Rows, text_column

if TYPE_CHECKING:
    import polars as pl

    from segue.library.library import Library

__all__ = ["CIRCULAR_KEY", "ArtistColumns", "Kind", "Scaler", "feature_columns", "matrix"]

Kind = Literal["minmax", "standard"]
CIRCULAR_KEY = ("key:sin", "key:cos")
"""Columns that can stand in the place of ``key``: eleven is as near to zero as one is."""
_BOUNDS: Mapping[Kind, tuple[float, float]] = {"minmax": (-1.0, 2.0), "standard": (-10.0, 10.0)}


def feature_columns(library: Library, *, sentiment: bool = True, circular_key: bool = False) -> tuple[str, ...]:
    """Columns of numbers that a library's tracks have: Spotify's, analysis, sentiment, duration, our own ``audio_*``.

    Args:
        sentiment: whether the mood of the lyrics is among them.
        circular_key: the key as a point on a circle instead of a number from 0 to 11.

    Returns:
        names of those with a number for at least one track; may be empty.
    """
    from segue.library.tables import ANALYSIS_FEATURES, AUDIO_FEATURES, SENTIMENT

    table = library.tracks
    own = sorted(name for name in table.columns if name.startswith("audio_") and table[name].dtype.is_numeric())
    names = [*AUDIO_FEATURES, "duration_ms", *ANALYSIS_FEATURES, *own, *(SENTIMENT if sentiment else ())]
    there = [name for name in names if name in table.columns and table[name].null_count() < table.height]
    if circular_key and "key" in there:
        place = there.index("key")
        there[place : place + 1] = CIRCULAR_KEY
    return tuple(there)


def matrix(library: Library | pl.DataFrame, columns: Sequence[str], rows: Rows = None) -> NDArray[np.float64]:
    """Numbers of tracks, all of them or the given rows; float64 ``(n, len(columns))``, nan where unknown.

    A column that the table lacks is unknown everywhere, as is a key of -1 and whatever is not finite. ``key:sin`` and
    ``key:cos`` are the key on a circle.

    Raises:
        InputError: a column holds no numbers.
    """
    import polars as pl

    table = library if isinstance(library, pl.DataFrame) else library.tracks
    if rows is not None:
        table = table[np.asarray(rows, np.int64)]
    values = np.full((table.height, len(columns)), np.nan)
    for place, name in enumerate(columns):
        source = "key" if name in CIRCULAR_KEY else name
        if source not in table.columns:
            continue
        column = table[source]
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise InputError(f"the column {name!r} holds no numbers ({column.dtype}); name other feature columns")
        found = column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
        found[~np.isfinite(found)] = np.nan
        if source == "key":
            found[found < 0] = np.nan
        if name in CIRCULAR_KEY:
            angle = found * (2 * np.pi / 12)
            found = np.sin(angle) if name == CIRCULAR_KEY[0] else np.cos(angle)
        values[:, place] = found
    return values


@dataclass(frozen=True, eq=False)
class Scaler:
    """Columns -> comparable numbers, by what the training part shows; unknown ones become the training median.

    Args:
        kind: ``minmax``: training values lie in [0, 1]; ``standard``: they have mean 0 and deviation 1.
        columns: names, ``m`` of them.
        centre: minimum or mean of each, float64 ``(m,)``. span: maximum - minimum or deviation, 1 where it is 0.
        fill: what stands for an unknown value, in the column's unit, float64 ``(m,)``.
        indicators: places of the columns that training rows lack values of, ascending; each gets a column behind the
            features that is 1 where the value is unknown.
    """

    kind: Kind
    columns: tuple[str, ...]
    centre: NDArray[np.float64]
    span: NDArray[np.float64]
    fill: NDArray[np.float64]
    indicators: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.columns),)
        arrays = (self.centre, self.span, self.fill)
        if any(a.shape != shape or a.dtype != np.float64 or not np.isfinite(a).all() for a in arrays):
            raise ValueError("centre, span and fill need a finite number for each column")
        if self.kind not in get_args(Kind) or np.any(self.span <= 0):
            raise ValueError(f"the kind {self.kind!r} or a span is wrong")
        if list(self.indicators) != sorted(set(self.indicators) & set(range(len(self.columns)))):
            raise ValueError("indicators are places of columns, ascending")

    @classmethod
    def fit(
        cls,
        table: Library | pl.DataFrame,
        rows: Rows,
        columns: Sequence[str],
        *,
        kind: Kind = "minmax",
    ) -> Scaler:
        """Look at the given rows, and at no other.

        Raises:
            InputError: no rows, no columns, or a column without numbers.
        """
        return cls.of(matrix(table, columns, rows), columns, kind=kind)

    @classmethod
    def of(cls, values: NDArray[np.floating], columns: Sequence[str], *, kind: Kind = "minmax") -> Scaler:
        """Look at training values, float ``(n, m)`` with nan where unknown.

        Raises:
            InputError: there are none.
        """
        values = np.asarray(values, np.float64)
        if kind not in get_args(Kind):
            raise InputError(f"scaling {kind!r} is unknown; choose one of {', '.join(get_args(Kind))}")
        if not len(columns):
            raise InputError("there is no feature column; ingest a table with audio features first")
        if not len(values):
            raise InputError("there is no training track to scale by; a larger library is needed")
        centre, span, fill = np.zeros(len(columns)), np.ones(len(columns)), np.zeros(len(columns))
        for place in range(len(columns)):
            there = values[:, place]
            there = there[np.isfinite(there)]
            if not len(there):
                continue
            fill[place] = np.median(there)
            centre[place] = there.min() if kind == "minmax" else there.mean()
            width = np.ptp(there) if kind == "minmax" else there.std()
            # a constant column has a deviation of rounding alone
            span[place] = width if width > 1e-12 * max(1.0, float(np.abs(there).max())) else 1.0
        lacking = np.flatnonzero(~np.isfinite(values).all(axis=0))
        return cls(kind, tuple(columns), centre, span, fill, tuple(lacking.tolist()))

    @property
    def n_features(self) -> int:
        """Columns without the indicators."""
        return len(self.columns)

    @property
    def n_outputs(self) -> int:
        """Columns of what :meth:`transform` gives."""
        return len(self.columns) + len(self.indicators)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what :meth:`transform` gives."""
        return (*self.columns, *(f"{self.columns[place]} unknown" for place in self.indicators))

    def transform(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scale values as :func:`matrix` gives them; float32 ``(n, n_outputs)``, finite.

        What lies far outside of the training values (below -1 or above 2 with ``minmax``, beyond ten deviations with
        ``standard``) is set to that bound, so that one wrong number cannot drown all others.

        Raises:
            ValueError: another number of columns.
        """
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.columns):
            raise ValueError(f"values are {values.shape}, the scaler has {len(self.columns)} columns")
        unknown = ~np.isfinite(values)
        filled = np.where(unknown, self.fill, values)
        scaled = np.clip((filled - self.centre) / self.span, *_BOUNDS[self.kind])
        return np.hstack([scaled, unknown[:, list(self.indicators)]]).astype(np.float32)

    def apply(self, table: Library | pl.DataFrame, rows: Rows = None) -> NDArray[np.float32]:
        """:func:`matrix` and :meth:`transform` in one."""
        return self.transform(matrix(table, self.columns, rows))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all numbers and names."""
        return fingerprint("scaler", self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "centre": self.centre.tolist(),
            "span": self.span.tolist(),
            "fill": self.fill.tolist(),
            "indicators": list(self.indicators),
        }

    @classmethod
    def from_json(cls, about: Any) -> Scaler:
        """What :meth:`to_json` gave.

        Raises:
            StoredDataError: something else.
        """
        try:
            return cls(
                kind=cast(Kind, about["kind"]),
                columns=tuple(map(str, about["columns"])),
                centre=np.asarray(about["centre"], np.float64),
                span=np.asarray(about["span"], np.float64),
                fill=np.asarray(about["fill"], np.float64),
                indicators=tuple(map(int, about["indicators"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"the description of a scaler is damaged ({error}); build it again") from error


@dataclass(frozen=True)
class ArtistColumns:
    """The artist as an optional input: one column for each of the most frequent training artists, one for all others.

    Args:
        names: folded names, most frequent first.
    """

    names: tuple[str, ...]

    @classmethod
    def fit(cls, library: Library, rows: Rows, *, most: int = 100) -> ArtistColumns:
        """The artists with most tracks among the given rows; ties by name."""
        counts: dict[str, int] = {}
        for name in map(fold, text_column(library, "artist", rows)):
            if name:
                counts[name] = counts.get(name, 0) + 1
        return cls(tuple(sorted(counts, key=lambda name: (-counts[name], name))[:most]))

    @property
    def n_outputs(self) -> int:
        """Number of columns."""
        return len(self.names) + 1

    @property
    def fingerprint(self) -> str:
        """Digest of the names."""
        return fingerprint("artist columns", list(self.names))

    def apply(self, library: Library, rows: Rows = None) -> NDArray[np.float32]:
        """One-hot rows, float32 ``(n, n_outputs)``; an unknown artist is one of the others."""
        places = {name: place for place, name in enumerate(self.names)}
        found = [places.get(fold(name), len(self.names)) for name in text_column(library, "artist", rows)]
        values = np.zeros((len(found), self.n_outputs), np.float32)
        values[np.arange(len(found)), found] = 1
        return values
