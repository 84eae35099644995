"""What users are taken not to love: sampled tracks, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.library.interactions import Interactions

__all__ = ["Candidates", "Parted", "all_candidates", "edge_counts", "mixed_candidates", "parted", "uniform_edges"]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Tracks over which a softmax runs.

    Args:
        rows: distinct track rows, ascending, int64 ``(c,)``.
        correction: added to each score before the softmax, float32 ``(c,)``: ln(times drawn / expected times), so
            that the sum of exponentials estimates the sum over the whole catalogue without bias.
    """

    rows: NDArray[np.int64]
    correction: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Parted:
    """Users of a batch, each with tracks that are given and others that are asked for; disjoint."""

    given: Interactions
    targets: Interactions


def parted(train: Interactions, users: NDArray[np.integer], share: float, rng: np.random.Generator) -> Parted:
    """Ask for a random share of each user's tracks and give the others.

    ``round(share * m)`` of m tracks, at least one, are asked for; with a single track nothing is given.
    """
    chosen = train.select(users)
    of = np.repeat(np.arange(chosen.n_rows), chosen.lengths)
    order = np.lexsort((rng.random(len(of)), of))
    place = np.empty(len(of), np.int64)
    place[order] = np.arange(len(of)) - np.repeat(chosen.indptr[:-1], chosen.lengths)
    asked = place < np.repeat(_targets(chosen.lengths, share), chosen.lengths)
    return Parted(_masked(chosen, ~asked), _masked(chosen, asked))


def edge_counts(train: Interactions, share: float, batch_size: int) -> NDArray[np.float64]:
    """How often each track is expected among the targets of a batch of random users, float64 ``(n_tracks,)``."""
    lengths = train.lengths
    there = max(int((lengths > 0).sum()), 1)
    chance = _targets(lengths, share) / np.maximum(lengths, 1)
    weights = np.repeat(chance, lengths)
    per_epoch = np.bincount(train.indices, weights, minlength=train.n_columns)
    return (per_epoch * (min(batch_size, there) / there)).astype(np.float64)


def all_candidates(known: NDArray[np.int64]) -> Candidates:
    """Every track that training has heard of."""
    return Candidates(known, np.zeros(len(known), np.float32))


def mixed_candidates(
    targets: NDArray[np.integer],
    known: NDArray[np.int64],
    n_uniform: int,
    expected: NDArray[np.float64],
    rng: np.random.Generator,
) -> Candidates:
    """The targets of a batch and uniformly drawn tracks, with the correction for both.

    Targets alone would never show a rare track as a negative, uniform ones alone hardly a popular one.

    Args:
        targets: track rows, one for each edge of the batch. known: tracks that may be drawn, ascending.
        expected: of each track among the targets, see :func:`edge_counts`.

    Source: Yang et al. 2020, "Mixed negative sampling for learning two-tower neural networks in recommendations";
    Bengio and Senecal 2008 (importance sampling of the softmax).
    """
    drawn = known[rng.integers(0, len(known), n_uniform)]
    rows, counts = np.unique(np.concatenate([np.asarray(targets, np.int64), drawn]), return_counts=True)
    wanted = expected[rows] + n_uniform / len(known)
    return Candidates(rows, np.log(counts / wanted).astype(np.float32))


def uniform_edges(
    parts: Parted, known: NDArray[np.int64], n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Edges of a batch and ``n`` uniformly drawn tracks beside each.

    Returns:
        user (row of the batch) and track of each pair, int64, and whether it is an edge. Drawn tracks that the user
        loves, given or asked for, are left out.
    """
    targets = parts.targets
    user = np.repeat(np.arange(targets.n_rows), targets.lengths)
    of, drawn = np.repeat(user, n), known[rng.integers(0, len(known), n * len(user))]
    loved = [_keys(part) for part in (parts.given, targets)]
    fresh = ~np.isin(of * targets.n_columns + drawn, np.concatenate(loved))
    users, tracks = (
        np.concatenate([user, of[fresh]]),
        np.concatenate([targets.indices.astype(np.int64), drawn[fresh]]),
    )
    return users, tracks, np.arange(len(users)) < len(user)


def _targets(lengths: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """How many of so many tracks are asked for."""
    wanted: NDArray[np.int64] = np.minimum(np.maximum(np.rint(share * lengths), 1), lengths).astype(np.int64)
    return wanted


def _keys(x: Interactions) -> NDArray[np.int64]:
    return np.repeat(np.arange(x.n_rows), x.lengths) * x.n_columns + x.indices


def _masked(x: Interactions, kept: NDArray[np.bool_]) -> Interactions:
    of = np.repeat(np.arange(x.n_rows), x.lengths)[kept]
    indptr = np.zeros(x.n_rows + 1, np.int64)
    np.cumsum(np.bincount(of, minlength=x.n_rows), out=indptr[1:])
    return Interactions(indptr, x.indices[kept], x.n_columns)
