"""Songs whose features lie on a bent line, and playlists of those that are near to each other on it."""

from __future__ import annotations

import numpy as np
import polars as pl

from segue.library import Interactions, Library

WORDS = ("river", "engine", "garden", "winter", "city", "lamp", "ocean", "stone")


def planted(n: int = 300, n_playlists: int = 60, *, lyrics: bool = True, rng_key: int = 0) -> Library:
    rng = np.random.default_rng(rng_key)
    place = rng.uniform(0, 1, n)  # of each track on the line: the one thing that there is to know

    def noisy(values):
        return np.clip(values + 0.01 * rng.normal(size=n), 0, 1)

    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(n)],
            "name": [f"Track {i}" for i in range(n)],
            "artist": [f"Artist {int(p * 20)}" for p in place],
            "energy": noisy(place),
            "valence": noisy(0.5 + 0.5 * np.sin(6 * place)),
            "danceability": noisy(0.5 + 0.5 * np.cos(6 * place)),
            "acousticness": noisy((place - 0.5) ** 2 * 4),
            "key": (place * 11.9).astype(int).astype(float),
            "loudness": -60 + 60 * noisy(np.sin(3 * place)),
            "duration_ms": rng.integers(100_000, 300_000, n),
            "sentiment_negative": noisy(1 - place),
            "sentiment_neutral": np.full(n, 0.1),
            "sentiment_positive": noisy(place),
        }
    )
    missing = rng.random(n) < 0.1
    tracks = tracks.with_columns(pl.when(pl.Series(missing)).then(None).otherwise(pl.col("valence")).alias("valence"))
    if lyrics:
        told = [" ".join(rng.choice(WORDS[int(p * 6) : int(p * 6) + 3], 12)) for p in place]
        tracks = tracks.with_columns(pl.Series("lyrics", told))
    order = np.argsort(place)
    middles = rng.integers(0, n, n_playlists)
    rows = [order[max(0, m - 12) : m + 12] for m in middles]
    playlists = pl.DataFrame(
        {"playlist_id": [str(i) for i in range(n_playlists)], "title": [f"mood {i}" for i in range(n_playlists)]}
    )
    return Library(tracks, playlists, Interactions.of(rows, n_columns=n))
