"""The title protocol: the title of each held-out playlist is asked, its tracks are the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.evaluate.lists import (
    CONTENT_NEIGHBOURS,
    TITLE_NEIGHBOURS,
    content_neighbours,
    lift,
    list_diversity,
    popularity_overlap,
    title_neighbours,
)
from segue.evaluate.metrics import METRICS, evaluate, mean_of, per_query
from segue.evaluate.slices import known_artists, title_slices
from segue.evaluate.table import Report, rows_of
from segue.library import Library, Qrels, Query, Recommender, Run
from segue.protocols.common import (
    REFERENCE,
    Progress,
    Reported,
    ask,
    bundled_titles,
    leak_notes,
    title_lists,
    with_baselines,
)
from segue.split.challenge import playlist_queries
from segue.split.holdout import Held, Part, Split, held_out
from segue.views.titles import normalise

__all__ = ["TitleReport", "run_queries", "run_title"]

_COVERAGE, _DIVERSITY = "coverage@66", "list_diversity@66"
_CONTENT, _TITLE, _OVERLAP = "content_lift@66", "title_lift@66", "popularity_overlap@66"
_PRIMARY = "r_precision"


@dataclass(frozen=True, eq=False)
class TitleReport(Reported):
    """A report with all that it was made of.

    Args:
        queries: what was asked, in order. qrels: the truth. runs: method -> answers.
        values: method -> metric -> value per query, float64.
    """

    queries: list[Query]
    qrels: Qrels
    runs: dict[str, Run]
    values: dict[str, dict[str, NDArray[np.float64]]]


def run_title(
    library: Library,
    split: Split,
    recommenders: Mapping[str, Recommender],
    *,
    part: Part = "test",
    reference: str = REFERENCE,
    encoder: Encoder | None = None,
    titles: Sequence[str] | None = None,
    list_methods: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> TitleReport:
    """Run the title protocol.

    Every playlist of the part with a title, a track and no near-duplicate in training is asked about by its title
    alone. Popularity and same-title vote are added where they are missing.

    Args:
        library: holds all playlists of the split. split: from :func:`segue.split.holdout.holdout`.
        recommenders: name -> recommender, trained on ``split.train`` (and tuned on ``split.validation``) only.
        part: ``test``, once per final configuration, or ``validation``.
        reference: name of the recommender that the others are compared with.
        encoder: the *pretrained* title encoder, for the title lift; None leaves it out.
        titles: whose first ten tracks are listed; None is the 60 bundled ones.
        list_methods: whose lists are shown; None is the reference and the best by the primary metric.
        progress: called with (done, total, method).

    Raises:
        InputError: no playlist can be asked about.
    """
    held = held_out(library, split, part)
    return run_queries(
        "title",
        library,
        split,
        held,
        recommenders,
        part=part,
        reference=reference,
        encoder=encoder,
        titles=bundled_titles() if titles is None else titles,
        list_methods=list_methods,
        progress=progress,
    )


def run_queries(
    protocol: str,
    library: Library,
    split: Split,
    held: Held,
    recommenders: Mapping[str, Recommender],
    *,
    part: Part,
    reference: str,
    encoder: Encoder | None,
    titles: Sequence[str],
    list_methods: Sequence[str] | None,
    progress: Progress | None,
    notes: Sequence[str] = (),
    own: Mapping[str, tuple[Sequence[Query], Qrels]] | None = None,
) -> TitleReport:
    """Ask the titles of the given held-out playlists; what :func:`run_title` and the selection have in common.

    Args:
        own: recommender -> queries and truth of its own, for some or all of the same playlists: of one that is given
            tracks, which then are no truth. Playlists that it is not asked about have no value in its row.

    Raises:
        ValueError: a playlist that is asked about is in training.
    """
    if np.isin(held.rows, split.train).any():
        raise ValueError("a playlist that is asked about is in training: it would vote for itself")
    training = library.select_playlists(split.train)
    methods = with_baselines(recommenders, training)
    popularity = training.playlist_tracks.column_counts()
    queries, qrels = playlist_queries(library, held.rows, popularity=popularity)
    asked_titles = [query.title for query in queries]
    theirs = {name: (own or {}).get(name, (queries, qrels)) for name in methods}
    runs = {name: ask(name, methods[name], asked, progress=progress) for name, (asked, _) in theirs.items()}
    lifts = {
        _CONTENT: (content_neighbours(qrels, training.playlist_tracks), CONTENT_NEIGHBOURS),
        **_title_lift(encoder, asked_titles, training),
    }
    values, whole = {}, {}
    keys = [(query.query_id, normalise(query.title, "seen")) for query in queries]
    judge = partial(lift, query_ids=list(qrels), training=training.playlist_tracks)
    for name, run in runs.items():
        truth = theirs[name][1]
        values[name] = _in_order(per_query(run, truth, METRICS), truth, qrels)
        # what lists look like is asked of the tracks that there are
        listed = run.catalogued
        for metric, (neighbours, m) in lifts.items():
            values[name][metric] = judge(listed, neighbours=neighbours, n_neighbours=m)
        values[name][_OVERLAP] = popularity_overlap(listed, qrels)
        whole[name] = evaluate(listed, qrels, [_COVERAGE]) | {_DIVERSITY: list_diversity(listed, keys)}
    base = reference if reference in methods else None
    slices = title_slices(asked_titles, training.titles, artists=known_artists(training))
    rows = rows_of(values, slices, base, whole=whole)
    shown = _listed(list_methods, base, values)
    report = Report(
        protocol=protocol,
        part=part,
        reference=base,
        library=library.fingerprint,
        n_training=training.n_playlists,
        n_queries=len(queries),
        methods={name: recommender.fingerprint for name, recommender in methods.items()},
        metrics=[*next(iter(values.values())), _COVERAGE, _DIVERSITY],
        slices=list(dict.fromkeys(row.slice for row in rows)),
        left_out=held.left_out,
        rows=rows,
        truth_popularity=mean_of(np.array([popularity[t].mean() for t in qrels.relevant.values()])),
        lists=title_lists(titles, {name: methods[name] for name in shown}, library),
        notes=[*notes, *_standing_notes(base, reference), *leak_notes(runs, qrels)],
    )
    return TitleReport(report, queries, qrels, runs, values)


def _in_order(values: dict[str, NDArray[np.float64]], theirs: Qrels, qrels: Qrels) -> dict[str, NDArray[np.float64]]:
    """Values of a method's own queries in the order of all queries, nan where it has none."""
    if theirs is qrels:
        return values
    row_of = {query_id: row for row, query_id in enumerate(qrels)}
    rows = np.array([row_of[query_id] for query_id in theirs], np.int64)
    placed = {metric: np.full(len(qrels), np.nan) for metric in values}
    for metric, found in values.items():
        placed[metric][rows] = found
    return placed


