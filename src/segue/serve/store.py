"""What a service writes down: what people said of tracks, and the playlists that they saved.

One SQLite file in write-ahead mode, for several threads and several processes. Events are only ever added (triggers
hold that); they go with their person, and then truly: deleted content is overwritten, the log is emptied.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from segue.errors import OutputError
from segue.library.feedback import FeedbackEvent
from segue.serve.store_file import connect, emptied_log, made, said_of, writing
from segue.serve.store_playlists import SavedPlaylist, SavedTrack, StoredPlaylists
from segue.sources.json_text import storable
from segue.views.titles import normalise

__all__ = ["SavedPlaylist", "SavedTrack", "Store", "StoredTaste"]

MOST_LIKED, MOST_NEVER = 200, 2_000
_LOOKED_BACK = 20_000  # what somebody said, the newest; further back it is forgotten by the list, not by the store
_COLUMNS = "time, person, list_id, action, model, title, seed_tracks, track_id, position, shown"
_BATCH = 1_000


class StoredTaste(NamedTuple):
    """Ids of tracks that a person kept, wants more like, and never wants again; what was said last comes last."""

    kept: tuple[str, ...]
    more: tuple[str, ...]
    never: tuple[str, ...]


class Store(StoredPlaylists):
    """Feedback and saved playlists of all people; see :meth:`open`.

    People are named by the caller: pseudonyms, with what tells callers apart in front. All methods may be called from
    any thread; each raises OutputError where the disk is full or the file held by others for ten seconds, and
    StoredDataError where the file is damaged.
    """

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self.file, self._clock = file, clock
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path | str, *, clock: Callable[[], float] = time.time) -> Store:
        """Open the file of a folder; folder and file are made where they are missing.

        Raises:
            OutputError: the place cannot be written to.
            StoredDataError: the file is damaged, of another program, or of a newer version.
        """
        return cls(made(Path(folder)), clock)

    def add(self, events: Iterable[FeedbackEvent]) -> None:
        """Add events; all of them or none."""
        rows = [_row(event) for event in events]
        if rows:
            with self._using() as connection, writing(connection):
                connection.executemany(f"INSERT INTO events ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", rows)

    def events(self, person: str | None = None) -> Iterator[FeedbackEvent]:
        """The events of a person, or of all people, in the order in which they came."""
        last = 0
        whose, values = ("", ()) if person is None else ("person = ? AND ", (person,))
        while True:
            with self._using() as connection:
                found = connection.execute(
                    f"SELECT id, {_COLUMNS} FROM events WHERE {whose}id > ? ORDER BY id LIMIT {_BATCH}",
                    (*values, last),
                ).fetchall()
                read = [_event(row[1:]) for row in found]
            yield from read
            if len(found) < _BATCH:
                return
            last = found[-1][0]

    def people(self) -> list[tuple[str, int]]:
        """Everybody with events and how many, by name."""
        with self._using() as connection:
            return connection.execute(
                "SELECT person, count(*) FROM events GROUP BY person ORDER BY person"
            ).fetchall()

    def count(self, person: str) -> int:
        """How many events of a person are stored."""
        with self._using() as connection:
            found: int = connection.execute("SELECT count(*) FROM events WHERE person = ?", (person,)).fetchone()[0]
        return found

    def shown(self, person: str, list_id: str) -> FeedbackEvent | None:
        """The list of a person that was on the screen under this id."""
        with self._using() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM events WHERE list_id = ? AND person = ? AND action = 'shown' LIMIT 1",
                (list_id, person),
            ).fetchone()
            return None if row is None else _event(row)

    def taste(self, person: str, title: str | None = None) -> StoredTaste:
        """What a person's word on each track is: the last one counts, an undo takes it back.

        Args:
            title: what is asked for. What was kept under other titles says nothing about this one and is left out;
                *never* was said of the track, so it counts everywhere. None: whatever the title was.
        """
        with self._using() as connection:
            said = connection.execute(
                "SELECT action, track_id, title FROM events WHERE person = ? AND action <> 'shown' "
                f"ORDER BY id DESC LIMIT {_LOOKED_BACK}",
                (person,),
            ).fetchall()
        never: dict[str, None] = {}
        liked: dict[str, dict[str, str]] = {}
        for action, track_id, under in reversed(said):
            if action in ("never", "undo"):
                liked.pop(track_id, None)
            if action in ("keep", "more", "undo", "never"):
                never.pop(track_id, None)
            if action == "never":
                never[track_id] = None
            elif action in ("keep", "more"):
                before = liked.pop(track_id, {})
                liked[track_id] = before | {_key(under): action}
        key = None if title is None else _key(title)
        words = {
            track_id: list(by_title.values())[-1] if key is None else by_title.get(key)
            for track_id, by_title in liked.items()
        }
        kept = [track_id for track_id, word in words.items() if word == "keep"]
        more = [track_id for track_id, word in words.items() if word == "more"]
        return StoredTaste(tuple(kept[-MOST_LIKED:]), tuple(more[-MOST_LIKED:]), tuple(list(never)[-MOST_NEVER:]))

    def forget(self, person: str) -> int:
        """Delete what is known of a person: events, saved playlists, shares. Returns how many there were.

        When this returns, none of it is in the file or its log any more.

        Raises:
            OutputError: another process reads from the log and does not end; it is deleted, but not overwritten yet.
        """
        with self._using() as connection:
            with writing(connection, durable=True):
                connection.execute("INSERT OR IGNORE INTO forgetting VALUES (?)", (person,))
                gone = connection.execute("DELETE FROM playlists WHERE person = ?", (person,)).rowcount
                gone += connection.execute("DELETE FROM events WHERE person = ?", (person,)).rowcount
                connection.execute("DELETE FROM forgetting")
            if gone:
                # pages that were split hold copies that overwriting deleted rows does not reach
                connection.execute("VACUUM")
            for _ in range(50):
                if emptied_log(connection):
                    return gone
                time.sleep(0.1)
        raise OutputError(f"{self.file}: it is deleted, but a reader keeps the log from being emptied; try again")

    def close(self) -> None:
        """Close the connections of all threads; the store can be used again afterwards."""
        with self._lock:
            for connection in self._opened:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            self._opened.clear()
            self._own = threading.local()

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with said_of(self.file):
            connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
            if connection is None:
                connection = connect(self.file)
                with self._lock:
                    self._own.connection = connection
                    self._opened.append(connection)
            yield connection


def _key(title: str) -> str:
    return normalise(title, "key")


def _row(event: FeedbackEvent) -> tuple[object, ...]:
    return (
        event.time,
        storable(event.person),
        storable(event.list_id),
        event.action,
        event.model,
        storable(event.title),
        _ids(event.seed_tracks),
        storable(event.track_id),
        event.position,
        _ids(event.shown),
    )


def _ids(ids: tuple[str, ...]) -> bytes:
    return msgspec.json.encode([storable(track_id) for track_id in ids])


def _event(row: tuple[object, ...]) -> FeedbackEvent:
    fields: dict[str, Any] = dict(zip(FeedbackEvent.__struct_fields__, row, strict=True))
    try:
        for name in ("seed_tracks", "shown"):
            fields[name] = msgspec.json.decode(fields[name], type=tuple[str, ...])
        return msgspec.convert(fields, FeedbackEvent)
    except msgspec.MsgspecError as error:
        raise sqlite3.DatabaseError(f"an event that is none: {error}") from error
