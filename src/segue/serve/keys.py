"""Bearer keys of a running service: looked up in constant time, and who a request comes from."""

from __future__ import annotations

import hmac
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from segue.errors import StoredDataError
from segue.serve.key_file import FILE, hash_of, note_use, read_keys, today
from segue.serve.problems import Problem

__all__ = ["Caller", "Keys", "caller"]

_log = logging.getLogger("segue.serve")

_CHALLENGE = 'Bearer realm="segue"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of their key; "" where the service needs none."""

    key_id: str


class Keys:
    """The keys of a running service, read again when their file changes.

    Args:
        file: written by :func:`~segue.serve.key_file.add_key`; where there is none yet, no key fits.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._state: tuple[int, int, int] | None = None
        self._hashes: dict[str, bytes] = {}
        self._used: dict[str, str] = {}

    @classmethod
    def open(cls, data: Path) -> Keys:
        """The keys in a service's data folder.

        Raises:
            StoredDataError: their file is damaged, or others could put their own keys into it.
        """
        read_keys(data / FILE)
        return cls(data / FILE)

    def find(self, secret: str) -> str | None:
        """Id of a key; None if it is not one of ours. All are compared, in constant time, whichever fits."""
        self._refresh()
        asked = hash_of(secret).encode()
        found = None
        for key_id, known in self._hashes.items():
            if hmac.compare_digest(known, asked):
                found = key_id
        if found is not None and self._used.get(found) != (day := today()):
            self._used[found] = day
            threading.Thread(target=note_use, args=(self.file, found, day), daemon=True).start()
        return found

    def caller(self, authorization: str | None) -> Caller:
        """Who sent this header.

        Raises:
            Problem: 401, a key is needed and this is none.
        """
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _no("a key is needed; send it as 'Authorization: Bearer KEY'")
        key_id = self.find(secret.strip())
        if key_id is None:
            raise _no("this key is not known here, or no longer; ask for a new one", "invalid_token")
        return Caller(key_id)

    def _refresh(self) -> None:
        try:
            there = os.stat(self.file)
            state = (there.st_mtime_ns, there.st_ino, there.st_size)
        except OSError:
            state = (0, 0, 0)
        if state == self._state:
            return
        try:
            found = read_keys(self.file)
        except StoredDataError as error:
            _log.error("%s; no key is accepted until then", error)
            found = []
        self._hashes = {key.id: key.sha256.encode() for key in found}
        self._used = {key.id: key.last_used for key in found}
        self._state = state


async def caller(request: Request) -> Caller:
    """Who a request comes from; the guard has looked at its key already. A dependency of every route under /v1.

    Async, else FastAPI would call it in a thread of its own.

    Raises:
        Problem: 401, a key is needed and there is none, or none of ours.
    """
    known = request.scope.get("segue.caller")
    if isinstance(known, Caller):
        return known
    serving = request.app.state.serving
    if not serving.settings.keys:
        return Caller("")
    keys: Keys = serving.keys
    return keys.caller(request.headers.get("authorization"))


def _no(detail: str, error: str = "") -> Problem:
    challenge = f'{_CHALLENGE}, error="{error}"' if error else _CHALLENGE
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
