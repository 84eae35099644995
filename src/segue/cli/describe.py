"""``segue describe``: playlists with a title and tracks -> descriptions, by a language model or by the stand-in."""

from __future__ import annotations

from contextlib import nullcontext
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
    from collections.abc import Callable

    from segue.library import Library

__all__ = ["describe", "land"]

_SHOWN = 3


def describe(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Library folder to write.", show_default="LIBRARY")
    ] = None,
    lm: LmOption = None,
    again: Annotated[
        bool, typer.Option("--again/--only-missing", help="Also playlists that have a written description.")
    ] = False,
    playlists: Annotated[
        str | None, typer.Option("--playlists", metavar="ID,...", help="These playlists alone.", show_default="all")
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", "--n", min=1, help="At most so many playlists.", show_default="all")
    ] = None,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Describe playlists from their titles and first 15 tracks: a text, themes, genres, activities, eras, artists.

    Without a language model the texts are composed of what is over-represented in each playlist, and marked so
    (written_by is extractive-1). What makers wrote about their playlists is neither read nor changed. A run that was
    stopped goes on; texts that people rejected ('segue review') are not written again.

    [dim]segue describe library[/]

    [dim]segue describe library --lm ollama:llama3.2 -n 100[/]

    [dim]segue describe library --lm openai:gpt-4o-mini --dry-run[/]

    [dim]segue describe library --lm openai:gpt-4o-mini --budget-money 5 -o described[/]
    """
    from segue.cli.language_models import JobOptions, opened, run_jobs
    from segue.cli.terminal import counted, plain, progress, say, two_arguments
    from segue.enrich.describe import describe as written
    from segue.enrich.describe import missing, with_written
    from segue.enrich.extractive import EXTRACTIVE
    from segue.library import Library
    from segue.library.folders import check_place

    target = library if out is None else out
    check_place(target, "segue library")
    model = opened(lm, record=record)
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    read = Library.load(library)
    rows = missing(read, again=again)
    if playlists is not None:
        rows = _named(read, rows, playlists)
    rows = rows[:n]
    if model is None and dry_run:
        print(f"{EXTRACTIVE}: {counted(len(rows), 'playlist')} to describe without a language model")
        return
    if model is None:
        say(f"describing {counted(len(rows), 'playlist')} without a language model, by what is typical of each")
    with progress() if model is None else nullcontext() as report:
        done = written(
            read,
            model,
            rows=rows,
            ask=lambda m, jobs, schema: run_jobs(m, jobs, schema, options),
            progress=None if report is None else two_arguments(report, "describing playlists"),
        )
    land(read, library, out, lambda now: with_written(now, done.playlist_ids, done.columns, over=again))
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(done.to_json()), indent=2).decode())
    else:
        for text, id in list(zip(done.columns["written"], done.playlist_ids, strict=True))[:_SHOWN]:
            print(plain(f"{id}: {text}", 400))
    if done.rejected:
        say(f"{counted(done.rejected, 'text')} left out, as people had rejected them")
    if done.unknown_artists:
        say(f"{counted(done.unknown_artists, 'artist')} left out, as no given track is theirs")
    say(f"described {counted(len(done.playlist_ids), 'playlist')} of {done.asked:,}; wrote {target}")


def land(read: Library, library: Path, out: Path | None, change: Callable[[Library], Library]) -> None:
    """Write a changed library: what was read to another place, or in place what is there by now.

    Asking takes hours, in which others may change the folder; so in place the change is made to what it holds then.
    """
    from segue.cli.terminal import say
    from segue.library import Library
    from segue.library.folders import locked

    target = library if out is None else out
    in_place = target.resolve() == library.resolve()
    with locked(target, lambda: say(f"waiting for another process that changes {target}")):
        change(Library.load(library) if in_place else read).save(target)


def _named(library: Library, rows: list[int], ids: str) -> list[int]:
    """The rows of the named playlists.

    Raises:
        InputError: the library has no such playlist.
    """
    from segue.cli.terminal import plain
    from segue.errors import InputError

    wanted = [name.strip() for name in ids.split(",") if name.strip()]
    there = {id: row for row, id in enumerate(library.playlists["playlist_id"].to_list())}
    for name in wanted:
        if name not in there:
            raise InputError(f"the library has no playlist {plain(name, 80)!r}; see 'playlist_id' in its table")
    chosen = {there[name] for name in wanted}
    return [row for row in rows if row in chosen]
