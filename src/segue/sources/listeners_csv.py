"""Tables of listeners (CSV, TSV, Parquet) -> listeners.

A column is read only if it is known here, or named by the caller: age, gender and whatever else a table says of a
person never enter the program. A table without tracks but with users and countries adds those countries.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import InputError, SourceError
from segue.sources.cells import Column
from segue.sources.delimited import csv_cells, parquet_cells
from segue.sources.files import SourceFile, find
from segue.sources.headers import ALIASES, fold_header
from segue.sources.listeners import ListenedTrack, Listener

__all__ = ["LISTENER_HEADERS", "read_listeners"]

# field -> headers (folded), the more telling one first; Last.fm 1K and 360K, ListenBrainz, scrobble exports
LISTENER_HEADERS: Mapping[str, tuple[str, ...]] = {
    "user": (
        "user", "user id", "userid", "user name", "username", "listener", "listener id", "user key", "user sha1",
        "member", "account", "uid", "id",
    ),
    "country": ("country", "user country", "country name", "country code", "nation"),
    "track_id": (
        "track id", "track uri", "trackid", "spotify id", "spotify uri", "spotify track uri", "uri", "track mbid",
        "recording mbid", "recording id", "traid", "song id", "item id", "url",
    ),
    "name": (*ALIASES["name"], "traname", "recording name", "recording", "item"),
    "artist": (*ALIASES["artist"], "artname", "band"),
    "rank": ("rank", "position", "pos", "order", "loved rank"),
    "weight": (
        "plays", "playcount", "play count", "listening count", "listens", "listen count", "scrobbles", "weight",
        "count", "rating",
    ),
    "date": (
        "loved at", "loved date", "date loved", "added at", "listened at", "timestamp", "uts", "utc time", "date",
        "time",
    ),
}  # fmt: skip
_REAL_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*", re.DOTALL)
_DATES = ("%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%d %b %Y", "%d/%m/%Y %H:%M", "%d/%m/%Y")


def read_listeners(
    sources: Sequence[Path | str], *, keep: Sequence[str] = ()
) -> tuple[list[Listener], dict[str, object]]:
    """Read tables with one row for each user and track.

    Headers are those of :data:`LISTENER_HEADERS` in any spelling. A user's tracks are ordered by rank if there is
    such a column, else by plays, else by how often they come, else by the date on which they were loved, the last
    first, else as they come. Where no column names tracks but one names artists, artists are the tracks.

    Args:
        sources: files, folders or zips.
        keep: further columns for the user table, such as "age"; all others are never read.

    Returns:
        The listeners in order of first occurrence, by the names in the clear, and notes for a library.

    Raises:
        SourceError: a file is damaged, or has no column of users.
        InputError: a column to keep is in no file, or is one of those that are read anyway.
    """

    def damaged(error: SourceError) -> None:
        raise error

    wanted = [fold_header(name) for name in keep]
    refused = [n for n in wanted if not n or n in ("user id", "user", "country")]
    if refused:
        raise InputError(f"{refused[0]!r} cannot be kept under that name; name a further column, such as age")
    found: dict[str, _Gathered] = {}
    notes: Counter[str] = Counter()
    items: set[str] = set()
    seen: set[str] = set()
    files = 0
    for file in find(sources, damaged=damaged).files:
        if file.format not in ("csv", "parquet"):
            raise SourceError("is no table of listeners (.csv, .tsv or .parquet)", path=file.where)
        columns = _columns(file, wanted, notes)
        files += 1
        seen |= columns.keys()
        items.add(_gather(columns, found, wanted, file.where, notes))
    missing = [name for name in wanted if f"keep:{name}" not in seen]
    if missing:
        raise InputError(f"no file has a column {missing[0]!r} to keep")
    listeners = [gathered.listener(name) for name, gathered in found.items()]
    items.discard("")
    told: dict[str, object] = {"source": "tables", "files": files, "items": " and ".join(sorted(items)) or "tracks"}
    return listeners, told | ({"remarks": dict(notes)} if notes else {})


class _Gathered:
    """What the rows of one user said."""

    __slots__ = ("by", "country", "extra", "tracks")

    def __init__(self) -> None:
        self.country: str | None = None
        self.extra: dict[str, str | None] = {}
        self.by = ""
        # the track -> [how often, the best of what orders it]
        self.tracks: dict[ListenedTrack, list[float]] = {}

    def listener(self, name: str) -> Listener:
        if self.by in ("rank", "weight"):
            ordered = sorted(self.tracks, key=lambda track: -self.tracks[track][1])
        else:  # a log of what was heard when says by its length what is loved; loved once each, the date decides
            ordered = sorted(self.tracks, key=lambda track: tuple(-value for value in self.tracks[track]))
        return Listener(name, self.country, ordered, self.extra)


def _gather(
    columns: dict[str, Column], found: dict[str, _Gathered], keep: Sequence[str], where: str, notes: Counter[str]
) -> str:
    """Add the rows of one file; what the items are, empty where the file has none."""
    users = columns["user"]
    n = len(users)
    none: Column = [None] * n
    ids, artists, countries = (columns.get(name, none) for name in ("track_id", "artist", "country"))
    artists_alone = "name" not in columns and "track_id" not in columns and "artist" in columns
    names = artists if artists_alone else columns.get("name", none)
    has_items = artists_alone or "name" in columns or "track_id" in columns
    if not has_items and "country" not in columns and not keep:
        raise SourceError("wrong schema: no column names tracks, artists or countries", path=where, position="header")
    by, weights = _weights(columns, where)
    extras = [(name.replace(" ", "_"), columns[f"keep:{name}"]) for name in keep if f"keep:{name}" in columns]
    for i, user in enumerate(users):
        if user is None or not user.strip():
            notes["rows without a user, left out"] += 1
            continue
        gathered = found.get(user.strip())
        if gathered is None:
            gathered = found[user.strip()] = _Gathered()
        gathered.country = gathered.country or countries[i]
        for name, values in extras:
            gathered.extra[name] = gathered.extra.get(name) or values[i]
        if not has_items:
            continue
        if not names[i] and not ids[i]:
            notes["rows without a track, left out"] += 1
            continue
        gathered.by = gathered.by or by
        track = ListenedTrack(names[i] or "", artists[i] or "", ids[i])
        entry = gathered.tracks.setdefault(track, [0, float("-inf")])
        entry[0] += 1
        if weights is not None:
            entry[1] = max(entry[1], weights[i])
    return ("artists" if artists_alone else "tracks") if has_items else ""


def _weights(columns: dict[str, Column], where: str) -> tuple[str, list[float] | None]:
    """What orders a user's tracks, as numbers of which the highest is the most loved."""
    for by in ("rank", "weight", "date"):
        if by in columns:
            sign = -1.0 if by == "rank" else 1.0
            read = _when if by == "date" else float
            return by, [sign * _number(cell, read, by, i, where, sign) for i, cell in enumerate(columns[by])]
    return "", None


