"""What services have answered, kept on disk so that nothing is asked twice."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from segue.errors import OutputError, StoredDataError

__all__ = ["AnswerCache", "cache_file"]

_VERSION = 1
_WAIT = 30.0  # seconds for another process to finish its write, which takes milliseconds
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    body BLOB NOT NULL,
    fetched_at REAL NOT NULL,
    stale_at REAL NOT NULL
) WITHOUT ROWID
"""


def cache_file() -> Path:
    """Where answers are kept: ``answers.sqlite`` in SEGUE_CACHE, else in ``segue/services`` in the user's cache."""
    if os.environ.get("SEGUE_CACHE"):
        return Path(os.environ["SEGUE_CACHE"]) / "answers.sqlite"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue" / "services" / "answers.sqlite"


class AnswerCache:
    """A table of key -> what was read out of an answer, until when it holds.

    Keys are digests (:attr:`~segue.services.base.Request.key`). Bodies are what a reader kept of an answer, not the
    answer itself: of a listener that is the country and the tracks, not the rest of the profile. Each write
    is a transaction of its own, so several processes share a file and a killed one leaves what it had written.

    Raises:
        OutputError: the file cannot be written.
        StoredDataError: it is damaged, no such file, or of a newer version.
    """

    def __init__(self, file: Path, *, now: Callable[[], float] = time.time) -> None:
        self.file, self._now = file, now
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # made with these rights: what somebody listens to is nobody else's business on a shared machine
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
        with self._explained():
            self._base = sqlite3.connect(file, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except BaseException:
            self._base.close()
            raise

    def _open(self) -> None:
        with self._explained():
            version = self._base.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise StoredDataError(
                    f"{self.file} is of version {version}, this segue reads up to {_VERSION}; upgrade segue, or "
                    "name another folder in SEGUE_CACHE"
                )
            # readers and a writer do not wait for each other; where a file system cannot do it, they do
            with contextlib.suppress(sqlite3.OperationalError):
                self._base.execute("PRAGMA journal_mode = WAL").fetchone()
            self._base.execute("PRAGMA synchronous = NORMAL")
            if version == 0:
                self._base.execute("BEGIN IMMEDIATE")
                self._base.execute(_TABLE)
                self._base.execute(f"PRAGMA user_version = {_VERSION}")
                self._base.execute("COMMIT")

    def get(self, key: str) -> bytes | None:
        """What is kept under a key; None where there is nothing, or only what has become stale.

        Raises:
            StoredDataError: the file is damaged.
        """
        with self._explained():
            found = self._base.execute("SELECT body, stale_at FROM answers WHERE key = ?", (key,)).fetchone()
        if found is None or not isinstance(found[0], bytes) or not isinstance(found[1], float):
            return None
        return found[0] if self._now() < found[1] else None

    def put(self, key: str, service: str, body: bytes, seconds: float) -> None:
        """Keep something for so many seconds, in place of what was there.

        Raises:
            OutputError: the disk is full, say.
            StoredDataError: the file is damaged.
        """
        now = self._now()
        with self._explained():
            self._base.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (key, service, body, now, now + seconds)
            )

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def __enter__(self) -> AnswerCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if str(error).startswith(("no such", "table ")):
                raise StoredDataError(f"{self.file} is no cache of segue ({error}); delete it") from error
            # locked for longer than anybody writes, full, read-only, or a file system that cannot do it
            raise OutputError(f"cannot use {self.file}: {error}; name another folder in SEGUE_CACHE") from error
        except sqlite3.DatabaseError as error:
            raise StoredDataError(
                f"{self.file} is damaged ({error}); delete it, and what it held is asked for again"
            ) from error
