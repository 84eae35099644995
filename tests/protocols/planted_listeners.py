"""Listeners with planted tastes: the right tracks are known, unheard ones by their artists and their texts alone."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Interactions, Library

TASTES, ARTISTS_EACH, TRACKS_EACH = 4, 5, 8
N_TRACKS = TASTES * ARTISTS_EACH * TRACKS_EACH
COUNTRIES = ("DE", "FR", "FI", None)
WORDS = ("rain river stone", "neon motor beat", "prayer choir light", "ocean samba sun")


def taste_of(rows: NDArray[np.integer]) -> NDArray[np.integer]:
    return np.asarray(rows) // (ARTISTS_EACH * TRACKS_EACH)


def planted_listeners(n_users: int = 120, loved: int = 16, *, name: str = "{}", notes: bool = True) -> Library:
    """Each user loves tracks of one taste; those of two favourite artists twice as often."""
    rng = np.random.default_rng(0)
    rows = np.arange(N_TRACKS)
    artists = rows // TRACKS_EACH
    users = []
    for user in range(n_users):
        taste = user % TASTES
        own = rows[taste_of(rows) == taste]
        favourites = rng.choice(np.unique(artists[own]), 2, replace=False)
        weight = np.where(np.isin(artists[own], favourites), 6.0, 1.0)
        users.append(rng.choice(own, loved, replace=False, p=weight / weight.sum()))
    words = [WORDS[taste].split() for taste in taste_of(rows)]
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{row}" for row in rows],
            "name": [name.format(f"{own[row % 3]} {row}") for row, own in zip(rows, words, strict=True)],
            "artist": [name.format(f"artist {artist}") for artist in artists],
            "summary": [f"a song of {' '.join(own)} and number {row}" for row, own in zip(rows, words, strict=True)],
        }
    )
    people = pl.DataFrame(
        {"user_id": [f"u{i}" for i in range(n_users)], "country": [COUNTRIES[i % TASTES] for i in range(n_users)]}
    )
    return Library(
        tracks,
        pl.DataFrame({"playlist_id": [], "title": []}, schema={"playlist_id": pl.String, "title": pl.String}),
        Interactions.of([], n_columns=N_TRACKS),
        people,
        Interactions.of(users, n_columns=N_TRACKS),
        notes={"listeners": {"items": "tracks"}, "demo": "synthetic"} if notes else {},
    )
