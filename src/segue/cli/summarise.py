"""``segue summarise``: tracks -> summaries of 25 words, by a language model or by the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli.describe import land
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

__all__ = ["summarise"]


def summarise(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Library folder to write.", show_default="LIBRARY")
    ] = None,
    lm: LmOption = None,
    again: Annotated[
        bool, typer.Option("--again/--only-missing", help="Also tracks whose summary a program wrote.")
    ] = False,
    n: Annotated[
        int | None,
        typer.Option("-n", "--n", min=1, help="At most so many tracks, the most played first.", show_default="all"),
    ] = None,
    with_lyrics: Annotated[
        bool, typer.Option("--with-lyrics", help="Tracks with lyrics alone: from these less is invented.")
    ] = False,
    samples: Annotated[int, typer.Option("--samples", min=0, help="Summaries to print.")] = 5,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Summarise tracks in 25 words, from lyrics where there are some, else from name and artist.

    Without a language model the summaries are composed of genre, year, tags, sound and the most typical words of the
    lyrics, and marked so (summary_by is template-1). Summaries that came with the tracks stay. They are what
    'segue towers train --view summary' reads.

    [dim]segue summarise library[/]

    [dim]segue summarise library --lm ollama:llama3.2 --with-lyrics -n 1000[/]

    [dim]segue summarise library --lm openai:gpt-4o-mini --dry-run[/]
    """
    from segue.cli.language_models import JobOptions, opened, run_jobs
    from segue.cli.terminal import counted, plain, say
    from segue.enrich.summarise import TEMPLATE, unsummarised, with_summaries
    from segue.enrich.summarise import samples as drawn
    from segue.enrich.summarise import summarise as written
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.views.text import text_column

    target = library if out is None else out
    check_place(target, "segue library")
    model = opened(lm, record=record)
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    read = Library.load(library)
    rows = unsummarised(read, again=again)
    if with_lyrics:
        rows = [row for row, words in zip(rows, text_column(read, "lyrics", rows), strict=True) if words]
    rows = rows[:n]
    if model is None and dry_run:
        print(f"{TEMPLATE}: {counted(len(rows), 'track')} to summarise without a language model")
        return
    if model is None:
        say(f"summarising {counted(len(rows), 'track')} without a language model, by what is known of each")
    done = written(read, model, rows=rows, ask=lambda m, jobs, schema: run_jobs(m, jobs, schema, options))
    land(read, library, out, lambda now: with_summaries(now, done, over=again))
    shown = drawn(read, done, samples)
    if json:
        import msgspec

        told = {**done.to_json(), "samples": [msgspec.to_builtins(sample) for sample in shown]}
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        for sample in shown:
            print(plain(f"{sample.name} ({sample.artist})", 120))
            print(plain(f"  {sample.summary}", 400))
            print(plain(f"  from: {sample.excerpt}", 160))
    if done.rejected:
        say(f"{counted(done.rejected, 'summary', 'summaries')} left out, as people had rejected them")
    say(
        f"summarised {counted(len(done.track_ids), 'track')} of {done.asked:,}, {done.from_lyrics:,} of them with "
        f"lyrics; wrote {target}"
    )
