"""Short ways through a list: each track once, the first stays first, tracks of one artist stay apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["close_calls", "placed", "tour"]

_LEAST = 1e-6  # by which a change must be shorter
_PARTS = (1, 2)  # neighbours that move together; three gained nothing more
_LONG = 250  # points beyond which only single ones move
_ROUNDS = 60
_FEWEST, _WORK = 3, 1_500  # rounds of a long path, and points looked at in all rounds of a shorter one
_EXCHANGES = 8  # tried for each place

Order = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Apart:
    """What an order must keep: at most ``limit`` pairs of one artist closer than ``spacing``."""

    artists: NDArray[np.integer]
    spacing: int
    limit: int

    def keeps(self, order: Order) -> bool:
        return self.spacing < 1 or close_calls(self.artists[order], self.spacing) <= self.limit


def close_calls(artists: NDArray[np.integer], spacing: int) -> int:
    """Pairs of one artist with fewer than ``spacing`` other tracks between them.

    >>> close_calls(np.array([1, 1, 2, 1]), 1), close_calls(np.array([1, 1, 2, 1]), 2)
    (1, 2)
    """
    return sum(int((artists[lag:] == artists[:-lag]).sum()) for lag in range(1, min(spacing, len(artists) - 1) + 1))


def tour(distances: NDArray[np.floating], artists: NDArray[np.integer], spacing: int = 0) -> Order:
    """A short open path through all points that begins with the first: nearest neighbour, then 2-opt and Or-opt.

    Args:
        distances: symmetric, float ``(n, n)``. artists: of each point, int ``(n,)``.
        spacing: other points between two of one artist, at least; no more pairs come closer than in the given order.

    Returns:
        Positions in the given order, int64 ``(n,)``, the first 0; the same input gives the same path.

    Source: Croes 1958, "A method for solving traveling-salesman problems" (2-opt); Or 1976 (parts that move).
    """
    n = len(distances)
    given = np.arange(n, dtype=np.int64)
    if n < 3:
        return given
    distances = distances.astype(np.float32, copy=False)
    if len(np.unique(artists)) == n:
        spacing = 0  # nobody is there twice
    limit = close_calls(artists, spacing)
    start = _nearest(distances, artists, spacing)
    calls = close_calls(artists[start], spacing)
    if calls > limit:
        start, calls = given, limit
    # two that are apart now stay apart
    return _shortened(distances, start, _Apart(artists, spacing, calls))


def placed(cost: NDArray[np.floating], artists: NDArray[np.integer], spacing: int, start: Order) -> Order:
    """Give each point a place at low total cost, by exchanging two at a time.

    Args:
        cost: of each point (row) at each place (column), float ``(n, n)``.
        start: the cheapest order; where it brings more pairs of one artist together than the given order, what can be
            reached from the given order is taken.
    """
    n = len(cost)
    order = np.arange(n, dtype=np.int64)
    apart = _Apart(artists, spacing, close_calls(artists, spacing))
    if apart.keeps(start):
        return start
    places = np.arange(n)
    for _ in range(_ROUNDS):
        changed = False
        for i in range(n):
            here = cost[order, places]
            delta = cost[order[i], places] + cost[order, i] - here - here[i]
            for j in np.argsort(delta, kind="stable")[:_EXCHANGES].tolist():
                if delta[j] >= -_LEAST:
                    break
                other = order.copy()
                other[i], other[j] = order[j], order[i]
                if apart.keeps(other):
                    order, changed = other, True
                    break
        if not changed:
            break
    return order


def _length(distances: NDArray[np.floating], order: Order) -> float:
    return float(distances[order[:-1], order[1:]].sum(dtype=np.float64))


def _nearest(distances: NDArray[np.float32], artists: NDArray[np.integer], spacing: int) -> Order:
    """Always on to the nearest that is left, among artists that have rested; one who must come now comes first."""
    n = len(distances)
    _, of = np.unique(artists, return_inverse=True)
    left = np.bincount(of)
    ready_at = np.zeros(len(left), np.int64)  # the place from which on an artist may come again
    taken = np.zeros(n, np.float32)
    order = np.zeros(n, np.int64)
    at = 0
    for place in range(n):
        if place:
            row = distances[at] + taken
            if spacing:
                wanted = ready_at <= place
                if (int(left.max()) - 1) * (spacing + 1) + 1 >= n - place:
                    urgent = wanted & ((left - 1) * (spacing + 1) + 1 >= n - place) & (left > 0)
                    wanted = urgent if urgent.any() else wanted
                among = np.where(wanted[of], row, np.float32(np.inf))
                at = int(among.argmin())
                if among[at] == np.inf:
                    at = int(row.argmin())
            else:
                at = int(row.argmin())
        order[place] = at
        taken[at] = np.inf
        left[of[at]] -= 1
        ready_at[of[at]] = place + spacing + 1
    return order


@dataclass(frozen=True, slots=True)
class _Moves:
    """The best change of each place: what it saves (below zero), the places that it touches, and how.

    ``size`` is 0 for a part that is reversed as a whole, else as many tracks go from its beginning to its end (above
    zero) or from its end to its beginning, the other way round where ``turned``.
    """

    saves: NDArray[np.float32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    size: NDArray[np.int64]
    turned: NDArray[np.bool_]


def _shortened(distances: NDArray[np.float32], path: Order, apart: _Apart) -> Order:
    """Reverse and move parts as long as that shortens the path, many that do not touch each other at a time."""
    n = len(path)
    for _ in range(min(_ROUNDS, max(_FEWEST, _WORK // n))):
        between = distances[np.ix_(path, path)]
        found = [
            _reversals(between),
            *(_moves(between, size) for size in _PARTS if size < n and (size == 1 or n <= _LONG)),
        ]
        saves = np.concatenate([m.saves for m in found])
        first, last = np.concatenate([m.first for m in found]), np.concatenate([m.last for m in found])
        size, turned = np.concatenate([m.size for m in found]), np.concatenate([m.turned for m in found])
        worth = np.flatnonzero(saves < -_LEAST)
        steps_left = np.ones(n, bool)  # the step from each place to the next
        changed = False
        for at in worth[np.argsort(saves[worth], kind="stable")].tolist():
            a, b = int(first[at]), int(last[at])
            if not steps_left[a - 1 : b].all():
                continue
            other = path.copy()
            other[a:b] = _changed(path[a:b], int(size[at]), bool(turned[at]))
            if apart.keeps(other):
                path, changed = other, True
                steps_left[a - 1 : b] = False
        if not changed:
            break
    return path


def _changed(part: Order, size: int, turned: bool) -> Order:
    if size == 0:
        return part[::-1]
    head, tail = (part[:size], part[size:]) if size > 0 else (part[size:], part[:size])
    head = head[::-1] if turned else head
    return np.concatenate([tail, head] if size > 0 else [head, tail])


def _reversals(between: NDArray[np.float32]) -> _Moves:
    """2-opt: for each place the best part behind it to be reversed. ``between`` float32 ``(n, n)`` in path order."""
    n = len(between)
    steps = between.diagonal(1)
    saves = between[:-1] - steps[:, None]
    saves[:, :-1] += between[1:, 1:]
    saves[:, :-1] -= steps
    saves[np.tri(n - 1, n, 1, dtype=bool)] = np.inf  # a part of one or none
    best = saves.argmin(axis=1)
    first = np.arange(1, n, dtype=np.int64)
    nothing = np.zeros(n - 1, np.int64)
    return _Moves(saves[first - 1, best], first, best + 1, nothing, nothing.astype(bool))


def _moves(between: NDArray[np.float32], size: int) -> _Moves:
    """Or-opt: for each part of ``size`` places the best step to go into, as it is or turned; the first stays."""
    n = len(between)
    steps = between.diagonal(1)
    first = np.arange(1, n - size + 1, dtype=np.int64)
    saved = steps[first - 1].copy()
    inner = first + size < n  # something follows the part
    saved[inner] += steps[first[inner] + size - 1] - between[first[inner] - 1, first[inner] + size]
    heads, tails = between[first], between[first + size - 1]
    straight, turned = heads.copy(), tails.copy()  # what it costs behind each place
    straight[:, :-1] += tails[:, 1:] - steps
    turned[:, :-1] += heads[:, 1:] - steps
    ahead = np.arange(n) - (first[:, None] - 1)
    own = (ahead >= 0) & (ahead <= size)
    straight[own] = np.inf
    turned[own] = np.inf
    rows = np.arange(len(first))
    a, b = straight.argmin(axis=1), turned.argmin(axis=1)
    is_turned = turned[rows, b] < straight[rows, a]
    behind = np.where(is_turned, b, a)
    cost = np.where(is_turned, turned[rows, b], straight[rows, a])
    forward = behind >= first
    return _Moves(
        cost - saved,
        np.where(forward, first, behind + 1),
        np.where(forward, behind + 1, first + size),
        np.where(forward, size, -size),
        is_turned,
    )
