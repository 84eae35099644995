"""The core of users and tracks, and what each user trains and tests with."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.split.cold import COLD, REGIMES, TAIL, WARM, cold_tracks, hashed, mixed, regimes
from segue.split.core import k_core
from segue.split.users import UserSplit, split_users

ROWS = st.lists(st.lists(st.integers(0, 7), max_size=8), max_size=9)


def library_of(rows: list[list[int]], n_tracks: int, order: list[int] | None = None) -> Library:
    order = list(range(len(rows))) if order is None else order
    return Library(
        pl.DataFrame({"track_id": [f"t{i}" for i in range(n_tracks)]}),
        pl.DataFrame({"playlist_id": ["p"], "title": ["everything"]}),
        Interactions.of([range(n_tracks)], n_columns=n_tracks),
        pl.DataFrame({"user_id": [f"u{i}" for i in order], "country": ["FR" if i % 2 else None for i in order]}),
        Interactions.of([rows[i] for i in order], n_columns=n_tracks),
    )


def listeners(n_users: int = 60, n_tracks: int = 80, order: list[int] | None = None) -> Library:
    rng = np.random.default_rng(7)
    rows = [rng.choice(n_tracks, rng.integers(8, 40), replace=False).tolist() for _ in range(n_users)]
    return library_of(rows, n_tracks, order)


def core_by_hand(rows: list[list[int]], k: int) -> tuple[set[int], set[int]]:
    pairs = {(u, t) for u, row in enumerate(rows) for t in row}
    while True:
        few_u = {u for u in range(len(rows)) if sum(a == u for a, _ in pairs) < k}
        few_t = {t for t in range(8) if sum(b == t for _, b in pairs) < k}
        left = {(u, t) for u, t in pairs if u not in few_u and t not in few_t}
        if left == pairs:
            return {u for u, _ in pairs}, {t for _, t in pairs}
        pairs = left


@given(ROWS, st.integers(1, 4))
def test_the_core_is_what_taking_away_by_hand_leaves(rows: list[list[int]], k: int) -> None:
    users, tracks, core = k_core(Interactions.of(rows, n_columns=8), k)
    by_hand = core_by_hand(rows, k)
    assert (set(users.tolist()), set(tracks.tolist())) == by_hand
    assert users.dtype == tracks.dtype == np.int32 and core.n_columns == len(tracks) and core.n_rows == len(users)
    for place, user in enumerate(users.tolist()):
        wanted = [t for t in dict.fromkeys(rows[user]) if t in by_hand[1]]
        assert tracks[core.row(place)].tolist() == wanted
    assert not len(users) or ((core.lengths >= k).all() and (core.column_counts() >= k).all())


def test_a_core_of_none_keeps_all_and_a_negative_one_is_refused() -> None:
    users, tracks, _ = k_core(Interactions.of([[], [1]], n_columns=3), 0)
    assert users.tolist() == [0, 1] and tracks.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="negative"):
        k_core(Interactions.of([], n_columns=0), -1)


def sets(x: Interactions) -> list[set[int]]:
    return [set(x.row(i).tolist()) for i in range(x.n_rows)]


def test_the_parts_are_disjoint_whole_and_of_the_right_size() -> None:
    library = listeners()
    split = split_users(library, k=3)
    assert library.user_tracks is not None
    for user, (a, b, c) in enumerate(zip(sets(split.train), sets(split.validation), sets(split.test), strict=True)):
        there = set(library.user_tracks.row(int(split.user_rows[user])).tolist())
        assert len(a) + len(b) + len(c) == len(a | b | c)
        assert {int(split.track_rows[t]) for t in a | b | c} == there & set(split.track_rows.tolist())
        warm = sum(split.cold[t] == 0 for t in a | b | c)
        assert sum(split.cold[t] == 0 for t in c) == max(1, int(0.1 * warm + 0.5))
        assert sum(split.cold[t] == 0 for t in b) == max(1, int(0.1 * warm + 0.5))


def test_strictly_cold_tracks_are_in_their_part_alone() -> None:
    split = split_users(listeners(), k=3, cold=0.3)
    assert set(split.cold.tolist()) == {0, 1, 2}
    assert not (split.cold[split.train.indices]).any()
    assert set(split.cold[split.validation.indices].tolist()) == {0, 1}
    assert set(split.cold[split.test.indices].tolist()) == {0, 2}
    assert ((split.regime == COLD) == (split.cold > 0)).all()
    assert split.library.user_tracks is split.train and split.library.n_playlists == 0
    assert not split.tracks_of("strict cold", "test")[split.validation.indices].any()
    assert (split.tracks_of("strict cold", "test") == (split.cold == 2)).all()
    together = sum(split.tracks_of(name, "test").astype(int) for name in REGIMES)
    assert (together == (split.cold != 1)).all() and split.tracks_of("all", "test").all()


def test_the_tail_is_the_least_heard_fifth() -> None:
    split = split_users(listeners(), k=3)
    counts = split.train.column_counts()
    tail, warm = counts[split.regime == TAIL], counts[split.regime == WARM]
    assert tail.max() <= warm.min() and len(tail) == round(0.2 * (len(tail) + len(warm)))


def test_neither_order_nor_company_moves_anything_of_a_user() -> None:
    rng = np.random.default_rng(3)
    first = split_users(listeners(), k=0)
    second = split_users(listeners(order=rng.permutation(60).tolist()), k=0)
    fewer = split_users(listeners(order=list(range(20))), k=0)
    assert (first.cold == second.cold).all() and (first.regime == second.regime).all()
    assert (fewer.cold == first.cold).all()
    for name in ("train", "validation", "test"):
        one, other = sets(getattr(first, name)), sets(getattr(second, name))
        assert dict(zip(first.user_ids, one, strict=True)) == dict(zip(second.user_ids, other, strict=True))
        assert sets(getattr(fewer, name)) == one[:20]


def test_same_key_same_split_and_another_key_another() -> None:
    one, again, other = (split_users(listeners(), k=3, rng_key=key) for key in (1, 1, 2))
    assert one.fingerprint == again.fingerprint != other.fingerprint
    assert (one.cold != other.cold).any() if one.n_tracks == other.n_tracks else True


def test_users_with_few_tracks_keep_one() -> None:
    split = split_users(library_of([[0], [0, 1], [0, 1, 2], []], 3), k=0, cold=0)
    assert [len(s) for s in sets(split.train)] == [1, 1, 1, 0]
    assert [len(s) for s in sets(split.test)] == [0, 1, 1, 0]
    assert [len(s) for s in sets(split.validation)] == [0, 0, 1, 0]
    nothing = split_users(library_of([[0, 1, 2]], 3), k=0, cold=0, test=0, validation=0)
    assert len(nothing.train.indices) == 3


def test_a_query_gives_the_training_tracks_and_nothing_held_out() -> None:
    split = split_users(listeners(), k=3)
    query = split.query(1)
    assert query.seed_tracks == tuple(split.train.row(1).tolist()) and query.user_id == split.user_ids[1]
    assert query.country == "FR" and split.query(0).country == ""


def test_what_cannot_be_split_is_one_sentence() -> None:
    library = listeners()
    with pytest.raises(InputError, match="smaller core"):
        split_users(library, k=1000)
    with pytest.raises(InputError, match="leave something"):
        split_users(library, test=0.6, validation=0.5)
    alone = Library(library.tracks, library.playlists, library.playlist_tracks)
    with pytest.raises(InputError, match="no listeners"):
        split_users(alone)


def test_parts_that_overlap_are_refused() -> None:
    split = split_users(listeners(), k=3)
    fields = {name: getattr(split, name) for name in UserSplit.__dataclass_fields__}
    with pytest.raises(ValueError, match="disjoint"):
        UserSplit(**{**fields, "test": split.train})
    with pytest.raises(ValueError, match="cold"):
        UserSplit(**{**fields, "cold": np.ones(split.n_tracks, np.int8)})


def test_about_a_tenth_is_cold_and_half_of_it_for_each_part() -> None:
    cold = cold_tracks([f"t{i}" for i in range(20_000)], 0.1, 0)
    assert abs((cold > 0).mean() - 0.1) < 0.007 and abs((cold == 2).sum() / (cold > 0).sum() - 0.5) < 0.04
    with pytest.raises(ValueError, match="share"):
        cold_tracks([], 1.0, 0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.data())
def test_regimes_part_the_tracks(counts: list[int], data: st.DataObject) -> None:
    cold = np.array(data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts))), bool)
    order = hashed([str(i) for i in range(len(counts))], 0, "x")
    found = regimes(np.array(counts), cold, order, 0.2)
    assert ((found == COLD) == cold).all() and (found == TAIL).sum() == round(0.2 * (~cold).sum())


def test_hashes_of_pairs_are_uniform_and_tell_order_apart() -> None:
    ids = hashed([str(i) for i in range(200)], 0, "x")
    pairs = mixed(np.repeat(ids, 200), np.tile(ids, 200))
    assert len(np.unique(pairs)) == 40_000
    tenths = np.bincount((pairs / np.float64(2**64) * 10).astype(int), minlength=10)
    assert ((tenths - 4_000) ** 2 / 4_000).sum() < 27.9  # chi-square with 9 degrees of freedom, p = 0.001
