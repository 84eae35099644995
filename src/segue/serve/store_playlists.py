"""Playlists that people saved: with versions, so that no browser overwrites what another wrote; shared by link."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from segue.errors import InputError
from segue.serve.store_file import writing
from segue.sources.json_text import storable

__all__ = ["Outdated", "SavedPlaylist", "SavedTrack", "StoredPlaylists"]

MOST_PLAYLISTS, MOST_SHARES = 1_000, 20
_COLUMNS = (
    "playlist_id, person, title, tracks, version, created, changed, "
    "EXISTS (SELECT 1 FROM shares WHERE shares.playlist_id = playlists.playlist_id)"
)


class SavedTrack(msgspec.Struct, frozen=True):
    """A track as it was when it was saved: the catalogue of the day after may lack it."""

    track_id: str
    name: str = ""
    artist: str = ""
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    explicit: bool | None = None


class SavedPlaylist(msgspec.Struct, frozen=True):
    """A saved playlist.

    Args:
        tracks: in order, repeats included. version: counts changes, from 1. created, changed: unix seconds.
        shared: whether somebody may have a link to it.
    """

    playlist_id: str
    person: str
    title: str
    tracks: tuple[SavedTrack, ...]
    version: int
    created: float
    changed: float
    shared: bool = False


class Outdated(InputError):
    """A playlist was changed by somebody else since it was read."""


class StoredPlaylists(ABC):
    """The half of a store that keeps playlists; people see their own alone."""

    _clock: Callable[[], float]

    @abstractmethod
    def _using(self) -> contextlib.AbstractContextManager[sqlite3.Connection]: ...

    def create(self, person: str, title: str, tracks: Sequence[SavedTrack]) -> SavedPlaylist:
        """Save a playlist.

        Raises:
            InputError: the person has a thousand already.
        """
        playlist_id, now = secrets.token_urlsafe(16), self._clock()
        with self._using() as connection, writing(connection, durable=True):
            there = connection.execute("SELECT count(*) FROM playlists WHERE person = ?", (person,)).fetchone()[0]
            if there >= MOST_PLAYLISTS:
                raise InputError(f"{MOST_PLAYLISTS} playlists are saved; delete one before another is saved")
            connection.execute(
                "INSERT INTO playlists VALUES (?,?,?,?,?,?,?)",
                (playlist_id, person, storable(title), _packed(tracks), 1, now, now),
            )
            return _one(connection, "playlist_id = ?", playlist_id)

    def listed(self, person: str) -> list[SavedPlaylist]:
        """The playlists of a person, the oldest first."""
        with self._using() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM playlists WHERE person = ? ORDER BY created, playlist_id", (person,)
            ).fetchall()
            return [_playlist(row) for row in rows]

    def get(self, person: str, playlist_id: str) -> SavedPlaylist | None:
        """A playlist of this person; None where there is none."""
        with self._using() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM playlists WHERE playlist_id = ? AND person = ?", (playlist_id, person)
            ).fetchone()
            return None if row is None else _playlist(row)

    def replace(
        self, person: str, playlist_id: str, version: int, title: str, tracks: Sequence[SavedTrack]
    ) -> SavedPlaylist | None:
        """Change a playlist that was read in this version; None where there is none.

        Raises:
            Outdated: it has another version by now.
        """
        with self._using() as connection, writing(connection, durable=True):
            changed = connection.execute(
                "UPDATE playlists SET title = ?, tracks = ?, version = version + 1, changed = ? "
                "WHERE playlist_id = ? AND person = ? AND version = ?",
                (storable(title), _packed(tracks), self._clock(), playlist_id, person, version),
            ).rowcount
            if changed:
                return _one(connection, "playlist_id = ?", playlist_id)
            there = connection.execute(
                "SELECT version FROM playlists WHERE playlist_id = ? AND person = ?", (playlist_id, person)
            ).fetchone()
        if there is None:
            return None
        raise Outdated(f"the playlist is at version {there[0]} by now, not at {version}; load it again")

    def delete(self, person: str, playlist_id: str) -> bool:
        """Delete a playlist and its links; whether there was one."""
        with self._using() as connection, writing(connection, durable=True):
            gone = connection.execute(
                "DELETE FROM playlists WHERE playlist_id = ? AND person = ?", (playlist_id, person)
            ).rowcount
        return gone > 0

    def share(self, person: str, playlist_id: str) -> str | None:
        """A new token of 128 bits under which anybody may read the playlist; None where there is none.

        It is kept as a digest, so it cannot be told again; of many links to one playlist the oldest end.
        """
        token = secrets.token_urlsafe(16)
        with self._using() as connection, writing(connection, durable=True):
            there = connection.execute(
                "SELECT 1 FROM playlists WHERE playlist_id = ? AND person = ?", (playlist_id, person)
            ).fetchone()
            if there is None:
                return None
            connection.execute("INSERT INTO shares VALUES (?,?,?)", (_digest(token), playlist_id, self._clock()))
            connection.execute(
                "DELETE FROM shares WHERE playlist_id = ?1 AND rowid NOT IN "
                "(SELECT rowid FROM shares WHERE playlist_id = ?1 ORDER BY rowid DESC LIMIT ?2)",
                (playlist_id, MOST_SHARES),
            )
        return token

    def unshare(self, person: str, playlist_id: str) -> bool | None:
        """End all links to a playlist; whether there were any, None where there is no such playlist."""
        with self._using() as connection, writing(connection, durable=True):
            there = connection.execute(
                "SELECT 1 FROM playlists WHERE playlist_id = ? AND person = ?", (playlist_id, person)
            ).fetchone()
            if there is None:
                return None
            return connection.execute("DELETE FROM shares WHERE playlist_id = ?", (playlist_id,)).rowcount > 0

    def shared(self, token: str) -> SavedPlaylist | None:
        """The playlist that a token leads to, for anybody who has it."""
        with self._using() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM playlists WHERE playlist_id = "
                "(SELECT playlist_id FROM shares WHERE token_hash = ?)",
                (_digest(token),),
            ).fetchone()
            return None if row is None else _playlist(row)


def _digest(token: str) -> bytes:
    return hashlib.sha256(storable(token).encode()).digest()


def _packed(tracks: Sequence[SavedTrack]) -> bytes:
    cleaned = [
        msgspec.structs.replace(
            track,
            track_id=storable(track.track_id),
            name=storable(track.name),
            artist=storable(track.artist),
            album=None if track.album is None else storable(track.album),
        )
        for track in tracks
    ]
    return msgspec.json.encode(cleaned)


def _one(connection: sqlite3.Connection, where: str, value: str) -> SavedPlaylist:
    return _playlist(connection.execute(f"SELECT {_COLUMNS} FROM playlists WHERE {where}", (value,)).fetchone())


def _playlist(row: tuple[object, ...]) -> SavedPlaylist:
    fields: dict[str, Any] = dict(zip(SavedPlaylist.__struct_fields__, row, strict=True))
    try:
        fields["tracks"] = msgspec.json.decode(fields["tracks"], type=tuple[SavedTrack, ...])
    except msgspec.MsgspecError as error:
        raise sqlite3.DatabaseError(f"a saved playlist that is none: {error}") from error
    return SavedPlaylist(**(fields | {"shared": bool(fields["shared"])}))
