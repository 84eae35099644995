"""The track table as a model carries it: memory-mapped, looked up by id or by name, without polars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library.arrays import load_array, save_array
from segue.library.names import fold, recording_key
from segue.library.strings import HashIndex, StringArray, hash64

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["FEATURES", "Catalogue", "Track"]

_UNKNOWN = -1
_TEXTS = ("track_id", "name", "artist", "album", "location")
_NUMBERS = ("year", "duration_ms", "explicit", "artist_row", "recording")
FEATURES = ("energy", "tempo", "valence", "danceability", "acousticness", "loudness", "key", "mode")
"""Audio features that a catalogue keeps where a library has them, in the units of
:data:`~segue.library.tables.AUDIO_FEATURES`; NaN is "not known", and so is a key of -1."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track as shown to people; None where the library did not know."""

    track_id: str
    name: str
    artist: str
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    explicit: bool | None = None
    location: str | None = None


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All tracks of a model, row by row.

    Args:
        texts: ``track_id``, ``name``, ``artist``, ``album``, ``location``; the empty string is "not known".
        year: int16, -1 is "not known". duration_ms: int32, -1 likewise. explicit: int8 (0, 1, -1).
        artist_row: int32. recording: uint64 hash, equal for versions of one recording.
        features: those of :data:`FEATURES` that any track has, float32, NaN is "not known"; none in older models.
        by_id, by_name: row lookups by track id and by folded "name <tab> artist".
    """

    texts: dict[str, StringArray]
    year: NDArray[np.int16]
    duration_ms: NDArray[np.int32]
    explicit: NDArray[np.int8]
    artist_row: NDArray[np.int32]
    recording: NDArray[np.uint64]
    by_id: HashIndex
    by_name: HashIndex
    by_recording: HashIndex
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(cls, library: Library) -> Catalogue:
        """Pack the track table of a library."""
        tracks = library.tracks
        texts = {c: tracks[c].fill_null("").to_list() for c in _TEXTS}
        keys = [f"{fold(n)}\t{fold(a)}" for n, a in zip(texts["name"], texts["artist"], strict=True)]
        recordings = [recording_key(n, a) for n, a in zip(texts["name"], texts["artist"], strict=True)]
        return cls(
            texts={c: StringArray.of(t) for c, t in texts.items()},
            year=tracks["year"].fill_null(_UNKNOWN).to_numpy().astype(np.int16),
            duration_ms=tracks["duration_ms"].fill_null(_UNKNOWN).to_numpy().astype(np.int32),
            explicit=tracks["explicit"].cast(int).fill_null(_UNKNOWN).to_numpy().astype(np.int8),
            artist_row=library.artist_rows,
            recording=hash64(recordings),
            by_id=HashIndex.of(texts["track_id"]),
            by_name=HashIndex.of(keys),
            by_recording=HashIndex.of(recordings),
            features=_features_of(library),
        )

    def save(self, folder: Path) -> None:
        """Write the catalogue's arrays into an existing folder."""
        for name, strings in self.texts.items():
            strings.save(folder, name)
        for name in _NUMBERS:
            save_array(folder / f"{name}.npy", getattr(self, name))
        for name, values in self.features.items():
            save_array(folder / f"{name}.npy", values)
        self.by_id.save(folder, "by_id")
        self.by_name.save(folder, "by_name")
        self.by_recording.save(folder, "by_recording")

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """Map the catalogue's arrays.

        Raises:
            StoredDataError: a file is missing or damaged.
        """
        numbers = {name: load_array(folder / f"{name}.npy") for name in _NUMBERS}
        return cls(
            texts={name: StringArray.load(folder, name) for name in _TEXTS},
            by_id=HashIndex.load(folder, "by_id"),
            by_name=HashIndex.load(folder, "by_name"),
            by_recording=HashIndex.load(folder, "by_recording"),
            features=_features_in(folder, len(numbers["year"])),
            **numbers,
        )

    def __len__(self) -> int:
        return len(self.year)

    @cached_property
    def knows_years(self) -> bool:
        """Whether any track has a year."""
        return bool((self.year >= 0).any())

    @cached_property
    def knows_durations(self) -> bool:
        """Whether any track has a duration."""
        return bool((self.duration_ms >= 0).any())

    @cached_property
    def knows_explicit(self) -> bool:
        """Whether any track says if it is explicit."""
        return bool((self.explicit >= 0).any())

    @cached_property
    def knows_features(self) -> bool:
        """Whether any track has an audio feature."""
        return bool(self.features)

    def track(self, row: int) -> Track:
        """One track.

        Raises:
            IndexError: there is no such row.
        """
        year, duration, explicit = int(self.year[row]), int(self.duration_ms[row]), int(self.explicit[row])
        return Track(
            track_id=self.texts["track_id"][row],
            name=self.texts["name"][row],
            artist=self.texts["artist"][row],
            album=self.texts["album"][row] or None,
            year=None if year < 0 else year,
            duration_ms=None if duration < 0 else duration,
            explicit=None if explicit < 0 else bool(explicit),
            location=self.texts["location"][row] or None,
        )

    def tracks(self, rows: NDArray[np.integer]) -> list[Track]:
        """Some tracks, in the order of their rows; the same as :meth:`track` of each, but quicker.

        Raises:
            IndexError: there is no such row.
        """
        ids, names, artists, albums, locations = (self.texts[name].take(rows) for name in _TEXTS)
        years, durations, explicit = (x[rows].tolist() for x in (self.year, self.duration_ms, self.explicit))
        return [
            Track(
                track_id=ids[i],
                name=names[i],
                artist=artists[i],
                album=albums[i] or None,
                year=None if years[i] < 0 else years[i],
                duration_ms=None if durations[i] < 0 else durations[i],
                explicit=None if explicit[i] < 0 else bool(explicit[i]),
                location=locations[i] or None,
            )
            for i in range(len(ids))
        ]

    def find_id(self, track_id: str) -> int | None:
        """Row of a track id, or None."""
        for row in self.by_id.rows(track_id):
            if self.texts["track_id"][int(row)] == track_id:
                return int(row)
        return None

    def find_name(self, name: str, artist: str) -> list[int]:
        """Rows of a track by folded name and artist, else of any version of that recording, ascending."""
        for index, key in (
            (self.by_name, f"{fold(name)}\t{fold(artist)}"),
            (self.by_recording, recording_key(name, artist)),
        ):
            rows = index.rows(key)
            if len(rows):
                return [int(row) for row in rows]
        return []

    def find(self, text: str) -> list[int]:
        """Rows of a track typed as "Name - Artist", "Name, Artist" or "Artist - Name"; empty where there is none.

        Every separator in the text is tried, so names that hold one themselves are found too.
        """
        for separator in (" - ", " – ", " — ", ", ", " by ", "\t"):
            parts = text.split(separator)
            for cut in range(1, len(parts)):
                left, right = separator.join(parts[:cut]), separator.join(parts[cut:])
                rows = self.find_name(left, right) or self.find_name(right, left)
                if rows:
                    return rows
        return []


def _features_of(library: Library) -> dict[str, NDArray[np.float32]]:
    """The audio features that any track of a library has; what is no finite number is not known."""
    found = {}
    for name in FEATURES:
        if name not in library.tracks.columns:
            continue
        values = library.tracks[name].to_numpy().astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        if name == "key":
            values[values < 0] = np.nan
        if not np.isnan(values).all():
            found[name] = values
    return found


def _features_in(folder: Path, n: int) -> dict[str, NDArray[np.float32]]:
    """Map the features that a folder has.

    Raises:
        StoredDataError: one is damaged, or of another number of tracks.
    """
    found = {}
    for name in FEATURES:
        file = folder / f"{name}.npy"
        if file.exists():
            found[name] = load_array(file, dtype=np.float32)
            if found[name].shape != (n,):
                raise StoredDataError(f"{file} is damaged (not of {n:,} tracks); build the folder again")
    return found
