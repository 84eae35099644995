"""Playlists with a topic each, and makers that describe the topic in other words than their titles."""

from __future__ import annotations

import numpy as np
import polars as pl

from segue.library import Interactions, Library

TOPICS = ("rain", "gym", "dinner", "road", "study", "dance", "sleep", "party", "summer", "coffee")


def planted_library(n: int = 120, described: int = 60) -> Library:
    """Track names hold the topic's word and a word of their own; a title holds the topic's word or none."""
    rng = np.random.default_rng(5)
    per_topic = 30
    names = [f"{topic} {word}{i}" for topic in TOPICS for i, word in enumerate(["moon", "river", "light"] * 10)]
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(len(names))],
            "name": names,
            "artist": [f"{TOPICS[i // per_topic]} band {i % 7}" for i in range(len(names))],
        }
    )
    rows, titles, descriptions = [], [], []
    for playlist in range(n):
        topic = playlist % len(TOPICS)
        held = rng.choice(per_topic, 8, replace=False) + topic * per_topic
        rows.append(held.tolist())
        titles.append(f"{TOPICS[topic]} {playlist}" if playlist % 2 else f"mix {playlist}")
        first = names[held[0]].split()[1]
        descriptions.append(
            f"what we hear for {TOPICS[topic]}, with {first} and others" if playlist < described else None
        )
    playlists = pl.DataFrame(
        {"playlist_id": [f"p{i}" for i in range(n)], "title": titles, "description": descriptions},
        schema={"playlist_id": pl.String, "title": pl.String, "description": pl.String},
    )
    return Library(tracks=tracks, playlists=playlists, playlist_tracks=Interactions.of(rows, n_columns=len(names)))
