"""The ten scenarios of the RecSys Challenge 2018: give a title, some tracks, or both; hide the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library import Qrels, Query

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["MINIMUM_HIDDEN", "SCENARIOS", "Rule", "playlist_queries", "rule_of", "scenario"]

MINIMUM_HIDDEN = 5
"""Hidden tracks that a playlist must keep where tracks are given; with a title alone one is enough."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a scenario shows of a playlist: its title or not, and which of its tracks."""

    title: bool
    given: int
    random: bool = False

    @property
    def minimum_hidden(self) -> int:
        """Distinct tracks that must stay hidden for a playlist to take part."""
        return MINIMUM_HIDDEN if self.given else 1


_RULES: Mapping[str, Rule] = {
    "title": Rule(True, 0),
    "title+first-1": Rule(True, 1),
    "title+first-5": Rule(True, 5),
    "title+first-10": Rule(True, 10),
    "title+first-25": Rule(True, 25),
    "title+first-100": Rule(True, 100),
    "first-5": Rule(False, 5),
    "first-10": Rule(False, 10),
    "title+random-25": Rule(True, 25, random=True),
    "title+random-100": Rule(True, 100, random=True),
}

SCENARIOS: tuple[str, ...] = tuple(_RULES)


def rule_of(name: str) -> Rule:
    """Rule of a scenario.

    Raises:
        InputError: there is no scenario of that name.
    """
    if name not in _RULES:
        raise InputError(f"there is no scenario {name!r}; choose from {', '.join(SCENARIOS)}")
    return _RULES[name]


def scenario(
    library: Library,
    rows: NDArray[np.integer],
    name: str,
    *,
    rng_key: int = 2018,
    popularity: NDArray[np.int64] | None = None,
) -> tuple[list[Query], Qrels]:
    """Build the queries of a scenario and their truth.

    Every playlist that is long enough takes part in every scenario (the challenge itself gave each playlist to one of
    them), so scenarios share playlists. A playlist counts with its distinct tracks in order of first occurrence; the
    first ``given`` of them, or ``given`` drawn at random and kept in playlist order, are given, the others hidden. It
    takes part if at least ``MINIMUM_HIDDEN`` stay hidden (one with a title alone) and, where the title is given, it
    has one. The draw depends on ``rng_key``, the scenario and the playlist's id alone.

    Args:
        library: holds the playlists.
        rows: playlist rows that may be asked about.
        name: one of :data:`SCENARIOS`.
        rng_key: key of the random draws.
        popularity: training playlists per track, int64 ``(n_tracks,)``, passed on to the truth.

    Returns:
        queries and truth under the playlists' ids, in the order of ``rows``; both may be empty.

    Raises:
        InputError: there is no scenario of that name.

    Source: Chen, Lamere, Schedl and Zamani 2018, "RecSys Challenge 2018: Automatic Music Playlist Continuation".
    """
    rule = rule_of(name)
    rows = np.asarray(rows, np.int64)
    distinct = library.playlist_tracks.select(rows).distinct()
    ids = library.playlists["playlist_id"].gather(rows).to_list()
    queries: list[Query] = []
    relevant: dict[str, NDArray[np.int32]] = {}
    for place, (row, playlist_id) in enumerate(zip(rows.tolist(), ids, strict=True)):
        tracks = distinct.row(place)
        title = library.titles[row] if rule.title else ""
        if len(tracks) < rule.given + rule.minimum_hidden or (rule.title and not title.strip()):
            continue
        given = np.arange(rule.given)
        if rule.random:
            rng = np.random.default_rng(_key(rng_key, name, playlist_id))
            given = np.sort(rng.choice(len(tracks), rule.given, replace=False))
        queries.append(Query(title, tuple(tracks[given].tolist()), playlist_id))
        relevant[playlist_id] = np.delete(tracks, given)
    return queries, Qrels(relevant, library.artist_rows, popularity)


def playlist_queries(
    library: Library, rows: NDArray[np.integer], *, popularity: NDArray[np.int64] | None = None
) -> tuple[list[Query], Qrels]:
    """Title-only queries: the title of each playlist is asked, all its distinct tracks are the truth."""
    return scenario(library, rows, "title", popularity=popularity)


def _key(rng_key: int, name: str, playlist_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{rng_key}\t{name}\t{playlist_id}".encode()).digest()[:8], "big")
