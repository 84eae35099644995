"""Listeners from Last.fm, name after name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segue.errors import InputError, SourceError
from segue.services.base import Blocked, NotAllowed, ServiceError
from segue.services.client import Client
from segue.services.lastfm import Lastfm
from segue.sources.listeners import ListenedTrack, Listener
from segue.sources.text import decode

__all__ = ["ListenersFound", "fetch_listeners", "read_user_names"]

_PATIENCE = 5
_MOST_BYTES = 50_000_000
_HEADERS = frozenset({"user", "users", "user_id", "userid", "user_name", "username", "name", "login"})
_NAME = re.compile(r"[^\s,;\t/?#&]{1,64}")


@dataclass(frozen=True)
class ListenersFound:
    """What became of asking for people.

    Args:
        listeners: those who were found, in the order of their names.
        outcomes: found, private, not_found, blocked, error -> people.
        unasked: people who were not asked for in the end.
        remarks: sentence -> how often.
    """

    listeners: tuple[Listener, ...]
    outcomes: dict[str, int]
    unasked: int = 0
    remarks: Counter[str] = field(default_factory=Counter)


def fetch_listeners(
    client: Client, users: Sequence[str], *, n: int = 200, progress: Callable[[int, int], None] | None = None
) -> ListenersFound:
    """Country and the last ``n`` loved tracks of people; the most recently loved track comes first.

    After five failures in a row nobody more is asked for.

    Raises:
        NotAllowed: LASTFM_API_KEY is missing or refused.
    """
    lastfm = Lastfm(client)
    found: list[Listener] = []
    counts: Counter[str] = Counter()
    remarks: Counter[str] = Counter()
    failed = done = 0
    for user in users:
        if progress is not None:
            progress(done, len(users))
        if failed >= _PATIENCE:
            break
        done += 1
        sent = client.n_sent
        try:
            loved = lastfm.loved(user, n)
        except NotAllowed:
            raise
        except ServiceError as error:
            failed += 1
            counts["blocked" if isinstance(error, Blocked) else "error"] += 1
            remarks[str(error)] += 1
            continue
        if client.n_sent > sent:  # what was remembered tells nothing about how the service is now
            failed = 0
        counts[loved.status] += 1
        if loved.status == "found":
            tracks = tuple(ListenedTrack(name, artist) for name, artist in loved.tracks)
            found.append(Listener(user, loved.country, tracks))
    if progress is not None:
        progress(done, len(users))
    order = ("found", "private", "not_found", "blocked", "error")
    outcomes = {status: counts[status] for status in order if counts[status]}
    return ListenersFound(tuple(found), outcomes, len(users) - done, remarks)


def read_user_names(path: Path) -> list[str]:
    """Names of users from a text file, one a line, or from the first column of a table; each once.

    Raises:
        SourceError: the file cannot be read, or a line holds no name; says which line, and not what is in it.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"larger than {_MOST_BYTES:,} bytes; split it", path=path)
        text = decode(path.read_bytes(), Counter())
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror or error})", path=path) from error
    names: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name = re.split(r"[,;\t]", line, maxsplit=1)[0].strip().strip('"')
        if not name or name.startswith("#") or (not names and name.casefold() in _HEADERS):
            continue
        if not _NAME.fullmatch(name) or not name.isprintable():
            raise SourceError("holds what cannot be a user name", path=path, position=f"line {number}")
        names.setdefault(name.casefold(), name)  # Last.fm does not tell them apart either
    if not names:
        raise InputError(f"{path} holds no user names; write one on each line")
    return list(names.values())
