"""Rules after ranking: what may be in the list, how often, how close together, and how long the list is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import QueryError
from segue.library.catalogue import Catalogue
from segue.library.names import fold
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.scores import known_seeds

__all__ = ["DEFAULT_DURATION_MS", "Rules", "apply"]

DEFAULT_DURATION_MS = 210_000  # a track whose duration is not known counts as three and a half minutes


@dataclass(frozen=True, slots=True)
class Rules:
    """What a list must keep.

    Args:
        n: tracks in the list. minutes: length of the list instead; the list is the longest head that fits.
        exclude_tracks, exclude_artists: rows that must not occur; given tracks never do.
        exclude_given_artists: whether the artists of the given tracks must not occur either.
        artist_cap: tracks per artist, at most.
        artist_spacing: other tracks between two of one artist, at least, as far as that can be had.
        one_version: keep only the best ranked version of a recording, and none of a given track.
        year_from, year_to: years allowed, both included; tracks of unknown year are left out.
        allow_explicit: False leaves out explicit tracks; tracks that do not say stay.
        max_track_minutes: longest track allowed; tracks of unknown duration stay.
        exclude_words: tracks whose name has one of these words are left out ("live", "remix").

    Raises:
        QueryError: a rule contradicts itself.
    """

    n: int | None = 66
    minutes: float | None = None
    exclude_tracks: tuple[int, ...] = ()
    exclude_artists: tuple[int, ...] = ()
    exclude_given_artists: bool = False
    artist_cap: int | None = None
    artist_spacing: int = 0
    one_version: bool = True
    year_from: int | None = None
    year_to: int | None = None
    allow_explicit: bool = True
    max_track_minutes: float | None = None
    exclude_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.n is not None and self.n < 0:
            raise QueryError(f"a list cannot have {self.n} tracks; give 0 or more")
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise QueryError(f"a list cannot last {self.minutes} minutes; give more than 0")
        if self.artist_cap is not None and self.artist_cap < 1:
            raise QueryError(f"an artist cap of {self.artist_cap} leaves nothing; give 1 or more")
        if self.artist_spacing < 0:
            raise QueryError(f"artist spacing cannot be {self.artist_spacing}; give 0 or more")
        if self.max_track_minutes is not None and not self.max_track_minutes > 0:
            raise QueryError(f"no track lasts at most {self.max_track_minutes} minutes; give more than 0")
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise QueryError(f"the years {self.year_from} to {self.year_to} hold none; swap them")

    @property
    def most_tracks(self) -> int:
        """How many tracks the list can have, as far as the rules say; minutes count tracks of two minutes."""
        if self.minutes is None:
            return 500 if self.n is None else self.n
        fitting = math.ceil(self.minutes / 2)
        return fitting if self.n is None else min(self.n, fitting)

    def to_json(self) -> dict[str, Any]:
        """The rules that differ from none at all, by name."""
        neutral = Rules(n=None, one_version=False)
        values = asdict(self)
        return {name: value for name, value in values.items() if value != getattr(neutral, name)}


def apply(ranking: Ranking, catalogue: Catalogue, rules: Rules, query: Query | None = None) -> Ranking:
    """Apply the rules to a ranking, in this order: filters, versions, artist cap, minutes, artist spacing, number.

    Give more tracks than the list shall have: rules only take away, or move a track down behind others. Scores stay
    those of the ranking, so with spacing they need not fall; where fewer tracks remain than asked for, a sentence in
    ``ignored`` says so.
    """
    said = list(ranking.ignored)
    given = known_seeds(() if query is None else query.seed_tracks, len(catalogue))
    kept = np.flatnonzero(_allowed(ranking.rows, given, catalogue, rules, said))
    if rules.one_version:
        kept = kept[_first_of_each(catalogue.recording[ranking.rows[kept]])]
    artists = catalogue.artist_row[ranking.rows]
    if rules.artist_cap is not None:
        kept = kept[_occurrence(artists[kept]) < rules.artist_cap]
    if rules.minutes is not None:
        # passing over a track that is too long must not bring two of one artist together, so this comes first
        kept = kept[_within_minutes(ranking.rows[kept], catalogue, rules, rules.minutes, said)]
    if rules.artist_spacing:
        kept = _spaced(artists, kept, rules.artist_spacing, rules.n, said)
    if rules.n is not None:
        if len(kept) < rules.n and rules.minutes is None:
            said.append(f"only {len(kept)} of {rules.n} tracks satisfy the rules")
        kept = kept[: rules.n]
    return Ranking(ranking.rows[kept], ranking.scores[kept], tuple(dict.fromkeys(said)))


def filtered(ranking: Ranking, catalogue: Catalogue, rules: Rules, query: Query | None = None) -> Ranking:
    """Only the tracks that may be in a list, as ranked: what :func:`apply` does to single tracks, and to versions.

    For what moves tracks before the rules are applied, so that it moves them among those that can stay.
    """
    given = known_seeds(() if query is None else query.seed_tracks, len(catalogue))
    kept = np.flatnonzero(_allowed(ranking.rows, given, catalogue, rules, []))
    if rules.one_version:
        kept = kept[_first_of_each(catalogue.recording[ranking.rows[kept]])]
    return Ranking(ranking.rows[kept], ranking.scores[kept], ranking.ignored)


def _allowed(
    rows: NDArray[np.int32], given: NDArray[np.int32], catalogue: Catalogue, rules: Rules, said: list[str]
) -> NDArray[np.bool_]:
    allowed = ~np.isin(rows, np.asarray([*given.tolist(), *rules.exclude_tracks], np.int64))
    artists = list(rules.exclude_artists)
    if rules.exclude_given_artists:
        artists += catalogue.artist_row[given].tolist()
    if artists:
        allowed &= ~np.isin(catalogue.artist_row[rows], np.asarray(artists, np.int64))
    if rules.one_version and len(given):
        allowed &= ~np.isin(catalogue.recording[rows], catalogue.recording[given])
    if rules.exclude_words:
        unwanted = {fold(word) for word in rules.exclude_words}
        names = catalogue.texts["name"]
        allowed &= np.array([not unwanted & set(fold(names[int(row)]).split()) for row in rows], bool)
    if rules.year_from is not None or rules.year_to is not None:
        if catalogue.knows_years:
            years = catalogue.year[rows]
            allowed &= years >= (0 if rules.year_from is None else rules.year_from)
            allowed &= (years >= 0) & (years <= (32_767 if rules.year_to is None else rules.year_to))
        else:
            said.append("the library knows no years, so the year range was not applied")
    if not rules.allow_explicit:
        if catalogue.knows_explicit:
            allowed &= catalogue.explicit[rows] != 1
        else:
            said.append("the library does not say which tracks are explicit, so none was left out")
    if rules.max_track_minutes is not None:
        if catalogue.knows_durations:
            allowed &= catalogue.duration_ms[rows] <= rules.max_track_minutes * 60_000
        else:
            said.append("the library knows no durations, so long tracks were not left out")
    return allowed


def _first_of_each(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions of the first occurrence of each key, ascending."""
    return np.sort(np.unique(keys, return_index=True)[1])


