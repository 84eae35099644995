"""Metrics of a run against the truth, each defined in ``docs/metrics.md``; all queries of a metric at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library import Qrels, Run

__all__ = ["CHALLENGE_DEPTH", "METRICS", "NO_CLICK", "evaluate", "is_lower_better", "mean_of", "per_query"]

CHALLENGE_DEPTH = 500
"""Length of a list in the RecSys Challenge 2018; R-precision and clicks look no deeper."""
NO_CLICK = 51.0
"""Clicks where no relevant track is among the first 500."""
_ARTIST_SHARE = 0.25

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Judged:
    """All rankings as one matrix beside the truth.

    Args:
        rows: int32 ``(n, m)``, padded with -1.
        sizes: number of relevant tracks, int64 ``(n,)``; ``relevant`` holds them, query after query.
    """

    rows: NDArray[np.int32]
    sizes: NDArray[np.int64]
    relevant: NDArray[np.int32]
    artist_rows: NDArray[np.int32] | None
    popularity: NDArray[np.int64] | None

    @classmethod
    def of(cls, run: Run, qrels: Qrels) -> _Judged:
        nothing = np.zeros(0, np.int32)
        rankings = [run.rankings.get(query_id, nothing) for query_id in qrels]
        truths = list(qrels.relevant.values())
        rows = np.full((len(rankings), max(map(len, rankings), default=0)), -1, np.int32)
        for i, ranking in enumerate(rankings):
            rows[i, : len(ranking)] = ranking
        return cls(
            rows=rows,
            sizes=np.array([len(t) for t in truths], np.int64),
            relevant=np.concatenate([nothing, *truths]).astype(np.int32, copy=False),
            artist_rows=qrels.artist_rows,
            popularity=qrels.popularity,
        )

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def truth_query(self) -> NDArray[np.int64]:
        """Query of each entry of ``relevant``."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.sizes)

    @cached_property
    def width(self) -> int:
        """``query * width + row`` is one number per track of a query, so that one search answers for all queries."""
        return int(max(self.rows.max(initial=0), self.relevant.max(initial=0))) + 1

    @cached_property
    def hit(self) -> NDArray[np.bool_]:
        """Which ranked tracks are relevant; bool ``(n, m)``."""
        wanted = np.sort(self.truth_query * self.width + self.relevant)
        keys = np.arange(len(self), dtype=np.int64)[:, None] * self.width + self.rows
        if not len(wanted):
            return np.zeros(self.rows.shape, bool)
        place = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
        found: NDArray[np.bool_] = (wanted[place] == keys) & (self.rows >= 0)
        return found

    def hits(self, k: int) -> Values:
        """Hits among the first ``k``."""
        return np.asarray(self.hit[:, :k].sum(axis=1), np.float64)

    @cached_property
    def first_hit(self) -> NDArray[np.int64]:
        """Rank of the first hit, from 1; 0 if there is none."""
        return np.where(self.hit.any(axis=1), self.hit.argmax(axis=1) + 1, 0) if self.hit.size else self.sizes * 0

    def in_first_g(self, depth: int) -> NDArray[np.bool_]:
        """Which places are among the first ``|G|``, no deeper than ``depth``, and filled; bool ``(n, m)``."""
        places = np.minimum(self.sizes, depth)
        ranked: NDArray[np.bool_] = (np.arange(self.rows.shape[1]) < places[:, None]) & (self.rows >= 0)
        return ranked

    def hits_among(self, ranked: NDArray[np.bool_]) -> Values:
        """Hits among the ``ranked`` places; float64 ``(n,)``."""
        return np.asarray((self.hit & ranked).sum(axis=1), np.float64)

    def is_missed(self, ranked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which entries of ``relevant`` are not among the ``ranked`` places of their query."""
        found_query, found_place = np.nonzero(self.hit & ranked)
        found = found_query * self.width + self.rows[found_query, found_place]
        return ~np.isin(self.truth_query * self.width + self.relevant, found)


def _gains(n: int) -> Values:
    return 1.0 / np.log2(np.arange(2, n + 2))


def _dcg(judged: _Judged, k: int) -> Values:
    hit = judged.hit[:, :k]
    # a sum per row, where a matrix product would round one query differently beside other queries
    return np.asarray(np.where(hit, _gains(hit.shape[1]), 0.0).sum(axis=1), np.float64)


def _ideal(counts: NDArray[np.integer], k: int) -> Values:
    """Gain of a list that begins with ``min(count, k)`` hits; 0 for a count of 0."""
    cumulated = np.concatenate([[0.0], np.cumsum(_gains(int(min(k, counts.max(initial=0)))))])
    return np.asarray(cumulated[np.minimum(counts, k)], np.float64)


def _ndcg(judged: _Judged, k: int) -> Values:
    return _dcg(judged, k) / _ideal(judged.sizes, k)


def _ndcg_retrieved(judged: _Judged, k: int) -> Values:
    retrieved = judged.hits(k).astype(np.int64)
    ideal = _ideal(retrieved, k)
    return np.divide(_dcg(judged, k), ideal, out=np.zeros(len(judged)), where=retrieved > 0)


def _mrr(judged: _Judged, k: int) -> Values:
    rank = judged.first_hit
    return np.where((rank > 0) & (rank <= k), 1.0 / np.maximum(rank, 1), 0.0)


def _mean_popularity(judged: _Judged, k: int) -> Values:
    if judged.popularity is None:
        raise InputError("mean_popularity needs the popularity of tracks: give Qrels(..., popularity=...)")
    rows = judged.rows[:, :k]
    counted = np.where(rows >= 0, judged.popularity[np.maximum(rows, 0)], 0).sum(axis=1).astype(np.float64)
    return np.asarray(counted / np.maximum((rows >= 0).sum(axis=1), 1), np.float64)


def _clicks(judged: _Judged) -> Values:
    rank = judged.first_hit
    return np.where((rank > 0) & (rank <= CHALLENGE_DEPTH), (rank - 1) // 10, NO_CLICK).astype(np.float64)


def _r_precision_track(judged: _Judged, depth: int = CHALLENGE_DEPTH) -> Values:
    return judged.hits_among(judged.in_first_g(depth)) / judged.sizes


def _r_precision(judged: _Judged, depth: int = CHALLENGE_DEPTH) -> Values:
    ranked = judged.in_first_g(depth)
    matched = _shared_artists(judged, ranked & ~judged.hit, judged.is_missed(ranked))
    return (judged.hits_among(ranked) + _ARTIST_SHARE * matched) / judged.sizes


def _r_precision_literal(judged: _Judged, depth: int = CHALLENGE_DEPTH) -> Values:
    ranked = judged.in_first_g(depth)
    matched = _shared_artists(judged, ranked, np.ones(len(judged.relevant), bool))
    return (judged.hits_among(ranked) + _ARTIST_SHARE * matched) / judged.sizes


def _shared_artists(judged: _Judged, ranked: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Values:
    """Per query, the distinct artists that chosen ranked tracks and chosen relevant tracks have in common."""
    artists = judged.artist_rows
    if artists is None:
        raise InputError("this R-precision needs the artists of tracks: give Qrels(..., artist_rows=...)")
    width = int(artists.max(initial=0)) + 1
    query, place = np.nonzero(ranked)
    ours = query * width + artists[judged.rows[query, place]]
    theirs = judged.truth_query[wanted] * width + artists[judged.relevant[wanted]]
    both = np.intersect1d(ours, theirs)  # distinct by itself
    return np.bincount(both // width, minlength=len(judged)).astype(np.float64)


_PLAIN: Mapping[str, Callable[[_Judged], Values]] = {
    "r_precision": _r_precision,
    "r_precision_track": _r_precision_track,
    "r_precision_literal": _r_precision_literal,
    "clicks": _clicks,
}
_AT_K: Mapping[str, Callable[[_Judged, int], Values]] = {
    "ndcg": _ndcg,
    # with relevance 0 or 1 the gain 2^rel - 1 is the relevance itself: the name shows that it changes nothing
    "ndcg_exp": _ndcg,
    "ndcg_retrieved": _ndcg_retrieved,
    "precision": lambda judged, k: judged.hits(k) / k,
    "recall": lambda judged, k: judged.hits(k) / judged.sizes,
    # what there was to find, at most: a list of k tracks cannot hit more than k, nor more than there are
    "hit": lambda judged, k: judged.hits(k) / np.minimum(judged.sizes, k),
    "hit_rate": lambda judged, k: (judged.hits(k) > 0).astype(np.float64),
    "mrr": _mrr,
    "mean_popularity": _mean_popularity,
    # of a list that ends at k; without a cut-off it ends at 500
    "r_precision": _r_precision,
    "r_precision_track": _r_precision_track,
    "r_precision_literal": _r_precision_literal,
}
_WHOLE_RUN = "coverage"
_NAME = re.compile(r"([a-z_]+)(?:@([1-9][0-9]{0,5}))?")

METRICS: tuple[str, ...] = (
    "r_precision",
    "ndcg@500",
    "clicks",
    "precision@10",
    "recall@10",
    "mrr@10",
    "precision@66",
    "recall@66",
    "mrr@66",
    "r_precision_track",
    "r_precision_literal",
    "mean_popularity@66",
)
"""The metrics per query that every report has, the primary one first."""


def per_query(run: Run, qrels: Qrels, metrics: Sequence[str]) -> dict[str, Values]:
    """Value of each metric for each query.

    Args:
        run: a query without a ranking counts as an empty ranking; queries without truth are passed over.
        qrels: the truth; its order of queries is the order of the values.
        metrics: ``r_precision`` (the challenge's), ``r_precision_track``, ``r_precision_literal``, ``clicks``, and
            with a cut-off, as in ``ndcg@500``: ``ndcg``, ``ndcg_exp``, ``ndcg_retrieved``, ``precision``, ``recall``,
            ``hit``, ``hit_rate``, ``mrr``, ``mean_popularity``, and the three R-precisions of a list cut off there.

    Returns:
        metric -> float64 ``(n_queries,)``. All lie in [0, 1] but ``clicks`` (0 to 51, lower is better),
        ``mean_popularity`` (playlists) and ``r_precision_literal`` (0 to 1.25).

    Raises:
        InputError: a metric is not known, or the truth lacks what it needs.

    Source: ``docs/metrics.md`` has formula, edge cases and source of each.

    >>> run = Run("example", {"q": np.array([4, 7, 1], np.int32)})
    >>> truth = Qrels({"q": np.array([7, 9], np.int32)})
    >>> values = per_query(run, truth, ["precision@3", "mrr@10", "ndcg@3"])
    >>> {name: round(float(of_queries[0]), 3) for name, of_queries in values.items()}
    {'precision@3': 0.333, 'mrr@10': 0.5, 'ndcg@3': 0.387}
    """
    judged = _Judged.of(run, qrels)
    return {name: _metric(name)(judged) for name in metrics}


def evaluate(run: Run, qrels: Qrels, metrics: Sequence[str] = METRICS) -> dict[str, float]:
    """Mean of each metric over the queries; ``coverage@k``, a property of the whole run, is allowed too.

    Raises:
        InputError: a metric is not known, the truth lacks what it needs, or there is no query.
    """
    if not len(qrels):
        raise InputError("there is no query to evaluate; the held-out part of the library is empty")
    of_run = [name for name in metrics if name.split("@")[0] == _WHOLE_RUN]
    values = per_query(run, qrels, [name for name in metrics if name not in of_run])
    means = {name: float(v.mean()) for name, v in values.items()}
    return {name: _coverage(run, qrels, name) if name in of_run else means[name] for name in metrics}


def is_lower_better(metric: str) -> bool:
    """Whether a smaller value of the metric is the better one."""
    return metric.split("@")[0] == "clicks"


def mean_of(values: Values) -> float:
    """Mean over the queries that have a value; nan if none has."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")


def _metric(name: str) -> Callable[[_Judged], Values]:
    match = _NAME.fullmatch(name)
    if match and match[2] is None and match[1] in _PLAIN:
        return _PLAIN[match[1]]
    if match and match[2] is not None and match[1] in _AT_K:
        function, k = _AT_K[match[1]], int(match[2])
        return lambda judged: function(judged, k)
    known = ", ".join([*_PLAIN, *(f"{n}@k" for n in _AT_K)])
    raise InputError(f"there is no metric {name!r}; choose from {known}")


def _coverage(run: Run, qrels: Qrels, name: str) -> float:
    match = _NAME.fullmatch(name)
    if not match or match[2] is None:
        raise InputError(f"there is no metric {name!r}; write coverage@66, say")
    if qrels.popularity is None:
        raise InputError("coverage needs the popularity of tracks: give Qrels(..., popularity=...)")
    shown = [run.rankings[q][: int(match[2])] for q in qrels if q in run.rankings]
    distinct = np.unique(np.concatenate([np.zeros(0, np.int32), *shown]))
    known = int((qrels.popularity > 0).sum())
    return float((qrels.popularity[distinct] > 0).sum()) / known if known else 0.0
