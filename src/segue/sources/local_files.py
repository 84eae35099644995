"""A folder of one's own music -> tracks, brought up to date file by file.

A file whose path, size and time of change are those of its row is not read again. A file that has moved keeps its id.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from segue.errors import SourceError
from segue.library.names import fold
from segue.sources.local_tags import LocalFile, location_of, read_local_file, shown_path

__all__ = ["COUNTED", "LOCAL_COLUMNS", "READER", "LocalMusic", "LocalPath", "read_local"]

READER: Final = 1
"""Version of what is read; files of a library by another one are read again."""
LOCAL_COLUMNS: Final = {
    "track_id": pl.String,
    "name": pl.String,
    "artist": pl.String,
    "album": pl.String,
    "year": pl.Int64,
    "duration_ms": pl.Int64,
    "genre": pl.String,
    "location": pl.String,
    "isrc": pl.String,
    "mbid": pl.String,
    "album_artist": pl.String,
    "track_number": pl.Int32,
    "file_size": pl.Int64,
    "file_mtime_ns": pl.Int64,
}
COUNTED = ("read", "unchanged", "moved", "gone", "repeated", "untagged")
"""What a report counts, by name of the field."""
_NAMED = 20  # unreadable files that are named one by one
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LocalPath:
    """An audio file, and the folder that was given, below which names of folders mean something."""

    path: Path
    root: Path


@dataclass(frozen=True, eq=False)
class LocalMusic:
    """What came of a folder of music.

    Args:
        tracks: columns of :data:`LOCAL_COLUMNS`, in order of paths.
        read, unchanged, moved: files whose tags were read now, that were known, and that had another place before.
        gone: files of the earlier library that are not there any more.
        repeated: files given more than once, by links too. untagged: named after their places.
        failed: (path, reason) of files that cannot be read.
    """

    tracks: pl.DataFrame
    read: int = 0
    unchanged: int = 0
    moved: int = 0
    gone: int = 0
    repeated: int = 0
    untagged: int = 0
    failed: tuple[tuple[str, str], ...] = ()

    def as_notes(self) -> dict[str, Any]:
        """Counts as JSON-ready values, examples capped."""
        counts = {
            name: getattr(self, name) for name in ("read", "unchanged", "moved", "gone", "repeated", "untagged")
        }
        failed = [{"file": path, "reason": reason} for path, reason in self.failed[:_NAMED]]
        return {
            "reader": READER,
            "files": self.tracks.height,
            **counts,
            "failed": len(self.failed),
            "examples": failed,
        }


def read_local(
    paths: Iterable[LocalPath],
    *,
    known: pl.DataFrame | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LocalMusic:
    """Read audio files into tracks; those that cannot be read are counted and named, and stop nothing.

    Args:
        paths: files, each with the folder it was found in.
        known: the table of tracks of an earlier library of the same music.
        progress: is called with files done and files in all.
    """
    earlier = _Earlier.of(known)
    files = sorted({str(file.path): file for file in paths}.items())
    state = _State(earlier, {location_of(file.path) for _, file in files})
    todo: list[tuple[LocalPath, os.stat_result]] = []
    seen: set[tuple[int, int]] = set()
    for _, file in files:
        there = state.looked_at(file)
        if there is None:
            continue
        if (there.st_dev, there.st_ino) in seen:
            state.repeated += 1
            continue
        seen.add((there.st_dev, there.st_ino))
        if not state.reuse(file, there):
            todo.append((file, there))
    for done, (file, there) in enumerate(todo):
        if progress is not None and done % 50 == 0:
            progress(done, len(todo))
        state.read_file(file, there)
    if progress is not None:
        progress(len(todo), len(todo))
    return state.music()


@dataclass(frozen=True, eq=False)
class _Earlier:
    """The rows of an earlier library, by place and by size and time."""

    by_location: dict[str, Row] = field(default_factory=dict)
    by_state: dict[tuple[int, int], list[Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pl.DataFrame | None) -> _Earlier:
        if table is None or not set(LOCAL_COLUMNS) <= set(table.columns):
            return cls()
        rows = table.select(list(LOCAL_COLUMNS)).filter(pl.col("file_size").is_not_null()).to_dicts()
        by_state: defaultdict[tuple[int, int], list[Row]] = defaultdict(list)
        for row in rows:
            by_state[row["file_size"], row["file_mtime_ns"]].append(row)
        return cls({row["location"]: row for row in rows}, dict(by_state))


class _State:
    """What was read so far."""

    def __init__(self, earlier: _Earlier, places: set[str]) -> None:
        self.earlier, self.places = earlier, places
        self.rows: dict[str, Row] = {}
        # of files that are still where they were, whether or not they are read again
        self.ids = {row["track_id"] for place, row in earlier.by_location.items() if place in places}
        self.failed: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.repeated = 0

    def looked_at(self, file: LocalPath) -> os.stat_result | None:
        try:
            there = os.stat(file.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.failed.append((shown_path(file.path), f"cannot be read ({reason})"))
            return None
        if not stat.S_ISREG(there.st_mode):
            self.failed.append((shown_path(file.path), "is no regular file"))
            return None
        return there

    def reuse(self, file: LocalPath, there: os.stat_result) -> bool:
        row = self.earlier.by_location.get(location_of(file.path))
        if row is None or (row["file_size"], row["file_mtime_ns"]) != (there.st_size, there.st_mtime_ns):
            return False
        self.counts["unchanged"] += 1
        self._take(row)
        return True

    def read_file(self, file: LocalPath, there: os.stat_result) -> None:
        try:
            found = read_local_file(file.path, file.root)
        except SourceError as error:
            self.failed.append((shown_path(file.path), error.reason))
            return
        self.counts["read"] += 1
        self.counts["untagged"] += not found.tagged
        place = location_of(file.path)
        before = self.earlier.by_location.get(place) or self._moved(there)
        self._take({
            "track_id": self._id(found) if before is None else before["track_id"],
            **{name: getattr(found, name) for name in LOCAL_COLUMNS if hasattr(found, name)},
            "location": place,
            "file_size": there.st_size,
            "file_mtime_ns": there.st_mtime_ns,
        })  # fmt: skip

    def _moved(self, there: os.stat_result) -> Row | None:
        """The row of the one file of this size and time that has gone from its place."""
        gone = [
            row
            for row in self.earlier.by_state.get((there.st_size, there.st_mtime_ns), ())
            if row["location"] not in self.places and row["track_id"] not in self.ids
        ]
        if len(gone) != 1:
            return None
        self.counts["moved"] += 1
        return gone[0]

    def _id(self, found: LocalFile) -> str:
        """An identity that does not depend on the place: what the tags say; copies are numbered in order of paths."""
        key = "\t".join([
            fold(found.name), fold(found.artist), fold(found.album or ""), str(found.track_number),
            str(found.duration_ms), str(found.mbid), str(found.isrc),
        ])  # fmt: skip
        digest = "local:" + hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
        made, n = digest, 1
        while made in self.ids:
            n += 1
            made = f"{digest}-{n}"
        return made

    def _take(self, row: Row) -> None:
        self.rows[row["location"]] = row
        self.ids.add(row["track_id"])

    def music(self) -> LocalMusic:
        table = pl.DataFrame([self.rows[place] for place in sorted(self.rows)], schema=LOCAL_COLUMNS)
        ids = set(table["track_id"].to_list())
        gone = sum(row["track_id"] not in ids for row in self.earlier.by_location.values())
        return LocalMusic(
            tracks=table,
            read=self.counts["read"],
            unchanged=self.counts["unchanged"],
            moved=self.counts["moved"],
            gone=gone,
            repeated=self.repeated,
            untagged=self.counts["untagged"],
            failed=tuple(self.failed),
        )
