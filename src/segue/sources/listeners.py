"""Listeners -> library: who loves which tracks, under hashed names.

A listener's name never reaches a library: :func:`user_key` takes its place. What else is known of a person stays
out as well, but for the country and what the caller names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.library.names import fold
from segue.library.tables import PLAYLIST_COLUMNS, USER_COLUMNS
from segue.sources.text import MAX_CHARACTERS, track_id_of

__all__ = ["ListenedTrack", "Listener", "listeners_library", "playlists_as_listeners", "user_key"]

_UNKNOWN = frozenset({"", "none", "null", "nan", "n/a", "na", "unknown", "-"})
_NO_SUCH_COLUMN = frozenset({*USER_COLUMNS, "user"})


def user_key(name: str, salt: str = "") -> str:
    """What stands for a listener: "user:" and 16 hexadecimal digits of SHA-256 over salt and name.

    Without a salt, whoever has a list of names can hash them and compare; with one that stays secret, nobody can.

    >>> user_key("rj") == user_key(" rj ") != user_key("rj", salt="x")
    True
    """
    digest = hashlib.sha256(f"{salt}\x1f{name.strip()}".encode("utf-8", "replace"))
    return "user:" + digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ListenedTrack:
    """A track that somebody listens to; ``weight`` (plays, say) is higher for what is loved more."""

    name: str
    artist: str
    track_id: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A person and their tracks.

    Args:
        user: the name, in the clear; it is hashed before anything is stored.
        country: as the source writes it; None where unknown.
        tracks: by weight where they have one, else most loved first.
        extra: further columns of the user table, such as "age"; only what somebody asked for.
    """

    user: str
    country: str | None = None
    tracks: Sequence[ListenedTrack] = ()
    extra: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(slots=True)
class _User:
    """A listener as rows."""

    country: str | None = None
    rows: list[int] = field(default_factory=list)
    extra: dict[str, str | None] = field(default_factory=dict)


