"""The SQLite file of a service: made, opened, checked, and what SQLite says of it in words of ours."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from segue.errors import OutputError, SegueError, StoredDataError

__all__ = ["FILE_NAME", "connect", "emptied_log", "made", "said_of", "writing"]

FILE_NAME = "segue.sqlite"
_APPLICATION = 0x5E60E5  # in the file's header; tells our files from other programs'
_VERSION = 1
_BUSY_SECONDS = 10.0
_FULL = ("full", "disk i/o error", "readonly", "unable to open")
_BUSY = ("locked", "busy")

_SCHEMA = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, person TEXT NOT NULL, list_id TEXT NOT NULL, action TEXT NOT NULL,
    model TEXT NOT NULL, title TEXT NOT NULL, seed_tracks BLOB NOT NULL, track_id TEXT NOT NULL,
    position INTEGER NOT NULL, shown BLOB NOT NULL
) STRICT;
CREATE INDEX events_of ON events (person, id);
CREATE INDEX said_of ON events (person, id) WHERE action <> 'shown';
CREATE INDEX lists ON events (list_id) WHERE action = 'shown';
CREATE TABLE forgetting (person TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
    WHEN NOT EXISTS (SELECT 1 FROM forgetting WHERE person = OLD.person)
    BEGIN SELECT RAISE(ABORT, 'events are only deleted with their person'); END;
CREATE TABLE playlists (
    playlist_id TEXT PRIMARY KEY, person TEXT NOT NULL, title TEXT NOT NULL, tracks BLOB NOT NULL,
    version INTEGER NOT NULL, created REAL NOT NULL, changed REAL NOT NULL
) STRICT;
CREATE INDEX playlists_of ON playlists (person, created);
CREATE TABLE shares (
    token_hash BLOB PRIMARY KEY, playlist_id TEXT NOT NULL REFERENCES playlists ON DELETE CASCADE,
    created REAL NOT NULL
) STRICT;
CREATE INDEX shares_of ON shares (playlist_id);
"""


def made(folder: Path) -> Path:
    """Make the folder and its file where they are missing; the file's place.

    The file, and what SQLite writes beside it, can be read by its owner alone.

    Raises:
        OutputError: the place cannot be written to.
        StoredDataError: the file is damaged, of another program, or of a newer version.
    """
    file = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise OutputError(f"cannot write {file}: {error.strerror or error}; give another folder (--data)") from error
    with said_of(file), contextlib.closing(connect(file)) as connection:
        _set_up(connection, file)
    return file


def connect(file: Path) -> sqlite3.Connection:
    """A connection to a file that is there, for one thread at a time."""
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # each thread has its own; only closing is done by another
    )
    try:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        # a killed process loses nothing; a machine without power may lose the last seconds, never the file
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, file: Path) -> None:
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if (application, version) == (0, 0):
        connection.execute("PRAGMA journal_mode = WAL")
        with writing(connection):
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
                for statement in _statements(_SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        application, version = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
    if application != _APPLICATION:
        raise StoredDataError(f"{file} is a file of another program; move it away or give another folder (--data)")
    if version > _VERSION:
        raise StoredDataError(f"{file} is of a newer version of segue ({version} > {_VERSION}); update segue")
    if version < 1:
        raise StoredDataError(f"{file} is damaged (version {version}); restore it from a backup")
    connection.execute("SELECT count(*) FROM (SELECT 1 FROM events LIMIT 1)").fetchone()
    connection.execute("SELECT count(*) FROM (SELECT 1 FROM playlists LIMIT 1)").fetchone()


def _statements(script: str) -> Iterator[str]:
    """One statement after the other: ``executescript`` would end the transaction."""
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


@contextlib.contextmanager
def writing(connection: sqlite3.Connection, *, durable: bool = False) -> Iterator[None]:
    """A transaction that holds the write lock from its start; on an error all of it is taken back.

    Args:
        durable: whether it is on the disk, not only with the operating system, when the block has ended.
    """
    if durable:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has taken it back already
                connection.execute("ROLLBACK")
            raise
    finally:
        if durable:
            connection.execute("PRAGMA synchronous = NORMAL")


def emptied_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False while somebody still reads from it."""
    return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


@contextlib.contextmanager
def said_of(file: Path) -> Iterator[None]:
    """What SQLite complains about, as an error of ours that names the file.

    Raises:
        OutputError: the disk is full, the file cannot be written, or another process holds it for too long.
        StoredDataError: the file is damaged.
    """
    try:
        yield
    except SegueError:
        raise
    except sqlite3.OperationalError as error:
        said = str(error).lower()
        if any(word in said for word in _FULL):
            raise OutputError(f"cannot write {file} ({error}); is the disk full or read-only?") from error
        if any(word in said for word in _BUSY):
            raise OutputError(f"{file} is held by another process ({error}); try again") from error
        raise StoredDataError(f"{file} is damaged ({error}); restore it from a backup") from error
    except sqlite3.DatabaseError as error:
        raise StoredDataError(f"{file} is damaged ({error}); restore it from a backup") from error
