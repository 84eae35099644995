"""The library: tables of tracks, playlists and users, and who has which track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.errors import OutputError, StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.folders import new_folder
from segue.library.interactions import Interactions
from segue.library.names import fold
from segue.library.tables import (
    OPTIONAL_PLAYLIST_COLUMNS,
    OPTIONAL_TRACK_COLUMNS,
    PLAYLIST_COLUMNS,
    TRACK_COLUMNS,
    USER_COLUMNS,
    conform,
)

__all__ = ["FORMAT_VERSION", "Library"]

FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Library:
    """Tracks, playlists, users and their ordered interactions; frozen.

    Row ``i`` of ``tracks`` is track row ``i`` everywhere, row ``j`` of ``playlists`` is row ``j`` of
    ``playlist_tracks``. Parts of a library (a training part, say) share the track table, so rows mean the same.

    Args:
        tracks: polars table with the columns of :data:`~segue.library.tables.TRACK_COLUMNS`.
        playlists: the same for :data:`~segue.library.tables.PLAYLIST_COLUMNS`.
        playlist_tracks: ordered, duplicates kept.
        users, user_tracks: present where there are listeners.
        public: whether playlist titles may be shown to anybody.
        notes: the ingest report and whatever else belongs into ``manifest.json``.
    """

    tracks: pl.DataFrame
    playlists: pl.DataFrame
    playlist_tracks: Interactions
    users: pl.DataFrame | None = None
    user_tracks: Interactions | None = None
    public: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracks", conform(self.tracks, TRACK_COLUMNS, "tracks", OPTIONAL_TRACK_COLUMNS))
        playlists = conform(self.playlists, PLAYLIST_COLUMNS, "playlists", OPTIONAL_PLAYLIST_COLUMNS)
        object.__setattr__(self, "playlists", playlists)
        self._check("playlist", self.playlists.height, self.playlist_tracks)
        if (self.users is None) != (self.user_tracks is None):
            raise StoredDataError("users and their interactions come together or not at all")
        if self.users is not None and self.user_tracks is not None:
            object.__setattr__(self, "users", conform(self.users, USER_COLUMNS, "users"))
            self._check("user", self.users.height, self.user_tracks)

    def _check(self, what: str, n_rows: int, interactions: Interactions) -> None:
        if interactions.n_rows != n_rows or interactions.n_columns != self.tracks.height:
            raise StoredDataError(
                f"the {what} interactions are {interactions.n_rows} x {interactions.n_columns}, "
                f"the tables say {n_rows} x {self.tracks.height}"
            )

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return self.tracks.height

    @property
    def n_playlists(self) -> int:
        """Number of playlists."""
        return self.playlists.height

    @cached_property
    def titles(self) -> list[str]:
        """Raw playlist titles, missing ones as the empty string."""
        return self.playlists["title"].fill_null("").to_list()

    @cached_property
    def artist_names(self) -> list[str]:
        """Distinct artists, each under the spelling first met, in order of first occurrence."""
        return self._artists[1]

    @cached_property
    def artist_rows(self) -> NDArray[np.int32]:
        """Artist row of each track; artists are one when their names fold alike. int32 ``(n_tracks,)``."""
        return self._artists[0]

    @cached_property
    def _artists(self) -> tuple[NDArray[np.int32], list[str]]:
        spelled = self.tracks["artist"].fill_null("")
        distinct = spelled.unique(maintain_order=True)
        rows: dict[str, int] = {}
        names: list[str] = []
        of_spelling = []
        for name in distinct.to_list():
            row = rows.setdefault(fold(name), len(rows))
            if row == len(names):
                names.append(name)
            of_spelling.append(row)
        mapped = spelled.replace_strict(distinct, pl.Series(of_spelling, dtype=pl.Int32), return_dtype=pl.Int32)
        return mapped.to_numpy().astype(np.int32, copy=False), names

    @cached_property
    def fingerprint(self) -> str:
        """Digest of what a model could learn from: ids, names, titles, interactions."""
        texts = [
            "\x1f".join(table[column].fill_null("\x1e").to_list()).encode("utf-8", "replace")
            for table, columns in (
                (self.tracks, ("track_id", "name", "artist")),
                (self.playlists, ("playlist_id", "title")),
            )
            for column in columns
        ]
        parts: list[object] = [*texts, self.playlist_tracks.indptr, self.playlist_tracks.indices]
        if self.user_tracks is not None:
            parts += [self.user_tracks.indptr, self.user_tracks.indices]
        return fingerprint(*parts)

    def select_playlists(self, rows: Sequence[int] | NDArray[np.integer]) -> Library:
        """A library of the given playlists over the same track table."""
        rows = np.asarray(rows, np.int64)
        return replace(self, playlists=self.playlists[rows], playlist_tracks=self.playlist_tracks.select(rows))

    def with_track_columns(self, columns: pl.DataFrame) -> Library:
        """The same library with columns of its track table replaced or added; row ``i`` belongs to track row ``i``.

        Raises:
            StoredDataError: a column of the wrong type, or an identifying one that repeats.
            ValueError: another number of rows.
        """
        if columns.height != self.n_tracks:
            raise ValueError(f"{columns.height} rows for {self.n_tracks} tracks")
        return replace(self, tracks=self.tracks.with_columns(columns.get_columns()))

    def with_playlist_columns(self, columns: pl.DataFrame) -> Library:
        """The same library with columns of its playlist table replaced or added; row ``j`` belongs to row ``j``.

        Raises:
            StoredDataError: a column of the wrong type, or an identifying one that repeats.
            ValueError: another number of rows.
        """
        if columns.height != self.n_playlists:
            raise ValueError(f"{columns.height} rows for {self.n_playlists} playlists")
        return replace(self, playlists=self.playlists.with_columns(columns.get_columns()))

    def save(self, path: Path | str) -> None:
        """Write the library folder, atomically.

        Raises:
            OutputError: the place cannot be written to.
        """
        with new_folder(Path(path), kind="segue library") as folder:
            _write_parquet(self.tracks, folder / "tracks.parquet", path)
            _write_parquet(self.playlists, folder / "playlists.parquet", path)
            self._save_interactions(folder, "playlist_tracks", self.playlist_tracks)
            if self.users is not None and self.user_tracks is not None:
                _write_parquet(self.users, folder / "users.parquet", path)
                self._save_interactions(folder, "user_tracks", self.user_tracks)
            write_json(
                folder / "manifest.json",
                {
                    "kind": "segue library",
                    "format_version": FORMAT_VERSION,
                    "fingerprint": self.fingerprint,
                    "n_tracks": self.n_tracks,
                    "n_playlists": self.n_playlists,
                    "n_rows": len(self.playlist_tracks.indices),
                    "n_users": 0 if self.users is None else self.users.height,
                    "public": self.public,
                    "notes": self.notes,
                },
            )

    @staticmethod
    def _save_interactions(folder: Path, name: str, interactions: Interactions) -> None:
        save_array(folder / f"{name}.indptr.npy", interactions.indptr)
        save_array(folder / f"{name}.indices.npy", interactions.indices)

    @classmethod
    def load(cls, path: Path | str) -> Library:
        """Read a library folder.

        Raises:
            StoredDataError: it is missing, damaged, or of a newer format; the message names the file.
        """
        path = Path(path)
        if not path.is_dir():
            raise StoredDataError(f"{path} is not a library folder; make one with 'segue ingest'")
        manifest = read_json(path / "manifest.json")
        if not isinstance(manifest, dict) or manifest.get("kind") != "segue library":
            raise StoredDataError(f"{path / 'manifest.json'} does not describe a segue library")
        version = manifest.get("format_version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise StoredDataError(f"{path / 'manifest.json'} is damaged (format_version is {version!r})")
        if version > FORMAT_VERSION:
            raise StoredDataError(
                f"{path} has library format {version}, this segue reads up to {FORMAT_VERSION}; upgrade segue"
            )
        tracks = _read_parquet(path / "tracks.parquet")
        users = user_tracks = None
        if manifest.get("n_users"):
            users = _read_parquet(path / "users.parquet")
            user_tracks = _read_interactions(path, "user_tracks", tracks.height)
        return cls(
            tracks=tracks,
            playlists=_read_parquet(path / "playlists.parquet"),
            playlist_tracks=_read_interactions(path, "playlist_tracks", tracks.height),
            users=users,
            user_tracks=user_tracks,
            public=bool(manifest.get("public")),
            notes=manifest.get("notes") or {},
        )


def _write_parquet(table: pl.DataFrame, file: Path, wanted: Path | str) -> None:
    """Raises: OutputError: on a full disk, say, where polars has an error of its own."""
    try:
        table.write_parquet(file)
    except pl.exceptions.PolarsError as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise OutputError(f"cannot write {wanted}: {reason}") from error


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except FileNotFoundError as error:
        raise StoredDataError(f"{path} is missing; ingest the library again") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoredDataError(f"{path} is damaged ({error}); ingest the library again") from error


def _read_interactions(path: Path, name: str, n_columns: int) -> Interactions:
    indptr, indices = load_array(path / f"{name}.indptr.npy"), load_array(path / f"{name}.indices.npy")
    try:
        return Interactions(indptr, indices, n_columns)
    except ValueError as error:
        raise StoredDataError(f"{path / name}.indptr.npy and .indices.npy do not fit: {error}") from error
