"""Whether tracks that lie near each other stand in the same held-out playlists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import unit_rows
from segue.library.interactions import Interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Candidates", "Metric", "nearest", "query_tracks", "recall", "triplet_accuracy"]

Candidates = NDArray[np.bool_] | None
"""Which tracks may be neighbours and count as right, bool ``(n_tracks,)``; None is all."""

Metric = Literal["cosine", "distance"]

_BLOCK_SCORES = 1 << 23  # 32 MB of float32
_ORDER = 2018  # key of the order in which ties are broken
_QUERIES = 512  # whose mates are held at once
_DRAWS = 64  # negatives drawn for one triplet before it is given up


def query_tracks(playlists: Interactions, candidates: Candidates = None) -> NDArray[np.int32]:
    """Tracks that share a playlist with another candidate, int32, ascending: those that can be asked about."""
    matrix = playlists.matrix()
    right = matrix if candidates is None else matrix[:, np.flatnonzero(candidates)]
    partners = np.diff(right.indptr)[np.repeat(np.arange(playlists.n_rows), np.diff(matrix.indptr))]
    own = 1 if candidates is None else candidates[matrix.indices].astype(np.int64)
    return np.unique(matrix.indices[partners - own > 0]).astype(np.int32)


def nearest(
    vectors: NDArray[np.floating],
    query_rows: NDArray[np.integer],
    k: int,
    candidates: Candidates = None,
    *,
    metric: Metric = "cosine",
) -> NDArray[np.int32]:
    """The ``k`` nearest other tracks of each query track, best first; int32 ``(q, k)``.

    Ties are broken in an order drawn once, not by row: libraries list the tracks of a playlist one after the other,
    so rows know what is asked, and vectors that are all alike would seem to know it. Every vector is looked at. Where
    there are fewer than ``k`` candidates the rest is -1. A zero vector has cosine 0 with all.

    Args:
        vectors: of all tracks, ``(n_tracks, d)``; rows need not be of unit length.
        query_rows: rows that are asked about.
        metric: highest cosine, or smallest Euclidean distance, without which one dimension says only its sign.
    """
    if k < 1:
        raise ValueError(f"{k} neighbours are none")
    if metric == "cosine":
        bank: NDArray[np.floating] = unit_rows(vectors)
        asked, lengths = bank, np.zeros(len(bank), np.float32)
    else:
        # 2 x.y - y.y orders as the distance does; centred and in float64, since it is a difference of large numbers
        bank = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
        asked, lengths = 2 * bank, np.einsum("ij,ij->i", bank, bank)
    places = np.random.default_rng(_ORDER).permutation(len(bank))
    if candidates is not None:
        places = places[candidates[places]]
    held, lengths = np.ascontiguousarray(bank[places].T), lengths[places]
    query_rows = np.asarray(query_rows, np.int64)
    found = np.full((len(query_rows), k), -1, np.int32)
    of_row = np.full(len(bank), -1, np.int64)
    of_row[places] = np.arange(len(places))
    step = max(1, _BLOCK_SCORES // max(1, len(places)))
    for first in range(0, len(query_rows), step):
        rows = query_rows[first : first + step]
        scores = asked[rows] @ held - lengths
        own = of_row[rows]
        scores[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
        for i, values in enumerate(scores):
            best = _best(values, k)
            found[first + i, : len(best)] = places[best]
    return found


def _best(values: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Places of the ``k`` highest values, ties by place; -inf is left out."""
    if k < len(values):
        bound = np.partition(values, len(values) - k)[len(values) - k]
        above = np.flatnonzero(values > bound)
        places = np.sort(np.concatenate([above, np.flatnonzero(values == bound)[: k - len(above)]]))
    else:
        places = np.arange(len(values))
    places = places[np.argsort(-values[places], kind="stable")]
    return np.asarray(places[values[places] > -np.inf])


