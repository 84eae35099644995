"""Descriptions that people wrote about their playlists, as queries whose answer is known."""

from __future__ import annotations

import html
import re
from hashlib import blake2b

from segue.library import Library
from segue.library.names import fold, one_line
from segue.library.searching import SearchQuery

__all__ = ["described"]

_TAG = re.compile(r"<[^<>]*>")
_MADE = re.compile(r"\bradio$")
_LEAST = 4  # words; "enjoy" is about no playlist
_MOST = 500


def described(library: Library, n: int | None = None, *, rng_key: int = 0) -> list[SearchQuery]:
    """The descriptions of a library, without markup, each once; a sample of ``n`` of them.

    Left out are those of fewer than four words, and those of radios that a service made ("With A, B and more"), which
    are a list of names. The sample depends on playlist ids and ``rng_key`` alone.
    """
    table = library.playlists.select("playlist_id", "title", "description").fill_null("")
    found: dict[str, SearchQuery] = {}
    for playlist_id, title, description in table.iter_rows():
        text = " ".join(one_line(html.unescape(_TAG.sub(" ", description)), _MOST).split())
        made = _MADE.search(fold(title)) and fold(text).startswith("with ")
        if len(fold(text).split()) >= _LEAST and not made:
            found.setdefault(fold(text), SearchQuery(text, playlist_id, "benchmark", "people"))
    order = sorted(found.values(), key=lambda query: blake2b(f"{rng_key}\t{query.playlist_id}".encode()).digest())
    return order[:n]
