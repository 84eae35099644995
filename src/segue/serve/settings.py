"""What a service is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segue.errors import InputError

__all__ = ["HERE", "Limits", "ServeSettings"]

HERE = ("127.0.0.1", "::1", "localhost")
"""Hosts that are this machine and nobody else's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, and all of them together, may take.

    Args:
        body_bytes: of a request, also unpacked. depth: of its JSON. seconds: for an answer. receive_seconds: for a
            request to arrive. threads: answers that are worked on at once. waiting: requests that wait for one of
            them; further ones get a 503 at once. per_minute: requests of one key, or of one address where there are
            no keys; 0 for any number.
    """

    body_bytes: int = 1 << 20
    depth: int = 32
    seconds: float = 20.0
    receive_seconds: float = 10.0
    threads: int = 2
    waiting: int = 64
    per_minute: int = 0

    def __post_init__(self) -> None:
        if min(self.body_bytes, self.depth, self.threads) < 1 or self.waiting < 0 or self.per_minute < 0:
            raise InputError("limits of a service must be 1 or more; waiting and requests per minute may be 0")
        if not (0 < self.seconds <= 3600 and 0 < self.receive_seconds <= 3600):
            raise InputError("a service's time limits lie between 0 and 3600 seconds")


@dataclass(frozen=True)
class ServeSettings:
    """Everything that ``segue serve`` can be told.

    Args:
        model: title model. search, tracks, towers: further models, each of which brings its part of the page.
        map: file of ``segue map``. owned: library of one's own music: only its tracks are recommended.
        data: folder of what the service writes: saved playlists, feedback, keys.
        host, port: where it listens. workers: processes.
        keys: whether requests need a bearer key.
        origins: that browsers may ask from (CORS); none by default. hosts: names under which the service answers;
            others are refused, so that a page elsewhere cannot reach it through a name of its own. Empty: its address
            and localhost where it listens on this machine alone, else any.
        limits: see :class:`Limits`.
    """

    model: Path
    search: Path | None = None
    tracks: Path | None = None
    towers: Path | None = None
    map: Path | None = None
    owned: Path | None = None
    data: Path = Path("segue-data")
    host: str = "127.0.0.1"
    port: int = 8765
    workers: int = 1
    keys: bool = False
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    limits: Limits = Limits()
