"""The rows of the search protocol: which channels each has, and how they become one ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.index.bm25 import Bm25Index
from segue.index.fuse import Candidates, Scale, fit_weights, reciprocal_rank, weighted
from segue.library import Hits, Library
from segue.library.ranking import top
from segue.systems.search_channels import Asked, Bm25Channel, Channel, DenseChannel, build_channels
from segue.systems.search_model import SearchModel
from segue.systems.search_settings import ChannelSpec
from segue.views.playlist_text import PlaylistText, plain_text

__all__ = [
    "BM25",
    "POPULARITY",
    "Answered",
    "Pool",
    "Row",
    "answer",
    "bm25_grid",
    "popular",
    "rows_for",
    "rows_of_model",
    "tuned_bm25",
]

Progress = Callable[[int, int, str], None]
POPULARITY, BM25 = "popularity", "BM25, tuned"
DEPTH = 100
"""Places of a ranking that are kept."""
_CANDIDATES = 1_000  # of each channel
_FEWEST_TO_FIT = 20  # queries; with fewer the weights stay equal
_GRID = ((1.2, 0.75), (0.6, 0.3), (0.6, 0.6), (2.0, 0.75))

_TITLE, _ARTISTS = PlaylistText(("title",)), PlaylistText(("title", "artists"), n_artists=3)
_WORDS = PlaylistText(("title", "tracks"), n_tracks=10)
_WRITTEN = PlaylistText(("title", "written", "tracks"), n_tracks=10)
_BM25_SPECS = (
    ChannelSpec("words", "bm25", _WORDS),
    ChannelSpec("title-words", "bm25", _TITLE, k1=0.6, b=0.3),
    ChannelSpec("lead", "bm25", PlaylistText(("lead",))),
)
_DENSE_SPECS = (
    ChannelSpec("title", "dense", _TITLE),
    ChannelSpec("text", "dense", _ARTISTS),
    ChannelSpec("title-near", "dense", _TITLE, smooth=0.4),
    ChannelSpec("text-near", "dense", _ARTISTS, smooth=0.3),
)
_WRITTEN_WORDS = ChannelSpec("written-words", "bm25", _WRITTEN)
_WRITTEN_TEXT = ChannelSpec("written", "dense", PlaylistText(("title", "written")))


@dataclass(frozen=True)
class Row:
    """One method.

    Args:
        channels: names in the :class:`Pool`. how: "rank" fuses by rank, "weights" by a weighted sum whose weights are
            fitted on other folds, "fixed" by one with the weights that are given; a single channel needs none.
        kind: "simple", "untrained", "written" or "tuned". learnt: in words, what it learnt from.
    """

    name: str
    channels: tuple[str, ...]
    how: str
    kind: str
    learnt: str
    weights: tuple[float, ...] = ()
    scale: Scale = "z"


@dataclass(frozen=True, eq=False)
class Answered:
    """Playlist rows of each query, best first, and the weights of the channels, the mean over the folds."""

    hits: list[NDArray[np.int32]]
    weights: dict[str, float]


@dataclass(frozen=True, eq=False)
class Pool:
    """Channels by name, each built once, and the vectors of the queries by encoder.

    Args:
        encoder_of: channel -> name of its encoder, for channels of vectors.
    """

    channels: Mapping[str, Channel]
    encoder_of: Mapping[str, str]
    encoders: Mapping[str, Encoder]

    @classmethod
    def build(
        cls,
        library: Library,
        encoders: Mapping[str, Encoder],
        models: Mapping[str, SearchModel] | None = None,
        *,
        written: bool,
        progress: Progress | None = None,
    ) -> Pool:
        """Channels of words, and for each encoder channels of vectors, called ENCODER/CHANNEL; MODEL/CHANNEL too."""
        specs = (*_BM25_SPECS, *((_WRITTEN_WORDS,) if written else ()))
        dense = (*_DENSE_SPECS, *((_WRITTEN_TEXT,) if written else ()))
        channels: dict[str, Channel] = {c.spec.name: c for c in build_channels(library, specs, None)}
        encoder_of: dict[str, str] = {}
        for name, encoder in encoders.items():
            for channel in build_channels(library, dense, encoder, index="exact", progress=progress):
                channels[f"{name}/{channel.spec.name}"] = channel
                encoder_of[f"{name}/{channel.spec.name}"] = name
        asked = dict(encoders)
        for name, model in (models or {}).items():
            for channel in model.channels:
                channels[f"{name}/{channel.spec.name}"] = channel
                if isinstance(channel, DenseChannel) and model.encoder is not None:
                    encoder_of[f"{name}/{channel.spec.name}"] = name
                    asked[name] = model.encoder
        return cls(channels, encoder_of, asked)

    def cases(self, queries: Sequence[str], names: Sequence[str]) -> list[Candidates]:
        """Of each query the best rows of every named channel, and all their scores."""
        texts = [plain_text(query) for query in queries]
        wanted = {self.encoder_of[name] for name in names if name in self.encoder_of}
        vectors = {name: self.encoders[name].encode(texts) for name in sorted(wanted)}
        found = []
        for place, text in enumerate(texts):
            looks = []
            for name in names:
                own = self.encoder_of.get(name)
                vector = None if own is None or not vectors[own][place].any() else vectors[own][place]
                looks.append((self.channels[name], self.channels[name].look(Asked(text, vector))))
            best = [channel.best(look, _CANDIDATES, None) for channel, look in looks]
            rows = np.unique(np.concatenate(best)).astype(np.int32)
            scores = np.stack([channel.scores(look, rows) for channel, look in looks]).astype(np.float32)
            found.append(Candidates(rows, scores))
        return found


def rows_for(base: str | None, others: Iterable[tuple[str, str]], *, written: str | None) -> list[Row]:
    """The ablation: from one channel to all of them, and the same with every other encoder.

    Args:
        base: name of the untuned encoder; None for rows of words alone. others: name and what it saw, of tuned ones.
        written: who wrote the descriptions; None where there are none.
    """
    if base is None:
        extra = [Row("words + written", ("words", "written-words"), "weights", "written", written)] if written else []
        return [Row("words of title and lead", ("words", "title-words", "lead"), "weights", "untrained", ""), *extra]
    nothing = ""

    def of(encoder: str, *names: str) -> tuple[str, ...]:
        return tuple(f"{encoder}/{name}" for name in names)

    fused = ("words", "title-words", "lead")
    rows = [
        Row("untuned encoder", of(base, "title"), "rank", "simple", nothing),
        Row("untuned encoder, with artists", of(base, "text"), "rank", "simple", nothing),
        Row("rank fusion", ("words", *of(base, "title")), "rank", "untrained", nothing),
        Row("rank fusion, with artists", ("words", *of(base, "title", "text")), "rank", "untrained", nothing),
        Row("weighted sum", ("words", *of(base, "title")), "weights", "untrained", nothing),
        Row(
            "weighted sum, with artists",
            ("words", "title-words", *of(base, "title", "text")),
            "weights",
            "untrained",
            nothing,
        ),
        Row(
            "+ similar playlists",
            (*fused, *of(base, "title-near", "text-near")),
            "weights",
            "near",
            "which playlists share artists and tracks",
        ),
    ]
    if written:
        channels = (*fused, "written-words", *of(base, "title-near", "text-near", "written"))
        rows.append(Row("+ written descriptions", channels, "weights", "written", f"descriptions by {written}"))
    for name, saw in others:
        rows.append(Row(name, of(name, "title"), "rank", "tuned", saw))
        near = of(name, "title-near", "text-near")
        rows.append(Row(f"{name}, fused", (*fused, *near), "weights", "tuned", saw))
        if written:
            more = (*fused, "written-words", *near, *of(name, "written"))
            rows.append(
                Row(f"{name}, fused, + written", more, "weights", "tuned", f"{saw}; descriptions by {written}")
            )
    return rows


def rows_of_model(name: str, model: SearchModel, saw: str) -> list[Row]:
    """A search model as it is, and with weights fitted like those of the other rows."""
    channels = tuple(f"{name}/{channel.spec.name}" for channel in model.channels)
    scale = model.settings.scale
    return [
        Row(name, channels, "fixed", "tuned", saw, tuple(model.weights), scale),
        Row(f"{name}, weights fitted", channels, "weights", "tuned", saw, scale=scale),
    ]


def answer(
    row: Row, pool: Pool, queries: Sequence[str], truth: NDArray[np.int64], folds: NDArray[np.int64]
) -> Answered:
    """Rank playlists for every query; what is fitted for a query was fitted on queries of other folds.

    Args:
        truth: row of the playlist that each query is about, int64 ``(n,)``. folds: of each query, int64 ``(n,)``.
    """
    cases = pool.cases(queries, row.channels)
    equal = [1.0] * len(row.channels)
    if row.how == "rank" or len(row.channels) == 1:
        return Answered([_by_rank(case)[:DEPTH] for case in cases], {})
    if row.how == "fixed":
        named = dict(zip(row.channels, row.weights, strict=True))
        return Answered([weighted(case, row.weights, scale=row.scale).rows[:DEPTH] for case in cases], named)
    hits: list[NDArray[np.int32]] = [np.zeros(0, np.int32)] * len(cases)
    fitted: list[Sequence[float]] = []
    for fold in np.unique(folds).tolist():
        learn, ask = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights: Sequence[float] = equal
        if len(learn) >= _FEWEST_TO_FIT:
            weights = fit_weights([cases[i] for i in learn], [(int(truth[i]),) for i in learn], scale=row.scale)
        fitted.append(weights)
        for i in ask.tolist():
            hits[i] = weighted(cases[i], weights, scale=row.scale).rows[:DEPTH]
    mean = np.mean(np.array(fitted), axis=0) / max(float(np.mean(np.sum(fitted, axis=1))), 1e-12)
    return Answered(hits, dict(zip(row.channels, mean.tolist(), strict=True)))


def _by_rank(case: Candidates) -> NDArray[np.int32]:
    """Fused by rank; a channel alone by its scores. A score of 0 is no hit."""
    lists = []
    for scores in case.scores:
        found = np.flatnonzero(scores)
        best = top(scores[found], len(found))
        lists.append(Hits(case.rows[found[best.rows]], best.scores))
    return (lists[0] if len(lists) == 1 else reciprocal_rank(lists)).rows


def bm25_grid(library: Library) -> list[tuple[ChannelSpec, PlaylistText]]:
    """What tuned BM25 chooses from: parts of a playlist, k1 and b."""
    tracks = (10, 20, 60)
    views = [_TITLE, PlaylistText(("title", "artists"), n_artists=10)]
    views += [PlaylistText(("title", "tracks"), n_tracks=n) for n in tracks]
    return [
        (ChannelSpec(f"bm25-{i}-{j}", "bm25", view, k1=k1, b=b), view)
        for i, view in enumerate(views)
        for j, (k1, b) in enumerate(_GRID)
    ]


def tuned_bm25(
    library: Library,
    queries: Sequence[str],
    truth: NDArray[np.int64],
    folds: NDArray[np.int64],
    progress: Progress | None = None,
) -> Answered:
    """BM25 with the parts, k1 and b that did best on the queries of the other folds; its weights name them."""
    grid = bm25_grid(library)
    texts: dict[PlaylistText, list[str]] = {}
    asked = [plain_text(query) for query in queries]
    hits: list[list[NDArray[np.int32]]] = []
    gains = np.zeros((len(grid), len(queries)))
    for place, (spec, view) in enumerate(grid):
        if progress is not None:
            progress(place, len(grid), "tuning BM25")
        if view not in texts:
            texts[view] = view.texts(library)
        channel = Bm25Channel(spec, Bm25Index.of(texts[view], k1=spec.k1, b=spec.b))
        mine = [hit.rows for hit in channel.index.search(asked, DEPTH)]
        hits.append(mine)
        for i, rows in enumerate(mine):
            at = np.flatnonzero(rows[:10] == truth[i])
            gains[place, i] = 0.5 + 0.5 / (at[0] + 1) if len(at) else 0.0
    chosen: dict[str, float] = {}
    out: list[NDArray[np.int32]] = [np.zeros(0, np.int32)] * len(queries)
    used = np.unique(folds).tolist()
    for fold in used:
        learn = folds != fold
        best = int(gains[:, learn].mean(axis=1).argmax()) if int(learn.sum()) >= _FEWEST_TO_FIT else 0
        spec, view = grid[best]
        parts = "+".join(view.parts) + (f"({view.n_tracks})" if "tracks" in view.parts else "")
        label = f"{parts}, k1 {spec.k1:g}, b {spec.b:g}"
        chosen[label] = chosen.get(label, 0.0) + 1 / len(used)
        for i in np.flatnonzero(folds == fold).tolist():
            out[i] = hits[best][i]
    return Answered(out, chosen)


def popular(library: Library, n: int) -> Answered:
    """The same for every query: most followers first, then most tracks."""
    followers = library.playlists["num_followers"].fill_null(-1).to_numpy()
    order = np.lexsort((np.arange(library.n_playlists), -library.playlist_tracks.lengths, -followers))
    best = order[:DEPTH].astype(np.int32)
    return Answered([best] * n, {})
