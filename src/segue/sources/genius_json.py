"""Saved Genius JSON: what the lyricsgenius package writes for a song, an artist or an album -> lyrics.

Genius's own API returns no lyrics; a saved answer of it is refused with a sentence that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from segue.errors import SourceError
from segue.sources.lyrics_text import lyrics_of
from segue.sources.outside import Finding

__all__ = ["findings_of", "is_genius"]

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_DEPTH = 6  # artist > songs > song; album > tracks > track > song


def is_genius(document: Any) -> bool:
    """Whether a decoded JSON document holds songs of Genius, with lyrics or not."""
    return _is_answer(document) or any(True for _ in _songs(document, _DEPTH))


def findings_of(document: Any, label: str) -> list[Finding]:
    """Rows of a decoded document, one for each song that has a title and an artist.

    Raises:
        SourceError: an answer of the API, which holds no lyrics.
    """
    songs = list(_songs(document, _DEPTH))
    if not any(isinstance(song.get("lyrics"), str) for song in songs):
        reason = (
            "an answer of Genius's API, which returns no lyrics; give files that lyricsgenius saved with lyrics, LRC "
            "or text files, or a CSV"
        )
        raise SourceError(reason, path=label)
    return [finding for song in songs if (finding := _finding(song, label)) is not None]


def _is_answer(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("meta"), dict) and "response" in document


def _songs(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(node, list):
        for each in node:
            yield from _songs(each, depth - 1)
    elif isinstance(node, dict):
        if isinstance(node.get("title"), str) and _artist(node):
            yield node
        else:
            for name in ("songs", "tracks", "song", "response", "result", "hits"):
                if name in node:
                    yield from _songs(node[name], depth - 1)


def _artist(song: dict[str, Any]) -> str | None:
    for name in ("primary_artist", "artist"):
        value = song.get(name)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _finding(song: dict[str, Any], label: str) -> Finding | None:
    name, artist = song["title"].strip(), _artist(song)
    if not name or artist is None:
        return None
    values: dict[str, Any] = {}
    text = song.get("lyrics")
    cleaned = lyrics_of(text) if isinstance(text, str) else None
    if cleaned is not None and cleaned.status == "found":
        values.update(lyrics=cleaned.text, lyrics_status="found", lyrics_source=label)
    elif song.get("instrumental") is True or (cleaned is not None and cleaned.status == "instrumental"):
        values.update(lyrics_status="instrumental", lyrics_source=label)
    album = song.get("album")
    if isinstance(album, dict) and isinstance(album.get("name"), str):
        values["album"] = album["name"]
    date = song.get("release_date")
    found = _YEAR.search(date[:40]) if isinstance(date, str) else None
    if found:
        values["year"] = int(found[1])
    stats = song.get("stats")
    views = stats.get("pageviews") if isinstance(stats, dict) else None
    return Finding(
        names=((name, artist),),
        popularity=float(views) if isinstance(views, (int, float)) and abs(views) < 1e15 else None,
        values=values,
    )
