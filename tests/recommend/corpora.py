"""Small random and planted libraries, and dense ways to compute what the modules compute sparsely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from segue.library import Interactions, Library
from segue.recommend.titles import TitleTable


def library_of(
    playlists: Sequence[tuple[str, Sequence[int]]],
    *,
    artists: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    n_tracks: int | None = None,
) -> Library:
    """Playlists as (title, track rows)."""
    n = n_tracks or (len(artists) if artists else 1 + max(max(rows, default=0) for _, rows in playlists))
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(n)],
            "name": list(names or [f"Song {i}" for i in range(n)]),
            "artist": list(artists or [f"Artist {i}" for i in range(n)]),
        }
    )
    table = pl.DataFrame(
        {"playlist_id": [str(i) for i in range(len(playlists))], "title": [title for title, _ in playlists]}
    )
    return Library(tracks, table, Interactions.of([rows for _, rows in playlists], n_columns=n))


def random_library(
    rng_key: int, *, n_playlists: int = 90, n_tracks: int = 60, n_titles: int = 25, lengths: tuple[int, int] = (1, 12)
) -> Library:
    """Titles are single made-up words; some playlists have none, or no tracks, or a track twice."""
    rng = np.random.default_rng(rng_key)
    words = ["".join(rng.choice(list("abcdefghijklm"), rng.integers(3, 9))) + str(i) for i in range(n_titles)]
    playlists: list[tuple[str, list[int]]] = []
    for _ in range(n_playlists):
        rows = rng.choice(n_tracks, rng.integers(*lengths), replace=False).tolist()
        playlists.append((str(rng.choice(words)), rows))
    playlists[3] = ("", playlists[3][1])
    playlists[7] = (playlists[7][0], [])
    playlists[11] = (playlists[11][0], playlists[11][1] * 2)
    return library_of(playlists, n_tracks=n_tracks)


def dense(library: Library) -> NDArray[np.float64]:
    """Binary playlist x track matrix."""
    x = np.zeros((library.n_playlists, library.n_tracks))
    for j in range(library.n_playlists):
        x[j, library.playlist_tracks.row(j)] = 1
    return x


def members(titles: TitleTable) -> NDArray[np.float64]:
    """Title x playlist, rows summing to 1."""
    m = np.zeros((len(titles), titles.playlists.n_columns))
    for u in range(len(titles)):
        for j in titles.playlists.row(u):
            m[u, j] = 1 / titles.counts[u]
    return m


def random_csr(rng: np.random.Generator, shape: tuple[int, int], part: float = 0.3) -> csr_matrix:
    return csr_matrix((rng.random(shape) * (rng.random(shape) < part)).astype(np.float32))
