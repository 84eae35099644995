"""lyrics.ovh: lyrics by artist and title, without a key.

Source: https://lyricsovh.docs.apiary.io. Never asked while this was written; the tests answer as its documentation
says.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from segue.services.base import Answer, Request, Service
from segue.services.client import Client
from segue.services.wanted import MOST_CHARACTERS, LyricsFound, Wanted, keep, read_text

__all__ = ["LYRICS_OVH", "lyrics_ovh"]

LYRICS_OVH = Service("lyrics.ovh", "https://api.lyrics.ovh", "SEGUE_LYRICS_OVH_URL", interval=1.0, timeout=30.0)
# one of the sites behind it begins with this line
_FIRST_LINE = re.compile(r"\A\s*Paroles de la chanson [^\n]*\n")


class _Lyrics(msgspec.Struct):
    lyrics: str


class _NotFound(msgspec.Struct):
    error: str


def lyrics_ovh(client: Client, wanted: Wanted) -> LyricsFound:
    """Look a track up by artist and name.

    Raises:
        ServiceError: nothing was learnt.
    """
    names = [text[:MOST_CHARACTERS].strip() for text in (wanted.artist, wanted.name)]
    if any(name in ("", ".", "..") for name in names):
        return LyricsFound("not_found")  # a path with these leads elsewhere
    artist, name = (quote(text, safe="", errors="replace") for text in names)
    return client.ask(Request(LYRICS_OVH, f"/v1/{artist}/{name}"), _read, LyricsFound, keep)


def _read(answer: Answer) -> LyricsFound:
    if answer.status == 404 and not answer.is_page:
        answer.decode(_NotFound)
        return LyricsFound("not_found")
    text = answer.read(_Lyrics).lyrics.replace("\r\n", "\n")
    return read_text(_FIRST_LINE.sub("", text), LYRICS_OVH.name)
