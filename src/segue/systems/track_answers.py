"""Lists of tracks near given ones, with reasons; given tracks may come from outside of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, QueryError
from segue.library import Ranking
from segue.recommend.because import Because, Kind, merged
from segue.recommend.track_neighbours import ARTIST, Given
from segue.systems.requests import Answer, AnsweredTrack
from segue.systems.track_model import TrackModel
from segue.systems.track_parts import AUDIO, LEARNT, LYRICS

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["GivenTracks", "checked_length", "find", "outside_library", "similar"]

_KINDS: dict[str, Kind] = {AUDIO: "sound", LYRICS: "lyrics", LEARNT: "company", ARTIST: "same_artist"}
_LEAST = 0.05  # share of a score below which a reason is none


@dataclass(frozen=True, eq=False)
class GivenTracks:
    """What is asked about.

    Args:
        rows: tracks of the catalogue. names: of all given tracks, as people read them.
        outside: what the model made of tracks outside of the catalogue. ignored: sentences about what was not known.
    """

    rows: tuple[int, ...]
    names: tuple[str, ...]
    outside: tuple[Given, ...] = ()
    ignored: tuple[str, ...] = ()


def find(model: TrackModel, text: str) -> int | None:
    """Row of a track typed as id, "Name, Artist", "Name - Artist" or "Artist - Name", else None.

    Of several versions the one in most playlists is taken.
    """
    by_id = model.catalogue.find_id(text)
    if by_id is not None:
        return by_id
    found = model.catalogue.find(text)
    counts = model.neighbours.popularity.counts
    return max(found, key=lambda row: (int(counts[row]), -row)) if found else None


def checked_length(model: TrackModel, length: int, given: GivenTracks, only: NDArray[np.bool_] | None = None) -> None:
    """Raise InputError unless so many other tracks can be listed."""
    there = np.ones(len(model.catalogue), bool) if only is None else only.copy()
    there[list(given.rows)] = False
    most = int(there.sum())
    if not 1 <= length <= most:
        what = "catalogue holds" if only is None else "given playlists hold"
        raise InputError(
            f"a list of {length} tracks cannot be made: beside what was given the {what} {most:,}; "
            f"give --length 1 to {most}"
            if most
            else f"no list can be made: the {what} no other track; give a larger one"
        )


def similar(
    model: TrackModel,
    given: GivenTracks,
    length: int,
    *,
    only: NDArray[np.bool_] | None = None,
    artist_cap: int = 0,
    title: str | None = None,
) -> Answer:
    """The nearest tracks and why.

    Args:
        length: of the list. only: tracks that may be listed, bool ``(n_tracks,)``; None for all.
        artist_cap: tracks of one artist, 0 for any number. Further ones, and other versions of a recording that is
            there or was given, come only where the list would be short without them, and last.
        title: of the list; None is made of the given tracks.

    Raises:
        InputError: the length is below 1 or above what there is.
        QueryError: nothing is known of any given track.
    """
    checked_length(model, length, given, only)
    near = model.neighbours
    known = near.given(given.rows, given.outside)
    if not known.vectors:
        raise QueryError(
            "nothing is known of what was given, so nothing is near to it; give --features or --lyrics of it"
        )
    ranking, said = _varied(model, near.near(known, given.rows, near.n_tracks, only=only), given, length, artist_cap)
    parts = near.parts(known)
    shared = _shared(model, given.rows)
    tracks = tuple(
        AnsweredTrack(
            rank, int(row), model.catalogue.track(int(row)), float(score), _because(model, parts, shared, int(row))
        )
        for rank, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True), 1)
    )
    query = {
        "title": title if title is not None else "Like " + ", ".join(given.names[:3]),
        "tracks": [model.catalogue.texts["track_id"][row] for row in given.rows],
        "given": list(given.names),
        "length": length,
        "inside_cluster": near.inside_cluster,
        "artist_cap": artist_cap,
    }
    return Answer(query, model.fingerprint, (*given.ignored, *near.remarks_on(known, ranking.scores), *said), tracks)


def _varied(
    model: TrackModel, ranking: Ranking, given: GivenTracks, length: int, artist_cap: int
) -> tuple[Ranking, list[str]]:
    """The head of a ranking with one version of a recording and few tracks of one artist; the others fill it up."""
    recordings = set(model.catalogue.recording[list(given.rows)].tolist())
    counts: dict[int, int] = {}
    taken: list[int] = []
    put_off: list[int] = []
    for place, row in enumerate(ranking.rows.tolist()):
        if len(taken) == length:
            break
        recording, artist = int(model.catalogue.recording[row]), int(model.neighbours.artist_rows[row])
        full = artist_cap and artist >= 0 and counts.get(artist, 0) >= artist_cap
        if full or recording in recordings:
            put_off.append(place)
            continue
        recordings.add(recording)
        counts[artist] = counts.get(artist, 0) + 1
        taken.append(place)
    filled = put_off[: length - len(taken)]
    said = []
    if filled:
        what = "other versions and further tracks of the same artists" if artist_cap else "other versions"
        said.append(f"the last {len(filled)} are {what}, without which the list would be short")
    places = np.array([*taken, *filled], np.int64)
    return Ranking(ranking.rows[places], ranking.scores[places], ranking.ignored), said


def _because(
    model: TrackModel, parts: dict[str, NDArray[np.float32]], shared: NDArray[np.int64], row: int
) -> tuple[Because, ...]:
    """Which parts of the score bring the track near, the weightiest first; what speaks against it is no reason."""
    pulls = {name: max(float(values[row]), 0.0) for name, values in parts.items()}
    total = sum(pulls.values())
    if not total:
        return ()
    return merged(
        Because(
            _KINDS[name],
            model.catalogue.texts["artist"][row] if name == ARTIST else "",
            pull / total,
            int(shared[row]) if name == LEARNT else 0,
        )
        for name, pull in pulls.items()
        if pull / total >= _LEAST
    )


def _shared(model: TrackModel, rows: Sequence[int]) -> NDArray[np.int64]:
    """In how many training playlists each track is beside a given one, int64 ``(n_tracks,)``."""
    playlists = model.playlists
    holds = np.isin(playlists.indices, np.asarray(rows, np.int32))
    of = np.repeat(np.arange(playlists.n_rows), playlists.lengths)
    chosen = playlists.select(np.unique(of[holds]))
    return np.bincount(chosen.indices, minlength=playlists.n_columns).astype(np.int64)


def outside_library(texts: Sequence[str], artists: frozenset[str]) -> Library:
    """Tracks that are not in the catalogue as a library of their own, so that sources can annotate them.

    Args:
        texts: "Name, Artist" or "Name - Artist". artists: folded names that are known, to tell the two apart.

    Raises:
        QueryError: a text without an artist.
    """
    import polars as pl

    from segue.library import Interactions, Library
    from segue.library.names import fold

    names: list[str] = []
    who: list[str] = []
    for text in texts:
        parts = next((text.split(s, 1) for s in (" - ", " – ", " — ", ", ", " by ") if s in text), None)
        if parts is None or not all(part.strip() for part in parts):
            raise QueryError(f'{text[:120]!r} says no artist, so it cannot be looked up; give it as "Name, Artist"')
        left, right = (part.strip() for part in parts)
        if fold(left) in artists and fold(right) not in artists:
            left, right = right, left
        names.append(left)
        who.append(right)
    table = pl.DataFrame(
        {"track_id": [f"outside:{i}" for i in range(len(names))], "name": names, "artist": who},
        schema={"track_id": pl.String, "name": pl.String, "artist": pl.String},
    )
    none = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    return Library(table, none, Interactions.of([], n_columns=len(names)))
