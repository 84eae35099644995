"""Matrix factorisation of listeners and tracks by alternating least squares, as ``implicit`` does it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency, TrainingError
from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.popularity import Popularity
from segue.recommend.user_scores import given_tracks, ranking_of

__all__ = ["Als", "AlsSettings", "fit_als"]


@dataclass(frozen=True)
class AlsSettings:
    """Settings of a factorisation.

    Args:
        factors: dimension. regularization: added to the diagonal. iterations: over users and tracks.
        alpha: confidence in an interaction, where everything else has 1.
        rng_key: of the first factors.
    """

    factors: int = 64
    regularization: float = 50.0
    alpha: float = 20.0
    iterations: int = 15
    rng_key: int = 0


@dataclass(frozen=True, eq=False)
class Als:
    """Scores tracks by the inner product with the factors of what a listener loves.

    A listener's factors are solved for from the given tracks, as the last half step of the training does for its own
    users; so anybody can ask, and nothing of users is kept. A track that nobody in training loves has zero factors.

    Args:
        tracks: float32 ``(n_tracks, factors)``.

    Source: Y. Hu, Y. Koren, C. Volinsky 2008, "Collaborative filtering for implicit feedback datasets", eq. 4.
    """

    tracks: NDArray[np.float32]
    popularity: Popularity
    settings: AlsSettings
    fingerprint: str

    def listener(self, given: NDArray[np.integer], gram: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Factors of somebody who loves the given tracks, float64 ``(factors,)``; zero for nothing."""
        own = self.tracks[given].astype(np.float64)
        left = (self.gram() if gram is None else gram) + (self.settings.alpha - 1) * (own.T @ own)
        solved: NDArray[np.float64] = np.linalg.solve(left, self.settings.alpha * own.sum(axis=0))
        return solved

    def gram(self) -> NDArray[np.float64]:
        """What every listener's equations share: the tracks' Gram matrix with the regularization."""
        tracks = self.tracks.astype(np.float64)
        return tracks.T @ tracks + self.settings.regularization * np.eye(tracks.shape[1])

    def score_block(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Inner products, float32 ``(n_queries, n_tracks)``."""
        given, gram = given_tracks(queries, self.popularity.n_tracks), self.gram()
        listeners = np.zeros((len(queries), self.tracks.shape[1]), np.float32)
        for place in range(len(queries)):
            listeners[place] = self.listener(given.row(place), gram)
        scores: NDArray[np.float32] = listeners @ self.tracks.T
        return scores

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest inner products; without given tracks, the most popular ones."""
        return ranking_of(self, self.popularity, query, n)


def fit_als(train: Interactions, popularity: Popularity, settings: AlsSettings | None = None) -> Als:
    """Factorise; on one thread, so that the same interactions give the same factors.

    Args:
        train: users x tracks.

    Raises:
        MissingDependency: ``implicit`` is not installed.
        TrainingError: there is nothing to learn from, or the factors are not finite.
    """
    settings = settings or AlsSettings()
    if not len(train.indices):
        raise TrainingError("there is no interaction to factorise; add listeners to the library")
    try:
        from implicit.cpu.als import AlternatingLeastSquares  # imported late: a row of one protocol
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # implicit needs it
    except ImportError as error:
        raise MissingDependency("the row 'als'", extra="compare") from error
    factorise: Any = AlternatingLeastSquares  # it carries no types
    # one thread everywhere: several would add up in an order of their own
    with threadpool_limits(1, "blas"), _quiet():
        model = factorise(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=settings.alpha,
            iterations=settings.iterations,
            num_threads=1,
            random_state=settings.rng_key,
        )
        model.fit(train.matrix(), show_progress=False)
    tracks = np.array(model.item_factors, np.float32)
    if not np.isfinite(tracks).all():
        raise TrainingError("the factors are not finite; raise the regularization")
    digest = fingerprint("als", tracks, popularity.fingerprint, asdict(settings))
    return Als(tracks, popularity, settings, digest)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Implicit looks once a process whether BLAS has threads, and advises against them; here it has none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="implicit")
        yield
