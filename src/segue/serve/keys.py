"""Bearer keys: made here, kept as hashes, looked up in constant time, and who a request comes from."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import secrets
import stat
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from fastapi import Request

from segue.errors import InputError, OutputError, StoredDataError
from segue.library.folders import locked
from segue.library.names import fold, one_line
from segue.serve.problems import Problem

__all__ = ["FILE", "Caller", "Key", "Keys", "add_key", "caller", "read_keys", "remove_key"]

_log = logging.getLogger("segue.serve")

FILE = "keys.json"
"""Name of the file of keys in a service's data folder."""
_KIND = "segue keys"
_PREFIX = "segue_"
_MOST_KEYS = 1_000
CHALLENGE = 'Bearer realm="segue"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of their key; "" where the service needs none."""

    key_id: str


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; not the key.

    Args:
        id: shown in logs and lists, says nothing about the key. sha256: of the key, in hexadecimal digits. A slow
            hash guards what people make up; a key is 256 random bits, which nobody guesses, and its hash is computed
            for each request. created, last_used: days, as 2026-01-31; "" for never. No finer, so that the file does
            not become a diary.
    """

    id: str
    name: str
    sha256: str
    created: str
    last_used: str = ""


def read_keys(file: Path) -> list[Key]:
    """The keys in a file, in the order of their making; none where there is no file.

    Raises:
        StoredDataError: it is damaged, or others could put their own keys into it.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoredDataError(f"{file} cannot be read ({error.strerror}); look at who owns it") from error
    with os.fdopen(handle, "rb") as opened:
        if os.fstat(opened.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise StoredDataError(f"{file} can be written by others, who could add keys; run 'chmod 600' on it")
        try:
            found = msgspec.json.decode(opened.read(), type=_File)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise StoredDataError(f"{file} is damaged ({error}); remove it and make new keys") from error
    if found.kind != _KIND:
        raise StoredDataError(f"{file} is not a file of keys; choose another data folder")
    return found.keys


def add_key(file: Path, name: str) -> tuple[Key, str]:
    """Make a key and write its hash down; the key itself is returned here and never again.

    Raises:
        InputError: the name is empty or taken. OutputError: the file cannot be written.
    """
    name = one_line(name, 100).strip()
    if not name:
        raise InputError("a key needs a name that says who uses it")
    secret = _PREFIX + secrets.token_urlsafe(32)
    with locked(file):
        keys = read_keys(file)
        if any(fold(key.name) == fold(name) for key in keys):
            raise InputError(f"there is a key {name!r} already; remove it first, or choose another name")
        if len(keys) >= _MOST_KEYS:
            raise InputError(f"{file} holds {len(keys):,} keys, which is all it may; remove those that nobody uses")
        key = Key(secrets.token_hex(4), name, _hash(secret), _today())
        _write(file, [*keys, key])
    return key, secret


def remove_key(file: Path, name: str) -> Key:
    """Take a key out by its name or id; a running service refuses it from its next request on.

    Raises:
        InputError: there is none. OutputError: the file cannot be written.
    """
    with locked(file):
        keys = read_keys(file)
        found = [key for key in keys if key.id == name] or [key for key in keys if fold(key.name) == fold(name)]
        if not found:
            raise InputError(f"there is no key {name!r}; 'segue keys list' names them")
        _write(file, [key for key in keys if key.id != found[0].id])
    return found[0]


class Keys:
    """The keys of a running service, read again when their file changes.

    Args:
        file: written by :func:`add_key`; where there is none yet, no key fits.
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
        asked = _hash(secret).encode()
        found = None
        for key_id, known in self._hashes.items():
            if hmac.compare_digest(known, asked):
                found = key_id
        if found is not None and self._used.get(found) != (today := _today()):
            self._used[found] = today
            threading.Thread(target=_note_use, args=(self.file, found, today), daemon=True).start()
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


def caller(request: Request) -> Caller:
    """Who a request comes from; the guard has looked at its key already. A dependency of every route under /v1.

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


class _File(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    keys: list[Key]


def _no(detail: str, error: str = "") -> Problem:
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _note_use(file: Path, key_id: str, today: str) -> None:
    """Write down on which day a key was used last; where that cannot be written the service goes on."""
    with contextlib.suppress(OutputError, StoredDataError, OSError), locked(file):
        keys = read_keys(file)
        if any(key.id == key_id and key.last_used != today for key in keys):
            _write(file, [replace(key, last_used=today) if key.id == key_id else key for key in keys])


def _write(file: Path, keys: list[Key]) -> None:
    """Whole or not at all, and for nobody else to read."""
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
        with os.fdopen(handle, "wb") as opened:
            encoded = msgspec.json.encode(_File(_KIND, keys))
            opened.write(msgspec.json.format(encoded, indent=2) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, file)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
