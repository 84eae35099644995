"""A search model whose dense channels read queries through a map that was learnt from queries about its playlists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError, TrainingError
from segue.library import Library
from segue.library.searching import SearchQuery
from segue.split.holdout import holdout
from segue.systems.search_channels import DenseChannel
from segue.systems.search_model import SearchModel
from segue.systems.search_phrases import phrases
from segue.systems.supervision import content_rows
from segue.train.query_map import MapSettings, fit_query_map
from segue.views.playlist_text import plain_text

__all__ = ["training_queries", "with_query_maps"]

Progress = Callable[[int, int, str], None]


def training_queries(
    library: Library,
    queries: Sequence[SearchQuery] = (),
    *,
    each: int = 1,
    everything: bool = False,
    rng_key: int = 0,
) -> list[SearchQuery]:
    """The given queries that are about training playlists; without any, phrases about all of these.

    Raises:
        TrainingError: none is left.
    """
    split = holdout(library)
    learn = np.arange(library.n_playlists) if everything else split.train
    if not queries:
        return phrases(library, learn, each=each, rng_key=rng_key)
    ids = library.playlists["playlist_id"].to_list()
    known = {ids[row] for row in learn.tolist()}
    kept = [query for query in queries if query.playlist_id in known]
    if not kept:
        raise TrainingError("no query is about a training playlist; write some with 'segue queries --part train'")
    return kept


def with_query_maps(
    model: SearchModel,
    library: Library,
    queries: Sequence[SearchQuery],
    *,
    settings: MapSettings | None = None,
    progress: Progress | None = None,
) -> SearchModel:
    """Learn for each dense channel how its queries are to be read; everything else stays.

    Args:
        model: of this library. queries: each about a playlist of it.

    Raises:
        InputError: the model has no encoder or dense channel, or is of another library.
        TrainingError: too few queries.
    """
    if model.encoder is None or not any(isinstance(channel, DenseChannel) for channel in model.channels):
        raise InputError("this search model compares words alone, so no map can help; index with an encoder")
    if model.about.get("library") != library.fingerprint:
        raise InputError("the search model is of another library; index this one with 'segue index'")
    ids = library.playlists["playlist_id"].to_list()
    row_of = {playlist: row for row, playlist in enumerate(ids)}
    kept = [
        (text, row_of[q.playlist_id]) for q in queries if q.playlist_id in row_of and (text := plain_text(q.query))
    ]
    rows = np.array([row for _, row in kept], np.int64)
    if len(np.unique(rows)) < 2:
        raise TrainingError("a map of queries needs queries about two playlists at least; give more of them")
    vectors = _encoded(model.encoder, [text for text, _ in kept], progress)
    contents = content_rows(library, np.unique(rows))
    for channel in model.channels:
        if not isinstance(channel, DenseChannel) or channel.vectors.shape[1] != vectors.shape[1]:
            continue
        if progress is not None:
            progress(0, 1, f"learning how queries of the channel {channel.spec.name} are read")
        learnt = fit_query_map(vectors, rows, channel.vectors, contents=contents, settings=settings)
        model = model.with_channel(replace(channel, map=learnt, floor=0.0))
    return model


def _encoded(encoder: Encoder, texts: Sequence[str], progress: Progress | None) -> NDArray[np.float32]:
    def told(done: int, total: int) -> None:
        if progress is not None:
            progress(done, total, "encoding queries")

    return encoder.encode(texts, progress=told)
