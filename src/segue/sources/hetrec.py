"""HetRec 2011 Last.fm 2K: listening counts and tags of artists, in ``.dat`` files -> library.

The data set has listeners and *artists*, no tracks. Its artists become the tracks of the library, one each, and
``library.notes`` says so.

Source: I. Cantador, P. Brusilovsky, T. Kuflik (2011), 2nd Workshop on Information Heterogeneity and Fusion in
Recommender Systems (HetRec 2011).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from segue.errors import InputError, SourceError
from segue.library import Interactions, Library
from segue.library.tables import PLAYLIST_COLUMNS, USER_COLUMNS
from segue.sources.files import SourceFile
from segue.sources.listeners import user_key
from segue.sources.text import MAX_CHARACTERS

__all__ = ["hetrec_library", "is_hetrec"]

_LISTENED, _ARTISTS, _TAGGED, _TAGS = "user_artists.dat", "artists.dat", "user_taggedartists.dat", "tags.dat"
_MOST_TAGS = 10
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def is_hetrec(folder: Path) -> bool:
    """Whether a folder holds the listening counts of this data set; what else is missing, reading it says."""
    return _file(folder, _LISTENED) is not None


def hetrec_library(folder: Path, *, salt: str = "", min_tracks: int = 1) -> Library:
    """Read a folder of ``.dat`` files, plain or gzip'd.

    Tracks are the artists of ``artists.dat`` in its order: id "hetrec:artist:ID", the artist's name as name and as
    artist, up to ten ``tags`` with the most given first. Users are in order of ``user_artists.dat``, their
    artists by listening count, descending; ties in the order of the file.

    Raises:
        SourceError: a file is missing or damaged; names the line.
        InputError: nobody has ``min_tracks`` artists.
    """
    artists = {row[0]: row[1] for row in _rows(folder, _ARTISTS, 2, text=(1,))}
    listened: dict[str, dict[str, int]] = defaultdict(dict)
    n_unnamed = 0
    for user, artist, count in _rows(folder, _LISTENED, 3):
        if artist not in artists:
            artists[artist] = ""
            n_unnamed += 1
        listened[user][artist] = max(int(count), listened[user].get(artist, 0))
    kept = {user: counts for user, counts in listened.items() if len(counts) >= max(min_tracks, 1)}
    if not kept:
        raise InputError(f"{folder}: no listener with {min_tracks:,} or more artists; lower the number of tracks")
    rows = {artist: row for row, artist in enumerate(artists)}
    loved = [[rows[a] for a in sorted(counts, key=lambda a: -counts[a])] for counts in kept.values()]
    names = [name or None for name in artists.values()]
    tracks = pl.DataFrame(
        {
            "track_id": [f"hetrec:artist:{artist}" for artist in artists],
            "name": names,
            "artist": names,
            "tags": _most_given(folder, list(artists)),
        },
        schema=dict.fromkeys(("track_id", "name", "artist", "tags"), pl.String),
    )
    users = pl.DataFrame(
        {"user_id": [user_key(f"hetrec:{user}", salt) for user in kept], "country": [None] * len(kept)},
        schema=USER_COLUMNS,
    )
    told: dict[str, Any] = {
        "items": "artists",
        "source": "HetRec 2011 Last.fm 2K",
        "users": len(kept),
        "users_with_a_country": 0,
        "interactions": sum(map(len, loved)),
        "users_with_too_few_tracks": len(listened) - len(kept),
        "min_tracks": min_tracks,
        "artists_without_a_name": n_unnamed,
        "salted": bool(salt),
    }
    empty = Interactions.of([], n_columns=tracks.height)
    return Library(
        tracks=tracks,
        playlists=pl.DataFrame(schema=PLAYLIST_COLUMNS),
        playlist_tracks=empty,
        users=users,
        user_tracks=Interactions.of(loved, n_columns=tracks.height),
        notes={"listeners": told},
    )


def _most_given(folder: Path, artists: list[str]) -> list[str | None]:
    """Tags of each artist by how many gave them, then by their text; None where nobody gave any."""
    if _file(folder, _TAGGED) is None or _file(folder, _TAGS) is None:
        return [None] * len(artists)
    texts = {row[0]: row[1].replace(";", ",") for row in _rows(folder, _TAGS, 2, text=(1,))}
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for _, artist, tag, *_ in _rows(folder, _TAGGED, 3):
        if texts.get(tag):
            given[artist][texts[tag]] += 1
    joined = []
    for artist in artists:
        counts = given.get(artist, Counter())
        best = sorted(counts, key=lambda tag: (-counts[tag], tag))[:_MOST_TAGS]
        joined.append("; ".join(best) or None)
    return joined


def _rows(folder: Path, name: str, n: int, *, text: tuple[int, ...] = ()) -> Iterator[list[str]]:
    """Rows of a file whose first ``n`` cells are numbers, but for those in ``text``.

    A first line that does not start with a number is a header ("//userID" in one file); nothing is quoted. The
    files mix UTF-8 (artists) and ISO-8859-1 (tags), line by line.

    Raises:
        SourceError: the file is missing, or a line has another shape.
    """
    path = _file(folder, name)
    if path is None:
        raise SourceError("there is no such file", path=folder / name)
    for number, raw in enumerate(SourceFile(path, "dat").read().split(b"\n"), start=1):
        line = _decoded(raw.removesuffix(b"\r"))
        cells = [cell.strip() for cell in line.split("\t")]
        if not line.strip() or (number == 1 and not _NUMBER.fullmatch(cells[0])):
            continue
        wrong = [i for i in range(n) if i not in text and (i >= len(cells) or not _NUMBER.fullmatch(cells[i]))]
        if len(cells) < n or wrong:
            reason = f"the line {line[:60]!r} is not {n} cells with tabs between, numbers where numbers belong"
            raise SourceError(reason, path=path, position=f"line {number}")
        yield cells[:1] + [c[:MAX_CHARACTERS] for c in cells[1:]]


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def _file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None
