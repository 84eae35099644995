"""Listeners of a few groups, each with tracks of its own that its words give away."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Interactions, Library

WORDS = ("reggae", "techno", "opera", "bluegrass")


def planted_listeners(
    n_users: int = 80, per_group: int = 30, share: float = 0.4, key: int = 0
) -> tuple[Library, NDArray[np.int64], NDArray[np.int64]]:
    """A library, the group of each user and the group of each track.

    A user loves a random share of the group's tracks and one other track. Track names hold the group's word, artists
    belong to a group, tags say nothing of some tracks, and every other user has a country of their group.
    """
    rng = np.random.default_rng(key)
    n_tracks = per_group * len(WORDS)
    track_group = rng.permutation(np.repeat(np.arange(len(WORDS)), per_group))
    user_group = np.arange(n_users) % len(WORDS)
    rows = []
    for group in user_group.tolist():
        own = np.flatnonzero(track_group == group)
        rows.append([*rng.permutation(own)[: int(share * per_group)].tolist(), int(rng.integers(n_tracks))])
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(n_tracks)],
            "name": [f"{WORDS[g]} number {i}" for i, g in enumerate(track_group.tolist())],
            "artist": [f"{WORDS[g]} artist {i % 5}" for i, g in enumerate(track_group.tolist())],
            "tags": [f"{WORDS[g]}; seen live" if i % 3 else None for i, g in enumerate(track_group.tolist())],
        }
    )
    users = pl.DataFrame(
        {
            "user_id": [f"user:{i:04d}" for i in range(n_users)],
            "country": [f"country {g}" if i % 2 else None for i, g in enumerate(user_group.tolist())],
        }
    )
    library = Library(
        tracks,
        pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String}),
        Interactions.of([], n_columns=n_tracks),
        users,
        Interactions.of(rows, n_columns=n_tracks),
    )
    return library, user_group, track_group


def planted_text(track_group: NDArray[np.int64], d: int = 16, key: int = 0) -> NDArray[np.float32]:
    """Text vectors that are near inside a group, float32 ``(n, d)``, unit rows."""
    rng = np.random.default_rng(key)
    centres = rng.standard_normal((len(WORDS), d))
    vectors = centres[track_group] + 0.5 * rng.standard_normal((len(track_group), d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
