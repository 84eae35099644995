"""A language model as judge: grades of playlists for a query, from their tracks alone, in several wordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segue.enrich.evidence import EvidenceKind, evidence, said_of
from segue.enrich.grade import AskGrader, Check, GradedPlaylists, each_once, grading_jobs, questions_of
from segue.errors import InputError
from segue.evaluate.pooling import Pair
from segue.library import Library
from segue.library.searching import Graded
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import cleaned
from segue.systems.judging import Progress, known_playlists

__all__ = ["ModelJudge", "ask_judge", "marks_of", "wordings_of"]

_MOST_REASON = 300


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
    results: Results[GradedPlaylists] | None = field(default=None, repr=False)

    def grade(self, pairs: Sequence[Pair], wording: int, progress: Progress | None = None) -> list[Graded]:
        """The grades of pairs that it was asked about; those that failed are missing."""
        return [self.graded[wording][pair] for pair in pairs if pair in self.graded[wording]]


def wordings_of(n: int) -> tuple[Prompt, ...]:
    """The first ``n`` wordings of the judge's prompt.

    Raises:
        InputError: there are fewer.
    """
    prompts = Prompt.read("segue.enrich", "judge").variants
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
    ask: AskGrader | None = None,
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
    questions = questions_of([one for part in asked for one in _by_query(part)])
    rows = known_playlists(library, sorted({one for _, ids in questions for one in ids}))
    shown = dict(zip(rows, evidence(library, list(rows.values()), kind=kind, rng_key=rng_key), strict=True))
    about, checks, jobs = {}, {}, []
    for wording, prompt in enumerate(prompts):
        prefix = f"{wording}-"
        asks = grading_jobs(prompt, questions, shown, prefix=prefix)
        about.update({job.key: (wording, *question) for job, question in zip(asks, questions, strict=True)})
        checks.update(dict.fromkeys((job.key for job in asks), each_once(questions, prefix)))
        jobs += asks

    def check(job: Job, value: GradedPlaylists) -> str | None:
        return checks[job.key](job, value)

    results = (ask or _run)(model, jobs, GradedPlaylists, check)
    marks = marks_of(model, variants, kind)
    graded: tuple[dict[Pair, Graded], ...] = tuple({} for _ in prompts)
    for key, completion in results.done.items():
        wording, query, ids = about[key]
        for one in completion.value.playlists:
            reason = str(cleaned(one.reason, most=_MOST_REASON))
            line = Graded(query, ids[one.number - 1], one.grade, reason, marks[wording])
            graded[wording].setdefault((query, line.playlist_id), line)
    return ModelJudge(marks, said_of(kind), graded, tuple(results.failures), results)


def _by_query(part: Sequence[Pair]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for query, one in dict.fromkeys(part):
        found.setdefault(query, []).append(one)
    return list(found.items())


def _run(
    model: LanguageModel, jobs: Sequence[Job], schema: type[GradedPlaylists], check: Check
) -> Results[GradedPlaylists]:
    return run(model, jobs, schema, check=check)
