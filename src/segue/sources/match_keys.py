"""By what a track is recognised in another table: addresses, ISRCs, files, versions of names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from segue.library.names import fold, recording_key
from segue.sources.addresses import path_of
from segue.sources.text import canonical_id

__all__ = ["first_artist", "id_key", "isrc_key", "sounds_otherwise", "stem_key"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_JOINED = re.compile(r"\s*(?:;|,|&|\bfeat\b\.?|\bft\b\.?|\bfeaturing\b|\bwith\b|\bx\b|\bvs\b\.?)\s*", re.IGNORECASE)
# Versions that sound like another recording. On 66,000 tracks with Spotify's features the tempo of two such versions
# agrees within 2 % in 40 % of pairs, that of remastered ones and edits in 80 to 90 %.
_OTHER_SOUND = frozenset({
    "live", "acoustic", "unplugged", "demo", "instrumental", "karaoke", "remix", "mix", "extended", "piano", "sped",
    "orchestral", "stripped", "session", "sessions", "slowed", "cappella", "acapella", "club", "dub", "reprise",
    "cover",
})  # fmt: skip


def id_key(text: str | None) -> str | None:
    """One spelling of a track's address: Spotify's in all theirs, MusicBrainz's by the recording's UUID.

    >>> id_key("4uLU6hMCjMI75M1A2tKUQC"), id_key("https://musicbrainz.org/recording/0A1B2C3D-0000-4000-8000-00000000000f")
    ('spotify:track:4uLU6hMCjMI75M1A2tKUQC', 'mbid:0a1b2c3d-0000-4000-8000-00000000000f')
    """
    if text is None or not text.strip():
        return None
    key = canonical_id(text)
    if key.startswith("spotify:"):
        return key
    found = _UUID.search(key.lower())
    return f"mbid:{found[0]}" if found else key


def isrc_key(text: str | None) -> str | None:
    """An ISRC without its hyphens; None for anything else.

    >>> isrc_key("us-rc1-76-07839"), isrc_key("none")
    ('USRC17607839', None)
    """
    plain = re.sub(r"[\s-]", "", text or "").upper()
    return plain if _ISRC.fullmatch(plain) else None


def stem_key(path: str | None) -> str | None:
    """The last three parts of a path without its ending, folded: where music moved, folders above changed.

    >>> stem_key("/music/Nena/Nena/99 Luftballons.mp3") == stem_key("file:///mnt/Nena/Nena/99%20Luftballons.lrc")
    True
    """
    if path is None or not path.strip() or ("://" in path and not path.casefold().startswith("file://")):
        return None
    pure = PurePosixPath(path_of(path, None, encoded=False).replace("\\", "/"))
    return "/".join([*pure.parts[-3:-1], pure.stem]).casefold() or None


def first_artist(artist: str) -> str:
    """The first of several artists who are written as one.

    >>> first_artist("Ed Sheeran & Justin Bieber"), first_artist("Drake feat. Rihanna"), first_artist("Feist")
    ('Ed Sheeran', 'Drake', 'Feist')
    """
    parts = [part for part in _JOINED.split(artist) if part.strip()]
    return parts[0].strip() if parts else artist


def sounds_otherwise(name: str) -> bool:
    """Whether a name is that of a version that sounds like another recording.

    >>> [sounds_otherwise(name) for name in ("Heroes - Live", "Heroes - 2017 Remaster", "Live Forever")]
    [True, False, False]
    """
    words = set(fold(name).split())
    if words.isdisjoint(_OTHER_SOUND):
        return False
    cut_off = words - set(recording_key(name, "").split())
    return not cut_off.isdisjoint(_OTHER_SOUND) and not cut_off <= {"original", "mix"}
