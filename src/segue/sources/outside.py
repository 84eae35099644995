"""What one source says about tracks that are not its own: typed columns, and by what its rows can be found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import polars as pl

from segue.library.tables import ANALYSIS_FEATURES, AUDIO_FEATURES, OPTIONAL_TRACK_COLUMNS, SENTIMENT, TRACK_COLUMNS
from segue.sources.json_text import storable
from segue.sources.text import MAX_CHARACTERS

__all__ = ["ANNOTATED", "MAX_LYRICS", "Finding", "Names", "Outside", "is_descriptor", "outside_of", "type_of"]

MAX_LYRICS = 100_000
"""Characters of lyrics that are kept; the longest song that anybody sang has fewer."""

Names: TypeAlias = tuple[tuple[str, str], ...]
"""(name, artist) of a track, the most likely reading first; a file's name can be read in several ways."""

ANNOTATED: Mapping[str, type[pl.DataType]] = {
    **{name: dtype for name, dtype in TRACK_COLUMNS.items() if name not in ("track_id", "location")},
    **OPTIONAL_TRACK_COLUMNS,
}
"""What an annotation can fill, with its type; besides them descriptors of audio, ``audio_*``, all float32."""

_RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys((*AUDIO_FEATURES, *SENTIMENT), (0.0, 1.0)),
    **dict.fromkeys((name for name in ANALYSIS_FEATURES if name.endswith("_confidence")), (0.0, 1.0)),
    "key": (-1.0, 11.0),
    "loudness": (-100.0, 20.0),  # dB of full scale; clipped masters lie a little above 0
    "analysis_loudness": (-100.0, 20.0),
    "tempo": (1.0, 1_000.0),  # 0 is how "not found" is written
    "time_signature": (0.0, 7.0),
    "num_samples": (1.0, 1e12),
    "analysis_sample_rate": (1.0, 1e7),
    "analysis_channels": (1.0, 64.0),
    "end_of_fade_in": (0.0, 1e6),
    "start_of_fade_out": (0.0, 1e6),
    "audio_average_loudness": (0.0, 1.0),
    "year": (1.0, 9_999.0),
    "duration_ms": (1.0, 2.0**31 - 1),
}
_DESCRIPTOR = re.compile(r"audio_(?!features?_|analysis_)[a-z0-9_]{1,60}")
_ANY = (-3e38, 3e38)  # what a float32 holds
_WHOLE = frozenset({"key", "mode", "time_signature"})


def is_descriptor(name: str) -> bool:
    """Whether a column holds a descriptor of audio that is not Spotify's.

    >>> [is_descriptor(name) for name in ("audio_energy", "energy", "audio_features_energy", "Audio_Energy")]
    [True, False, False, False]
    """
    return _DESCRIPTOR.fullmatch(name) is not None


def type_of(name: str) -> type[pl.DataType]:
    """The type of a column that an annotation can fill."""
    return pl.Float32 if is_descriptor(name) else ANNOTATED[name]


@dataclass(slots=True)
class Finding:
    """One row while it is gathered.

    Args:
        track_id: an address of the track, in any spelling.
        isrc: of the recording.
        stem: path of the file without its ending, where the source is a file beside music.
        popularity: which of several candidates is meant; higher is better known.
        values: column of :data:`ANNOTATED` -> value.
    """

    track_id: str | None = None
    isrc: str | None = None
    names: Names = ()
    stem: str | None = None
    popularity: float | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Outside:
    """Rows of one source.

    Args:
        label: the source's name in reports. format: what it was read as.
        values: ``(n, m)``, columns of :data:`ANNOTATED` with their types; only those that hold something.
        track_ids, isrcs, names, stems, popularity: keys of each row, ``(n,)`` each; unknown ones None or ``()``.
        notes: sentence -> how often, for what was changed or left out.
    """

    label: str
    format: str
    values: pl.DataFrame
    track_ids: list[str | None]
    isrcs: list[str | None]
    names: list[Names]
    stems: list[str | None]
    popularity: list[float | None]
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.names)


def outside_of(
    label: str,
    format: str,
    columns: Mapping[str, Sequence[Any] | pl.Series],
    notes: Counter[str],
    *,
    names: Sequence[Names],
    track_ids: Sequence[str | None] | None = None,
    isrcs: Sequence[str | None] | None = None,
    stems: Sequence[str | None] | None = None,
    popularity: Sequence[float | None] | None = None,
) -> Outside:
    """Rows of a source with clean values: numbers out of range and empty texts are null, and counted in ``notes``.

    Args:
        columns: of :data:`ANNOTATED` or ``audio_*``; numbers, strings or booleans, None where unknown.
    """
    n = len(names)
    none: list[Any] = [None] * n
    made = {name: _clean(name, values, notes) for name, values in columns.items()}
    return Outside(
        label=label,
        format=format,
        values=pl.DataFrame([column for column in made.values() if column.null_count() < n]),
        track_ids=list(track_ids if track_ids is not None else none),
        isrcs=list(isrcs if isrcs is not None else none),
        names=list(names),
        stems=list(stems if stems is not None else none),
        popularity=list(popularity if popularity is not None else none),
        notes=notes,
    )


def _clean(name: str, values: Sequence[Any] | pl.Series, notes: Counter[str]) -> pl.Series:
    dtype = type_of(name)
    if dtype == pl.String:
        most = MAX_LYRICS if name == "lyrics" else MAX_CHARACTERS
        return pl.Series(name, [_text(name, value, most, notes) for value in values], pl.String)
    if dtype == pl.Boolean:
        return pl.Series(name, values, pl.Boolean)
    if isinstance(values, pl.Series):
        column = values.alias(name)
    else:
        column = pl.Series(name, [None if value is None else _number(value) for value in values], pl.Float64)
    low, high = _RANGES.get(name, _ANY)
    inside = column.is_between(low, high)
    if name in _WHOLE:
        inside &= column == column.round()
    bad = column.len() - column.null_count() - int(inside.sum())
    if bad:
        notes[f"{name}: outside {low:g} ... {high:g}, left out"] += bad
        column = column.to_frame().select(pl.when(inside).then(pl.col(name)).alias(name)).to_series()
    return column.cast(dtype)


def _number(value: float) -> float | None:
    """A float; NaN is unknown, and what no float can hold is infinite."""
    try:
        number = float(value)
    except OverflowError:
        return float("inf")
    return None if number != number else number


def _text(name: str, value: str | None, most: int, notes: Counter[str]) -> str | None:
    if value is None:
        return None
    text = storable(value).replace("\0", "\ufffd").strip()
    if len(text) > most:
        notes[f"{name}: longer than {most:,} characters, cut"] += 1
        text = text[:most].rstrip()
    return text or None
