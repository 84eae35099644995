"""The rows that every report on listeners has: simple methods, fitted on training and tuned on validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency
from segue.evaluate.users import user_values
from segue.library import Recommender
from segue.protocols.common import Progress
from segue.recommend.als import AlsSettings, fit_als
from segue.recommend.artist_backoff import ArtistBackoff, ArtistBackoffSettings
from segue.recommend.artist_tracks import known_artists
from segue.recommend.ease import EaseSettings
from segue.recommend.popularity import Popularity
from segue.recommend.text_knn import TextKnn
from segue.recommend.user_ease import fit_user_ease
from segue.recommend.user_item_knn import UserItemKnnSettings, fit_user_item_knn
from segue.recommend.user_scores import BlockScorer, popularity_among, ranked
from segue.split.users import UserSplit

__all__ = ["ALS", "ARTISTS", "EASE", "ITEM_KNN", "POPULARITY", "TEXT", "UserRows", "baseline_rows", "chosen"]

POPULARITY, ITEM_KNN, ALS, EASE = "popularity", "item_knn", "als", "ease"
TEXT, ARTISTS = "text_knn", "artist_backoff"
_TUNED_BY = "ndcg@10"
_MOST_USERS = 1_000  # who are asked in one trial of a setting
_MOST_FOR_EASE = 3_000  # users; the square matrix of twice as many takes eight times as long
_BLOCK = 256

_ITEM_KNN_GRIDS: Sequence[Sequence[dict[str, Any]]] = [
    [{"k": k, "found_power": power} for power in (0.5, 0.3) for k in (100, 1_000, 5_000)],
    [{"shrink": shrink} for shrink in (0.0, 5.0, 20.0)],
]
_ALS_GRIDS: Sequence[Sequence[dict[str, Any]]] = [
    [{"alpha": alpha, "regularization": value} for alpha in (5.0, 20.0, 60.0) for value in (5.0, 50.0, 200.0)],
    [{"factors": factors} for factors in (32, 64, 128, 256)],
]
_EASE_GRIDS: Sequence[Sequence[dict[str, Any]]] = [[{"ridge": ridge} for ridge in (25.0, 50.0, 100.0, 200.0, 400.0)]]
_ARTIST_GRIDS: Sequence[Sequence[dict[str, Any]]] = [
    [{"share_power": share, "heard_power": heard} for share in (0.5, 1.0, 2.0, 4.0) for heard in (0.1, 0.25, 0.5)]
]


@dataclass(frozen=True, eq=False)
class UserRows:
    """The fitted rows, what was chosen for each, and sentences about those that are missing."""

    recommenders: dict[str, Recommender]
    settings: dict[str, dict[str, Any]]
    notes: list[str]


def baseline_rows(
    split: UserSplit,
    text: NDArray[np.float32] | None = None,
    *,
    tune: bool = True,
    progress: Progress | None = None,
) -> UserRows:
    """Fit popularity, item-kNN, ALS, EASE, text-kNN and artist back-off on the training part.

    Args:
        text: a vector of each track's text, float32 ``(n_tracks, d)``; without it there is no text-kNN.
        tune: choose the settings of item-kNN, ALS, EASE and back-off by NDCG@10 on the validation part, among
            declared grids, with at most 1,000 users; else the defaults stand.
    """
    train, library = split.train, split.library
    popularity = popularity_among(train, library.tracks["track_id"].to_list())
    rows: dict[str, Recommender] = {POPULARITY: popularity}
    settings: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    tuned = _Tuner(split, popularity, progress) if tune and len(split.validation.indices) else None

    def add(name: str, start: Any, grids: Sequence[Sequence[dict[str, Any]]], fit: Callable[[Any], Any]) -> None:
        rows[name] = model = _best(tuned, name, start, grids, fit)
        settings[name] = asdict(model.settings)

    add(ITEM_KNN, UserItemKnnSettings(), _ITEM_KNN_GRIDS, lambda s: fit_user_item_knn(train, popularity, s))
    try:
        add(ALS, AlsSettings(), _ALS_GRIDS, lambda s: fit_als(train, popularity, s))
    except MissingDependency as error:
        notes.append(f"There is no row '{ALS}': {error}.")
    if split.n_users <= _MOST_FOR_EASE:
        start = EaseSettings(ridge=200.0, length_power=0.0)
        add(EASE, start, _EASE_GRIDS, lambda s: fit_user_ease(train, popularity, s))
    else:
        notes.append(f"There is no row '{EASE}': it solves a matrix over users, here {split.n_users:,}.")
    if text is not None and text.shape[1] and np.any(text):
        rows[TEXT] = TextKnn.of(text, popularity)
    else:
        notes.append("There is no row 'text_knn': no track has a text.")
    artists = known_artists(library.artist_rows, library.artist_names)
    add(ARTISTS, ArtistBackoffSettings(), _ARTIST_GRIDS, lambda s: ArtistBackoff.fitted(artists, popularity, s))
    if tuned is not None:
        notes += [f"{name} was tuned on the validation part: {_said(found)}." for name, found in settings.items()]
    return UserRows(rows, settings, notes)


def chosen(split: UserSplit, scorer: BlockScorer, popularity: Popularity, users: NDArray[np.integer]) -> float:
    """Mean NDCG@10 of some users on the validation part, full catalogue, training tracks masked."""
    lists = np.full((len(users), 10), -1, np.int32)
    for begin in range(0, len(users), _BLOCK):
        part = users[begin : begin + _BLOCK].tolist()
        scores = scorer.score_block([split.query(user) for user in part])
        for place, user in enumerate(part):
            found = ranked(scores[place], split.train.row(user), popularity.order, 10).rows
            lists[begin + place, : len(found)] = found
    return float(np.nanmean(user_values(lists, split.validation.select(users))[_TUNED_BY]))


@dataclass(frozen=True, eq=False)
class _Tuner:
    split: UserSplit
    popularity: Popularity
    progress: Progress | None

    def score(self, scorer: BlockScorer) -> float:
        users = np.flatnonzero(self.split.validation.lengths > 0)
        # evenly over the rows, so that the choice needs no draw
        some = users[np.linspace(0, len(users) - 1, min(len(users), _MOST_USERS)).astype(np.int64)]
        return chosen(self.split, scorer, self.popularity, some)


def _best(
    tuner: _Tuner | None,
    name: str,
    start: Any,
    grids: Sequence[Sequence[dict[str, Any]]],
    fit: Callable[[Any], Any],
) -> Any:
    """The best model of each grid in turn, each around the best of the one before; ties to the first."""
    if tuner is None:
        return fit(start)
    best_model: Any = None
    best_score, best = -np.inf, start
    done, total = 0, sum(map(len, grids))
    seen: set[Any] = set()
    for grid in grids:
        around = best
        for change in grid:
            tried = replace(around, **change)
            if tuner.progress is not None:
                tuner.progress(done, total, f"tuning {name}")
            done += 1
            if tried in seen:
                continue
            seen.add(tried)
            model = fit(tried)
            found = tuner.score(model)
            if best_model is None or found > best_score:
                best_model, best_score, best = model, found, tried
    return best_model


def _said(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items() if name != "rng_key")
