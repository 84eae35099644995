"""Options of commands that may ask a language model, and how such a command runs its questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from segue.lm.base import LanguageModel
    from segue.lm.embeddings import EndpointEncoder
    from segue.lm.jobs import Check, Job, Plan, Results

    Schema = TypeVar("Schema", bound=BaseModel)

__all__ = [
    "BudgetMoneyOption",
    "BudgetTokensOption",
    "ConcurrencyOption",
    "DryRunOption",
    "FailuresOption",
    "JobOptions",
    "LmOption",
    "PerMinuteOption",
    "RecordOption",
    "announce",
    "opened",
    "opened_encoder",
    "run_jobs",
]

_PANEL = "Language model"
_SHOWN = 3  # failures that are shown with their reasons

LmOption = Annotated[
    str | None,
    typer.Option(
        "--lm",
        metavar="KIND:MODEL",
        help="openai:MODEL (any compatible server, OPENAI_BASE_URL), ollama:MODEL, local:FOLDER, replay:FILE, or "
        "none for a stand-in without a model.",
        show_default="SEGUE_LM, segue.toml, else none",
        rich_help_panel=_PANEL,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Ask nothing: print calls, tokens and cost.", rich_help_panel=_PANEL),
]
BudgetTokensOption = Annotated[
    int | None,
    typer.Option(
        "--budget-tokens", min=0, help="Stop before more tokens are used.", show_default=False, rich_help_panel=_PANEL
    ),
]
BudgetMoneyOption = Annotated[
    float | None,
    typer.Option(
        "--budget-money",
        min=0,
        help="Stop before more is spent, in the currency of the prices in segue.toml.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", min=1, max=256, help="Calls on their way at once.", rich_help_panel=_PANEL)
]
PerMinuteOption = Annotated[
    float | None,
    typer.Option("--per-minute", min=0, help="Calls a minute.", show_default="no limit", rich_help_panel=_PANEL),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Keep all replies for replay:FILE.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
FailuresOption = Annotated[
    Path | None,
    typer.Option(
        "--failures",
        metavar="FILE",
        help="Write what failed, and why, as JSON lines.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]


@dataclass
class JobOptions:
    """What was said about the questions; what they have used so far is kept over several runs of one command.

    Args:
        cache: file of completions; None is the user's.
    """

    dry_run: bool = False
    budget_tokens: int | None = None
    budget_money: float | None = None
    concurrency: int = 4
    per_minute: float | None = None
    failures: Path | None = None
    cache: Path | None = None
    _used: list[Results[BaseModel]] = field(default_factory=list)


def opened(spec: str | None, config: Path | None = None, record: Path | None = None) -> LanguageModel | None:
    """The language model that ``--lm``, SEGUE_LM or segue.toml name; None for none.

    Raises:
        InputError: no such kind, or something is to be recorded without a model. SegueError: it cannot be opened.
    """
    from segue.cli.settings import read_settings
    from segue.errors import InputError
    from segue.lm.opening import open_model

    model = open_model(spec, read_settings(config).language_model.settings())
    if record is None:
        return model
    if model is None:
        raise InputError("--record keeps the replies of a language model; name one with --lm")
    from segue.lm.replay import Recording

    return Recording(model, record)


def opened_encoder(spec: str, config: Path | None = None) -> EndpointEncoder:
    """The encoder that "endpoint:MODEL" names, at the address that segue.toml says.

    Raises:
        InputError: it is named otherwise. SegueError: it cannot be asked.
    """
    from segue.cli.settings import read_settings
    from segue.lm.opening import open_encoder

    return open_encoder(spec, read_settings(config).language_model.settings())


def run_jobs(
    model: LanguageModel,
    jobs: Sequence[Job],
    schema: type[Schema],
    options: JobOptions | None = None,
    *,
    check: Check[Schema] | None = None,
    what: str = "questions answered",
) -> Results[Schema]:
    """Say what it takes, ask with a bar, and say what failed. With ``--dry-run`` the command ends after the first.

    What was answered before comes from the cache, so a command that was stopped goes on.

    Raises:
        typer.Exit: of a dry run. SegueError: see :func:`segue.lm.jobs.run`.
    """
    from segue.cli.terminal import progress, two_arguments
    from segue.lm.budget import Budget
    from segue.lm.cache import CompletionCache, completions_file
    from segue.lm.jobs import plan, run

    options = options or JobOptions()
    budget = Budget(options.budget_tokens, options.budget_money)
    for used in options._used:
        budget = budget.less(used.usage, model.prices)
    with CompletionCache(options.cache or completions_file()) as cache:
        _say_plan(model, plan(model, jobs, schema, cache, check=check), options)
        if options.dry_run:
            raise typer.Exit
        with progress() as report:
            results = run(
                model,
                jobs,
                schema,
                cache=cache,
                concurrency=options.concurrency,
                budget=budget,
                per_minute=options.per_minute,
                progress=two_arguments(report, what),
                check=check,
            )
    _record_remembered(model, jobs, schema, results)
    options._used.append(results)  # type: ignore[arg-type]
    _say_results(model, results, len(jobs))
    if options.failures is not None:
        _write_failures(options)
    return results


def _record_remembered(
    model: LanguageModel, jobs: Sequence[Job], schema: type[Schema], results: Results[Schema]
) -> None:
    """A recording is whole also where a part of the answers was in the cache."""
    from segue.lm.replay import Recording

    if not isinstance(model, Recording):
        return
    for job in jobs:
        found = results.done.get(job.key)
        if found is not None and found.cached:
            model.keep(job.messages, schema, found, temperature=job.temperature)


def announce(
    model: LanguageModel, parts: Sequence[tuple[str, Sequence[Job], type[BaseModel]]], options: JobOptions
) -> None:
    """Say what several runs of one command will take, each and together. With ``--dry-run`` the command ends here.

    Args:
        parts: name, jobs, schema of each.
    """
    from segue.cli.terminal import say
    from segue.lm.cache import CompletionCache, completions_file
    from segue.lm.jobs import Plan, plan

    with CompletionCache(options.cache or completions_file()) as cache:
        plans = [plan(model, jobs, schema, cache) for _, jobs, schema in parts]
    for (name, _, _), each in zip(parts, plans, strict=True):
        say(f"{name}: {each.calls:,} calls, {each.prompt_tokens:,} tokens of prompts")
    costs = [each.cost for each in plans]
    whole = Plan(
        sum(each.calls for each in plans),
        sum(each.cached for each in plans),
        sum(each.prompt_tokens for each in plans),
        sum(each.completion_tokens_at_most for each in plans),
        None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs),
    )
    _say_plan(model, whole, options)
    if options.dry_run:
        raise typer.Exit


def _say_plan(model: LanguageModel, found: Plan, options: JobOptions) -> None:
    from segue.cli.terminal import counted, say

    cost = "; no prices are known" if found.cost is None else f"; at most {found.cost:.4g} in money"
    said = (
        f"{model.name}: {counted(found.calls, 'call')} to make, {found.cached:,} remembered; "
        f"{found.prompt_tokens:,} tokens of prompts, at most {found.completion_tokens_at_most:,} of replies{cost}"
    )
    if options.dry_run:
        print(said)
    elif found.calls:
        say(said)


def _say_results(model: LanguageModel, results: Results[Schema], n: int) -> None:
    from segue.cli.terminal import counted, say

    cost = "" if not results.cost else f", {results.cost:.4g} in money"
    say(
        f"{len(results.done):,} of {counted(n, 'question')} answered ({results.cached:,} remembered), "
        f"{len(results.failures):,} failed; {results.usage.prompt_tokens:,} + {results.usage.completion_tokens:,} "
        f"tokens{cost}"
    )
    for failure in results.failures[:_SHOWN]:
        say(f"  failed: {failure.key}: {failure.reason}")
    if len(results.failures) > _SHOWN:
        say(f"  and {len(results.failures) - _SHOWN:,} more; --failures FILE lists them all")
    if results.stopped is not None:
        say(f"stopped: {results.stopped}; {len(results.left):,} not asked. The same command goes on from here")


def _write_failures(options: JobOptions) -> None:
    import msgspec

    from segue.library.arrays import write_bytes

    assert options.failures is not None
    failures = [failure for results in options._used for failure in results.failures]
    # keys may hold what no UTF-8 carries
    lines = [
        {name: text.encode("utf-8", "replace").decode() for name, text in (("key", f.key), ("reason", f.reason))}
        for f in failures
    ]
    write_bytes(options.failures, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
