"""Fill columns of a library's tracks from the network, the most played tracks first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from segue.library import Library
from segue.library.tables import AUDIO_FEATURES, LYRICS_STATUS
from segue.services.base import Blocked, NotAllowed, ServiceError
from segue.services.client import Client
from segue.services.features import features_of, spotify_id
from segue.services.lastfm import Lastfm
from segue.services.lyrics import LyricsSearch
from segue.services.patch import Patch
from segue.services.wanted import Wanted
from segue.sources.outside import outside_of

__all__ = ["Filled", "Save", "fill_features", "fill_lyrics", "fill_tags"]

Progress = Callable[[int, int], None]
Save = Callable[[Patch], None]
_EVERY = 500  # requests after which what is new is written
_REST = 20.0  # of a large library, writing takes no more than this part of the time
_PATIENCE = 5


@dataclass(frozen=True)
class Filled:
    """What became of filling a column.

    Args:
        outcomes: outcome -> tracks, in the order of :data:`~segue.library.tables.LYRICS_STATUS`.
        unasked: tracks that could have been asked for, but were not.
        unaskable: tracks that lack what they are asked for by.
        given_up: services that failed too often in a row.
        remarks: sentence -> how often.
    """

    outcomes: Mapping[str, int]
    unasked: int = 0
    unaskable: int = 0
    given_up: tuple[str, ...] = ()
    remarks: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "outcomes": dict(self.outcomes),
            "unasked": self.unasked,
            "unaskable": self.unaskable,
            "given_up": list(self.given_up),
            "remarks": dict(self.remarks),
        }


def fill_lyrics(
    library: Library,
    search: LyricsSearch,
    save: Save,
    *,
    most: int | None = None,
    retry: Collection[str] = (),
    progress: Progress | None = None,
) -> Filled:
    """Look up the words of tracks: columns ``lyrics``, ``lyrics_status``, ``lyrics_source``.

    Tracks that have lyrics or a status are left alone.

    Args:
        save: is called with what is new, every 500 look-ups, at the end, and when something stops us.
        most: look-ups.
        retry: statuses that are looked up again all the same.

    Raises:
        NotAllowed: asking on makes no sense.
    """
    status, lyrics = _text(library, "lyrics_status"), _text(library, "lyrics")
    names = _names(library)
    free = [
        s in retry or (s is None and not text) if s != "found" else False
        for s, text in zip(status, lyrics, strict=True)
    ]
    rows, unaskable = _rows(library, [f and n is not None for f, n in zip(free, names, strict=True)], free)
    albums, lengths = _text(library, "album"), library.tracks["duration_ms"].to_list()
    counts: Counter[str] = Counter()

    def look_up(row: int) -> dict[str, Any] | None:
        if search.is_over:
            return None
        name, artist = names[row] or ("", "")
        seconds = lengths[row] / 1_000 if lengths[row] else None
        found = search.look_up(Wanted(name, artist, albums[row], seconds))
        counts[found.status] += 1
        return {"lyrics": found.text or None, "lyrics_status": found.status, "lyrics_source": found.source}

    schema = dict.fromkeys(("lyrics", "lyrics_status", "lyrics_source"), pl.String)
    done = _each(library, rows[:most], look_up, schema, save, search.client, progress, over=True)
    return Filled(_ordered(counts), len(rows) - done, unaskable, search.given_up, dict(search.remarks))


def fill_tags(
    library: Library, client: Client, save: Save, *, most: int | None = None, progress: Progress | None = None
) -> Filled:
    """Look up how people tag tracks: column ``tags``. Tracks that have tags are left alone.

    Raises:
        NotAllowed: LASTFM_API_KEY is missing or refused.
    """
    lastfm = Lastfm(client)
    names = _names(library)
    free = [not text for text in _text(library, "tags")]
    rows, unaskable = _rows(library, [f and n is not None for f, n in zip(free, names, strict=True)], free)
    counts: Counter[str] = Counter()
    remarks: Counter[str] = Counter()
    failed: list[str] = []

    def look_up(row: int) -> dict[str, Any] | None:
        if len(failed) >= _PATIENCE:
            return None
        sent = client.n_sent
        try:
            tags = lastfm.tags(*(names[row] or ("", "")))
        except NotAllowed:
            raise
        except ServiceError as error:
            failed.append("blocked" if isinstance(error, Blocked) else "error")
            counts[failed[-1]] += 1
            remarks[str(error)] += 1
            return {}
        if client.n_sent > sent:  # what was remembered tells nothing about how the service is now
            failed.clear()
        counts["found" if tags else "not_found"] += 1
        return {"tags": "; ".join(tags)} if tags else {}

    done = _each(library, rows[:most], look_up, {"tags": pl.String}, save, client, progress, over=False)
    given_up = ("last.fm",) if len(failed) >= _PATIENCE else ()
    return Filled(_ordered(counts), len(rows) - done, unaskable, given_up, dict(remarks))


def fill_features(
    library: Library,
    client: Client,
    service: str,
    save: Save,
    *,
    most: int | None = None,
    incomplete: bool = False,
    progress: Progress | None = None,
) -> Filled:
    """Look up audio features by Spotify id; values that are there stay.

    Args:
        service: one of :data:`~segue.services.features.FEATURE_SERVICES`.
        incomplete: also ask for tracks that have some features but not all.

    Raises:
        NotAllowed: a key is missing or refused, or the endpoint is closed.
    """
    there = [name for name in AUDIO_FEATURES if name in library.tracks.columns]
    known = np.zeros(library.n_tracks, np.int64)
    for name in there:
        known += library.tracks[name].is_not_null().to_numpy()
    free = (known < (len(AUDIO_FEATURES) if incomplete else 1)).tolist()
    ids = [spotify_id(track_id) for track_id in library.tracks["track_id"].to_list()]
    rows, unaskable = _rows(library, [f and i is not None for f, i in zip(free, ids, strict=True)], free)
    wanted = [str(ids[row]) for row in rows[:most]]
    pending: dict[str, Mapping[str, float]] = {}
    notes: Counter[str] = Counter()

    def flush() -> None:
        if pending:
            columns = {name: [values.get(name) for values in pending.values()] for name in AUDIO_FEATURES}
            cleaned = outside_of(service, service, columns, notes, names=[()] * len(pending)).values
            save(Patch(tuple(f"spotify:track:{each}" for each in pending), cleaned))
            pending.clear()

    def keep(found: Mapping[str, Mapping[str, float]]) -> None:
        pending.update(found)
        if len(pending) >= _EVERY:
            flush()

    try:
        found = features_of(client, service, wanted, progress=progress, found=keep)
    finally:
        flush()
    counts = Counter(found.status.values())
    given_up = (service,) if len(found.status) < len(wanted) else ()
    remarks = {**found.remarks, **notes}
    return Filled(_ordered(counts), len(rows) - len(found.status), unaskable, given_up, remarks)


def _each(
    library: Library,
    rows: Sequence[int],
    look_up: Callable[[int], dict[str, Any] | None],
    schema: Mapping[str, type[pl.DataType]],
    save: Save,
    client: Client,
    progress: Progress | None,
    *,
    over: bool,
) -> int:
    """Look up row after row until one is None, and save now and then; how many were looked up."""
    ids = library.tracks["track_id"]
    new: dict[str, dict[str, Any]] = {}
    sent = client.n_sent
    rest_until = 0.0

    def flush() -> None:
        nonlocal sent, rest_until
        if new:
            started = time.monotonic()
            save(Patch(tuple(new), pl.DataFrame(list(new.values()), schema=dict(schema)), over=over))
            new.clear()
            sent, rest_until = client.n_sent, started + _REST * (time.monotonic() - started)

    try:
        for done, row in enumerate(rows):
            if progress is not None:
                progress(done, len(rows))
            values = look_up(row)
            if values is None:
                return done
            if values:
                new[ids[row]] = values
            # what comes out of the cache costs nothing to get again, so it is no reason to write
            if client.n_sent - sent >= _EVERY and time.monotonic() >= rest_until:
                flush()
        if progress is not None:
            progress(len(rows), len(rows))
        return len(rows)
    finally:
        flush()


def _rows(library: Library, askable: Sequence[bool], free: Sequence[bool]) -> tuple[list[int], int]:
    """Rows to ask for, the most played first and equally played ones in their order; and how many cannot be."""
    played = library.playlist_tracks.column_counts().astype(np.int64)
    if library.user_tracks is not None:
        played = played + library.user_tracks.column_counts()
    order = np.argsort(-played, kind="stable")
    return [row for row in order.tolist() if askable[row]], sum(free) - sum(askable)


def _names(library: Library) -> list[tuple[str, str] | None]:
    """Name and artist of each track; None where one of them is missing."""
    names, artists = ([(text or "").strip() for text in _text(library, column)] for column in ("name", "artist"))
    return [(name, artist) if name and artist else None for name, artist in zip(names, artists, strict=True)]


def _text(library: Library, name: str) -> list[str | None]:
    if name not in library.tracks.columns:
        return [None] * library.n_tracks
    return library.tracks[name].to_list()


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {status: counts[status] for status in LYRICS_STATUS if counts[status]}
