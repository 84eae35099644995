"""A language model as judge: grades of playlists for a query, from their tracks alone, in several wordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from segue.enrich.evidence import EvidenceKind, evidence, said_of
from segue.errors import InputError
from segue.evaluate.pooling import Pair
from segue.library import Library
from segue.library.searching import Graded
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import Quotable, cleaned
from segue.systems.judging import Progress, known_playlists

__all__ = ["AskJudge", "JudgedPlaylist", "JudgedPlaylists", "ModelJudge", "ask_judge", "marks_of", "wordings_of"]

_AT_ONCE = 10  # playlists of one question; with more, a small model loses count
_TOKENS_EACH, _TOKENS_MORE = 60, 60
_MOST_REASON = 300


class JudgedPlaylist(BaseModel):
    """A grade of one playlist, which is known by its number."""

    number: int
    grade: Literal[0, 1, 2, 3]
    reason: Annotated[str, Field(max_length=2_000)] = ""


class JudgedPlaylists(BaseModel):
    """Grades of all playlists of a question."""

    playlists: Annotated[list[JudgedPlaylist], Field(max_length=100)]


Check: TypeAlias = Callable[[Job, JudgedPlaylists], str | None]
AskJudge = Callable[[LanguageModel, Sequence[Job], type[JudgedPlaylists], Check], Results[JudgedPlaylists]]
"""How jobs are run: :func:`segue.lm.jobs.run` with a check, and with a cache, a budget and a bar where there are."""


@dataclass(frozen=True, eq=False)
class ModelJudge:
    """What a language model said when it was asked; a :class:`~segue.systems.judging.Judge` of those pairs.

    Args:
        wordings: model and version of the prompt. evidence: what it was shown. graded: of each wording.
        failures: questions that came to nothing, with reasons.
    """

    wordings: tuple[str, ...]
    evidence: str
    graded: tuple[Mapping[Pair, Graded], ...]
    failures: tuple[Failure, ...] = ()
    results: Results[JudgedPlaylists] | None = field(default=None, repr=False)

    def grade(self, pairs: Sequence[Pair], wording: int, progress: Progress | None = None) -> list[Graded]:
        """The grades of pairs that it was asked about; those that failed are missing."""
        return [self.graded[wording][pair] for pair in pairs if pair in self.graded[wording]]


def wordings_of(n: int) -> tuple[Prompt, ...]:
    """The first ``n`` wordings of the judge's prompt.

    Raises:
        InputError: there are fewer.
    """
    prompts = Prompt.read("segue.systems", "judge").variants
    if n > len(prompts):
        raise InputError(f"the judge's prompt has {len(prompts)} wordings, not {n}; give at most so many variants")
    return prompts[:n]


def marks_of(model: LanguageModel, variants: int, kind: EvidenceKind = "tracks") -> tuple[str, ...]:
    """What marks the grades of each wording: model, version of the prompt, and evidence other than tracks.

    Raises:
        InputError: there are fewer wordings.
    """
    suffix = "" if kind == "tracks" else f" {kind}"
    return tuple(f"{model.name} {prompt.version}{suffix}" for prompt in wordings_of(variants))


def ask_judge(
    model: LanguageModel,
    library: Library,
    asked: Sequence[Sequence[Pair]],
    *,
    variants: int = 3,
    kind: EvidenceKind = "tracks",
    rng_key: int = 0,
    ask: AskJudge | None = None,
) -> ModelJudge:
    """Ask a model to grade pairs, with each wording, at temperature 0.

    A question holds one query and up to ten playlists under numbers; an answer that does not grade each number once
    is a failure. Of a playlist nothing but the evidence is shown, neither title (unless ``kind`` says so) nor id.

    Args:
        asked: pairs, in one or several parts that are asked apart; each part should be in random order.
        ask: how the jobs are run.

    Raises:
        InputError: the library lacks a playlist, or the prompt has fewer wordings.
    """
    prompts = wordings_of(variants)
    questions, rows = _questions(asked), known_playlists(library, sorted({one for part in asked for _, one in part}))
    shown = dict(zip(rows, evidence(library, list(rows.values()), kind=kind, rng_key=rng_key), strict=True))
    jobs, about = [], {}
    for wording, prompt in enumerate(prompts):
        for number, (query, ids) in enumerate(questions):
            listed: list[Quotable] = [{"number": place, "tracks": shown[one]} for place, one in enumerate(ids, 1)]
            key = f"{wording}-{number}"
            about[key] = (wording, query, ids)
            jobs.append(
                Job(
                    key,
                    prompt.messages(query=query, playlists=listed),
                    prompt.version,
                    max_tokens=_TOKENS_MORE + _TOKENS_EACH * len(ids),
                )
            )

    def check(job: Job, value: JudgedPlaylists) -> str | None:
        wanted, given = len(about[job.key][2]), sorted(one.number for one in value.playlists)
        return None if given == list(range(1, wanted + 1)) else f"it does not grade each of 1 to {wanted} once"

    results = (ask or _run)(model, jobs, JudgedPlaylists, check)
    marks = marks_of(model, variants, kind)
    graded: tuple[dict[Pair, Graded], ...] = tuple({} for _ in prompts)
    for key, completion in results.done.items():
        wording, query, ids = about[key]
        for one in completion.value.playlists:
            reason = str(cleaned(one.reason, most=_MOST_REASON))
            line = Graded(query, ids[one.number - 1], one.grade, reason, marks[wording])
            graded[wording].setdefault((query, line.playlist_id), line)
    return ModelJudge(marks, said_of(kind), graded, tuple(results.failures), results)


def _questions(asked: Sequence[Sequence[Pair]]) -> list[tuple[str, tuple[str, ...]]]:
    """A query and some playlists, each."""
    found = []
    for part in asked:
        by_query: dict[str, list[str]] = {}
        for query, one in dict.fromkeys(part):
            by_query.setdefault(query, []).append(one)
        for query, ids in by_query.items():
            found += [(query, tuple(ids[at : at + _AT_ONCE])) for at in range(0, len(ids), _AT_ONCE)]
    return found


def _run(
    model: LanguageModel, jobs: Sequence[Job], schema: type[JudgedPlaylists], check: Check
) -> Results[JudgedPlaylists]:
    return run(model, jobs, schema, check=check)
