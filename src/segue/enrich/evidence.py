"""What graders are shown of a playlist: its tracks, as far as possible not those that texts were written from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from segue.enrich.describe import FIRST
from segue.library import Library
from segue.library.names import one_line

__all__ = ["EVIDENCE", "EvidenceKind", "evidence", "said_of"]

EvidenceKind = Literal["tracks", "title+tracks"]
EVIDENCE: tuple[EvidenceKind, ...] = ("tracks", "title+tracks")
_N = 15
_LEAST = 8  # tracks behind the first ones; with fewer, a sample of all says more
_MOST_NAME = 120


def evidence(
    library: Library, rows: Sequence[int], *, kind: EvidenceKind = "tracks", n: int = _N, rng_key: int = 0
) -> list[tuple[str, ...]]:
    """Lines about each playlist: up to ``n`` of its tracks in their order, with artist, year and genre.

    The first 15 tracks are what descriptions are written from, so others are drawn where there are at least eight of
    them; else all are drawn from. Neither description nor written text is ever among the lines, and the title only
    with ``kind="title+tracks"``. The draw depends on playlist id and ``rng_key`` alone.

    Args:
        rows: playlist rows.
    """
    columns = [library.tracks[name].to_list() for name in ("name", "artist", "year", "genre")]
    ids = library.playlists["playlist_id"]
    out = []
    for row in rows:
        tracks = list(dict.fromkeys(library.playlist_tracks.row(row).tolist()))
        rest = tracks[FIRST:] if len(tracks) >= FIRST + _LEAST else tracks
        rng = np.random.default_rng([rng_key, *ids[row].encode("utf-8", "replace")])
        drawn = sorted(rng.choice(len(rest), min(n, len(rest)), replace=False).tolist())
        lines = [_line(*(column[rest[place]] for column in columns)) for place in drawn]
        if kind == "title+tracks":
            lines.insert(0, f"title: {one_line(library.titles[row], _MOST_NAME)}")
        out.append(tuple(lines))
    return out


def said_of(kind: EvidenceKind) -> str:
    """The kind of evidence in words, for reports."""
    tracks = "a sample of its tracks (name, artist, year, genre), not the first 15 where there are enough"
    return f"its title and {tracks}" if kind == "title+tracks" else tracks


def _line(name: str | None, artist: str | None, year: int | None, genre: str | None) -> str:
    known = [str(fact) for fact in (year, genre) if fact]
    about = f" ({', '.join(known)})" if known else ""
    by = f"{one_line(artist, _MOST_NAME)} - " if artist else ""
    return f"{by}{one_line(name or 'untitled', _MOST_NAME)}{one_line(about, _MOST_NAME)}"
