"""Which of a player's tracks is the one that is wanted: the surest way first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote, unquote

from segue.library.catalogue import Track
from segue.library.names import fold, recording_key
from segue.services.players.base import Found, How, PlayerTrack, Progress
from segue.sources.match_keys import first_artist, id_key, isrc_key, sounds_otherwise

__all__ = ["chosen", "each_once", "key_of", "mbid_of", "named_alike", "own_id", "searches"]

_TOLERANCE_MS = 3_000  # two rips of one recording differ by the silence at their ends


def own_id(player: str, key: str) -> str:
    """The track id that names a player's own id, one word whatever the key is.

    >>> own_id("subsonic", "a b"), key_of("subsonic", "subsonic:track:a%20b"), key_of("jellyfin", "subsonic:track:1")
    ('subsonic:track:a%20b', 'a b', None)
    """
    return f"{player}:track:{quote(key, safe='', errors='replace')}"


def key_of(player: str, track_id: str) -> str | None:
    """The player's own id in a track id; None where it names another player's, or none."""
    head = f"{player}:track:"
    return unquote(track_id[len(head) :]) or None if track_id.startswith(head) else None


def mbid_of(track_id: str) -> str | None:
    """The MusicBrainz recording that a track id names.

    >>> mbid_of("https://musicbrainz.org/recording/0A1B2C3D-0000-4000-8000-00000000000f")
    '0a1b2c3d-0000-4000-8000-00000000000f'
    """
    key = id_key(track_id) or ""
    return key[5:] if key.startswith("mbid:") and len(key) == 41 else None


def chosen(wanted: Track, candidates: Sequence[PlayerTrack]) -> Found:
    """The candidate that is the wanted track: by ISRC, recording, name and artist, then by version of the recording.

    Of several by the same way one of the same album comes first, then one of the same length, then the first. Live,
    acoustic and other versions that sound otherwise are taken only where such a one is wanted by its whole name.
    """
    ways: tuple[tuple[How, Callable[[PlayerTrack], bool]], ...] = (
        ("isrc", _same(isrc_key(wanted.track_id.removeprefix("isrc:")), lambda held: held.isrc)),
        ("mbid", _same(mbid_of(wanted.track_id), lambda held: held.mbid)),
        ("name", lambda held: named_alike(wanted, held.track)),
        ("version", lambda held: _same_recording(wanted, held.track)),
    )
    for how, fits in ways:
        fitting = [held for held in candidates if fits(held)]
        if fitting:
            best = min(fitting, key=lambda held: _otherwise(wanted, held.track))
            return Found(wanted, how, best, len(fitting) - 1)
    return Found(wanted)


def named_alike(one: Track, other: Track) -> bool:
    """Whether name and artist are the same, however they are written."""
    if not (one.name and one.artist and other.name and other.artist):
        return False
    return fold(one.name) == fold(other.name) and fold(one.artist) == fold(other.artist)


def searches(wanted: Track, *, names_alone: bool = False) -> Iterator[str]:
    """What to search a player for, the narrowest first: some look for all words anywhere, some in names alone."""
    name = _short(wanted.name)
    if not name:
        return
    artist = "" if names_alone else first_artist(wanted.artist)
    yield from dict.fromkeys((f"{artist} {name}".strip(), name, fold(name)))


def each_once(
    tracks: Sequence[Track], find: Callable[[Track], Found], progress: Progress | None
) -> tuple[Found, ...]:
    """Look for each track; a repeated one is looked for once."""
    known: dict[Track, Found] = {}
    for done, wanted in enumerate(tracks):
        if progress is not None:
            progress(done, len(tracks))
        if wanted not in known:
            known[wanted] = find(wanted)
    if progress is not None:
        progress(len(tracks), len(tracks))
    return tuple(known[wanted] for wanted in tracks)


def _same(key: str | None, of: Callable[[PlayerTrack], str | None]) -> Callable[[PlayerTrack], bool]:
    return lambda held: key is not None and of(held) == key


def _same_recording(one: Track, other: Track) -> bool:
    if not (one.name and one.artist and other.name and other.artist):
        return False
    if sounds_otherwise(one.name) or sounds_otherwise(other.name):
        return False
    mine, theirs = fold(first_artist(one.artist)), fold(first_artist(other.artist))
    return mine == theirs and recording_key(one.name, "") == recording_key(other.name, "")


def _otherwise(wanted: Track, held: Track) -> tuple[bool, bool]:
    """Sorts what is likely the very same release first."""
    other_album = bool(wanted.album) and fold(wanted.album or "") != fold(held.album or "")
    lengths = wanted.duration_ms, held.duration_ms
    other_length = None not in lengths and abs((lengths[0] or 0) - (lengths[1] or 0)) > _TOLERANCE_MS
    return other_album, other_length


def _short(name: str) -> str:
    """A name without the version in it and without what searches read as their own signs."""
    if not name.strip():
        return ""
    for separator in (" - ", " – ", " ("):
        head = name.split(separator)[0]
        if head.strip() and recording_key(head, "") == recording_key(name, ""):
            name = head
    return " ".join("".join(" " if c in '"\\*:[]{}^~?!/' else c for c in name).split()) or name.strip()
