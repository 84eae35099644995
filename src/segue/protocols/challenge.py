"""The challenge protocol: ten scenarios of giving a title, some tracks, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.lists import popularity_overlap
from segue.evaluate.metrics import METRICS, mean_of, per_query
from segue.evaluate.table import Report, Row, not_below_best, rows_of
from segue.library import Library, Qrels, Recommender, Run
from segue.protocols.common import REFERENCE, Progress, Reported, ask, leak_notes, with_baselines
from segue.split.challenge import SCENARIOS, rule_of, scenario
from segue.split.holdout import Part, Split, drop_near_duplicates

__all__ = ["ChallengeReport", "run_challenge"]

_METRIC = "ndcg@500"

Values = dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class ChallengeReport(Reported):
    """A report with the values it was made of.

    Args:
        values: scenario -> method -> metric -> value per query, float64.
    """

    values: dict[str, Values]


def run_challenge(
    library: Library,
    split: Split,
    recommenders: Mapping[str, Recommender],
    *,
    scenarios: Sequence[str] = SCENARIOS,
    part: Part = "test",
    reference: str = REFERENCE,
    judged: str | None = None,
    others: Sequence[str] = (),
    rng_key: int = 2018,
    progress: Progress | None = None,
) -> ChallengeReport:
    """Run the challenge protocol; each scenario is a slice of the report.

    Args:
        library, split, recommenders, part, reference, progress: as for :func:`segue.protocols.title.run_title`.
        scenarios: of :data:`segue.split.challenge.SCENARIOS`; one for which no playlist is long enough is left out.
        judged, others: tests in every scenario whether ``judged`` is not below the best of ``others`` by NDCG@500,
            and whether it is above it (two-sided paired bootstrap), both with Holm over the scenarios.
        rng_key: key of the random draws.

    Raises:
        InputError: a scenario or a method of ``others`` is unknown, or no playlist is long enough for any scenario.
    """
    for name in scenarios:
        rule_of(name)
    training = library.select_playlists(split.train)
    methods = with_baselines(recommenders, training)
    unknown = [name for name in [*others, *([judged] if judged else [])] if name not in methods]
    if unknown:
        raise InputError(f"there is no method {unknown[0]!r} to compare; there are {', '.join(methods)}")
    held = split.part(part)
    kept = drop_near_duplicates(library, split.train, held)
    popularity = training.playlist_tracks.column_counts()
    base = reference if reference in methods else None
    rows: list[Row] = []
    values: dict[str, Values] = {}
    notes: list[str] = []
    hidden_popularity: list[float] = []
    for name in scenarios:
        queries, qrels = scenario(library, kept, name, rng_key=rng_key, popularity=popularity)
        if not queries:
            notes.append(f"{name}: no playlist of the {part} part is long enough.")
            continue
        runs = {m: ask(m, r, queries, progress=_labelled(progress, name)) for m, r in methods.items()}
        values[name] = _valued(runs, qrels)
        rows += rows_of(values[name], {name: np.ones(len(queries), bool)}, base)
        notes += [f"{name}: {note}" for note in leak_notes(runs, qrels)]
        hidden_popularity += [float(popularity[t].mean()) for t in qrels.relevant.values()]
    if not values:
        raise InputError(f"no {part} playlist is long enough for any scenario; a larger library is needed")
    report = Report(
        protocol="challenge",
        part=part,
        reference=base,
        library=library.fingerprint,
        n_training=training.n_playlists,
        n_queries=len(kept),
        methods={name: recommender.fingerprint for name, recommender in methods.items()},
        metrics=list(next(iter(next(iter(values.values())).values()))),
        slices=list(values),
        left_out={"near-duplicate of a training playlist": len(held) - len(kept)},
        rows=rows,
        truth_popularity=mean_of(np.array(hidden_popularity)),
        not_below=[]
        if judged is None or not others
        else not_below_best(values, judged, dict.fromkeys(values, others), _METRIC),
        notes=["Scenarios share playlists: each takes part wherever it is long enough.", *notes],
    )
    return ChallengeReport(report, values)


def _valued(runs: Mapping[str, Run], qrels: Qrels) -> Values:
    return {
        name: per_query(run, qrels, METRICS) | {"popularity_overlap@66": popularity_overlap(run, qrels)}
        for name, run in runs.items()
    }


def _labelled(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total, what: progress(done, total, f"{name}: {what}")
