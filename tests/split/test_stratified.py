from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.split.stratified import LEAST, stratified

clusterings = st.lists(st.tuples(st.integers(-1, 5), st.booleans()), max_size=120)


def parts(rows: list[tuple[int, bool]], first: int = 0) -> NDArray[np.int8]:
    cluster, titled = np.array([c for c, _ in rows], np.int32), np.array([t for _, t in rows], bool)
    return stratified(cluster, [str(first + i) for i in range(len(rows))], titled)


@given(clusterings)
def test_every_cluster_is_in_all_parts_or_in_none(rows: list[tuple[int, bool]]) -> None:
    part = parts(rows)
    assert part.dtype == np.int8
    for cluster in range(6):
        mine = [int(p) for p, (c, titled) in zip(part, rows, strict=True) if c == cluster and titled]
        n = len(mine)
        if n < LEAST:
            assert set(mine) <= {-1}
            continue
        assert set(mine) == {0, 1, 2}
        for held_out in (1, 2):
            assert abs(mine.count(held_out) - n / 10) <= 1 - (n >= 10) * 0.5
    assert all(p == -1 for p, (c, titled) in zip(part, rows, strict=True) if c < 0 or not titled)


@given(clusterings, st.randoms(use_true_random=False), st.integers(0, 5))
def test_a_part_depends_on_the_own_cluster_alone(rows: list[tuple[int, bool]], random: object, gone: int) -> None:
    part = parts(rows)
    without = [(-1 if c == gone else c, titled) for c, titled in rows]
    stay = np.array([c != gone for c, _ in rows], bool)
    assert parts(without)[stay].tolist() == part[stay].tolist()
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    cluster = np.array([rows[i][0] for i in order], np.int32)
    titled = np.array([rows[i][1] for i in order], bool)
    again = stratified(cluster, [str(i) for i in order], titled)
    assert again.tolist() == part[order].tolist()


def test_the_order_is_that_of_the_hash() -> None:
    ids = [f"p{i}" for i in range(40)]
    part = stratified(np.zeros(40, np.int32), ids)
    by_hash = sorted(range(40), key=lambda i: hashlib.sha256(ids[i].encode()).hexdigest())
    assert [int(part[i]) for i in by_hash] == [2] * 4 + [1] * 4 + [0] * 32
    assert stratified(np.zeros(2, np.int32), ["a", "\ud800"]).tolist() == [-1, -1]
    assert stratified(np.zeros(0, np.int32), []).tolist() == []