def recall(
    neighbours: NDArray[np.int32],
    query_rows: NDArray[np.integer],
    playlists: Interactions,
    ks: Sequence[int] = (10, 50),
    candidates: Candidates = None,
) -> dict[str, NDArray[np.float64]]:
    """Same-playlist recall of each query track.

    With ``R(t)`` the distinct other tracks of the held-out playlists that hold ``t``, and ``N_k(t)`` its first ``k``
    neighbours, ``recall@k = |N_k(t) & R(t)| / min(k, |R(t)|)``: 1 is reached by the best possible list.

    Args:
        neighbours: rows of tracks, best first, int32 ``(q, k)`` with k at least ``max(ks)``; -1 is none.
        query_rows: the track of each row of ``neighbours``, ``(q,)``.
        playlists: held-out ones, columns are track rows.
        candidates: only these count as right.

    Returns:
        ``"recall@k"`` -> float64 ``(q,)``, nan where the track shares no playlist with a candidate.

    Raises:
        ValueError: there are fewer neighbours than asked for, or one is the query track itself.
    """
    query_rows = query_rows.astype(np.int64)
    if neighbours.ndim != 2 or len(neighbours) != len(query_rows) or min(ks) < 1 or neighbours.shape[1] < max(ks):
        raise ValueError(f"neighbours are {neighbours.shape} for {len(query_rows)} tracks and {tuple(ks)}")
    if np.any(neighbours == query_rows[:, None]):
        raise ValueError("a track is no neighbour of its own")
    matrix = playlists.matrix()
    of_track = matrix.T.tocsr()
    out = {f"recall@{k}": np.full(len(query_rows), np.nan) for k in ks}
    for first in range(0, len(query_rows), _QUERIES):
        part = slice(first, first + _QUERIES)
        keys, numbers = _mates(of_track, matrix, query_rows[part], candidates)
        wanted = neighbours[part].astype(np.int64)
        asked = np.arange(len(wanted))[:, None] * playlists.n_columns + wanted
        hits = _among(asked, keys) & (wanted >= 0)
        for k in ks:
            most = np.minimum(k, numbers)
            values = out[f"recall@{k}"][part]
            np.divide(hits[:, :k].sum(axis=1), most, out=values, where=most > 0)
    return out


def _among(asked: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which numbers are among ascending ones."""
    if not len(keys):
        return np.zeros(asked.shape, bool)
    return np.asarray(keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked)


def _mates(
    of_track: csr_matrix, matrix: csr_matrix, rows: NDArray[np.integer], candidates: Candidates
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Right answers of a block of tracks as keys ``place * n_tracks + track``, ascending, and how many each has."""
    together = (of_track[rows] @ matrix).tocsr()
    place = np.repeat(np.arange(len(rows), dtype=np.int64), np.diff(together.indptr))
    tracks = together.indices.astype(np.int64)
    kept = tracks != rows[place]
    if candidates is not None:
        kept &= candidates[tracks]
    keys = np.sort(place[kept] * matrix.shape[1] + tracks[kept])
    return keys, np.bincount(place[kept], minlength=len(rows))


def triplet_accuracy(
    vectors: NDArray[np.floating],
    playlists: Interactions,
    rng_key: int,
    n: int = 20_000,
    candidates: Candidates = None,
) -> NDArray[np.float64]:
    """Whether a track of the same held-out playlist is nearer by cosine than any other; 1, 0, or 0.5 for a tie.

    A playlist with two distinct tracks or more is drawn uniformly, anchor and positive are two of its tracks, the
    negative is drawn uniformly from the tracks that share no held-out playlist with the anchor. The draws depend on
    the playlists, ``n``, ``candidates`` and ``rng_key`` alone, so two sets of vectors are asked the same.

    Args:
        vectors: of all tracks, ``(n_tracks, d)``; rows need not be of unit length.
        candidates: tracks that anchors, positives and negatives come from.

    Returns:
        float64 of each triplet, ``(n,)`` or a little less where no negative was found; empty if there is none.
    """
    anchors, positives, negatives = _triplets(playlists, rng_key, n, candidates)
    unit = unit_rows(vectors)
    near = np.einsum("ij,ij->i", unit[anchors], unit[positives])
    far = np.einsum("ij,ij->i", unit[anchors], unit[negatives])
    return np.where(near == far, 0.5, (near > far).astype(np.float64))


def _triplets(
    playlists: Interactions, rng_key: int, n: int, candidates: Candidates
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(rng_key)
    matrix = playlists.matrix()
    allowed = np.arange(playlists.n_columns) if candidates is None else np.flatnonzero(candidates)
    if candidates is not None:
        matrix = matrix[:, allowed]
    lengths = np.diff(matrix.indptr).astype(np.int64)
    usable = np.flatnonzero(lengths >= 2)
    none = np.zeros(0, np.int64)
    if not len(usable) or n < 1:
        return none, none, none
    drawn = usable[rng.integers(0, len(usable), n)]
    first = rng.integers(0, lengths[drawn])
    second = rng.integers(0, lengths[drawn] - 1)
    second += second >= first
    anchors, positives = (matrix.indices[matrix.indptr[drawn] + at].astype(np.int64) for at in (first, second))
    of_track = matrix.T.tocsr()
    negatives = np.full(n, -1, np.int64)
    for _ in range(_DRAWS):
        open_ = np.flatnonzero(negatives < 0)
        if not len(open_):
            break
        tried = rng.integers(0, len(allowed), len(open_))
        # each anchor is in the playlist that it was drawn from, so it shares one with itself
        shared = np.asarray(of_track[anchors[open_]].multiply(of_track[tried]).sum(axis=1)).ravel()
        negatives[open_[shared == 0]] = tried[shared == 0]
    found = negatives >= 0
    return allowed[anchors[found]], allowed[positives[found]], allowed[negatives[found]]
