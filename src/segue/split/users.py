"""Training, validation and test interactions of every user, and tracks that training never hears of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library import Interactions, Library, Query
from segue.library.arrays import fingerprint
from segue.split.cold import COLD, REGIMES, cold_tracks, hashed, mixed, regimes
from segue.split.core import k_core

__all__ = ["UserPart", "UserSplit", "split_users"]

UserPart = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class UserSplit:
    """The users and tracks of a core, and who trains, tunes and tests with which of their tracks.

    All rows are rows of :attr:`library`, which holds the core's users and tracks, no playlists, and as interactions
    the *training* ones alone: nothing that is given it can see what was held out.

    Args:
        library: the core with its training interactions.
        train, validation, test: users x tracks, distinct, disjoint for each user; a user's order is kept.
        regime: of each track, a place in :data:`~segue.split.cold.REGIMES`, int8 ``(n_tracks,)``.
        cold: 0 for none, 1 for tracks strictly cold in validation, 2 for those in test, int8 ``(n_tracks,)``. Of
            these *all* interactions are in that part. Cold tracks of the other part are nobody's truth.
        user_rows, track_rows: where the core's rows are in the library that was split, int32.
        settings: what made the split, JSON-ready.

    Raises:
        ValueError: a user has a track in two parts, or a strictly cold track is in training.
    """

    library: Library
    train: Interactions
    validation: Interactions
    test: Interactions
    regime: NDArray[np.int8]
    cold: NDArray[np.int8]
    user_rows: NDArray[np.int32]
    track_rows: NDArray[np.int32]
    settings: dict[str, float]

    def __post_init__(self) -> None:
        parts = [self.train, self.validation, self.test]
        users = np.concatenate([np.repeat(np.arange(p.n_rows), p.lengths) for p in parts])
        pairs = users * self.train.n_columns + np.concatenate([p.indices for p in parts])
        if len(np.unique(pairs)) != len(pairs):
            raise ValueError("the parts of a user must be disjoint: what is asked for may not be given")
        if np.any(self.cold[self.train.indices]):
            raise ValueError("a strictly cold track may not be in training")

    @property
    def n_users(self) -> int:
        """Number of users in the core."""
        return self.train.n_rows

    @property
    def n_tracks(self) -> int:
        """Number of tracks in the core: the full catalogue that is ranked."""
        return self.train.n_columns

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all three parts, the regimes and the ids."""
        arrays = [a for p in (self.train, self.validation, self.test) for a in (p.indptr, p.indices)]
        return fingerprint(self.library.fingerprint, *arrays, self.regime, self.cold)

    @cached_property
    def user_ids(self) -> list[str]:
        """Ids of the users, by row."""
        assert self.library.users is not None
        ids: list[str] = self.library.users["user_id"].to_list()
        return ids

    def part(self, name: UserPart) -> Interactions:
        """The held-out interactions of a part: the truth, users x tracks."""
        return self.test if name == "test" else self.validation

    def tracks_of(self, regime: str, part: UserPart) -> NDArray[np.bool_]:
        """Which tracks are asked about in a regime, bool ``(n_tracks,)``; "all" for all.

        Those of "strict cold" are the part's own cold tracks: among these its cold lists are ranked.
        """
        own: NDArray[np.bool_] = self.cold == (2 if part == "test" else 1)
        if regime == "all":
            return np.ones(self.n_tracks, bool)
        at = REGIMES.index(regime)
        found: NDArray[np.bool_] = own if at == COLD else self.regime == at
        return found

    def query(self, user: int) -> Query:
        """What is asked for a user: the training tracks as given ones, with id and country."""
        assert self.library.users is not None
        country = self.library.users["country"][user]
        given = tuple(self.train.row(user).tolist())
        return Query(
            seed_tracks=given, query_id=self.user_ids[user], user_id=self.user_ids[user], country=country or ""
        )


