"""A model of moods and a library -> the moods of its lyrics as columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from segue.encode.cache import CachedEncoder
from segue.encode.sentiment import CLASSES, SentimentModel
from segue.errors import InputError
from segue.library import Library
from segue.library.tables import SENTIMENT

__all__ = ["apply_sentiment"]

_BLOCK = 128  # tracks that are scored before they are kept


def apply_sentiment(
    library: Library,
    model: SentimentModel,
    *,
    cache: Path | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Library, dict[str, int]]:
    """Score the lyrics of a library's tracks.

    Tracks without lyrics, and those known to be instrumental, have nulls. Tracks that the same model has scored are
    left as they are; what another model wrote is replaced whole, so that one library holds one model's scores.

    Args:
        cache: folder where vectors of pieces are kept, so that a scoring that was stopped goes on.
        again: score everything anew.

    Returns:
        The library with the columns of :data:`~segue.library.tables.SENTIMENT`, and counts: ``tracks``, ``lyrics``,
        ``scored`` now, ``kept`` from before, and ``instrumental`` left out.

    Raises:
        InputError: no track has lyrics.
    """
    tracks = library.tracks
    if "lyrics" not in tracks.columns:
        raise InputError("the library has no lyrics; add some with 'segue annotate', then score them")
    lyrics: list[str] = tracks["lyrics"].fill_null("").to_list()
    instrumental = np.zeros(library.n_tracks, bool)
    if "lyrics_status" in tracks.columns:
        instrumental = (tracks["lyrics_status"].fill_null("") == "instrumental").to_numpy()
    there = np.array([bool(text.strip()) for text in lyrics], bool)
    wanted = there & ~instrumental
    if not wanted.any():
        raise InputError("no track of the library has lyrics; add some with 'segue annotate', then score them")
    values = np.full((library.n_tracks, len(CLASSES)), np.nan, np.float32)
    same = (library.notes.get("sentiment") or {}).get("model") == model.fingerprint
    kept = np.zeros(library.n_tracks, bool)
    if same and not again and set(SENTIMENT) <= set(tracks.columns):
        before = tracks.select(SENTIMENT).to_numpy()
        kept = wanted & np.isfinite(before).all(1)
        values[kept] = before[kept]
    reading = model if cache is None else replace(model, encoder=CachedEncoder(model.encoder, cache))
    rows = np.flatnonzero(wanted & ~kept)
    for first in range(0, len(rows), _BLOCK):
        part = rows[first : first + _BLOCK]
        values[part] = reading.probabilities([lyrics[row] for row in part.tolist()])
        if progress is not None:
            progress(first + len(part), len(rows))
    columns = pl.DataFrame(
        {name: pl.Series(values[:, i], dtype=pl.Float32).fill_nan(None) for i, name in enumerate(SENTIMENT)}
    )
    noted = replace(library.with_track_columns(columns), notes={**library.notes, "sentiment": _noted(model)})
    counts = {"tracks": library.n_tracks, "lyrics": int(there.sum()), "scored": len(rows), "kept": int(kept.sum())}
    return noted, {**counts, "instrumental": int((there & instrumental).sum())}


def _noted(model: SentimentModel) -> dict[str, Any]:
    data = model.manifest.get("data") or {}
    return {
        "model": model.fingerprint,
        "trained_on": data.get("label"),
        "classes": [CLASSES[c] for c in model.present],
    }
