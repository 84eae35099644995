"""title -> sentence encoder -> learned vote of the playlists -> tracks: the shipped title system, learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError, TrainingError
from segue.evaluate.metrics import per_query
from segue.library import Library, Qrels, Query, Run
from segue.library.ranking import Recommender
from segue.library.vote_parameters import VoteParameters
from segue.recommend.continuation import BlendWeights, Continuation, fit_weights
from segue.recommend.mention_table import share_cases, uninformed
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.recommend.title_model import TitleModel
from segue.split.challenge import scenario
from segue.split.holdout import Held, held_out, holdout
from segue.train.shares import fit_shares
from segue.train.votes import SparseChannel, VoteTraining, train_votes

__all__ = ["Grid", "fit_blend", "learn", "score_titles"]

Progress = Callable[[int, int, str], None]
METRIC = "ndcg@500"
_SCENARIOS = {
    1: "title+first-1",
    5: "title+first-5",
    10: "title+first-10",
    25: "title+random-25",
    100: "title+random-100",
}


@dataclass(frozen=True)
class Grid:
    """Values tried on validation, one scalar after the other; the first is the default."""

    temper: tuple[float, ...] = (0.8, 0.7, 0.9)
    pretrained: tuple[float, ...] = (0.2, 0.0, 0.1, 0.3)
    smoothing: tuple[float, ...] = (0.5, 0.3)  # more gains half a percent and drifts from the title's words
    ridge: tuple[float, ...] = (0.3, 0.0, 0.6)
    queries: int = 700  # validation playlists asked, at most; drawn evenly over the part
    min_gain: float = 0.002  # a value must gain this much, relatively, to be preferred to the default

    @classmethod
    def defaults_alone(cls) -> Grid:
        """No search: the first value of each."""
        default = cls()
        return cls(default.temper[:1], default.pretrained[:1], default.smoothing[:1], default.ridge[:1])


def learn(
    library: Library,
    encoder: Encoder,
    *,
    training: VoteTraining | None = None,
    grid: Grid | None = None,
    progress: Progress | None = None,
) -> tuple[Learned, dict[str, float]]:
    """Learn a title model's parameters on the training part; its scalars are fitted on the validation part.

    Returns:
        What was learnt, and the validation scores that chose it (a log, no result).

    Raises:
        TrainingError: too few playlists, or a training without effect.
    """
    split = holdout(library)
    if len(split.train) < 2:
        raise TrainingError(f"{library.n_playlists} playlists are too few to learn from; give at least a hundred")
    corpus = TitleCorpus.of(library.select_playlists(split.train), encoder, progress=progress)
    channels = [SparseChannel("ngram", corpus.ngrams, corpus.ngrams)]
    start = VoteParameters.untrained(corpus.vectors.shape[1])
    vote = train_votes(
        start, corpus.votes, corpus.vectors, corpus.titles.key_rows, channels, settings=training, progress=progress
    )
    cases, shares = share_cases(corpus.library, corpus.titles, corpus.mentions(uninformed()))
    model = fit_shares(corpus.mentions(uninformed()).model.features, cases, shares) if len(shares) >= 50 else None
    grid = grid or Grid()
    rates = corpus.track_mentions(None).rates
    learned = Learned(
        replace(vote, temper=grid.temper[0], pretrained=grid.pretrained[0], smoothing=grid.smoothing[0]),
        model,
        grid.ridge[0],
        rates,
    )
    if not len(split.validation):
        return learned, {}
    try:
        held = thinned(held_out(library, split, "validation"), grid.queries)
    except InputError:
        return learned, {}  # every validation playlist is a copy of a training one; the defaults have to do
    return _fit_scalars(corpus, learned, grid, library, held, progress)


def _fit_scalars(
    corpus: TitleCorpus, learned: Learned, grid: Grid, library: Library, held: Held, progress: Progress | None
) -> tuple[Learned, dict[str, float]]:
    """Try each scalar's values in turn and keep what gains."""
    tables = {learned.vote.smoothing: corpus.vote_table(learned.vote, progress=progress)}
    log: dict[str, float] = {}

    def score(candidate: Learned, what: str) -> float:
        g = candidate.vote.smoothing
        if g not in tables:
            tables[g] = corpus.vote_table(candidate.vote, progress=progress)
        value = score_titles(build_title_model(corpus, candidate, votes=tables[g]), library, held)
        log[what] = value
        return value

    best = score(learned, "defaults")
    trials: list[tuple[str, Iterable[float]]] = [
        ("temper", grid.temper[1:]),
        ("pretrained", grid.pretrained[1:]),
        ("smoothing", grid.smoothing[1:]),
        ("ridge", grid.ridge[1:]),
    ]
    steps, step = sum(len(list(values)) for _, values in trials), 0
    for name, values in trials:
        for value in values:
            step += 1
            candidate = (
                replace(learned, ridge=value)
                if name == "ridge"
                else replace(learned, vote=learned.vote.with_scalar(name, value))
            )
            found = score(candidate, f"{name}={value:g}")
            if found > best * (1 + grid.min_gain):
                learned, best = candidate, found
            if progress:
                progress(step, steps, f"fitting scalars, validation {METRIC} {best:.4f}")
    return learned, log


def fit_blend(
    library: Library, encoder: Encoder, learned: Learned, queries: int, *, progress: Progress | None = None
) -> tuple[BlendWeights, ...]:
    """Fit the weights of the continuation on validation playlists, per number of given tracks.

    Args:
        queries: validation queries per number of given tracks, at most.
    """
    split = holdout(library)
    corpus = TitleCorpus.of(library.select_playlists(split.train), encoder, progress=progress)
    model = Continuation.fitted(corpus.library, build_title_model(corpus, learned))
    rows = held_out(library, split, "validation").rows
    cases: dict[int, Sequence[Query]] = {}
    truth: dict[tuple[str, int], NDArray[np.int32]] = {}
    for given, name in _SCENARIOS.items():
        asked, qrels = scenario(library, rows, name)
        cases[given] = asked[:queries]
        truth |= {(q.query_id, given): qrels.relevant[q.query_id] for q in cases[given]}

    def ndcg(query: Query, ranked: NDArray[np.int32]) -> float:
        wanted = truth[query.query_id, len(query.seed_tracks)]
        return float(per_query(Run("x", {"q": ranked}), Qrels({"q": wanted}), [METRIC])[METRIC][0])

    return fit_weights(model, cases, ndcg, progress=progress).weights


def thinned(held: Held, n: int) -> Held:
    """At most ``n`` of the held-out playlists, evenly spaced."""
    if len(held.rows) <= n:
        return held
    return replace(held, rows=held.rows[np.linspace(0, len(held.rows) - 1, n).astype(int)])


def score_titles(model: TitleModel | Recommender, library: Library, held: Held, metric: str = METRIC) -> float:
    """Mean of a metric over held-out playlists, asked by their titles alone."""
    queries = {str(row): library.titles[row] for row in held.rows.tolist()}
    truth = {i: np.unique(library.playlist_tracks.row(int(i))) for i in queries}
    rankings = {i: model.recommend(Query(title, query_id=i), 500).rows for i, title in queries.items()}
    return float(per_query(Run("model", rankings), Qrels(truth), [metric])[metric].mean())
