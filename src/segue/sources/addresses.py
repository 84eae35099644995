"""Track ids and locations as the addresses that playlist files hold."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from segue.sources.text import canonical_id

__all__ = ["address_of", "id_of", "is_address", "link_of", "path_of", "uri_of"]

# "spotify:track:...", "t:...", "isrc:..."; not a path, not a link, no white space that a format could lose
_OPAQUE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?![/\\])[!-~]+")
_AUDIO = re.compile(r"\.(?:mp3|flac|ogg|oga|opus|m4a|aac|wav|wma|aiff?|ape|wv|mpc|mp4|webm|mka)", re.IGNORECASE)
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_SPOTIFY_TRACK = re.compile(r"spotify:track:([0-9A-Za-z]{22})")
_RECORDING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_WEB = re.compile(r"https?://[A-Za-z0-9][!-~]{0,1000}")
_OWN = "segue:track:"


def is_address(text: str) -> bool:
    """Whether a text names a track rather than a file or a stream.

    >>> is_address("spotify:track:4uLU6hMCjMI75M1A2tKUQC"), is_address("AC: DC.mp3"), is_address("C:\\\\a.mp3")
    (True, False, False)
    """
    return (_OPAQUE.fullmatch(text) is not None and not _AUDIO.search(text[-5:])) or (
        canonical_id(text) != text and canonical_id(text).startswith("spotify:")
    )


def address_of(track_id: str) -> str:
    """Write a track id as one word that is a URI; ids that are none are wrapped.

    >>> address_of("t:0123456789abcdef"), address_of("two words")
    ('t:0123456789abcdef', 'segue:track:two%20words')
    """
    plain = is_address(track_id) and canonical_id(track_id) == track_id and not track_id.startswith(_OWN)
    return track_id if plain else _OWN + quote(track_id, safe="", errors="replace")


def id_of(address: str) -> str:
    """The track id that :func:`address_of` wrote.

    >>> id_of(address_of("two words"))
    'two words'
    """
    return unquote(address[len(_OWN) :]) if address.startswith(_OWN) else canonical_id(address)


def uri_of(location: str) -> str:
    """Write a path or link as a URI: links stay, paths are percent-encoded, absolute ones become ``file://``.

    >>> uri_of("/music/a b.mp3"), uri_of("a#b.mp3"), uri_of("C:\\\\Music\\\\x.mp3")
    ('file:///music/a%20b.mp3', 'a%23b.mp3', 'file:///C:/Music/x.mp3')
    """
    if _WINDOWS.match(location):
        return "file:///" + quote(location.replace("\\", "/"), safe="/:", errors="replace")
    if _SCHEME.match(location) and "://" in location:
        return location
    encoded = quote(location, errors="replace")
    return f"file://{encoded}" if location.startswith("/") else encoded


def link_of(track_id: str, location: str | None = None) -> str | None:
    """Where a browser opens a track: its page at Spotify or MusicBrainz, or its own web address; None for any other.

    Only https and http come out, whatever goes in: an id is a stranger's text.

    >>> link_of("spotify:track:4uLU6hMCjMI75M1A2tKUQC"), link_of("javascript:alert(1)")
    ('https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC', None)
    """
    spotify = _SPOTIFY_TRACK.fullmatch(track_id)
    if spotify:
        return f"https://open.spotify.com/track/{spotify[1]}"
    recording = _RECORDING.search(track_id.lower()) if "musicbrainz" in track_id or "mbid" in track_id else None
    if recording:
        return f"https://musicbrainz.org/recording/{recording[0]}"
    return next((text for text in (location, track_id) if text and _WEB.fullmatch(text)), None)


def path_of(entry: str, base: Path | None, *, encoded: bool) -> str:
    """Read an entry as something a player can open: links stay, paths are made absolute from the playlist's folder.

    Args:
        entry: a path, a ``file://`` URI or a link.
        base: the playlist's folder; None where there is none, then relative paths stay relative.
        encoded: whether relative paths are percent-encoded (XSPF and JSPF yes, M3U no).

    >>> path_of("../a%20b.mp3", Path("/music/lists"), encoded=True)
    '/music/a b.mp3'
    """
    if entry[:7].casefold() == "file://":
        path = unquote(entry[7:] if entry[7:8] == "/" else urlsplit(entry).path)
        return path[1:] if _WINDOWS.match(path[1:]) else path
    if "://" in entry and _SCHEME.match(entry):
        return entry
    if _WINDOWS.match(entry):
        return entry
    path = unquote(entry) if encoded else entry
    if "\\" in path and "/" not in path and not encoded:  # written on Windows
        path = path.replace("\\", "/")
    return path if base is None else os.path.normpath(base.absolute() / path)
