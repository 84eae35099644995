"""Million Playlist Dataset JSON -> piece.

The schema is the one that Spotify published with the dataset (Chen et al., RecSys Challenge 2018). Every field but
the lists ``playlists`` and ``tracks`` may be missing or null; fields that are not named here are skipped unread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import SourceError
from segue.sources.json_text import decode_json
from segue.sources.piece import Piece, first_rows, number_of, piece_of
from segue.sources.text import canonical_id, track_id_of

__all__ = ["MPD_FIELDS", "read_mpd_bytes"]


class _Track(msgspec.Struct, gc=False):
    track_uri: str | None = None
    track_name: str | None = None
    artist_name: str | None = None
    artist_uri: str | None = None
    album_name: str | None = None
    album_uri: str | None = None
    duration_ms: int | None = None


class _Playlist(msgspec.Struct):
    tracks: list[_Track]
    pid: int | str | None = None
    name: str | None = None
    description: str | None = None
    collaborative: str | bool | None = None
    modified_at: int | None = None
    num_followers: int | None = None


class _Slice(msgspec.Struct):
    playlists: list[_Playlist]


# field of a library's track -> field of an MPD track
MPD_FIELDS = {
    "name": "track_name",
    "artist": "artist_name",
    "artist_id": "artist_uri",
    "album": "album_name",
    "album_id": "album_uri",
    "duration_ms": "duration_ms",
}
_BLOCK = 512


def read_mpd_bytes(data: bytes, *, label: str) -> Piece:
    """Read one slice: bytes -> columns. Pure: the same bytes give the same piece.

    Raises:
        SourceError: damaged, cut off, or no MPD JSON.
    """
    notes: Counter[str] = Counter()
    playlists = decode_json(data, msgspec.json.Decoder(_Slice), path=label, notes=notes).playlists
    del data
    tracks = [track for playlist in playlists for track in playlist.tracks]
    lengths: Sequence[int] | NDArray[np.int64] = [len(playlist.tracks) for playlist in playlists]
    uris: list[Any] = [track.track_uri for track in tracks]
    if None in uris or "" in uris:
        given = [track_id_of(t.track_uri, t.track_name, t.artist_name) for t in tracks]
        if None in given:
            lengths = _lengths_without(given, lengths)
            notes["rows without a track uri or name, left out"] += given.count(None)
            tracks = [track for track, uri in zip(tracks, given, strict=True) if uri is not None]
        uris = [uri for uri in given if uri is not None]
    codes, ids = number_of(uris)
    first = first_rows(codes, len(ids))
    return piece_of(
        label,
        "mpd",
        track_ids=ids if "".join(ids).count("spotify:track:") == len(ids) else [canonical_id(i) for i in ids],
        tracks=lambda rows: _fields(tracks, uris, first[rows]),
        carries=frozenset(name for name, attribute in MPD_FIELDS.items() if any(map(attrgetter(attribute), tracks))),
        playlists={
            "playlist_id": [_playlist_id(p.pid, i, label) for i, p in enumerate(playlists)],
            "title": [p.name for p in playlists],
            "description": [p.description for p in playlists],
            "collaborative": [_true(p.collaborative, i, label) for i, p in enumerate(playlists)],
            "modified_at": [p.modified_at for p in playlists],
            "num_followers": [p.num_followers for p in playlists],
        },
        lengths=lengths,
        indices=codes,
        notes=notes,
    )


def _fields(tracks: list[_Track], uris: list[str], first: NDArray[np.int64]) -> dict[str, list[Any]]:
    """The first non-null value of each field for the tracks that occur first in the given rows."""
    rows = first.tolist()
    firsts = [tracks[i] for i in rows]
    columns: dict[str, list[Any]] = {name: [] for name in MPD_FIELDS}
    getters = [attrgetter(attribute) for attribute in MPD_FIELDS.values()]
    # Block by block, so that the structs of a block are still in the processor's cache for the next field.
    for start in range(0, len(firsts), _BLOCK):
        block = firsts[start : start + _BLOCK]
        for values, getter in zip(columns.values(), getters, strict=True):
            values.extend(map(getter, block))
    for (name, values), getter in zip(columns.items(), getters, strict=True):
        if None in values or "" in values:
            later = {u: v for u, t in zip(reversed(uris), reversed(tracks), strict=True) if (v := getter(t))}
            if later:
                columns[name] = [v or later.get(uris[i]) for v, i in zip(values, rows, strict=True)]
    return columns


def _lengths_without(uris: Sequence[str | None], lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    playlist_of = np.repeat(np.arange(len(lengths)), lengths)
    kept = np.array([uri is not None for uri in uris], bool)
    return np.bincount(playlist_of[kept], minlength=len(lengths)).astype(np.int64)


def _playlist_id(pid: int | str | None, i: int, label: str) -> str:
    return f"{label}#{i}" if pid is None or pid == "" else str(pid)


def _true(value: str | bool | None, i: int, label: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value.lower() not in ("true", "false"):
        where = f"$.playlists[{i}].collaborative"
        raise SourceError(f"collaborative is {value[:40]!r}, not true or false", path=label, position=where)
    return value.lower() == "true"
