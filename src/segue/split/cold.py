"""Warm, tail and strict cold: how much a recommender can have heard of a track."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLD", "REGIMES", "TAIL", "WARM", "cold_tracks", "hashed", "mixed", "regimes"]

WARM, TAIL, COLD = 0, 1, 2
REGIMES = ("warm", "tail", "strict cold")
"""Names of the regimes; their place is their number."""


def hashed(ids: Sequence[str], rng_key: int, purpose: str) -> NDArray[np.uint64]:
    """One number for each id, uniform over 64 bits, which depends on nothing but id, key and purpose.

    >>> hashed(["a", "b"], 0, "x")[1] == hashed(["b"], 0, "x")[0] != hashed(["b"], 1, "x")[0]
    np.True_
    """
    key = hashlib.blake2b(f"{rng_key} {purpose}".encode(), digest_size=16).digest()
    digests = [hashlib.blake2b(i.encode("utf-8", "replace"), digest_size=8, key=key).digest() for i in ids]
    numbers: NDArray[np.uint64] = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    return numbers


def mixed(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of each pair of hashes, uint64.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (the finaliser).
    """
    x: NDArray[np.uint64] = a ^ (b + np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def cold_tracks(track_ids: Sequence[str], share: float, rng_key: int) -> NDArray[np.int8]:
    """Choose the strictly cold tracks: 0 none, 1 cold in validation, 2 cold in test; int8 ``(n,)``.

    A track's hash decides, so a catalogue that grows keeps its cold tracks. Half of them are for validation and half
    for test: what is tuned on validation has then seen no interaction of a track that the test asks about.

    Raises:
        ValueError: the share is outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError("the share of cold tracks must lie in [0, 1)")
    place = hashed(track_ids, rng_key, "cold") / np.float64(2**64)
    found: NDArray[np.int8] = ((place < share).astype(np.int8) + (place < share / 2)).astype(np.int8)
    return found


def regimes(
    train_counts: NDArray[np.integer], cold: NDArray[np.bool_], order: NDArray[np.uint64], tail: float = 0.2
) -> NDArray[np.int8]:
    """The regime of each track: :data:`COLD` as given, :data:`TAIL` the least heard of the others, else :data:`WARM`.

    Args:
        train_counts: in how many users' training interactions each track is, ``(n,)``.
        cold: the strictly cold tracks, bool ``(n,)``. order: breaks ties of equal counts, uint64 ``(n,)``.
        tail: share of the tracks that are not cold, rounded.

    Returns:
        int8 ``(n,)``. A track that happens to have all its few interactions held out is in the tail.

    >>> order = np.arange(5).astype(np.uint64)
    >>> regimes(np.array([9, 0, 4, 1, 7]), np.arange(5) == 1, order, 0.25).tolist()
    [0, 2, 0, 1, 0]
    """
    found = np.where(cold, COLD, WARM).astype(np.int8)
    others = np.flatnonzero(~cold)
    by_count = others[np.lexsort((order[others], train_counts[others]))]
    found[by_count[: round(tail * len(others))]] = TAIL
    return found