def _title_lift(
    encoder: Encoder | None, titles: Sequence[str], training: Library
) -> dict[str, tuple[NDArray[np.int32], int]]:
    """Neighbours by pretrained title vector; each distinct title is encoded once."""
    if encoder is None:
        return {}
    together = [*titles, *training.titles]
    distinct = list(dict.fromkeys(together))
    row_of = {title: row for row, title in enumerate(distinct)}
    vectors = encoder.encode(distinct)
    rows = np.array([row_of[title] for title in together])
    asked, known = vectors[rows[: len(titles)]], vectors[rows[len(titles) :]]
    return {_TITLE: (title_neighbours(asked, known), TITLE_NEIGHBOURS)}


def _listed(
    wanted: Sequence[str] | None, reference: str | None, values: Mapping[str, Mapping[str, NDArray[np.float64]]]
) -> list[str]:
    if wanted is not None:
        return [name for name in wanted if name in values]
    best = max(values, key=lambda name: float(values[name][_PRIMARY].mean()))
    return list(dict.fromkeys([*([reference] if reference else []), best]))


def _standing_notes(base: str | None, reference: str) -> list[str]:
    notes = [
        f"{_DIVERSITY} is the mean Jaccard index of the lists of different titles: lower is more diverse.",
        "Lifts are in bits: 0 is what tracks drawn by popularity get. The title lift is a diagnostic; read it on "
        "titles that name no artist.",
    ]
    if base is None:
        notes.append(f"Nothing was compared: the reference {reference!r} was not among the methods.")
    return notes