def _number(cell: str | None, read: Callable[[str], float], what: str, i: int, where: str, sign: float) -> float:
    if cell is None or not cell.strip():
        return float("-inf") * sign
    try:
        number = read(cell.strip())
    except (ValueError, OverflowError):
        number = float("nan")
    if number != number:
        raise SourceError(f"{what} is {cell[:40]!r}, which cannot be read", path=where, position=f"row {i + 1}")
    return number


def _when(cell: str) -> float:
    """Seconds since 1970 of a number, an ISO date, or "08 May 2009, 17:04"; time zones do not matter for order."""
    try:
        return float(cell)
    except ValueError:
        pass
    if _REAL_DATE.match(cell):
        try:
            return datetime.fromisoformat(cell.replace("Z", "+00:00")).replace(tzinfo=UTC).timestamp()
        except ValueError:
            pass
    for form in _DATES:
        try:
            return datetime.strptime(cell, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise ValueError(cell)


def _columns(file: SourceFile, keep: Sequence[str], notes: Counter[str]) -> dict[str, Column]:
    """The wanted columns of a file as text; no other cell is kept anywhere."""

    def choose(headers: Sequence[str], label: str) -> dict[str, int]:
        return _chosen(headers, keep, label)

    if file.format == "parquet":
        return parquet_cells(file.read(), choose, file.where)[1]
    return csv_cells(file.read(), choose, file.where, notes)[1]


def _chosen(headers: Sequence[str], keep: Sequence[str], where: str) -> dict[str, int]:
    folded: dict[str, int] = {}
    for i, header in enumerate(headers):
        folded.setdefault(fold_header(header), i)
    chosen: dict[str, int] = {}
    for field, aliases in LISTENER_HEADERS.items():
        for alias in aliases:
            if alias in folded and folded[alias] not in chosen.values():
                chosen[field] = folded[alias]
                break
    if "user" not in chosen:
        # the header is not quoted: in a file without one it is somebody's name
        raise SourceError("wrong schema: no column names users (such as 'user')", path=where, position="header")
    for name in keep:
        if name in folded:
            chosen[f"keep:{name}"] = folded[name]
    return chosen
