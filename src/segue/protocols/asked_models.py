"""Language models asked directly, as rows of the title protocol on a sample of its playlists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library import Library, Qrels, Query, Recommender
from segue.lm.base import LanguageModel
from segue.lm.jobs import Job, Results
from segue.recommend.song_names import SongNames
from segue.recommend.zero_shot import (
    AskedModel,
    Chosen,
    NamedTracks,
    chosen_rows,
    examples,
    grounded_job,
    named_rows,
    song_job,
    songs_of,
)
from segue.split.challenge import playlist_queries, scenario
from segue.split.holdout import Held, Split

__all__ = ["KINDS", "AskedRows", "AskedSettings", "Questions", "answered", "end_of", "questions"]

_SHOWN_GIVEN = "title+first-5"
_YEARS = range(1900, 2100)
Kind = Literal["zero_shot", "few_shot", "given", "data_set", "grounded"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Run = Callable[[LanguageModel, Sequence[Job], type[Any]], Results[Any]]


@dataclass(frozen=True)
class AskedSettings:
    """How a model is asked.

    Args:
        kinds: rows that are wanted. sample: playlists that are asked about, at most. n: songs that are asked for.
        shots: examples of ``few_shot``. candidates: of the title model that ``grounded`` chooses from.
        until: the corpus's end; empty looks for it in the library. data_set: name that ``data_set`` tells.
    """

    kinds: tuple[Kind, ...] = ("zero_shot", "few_shot", "given", "grounded")
    sample: int = 100
    n: int = 66
    shots: int = 3
    candidates: int = 200
    until: str = ""
    data_set: str = ""
    rng_key: int = 0

    def __post_init__(self) -> None:
        for name in ("sample", "n", "shots", "candidates"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for kind in self.kinds:
            if kind not in KINDS:
                raise InputError(f"there is no way {kind!r} of asking a model; there are {', '.join(KINDS)}")
        if "data_set" in self.kinds and not self.data_set:
            raise InputError("the row 'data_set' tells the model which data set this is; name it")


@dataclass(frozen=True, eq=False)
class Questions:
    """All questions of one row.

    Args:
        name: of the row. queries, qrels: its own where tracks are given, else those of everybody.
        jobs: one for each query, its key the query's id. schema: of the answers.
        candidates: query id -> rows that were offered, for ``grounded``.
    """

    kind: Kind
    name: str
    queries: list[Query]
    qrels: Qrels
    jobs: list[Job]
    schema: type[NamedTracks] | type[Chosen]
    candidates: dict[str, NDArray[np.int32]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class AskedRows:
    """The rows, ready for :func:`~segue.protocols.title.run_queries`.

    Args:
        recommenders: name -> what the model answered. own: rows with queries and truth of their own.
        notes: sentences for the report.
    """

    recommenders: dict[str, AskedModel]
    own: dict[str, tuple[Sequence[Query], Qrels]]
    notes: list[str]


def end_of(library: Library) -> str:
    """When a corpus ends: the day of its last change, else the year of its newest track.

    Raises:
        InputError: the library knows neither.
    """
    modified = library.playlists["modified_at"].max()
    if isinstance(modified, int) and modified > 0:
        return datetime.fromtimestamp(modified, UTC).date().isoformat()
    year = library.tracks["year"].max()
    if isinstance(year, int) and year in _YEARS:
        return f"{year}-12-31"
    raise InputError(
        "the library does not say when it ends, and the model is asked for songs until then; give a date"
    )


def questions(
    library: Library, split: Split, held: Held, settings: AskedSettings, title_model: Recommender | None = None
) -> list[Questions]:
    """Make the questions of all rows; nothing is asked yet.

    Args:
        held: the sample. title_model: gives the candidates of ``grounded``; None leaves that row out.
    """
    until = settings.until or end_of(library)
    popularity = library.select_playlists(split.train).playlist_tracks.column_counts()
    queries, qrels = playlist_queries(library, held.rows, popularity=popularity)
    made = []
    for kind in settings.kinds:
        if kind == "grounded":
            if title_model is not None:
                made.append(_grounded(library, queries, qrels, settings, title_model))
            continue
        asked, truth = (queries, qrels)
        if kind == "given":
            asked, truth = scenario(library, held.rows, _SHOWN_GIVEN, popularity=popularity)
        jobs = []
        for query in asked:
            more: dict[str, Any] = {}
            if kind == "given":
                more["given"] = songs_of(library, np.array(query.seed_tracks))
            elif kind == "few_shot":
                more["shown"] = examples(
                    library, split.train, query.title, shots=settings.shots, rng_key=settings.rng_key
                )
            elif kind == "data_set":
                more["data_set"] = settings.data_set
            jobs.append(song_job(query.query_id, query.title, n=settings.n, until=until, **more))
        made.append(Questions(kind, _NAMES[kind], list(asked), truth, jobs, NamedTracks))
    return made


_NAMES: dict[Kind, str] = {
    "zero_shot": "asked, zero-shot",
    "few_shot": "asked, few-shot",
    "given": "asked, 5 tracks given",
    "data_set": "asked, data set named",
    "grounded": "asked, our candidates",
}


def _grounded(
    library: Library, queries: list[Query], qrels: Qrels, settings: AskedSettings, title_model: Recommender
) -> Questions:
    candidates = {}
    jobs = []
    for query in queries:
        rows = title_model.recommend(Query(query.title), settings.candidates).rows
        candidates[query.query_id] = rows
        jobs.append(grounded_job(query.query_id, query.title, songs_of(library, rows), n=settings.n))
    return Questions("grounded", _NAMES["grounded"], queries, qrels, jobs, Chosen, candidates)


def answered(
    library: Library, asked: Sequence[Questions], model: LanguageModel, run: Run, popularity: NDArray[np.int64]
) -> AskedRows:
    """Ask the model, and match what it names to the catalogue.

    Args:
        run: how jobs are run, as :func:`segue.lm.jobs.run`.
        popularity: training playlists of each track; decides among tracks of one name.
    """
    names = SongNames.of(library, popularity)
    recommenders: dict[str, AskedModel] = {}
    own: dict[str, tuple[Sequence[Query], Qrels]] = {}
    notes = []
    for each in asked:
        results = run(model, each.jobs, each.schema)
        answers: dict[tuple[str, tuple[int, ...]], NDArray[np.int32]] = {}
        dropped = 0
        for query in each.queries:
            completion = results.done.get(query.query_id)
            rows = np.zeros(0, np.int32)
            if completion is not None and isinstance(completion.value, Chosen):
                rows, wrong = chosen_rows(completion.value, each.candidates[query.query_id])
                dropped += wrong
            elif completion is not None:
                rows = named_rows(completion.value, names)
            answers[query.title, query.seed_tracks] = rows
        prompt = each.jobs[0].prompt if each.jobs else ""
        recommenders[each.name] = AskedModel(f"{model.name} {prompt}", answers)
        if each.kind == "given":
            own[each.name] = (each.queries, each.qrels)
        notes.append(_note(each, recommenders[each.name], results, dropped))
    return AskedRows(recommenders, own, notes)


def _note(asked: Questions, made: AskedModel, results: Results[Any], dropped: int) -> str:
    said = [f"{asked.name}: {made.name}, {len(results.done)} of {len(asked.jobs)} questions answered"]
    failed = len(asked.jobs) - len(results.done)
    if failed:
        said.append(f"{failed} without a usable answer count as nothing found")
    if asked.kind == "grounded":
        said.append("the candidates are ours, the model only chooses and orders")
        said.append(f"{dropped} numbers that were not given, or twice, were dropped")
    elif results.done:
        said.append(f"{made.unmatched:.1%} of the named tracks are not in the catalogue and count as misses")
    if asked.kind == "given":
        said.append("the first five tracks of the playlist were given and are no truth in this row")
    if asked.kind == "data_set":
        said.append("the model was told which data set this is")
    return "; ".join(said) + "."
