"""Music of one's own as a piece of a library, and the playlists beside it as lists of that music."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Library
from segue.library.names import fold
from segue.sources.local_files import LOCAL_COLUMNS, LocalMusic
from segue.sources.piece import TRACK_FIELDS, Piece, piece_of

__all__ = ["local_piece", "owned_piece", "with_local_columns"]

_LISTS = ("m3u", "xspf", "jspf")


def local_piece(music: LocalMusic) -> Piece:
    """The tracks of files; no playlists."""
    return piece_of(
        "music",
        "audio",
        track_ids=music.tracks["track_id"].to_list(),
        tracks={name: music.tracks[name] for name in LOCAL_COLUMNS if name in TRACK_FIELDS},
        playlists={"playlist_id": [], "title": []},
        lengths=[],
        indices=np.zeros(0, np.int32),
        notes=Counter(),
    )


def owned_piece(piece: Piece, music: LocalMusic) -> Piece:
    """A playlist file beside music: its entries become the files that they name.

    An entry is known by its place, else by name and artist. One that names a file which is not there is left out and
    counted. Sources that name no files stay as they are.
    """
    if piece.format not in _LISTS or not piece.track_ids:
        return piece
    table = piece.gather(np.arange(len(piece.track_ids)))
    by_place, by_name = _by_place(music.tracks), _by_name(music.tracks)
    ids = list(piece.track_ids)
    kept = np.ones(len(ids), bool)
    columns = (table[name].to_list() for name in ("location", "name", "artist"))
    for place, (location, name, artist) in enumerate(zip(*columns, strict=True)):
        found = by_place(location) if location else None
        found = found or by_name.get(f"{fold(name or '')}\t{fold(artist or '')}")
        if found is not None:
            ids[place] = found
        elif location is not None and "://" not in location:
            kept[place] = False
    missing = int((~kept[piece.indices]).sum())
    if missing:
        piece.notes["entries of playlists whose files are not there, left out"] += missing
    return _only(replace(piece, track_ids=ids), kept)


def _only(piece: Piece, kept: NDArray[np.bool_]) -> Piece:
    if kept.all():
        return piece
    stays = kept[piece.indices]
    before = np.append(0, np.cumsum(stays))
    rows = np.flatnonzero(kept)
    new_row = np.cumsum(kept) - 1
    table = piece.gather(rows)
    return replace(
        piece,
        track_ids=[piece.track_ids[row] for row in rows.tolist()],
        gather=lambda wanted: table[wanted],
        indptr=before[piece.indptr].astype(np.int64),
        indices=new_row[piece.indices[stays]].astype(np.int32),
    )


def _by_place(tracks: pl.DataFrame) -> Callable[[str], str | None]:
    """Location -> track id: as written, else without regard to case and to how accents are composed."""

    def loose(place: str) -> str:
        return unicodedata.normalize("NFC", place).casefold()

    exact = dict(zip(tracks["location"].to_list(), tracks["track_id"].to_list(), strict=True))
    alike: dict[str, str | None] = {}
    for place, track_id in exact.items():
        key = loose(place)
        alike[key] = None if key in alike else track_id

    def find(place: str) -> str | None:
        return exact.get(place) or alike.get(loose(place))

    return find


def _by_name(tracks: pl.DataFrame) -> dict[str, str]:
    """Folded "name <tab> artist" -> track id, the first of several."""
    found: dict[str, str] = {}
    columns = (tracks[name].fill_null("").to_list() for name in ("name", "artist", "track_id"))
    for name, artist, track_id in zip(*columns, strict=True):
        found.setdefault(f"{fold(name)}\t{fold(artist)}", track_id)
    return found


def with_local_columns(library: Library, music: LocalMusic) -> Library:
    """The library with what files alone say: ISRC, MusicBrainz id, album artist, number, size and time of change."""
    names = [name for name in LOCAL_COLUMNS if name not in library.tracks.columns]
    joined = library.tracks.select("track_id").join(
        music.tracks.select("track_id", *names), on="track_id", how="left", maintain_order="left"
    )
    return library.with_track_columns(joined.select(names))