def _occurrence(keys: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often each key occurred before.

    >>> _occurrence(np.array([5, 3, 5, 5], np.int32)).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    new = np.ones(len(keys), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    positions = np.arange(len(keys))
    counted = positions - np.maximum.accumulate(np.where(new, positions, 0))
    before = np.empty(len(keys), np.int64)
    before[order] = counted
    return before


def _spaced(
    artists: NDArray[np.int32], kept: NDArray[np.int64], spacing: int, n: int | None, said: list[str]
) -> NDArray[np.int64]:
    """Place, at each step, the best remaining track whose artist did not occur within ``spacing`` places.

    Where there is none, the track whose artist was heard longest ago is placed, and a sentence says so.
    """
    if n is not None:
        kept = kept[: 4 * n + 100]  # a list is not spaced with what lies far below it
    waiting: list[int] = kept.tolist()
    placed: list[int] = []
    last: dict[int, int] = {}
    failed = False
    wanted = len(waiting) if n is None else min(n, len(waiting))
    while waiting and len(placed) < wanted:
        at = next((i for i, t in enumerate(waiting) if _rested(last, int(artists[t]), len(placed), spacing)), None)
        if at is None:
            failed = True
            at = min(range(len(waiting)), key=lambda i: (last[int(artists[waiting[i]])], i))
        track = waiting.pop(at)
        last[int(artists[track])] = len(placed)
        placed.append(track)
    if failed:
        said.append(f"there are too few artists to keep {spacing} tracks between two of one artist everywhere")
    return np.array(placed, np.int64)


def _rested(last: dict[int, int], artist: int, place: int, spacing: int) -> bool:
    return artist not in last or place - last[artist] > spacing


def _within_minutes(
    rows: NDArray[np.int32], catalogue: Catalogue, rules: Rules, minutes: float, said: list[str]
) -> NDArray[np.int64]:
    """Positions of the tracks that fit into the minutes; fewer where ``n`` ends the list first."""
    durations = catalogue.duration_ms[rows].astype(np.int64)
    if (durations < 0).any():
        said.append(
            "some durations are not known; those tracks count as three and a half minutes"
            if catalogue.knows_durations
            else "the library knows no durations; each track counts as three and a half minutes"
        )
        durations = np.where(durations < 0, DEFAULT_DURATION_MS, durations)
    chosen = _fitting(durations.tolist(), minutes * 60_000)[: rules.n]
    total = float(durations[chosen].sum()) / 60_000
    if not len(chosen) and len(rows) and rules.n != 0:
        said.append(f"no track that satisfies the rules is as short as {minutes:g} minutes")
    elif len(chosen) == len(rows) and total < minutes - DEFAULT_DURATION_MS / 60_000:
        said.append(f"only {total:.0f} of {minutes:g} minutes satisfy the rules")
    return chosen


def _fitting(durations: Sequence[int], limit: float) -> NDArray[np.int64]:
    """Take tracks in order while they fit; one that is too long for what is left is passed over, until ten were.

    >>> _fitting([4, 9, 3, 2], 10.0).tolist()
    [0, 2, 3]
    """
    chosen: list[int] = []
    left, passed = limit, 0
    for position, duration in enumerate(durations):
        if duration <= left:
            chosen.append(position)
            left -= duration
        else:
            passed += 1
            if passed >= 10:
                break
    return np.array(chosen, np.int64)