def split_users(
    library: Library,
    *,
    k: int = 5,
    validation: float = 0.1,
    test: float = 0.1,
    cold: float = 0.1,
    tail: float = 0.2,
    rng_key: int = 0,
) -> UserSplit:
    """Split the interactions of a library's users.

    First the core of users and tracks with at least ``k`` interactions each. Then a seeded share of its tracks
    becomes strictly cold: all their interactions go to validation (half of these tracks) or test (the other half).
    Of each user's other tracks the shares ``test`` and ``validation``, rounded, at least one each, are held out in
    the order of a hash of user and track; a user with two keeps one and tests with one, a user with one keeps it.

    Where a track or user goes depends on its id and the key alone: other users and their order change nothing but
    the core and the counts.

    Raises:
        InputError: there are no users, or nothing is left of them.
    """
    if library.users is None or library.user_tracks is None:
        raise InputError(
            "the library has no listeners; ingest some with the tracks they love, or a table of user and track"
        )
    held = (validation, test, cold)
    if not (min(held) >= 0 and validation + test < 1 and cold < 1 and 0 <= tail <= 1):
        raise InputError("the shares held out must be at least 0 and leave something to train on")
    users, tracks, core = k_core(library.user_tracks, k)
    if not len(core.indices):
        raise InputError(f"no users and tracks with at least {k} interactions are left; ask for a smaller core")
    table, people = library.tracks[pl.Series(tracks)], library.users[pl.Series(users)]
    of_user = hashed(people["user_id"].to_list(), rng_key, "user")
    of_track = hashed(table["track_id"].to_list(), rng_key, "track")
    cold_in = cold_tracks(table["track_id"].to_list(), cold, rng_key)
    part = _parts(core, cold_in, of_user, of_track, validation, test)
    train, tuned, asked = (_chosen(core, part == i) for i in range(3))
    counts = np.bincount(train.indices, minlength=len(tracks))
    settings = {"k": k, "validation": validation, "test": test, "cold": cold, "tail": tail, "rng_key": rng_key}
    return UserSplit(
        library=replace(
            library,
            tracks=table,
            playlists=library.playlists[:0],
            playlist_tracks=Interactions.of([], n_columns=len(tracks)),
            users=people,
            user_tracks=train,
        ),
        train=train,
        validation=tuned,
        test=asked,
        regime=regimes(counts, cold_in > 0, of_track, tail),
        cold=cold_in,
        user_rows=users,
        track_rows=tracks,
        settings=settings,
    )


def _parts(
    core: Interactions,
    cold_in: NDArray[np.int8],
    of_user: NDArray[np.uint64],
    of_track: NDArray[np.uint64],
    validation: float,
    test: float,
) -> NDArray[np.int8]:
    """The part of each interaction: 0 training, 1 validation, 2 test; int8, as many as indices."""
    part = cold_in[core.indices].copy()
    user = np.repeat(np.arange(core.n_rows), core.lengths)
    free = np.flatnonzero(part == 0)
    order = mixed(of_user[user[free]], of_track[core.indices[free]])
    free = free[np.lexsort((order, user[free]))]
    n = np.bincount(user[free], minlength=core.n_rows)
    place = np.arange(len(free)) - np.repeat(np.cumsum(n) - n, n)
    # half a track is rounded up, as people round, so that five tracks at a tenth are one by either rule
    wanted = [np.where(share > 0, np.maximum(1, np.floor(share * n + 0.5)), 0) for share in (test, validation)]
    n_test = np.minimum(wanted[0], np.maximum(n - 1, 0))
    n_validation = np.minimum(wanted[1], np.maximum(n - 1 - n_test, 0))
    tests, held = np.repeat(n_test, n), np.repeat(n_test + n_validation, n)
    part[free] = np.where(place < tests, 2, np.where(place < held, 1, 0))
    return part


def _chosen(core: Interactions, chosen: NDArray[np.bool_]) -> Interactions:
    """Some of the interactions, rows and columns as they were."""
    user = np.repeat(np.arange(core.n_rows), core.lengths)
    indptr = np.zeros(core.n_rows + 1, np.int64)
    np.cumsum(np.bincount(user[chosen], minlength=core.n_rows), out=indptr[1:])
    return Interactions(indptr, core.indices[chosen], core.n_columns)
