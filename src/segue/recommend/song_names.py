"""Names that somebody gave from memory -> tracks of the catalogue, by one documented rule.

1. The folded name and artist are those of a track (:func:`~segue.library.names.fold`).
2. They are those of another version of a recording (:func:`~segue.library.names.recording_key`).
3. The artist is one of the catalogue's, spelled alike to at least 90 of 100, and one of their tracks' names is alike
   to at least 88, both by normalised edit similarity of the folded texts. A name without its artist is no match.

If nothing is found so, name and artist are tried the other way round, since models mix them up. Of several tracks the
most popular counts, then the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency
from segue.library import Library
from segue.library.names import fold, recording_key

__all__ = ["ARTIST_ALIKE", "NAME_ALIKE", "SongNames"]

ARTIST_ALIKE, NAME_ALIKE = 90.0, 88.0
"""Normalised edit similarity, 0 to 100, from which two folded texts are the same name."""
_MOST = 300  # characters of a name that are looked at


@dataclass(frozen=True, eq=False)
class SongNames:
    """The catalogue by its names.

    Args:
        exact, recordings: folded "name <tab> artist", and :func:`~segue.library.names.recording_key`, -> best row.
        artists: folded artists. tracks: folded artist -> (folded names, rows), the most popular first.
    """

    exact: dict[str, int]
    recordings: dict[str, int]
    artists: tuple[str, ...]
    tracks: dict[str, tuple[list[str], list[int]]] = field(repr=False)
    _alike: dict[str, str | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, library: Library, popularity: NDArray[np.integer] | None = None) -> SongNames:
        """Index the names of a library's tracks.

        Args:
            popularity: of each track, ``(n_tracks,)``; None takes playlists of the whole library.
        """
        counts = library.playlist_tracks.column_counts() if popularity is None else popularity
        names, artists = (library.tracks[column].fill_null("").to_list() for column in ("name", "artist"))
        exact: dict[str, int] = {}
        recordings: dict[str, int] = {}
        tracks: dict[str, tuple[list[str], list[int]]] = {}
        for row in np.argsort(-np.asarray(counts, np.int64), kind="stable").tolist():
            name, artist = names[row], artists[row]
            if not name.strip():
                continue
            folded, by = fold(name), fold(artist)
            exact.setdefault(f"{folded}\t{by}", row)
            recordings.setdefault(recording_key(name, artist), row)
            spelled, rows = tracks.setdefault(by, ([], []))
            spelled.append(folded)
            rows.append(row)
        return cls(exact, recordings, tuple(tracks), tracks)

    def row(self, name: str, artist: str) -> int | None:
        """The track that is meant; None where the catalogue has none."""
        name, artist = name[:_MOST], artist[:_MOST]
        for one, other in ((name, artist), (artist, name)):
            found = self._found(one, other)
            if found is not None:
                return found
        return None

    def rows(self, named: Iterable[tuple[str, str]]) -> NDArray[np.int32]:
        """Tracks of (name, artist) in their order, int32; repeated ones are dropped, and what is not in the
        catalogue is -1, -2, ... so that it keeps its place."""
        seen: set[int] = set()
        made: list[int] = []
        strangers: set[str] = set()
        for name, artist in named:
            row = self.row(name, artist)
            if row is None:
                stranger = recording_key(name[:_MOST], artist[:_MOST])
                if stranger in strangers:
                    continue
                strangers.add(stranger)
                row = -len(strangers)
            if row not in seen:
                seen.add(row)
                made.append(row)
        return np.array(made, np.int32)

    def _found(self, name: str, artist: str) -> int | None:
        folded, by = fold(name), fold(artist)
        if not folded or not by:
            return None
        found = self.exact.get(f"{folded}\t{by}", self.recordings.get(recording_key(name, artist)))
        if found is not None:
            return found
        spelled = self._artist(by)
        if spelled is None:
            return None
        names, rows = self.tracks[spelled]
        best = _best(folded, names, NAME_ALIKE)
        return None if best is None else rows[best]

    def _artist(self, by: str) -> str | None:
        if by in self.tracks:
            return by
        if by not in self._alike:
            best = _best(by, self.artists, ARTIST_ALIKE)
            self._alike[by] = None if best is None else self.artists[best]
        return self._alike[by]


def _best(text: str, among: Sequence[str], least: float) -> int | None:
    """Place of the text most alike, the first of several; None where none is alike enough."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise MissingDependency("matching names that a model gave", extra="lm") from error
    found = process.extractOne(text, among, scorer=fuzz.ratio, score_cutoff=least)
    return None if found is None else int(found[2])
