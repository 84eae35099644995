"""A player's tracks and playlists -> a library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from segue.errors import InputError
from segue.library import Library
from segue.services.base import NotAllowed, NotThere
from segue.services.players.base import Player, PlayerPlaylist, PlayerTrack
from segue.sources.assemble import Assembly
from segue.sources.piece import piece_of

__all__ = ["pull"]


def pull(
    player: Player,
    *,
    playlists_only: bool = False,
    public: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Library:
    """Make a library of what a person has in a player; ``library.notes["pull"]`` says what came and what did not.

    Tracks carry ISRC and MusicBrainz recording (columns ``isrc`` and ``mbid``) where the player knows them. Playlists
    that are shown but may not be read are left out and counted.

    Args:
        playlists_only: whether only tracks of playlists come.
        public: marks the library as one whose titles anybody may see.
        progress: is called with (done, total, what is done).

    Raises:
        InputError: there is no track at all.
        ServiceError: the player failed; nothing was made.
    """
    say = progress or (lambda done, total, what: None)
    closed = other = 0
    playlists: list[PlayerPlaylist] = []
    refs = player.playlists()
    for done, ref in enumerate(refs):
        say(done, len(refs), "reading playlists")
        try:
            found = player.read(ref.playlist_id)
        except (NotAllowed, NotThere):
            if ref.own:
                raise
            closed += 1
            continue
        other += found.n_other
        playlists.append(found)
    tracks: list[PlayerTrack] = [held for found in playlists for held in found.tracks]
    if not playlists_only:
        for held in player.library():
            tracks.append(held)
            if len(tracks) % 100 == 0:
                say(len(tracks), len(tracks), "reading tracks")
    named = [held for held in tracks if held.track.name or held.mbid or held.isrc]
    if not named:
        raise InputError(f"{player.name} holds no track that can be pulled")
    library = _library(player.name, playlists, tracks, public=public)
    notes = {
        "player": player.name,
        "playlists": len(playlists),
        "playlists_closed": closed,
        "entries_that_are_no_tracks": other,
        "tracks": library.n_tracks,
        "in_playlists": len(np.unique(library.playlist_tracks.indices)),
    }
    return replace(library, notes={**library.notes, "pull": notes})


def _library(name: str, playlists: list[PlayerPlaylist], tracks: list[PlayerTrack], *, public: bool) -> Library:
    lengths = [len(found.tracks) for found in playlists]
    columns: dict[str, list[Any]] = {
        field: [getattr(held.track, field) for held in tracks]
        for field in ("name", "artist", "album", "year", "duration_ms", "explicit", "location")
    }
    columns["genre"] = [held.genre for held in tracks]
    piece = piece_of(
        name,
        name,
        track_ids=[held.track.track_id for held in tracks],
        tracks=columns,
        playlists={
            "playlist_id": [f"{name}:playlist:{found.ref.playlist_id}" for found in playlists],
            "title": [found.ref.title for found in playlists],
            "description": [found.description for found in playlists],
        },
        lengths=lengths,
        indices=np.arange(sum(lengths), dtype=np.int32),
        notes=Counter(),
    )
    assembly = Assembly()
    assembly.add(piece)
    library = assembly.library(public=public, notes={"ingest_notes": dict(assembly.notes)})
    keys = pl.DataFrame(
        {
            "track_id": piece.track_ids,
            "isrc": [held.isrc for held in tracks],
            "mbid": [held.mbid for held in tracks],
        },
        schema={"track_id": pl.String, "isrc": pl.String, "mbid": pl.String},
    )
    first = keys.group_by("track_id", maintain_order=True).agg(pl.all().drop_nulls().first())
    columns_of = library.tracks.select("track_id").join(first, on="track_id", how="left", maintain_order="left")
    known = [column for column in ("isrc", "mbid") if columns_of[column].null_count() < columns_of.height]
    return library.with_track_columns(columns_of.select(known)) if known else library
