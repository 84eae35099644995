"""Thousands of questions to a language model: side by side, within limits, each paid for once.

A job that is killed, interrupted or stopped by its budget is gone on with by running it again: what was answered is
in the cache. Of the calls that were on their way when a process was killed, at most ``concurrency``, the answers are
lost and asked for again; everything else is asked once.

What fails is recorded with its reason and never guessed: an invalid reply, a prompt that is too long, a service that
does not answer, an object that ``check`` does not accept. Failures are not cached; the next run asks again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from segue.errors import InputError
from segue.lm.base import Completion, LanguageModel, Message, Usage
from segue.lm.budget import Budget
from segue.lm.cache import CompletionCache, request_key, schema_digest
from segue.lm.pool import Pool

__all__ = ["Check", "Failure", "Job", "Plan", "Results", "plan", "run"]

Schema = TypeVar("Schema", bound=BaseModel)
Progress = Callable[[int, int], None]
Check = Callable[["Job", Schema], str | None]
"""Says why a valid object is not acceptable as the answer to a job; None where it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """One question.

    Args:
        key: names it among the jobs, an id say. prompt: version of the prompt. max_tokens: of the reply.
    """

    key: str
    messages: tuple[Message, ...]
    prompt: str
    max_tokens: int = 512
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A question without an answer, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Results(Generic[Schema]):
    """What came of the jobs.

    Args:
        done: key -> completion, in the order of the jobs. failures: the others that were asked, in order.
        left: keys of those that were not asked, because the job stopped. cached: of ``done``, those remembered.
        usage: of the calls of this run, failed ones included. cost: of them; None where no prices are known.
        stopped: why the job ended before its end; None where it did not.
    """

    done: dict[str, Completion[Schema]]
    failures: list[Failure]
    usage: Usage
    cost: float | None
    stopped: str | None = None
    left: tuple[str, ...] = ()
    cached: int = 0

    def values(self) -> dict[str, Schema]:
        """Key -> validated object."""
        return {key: completion.value for key, completion in self.done.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """What running the jobs takes, as far as it is known before.

    Args:
        calls: to be made; jobs with the same content are one. cached: jobs that are remembered.
        prompt_tokens: of the calls. completion_tokens_at_most: if each reply were as long as it may be.
        cost: of both, repairs of invalid replies not counted; None where no prices are known.
    """

    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens_at_most: int
    cost: float | None


def plan(
    model: LanguageModel,
    jobs: Sequence[Job],
    schema: type[Schema],
    cache: CompletionCache | None,
    *,
    check: Check[Schema] | None = None,
) -> Plan:
    """Say what running jobs takes, without asking anything.

    Raises:
        InputError: two jobs have one key.
    """
    known, asked = _looked_up(model, jobs, schema, cache, check)
    firsts = [jobs[rows[0]] for rows in asked.values()]
    prompts = sum(model.count_tokens(job.messages) for job in firsts)
    replies = sum(job.max_tokens for job in firsts)
    cost = None if model.prices is None else model.prices.cost(Usage(prompts, replies))
    return Plan(len(firsts), len(known), prompts, replies, cost)


def run(
    model: LanguageModel,
    jobs: Sequence[Job],
    schema: type[Schema],
    *,
    cache: CompletionCache | None = None,
    concurrency: int = 4,
    budget: Budget | None = None,
    per_minute: float | None = None,
    progress: Progress | None = None,
    check: Check[Schema] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] | None = None,
) -> Results[Schema]:
    """Ask a model everything that the cache does not know.

    Args:
        concurrency: calls on their way at once. per_minute: calls begun in a minute, at most.
        budget: where it would be exceeded, nothing more is asked, and :attr:`Results.stopped` says so. Which jobs are
            done by then does not depend on ``concurrency``.
        check: see :data:`Check`; called in several threads.
        progress: called with jobs settled and their total.
        monotonic, sleep: clock and wait, for tests.

    A call is made again after 429, 5xx and silence, as the server asks or after a growing pause, for some minutes. If
    several jobs in a row come to nothing for reasons that are not their own (no server, a refused key), the rest is
    not asked. An interrupt (Ctrl-C) waits for calls on their way, keeps their answers, and is raised on.

    Raises:
        InputError: two jobs have one key, or the budget is in money and no prices are known.
        OutputError: the cache cannot be written.
    """
    if concurrency < 1:
        raise InputError(f"the concurrency is {concurrency}; it must be at least 1")
    if per_minute is not None and not per_minute > 0:
        raise InputError(f"{per_minute} calls a minute are none; give more, or no limit")
    budget = budget or Budget()
    budget.check(model.prices)
    known, asked = _looked_up(model, jobs, schema, cache, check)
    done: dict[int, Completion[Schema]] = dict(known)
    failed: dict[int, str] = {}

    def settle(key: str, completion: Completion[Schema]) -> None:
        reasons = {row: check(jobs[row], completion.value) if check is not None else None for row in asked[key]}
        accepted = [row for row, reason in reasons.items() if reason is None]
        failed.update((row, f"not accepted: {reason}") for row, reason in reasons.items() if reason is not None)
        if accepted and cache is not None:
            cache.put(key, completion)
        done.update((row, completion) for row in accepted)

    def fail(key: str, reason: str) -> None:
        failed.update((row, reason) for row in asked[key])

    pool = Pool(
        model,
        schema,
        budget=budget,
        per_minute=per_minute,
        settle=settle,
        fail=fail,
        progress=None if progress is None else lambda: progress(len(done) + len(failed), len(jobs)),
        monotonic=monotonic,
        sleep=sleep,
    )
    if progress is not None:
        progress(len(done), len(jobs))
    pool.run([(key, jobs[rows[0]]) for key, rows in asked.items()], concurrency)
    return Results(
        done={job.key: done[row] for row, job in enumerate(jobs) if row in done},
        failures=[Failure(job.key, failed[row]) for row, job in enumerate(jobs) if row in failed],
        usage=pool.used,
        cost=None if model.prices is None else model.prices.cost(pool.used),
        stopped=pool.stopped,
        left=tuple(job.key for row, job in enumerate(jobs) if row not in done and row not in failed),
        cached=len(known),
    )


def _looked_up(
    model: LanguageModel,
    jobs: Sequence[Job],
    schema: type[Schema],
    cache: CompletionCache | None,
    check: Check[Schema] | None,
) -> tuple[dict[int, Completion[Schema]], dict[str, list[int]]]:
    """Rows of jobs that are remembered, and the others by what is asked."""
    if len({job.key for job in jobs}) < len(jobs):
        twice, _ = Counter(job.key for job in jobs).most_common(1)[0]
        raise InputError(f"two jobs have the key {twice[:80]!r}; each needs its own")
    known: dict[int, Completion[Schema]] = {}
    asked: dict[str, list[int]] = {}
    digest = schema_digest(schema)
    for row, job in enumerate(jobs):
        key = request_key(
            model.name, job.prompt, digest, job.messages, temperature=job.temperature, max_tokens=job.max_tokens
        )
        found = cache.get(key, schema) if cache is not None and key not in asked else None
        if found is not None and (check is None or check(job, found.value) is None):
            known[row] = found
        else:
            asked.setdefault(key, []).append(row)
    return known, asked
