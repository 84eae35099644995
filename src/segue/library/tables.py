"""The columns that a library's tables may have, by fixed name and type."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from segue.errors import StoredDataError

__all__ = [
    "ANALYSIS_FEATURES",
    "AUDIO_FEATURES",
    "LYRICS_STATUS",
    "OPTIONAL_PLAYLIST_COLUMNS",
    "OPTIONAL_TRACK_COLUMNS",
    "PLAYLIST_COLUMNS",
    "SENTIMENT",
    "TRACK_COLUMNS",
    "USER_COLUMNS",
    "conform",
]

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

# What a track may also carry. These columns exist only where a source gave them, so a library of playlists alone
# stays as small as it was; where they exist, they have these types, and every value may be null.
AUDIO_FEATURES = (
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
    "liveness", "valence", "tempo", "time_signature",
)  # fmt: skip
"""Spotify's twelve, in Spotify's units: [0, 1], but key -1 to 11 (-1: none), loudness in dB, mode 0 or 1, tempo in
beats a minute, time_signature in beats a bar."""
ANALYSIS_FEATURES = (
    "num_samples", "analysis_sample_rate", "analysis_channels", "end_of_fade_in", "start_of_fade_out",
    "analysis_loudness", "tempo_confidence", "time_signature_confidence", "key_confidence", "mode_confidence",
)  # fmt: skip
"""Ten fields of Spotify's audio analysis; its loudness is called ``analysis_loudness`` here."""
SENTIMENT = ("sentiment_negative", "sentiment_neutral", "sentiment_positive")
"""Probabilities of the mood of the lyrics; they add up to 1."""
LYRICS_STATUS = ("found", "instrumental", "not_found", "blocked", "error")
"""What became of a look-up of lyrics; null where nobody looked."""
OPTIONAL_TRACK_COLUMNS: Mapping[str, type[pl.DataType]] = {
    **dict.fromkeys((*AUDIO_FEATURES, *ANALYSIS_FEATURES, *SENTIMENT), pl.Float32),
    "lyrics": pl.String,
    "lyrics_status": pl.String,  # one of LYRICS_STATUS
    "lyrics_source": pl.String,
    "summary": pl.String,  # about 25 words
    "tags": pl.String,  # separated by "; ", the most given first
    "isrc": pl.String,
    "mbid": pl.String,  # of the recording at MusicBrainz
    # of files of one's own
    "album_artist": pl.String,
    "track_number": pl.Int32,
    "file_size": pl.Int64,
    "file_mtime_ns": pl.Int64,
}

OPTIONAL_PLAYLIST_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "written": pl.String,  # a description that nobody wrote by hand; ``description`` is what its makers wrote
    "written_by": pl.String,  # "extractive-1", or a model with its prompt's version
    "themes": pl.String,  # these five separated by "; ", the most fitting first
    "genres": pl.String,
    "activities": pl.String,
    "eras": pl.String,
    "artists": pl.String,
}
_NONE: Mapping[str, type[pl.DataType]] = {}


def conform(
    table: pl.DataFrame,
    columns: Mapping[str, type[pl.DataType]],
    what: str,
    optional: Mapping[str, type[pl.DataType]] = _NONE,
) -> pl.DataFrame:
    """Give a table all fixed columns with their types; further columns are kept behind them.

    Args:
        optional: types of columns that may be among the further ones.

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
    extra = [
        pl.col(name).cast(optional[name]) if name in optional else pl.col(name)
        for name in table.columns
        if name not in columns
    ]
    try:
        table = table.select(*fixed, *extra)
    except pl.exceptions.PolarsError as error:
        raise StoredDataError(f"the table of {what} has a column of the wrong type: {error}") from error
    if table[key].null_count():
        raise StoredDataError(f"the table of {what} has rows without {key}")
    if table[key].n_unique() != table.height:
        raise StoredDataError(f"the table of {what} repeats a {key}")
    return table
