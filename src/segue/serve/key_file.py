"""The file of a service's keys: what is known of each, not the keys."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from segue.errors import InputError, OutputError, StoredDataError
from segue.library.folders import locked
from segue.library.names import fold, one_line

__all__ = ["FILE", "Key", "add_key", "hash_of", "note_use", "read_keys", "remove_key", "today"]

FILE = "keys.json"
"""Name of the file of keys in a service's data folder."""
_KIND = "segue keys"
_PREFIX = "segue_"
_MOST_KEYS = 1_000


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
    with contextlib.suppress(OSError):  # told when it comes to writing
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(file):
        keys = read_keys(file)
        if any(fold(key.name) == fold(name) for key in keys):
            raise InputError(f"there is a key {name!r} already; remove it first, or choose another name")
        if len(keys) >= _MOST_KEYS:
            raise InputError(f"{file} holds {len(keys):,} keys, which is all it may; remove those that nobody uses")
        key = Key(secrets.token_hex(4), name, hash_of(secret), today())
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


class _File(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    keys: list[Key]


def hash_of(secret: str) -> str:
    """What is written down of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def today() -> str:
    """As 2026-01-31, everywhere the same."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def note_use(file: Path, key_id: str, day: str) -> None:
    """Write down on which day a key was used last; where that cannot be written the service goes on."""
    with contextlib.suppress(OutputError, StoredDataError, OSError), locked(file):
        keys = read_keys(file)
        if any(key.id == key_id and key.last_used != day for key in keys):
            _write(file, [replace(key, last_used=day) if key.id == key_id else key for key in keys])


def _write(file: Path, keys: list[Key]) -> None:
    """Whole or not at all, and for nobody else to read."""
    temporary = None
    try:
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
