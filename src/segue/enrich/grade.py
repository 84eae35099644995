"""How well playlists answer queries, 0 to 3 with a reason: a language model's grades, by whatever prompt.

With the prompt ``labeler`` they are training data; with a judge's prompt, and evidence that no index has read, they
measure (:mod:`segue.systems.model_judge`). Labels that were trained on never judge: :func:`check_not_trained_on`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, Field

from segue.enrich.stand_in_grades import graded_by_rule
from segue.errors import InputError
from segue.library import Library
from segue.library.names import one_line
from segue.library.searching import Graded, SearchQuery
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import Quotable, cleaned

__all__ = [
    "AskGrader", "GradedPlaylist", "GradedPlaylists", "Gradings", "about_of", "check_not_trained_on", "each_once",
    "grade", "grading_jobs", "labeled_text", "questions_of",
]  # fmt: skip

AT_ONCE = 10
"""Playlists of one question; with more, a small model loses count."""
_TOKENS_EACH, _TOKENS_MORE = 60, 60
_MOST_REASON = 300
_TRACKS, _ARTISTS = 10, 5


class GradedPlaylist(BaseModel):
    """A grade of one playlist, which is known by its number."""

    number: int
    grade: Literal[0, 1, 2, 3]
    reason: Annotated[str, Field(max_length=2_000)] = ""


class GradedPlaylists(BaseModel):
    """Grades of all playlists of a question."""

    playlists: Annotated[list[GradedPlaylist], Field(max_length=100)]


Question: TypeAlias = tuple[str, tuple[str, ...]]
"""A query and ids of the playlists that are graded for it."""
Check: TypeAlias = Callable[[Job, GradedPlaylists], str | None]
AskGrader = Callable[[LanguageModel, Sequence[Job], type[GradedPlaylists], Check], Results[GradedPlaylists]]
"""How jobs are run: :func:`segue.lm.jobs.run` with a check, and with a cache, a budget and a bar where there are."""


@dataclass(frozen=True)
class Gradings:
    """Grades, and what came to nothing.

    Args:
        graded: query by query, in the order in which candidates were given. failures: questions without an answer.
        results: of the model; None for the stand-in.
    """

    graded: list[Graded]
    failures: list[Failure] = field(default_factory=list)
    results: Results[GradedPlaylists] | None = field(default=None, repr=False)


def questions_of(candidates: Iterable[tuple[str, Sequence[str]]], at_once: int = AT_ONCE) -> list[Question]:
    """Queries with at most so many playlists each; one with more candidates is asked several times."""
    return [
        (query, tuple(ids[first : first + at_once]))
        for query, ids in candidates
        for first in range(0, len(ids), at_once)
    ]


def grading_jobs(
    prompt: Prompt, questions: Sequence[Question], shown: Mapping[str, Quotable], *, prefix: str = ""
) -> list[Job]:
    """A job for each question, its key ``prefix`` and the question's number; playlists are numbered from 1.

    Args:
        shown: what is shown of each playlist, by id. The id itself never is.
    """
    return [
        Job(
            f"{prefix}{number}",
            prompt.messages(
                query=query,
                playlists=[{"number": place, "playlist": shown[one]} for place, one in enumerate(ids, 1)],
            ),
            prompt.version,
            max_tokens=_TOKENS_MORE + _TOKENS_EACH * len(ids),
        )
        for number, (query, ids) in enumerate(questions)
    ]


def each_once(questions: Sequence[Question], prefix: str = "") -> Check:
    """Accepts an answer that grades each number of its question once, and no other."""
    sizes = {f"{prefix}{number}": len(ids) for number, (_, ids) in enumerate(questions)}

    def check(job: Job, value: GradedPlaylists) -> str | None:
        given = sorted(one.number for one in value.playlists)
        wanted = sizes[job.key]
        return None if given == list(range(1, wanted + 1)) else f"it does not grade each of 1 to {wanted} once"

    return check


def grade(
    library: Library,
    candidates: Sequence[tuple[str, Sequence[str]]],
    model: LanguageModel | None = None,
    *,
    about: Mapping[str, str] | None = None,
    ask: AskGrader | None = None,
) -> Gradings:
    """Label candidates of queries for training.

    Args:
        candidates: query and ids of playlists, as :func:`~segue.enrich.candidates.pool` finds them.
        model: None for the stand-in (:mod:`segue.enrich.stand_in_grades`).
        about: query -> id of the playlist that it was written about; the stand-in's only certain knowledge.
        ask: how a model's jobs are run.

    Raises:
        InputError: a candidate is not in the library.
    """
    rows = _rows(library, {one for _, ids in candidates for one in ids})
    if model is None:
        return Gradings(graded_by_rule(library, candidates, rows, about or {}))
    prompt = Prompt.read("segue.enrich", "labeler")
    # search order would tell the labeler what to say, and a query's own playlist comes first in it
    questions = questions_of([(query, _shuffled(query, ids)) for query, ids in candidates])
    shown = {one: labeled_text(library, row) for one, row in rows.items()}
    check = each_once(questions)
    results = (ask or _run)(model, grading_jobs(prompt, questions, shown), GradedPlaylists, check)
    said: dict[tuple[str, str], Graded] = {}
    for number, (query, ids) in enumerate(questions):
        completion = results.done.get(str(number))
        if completion is None:
            continue
        by = f"{model.name} {completion.prompt}"
        for one in completion.value.playlists:
            playlist_id = ids[one.number - 1]
            reason = str(cleaned(one.reason, most=_MOST_REASON))
            said[query, playlist_id] = Graded(query, playlist_id, one.grade, reason, by)
    pairs = dict.fromkeys((query, one) for query, ids in candidates for one in ids)
    graded = [said[pair] for pair in pairs if pair in said]
    return Gradings(graded, results.failures, results)


def labeled_text(library: Library, row: int) -> dict[str, Quotable]:
    """What the labeler sees of a playlist: all that somebody who looks at it would see, but its description.

    Descriptions by people are what search is measured with.
    """
    tracks = library.playlist_tracks.row(row).tolist()
    table = library.tracks[tracks[:_TRACKS]].select("name", "artist", "year", "genre")
    artists = library.tracks["artist"].gather(tracks).drop_nulls()
    top = artists.value_counts(sort=True)["artist"].head(_ARTISTS).sort().to_list() if len(artists) else []
    shown: dict[str, Quotable] = {
        "title": one_line(library.titles[row], 200),
        "frequent artists": top,
        "tracks": [
            " - ".join(str(fact) for fact in (artist, name, year, genre) if fact)
            for name, artist, year, genre in table.iter_rows()
        ],
    }
    for column in ("genres", "activities", "eras"):
        if column in library.playlists.columns and library.playlists[column][row]:
            shown[column] = library.playlists[column][row]
    return shown


def check_not_trained_on(judges: Iterable[Graded], labels: Iterable[Graded]) -> None:
    """Make sure that whoever made training labels does not judge.

    Raises:
        InputError: a ``by`` is in both.
    """
    both = {one.by for one in judges} & {one.by for one in labels}
    if both:
        raise InputError(
            f"{sorted(both)[0]!r} made labels that were trained on, and may not judge; take another judge"
        )


def about_of(queries: Iterable[SearchQuery]) -> dict[str, str]:
    """Query -> the playlist that it was written about, the first of several."""
    found: dict[str, str] = {}
    for one in queries:
        found.setdefault(one.query, one.playlist_id)
    return found


def _shuffled(query: str, ids: Sequence[str]) -> list[str]:
    """The ids, each once, in an order that depends on nothing but query and ids."""
    distinct = sorted(dict.fromkeys(ids))
    rng = np.random.default_rng([*query.encode("utf-8", "replace")])
    return [distinct[place] for place in rng.permutation(len(distinct)).tolist()]


def _rows(library: Library, ids: set[str]) -> dict[str, int]:
    there = {one: row for row, one in enumerate(library.playlists["playlist_id"].to_list()) if one in ids}
    missing = sorted(ids - there.keys())
    if missing:
        raise InputError(f"the library has no playlist {one_line(missing[0], 80)!r}; grade with the library searched")
    return there


def _run(
    model: LanguageModel, jobs: Sequence[Job], schema: type[GradedPlaylists], check: Check
) -> Results[GradedPlaylists]:
    return run(model, jobs, schema, check=check)