def listeners_library(
    listeners: Iterable[Listener],
    *,
    base: Library | None = None,
    salt: str = "",
    min_tracks: int = 1,
    notes: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Library:
    """A library of listeners, alone or on top of another library.

    A track is one of the base if its id is there, else if name and artist fold alike (of several, the one in the most
    playlists); others are appended. Somebody met twice is one user, and one who is in the base already is
    replaced. Each track counts once a user. Users are in order of first occurrence.

    Args:
        base: whose tracks and playlists stay as they are; None for a library without playlists.
        salt: of :func:`user_key`.
        min_tracks: listeners with fewer distinct tracks are left out, and counted.
        notes: of the source; go into ``library.notes["listeners"]`` beside the counts.
        progress: is called with listeners done and in all (0 where unknown).

    Raises:
        InputError: nobody is left.
    """
    table = _Tracks(base)
    users: dict[str, _User] = {}
    total = len(listeners) if isinstance(listeners, Sequence) else 0
    for done, listener in enumerate(listeners):
        if progress is not None:
            progress(done, total)
        user = users.setdefault(user_key(listener.user, salt), _User())
        user.country = user.country or _country(listener.country)
        user.extra.update({k: v for k, v in listener.extra.items() if k not in _NO_SUCH_COLUMN})
        user.rows += filter(lambda row: row >= 0, map(table.row, _most_loved_first(listener.tracks)))
    for user in users.values():
        user.rows = list(dict.fromkeys(user.rows))
    n_met = sum(bool(user.rows) for user in users.values())
    kept = {key: user for key, user in users.items() if len(user.rows) >= max(min_tracks, 1)}
    if not kept:
        raise InputError(
            f"no listener with {min_tracks:,} or more tracks is left of {len(users):,}; lower the number of tracks"
            if n_met
            else "no listener with a track was found"
        )
    library = _on_top(base, table, kept)
    counts = {
        "users": len(kept),
        "users_with_a_country": sum(user.country is not None for user in kept.values()),
        "interactions": sum(len(user.rows) for user in kept.values()),
        "users_with_too_few_tracks": n_met - len(kept),
        "min_tracks": min_tracks,
        "tracks_new": len(table.new),
        "tracks_by_id": table.n_by_id,
        "tracks_by_name": table.n_by_name,
        "tracks_without_a_name": table.n_nameless,
        "salted": bool(salt),
    }
    return replace(library, notes={**library.notes, "listeners": {"items": "tracks", **counts, **(notes or {})}})


def playlists_as_listeners(library: Library, *, salt: str = "", min_tracks: int = 1) -> Library:
    """Each playlist as a listener who loves its tracks in their order; the playlists stay.

    The user id is :func:`user_key` of the playlist's id, the country is unknown; listeners that were there go.

    Raises:
        InputError: no playlist is long enough.
    """
    loved = library.playlist_tracks.distinct()
    rows = np.flatnonzero(loved.lengths >= max(min_tracks, 1))
    if not len(rows):
        raise InputError(f"no playlist holds {min_tracks:,} or more distinct tracks; lower the number of tracks")
    ids = library.playlists["playlist_id"][rows].to_list()
    users = pl.DataFrame({"user_id": [user_key(i, salt) for i in ids]}, schema={"user_id": pl.String})
    told = {
        "items": "tracks",
        "source": "playlists",
        "users": len(ids),
        "users_with_a_country": 0,
        "interactions": int(loved.lengths[rows].sum()),
        "users_with_too_few_tracks": library.n_playlists - len(ids),
        "min_tracks": min_tracks,
        "salted": bool(salt),
    }
    return replace(library, users=users, user_tracks=loved.select(rows), notes={**library.notes, "listeners": told})


class _Tracks:
    """Finds the row of a listened track, in a base or among the new ones."""

    def __init__(self, base: Library | None) -> None:
        self.n_base = base.n_tracks if base is not None else 0
        self.new: list[tuple[str, str | None, str | None]] = []
        self.n_by_id = self.n_by_name = self.n_nameless = 0
        self._met: dict[tuple[str | None, str, str], int] = {}
        self._by_id: dict[str, int] = {}
        self._by_name: dict[str, int] = {}
        if base is not None:
            self._by_id = {track_id: row for row, track_id in enumerate(base.tracks["track_id"].to_list())}
            names, artists = (base.tracks[c].fill_null("").to_list() for c in ("name", "artist"))
            keys = [f"{fold(n)}\t{fold(a)}" for n, a in zip(names, artists, strict=True)]
            # the most popular row is written last and stays; of equally popular ones the first
            for row in np.lexsort((-np.arange(len(keys)), base.playlist_tracks.column_counts())).tolist():
                self._by_name[keys[row]] = row

    def row(self, track: ListenedTrack) -> int:
        """The track's row; -1 where it has neither a name nor an id."""
        key = (track.track_id, track.name, track.artist)
        if key not in self._met:
            self._met[key] = self._find(*map(_clean, key))
        return self._met[key]

    def _find(self, track_id: str | None, name: str | None, artist: str | None) -> int:
        identity = track_id_of(track_id, name, artist)
        if identity is None:
            self.n_nameless += 1
            return -1
        row = self._by_id.get(identity, -1)
        if 0 <= row < self.n_base:
            self.n_by_id += 1
        elif row < 0:
            row = self._by_name.get(f"{fold(name)}\t{fold(artist or '')}", -1) if name else -1
            if row >= 0:
                self.n_by_name += 1
            else:
                row = self.n_base + len(self.new)
                self.new.append((identity, name, artist))
            self._by_id[identity] = row
        return row


def _on_top(base: Library | None, found: _Tracks, users: Mapping[str, _User]) -> Library:
    """The base, or an empty library, with the new tracks and these users behind those it has."""
    schema = {"track_id": pl.String, "name": pl.String, "artist": pl.String}
    tracks = pl.DataFrame(found.new, schema=schema, orient="row")
    names = list(dict.fromkeys(name for user in users.values() for name in user.extra))
    table = pl.DataFrame(
        {
            "user_id": list(users),
            "country": [user.country for user in users.values()],
            **{name: [user.extra.get(name) for user in users.values()] for name in names},
        },
        schema={**USER_COLUMNS, **dict.fromkeys(names, pl.String)},
    )
    loved: list[NDArray[np.int32]] = [np.array(user.rows, np.int32) for user in users.values()]
    if base is None:
        return Library(
            tracks=tracks,
            playlists=pl.DataFrame(schema=PLAYLIST_COLUMNS),
            playlist_tracks=Interactions(np.zeros(1, np.int64), np.zeros(0, np.int32), tracks.height),
            users=table,
            user_tracks=Interactions.of(loved, n_columns=tracks.height),
        )
    n = base.n_tracks + tracks.height
    if base.users is not None and base.user_tracks is not None:
        stay = np.flatnonzero(~base.users["user_id"].is_in(list(users)).to_numpy())
        table = pl.concat([base.users[stay], table], how="diagonal_relaxed")
        loved = [base.user_tracks.row(row) for row in stay.tolist()] + loved
    return replace(
        base,
        tracks=pl.concat([base.tracks, tracks], how="diagonal_relaxed") if tracks.height else base.tracks,
        playlist_tracks=replace(base.playlist_tracks, n_columns=n),
        users=table,
        user_tracks=Interactions.of(loved, n_columns=n),
    )


def _most_loved_first(tracks: Sequence[ListenedTrack]) -> Sequence[ListenedTrack]:
    """By weight, the heaviest first; those without one behind them, ties in the order given."""
    if all(track.weight is None for track in tracks):
        return tracks
    return sorted(tracks, key=lambda t: -t.weight if t.weight is not None and t.weight == t.weight else np.inf)


def _country(text: str | None) -> str | None:
    country = _clean(text)
    return None if country is None or country.casefold() in _UNKNOWN else country


def _clean(text: str | None) -> str | None:
    """Text that a table can hold, capped; None where there is none."""
    if text is None or not (text := text.strip()[:MAX_CHARACTERS]):
        return None
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
