"""What a person said about tracks, and how a ranking leans on it at once.

Kept tracks are soft given tracks: the playlists most like them vote, and so do their artists; that is added to the
ranking, which keeps its own weight. (The ridge of a continuation in place of the vote is no better here and costs six
times as much.) Rejected ones never come back; what shares playlists or artists with them loses a part of its score,
more with each of them, but never all of it: one "never again" must not end a genre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.library.query import Query
from segue.library.ranking import Ranking, Recommender
from segue.recommend.because import Because
from segue.recommend.continuation import Continuation, positive, weights_for
from segue.recommend.scores import Scores, blend, known_seeds, looked_up, normalised, top_scores
from segue.recommend.title_model import TitleModel
from segue.views.negation import split_negation

__all__ = ["LEAN", "NO_TASTE", "LeanWeights", "Taste", "leaned", "reasons"]


@dataclass(frozen=True, slots=True)
class Taste:
    """Rows of tracks that a person kept, wants more like, and never wants again."""

    kept: tuple[int, ...] = ()
    more: tuple[int, ...] = ()
    never: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kept or self.more or self.never)


NO_TASTE = Taste()


@dataclass(frozen=True, slots=True)
class LeanWeights:
    """How far a ranking leans.

    Args:
        own: weight of the ranking's own scores, times what a continuation of as many given tracks gives a title.
        more: what tracks of which more is wanted add, beside being kept.
        away: the part of its score that a track loses at most for rejected ones.
        half: of how many rejected tracks half of that is lost.
        artist_away: what a shared artist counts beside shared playlists.
    """

    own: float = 6.0
    more: float = 0.5
    away: float = 0.9
    half: float = 3.0
    artist_away: float = 0.9


LEAN = LeanWeights()
"""Chosen on the validation part of 7,000 real playlists with simulated people, a tenth of whose clicks were wrong
(:mod:`segue.protocols.feedback`), but for ``more``, which simulation cannot tell: there more is wanted by chance."""


def leaned(
    ranking: Ranking, query: Query, taste: Taste, recommender: Recommender, n: int, weights: LeanWeights = LEAN
) -> Ranking:
    """Lean a ranking toward what was kept and away from what was rejected; without a taste it stays as it is.

    Args:
        ranking: of the recommender, for the query. n: how many tracks are wanted.

    Returns:
        at most ``n`` tracks, none of them rejected or given. A recommender that knows no given tracks can only leave
        rejected ones out.
    """
    if not taste:
        return ranking
    if not isinstance(recommender, Continuation):
        kept = ~np.isin(ranking.rows, np.asarray(taste.never, np.int64))
        return Ranking(ranking.rows[kept], ranking.scores[kept], ranking.ignored)
    n_tracks = recommender.index.n_tracks
    rejected = known_seeds(taste.never, n_tracks)
    scores = normalised(positive(Scores(ranking.rows, ranking.scores)))
    liked = known_seeds((*taste.more, *taste.kept), n_tracks)
    liked = liked[~np.isin(liked, rejected)]
    if len(liked):
        scores = _toward(scores, liked, known_seeds(taste.more, n_tracks), query, recommender, weights)
    if len(rejected) and len(scores):
        scores = _away(scores, rejected, liked, recommender, weights)
    given = np.asarray(query.seed_tracks, np.int64)
    return top_scores(
        scores,
        n,
        exclude=np.concatenate([given, rejected, _unwanted(query.title, recommender)]),
        fill=recommender.popularity.order,
        ignored=ranking.ignored,
    )


def reasons(
    explain: Callable[[Query, Ranking], list[tuple[Because, ...]]], query: Query, ranking: Ranking, taste: Taste
) -> list[tuple[Because, ...]]:
    """Reasons for a leaned ranking: tracks that were kept are named like given ones, but not for themselves."""
    liked = tuple(dict.fromkeys((*taste.more, *taste.kept)))
    if not liked:
        return explain(query, ranking)
    found = explain(replace(query, seed_tracks=(*query.seed_tracks, *liked)), ranking)
    own = np.flatnonzero(np.isin(ranking.rows, np.asarray(liked, np.int64)))
    if len(own):
        alone = explain(query, Ranking(ranking.rows[own], ranking.scores[own]))
        for at, why in zip(own.tolist(), alone, strict=True):
            found[at] = why
    return found


def _toward(
    scores: Scores,
    liked: NDArray[np.int32],
    more: NDArray[np.int32],
    query: Query,
    recommender: Continuation,
    weights: LeanWeights,
) -> Scores:
    """Add what the liked tracks say, together with the given ones, to the ranking's own scores."""
    seeds = known_seeds((*query.seed_tracks, *liked.tolist()), recommender.index.n_tracks)
    counted = weights_for(recommender.weights, len(seeds))
    parts = [(weights.own * counted.title, scores)]
    for weight, tracks in ((1.0, seeds), (weights.more, more)):
        if len(tracks):
            parts.append((weight, normalised(recommender.neighbours.score_tracks(tracks))))
            parts.append((weight * counted.artist, recommender.artist_tracks.score_tracks(tracks)))
    return blend(parts, recommender.index.n_tracks)


def _away(
    scores: Scores,
    rejected: NDArray[np.int32],
    liked: NDArray[np.int32],
    recommender: Continuation,
    weights: LeanWeights,
) -> Scores:
    """Take off a part of each score: the share of its playlists and its artist that is with rejected tracks."""
    n_tracks = recommender.index.n_tracks
    against = normalised(recommender.neighbours.score_tracks(rejected))
    alike = looked_up(against, scores.rows, n_tracks)
    artist = looked_up(recommender.artist_tracks.score_tracks(rejected), scores.rows, n_tracks)
    blamed = np.minimum(alike + np.float32(weights.artist_away) * artist, np.float32(1.0))
    most = weights.away * len(rejected) / (len(rejected) + weights.half)
    return Scores(scores.rows, scores.values * (np.float32(1.0) - np.float32(most) * blamed))


def _unwanted(title: str, recommender: Continuation) -> NDArray[np.int32]:
    """Tracks of artists that the title excludes; what was kept may not bring them back."""
    if not isinstance(recommender.title, TitleModel) or not split_negation(title).unwanted:
        return np.zeros(0, np.int32)
    return recommender.title.left_out(recommender.title.read(title))
