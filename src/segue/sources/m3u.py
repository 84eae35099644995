"""M3U and M3U8, extended: read and write.

What M3U cannot carry: line breaks and other control characters (they become spaces), white space at the ends, parts
of a second, years, explicitness, and the id of a track that has a location. A file whose own name has such characters
is written as a ``file://`` address, which many players open and some do not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from segue.errors import SourceError
from segue.library.catalogue import Track
from segue.sources.addresses import address_of, id_of, is_address, path_of, uri_of
from segue.sources.text import name_id

__all__ = ["is_plain", "one_line", "read_m3u", "write_m3u"]

_LINE_END = re.compile(r"\r\n|\n|\r")
_INFO = re.compile(r"#EXTINF:\s*(-?\d+(?:\.\d+)?)?((?:\s+[\w-]+=(?:\"[^\"]*\"|[^\s,]*))*)\s*,(.*)", re.IGNORECASE)
# C0 and C1 controls and the Unicode line ends, at which some readers break lines
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NUMBERED = re.compile(r"\d{1,3}[ ._-]+(?=\D)")


def one_line(text: str) -> str:
    """The text as one line of an M3U: control characters and line ends become a space, none at the ends.

    >>> one_line(" a\\r\\n#EXTINF:1,b ")
    'a #EXTINF:1,b'
    """
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode().strip()


def write_m3u(title: str, tracks: Sequence[Track], *, base: Path | None = None) -> bytes:
    """Write an M3U8: one entry a track, its location or, without one, its id as a URI.

    Args:
        base: the folder of the list, if files shall be found from there: with ``/``, and ``..`` where need be.
    """
    lines = ["#EXTM3U", "#EXTENC:UTF-8", f"#PLAYLIST:{one_line(title)}"]
    for track in tracks:
        name, artist = one_line(track.name), one_line(track.artist)
        seconds = -1 if track.duration_ms is None else round(track.duration_ms / 1000)
        shown = f"{artist} - {name}" if artist else name
        lines.append(f"#EXTINF:{seconds},{shown}")
        if _split(shown) != (artist, name):  # a " - " inside a name: say where the artist ends
            lines.append(f"#EXTART:{artist}")
        if track.album and one_line(track.album):
            lines.append(f"#EXTALB:{one_line(track.album)}")
        lines.append(_entry(track, base))
    return ("\n".join(lines) + "\n").encode()


def read_m3u(text: str, *, label: str, base: Path | None) -> tuple[str | None, list[Track]]:
    """Read an M3U: its title, if it says one, and its tracks.

    Raises:
        SourceError: a stream's segment list (HLS), which only shares the extension.
    """
    title: str | None = None
    shown = artist = album = None
    duration: int | None = None
    tracks: list[Track] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        line = line.strip().replace("\0", "\ufffd")
        if not line:
            continue
        tag, _, value = line.partition(":")
        tag, value = tag.upper(), value.strip()
        if line[0] != "#":
            tracks.append(_track(line, shown, artist, album, duration, base))
            shown = artist = album = None
            duration = None
        elif tag.startswith("#EXT-X-"):
            raise SourceError("a stream's segment list (HLS), no playlist", path=label, position=f"line {number}")
        elif tag == "#EXTINF":
            found = _INFO.fullmatch(line)
            shown = found[3].strip() if found else value.partition(",")[2].strip()
            seconds = float(found[1]) if found and found[1] else -1.0
            duration = round(seconds * 1000) if 0 <= seconds < 2_000_000 else None
        elif tag == "#PLAYLIST" and title is None:
            title = value
        elif tag == "#EXTALB":
            album = value
        elif tag == "#EXTART":
            artist = value
    return title, tracks


def _split(shown: str) -> tuple[str, str]:
    artist, separator, name = shown.partition(" - ")
    return (artist.strip(), name.strip()) if separator else ("", shown)


def is_plain(location: str) -> bool:
    r"""Whether an M3U can name a file as it is called.

    >>> is_plain("/music/a b.mp3"), is_plain("/music/a\nb.mp3"), is_plain(" a.mp3")
    (True, False, False)
    """
    return one_line(location) == location


def _entry(track: Track, base: Path | None) -> str:
    location = track.location or ""
    if not one_line(location) or is_address(location):
        return address_of(track.track_id)
    if not is_plain(location):
        # a relative name with a line break has no address; it loses the break
        return uri_of(location) if location.startswith("/") else _unlike_others(one_line(location))
    if base is not None and location.startswith("/"):
        location = os.path.relpath(location, base.absolute()).replace(os.sep, "/")
        return _unlike_others(location)
    return f"./{location}" if location[0] == "#" else location


def _unlike_others(path: str) -> str:
    """A relative path that nobody takes for a comment, an address, or one of Windows."""
    odd = path[0] == "#" or path[0].isspace() or ":" in path.split("/", 1)[0] or "\\" in path
    return f"./{path}" if odd else path


def _track(
    entry: str, shown: str | None, said: str | None, album: str | None, duration: int | None, base: Path | None
) -> Track:
    addressed = is_address(entry)
    artist, name = _split(shown) if shown else ("", "")
    if shown and said is not None:
        if not said:
            artist, name = "", shown
        elif shown.startswith(f"{said} - "):
            artist, name = said, shown[len(said) + 3 :]
        elif not artist:
            artist = said
    if not name and not addressed:
        stem = PurePosixPath(entry.replace("\\", "/").split("?")[0]).stem
        artist, name = _split(_NUMBERED.sub("", stem, count=1) or stem)
    return Track(
        track_id=id_of(entry) if addressed else name_id(name, artist),
        name=name,
        artist=artist,
        album=album or None,
        duration_ms=duration,
        location=None if addressed else path_of(entry, base, encoded=False),
    )
