"""``segue queries``: what people could type to find each playlist, by a language model or by templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    from collections.abc import Callable, Sequence

    from segue.lm.base import LanguageModel
    from segue.lm.jobs import Job, Results

    Check = Callable[[Job, Any], str | None]

__all__ = ["queries"]

_SHOWN = 5
_LOGS = "Logged queries"


def queries(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File of queries to write, JSON lines.", show_default=False)
    ],
    lm: LmOption = None,
    styles: Annotated[
        str, typer.Option("--styles", help="With commas: keyword, natural, paraphrase, activity, mood.")
    ] = "keyword,natural,paraphrase,activity,mood",
    each: Annotated[int, typer.Option("--each", min=1, help="Queries of each style for a playlist, at most.")] = 1,
    part: Annotated[
        Literal["train", "validation", "test", "all"],
        typer.Option("--part", help="Part of the hash split; what is trained on must be 'train'."),
    ] = "train",
    n: Annotated[
        int | None, typer.Option("-n", "--n", min=1, help="Playlists, evenly spaced.", show_default="all")
    ] = None,
    low: Annotated[
        list[Path] | None,
        typer.Option(
            "--low",
            metavar="LOG",
            help="Write variants of the queries of a log (query, playlist_id, clicked, time) that are rarely clicked "
            "instead; repeatable.",
            rich_help_panel=_LOGS,
            show_default=False,
        ),
    ] = None,
    least_shown: Annotated[
        int, typer.Option("--least-shown", min=1, help="Results that a query was shown.", rich_help_panel=_LOGS)
    ] = 20,
    most_rate: Annotated[
        float, typer.Option("--most-rate", min=0, max=1, help="Clicks for each of them.", rich_help_panel=_LOGS)
    ] = 0.05,
    rng_key: Annotated[int, typer.Option("--rng-key", min=0, help="Key of the random draws.")] = 0,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Write synthetic queries, to train search on and to try it.

    Without a language model they come from templates over what is known of a playlist (by: templates-1) and from
    rules that rephrase its title (by: rules-1). A run that was stopped goes on.

    [dim]segue queries library -o queries.jsonl[/]

    [dim]segue queries library -o queries.jsonl --lm openai:gpt-4o-mini --styles natural,mood --each 2 --dry-run[/]

    [dim]segue queries library -o keyword.jsonl --part test --styles keyword[/]

    [dim]segue queries library -o variants.jsonl --low searches.csv[/]
    """
    from collections import Counter

    import numpy as np

    from segue.cli.language_models import JobOptions, opened, run_jobs
    from segue.cli.terminal import counted, plain, say
    from segue.enrich.queries import low_queries, rows_of_part, vary_queries, write_queries
    from segue.enrich.review import accepted
    from segue.library import Library
    from segue.library.searching import write_lines

    model = opened(lm, record=record)
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    read = accepted(Library.load(library))

    def ask(m: LanguageModel, jobs: Sequence[Job], schema: type[Any], check: Check) -> Results[Any]:
        return run_jobs(m, jobs, schema, options, check=check)

    if low:
        from segue.sources.search_logs import read_search_logs

        ids = read.playlists["playlist_id"].gather(rows_of_part(read, part)).to_list()
        log = read_search_logs(low)
        found = low_queries(log, ids, least_shown=least_shown, most_rate=most_rate)
        say(f"{counted(len(found), 'logged query', 'logged queries')} with few clicks")
        made = vary_queries(found, model, n=max(each, 1), ask=ask, rng_key=rng_key)
    else:
        rows = rows_of_part(read, part)
        if n is not None and len(rows) > n:
            rows = rows[np.linspace(0, len(rows) - 1, n).astype(int)]
        wanted = [style.strip() for style in styles.split(",") if style.strip()]
        if model is None and dry_run:
            print(f"templates: {counted(len(rows), 'playlist')}, no language model is asked")
            return
        made = write_queries(read, model, rows=rows, styles=wanted, each=each, ask=ask, rng_key=rng_key)
    write_lines(out, made.queries)
    by_style = dict(Counter(one.style for one in made.queries))
    if json:
        import msgspec

        told = {"queries": len(made.queries), "asked": made.asked, "empty": made.empty, "styles": by_style}
        print(msgspec.json.format(msgspec.json.encode({**told, "failures": len(made.failures)}), indent=2).decode())
    else:
        for place in np.linspace(0, len(made.queries) - 1, min(_SHOWN, len(made.queries))).astype(int):
            one = made.queries[place]
            print(plain(f"{one.style}: {one.query}", 200))
    if made.empty:
        say(f"{made.empty:,} of {made.asked:,} without a query, for want of anything known or clicked")
    styles_told = ", ".join(f"{style} {n:,}" for style, n in by_style.items())
    say(f"wrote {counted(len(made.queries), 'query', 'queries')} to {out} ({styles_told})")
