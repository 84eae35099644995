"""Lyrics beside music and inside it: ``.lrc`` and ``.txt`` files, and the tags of audio files (mutagen)."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from segue.errors import SourceError
from segue.sources.files import AUDIO
from segue.sources.lyrics_text import lrc_header, lyrics_of
from segue.sources.match_keys import isrc_key
from segue.sources.outside import Finding, Names
from segue.sources.text import MAX_CHARACTERS, decode

__all__ = [
    "AUDIO",
    "TAGS",
    "names_of_path",
    "open_audio",
    "read_audio_tags",
    "read_lyrics_file",
    "texts_of",
]

_LONGEST = 2_000_000  # bytes of a text file; lyrics are shorter

_NUMBER = re.compile(r"^\s*(?:\d{1,2}-)?\d{1,3}\s*[.\-_ ]\s*(?=\S)")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_DASH = re.compile(r"\s+[-–—]\s+")
# by kind of tag: ID3 frames, Vorbis comments (and APEv2, whose keys are alike without case), MP4 atoms, ASF
TAGS = {
    "title": ("TIT2", "title", "\xa9nam", "Title"),
    "artist": ("TPE1", "artist", "\xa9ART", "Author"),
    "album": ("TALB", "album", "\xa9alb", "WM/AlbumTitle"),
    "genre": ("TCON", "genre", "\xa9gen", "WM/Genre"),
    "date": ("TDRC", "TYER", "date", "year", "\xa9day", "WM/Year"),
    "isrc": ("TSRC", "isrc", "----:com.apple.iTunes:ISRC", "WM/ISRC"),
}
_LYRICS = (
    "USLT", "lyrics", "unsyncedlyrics", "unsynced lyrics", "\xa9lyr", "WM/Lyrics", "TXXX:lyrics",
    "TXXX:unsyncedlyrics", "syncedlyrics", "SYLT",
)  # fmt: skip


def names_of_path(path: str) -> Names:
    """Readings of a file's name: "Artist - Title", else Artist/Title, Artist/Album/NN Title.

    >>> names_of_path("lyrics/Nena - 99 Luftballons.lrc")[0]
    ('99 Luftballons', 'Nena')
    >>> names_of_path("Mecano/05 Un año más.txt")
    (('05 Un año más', 'Mecano'), ('Un año más', 'Mecano'))
    """
    pure = PurePosixPath(path.replace("\\", "/"))
    folders = [part for part in pure.parts[:-1] if part not in ("/", ".", "..")][-2:]
    stem = pure.stem.replace("_", " ") if " " not in pure.stem else pure.stem
    bare = _NUMBER.sub("", stem)
    found: list[tuple[str, str]] = []
    for text in dict.fromkeys((stem, bare)):
        parts = _DASH.split(text)
        # "AC - DC - Thunderstruck": every dash may be the one; the first is the likeliest
        found += [(" - ".join(parts[i:]), " - ".join(parts[:i])) for i in range(1, min(len(parts), 4))]
    # "NN Artist - Title" inside Artist/Album: folders are believed after the name
    for artist in reversed(folders):
        found += [(text, artist) for text in dict.fromkeys((stem, bare)) if text]
    return tuple(dict.fromkeys((n.strip()[:MAX_CHARACTERS], a.strip()[:MAX_CHARACTERS]) for n, a in found))


def read_lyrics_file(data: bytes, where: str, label: str, notes: Counter[str]) -> Finding | None:
    """Read a ``.lrc`` or ``.txt`` file; None where it has no words and does not say "instrumental".

    Args:
        where: its path, for the names in it. label: what ``lyrics_source`` will say.

    Raises:
        SourceError: larger than any lyrics.
    """
    if len(data) > _LONGEST:
        raise SourceError(f"is larger than lyrics are ({_LONGEST // 1_000_000} MB)", path=where)
    raw = decode(data, notes)
    cleaned = lyrics_of(raw)
    if cleaned.status is None:
        notes["lyrics without a word, left out"] += 1
        return None
    header = lrc_header(raw)
    names = names_of_path(where)
    if "ti" in header:
        inside = [(header["ti"][:MAX_CHARACTERS], header["ar"][:MAX_CHARACTERS])] if "ar" in header else []
        names = tuple(dict.fromkeys([*inside, *names]))
    return Finding(names=names, stem=where, values=_found(cleaned.status, cleaned.text, label))


def _found(status: str, text: str, label: str) -> dict[str, Any]:
    return {"lyrics": text or None, "lyrics_status": status, "lyrics_source": label}


def read_audio_tags(source: Path | bytes, where: str, label: str, notes: Counter[str]) -> Finding:
    """Read the tags of an audio file: names, album, genre, year, ISRC, and embedded lyrics.

    Args:
        source: the file, or its content where it lies in an archive.

    Raises:
        SourceError: no audio file that mutagen knows, or a damaged one.
    """
    file = open_audio(source, where)
    tags = file.tags if file.tags is not None else {}
    known = {what: next(texts_of(tags, keys), None) for what, keys in TAGS.items()}
    values: dict[str, Any] = {name: known[name] for name in ("album", "genre") if known[name]}
    found = _YEAR.search((known["date"] or "")[:40])
    if found:
        values["year"] = int(found[1])
    length = getattr(file.info, "length", None)
    if isinstance(length, (int, float)) and 0 < length < 1e6:
        values["duration_ms"] = round(length * 1_000)
    if isrc_key(known["isrc"]):
        values["isrc"] = isrc_key(known["isrc"])
    cleaned = [lyrics_of(text) for text in texts_of(tags, _LYRICS)]
    best = next((c for status in ("found", "instrumental") for c in cleaned if c.status == status), None)
    if best is not None and best.status is not None:
        values.update(_found(best.status, best.text, label))
    elif cleaned:
        notes["lyrics without a word, left out"] += 1
    title, artist = known["title"], known["artist"]
    own: Names = ((title[:MAX_CHARACTERS], artist[:MAX_CHARACTERS]),) if title and artist else ()
    return Finding(isrc=known["isrc"], names=own or names_of_path(where), stem=where, values=values)


def open_audio(source: Path | bytes, where: str) -> Any:
    """Open an audio file with mutagen: an object with ``tags`` and ``info``.

    Raises:
        SourceError: no audio file that mutagen knows, or a damaged one.
    """
    import mutagen

    if isinstance(source, Path) and not source.is_file():  # a pipe may never end
        raise SourceError("is no regular file", path=where)
    try:
        file = mutagen.File(source if isinstance(source, Path) else io.BytesIO(source))
    except Exception as error:  # mutagen lets IndexError, struct.error, MemoryError and more through on damaged files
        reason = f"the audio file's tags are damaged ({str(error)[:200] or type(error).__name__})"
        raise SourceError(reason, path=where) from error
    if file is None:
        raise SourceError("is no audio file that can be read", path=where)
    return file


def texts_of(tags: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """All texts under some keys, in order of the keys."""
    every = {str(key): key for key in tags.keys()}  # noqa: SIM118  (tags are no mapping in all formats)
    for wanted in keys:
        for name, key in every.items():
            # frames carry language and description behind a colon: "USLT::eng"
            if name == wanted or name.split(":", 1)[0] == wanted or name.casefold() == wanted.casefold():
                yield from (text for value in _listed(tags[key]) if (text := _text(value)))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    # ID3 has genres as numbers; mutagen's own reading of that frame is called "genres"
    texts = getattr(value, "genres", None) or getattr(value, "text", None)
    return list(texts) if isinstance(texts, list) and not _synced(texts) else [value]


def _synced(texts: list[Any]) -> bool:
    return any(isinstance(each, tuple) for each in texts)


def _text(value: Any) -> str:
    text = getattr(value, "text", value)
    if isinstance(text, list):  # synchronised: (line, milliseconds)
        text = "\n".join(str(each[0] if isinstance(each, tuple) else each) for each in text)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return str(text).strip()
