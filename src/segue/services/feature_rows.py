"""The twelve features as services write them."""

from __future__ import annotations

import msgspec

from segue.library.tables import AUDIO_FEATURES

__all__ = ["FeatureRow", "features"]


class FeatureRow(msgspec.Struct):
    """A row of features; what a service does not have is missing or null."""

    danceability: float | None = None
    energy: float | None = None
    key: float | None = None
    loudness: float | None = None
    mode: float | None = None
    speechiness: float | None = None
    acousticness: float | None = None
    instrumentalness: float | None = None
    liveness: float | None = None
    valence: float | None = None
    tempo: float | None = None
    time_signature: float | None = None


def features(row: FeatureRow) -> dict[str, float]:
    """Those that are known, in the order of :data:`~segue.library.tables.AUDIO_FEATURES`."""
    values = ((name, getattr(row, name)) for name in AUDIO_FEATURES)
    return {name: float(value) for name, value in values if value is not None}
