"""The columns that a library's tables may have, by fixed name and type."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from segue.errors import StoredDataError

__all__ = ["PLAYLIST_COLUMNS", "TRACK_COLUMNS", "USER_COLUMNS", "conform"]

# The first column of each table identifies its rows and is never null; all others are nullable.
TRACK_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "track_id": pl.String,
    "name": pl.String,
    "artist": pl.String,
    "artist_id": pl.String,
    "album": pl.String,
    "album_id": pl.String,
    "year": pl.Int16,
    "duration_ms": pl.Int32,
    "explicit": pl.Boolean,
    "genre": pl.String,
    "location": pl.String,  # a path or URL that a player can open
}
PLAYLIST_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "playlist_id": pl.String,
    "title": pl.String,
    "description": pl.String,
    "collaborative": pl.Boolean,
    "modified_at": pl.Int64,  # unix seconds
    "num_followers": pl.Int32,
    "source": pl.String,
}
USER_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "user_id": pl.String,
    "country": pl.String,
}


def conform(table: pl.DataFrame, columns: Mapping[str, type[pl.DataType]], what: str) -> pl.DataFrame:
    """Give a table all fixed columns with their types; further columns are kept behind them.

    Raises:
        StoredDataError: the identifying column is missing, null or repeated, or a type cannot be cast.
    """
    key = next(iter(columns))
    if key not in table.columns:
        raise StoredDataError(f"the table of {what} lacks the column {key!r}")
    fixed = [
        (pl.col(name).cast(dtype) if name in table.columns else pl.lit(None, dtype).alias(name))
        for name, dtype in columns.items()
    ]
    extra = [name for name in table.columns if name not in columns]
    try:
        table = table.select(*fixed, *extra)
    except pl.exceptions.PolarsError as error:
        raise StoredDataError(f"the table of {what} has a column of the wrong type: {error}") from error
    if table[key].null_count():
        raise StoredDataError(f"the table of {what} has rows without {key}")
    if table[key].n_unique() != table.height:
        raise StoredDataError(f"the table of {what} repeats a {key}")
    return table
