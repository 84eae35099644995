"""LRCLIB: a free collection of lyrics, without a key.

Source: https://lrclib.net/docs. Never asked while this was written; the tests answer as its documentation says.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from segue.library.names import fold, recording_key
from segue.services.base import Answer, Request, Service
from segue.services.client import DAY, Client
from segue.services.wanted import MOST_CHARACTERS, LyricsFound, Wanted, read_text

__all__ = ["LRCLIB", "lrclib"]

LRCLIB = Service("lrclib", "https://lrclib.net", "SEGUE_LRCLIB_URL", interval=0.2, timeout=30.0)
_KEEP, _KEEP_NOTHING = 365 * DAY, 30 * DAY
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
    names = {"track_name": wanted.name[:MOST_CHARACTERS], "artist_name": wanted.artist[:MOST_CHARACTERS]}
    params = dict(names)
    if wanted.album:
        params["album_name"] = wanted.album[:MOST_CHARACTERS]
    if wanted.seconds:
        params["duration"] = f"{wanted.seconds:.0f}"
    exact = Request(LRCLIB, "/api/get", params)
    found = client.recall(exact.key, LyricsFound)
    if found is None:
        found = client.send(exact, _exact)
        if found.status == "not_found":
            found = client.send(Request(LRCLIB, "/api/search", names), lambda answer: _best(answer, wanted))
        client.remember(exact.key, LRCLIB, found, _KEEP_NOTHING if found.status == "not_found" else _KEEP)
    return found


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

    Entries of an instrumental version have the same name but for a word, so only one with exactly this name and
    about this length tells that the track itself has no words.
    """
    if answer.status == 404 and not answer.is_page:
        answer.decode(_NotFound)
        return LyricsFound("not_found")
    records = answer.read(list[_Record])
    key = recording_key(wanted.name, wanted.artist)
    same = [each for each in records if recording_key(each.trackName, each.artistName) == key]
    outcomes = [(each, _words(each)) for each in _nearest(same, wanted.seconds)]
    for _, found in outcomes:
        if found.status == "found":
            return found
    for record, found in outcomes:
        apart = abs(record.duration - wanted.seconds) if record.duration and wanted.seconds else 0.0
        if found.status == "instrumental" and fold(record.trackName) == fold(wanted.name) and apart <= _NEAR:
            return found
    return LyricsFound("not_found")


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
