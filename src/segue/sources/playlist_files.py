"""Playlist files, read and written: M3U8, XSPF, JSPF for players; CSV and JSON for everything else.

======  ===================================================================================================
format  cannot carry
======  ===================================================================================================
m3u8    line breaks and control characters (-> space), white space at the ends, milliseconds, years,
        explicitness, descriptions, the id of a track that has a location
xspf    control characters that XML forbids (-> U+FFFD)
jspf    lone surrogates (-> U+FFFD), as no format can
csv     the difference between an empty text and none; the title of a playlist without tracks
json    nothing of a track
======  ===================================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from segue.errors import InputError, SourceError
from segue.library.arrays import write_bytes
from segue.library.catalogue import Track

if TYPE_CHECKING:
    from segue.sources.piece import Piece

__all__ = [
    "PLAYLIST_FORMATS",
    "PlaylistFile",
    "PlaylistFormat",
    "read_playlist",
    "read_playlist_bytes",
    "write_playlist",
]

PlaylistFormat = Literal["m3u8", "xspf", "jspf", "csv", "json"]
PLAYLIST_FORMATS: tuple[PlaylistFormat, ...] = get_args(PlaylistFormat)
_COLUMNS = ("track_id", "name", "artist", "album", "year", "duration_ms", "explicit", "location")


@dataclass(frozen=True, slots=True)
class PlaylistFile:
    """A playlist as its file tells it."""

    title: str
    tracks: tuple[Track, ...]
    description: str | None = None


def write_playlist(
    format: PlaylistFormat,
    title: str,
    tracks: Sequence[Track],
    *,
    description: str | None = None,
    scores: Sequence[float] | None = None,
    path: Path | None = None,
    base: Path | None = None,
) -> bytes:
    """Write a playlist; the bytes are returned and, with ``path``, also written there atomically.

    Args:
        format: one of :data:`PLAYLIST_FORMATS`.
        title: any text.
        tracks: in order; a repeated track stays repeated.
        description: carried by XSPF, JSPF and JSON.
        scores: one a track, carried by CSV and JSON.
        path: where to.
        base: folder from which M3U8 finds files, see :func:`~segue.sources.m3u.write_m3u`; None names them whole.

    Raises:
        InputError: an unknown format.
        OutputError: the place cannot be written to.
    """
    if scores is not None and len(scores) != len(tracks):
        raise ValueError("each track needs a score")
    if format == "m3u8":
        from segue.sources.m3u import write_m3u

        data = write_m3u(title, tracks, base=base)
    elif format == "xspf":
        from segue.sources.xspf import write_xspf

        data = write_xspf(title, tracks, description=description)
    elif format == "jspf":
        from segue.sources.jspf import write_jspf

        data = write_jspf(title, tracks, description=description)
    elif format == "csv":
        data = _csv(title, tracks, scores)
    elif format == "json":
        data = _json(title, tracks, description, scores)
    else:
        raise InputError(f"unknown playlist format {format!r}; known are {', '.join(PLAYLIST_FORMATS)}")
    if path is not None:
        write_bytes(Path(path), data)
    return data


def _csv(title: str, tracks: Sequence[Track], scores: Sequence[float] | None) -> bytes:
    from segue.sources.spreadsheet import csv_bytes

    rows = [[title, i + 1, *(getattr(track, name) for name in _COLUMNS)] for i, track in enumerate(tracks)]
    header = ["playlist_title", "position", *_COLUMNS]
    if scores is not None:
        header.append("score")
        rows = [[*row, float(score)] for row, score in zip(rows, scores, strict=True)]
    return csv_bytes(header, rows)


def _json(title: str, tracks: Sequence[Track], description: str | None, scores: Sequence[float] | None) -> bytes:
    from segue.sources.json_text import storable

    listed: list[dict[str, Any]] = []
    for i, track in enumerate(tracks):
        values = {name: getattr(track, name) for name in _COLUMNS}
        said = {k: storable(v) if isinstance(v, str) else v for k, v in values.items() if v is not None}
        listed.append({"rank": i + 1, **said, **({} if scores is None else {"score": float(scores[i])})})
    document: dict[str, Any] = {"title": storable(title)}
    if description:
        document["description"] = storable(description)
    document["tracks"] = listed
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_playlist(path: Path | str) -> PlaylistFile:
    """Read an M3U, M3U8, XSPF or JSPF file (also .gz); without a title in it, its name is the title.

    Raises:
        SourceError: damaged, or of another format.
    """
    from segue.sources.files import SourceFile, format_of

    path = Path(path)
    format_ = format_of(path.name)
    if format_ not in ("m3u", "xspf", "jspf"):
        raise SourceError("not an M3U, XSPF or JSPF file", path=path)
    try:
        return _read(SourceFile(path, format_).read(), format_, label=path.name, base=path.parent, notes=Counter())
    except SourceError as error:
        raise SourceError(error.reason, path=path, position=error.position) from error


def _read(data: bytes, format: str, *, label: str, base: Path | None, notes: Counter[str]) -> PlaylistFile:
    from segue.sources.text import decode, file_title

    description: str | None = None
    if format == "m3u":
        from segue.sources.m3u import read_m3u

        title, tracks = read_m3u(decode(data, notes), label=label, base=base)
    elif format == "xspf":
        from segue.sources.xspf import read_xspf

        title, description, tracks = read_xspf(data, label=label, base=base)
    else:
        from segue.sources.jspf import read_jspf

        title, description, tracks = read_jspf(data, label=label, base=base, notes=notes)
    return PlaylistFile(title=title or file_title(label), tracks=tuple(tracks), description=description)


def read_playlist_bytes(data: bytes, format: str, *, label: str, base: Path | None) -> Piece:
    """Read a playlist file into columns; its label is the playlist's id.

    Raises:
        SourceError: damaged, or of another format.
    """
    import numpy as np

    from segue.sources.piece import piece_of

    notes: Counter[str] = Counter()
    read = _read(data, format, label=label, base=base, notes=notes)
    named = [track for track in read.tracks if track.name or not track.track_id.startswith("t:")]
    if len(named) < len(read.tracks):
        notes["rows without a track uri or name, left out"] += len(read.tracks) - len(named)
    return piece_of(
        label,
        format,
        track_ids=[track.track_id for track in named],
        tracks={name: [getattr(track, name) for track in named] for name in _COLUMNS if name != "track_id"},
        playlists={"playlist_id": [label], "title": [read.title], "description": [read.description]},
        lengths=[len(named)],
        indices=np.arange(len(named), dtype=np.int32),
        notes=notes,
    )
