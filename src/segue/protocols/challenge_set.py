"""The RecSys Challenge 2018's challenge set: the playlists to continue, and who continues them."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from segue.errors import InputError, SourceError

__all__ = ["LENGTH", "TEAM_INFO", "URI", "Team", "ToContinue", "read_challenge_set"]

LENGTH = 500
"""Tracks that a submission must have for each playlist."""
URI = re.compile(r"spotify:track:[0-9A-Za-z]+")
TEAM_INFO = "team_info"


class _Track(msgspec.Struct):
    track_uri: str
    pos: int = 0


class _Playlist(msgspec.Struct):
    pid: int
    tracks: list[_Track]
    name: str | None = None


class _ChallengeSet(msgspec.Struct):
    playlists: list[_Playlist]


@dataclass(frozen=True, slots=True)
class ToContinue:
    """A playlist of the challenge set.

    Args:
        pid: its number. title: empty where the scenario hides it. given: URIs in order of their positions.
    """

    pid: int
    title: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """Who submits.

    Args:
        track: ``main`` (the dataset alone was used) or ``creative``, as the rules of 2018 ask; None writes the line
            of the challenge's relaunch, which has no such tracks.

    Raises:
        InputError: a part is empty or would break the line.
    """

    name: str
    email: str
    track: Literal["main", "creative"] | None = "main"

    def __post_init__(self) -> None:
        for what, text in (("team name", self.name), ("e-mail address", self.email)):
            if not text.strip() or re.search(r"[,\r\n\x00-\x1f]", text):
                raise InputError(
                    f"the {what} {text!r} must not be empty nor hold a comma or line break; choose another"
                )
        if "@" not in self.email:
            raise InputError(f"{self.email!r} is no e-mail address; the rules ask for one")

    @property
    def line(self) -> str:
        """The first line of a submission."""
        track = [] if self.track is None else [self.track]
        return ",".join([TEAM_INFO, *track, self.name.strip(), self.email.strip()])


def read_challenge_set(path: Path | str) -> list[ToContinue]:
    """Read ``challenge_set.json`` (or ``.json.gz``).

    Raises:
        SourceError: it is missing, damaged, no challenge set, or names a playlist twice.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        read = msgspec.json.decode(data, type=_ChallengeSet)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"cannot be read ({error}); give the challenge set of the RecSys Challenge 2018", path=path
        ) from error
    except msgspec.DecodeError as error:
        raise SourceError(f"is no challenge set ({error})", path=path) from error
    seen: set[int] = set()
    found = []
    for playlist in read.playlists:
        if playlist.pid in seen:
            raise SourceError("names a playlist twice", path=path, position=f"pid {playlist.pid}")
        seen.add(playlist.pid)
        tracks = sorted(playlist.tracks, key=lambda t: t.pos)
        found.append(ToContinue(playlist.pid, playlist.name or "", tuple(t.track_uri for t in tracks)))
    if not found:
        raise SourceError("holds no playlist", path=path)
    return found
