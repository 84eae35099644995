"""A library with planted themes: titles say the theme, tracks belong to it."""

from __future__ import annotations

import numpy as np
import polars as pl

from segue.library import Interactions, Library

THEMES = ("rock", "folk", "techno", "salsa", "jazz", "metal")
PER_THEME = 120


def planted(n_playlists: int = 300, length: int = 40, *, unique_tracks: bool = False) -> Library:
    """Playlists of one theme each; with ``unique_tracks`` each has a track of its own, at its head."""
    rng = np.random.default_rng(0)
    playlists, titles = [], []
    n_theme_tracks = PER_THEME * len(THEMES)
    for i in range(n_playlists):
        theme = i % len(THEMES)
        tracks = theme * PER_THEME + rng.choice(PER_THEME, length, replace=False)
        if unique_tracks:
            tracks = np.concatenate([[n_theme_tracks + i], tracks])
        playlists.append(tracks)
        titles.append(THEMES[theme] if i % 5 else f"{THEMES[theme]} number {i}")
    n_tracks = n_theme_tracks + (n_playlists if unique_tracks else 0)
    return Library(
        pl.DataFrame(
            {
                "track_id": [f"spotify:track:{i:022d}" for i in range(n_tracks)],
                "name": [f"track <b>{i}</b>" for i in range(n_tracks)],
                "artist": [f"artist {i // 4}" for i in range(n_tracks)],
            }
        ),
        pl.DataFrame({"playlist_id": [f"p{i}" for i in range(n_playlists)], "title": titles}),
        Interactions.of(playlists, n_columns=n_tracks),
    )
