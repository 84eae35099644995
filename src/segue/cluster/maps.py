"""Maps of playlists in two dimensions, for eyes: t-SNE, the same points at the same places every time."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency

__all__ = ["Map", "tsne_map"]

_D = 50  # main directions that distances are taken in; the rest is mostly noise, and slow
_EXACT = 1e-12


@dataclass(frozen=True, eq=False)
class Map:
    """Places of vectors on a map.

    Args:
        rows: which vectors are shown, int32 ``(m,)``, ascending.
        places: float32 ``(m, 2)``.
    """

    rows: NDArray[np.int32]
    places: NDArray[np.float32]


def tsne_map(
    vectors: NDArray[np.float32],
    *,
    rng_key: int = 0,
    most: int = 5_000,
    perplexity: float = 30.0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Map:
    """Lay vectors out with t-SNE, from their main directions on; zero rows are left out.

    Args:
        vectors: float32 ``(n, d)``.
        rng_key: key of the sample and of t-SNE's random numbers, 0 to 2**32 - 1.
        most: beyond so many, a random sample is shown.
        perplexity: how many neighbours count; less for fewer than three times as many vectors.

    Raises:
        MissingDependency: openTSNE is not installed.

    Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE"; Kobak and Berens 2019, "The art of using
    t-SNE for single-cell transcriptomics" (beginning and learning rate).
    """
    if most < 1 or perplexity <= 0 or not 0 <= rng_key < 2**32:
        raise ValueError("most and perplexity are above 0, rng_key lies in [0, 2**32)")
    rows = np.flatnonzero(vectors.any(axis=1)).astype(np.int32)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(rng_key).permutation(rows)[:most])
    main = _main_directions(vectors[rows])
    if len(rows) < 5 or not main.any():
        return Map(rows, _first_two(main))  # too few to be neighbours, or all in one place
    try:
        from openTSNE.tsne import TSNE
    except ImportError as error:
        raise MissingDependency("maps of playlists", extra="compare") from error
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    start = _first_two(main)
    start = start / start[:, 0].std() * np.float32(1e-4)
    said = {} if progress is None else {"callbacks": _Said(progress), "callbacks_every_iters": 50}
    train: Any = TSNE
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # of libraries about libraries; nothing here that a reader could mend
        found = train(
            perplexity=min(perplexity, (len(rows) - 1) / 3),
            initialization=start.astype(np.float64),
            neighbors="exact",
            negative_gradient_method="bh" if len(rows) < 3_000 else "fft",
            n_jobs=1,
            random_state=rng_key,
            **said,
        ).fit(main)
    return Map(rows, np.asarray(found, np.float32))


class _Said:
    """What openTSNE calls after some iterations: 250 with exaggeration, then 500."""

    def __init__(self, progress: Callable[[int, int, str], None]) -> None:
        self._progress, self._done = progress, 0

    def optimization_about_to_start(self) -> None:
        pass

    def __call__(self, iteration: int, error: float, embedding: object) -> None:
        self._done += 50
        self._progress(min(self._done, 750), 750, "drawing a map")


def _main_directions(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Principal components, the first with most spread; float64 ``(n, <= 50)``. Signs are fixed."""
    centred = points - points.mean(axis=0, dtype=np.float64) if len(points) else points.astype(np.float64)
    spread, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :_D][:, spread[::-1][:_D] > max(spread[-1], 0) * _EXACT]
    with contextlib.suppress(ValueError):  # nothing spreads
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray(centred @ axes, np.float64)


def _first_two(main: NDArray[np.float64]) -> NDArray[np.float32]:
    places = np.zeros((len(main), 2), np.float32)
    places[:, : min(2, main.shape[1])] = main[:, :2]
    return places
