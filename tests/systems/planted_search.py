"""Playlists of four topics whose right answers are known."""

from __future__ import annotations

import polars as pl

from segue.library import Interactions, Library

TOPICS = {
    "rain": ("rainy sunday", "Norah Jones", ["Umbrella", "Grey Sky", "Window"], 2002),
    "gym": ("workout power", "Daft Punk", ["Harder", "Stronger", "Faster"], 2007),
    "noel": ("christmas eve", "Bing Crosby", ["White Snow", "Bells", "Sleigh"], 1947),
    "mex": ("noche de fiesta", "Los Lobos", ["La Vida", "El Corazon", "Te Quiero Mucho"], 1995),
}


def planted(public: bool = False, each: int = 6) -> Library:
    """Playlists of four topics; the last of each has a title that nobody else has."""
    tracks, playlists, held = [], [], []
    for topic, (title, artist, names, year) in TOPICS.items():
        first = len(tracks)
        tracks += [(f"{topic}{i}", name, artist, year) for i, name in enumerate(names)]
        for j in range(each):
            rare = j == each - 1
            playlists.append((f"{topic}-{j}", f"{title} zanzibar {topic}" if rare else title, f"secret {topic}"))
            held.append([first + (i + j) % 3 for i in range(1 + j % 3)])
    return Library(
        pl.DataFrame(tracks, ("track_id", "name", "artist", "year"), orient="row"),
        pl.DataFrame(playlists, ("playlist_id", "title", "description"), orient="row"),
        Interactions.of(held, n_columns=len(tracks)),
        public=public,
    )
