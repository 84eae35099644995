"""Playlists as JSON lines -> piece: one object a line, as crawlers and exporters of whole collections write them.

Every field may be missing or null, fields not named here are skipped unread, and what has several usual names
is read under each: ``title`` or ``name``, ``playlist_id``, ``pid`` or ``id``, ``tracks`` of objects or of addresses.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import msgspec

from segue.errors import SourceError
from segue.sources.cells import seconds
from segue.sources.json_text import decode_json
from segue.sources.piece import TRACK_FIELDS, Piece, first_rows, number_of, piece_of
from segue.sources.text import track_id_of

__all__ = ["read_playlists_jsonl"]


class _Named(msgspec.Struct, gc=False):
    """An artist or an album that is an object instead of a name."""

    name: str | None = None


Name: TypeAlias = str | _Named | None
Number: TypeAlias = int | float | str | None


class _Track(msgspec.Struct, gc=False):
    track_uri: str | None = None
    uri: str | None = None
    track_id: str | int | None = None
    id: str | int | None = None
    track_name: str | None = None
    name: str | None = None
    title: str | None = None
    artist_name: str | None = None
    artist: Name = None
    artists: list[Name] | str | None = None
    artist_uri: str | None = None
    album_name: str | None = None
    album: Name = None
    album_uri: str | None = None
    length: Number = None
    duration_ms: Number = None
    explicit: bool | None = None


class _Playlist(msgspec.Struct):
    tracks: list[_Track | str | None] | None = None
    playlist_id: str | int | None = None
    pid: str | int | None = None
    id: str | int | None = None
    title: str | None = None
    name: str | None = None
    description: str | None = None
    collaborative: bool | None = None
    num_followers: int | None = None


_Row: TypeAlias = dict[str, str | int | bool | None]
_NO_LENGTH = "lengths that are no time, dropped"


def read_playlists_jsonl(data: bytes, *, label: str) -> Piece:
    """Read a file of playlists: bytes -> columns. Pure: the same bytes give the same piece.

    The first of several artists is the track's artist. A bare Spotify id is read as an address, so that a track meets
    itself in other sources.

    Raises:
        SourceError: a line is damaged or of another shape, or no line has tracks; says which line.
    """
    notes: Counter[str] = Counter()
    ids: list[str] = []
    rows: list[_Row] = []
    playlists: dict[str, list[str | int | bool | None]] = {
        name: [] for name in ("playlist_id", "title", "description", "collaborative", "num_followers")
    }
    lengths: list[int] = []
    for number, playlist in _lines(data, label, notes):
        if playlist.tracks is None:
            notes["playlists without a list of tracks, left out"] += 1
            continue
        before = len(ids)
        for given in playlist.tracks:
            row = _row(given, notes)
            if row is None:
                notes["rows without a track uri or name, left out"] += 1
            else:
                ids.append(str(row["track_id"]))
                rows.append(row)
        lengths.append(len(ids) - before)
        own = _first(playlist.playlist_id, playlist.pid, playlist.id)
        playlists["playlist_id"].append(f"{label}#{number}" if own is None else own)
        playlists["title"].append(_first(playlist.title, playlist.name))
        playlists["description"].append(playlist.description)
        playlists["collaborative"].append(playlist.collaborative)
        playlists["num_followers"].append(playlist.num_followers)
    if not lengths:
        raise SourceError("no line is a playlist: none has a list called 'tracks'", path=label)
    codes, distinct = number_of(ids)
    merged = [rows[i] for i in first_rows(codes, len(distinct)).tolist()]
    for code, row in zip(codes.tolist(), rows, strict=True):  # what the first occurrence lacks, a later one may have
        first = merged[code]
        for field, value in row.items():
            if first[field] is None and value is not None:
                first[field] = value
    return piece_of(
        label,
        "jsonl",
        track_ids=distinct,
        tracks={field: [row.get(field) for row in merged] for field in TRACK_FIELDS},
        playlists=playlists,
        lengths=lengths,
        indices=codes,
        notes=notes,
    )


def _lines(data: bytes, label: str, notes: Counter[str]) -> list[tuple[int, _Playlist]]:
    """Line number, from 1, and playlist; empty lines are passed over."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    decoder = msgspec.json.Decoder(_Playlist)
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, decode_json(line, decoder, path=label, notes=notes)))
        except SourceError as error:
            where = f"line {number}" + (f", {error.position}" if error.position else "")
            raise SourceError(error.reason, path=label, position=where) from error
    if not found:
        raise SourceError("the file is empty", path=label, position="line 1")
    return found


def _row(given: _Track | str | None, notes: Counter[str]) -> _Row | None:
    """The fields of a track; None where nothing says which track it is."""
    track = _Track(uri=given) if isinstance(given, str) else given or _Track()
    name = _first(track.track_name, track.name, track.title)
    listed = [track.artists] if isinstance(track.artists, str) else track.artists or []
    artist = _first(track.artist_name, *map(_name, [track.artist, *listed]))
    address = _first(track.track_uri, track.uri, track.track_id, track.id)
    track_id = track_id_of(address, name, artist)
    if track_id is None:
        return None
    return {
        "track_id": track_id,
        "name": name,
        "artist": artist,
        "artist_id": _first(track.artist_uri),
        "album": _first(track.album_name, _name(track.album)),
        "album_id": _first(track.album_uri),
        "duration_ms": _duration(track, notes),
        "explicit": track.explicit,
    }


def _name(value: Name) -> str | None:
    return value.name if isinstance(value, _Named) else value


def _first(*values: str | int | None) -> str | None:
    """The first value that says something."""
    for value in values:
        if value is not None and str(value).strip():
            return str(value)
    return None


def _duration(track: _Track, notes: Counter[str]) -> int | None:
    """Milliseconds; ``length`` is seconds or "m:ss"."""
    try:
        if track.duration_ms is not None:
            return int(float(track.duration_ms))
        return None if track.length is None else seconds(str(track.length))
    except (ValueError, OverflowError):
        notes[_NO_LENGTH] += 1
        return None
