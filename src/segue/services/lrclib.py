"""LRCLIB: a free collection of lyrics, without a key.

Source: https://lrclib.net/docs. Never asked while this was written; the tests answer as its documentation says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from segue.library.names import fold, recording_key
from segue.services.base import Answer, Request, Service
from segue.services.client import Client
from segue.services.wanted import MOST_CHARACTERS, LyricsFound, Wanted, keep, read_text

__all__ = ["LRCLIB", "lrclib"]

LRCLIB = Service("lrclib", "https://lrclib.net", "SEGUE_LRCLIB_URL", interval=0.2, timeout=30.0)
_VERSION = re.compile(r"[(\[–—-].*\b(?:instrumental|karaoke|backing track)\b", re.IGNORECASE)
_NEAR = 3.0  # seconds by which two copies of one recording differ


class _Record(msgspec.Struct):
    """An entry; the three first fields are always there, so what lacks them is no entry."""

    trackName: str  # noqa: N815 - as it is spelled there
    artistName: str  # noqa: N815
    instrumental: bool
    plainLyrics: str | None = None  # noqa: N815
    syncedLyrics: str | None = None  # noqa: N815
    duration: float | None = None


class _NotFound(msgspec.Struct):
    """What comes with 404; another server's page says nothing about a track."""

    name: str


def lrclib(client: Client, wanted: Wanted) -> LyricsFound:
    """Look a track up by name, artist, album and length, then by name and artist alone.

    Raises:
        ServiceError: nothing was learnt.
    """
    params = {"track_name": wanted.name[:MOST_CHARACTERS], "artist_name": wanted.artist[:MOST_CHARACTERS]}
    if wanted.album:
        params["album_name"] = wanted.album[:MOST_CHARACTERS]
    if wanted.seconds:
        params["duration"] = f"{wanted.seconds:.0f}"
    exact = Request(LRCLIB, "/api/get", params)
    found = client.recall(exact.key, LyricsFound)
    if found is None:
        found = client.send(exact, _exact)
        if found.status == "not_found":
            found = client.send(_search(wanted), lambda answer: _best(answer, wanted))
        client.remember(exact.key, LRCLIB, found, keep(found))
    return found


def _search(wanted: Wanted) -> Request:
    """By the name without "2011 Remaster" and the like, under which nobody writes words down."""
    name = wanted.name if _without_words(wanted) else recording_key(wanted.name, "").rstrip("\t")
    params = {"track_name": name[:MOST_CHARACTERS], "artist_name": wanted.artist[:MOST_CHARACTERS]}
    return Request(LRCLIB, "/api/search", params)


def _exact(answer: Answer) -> LyricsFound:
    if answer.status == 404 and not answer.is_page:
        answer.decode(_NotFound)
        return LyricsFound("not_found")
    if answer.status == 400 and not answer.is_page:  # an older server that wants album and length
        answer.decode(dict[str, object])
        return LyricsFound("not_found")
    return _words(answer.read(_Record))


def _best(answer: Answer, wanted: Wanted) -> LyricsFound:
    """The entry of this recording that is nearest in length, one with words first.

    Instrumental versions have the same name but for a word. So only an entry with exactly this name and about this
    length tells that the track itself has no words, and a track whose name says that it is such a version does not
    get the words of the song.
    """
    if answer.status == 404 and not answer.is_page:
        answer.decode(_NotFound)
        return LyricsFound("not_found")
    records = answer.read(list[_Record])
    key = _key(wanted.name, wanted.artist, wanted)
    same = [each for each in records if _key(each.trackName, each.artistName, wanted) == key]
    outcomes = [(each, _words(each)) for each in _nearest(same, wanted.seconds)]
    for _, found in outcomes:
        if found.status == "found":
            return found
    for record, found in outcomes:
        apart = abs(record.duration - wanted.seconds) if record.duration and wanted.seconds else 0.0
        if found.status == "instrumental" and fold(record.trackName) == fold(wanted.name) and apart <= _NEAR:
            return found
    return LyricsFound("not_found")


def _without_words(wanted: Wanted) -> bool:
    return _VERSION.search(wanted.name) is not None


def _key(name: str, artist: str, wanted: Wanted) -> str:
    return f"{fold(name)}\t{fold(artist)}" if _without_words(wanted) else recording_key(name, artist)


def _nearest(records: Iterable[_Record], seconds: float | None) -> list[_Record]:
    if not seconds:
        return list(records)
    return sorted(records, key=lambda each: abs(each.duration - seconds) if each.duration else 1e9)


def _words(record: _Record) -> LyricsFound:
    for text in (record.plainLyrics, record.syncedLyrics):
        found = read_text(text or "", LRCLIB.name)
        if found.status != "not_found":
            return found
    return LyricsFound("instrumental", source=LRCLIB.name) if record.instrumental else LyricsFound("not_found")
