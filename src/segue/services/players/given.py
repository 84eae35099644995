"""The playlist that is to be pushed: a file of a player, or what a command of Segue has just printed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from segue.errors import InputError, SourceError
from segue.library.catalogue import Track
from segue.sources.json_text import decode_json
from segue.sources.jspf import read_jspf
from segue.sources.m3u import read_m3u
from segue.sources.playlist_files import PlaylistFile, read_playlist
from segue.sources.text import decode, file_title, name_id
from segue.sources.xspf import read_xspf

__all__ = ["given_playlist", "playlist_of"]

_MOST_BYTES = 64 << 20


class _Line(msgspec.Struct):
    name: str | None = None
    artist: str | None = None
    track_id: str | None = None
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    explicit: bool | None = None


class _Query(msgspec.Struct):
    title: str | None = None


class _List(msgspec.Struct):
    """What ``segue recommend --json`` prints, and what it writes into a .json file."""

    tracks: list[_Line]
    title: str | None = None
    description: str | None = None
    query: _Query | None = None


def given_playlist(path: Path) -> PlaylistFile:
    """Read a playlist from a file, by its name where that says a format, else by what it holds.

    Raises:
        SourceError: it cannot be read, or is no playlist.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"larger than {_MOST_BYTES:,} bytes, which no playlist is", path=path)
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror or error})", path=path) from error
    if path.name.lower().endswith((".m3u", ".m3u8", ".xspf", ".jspf", ".gz")):
        return read_playlist(path)
    return playlist_of(data, label=str(path), base=path.parent)


def playlist_of(data: bytes, *, label: str, base: Path | None) -> PlaylistFile:
    """Read a playlist from bytes: XSPF, JSPF, M3U that begins with ``#EXTM3U``, or Segue's own JSON.

    Raises:
        InputError: there is nothing in it.
        SourceError: it is none of these, or damaged.
    """
    notes: Counter[str] = Counter()
    head = data[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise InputError("there is nothing to push: the playlist is empty; did the command before this one fail?")
    title: str | None
    description: str | None = None
    if head[:1] == b"<":
        title, description, tracks = read_xspf(data, label=label, base=base)
    elif head[:7].upper() == b"#EXTM3U":
        title, tracks = read_m3u(decode(data, notes), label=label, base=base)
    elif head[:1] == b"{":
        if b'"playlist"' in head.split(b":", 1)[0]:
            title, description, tracks = read_jspf(data, label=label, base=base, notes=notes)
        else:
            title, description, tracks = _own(data, label)
    else:
        raise SourceError(
            "no playlist that can be pushed; give an M3U8, an XSPF, a JSPF, or what 'segue recommend --json' prints",
            path=label,
        )
    return PlaylistFile(title or file_title(label), tuple(tracks), description)


def _own(data: bytes, label: str) -> tuple[str | None, str | None, list[Track]]:
    read = decode_json(data, msgspec.json.Decoder(_List), path=label, notes=Counter())
    tracks = [
        Track(
            track_id=line.track_id or name_id(line.name or "", line.artist or ""),
            name=line.name or "",
            artist=line.artist or "",
            album=line.album,
            year=line.year,
            duration_ms=line.duration_ms,
            explicit=line.explicit,
        )
        for line in read.tracks
    ]
    return read.title or (read.query.title if read.query is not None else None), read.description, tracks
