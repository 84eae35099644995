"""Two libraries as one: tracks met in both are one row, playlists stay apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from segue.errors import InputError
from segue.library.interactions import Interactions
from segue.library.library import Library

__all__ = ["merge"]


def merge(first: Library, second: Library) -> Library:
    """All playlists of both; rows of the first library keep their numbers, listeners are those of the first.

    Raises:
        InputError: a playlist id occurs in both.
    """
    ids = set(first.playlists["playlist_id"].to_list())
    again = [i for i in second.playlists["playlist_id"].to_list() if i in ids]
    if again:
        raise InputError(f"{len(again)} playlists are there already, among them {again[0]!r}; leave them out")
    known = {track_id: row for row, track_id in enumerate(first.tracks["track_id"].to_list())}
    new_rows = [row for row, track_id in enumerate(second.tracks["track_id"].to_list()) if track_id not in known]
    rows = np.full(second.n_tracks, -1, np.int64)
    rows[new_rows] = np.arange(first.n_tracks, first.n_tracks + len(new_rows))
    old = np.flatnonzero(rows < 0)
    rows[old] = [known[track_id] for track_id in second.tracks["track_id"][old].to_list()]
    tracks = pl.concat([first.tracks, second.tracks[new_rows]], how="diagonal_relaxed")
    indices = np.concatenate([first.playlist_tracks.indices, rows[second.playlist_tracks.indices]])
    indptr = np.concatenate(
        [first.playlist_tracks.indptr, first.playlist_tracks.indptr[-1] + second.playlist_tracks.indptr[1:]]
    )
    user_tracks = first.user_tracks and replace(first.user_tracks, n_columns=tracks.height)
    return Library(
        tracks=tracks,
        playlists=pl.concat([first.playlists, second.playlists], how="diagonal_relaxed"),
        playlist_tracks=Interactions(indptr, indices.astype(np.int32), tracks.height),
        users=first.users,
        user_tracks=user_tracks,
        public=first.public and second.public,
        notes={**first.notes, "merged": [*first.notes.get("merged", []), second.notes]},
    )
