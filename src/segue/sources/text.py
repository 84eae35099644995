"""Text as it comes from strangers: decoding, caps, identities of tracks."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections import Counter
from pathlib import PurePosixPath

from segue.library.names import fold

__all__ = ["MAX_CHARACTERS", "canonical_id", "decode", "file_title", "name_id", "track_id_of"]

MAX_CHARACTERS = 2_000  # a longer title, name or description is cut: nobody reads it and every table would carry it
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SPOTIFY_URL = re.compile(
    r"https?://open\.spotify\.com/(?:intl-[a-z-]+/)?(?:embed/)?track/([0-9A-Za-z]{22})(?:[/?#].*)?"
)
_SPOTIFY_BARE = re.compile(r"[0-9A-Za-z]{22}")


def decode(data: bytes, notes: Counter[str]) -> str:
    """Decode a text file: by its mark, else as UTF-8, UTF-16 without a mark, or Windows-1252 (noted).

    >>> notes = Counter()
    >>> decode("Mañana".encode("latin-1"), notes), dict(notes)
    ('Mañana', {'files read as Windows-1252, for want of valid UTF-8': 1})
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            text = data[len(bom) :].decode(encoding, "replace")
            if "\ufffd" in text:
                notes["files with undecodable characters, replaced by U+FFFD"] += 1
            return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        notes["files read as Windows-1252, for want of valid UTF-8"] += 1
        return data.decode("cp1252", "replace")
    # ASCII in UTF-16 is valid UTF-8 with a NUL at every other place.
    head = data[:400]
    if len(head) >= 8 and len(data) % 2 == 0:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if odd > len(head) * 0.4 and even == 0:
            return data.decode("utf-16-le", "replace")
        if even > len(head) * 0.4 and odd == 0:
            return data.decode("utf-16-be", "replace")
    return text


def canonical_id(uri: str) -> str:
    """Bring a track address to one spelling: Spotify links and bare ids become ``spotify:track:...``.

    >>> canonical_id("https://open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC?si=1")
    'spotify:track:4uLU6hMCjMI75M1A2tKUQC'
    """
    uri = uri.strip()
    found = _SPOTIFY_URL.fullmatch(uri)
    if found:
        return f"spotify:track:{found[1]}"
    return f"spotify:track:{uri}" if _SPOTIFY_BARE.fullmatch(uri) else uri


def name_id(name: str, artist: str) -> str:
    """Identity of a track without an address: "t:" and 16 hexadecimal digits of its folded name and artist.

    >>> name_id("Déjà Vu", "Beyoncé") == name_id("deja vu", "BEYONCE")
    True
    """
    key = f"{fold(name)}\t{fold(artist)}".encode("utf-8", "replace")
    return "t:" + hashlib.blake2b(key, digest_size=8).hexdigest()


def track_id_of(uri: str | None, name: str | None, artist: str | None) -> str | None:
    """Identity of a track: its address where it has one, else its name and artist; None where it has neither."""
    if uri and uri.strip():
        return canonical_id(uri)
    if name and name.strip():
        return name_id(name, artist or "")
    return None


def file_title(label: str) -> str:
    """The title of a playlist whose file does not say it: the file's name, underscores as spaces.

    >>> file_title("music/rainy_sunday.csv.gz"), file_title("Vol. 2.m3u8")
    ('rainy sunday', 'Vol. 2')
    """
    name = PurePosixPath(label).name
    if name.lower().endswith(".gz"):
        name = name[:-3]
    stem = PurePosixPath(name).stem or name
    return " ".join(stem.replace("_", " ").split()) or name
