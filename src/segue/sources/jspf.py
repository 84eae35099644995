"""JSPF, the JSON form of XSPF: read and write. It carries every text exactly, but for lone surrogates (U+FFFD)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from segue.library.catalogue import Track
from segue.sources.addresses import address_of, uri_of
from segue.sources.entries import Entry, track_of
from segue.sources.json_text import decode_json, storable

__all__ = ["read_jspf", "write_jspf"]


class _Track(msgspec.Struct):
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: int | float | None = None
    identifier: str | list[str] | None = None
    location: str | list[str] | None = None
    meta: list[dict[str, Any]] | None = None


class _Playlist(msgspec.Struct):
    track: list[_Track]
    title: str | None = None
    annotation: str | None = None


class _Document(msgspec.Struct):
    playlist: _Playlist


def write_jspf(title: str, tracks: Sequence[Track], *, description: str | None = None) -> bytes:
    """Write a JSPF, indented."""
    playlist: dict[str, Any] = {"title": storable(title)}
    if description:
        playlist["annotation"] = storable(description)
    playlist["track"] = [_json(track) for track in tracks]
    return msgspec.json.format(msgspec.json.encode({"playlist": playlist}), indent=1) + b"\n"


def _json(track: Track) -> dict[str, Any]:
    meta = []
    if track.year is not None:
        meta.append({"urn:segue:year": str(track.year)})
    if track.explicit is not None:
        meta.append({"urn:segue:explicit": str(track.explicit).lower()})
    said = {
        "location": [storable(uri_of(track.location))] if track.location else None,
        "identifier": [address_of(track.track_id)],
        "title": storable(track.name),
        "creator": storable(track.artist),
        "album": storable(track.album) if track.album else None,
        "duration": track.duration_ms,
        "meta": meta,
    }
    return {key: value for key, value in said.items() if value not in (None, "", [])}


def read_jspf(
    data: bytes, *, label: str, base: Path | None, notes: Counter[str]
) -> tuple[str | None, str | None, list[Track]]:
    """Read a JSPF: title, annotation, tracks.

    Raises:
        SourceError: damaged, cut off, or of another schema.
    """
    playlist = decode_json(data, msgspec.json.Decoder(_Document), path=label, notes=notes).playlist
    tracks = []
    for track in playlist.track:
        entry = Entry(
            title=track.title or "",
            creator=track.creator or "",
            album=track.album or "",
            duration_ms=None if track.duration is None else round(track.duration),
            identifiers=_list(track.identifier),
            locations=_list(track.location),
        )
        for pairs in track.meta or []:
            entry.meta.update({key: str(value) for key, value in pairs.items()})
        tracks.append(track_of(entry, base))
    return playlist.title, playlist.annotation, tracks


def _list(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value
