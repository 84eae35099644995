"""The demo as a library of songs and listeners: catalogue, synthetic playlists, features, texts and loved tracks.

The recordings are real. Playlists, audio features, lyrics, summaries, tags and listeners are synthetic, and the
library's notes say so.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from segue.errors import OutputError
from segue.library import Interactions, Library
from segue.library.arrays import write_bytes
from segue.library.tables import AUDIO_FEATURES
from segue.sources.demo.catalogue import catalogue
from segue.sources.demo.features import features_table
from segue.sources.demo.generate import generate, write
from segue.sources.demo.listeners import listeners
from segue.sources.demo.verses import songs_table
from segue.sources.listeners import listeners_library
from segue.sources.spreadsheet import csv_bytes

__all__ = ["SONGS_NOTE", "songs_library", "write_songs"]

SONGS_NOTE: Final = (
    "synthetic: the recordings are real, but playlists, audio features, lyrics, summaries, tags and listeners are "
    "drawn by segue.sources.demo; no person made, measured, sang or loved any of it"
)


def songs_library(n_playlists: int = 2_000, n_listeners: int = 400, *, rng_key: int = 2026) -> Library:
    """All that the demo knows, in memory: every track of the catalogue in its order, in a playlist or not.

    Raises:
        InputError: an argument is negative.
    """
    rows = {track.track_id: row for row, track in enumerate(catalogue())}
    playlists = list(generate(n_playlists, rng_key=rng_key))
    library = Library(
        tracks=tracks_table(rng_key=rng_key),
        playlists=pl.DataFrame(
            {
                "playlist_id": [str(p["pid"]) for p in playlists],
                "title": [p["name"] for p in playlists],
                "description": [p.get("description") for p in playlists],
                "collaborative": [p["collaborative"] == "true" for p in playlists],
                "modified_at": [p["modified_at"] for p in playlists],
                "num_followers": [p["num_followers"] for p in playlists],
                "source": ["synthetic"] * len(playlists),
            },
            schema_overrides={"description": pl.String, "title": pl.String},
        ),
        playlist_tracks=Interactions.of(
            [np.array([rows[t["track_uri"]] for t in p["tracks"]], np.int32) for p in playlists], n_columns=len(rows)
        ),
        public=True,
        notes={"synthetic": SONGS_NOTE, "rng_key": rng_key},
    )
    if not n_listeners:
        return library
    people = list(listeners(n_listeners, rng_key=rng_key))
    return listeners_library(people, base=library, notes={"source": "synthetic"})


@functools.lru_cache(maxsize=2)
def tracks_table(*, rng_key: int = 2026) -> pl.DataFrame:
    """The catalogue as a track table, with the synthetic columns behind the real ones."""
    tracks = catalogue()
    fields = ("track_id", "name", "artist", "artist_id", "year", "duration_ms", "genre")
    real = pl.DataFrame({field: [getattr(track, field) for track in tracks] for field in fields})
    return pl.concat([real, features_table(rng_key=rng_key), songs_table(rng_key=rng_key)], how="horizontal")


def write_songs(
    folder: Path, n_playlists: int = 2_000, n_listeners: int = 400, *, rng_key: int = 2026
) -> dict[str, Path]:
    """Write the same as files, as a user would have them: what to ingest, to annotate with, and the listeners.

    Returns:
        "playlists" (a folder of slices), "tracks", "features", "lyrics", "summaries" and "listeners" (CSV).

    Raises:
        OutputError: a place cannot be written to, or the folder holds other things.
        InputError: an argument is negative.
    """
    table = tracks_table(rng_key=rng_key)
    keys = ("track_id", "name", "artist")
    places = {name: folder / f"{name}.csv" for name in ("tracks", "features", "lyrics", "summaries", "listeners")}
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / "playlists").is_dir():
            raise OutputError(f"{folder} holds other things; choose an empty folder")
        write(folder / "playlists", n_playlists, rng_key=rng_key)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another place") from error
    known = table.filter(pl.col("tempo").is_not_null())
    _csv(places["tracks"], table.select(*keys, "genre", "year", "tags"))
    rounded = [pl.col(name).cast(pl.Float64).round(4) for name in AUDIO_FEATURES]
    _csv(places["features"], known.select(*keys, *rounded))
    _csv(places["lyrics"], table.select(*keys, "lyrics", "lyrics_status", "lyrics_source"))
    _csv(places["summaries"], table.filter(pl.col("summary").is_not_null()).select(*keys, "summary"))
    rows = [
        (person.user, track.name, track.artist, track.track_id, person.country, rank)
        for person in listeners(n_listeners, rng_key=rng_key)
        for rank, track in enumerate(person.tracks, start=1)
    ]
    header = ("user", "track", "artist", "track_id", "country", "rank")
    write_bytes(places["listeners"], csv_bytes(header, rows))
    return {"playlists": folder / "playlists", **places}


def _csv(path: Path, table: pl.DataFrame) -> None:
    write_bytes(path, csv_bytes(table.columns, table.iter_rows()))
