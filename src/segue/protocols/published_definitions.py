"""Encoders under the definitions of the published reports, deliberate leak included, so that they can be understood.

Nothing that is made here goes anywhere else: the lists with self-votes live and die in :func:`published_block`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.evaluate.encoder_table import Block
from segue.evaluate.metrics import per_query
from segue.evaluate.table import Row, rows_of
from segue.library import Library, Qrels, Query, Recommender, Run
from segue.protocols.common import Progress, ask, with_baselines
from segue.recommend.nearest import PublishedRecipe
from segue.split.holdout import Split

__all__ = ["CLEANED", "CUTS", "PUBLISHED_METRICS", "WHOLE", "WITH", "WITHOUT", "published_block"]

CUTS = (10, 66, 500)
PUBLISHED_METRICS = tuple(f"{name}@{k}" for k in CUTS for name in ("hit", "ndcg_retrieved", "r_precision_literal"))
WITHOUT, WITH = "without self-votes", "with self-votes (a leak)"
WHOLE, CLEANED = "whole set", "cleaned set"
_EXPLAINS = (
    "To understand published numbers, never to compare with ours. HIT@N is hits / min(N, |G|); the ideal of NDCG is "
    "made of the hits that were retrieved; R-precision gives artist credit to the letter. With self-votes, the "
    "playlists that are asked about vote too, each for its own tracks: a leak, made on purpose. The cleaned set "
    "holds the playlists whose tracks lie nearest a kept theme, which makes it easier."
)


def published_block(
    library: Library,
    split: Split,
    queries: list[Query],
    qrels: Qrels,
    runs: Mapping[str, Run],
    encoders: Mapping[str, Encoder],
    *,
    k: int,
    reference: str | None,
    kept: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Block:
    """Judge the same questions under the published definitions, without and with self-votes.

    Args:
        split: whose ``train`` votes. queries, qrels: what was asked, and the truth.
        runs: the honest answers of all methods. encoders: those that are asked again, with self-votes.
        kept: which playlists of the library lie nearest a kept theme, bool ``(n_playlists,)``; None leaves the rows
            of the cleaned set out.
    """
    row_of = {playlist_id: row for row, playlist_id in enumerate(library.playlists["playlist_id"].to_list())}
    asked = np.array([row_of[query.query_id] for query in queries], np.int32)
    sets = {WHOLE: np.ones(len(asked), bool)}
    if kept is not None:
        sets[CLEANED] = np.asarray(kept, bool)[asked]
    leaking = _with_self_votes(library, split, asked, queries, runs, encoders, k, progress)
    rows: list[Row] = []
    for condition, found in ((WITHOUT, runs), (WITH, leaking)):
        values = {name: per_query(run, qrels, PUBLISHED_METRICS) for name, run in found.items()}
        slices = {f"{name}, {condition}": mask for name, mask in sets.items()}
        rows += rows_of(values, slices, reference)
    slices_there = list(dict.fromkeys(row.slice for row in rows))
    return Block("under the published definitions", _EXPLAINS, list(PUBLISHED_METRICS), slices_there, rows)


def _with_self_votes(
    library: Library,
    split: Split,
    asked: NDArray[np.int32],
    queries: list[Query],
    runs: Mapping[str, Run],
    encoders: Mapping[str, Encoder],
    k: int,
    progress: Progress | None,
) -> dict[str, Run]:
    """The same methods over voters that hold the asked playlists too; in the order of ``runs``."""
    leaked = library.select_playlists(np.sort(np.concatenate([split.train, asked])))
    recipes: dict[str, Recommender] = {
        name: PublishedRecipe.fitted(leaked, encoder, k=k) for name, encoder in encoders.items()
    }
    methods = with_baselines(recipes, leaked)
    return {name: ask(name, methods[name], queries, progress=progress) for name in runs}
