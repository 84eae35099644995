"""What the rules of the RecSys Challenge 2018 refuse in a submission.

The rules: gzipped CSV; comments (``#``) and blank lines anywhere; the first line that counts is
``team_info,main|creative,TEAM,EMAIL`` (the challenge's relaunch dropped the second field; both are taken); then one
line per playlist of the challenge set, its number and exactly 500 distinct track URIs, none of them given.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.errors import InputError, SourceError
from segue.protocols.challenge_set import LENGTH, TEAM_INFO, URI, ToContinue

__all__ = ["Checked", "check_submission", "submission_problems"]

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission without a fault."""

    team: tuple[str, ...]
    n_playlists: int


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
    if fields[0] != TEAM_INFO:
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
    bad = next((uri for uri in uris if not URI.fullmatch(uri)), None)
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
