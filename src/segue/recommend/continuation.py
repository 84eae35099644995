"""Continue a playlist: given tracks, with or without a title."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, read_json, write_json
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.recommend.artist_tracks import ArtistTracks, known_artists
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.playlist_knn import PlaylistKnn
from segue.recommend.playlist_ridge import PlaylistRidge
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scorer, Scores, blend, known_seeds, normalised, top_scores
from segue.recommend.title_model import TitleModel

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["DEFAULT_WEIGHTS", "BlendWeights", "Continuation", "fit_weights", "weights_for"]


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """How channels add up for one number of given tracks; the ridge channel has weight one.

    Args:
        given: number of given tracks that these were fitted for.
        ridge: the ridge itself (see :class:`PlaylistRidge`).
        playlist_knn, artist, title: weights of the other channels.
    """

    given: int
    ridge: float
    playlist_knn: float
    artist: float
    title: float


# Fitted on the validation part of 7,000 real playlists; docs/log.md has the figures.
DEFAULT_WEIGHTS = (
    BlendWeights(1, 1500.0, 0.1, 0.5, 0.3),
    BlendWeights(5, 600.0, 0.3, 3.0, 0.2),
    BlendWeights(10, 300.0, 0.2, 4.0, 0.12),
    BlendWeights(25, 120.0, 0.1, 5.0, 0.08),
    BlendWeights(100, 100.0, 0.0, 5.0, 0.02),
)


def weights_for(weights: Sequence[BlendWeights], given: int) -> BlendWeights:
    """Weights for any number of given tracks, linear in its logarithm between the fitted ones (the ridge too).

    >>> weights_for(DEFAULT_WEIGHTS, 1) == DEFAULT_WEIGHTS[0], weights_for(DEFAULT_WEIGHTS, 900).ridge
    (True, 100.0)
    """
    at = [math.log(w.given) for w in weights]
    x = math.log(max(given, 1))

    def between(values: list[float]) -> float:
        return float(np.interp(x, at, values))

    return BlendWeights(
        given=given,
        ridge=round(math.exp(between([math.log(w.ridge) for w in weights])), 6),
        playlist_knn=between([w.playlist_knn for w in weights]),
        artist=between([w.artist for w in weights]),
        title=between([w.title for w in weights]),
    )


@dataclass(frozen=True, eq=False)
class Continuation:
    """Given tracks, their artists and the title, each a channel; weights depend on how many tracks are given.

    Without given tracks the title recommender answers; without a title the other channels do.

    Args:
        ridge: linear model over playlists. neighbours: playlist-kNN. artist_tracks: more by the same artists.
        title: any scorer of titles, or None.
        weights: by number of given tracks, rising.
    """

    index: PlaylistIndex
    ridge: PlaylistRidge
    neighbours: PlaylistKnn
    artist_tracks: ArtistTracks
    title: Scorer | None
    weights: tuple[BlendWeights, ...] = DEFAULT_WEIGHTS

    @classmethod
    def fitted(
        cls, library: Library, title: Scorer | None = None, *, weights: tuple[BlendWeights, ...] = DEFAULT_WEIGHTS
    ) -> Continuation:
        """Index the playlists of a library."""
        index = PlaylistIndex.of(library.playlist_tracks)
        artists = known_artists(library.artist_rows, library.artist_names)
        return cls(
            index=index,
            ridge=PlaylistRidge.fitted(index, artists),
            neighbours=PlaylistKnn(index),
            artist_tracks=ArtistTracks.fitted(artists, index.popularity),
            title=title,
            weights=weights,
        )

    @property
    def popularity(self) -> Popularity:
        """Training playlists per track."""
        return self.index.popularity

    @property
    def fingerprint(self) -> str:
        """Digest of playlists, title recommender and weights."""
        title = None if self.title is None else self.title.fingerprint
        return fingerprint(
            "continuation",
            self.ridge.fingerprint,
            self.neighbours.fingerprint,
            title,
            [asdict(w) for w in self.weights],
        )

    def title_scores(self, query: Query) -> tuple[Scores, tuple[str, ...]]:
        """What the title says, and what of it could not be read."""
        return self._title(query)[:2]

    def _title(self, query: Query) -> tuple[Scores, tuple[str, ...], NDArray[np.int32]]:
        """The title's scores, what of it could not be read, and the tracks that it excludes."""
        nothing = np.zeros(0, np.int32)
        if self.title is None or not query.title.strip():
            return Scores.none(), (), nothing
        if isinstance(self.title, TitleModel):
            reading = self.title.read(query.title)
            return self.title.score_reading(reading), reading.ignored, self.title.left_out(reading)
        return self.title.score(query), (), nothing

    def channels(self, query: Query, ridge: float | None = None) -> dict[str, Scores]:
        """The normalised scores of each channel, by name of its weight; the ridge channel is called "ridge"."""
        seeds = known_seeds(query.seed_tracks, self.index.n_tracks)
        held = self.index.seeds(query)
        weights = weights_for(self.weights, len(seeds))
        return {
            "ridge": normalised(positive(self.ridge.score_tracks(seeds, weights.ridge if ridge is None else ridge))),
            "playlist_knn": normalised(self.neighbours.score_tracks(held)) if weights.playlist_knn else Scores.none(),
            "artist": self.artist_tracks.score_tracks(seeds),
        }

    def score(self, query: Query) -> Scores:
        """The weighted sum of the channels; the title's scores alone where no known track is given."""
        return self._scored(query)[0]

    def _scored(self, query: Query) -> tuple[Scores, tuple[str, ...], NDArray[np.int32]]:
        title, said, left_out = self._title(query)
        seeds = known_seeds(query.seed_tracks, self.index.n_tracks)
        if len(seeds) == 0:
            return title, said, left_out
        weights = weights_for(self.weights, len(seeds))
        channels = self.channels(query)
        if not any(len(scores) for scores in channels.values()):
            return title, (*said, "no playlist has the given tracks or their artists"), left_out
        channels["title"] = normalised(title)
        scores = mixed(channels, weights, self.index.n_tracks)
        if len(left_out):  # a given track may pull in what the title does not want
            kept = ~np.isin(scores.rows, left_out)
            scores = Scores(scores.rows[kept], scores.values[kept])
        return scores, said, left_out

    def recommend(self, query: Query, n: int) -> Ranking:
        """The ``n`` best tracks that were not given, filled up with popular ones."""
        scores, said, left_out = self._scored(query)
        unused = remarks(query, self.index.n_tracks, uses_title=self.title is not None, uses_seeds=True)
        given = np.asarray(query.seed_tracks, np.int64)
        return top_scores(
            scores,
            n,
            exclude=np.concatenate([given, left_out]),
            fill=self.popularity.order,
            ignored=tuple(dict.fromkeys((*said, *unused))),
        )

    def save(self, folder: Path) -> None:
        """Write the tables and weights into a folder; playlists and title recommender are their owners' to keep."""
        folder.mkdir(parents=True, exist_ok=True)
        self.index.save(folder / "index", playlists=False)
        self.ridge.save(folder / "ridge")
        self.artist_tracks.save(folder / "artist_tracks")
        write_json(folder / "weights.json", [asdict(w) for w in self.weights])

    @classmethod
    def load(cls, folder: Path, title: Scorer | None, playlist_tracks: Interactions) -> Continuation:
        """Map what :meth:`save` wrote.

        Args:
            playlist_tracks: the distinct tracks of the playlists that the tables were made from.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        index = PlaylistIndex.load(folder / "index", playlist_tracks)
        return cls(
            index=index,
            ridge=PlaylistRidge.load(folder / "ridge", index),
            neighbours=PlaylistKnn(index),
            artist_tracks=ArtistTracks.load(folder / "artist_tracks"),
            title=title,
            weights=tuple(BlendWeights(**w) for w in read_json(folder / "weights.json")),
        )


def positive(scores: Scores) -> Scores:
    """Only the scores above zero."""
    kept = scores.values > 0
    return Scores(scores.rows[kept], scores.values[kept])


def mixed(channels: dict[str, Scores], weights: BlendWeights, n_tracks: int) -> Scores:
    """The weighted sum of named channels."""
    parts = [(1.0 if name == "ridge" else float(getattr(weights, name)), scores) for name, scores in channels.items()]
    return blend(parts, n_tracks)


_GRIDS: dict[str, tuple[float, ...]] = {
    "ridge": (20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1500.0, 3000.0),
    "artist": (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
    "playlist_knn": (0.0, 0.1, 0.2, 0.4, 0.8),
    "title": (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7),
}


def fit_weights(
    model: Continuation,
    cases: dict[int, Sequence[Query]],
    validate: Callable[[Query, NDArray[np.int32]], float],
    *,
    n: int = 500,
    sweeps: int = 2,
    progress: Callable[[int, int, str], None] | None = None,
) -> Continuation:
    """Fit the weights by coordinate search, one number of given tracks after the other.

    Args:
        cases: validation queries by number of given tracks, with titles if titles are to weigh.
        validate: how good the ranked rows are for a query, higher is better; the truth stays with the caller.
        sweeps: rounds over the parameters.
    """
    fitted = []
    for done, (given, queries) in enumerate(sorted(cases.items())):
        if progress:
            progress(done, len(cases), f"continuation with {given} given tracks")
        weights = replace(weights_for(model.weights, given), given=given)
        fitted.append(_fitted_for(model, weights, queries, validate, n, sweeps) if len(queries) else weights)
    return replace(model, weights=tuple(fitted))


def _fitted_for(
    model: Continuation,
    weights: BlendWeights,
    queries: Sequence[Query],
    validate: Callable[[Query, NDArray[np.int32]], float],
    n: int,
    sweeps: int,
) -> BlendWeights:
    probe = replace(model, weights=(replace(weights, playlist_knn=1.0),))  # so that this channel is made at all
    titles = [normalised(model.title_scores(query)[0]) for query in queries]
    made: dict[float, list[dict[str, Scores]]] = {}

    def value(candidate: BlendWeights) -> float:
        if candidate.ridge not in made:
            made.clear()  # one ridge at a time: the scores of some hundred queries are not small
            made[candidate.ridge] = [
                {**probe.channels(query, candidate.ridge), "title": title}
                for query, title in zip(queries, titles, strict=True)
            ]
        total = 0.0
        for query, channels in zip(queries, made[candidate.ridge], strict=True):
            scores = mixed(channels, candidate, model.index.n_tracks)
            total += validate(query, model.popularity.fill(scores, query, n).rows)
        return total

    highest = value(weights)
    for _ in range(sweeps):
        before = weights
        for name, grid in _GRIDS.items():
            if name == "title" and not any(len(title) for title in titles):
                continue
            for setting in grid:
                candidate = BlendWeights(**(asdict(weights) | {name: setting}))
                if candidate != weights and (reached := value(candidate)) > highest:
                    weights, highest = candidate, reached
        if weights == before:
            break
    return weights
