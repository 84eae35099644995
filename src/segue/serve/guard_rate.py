"""How often one may ask: token buckets, shared by the worker processes of a service."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import math
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["Rates", "address_name"]

_SLOTS = 4096
_PROBES = 8
_RECORD = struct.Struct("<16sdd")  # who, tokens, when they were counted


class Rates:
    """A bucket for each name: ``per_minute`` requests at once, refilled evenly over a minute.

    Args:
        file: a table that several processes on one machine share; it and everything in it may be lost at any time.
            None, or where it cannot be written: a table of this process alone.
        clock: the same for all processes.

    The table has a fixed size, so that many addresses cannot fill the memory: where all places of a name are taken,
    the bucket that was used least recently is forgotten, which is full again sooner than any other.
    """

    def __init__(
        self, per_minute: int, file: Path | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_minute, self._clock, self._handle = per_minute, clock, -1
        size = _SLOTS * _RECORD.size
        if file is not None:
            with contextlib.suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                os.ftruncate(self._handle, size)
        self._table = mmap.mmap(self._handle, size) if self._handle >= 0 else mmap.mmap(-1, size)

    def take(self, name: str) -> float:
        """Count a request; 0.0 if it is within the rate, otherwise the seconds until the next one would be."""
        who = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._alone():
            return self._taken(who)

    def close(self) -> None:
        """Let go of the table."""
        self._table.close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _taken(self, who: bytes) -> float:
        now = self._clock()
        place, tokens = self._bucket(who, now)
        allowed = tokens >= 1.0
        _RECORD.pack_into(self._table, place, who, tokens - 1.0 if allowed else tokens, now)
        return 0.0 if allowed else (1.0 - tokens) * 60.0 / self.per_minute

    def _bucket(self, who: bytes, now: float) -> tuple[int, float]:
        """Where a name's bucket is, or is to be, and what is in it."""
        first = int.from_bytes(who[:4], "little")
        oldest, oldest_place = math.inf, 0
        for step in range(_PROBES):
            place = (first + step) % _SLOTS * _RECORD.size
            there, tokens, counted = _RECORD.unpack_from(self._table, place)
            # a clock that began anew, or a table of zeros or rubbish
            usable = 0.0 <= counted <= now and 0.0 <= tokens <= self.per_minute
            if there == who and usable:
                return place, min(tokens + (now - counted) * self.per_minute / 60.0, float(self.per_minute))
            age = counted if usable else -1.0
            if age < oldest:
                oldest, oldest_place = age, place
        return oldest_place, float(self.per_minute)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._handle < 0:
            yield
            return
        fcntl.lockf(self._handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN)


def address_name(host: str) -> str:
    """What an address is counted as: an IPv6 network of 64 bits is one household, so it is one name.

    >>> address_name("2001:db8::1") == address_name("2001:db8::ffff:2"), address_name("192.0.2.7")
    (True, '192.0.2.7')
    """
    if ":" not in host:
        return host
    try:
        found = ipaddress.IPv6Address(host.split("%", 1)[0])
    except ValueError:
        return host
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
