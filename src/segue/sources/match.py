"""Whose row is it: joining a source's rows to the tracks of a library, by id first and by likeness of names last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library.names import fold, recording_key
from segue.sources.addresses import is_address
from segue.sources.match_keys import first_artist, id_key, isrc_key, sounds_otherwise, stem_key
from segue.sources.outside import Names, Outside

__all__ = ["BY", "OTHER_VERSION", "VERSION", "Match", "match"]

BY = ("id", "isrc", "file", "name", "version", "other version")
"""Ways to recognise a track, the surest first. ``Match.by`` holds positions in it."""
VERSION, OTHER_VERSION = BY.index("version"), BY.index("other version")

_EXAMPLES = 5


@dataclass(frozen=True, eq=False)
class Match:
    """Which row of a source describes each track.

    Args:
        rows: int32 ``(n_tracks,)``, row of the source or -1. One row may serve several tracks.
        by: int8 ``(n_tracks,)``, position in :data:`BY` or -1.
        ambiguous: bool ``(n_tracks,)``: several rows answered alike; the most popular one was taken, else the first.
        n_outside: rows of the source.
        ambiguous_examples: "artist - name" of some.
    """

    rows: NDArray[np.int32]
    by: NDArray[np.int8]
    ambiguous: NDArray[np.bool_]
    n_outside: int
    ambiguous_examples: tuple[str, ...] = ()

    @property
    def unused(self) -> NDArray[np.int32]:
        """Rows of the source that describe no track of the library; ascending."""
        used = np.zeros(self.n_outside, bool)
        used[self.rows[self.rows >= 0]] = True
        return np.flatnonzero(~used).astype(np.int32)

    def as_notes(self) -> dict[str, Any]:
        """Counts as JSON-ready values."""
        matched = int((self.rows >= 0).sum())
        return {
            "rows": self.n_outside,
            "unused": len(self.unused),
            "matched": matched,
            "missing": len(self.rows) - matched,
            "by": {name: n for name, n in ((name, int((self.by == i).sum())) for i, name in enumerate(BY)) if n},
            "ambiguous": int(self.ambiguous.sum()),
            "ambiguous_examples": list(self.ambiguous_examples),
        }


def match(tracks: pl.DataFrame, outside: Outside, *, versions: bool = True) -> Match:
    """Find the row of a source that describes each track: by id, ISRC, file, name and artist, and last by version.

    A way is tried for the tracks that surer ways left over. Names and artists are compared folded; "by version" takes
    remastered, edited and featuring versions (:func:`~segue.library.names.recording_key`) and the first of several
    artists, "by other version" also live, acoustic and remixed ones, which are the same song but sound otherwise. A
    track without a name or an artist is found by id, ISRC or file alone. Ids that are plain words or numbers, which
    several sources may use for different tracks, count only where names agree or are unknown.

    Args:
        tracks: a library's table of tracks.
        versions: whether to go on after names and artists.
    """
    state = _State(tracks.height, outside)
    ids, names, artists = (tracks[name].to_list() for name in ("track_id", "name", "artist"))
    state.take("id", _offered(id_key, outside.track_ids), _keys(id_key, ids), _agreeing(ids, names, outside))
    if "isrc" in tracks.columns:
        state.take("isrc", _offered(isrc_key, outside.isrcs), _keys(isrc_key, tracks["isrc"].to_list()))
    state.take("file", _offered(stem_key, outside.stems), _keys(stem_key, tracks["location"].to_list()))
    named = [(n, a) if n and a else None for n, a in zip(names, artists, strict=True)]
    folded = _Folded({pair[1] for i in state.left if (pair := named[i]) is not None})
    for by, how in (
        ("name", folded.exact),
        *((("version", folded.version), ("other version", folded.other_version)) if versions else ()),
    ):
        state.take(by, _readings(outside.names, folded, how), folded.keys(named, how))
    examples = [named[i] for i in np.flatnonzero(state.ambiguous)[:_EXAMPLES].tolist()]
    told = tuple(f"{pair[1]} - {pair[0]}" for pair in examples if pair is not None)
    return Match(state.rows, state.by, state.ambiguous, outside.n_rows, told)


class _State:
    """What is decided so far."""

    def __init__(self, n_tracks: int, outside: Outside) -> None:
        self.rows = np.full(n_tracks, -1, np.int32)
        self.by = np.full(n_tracks, -1, np.int8)
        self.ambiguous = np.zeros(n_tracks, bool)
        self.outside = outside

    @property
    def left(self) -> list[int]:
        rows: list[int] = np.flatnonzero(self.rows < 0).tolist()
        return rows

    def take(
        self,
        by: str,
        offered: Iterable[tuple[str, int, int]],
        keys: Callable[[int], Iterable[str]],
        agrees: Callable[[int, int], bool] = lambda track, row: True,
    ) -> None:
        """Give each undecided track the best row that has its key.

        Args:
            offered: (key, row of the source, how far-fetched this reading is); used up before any track is asked.
            keys: track row -> its keys, the better first.
            agrees: whether a track and a row of the source may be the same.
        """
        left = self.left
        if not left:
            return
        popularity = self.outside.popularity
        candidates: dict[str, list[tuple[int, float, int]]] = {}
        for key, row, reading in offered:
            known = popularity[row]
            candidates.setdefault(key, []).append((reading, -known if known is not None else 0.0, row))
        if not candidates:
            return
        position = BY.index(by)
        for track in left:
            found: list[tuple[int, float, int]] = []
            for key in keys(track):
                found = found or candidates.get(key, [])
            possible = [each for each in found if agrees(track, each[2])]
            if not possible:
                continue
            best = min(possible)
            self.rows[track], self.by[track] = best[2], position
            self.ambiguous[track] = len({row for reading, _, row in possible if reading == best[0]}) > 1


def _keys(how: Callable[[str | None], str | None], values: Sequence[str | None]) -> Callable[[int], Iterable[str]]:
    def keys(track: int) -> Iterator[str]:
        key = how(values[track])
        if key is not None:
            yield key

    return keys


def _offered(how: Callable[[str | None], str | None], values: Sequence[str | None]) -> Iterator[tuple[str, int, int]]:
    for row, value in enumerate(values):
        if value is not None and (key := how(value)) is not None:
            yield key, row, 0


def _agreeing(ids: Sequence[str], names: Sequence[str | None], outside: Outside) -> Callable[[int, int], bool]:
    def agrees(track: int, row: int) -> bool:
        key = id_key(ids[track]) or ""
        if is_address(key):
            return True
        own, others = names[track], [name for name, _ in outside.names[row]]
        return not own or not others or fold(own) in map(fold, others)

    return agrees


class _Folded:
    """Keys of names and artists; each is folded once, and names only where library and source share the artist.

    Args:
        artists: of the tracks that are looked for.
    """

    def __init__(self, artists: Iterable[str]) -> None:
        self._artists: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, tuple[str, bool]] = {}
        self._wanted = {folded for artist in artists for folded in self._artist(artist)}
        self._met: set[str] = set()

    def _artist(self, artist: str) -> tuple[str, ...]:
        """An artist, and the first one of several."""
        folded = self._artists.get(artist)
        if folded is None:
            folded = tuple(dict.fromkeys((fold(artist), fold(first_artist(artist)))))
            self._artists[artist] = folded
        return folded

    def wants(self, artist: str) -> bool:
        """Whether tracks by an artist of the source are looked for; if so, they are worth a key."""
        folded = self._artist(artist)
        wanted = not self._wanted.isdisjoint(folded)
        if wanted:
            self._met.update(folded)
        return wanted

    def exact(self, name: str, artist: str) -> Iterator[str]:
        yield f"{fold(name)}\t{self._artist(artist)[0]}"

    def version(self, name: str, artist: str) -> Iterator[str]:
        key, otherwise = self._version(name)
        if not otherwise:
            yield from (key + folded for folded in self._artist(artist))

    def other_version(self, name: str, artist: str) -> Iterator[str]:
        key, _ = self._version(name)
        yield from (key + folded for folded in self._artist(artist))

    def _version(self, name: str) -> tuple[str, bool]:
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = recording_key(name, ""), sounds_otherwise(name)
        return found

    def keys(
        self, named: Sequence[tuple[str, str] | None], how: Callable[[str, str], Iterator[str]]
    ) -> Callable[[int], Iterable[str]]:
        def of(track: int) -> Iterable[str]:
            pair = named[track]
            return () if pair is None or self._met.isdisjoint(self._artist(pair[1])) else how(*pair)

        return of


def _readings(
    names: Sequence[Names], folded: _Folded, how: Callable[[str, str], Iterator[str]]
) -> Iterator[tuple[str, int, int]]:
    for row, readings in enumerate(names):
        for reading, (name, artist) in enumerate(readings):
            if name.strip() and artist.strip() and folded.wants(artist):
                for key in how(name, artist):
                    yield key, row, reading
