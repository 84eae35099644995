"""``segue monitor``: has search become worse since a stored run?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli.language_models import (
    BudgetMoneyOption,
    BudgetTokensOption,
    ConcurrencyOption,
    DryRunOption,
    FailuresOption,
    LmOption,
    PerMinuteOption,
    RecordOption,
)

if TYPE_CHECKING:
    from segue.cli.language_models import JobOptions
    from segue.evaluate.search import Grades
    from segue.library.search_runs import SearchRun
    from segue.lm.base import LanguageModel
    from segue.protocols.monitor import Monitored

__all__ = ["monitor"]


def monitor(
    against: Annotated[
        Path, typer.Option("--against", metavar="RUN", help="The stored run to compare with.", show_default=False)
    ],
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="Today's run; without it --model makes one.", show_default=False),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="Search model that answers the stored run's queries now."),
    ] = None,
    clicks: Annotated[
        list[Path] | None,
        typer.Option("--clicks", help="Logs of searches: fresh queries are sampled from them; repeatable."),
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Fresh queries.")] = 50,
    library: Annotated[
        Path | None,
        typer.Option("--library", help="Library of the playlists; logged queries are judged by its tracks."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="Where to keep today's run, for tomorrow.")
    ] = None,
    lm: LmOption = None,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare today's search with a stored run on their common queries.

    Exits with 0 if nothing fell, with 1 if a metric fell significantly (paired bootstrap, Holm over the metrics),
    with 2 on errors. Logged queries are about no playlist: with --library what they find is graded by the judge, by
    --lm or by the stand-in.

    [dim]segue monitor report/runs/lora-fused.jsonl --against stored.jsonl[/]

    [dim]segue monitor --model search --against stored.jsonl -o runs[/]

    [dim]segue monitor --model search --against stored.jsonl --clicks log.csv --library library[/]
    """
    from segue.cli.language_models import JobOptions, opened
    from segue.cli.terminal import say
    from segue.errors import InputError
    from segue.library.search_runs import SearchRun
    from segue.protocols.monitor import monitor as compared

    if (run is None) == (model is None):
        raise InputError("give today's run or --model, which makes one, and not both")
    if clicks and model is None:
        raise InputError("fresh queries need somebody to answer them; give --model")
    stored = SearchRun.read(against)
    today = SearchRun.read(run) if run is not None else _made(model, stored, clicks or [], sample)
    if out is not None and not dry_run:
        say(f"wrote {today.write(out)}")
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    grades = _judged([today, stored], library, opened(lm, record=record), options)
    found = compared(today, stored, grades)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print(found)
    if grades is not None and clicks:
        _tell_fresh(today, grades)
    if found.dropped:
        say(f"fell significantly: {', '.join(found.dropped)}")
        raise typer.Exit(1)


def _made(model: Path | None, stored: SearchRun, clicks: list[Path], sample: int) -> SearchRun:
    """The stored queries, and fresh ones, answered now."""
    from segue.errors import QueryError
    from segue.library.search_runs import SearchRun
    from segue.protocols.monitor import fresh_queries, rerun
    from segue.systems.playlist_search import SearchModel

    assert model is not None
    opened = SearchModel.open(model)
    ids = opened.corpus.texts["playlist_id"]

    def rank(query: str) -> list[str]:
        try:
            return [ids[row] for row in opened.rank(query).rows[:100].tolist()]
        except QueryError:
            return []

    asked = stored
    if clicks:
        from segue.sources.search_logs import read_search_logs

        fresh = fresh_queries(read_search_logs(clicks), sample)
        asked = SearchRun("", (*stored, *(line for line in fresh if line.query_id not in stored.by_id)))
    return rerun(asked, rank, f"today-{opened.fingerprint}")


def _judged(
    runs: list[SearchRun], library: Path | None, language_model: LanguageModel | None, options: JobOptions
) -> Grades | None:
    """Grades of what logged queries found; None where there are none or nobody can judge."""
    from segue.cli.language_models import run_jobs
    from segue.cli.terminal import say
    from segue.library import Library
    from segue.protocols.monitor import judged_pairs
    from segue.systems.judging import Judge, judge_pairs
    from segue.systems.model_judge import ask_judge
    from segue.systems.stand_in_judge import evidence_judge

    pairs = judged_pairs(runs)
    if not pairs:
        return None
    if library is None:
        say("logged queries are about no playlist and are not judged; give --library")
        return None
    read = Library.load(library)
    known = set(read.playlists["playlist_id"].to_list())
    pairs = tuple(pair for pair in pairs if pair[1] in known)
    judge: Judge
    if language_model is None:
        say("no language model was given (--lm): a stand-in judges by words and vectors of the tracks")
        judge = evidence_judge(read, variants=1)
    else:
        judge = ask_judge(
            language_model,
            read,
            [pairs],
            variants=1,
            ask=lambda m, jobs, schema, check: run_jobs(m, jobs, schema, options, check=check),
        )
    graded = judge_pairs(pairs, judge).grades[0]
    by_query: dict[str, dict[str, float]] = {}
    for (query, playlist), grade in graded.items():
        by_query.setdefault(query, {})[playlist] = float(grade)
    return {
        line.query_id: by_query[line.query]
        for run in runs
        for line in run
        if line.playlist_id is None and line.query in by_query
    }


def _print(found: Monitored) -> None:
    from rich import box  # imported late: terminals only
    from rich.console import Console
    from rich.table import Table

    from segue.cli.terminal import counted, plain

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("metric", "stored", "today", "difference", "p", ""):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for one in found.metrics:
        p = "" if one.p is None else f"{one.p:.3f}"
        table.add_row(
            one.metric, str(one.stored), str(one.today), str(one.difference), p, "fell" if one.dropped else ""
        )
    console = Console()
    console.print(table)
    print(plain(f"{counted(found.n, 'query', 'queries')} in both runs, {found.changed:,} with another first ten"))


def _tell_fresh(today: SearchRun, grades: Grades) -> None:
    from segue.cli.terminal import say
    from segue.evaluate.significance import interval
    from segue.protocols.monitor import mean_grades

    values = mean_grades(today, grades)
    say(f"mean grade of the first five of {int((values == values).sum())} logged queries: {interval(values):.2f}")
