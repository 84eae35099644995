"""What a player is: it finds tracks of its own, and reads and writes playlists of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, get_args

from segue.library.catalogue import Track
from segue.sources.playlist_files import PlaylistFile

__all__ = [
    "PLAYERS",
    "Found",
    "How",
    "Outcome",
    "Player",
    "PlayerName",
    "PlayerPlaylist",
    "PlayerTrack",
    "PlaylistRef",
    "Progress",
    "Written",
    "paged",
]

T = TypeVar("T")

PlayerName = Literal["subsonic", "jellyfin", "listenbrainz", "spotify"]
PLAYERS: tuple[PlayerName, ...] = get_args(PlayerName)

How = Literal["id", "isrc", "mbid", "name", "version"]
"""By what a track was found, the surest first."""

Outcome = Literal["created", "replaced", "resumed", "unchanged"]
"""What became of a playlist; ``resumed`` is one that an earlier push had left cut off."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class PlayerTrack:
    """A track as a player knows it.

    Args:
        key: the player's own id of it.
        track: what is shown; its ``track_id`` says the player and the key, so that it is found again by it.
        isrc: without hyphens. mbid: id of the MusicBrainz recording, lower case. genre: as the player says it.
    """

    key: str
    track: Track
    isrc: str | None = None
    mbid: str | None = None
    genre: str | None = None


@dataclass(frozen=True, slots=True)
class PlaylistRef:
    """A playlist of a player, without its tracks.

    Args:
        own: whether the person may write to it. n_tracks: None where the player does not say.
    """

    playlist_id: str
    title: str
    own: bool = True
    n_tracks: int | None = None


@dataclass(frozen=True, slots=True)
class PlayerPlaylist:
    """A playlist of a player; tracks in order, repeats kept.

    Args:
        n_other: entries that are no tracks (episodes, tracks that are gone); they are not among ``tracks``.
    """

    ref: PlaylistRef
    tracks: tuple[PlayerTrack, ...]
    description: str | None = None
    n_other: int = 0

    @property
    def file(self) -> PlaylistFile:
        """The playlist as a file would tell it."""
        return PlaylistFile(self.ref.title, tuple(held.track for held in self.tracks), self.description)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of looking for a track.

    Args:
        wanted: the track looked for. how: by what it was found; None where it is missing.
        found: the player's track. others: how many more fitted as well; the first one the player gave was taken.
    """

    wanted: Track
    how: How | None = None
    found: PlayerTrack | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A playlist that was written.

    Args:
        n_tracks: that the player holds now. remarks: sentences about what it did otherwise than asked.
    """

    ref: PlaylistRef
    outcome: Outcome
    n_tracks: int
    remarks: tuple[str, ...] = field(default=())


def paged(ask: Callable[[int], tuple[Sequence[T], int]]) -> Iterator[T]:
    """Everything of a list that comes in pages.

    Args:
        ask: an offset -> the entries from there, and how many there are in all; a page without entries is the last.

    >>> list(paged(lambda offset: ("abcde"[offset : offset + 2], 5)))
    ['a', 'b', 'c', 'd', 'e']
    """
    offset = 0
    while True:
        entries, total = ask(offset)
        yield from entries
        offset += len(entries)
        if not entries or offset >= total:
            return


class Player(Protocol):
    """A place where somebody's music is.

    Every method raises :class:`~segue.services.base.ServiceError` where the player gives no usable answer.
    """

    @property
    def name(self) -> PlayerName:
        """What it is called in options."""
        ...

    def find(self, tracks: Sequence[Track], progress: Progress | None = None) -> tuple[Found, ...]:
        """Look for tracks, in order: by id, ISRC, MusicBrainz id, then by name and artist. Writes nothing."""
        ...

    def playlists(self) -> list[PlaylistRef]:
        """The playlists that the person sees there, in the player's order."""
        ...

    def read(self, playlist_id: str) -> PlayerPlaylist:
        """A playlist with all its tracks."""
        ...

    def write(
        self,
        title: str,
        tracks: Sequence[PlayerTrack],
        *,
        description: str | None = None,
        replace: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Written:
        """Write a playlist, long ones in chunks; nothing is written where it is already so.

        Args:
            replace: whether an own playlist of this title, if there is one, is written over.
            dry_run: whether to say only what would become of it; nothing that writes is sent.

        Raises:
            InputError: there is one of this title with other tracks, and it may not be written over.
        """
        ...

    def library(self) -> Iterator[PlayerTrack]:
        """All tracks that the person owns, or has saved there; each once."""
        ...
