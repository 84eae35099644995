"""One audio file -> what is known about it: from its tags, else from the names of file and folders."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from segue.errors import SourceError
from segue.library.names import fold
from segue.sources.json_text import storable
from segue.sources.lyrics_files import TAGS, open_audio, texts_of
from segue.sources.match_keys import isrc_key
from segue.sources.text import MAX_CHARACTERS

__all__ = ["LocalFile", "location_of", "names_of_place", "read_local_file", "shown_path"]

_MORE = {
    "album_artist": ("TPE2", "albumartist", "album artist", "aART", "WM/AlbumArtist"),
    "track_number": ("TRCK", "tracknumber", "track", "trkn", "WM/TrackNumber"),
    "mbid": (
        "musicbrainz_trackid", "----:com.apple.iTunes:MusicBrainz Track Id", "MusicBrainz/Track Id",
        "TXXX:MusicBrainz Release Track Id",
    ),
}  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_DASH = re.compile(r"\s+[-–—]\s+")
_NUMBER = re.compile(r"^\s*(?:\d{1,2}-)?\d{1,3}(?:\s*[.\-_]\s*|\s+)(?=\S)")
_DISC = re.compile(r"(?:cd|dis[ck])\s*\d{1,2}", re.IGNORECASE)
_YEAR_BEFORE = re.compile(r"^\s*[(\[]?(?:19|20)\d\d[)\]]?\s*[-–—.]?\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """What an audio file says of itself; None where it does not.

    Args:
        name, artist: never None; the artist may be empty.
        tagged: whether name and artist are from tags.
    """

    name: str
    artist: str
    album: str | None = None
    album_artist: str | None = None
    year: int | None = None
    genre: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    mbid: str | None = None
    track_number: int | None = None
    tagged: bool = True


def read_local_file(path: Path, root: Path) -> LocalFile:
    """Read the tags of an audio file.

    Args:
        root: folder below which names of folders mean something.

    Raises:
        SourceError: it cannot be read, or is no audio file.
    """
    try:
        file = open_audio(path, shown_path(path))
    except OSError as error:  # between looking and opening it may have gone
        raise SourceError(f"cannot be read ({error.strerror or error})", path=shown_path(path)) from error
    tags = file.tags if file.tags is not None else {}
    try:
        said = {what: _first(tags, keys) for what, keys in {**TAGS, **_MORE}.items()}
    except Exception as error:  # tags of a shape that no reader expects
        raise SourceError(f"the audio file's tags are damaged ({error!r:.200})", path=shown_path(path)) from error
    name, artist, album = names_of_place(path, root)
    year = _YEAR.search((said["date"] or "")[:40])
    number = re.search(r"\d{1,5}", (said["track_number"] or "")[:20])
    length = getattr(file.info, "length", None)
    return LocalFile(
        name=said["title"] or name,
        artist=said["artist"] or said["album_artist"] or artist,
        album=said["album"] or album or None,
        album_artist=said["album_artist"],
        year=int(year[1]) if year else None,
        genre=said["genre"],
        duration_ms=round(length * 1_000) if isinstance(length, (int, float)) and 0 < length < 1e6 else None,
        isrc=isrc_key(said["isrc"]),
        mbid=_mbid(tags, said["mbid"]),
        track_number=int(number[0]) if number else None,
        tagged=bool(said["title"] and (said["artist"] or said["album_artist"])),
    )


def _first(tags: Any, keys: tuple[str, ...]) -> str | None:
    text = next(texts_of(tags, keys), None)
    if text is None:
        return None
    return storable(text).replace("\0", "\ufffd").strip()[:MAX_CHARACTERS].rstrip() or None


def _mbid(tags: Any, said: str | None) -> str | None:
    """The recording's UUID; MP3 keeps it as an identifier of its file, not as a text."""
    for key in tags.keys() if hasattr(tags, "keys") else ():
        if str(key).startswith("UFID:http://musicbrainz.org"):
            data = getattr(tags[key], "data", b"")
            said = data.decode("ascii", "replace") if isinstance(data, bytes) else said
            break
    found = _UUID.search((said or "").lower())
    return found[0] if found else None


def names_of_place(path: Path, root: Path) -> tuple[str, str, str]:
    """Name, artist and album as file and folders are called; empty where they do not say.

    "Artist/Album/NN Title", "Artist/Title", "Artist - Title" and their mixtures are understood.

    >>> names_of_place(Path("/m/Mecano/(1986) Entre el cielo/CD 1/05 Un año más.mp3"), Path("/m"))
    ('Un año más', 'Mecano', 'Entre el cielo')
    >>> names_of_place(Path("/m/Nena - 99_Luftballons.ogg"), Path("/m"))
    ('99_Luftballons', 'Nena', '')
    >>> names_of_place(Path("/m/04.wav"), Path("/m"))
    ('04', '', '')
    """
    try:
        inside = path.relative_to(root)
    except ValueError:
        inside = Path(*path.parts[-3:])
    pure = PurePosixPath(_readable(inside.as_posix()))
    folders = [part for part in pure.parts[:-1] if part not in ("/", ".", "..") and not _DISC.fullmatch(part.strip())]
    stem = pure.stem if " " in pure.stem else pure.stem.replace("_", " ")
    bare = _NUMBER.sub("", stem) or stem
    parts = [part.strip() for part in _DASH.split(bare) if part.strip() and not part.strip().isdigit()]
    artist = folders[-2] if len(folders) > 1 else folders[-1] if folders else ""
    album = _YEAR_BEFORE.sub("", folders[-1]) if len(folders) > 1 else ""
    if len(parts) > 2 and album and fold(parts[1]) == fold(album):
        del parts[1]
    if len(parts) > 1:
        return _cut(" - ".join(parts[1:])), _cut(parts[0]), _cut(album)
    return _cut(parts[0] if parts else stem.strip() or pure.name), _cut(artist), _cut(album)


def _cut(text: str) -> str:
    return text.replace("\0", "\ufffd")[:MAX_CHARACTERS].strip()


def _readable(text: str) -> str:
    """A file's name as people read it: bytes that are no UTF-8 are taken for Windows-1252."""
    data = os.fsencode(text)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def shown_path(path: Path) -> str:
    """A path that can be printed."""
    return _readable(str(path))


def location_of(path: Path) -> str:
    """A path as a library keeps it: as it is, or as an address where its bytes are no text.

    >>> location_of(Path("/music/a b.mp3"))
    '/music/a b.mp3'
    """
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "file://" + quote(os.fsencode(text))
    return text
