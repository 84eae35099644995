"""The RecSys Challenge 2018: read its challenge set, write a submission, refuse what its rules refuse."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, OutputError, SourceError
from segue.library import Catalogue, Query, Recommender
from segue.protocols.common import Progress

__all__ = [
    "LENGTH",
    "Checked",
    "Team",
    "ToContinue",
    "Written",
    "check_submission",
    "read_challenge_set",
    "submission_problems",
    "write_submission",
]

LENGTH = 500
"""Tracks that a submission must have for each playlist."""
_URI = re.compile(r"spotify:track:[0-9A-Za-z]+")
_MOST_PROBLEMS = 20
_TEAM_INFO = "team_info"


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
        return ",".join([_TEAM_INFO, *track, self.name.strip(), self.email.strip()])


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: playlists, given tracks that the catalogue does not have, and titles nobody could use."""

    path: Path
    n_playlists: int
    n_given: int
    n_given_unknown: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission without a fault."""

    team: tuple[str, ...]
    n_playlists: int


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


def write_submission(
    challenge: Sequence[ToContinue],
    recommender: Recommender,
    catalogue: Catalogue,
    out: Path | str,
    team: Team,
    *,
    progress: Progress | None = None,
) -> Written:
    """Continue every playlist by 500 tracks and write the submission, gzipped, atomically.

    Given tracks never come back, also those that the catalogue does not have. A given track that is unknown cannot be
    used and is counted.

    Raises:
        InputError: the catalogue's ids are no Spotify URIs, or it is too small for 500 tracks a playlist.
        OutputError: the place cannot be written to, or is not called ``.csv.gz``.
    """
    out = Path(out)
    if not out.name.endswith(".csv.gz"):
        raise OutputError(f"a submission is called something.csv.gz, not {out.name}; choose such a name")
    n_given = n_unknown = 0
    with _new_gzip(out) as file:
        file.write(f"# written by Segue; {len(challenge)} playlists of {LENGTH} tracks\n{team.line}\n\n".encode())
        for done, playlist in enumerate(challenge):
            if progress is not None:
                progress(done, len(challenge), "playlists")
            seeds = [catalogue.find_id(uri) for uri in playlist.given]
            n_given += len(seeds)
            n_unknown += sum(row is None for row in seeds)
            query = Query(playlist.title, tuple(dict.fromkeys(row for row in seeds if row is not None)))
            uris = _uris(catalogue, recommender.recommend(query, LENGTH).rows, playlist)
            file.write(f"{playlist.pid},{','.join(uris)}\n".encode())
        if progress is not None:
            progress(len(challenge), len(challenge), "playlists")
    return Written(out, len(challenge), n_given, n_unknown)


def _uris(catalogue: Catalogue, rows: NDArray[np.int32], playlist: ToContinue) -> list[str]:
    given = set(playlist.given)
    uris = [uri for uri in (catalogue.texts["track_id"][row] for row in rows.tolist()) if uri not in given]
    bad = next((uri for uri in uris if not _URI.fullmatch(uri)), None)
    if bad is not None:
        raise InputError(
            f"the catalogue names a track {bad!r}, which is no Spotify URI; "
            "a submission needs a model of the Million Playlist Dataset"
        )
    if len(set(uris)) != LENGTH:
        raise InputError(
            f"playlist {playlist.pid} got {len(set(uris))} tracks and the rules ask for {LENGTH}; "
            "a model with a larger catalogue is needed"
        )
    return uris


def check_submission(challenge: Sequence[ToContinue], path: Path | str) -> Checked:
    """Verify a submission as the challenge's verifier does.

    Raises:
        InputError: the rules refuse it; the message has the first fault and says how many there are.
        SourceError: it cannot be read.
    """
    problems, team, n_playlists = _examined(challenge, Path(path))
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{path}: {problems[0]}{more}")
    return Checked(team, n_playlists)


def submission_problems(challenge: Sequence[ToContinue], path: Path | str) -> list[str]:
    """All faults of a submission, the first twenty; empty if the rules accept it.

    Raises:
        SourceError: it cannot be read.
    """
    return _examined(challenge, Path(path))[0]


def _examined(challenge: Sequence[ToContinue], path: Path) -> tuple[list[str], tuple[str, ...], int]:
    """Walk over the lines: comments and blank lines anywhere, the team first, then each playlist once."""
    given = {playlist.pid: set(playlist.given) for playlist in challenge}
    problems: list[str] = []
    team: tuple[str, ...] = ()
    seen: set[int] = set()
    for number, line in _lines(path):
        if len(problems) >= _MOST_PROBLEMS:
            return problems, team, len(seen)
        fields = [field.strip() for field in line.split(",")]
        where = f"line {number}"
        if not team:
            if fault := _team_fault(fields):
                return [f"{where}: {fault}"], (), 0
            team = tuple(fields[1:])
            continue
        if not re.fullmatch(r"[0-9]{1,18}", fields[0]):
            problems.append(f"{where}: {fields[0][:40]!r} is no playlist number")
            continue
        pid = int(fields[0])
        if pid not in given:
            problems.append(f"{where}: playlist {pid} is not in the challenge set")
        elif pid in seen:
            problems.append(f"{where}: playlist {pid} was there before")
        else:
            seen.add(pid)
            problems += [f"{where}: playlist {pid} {fault}" for fault in _track_faults(fields[1:], given[pid])]
    if not team:
        problems.append("there is no team_info line")
    missing = [pid for pid in given if pid not in seen]
    if missing and team and len(problems) < _MOST_PROBLEMS:
        problems.append(f"{len(missing)} playlists are missing, the first is {missing[0]}")
    return problems, team, len(seen)


def _team_fault(fields: Sequence[str]) -> str | None:
    if fields[0] != _TEAM_INFO:
        return "the first line that is no comment must begin with team_info"
    if len(fields) == 4 and fields[1] not in ("main", "creative"):
        return f"the track of the challenge must be main or creative, not {fields[1][:40]!r}"
    if len(fields) not in (3, 4) or not all(fields) or "@" not in fields[-1]:
        return (
            "the line must read team_info,main|creative,team name,e-mail (or, as of the relaunch, without the track)"
        )
    return None


def _track_faults(uris: Sequence[str], given: set[str]) -> list[str]:
    faults = []
    if len(uris) != LENGTH:
        faults.append(f"has {len(uris)} tracks instead of {LENGTH}")
    if len(set(uris)) != len(uris):
        faults.append(f"repeats {len(uris) - len(set(uris))} tracks")
    returned = len(given.intersection(uris))
    if returned:
        faults.append(f"has {returned} of the given tracks")
    bad = next((uri for uri in uris if not _URI.fullmatch(uri)), None)
    if bad is not None:
        faults.append(f"has {bad[:60]!r}, which is no Spotify track URI")
    return faults


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that count, with their numbers."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip() and not line.startswith("#"):
                    yield number, line.strip()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SourceError(f"cannot be read as gzipped CSV ({error})", path=path) from error


@contextlib.contextmanager
def _new_gzip(path: Path) -> Iterator[io.BufferedIOBase]:
    """A gzip file that takes its place when the block ends without an error; same content, same bytes."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
