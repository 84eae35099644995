"""A catalogue in which the right neighbours are known: tracks of one group share playlists, sound and words."""

from __future__ import annotations

import numpy as np
import polars as pl

from segue.encode.autoencoder import AutoencoderSpec
from segue.library import Interactions, Library
from segue.library.tables import AUDIO_FEATURES
from segue.systems.track_settings import TrackSettings
from segue.train.autoencoder import AutoencoderSettings
from segue.train.track_vectors import TrackVectorSettings

QUICK = TrackSettings(
    audio=AutoencoderSpec.of(4, (8,)),
    lyrics=AutoencoderSpec.of(5, (12,)),
    autoencoder=AutoencoderSettings(epochs=4, steps_per_epoch=20),
    vectors=TrackVectorSettings(d=12, hidden=16, artist_d=8, text_directions=24, epochs=3, least_steps=60),
    clusters=6,
)
N_GROUPS = 6
WORDS = ("river", "engine", "candle", "winter", "dancer", "copper")


def planted_tracks(
    *,
    per_group: int = 40,
    n_playlists: int = 150,
    lyrics: bool = False,
    features: bool = True,
    rng_key: int = 0,
    noise: float = 0.15,
) -> tuple[Library, np.ndarray]:
    """The library and the group of each track, int ``(n_tracks,)``.

    A playlist holds eight tracks of one group. Sound follows the group with ``noise``; a group has five artists.
    """
    rng = np.random.default_rng(rng_key)
    n = N_GROUPS * per_group
    group = np.arange(n) % N_GROUPS
    place = np.arange(n) // N_GROUPS
    centres = rng.random((N_GROUPS, len(AUDIO_FEATURES)))
    columns: dict[str, object] = {
        "track_id": [f"t{i}" for i in range(n)],
        "name": [f"{WORDS[g]} {WORDS[(g + p) % N_GROUPS]} {p}" for g, p in zip(group, place, strict=True)],
        "artist": [f"Artist {g}-{p % 5}" for g, p in zip(group, place, strict=True)],
    }
    if features:
        sound = centres[group] + rng.normal(0, noise, (n, len(AUDIO_FEATURES)))
        columns |= {name: sound[:, i].tolist() for i, name in enumerate(AUDIO_FEATURES)}
    if lyrics:
        # every third track has none
        columns["lyrics"] = [
            None if place[i] % 3 == 0 else " ".join(rng.choice([WORDS[group[i]], "la", "oh"], 30).tolist())
            for i in range(n)
        ]
    rows = []
    for _ in range(n_playlists):
        mine = np.flatnonzero(group == rng.integers(N_GROUPS))
        rows.append(rng.choice(mine, 8, replace=False))
    playlists = pl.DataFrame(
        {"playlist_id": [f"p{i}" for i in range(n_playlists)], "title": [f"list {i}" for i in range(n_playlists)]}
    )
    return Library(pl.DataFrame(columns), playlists, Interactions.of(rows, n_columns=n)), group
