"""``segue grade``: grades of playlists for queries, by a language model or by a rule, to train search on."""

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
    from collections.abc import Sequence

    from segue.encode.base import Encoder
    from segue.library import Library
    from segue.library.searching import SearchQuery

__all__ = ["grade"]

_TOKENS = 64  # of a text, as the search model reads it


def grade(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    queries: Annotated[
        list[Path], typer.Option("--queries", help="Queries of 'segue queries'; repeatable.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File of grades to write, JSON lines.", show_default=False)
    ],
    lm: LmOption = None,
    k: Annotated[
        int, typer.Option("-k", "--k", min=1, help="Candidates from each search, by words and by meaning.")
    ] = 5,
    n: Annotated[
        int | None, typer.Option("-n", "--n", min=1, help="Queries, evenly spaced.", show_default="all")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Encoder of the search by meaning: a folder, endpoint:MODEL, or 'none' for words alone.",
            show_default="all-MiniLM-L6-v2",
        ),
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
    """Grade what two searches find for each query from 0 to 3: positives and hard negatives for 'segue tune'.

    The labeler sees title, artists and tracks, never a description. Without a language model a rule grades by words
    and shared tracks (by: stand-in:metadata-1). Who labels does not judge: 'segue judge' refuses these grades.

    [dim]segue grade library --queries queries.jsonl -o grades.jsonl[/]

    [dim]segue grade library --queries queries.jsonl -o grades.jsonl --lm ollama:llama3.2 -n 200 --dry-run[/]
    """
    from collections import Counter

    from segue.cli.language_models import JobOptions, opened, run_jobs
    from segue.cli.terminal import counted, say
    from segue.enrich.grade import about_of
    from segue.enrich.grade import grade as graded
    from segue.enrich.review import accepted, accepted_lines
    from segue.library import Library
    from segue.library.searching import SearchQuery, write_lines

    model = opened(lm, record=record)
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    read = accepted(Library.load(library))
    asked = [one for file in queries for one in accepted_lines(file, SearchQuery)]
    if n is not None and len(asked) > n:
        step = len(asked) / n
        asked = [asked[int(place * step)] for place in range(n)]
    candidates = _candidates(read, asked, k, encoder)
    if model is None and dry_run:
        print(f"{counted(sum(len(ids) for _, ids in candidates), 'pair')} to grade, no language model is asked")
        return
    made = graded(
        read,
        candidates,
        model,
        about=about_of(asked),
        ask=lambda m, jobs, schema, check: run_jobs(m, jobs, schema, options, check=check),
    )
    write_lines(out, made.graded)
    counts = Counter(one.grade for one in made.graded)
    if json:
        import msgspec

        told = {"queries": len(candidates), "graded": len(made.graded), "failures": len(made.failures)}
        told |= {f"grade_{value}": counts[value] for value in range(4)}
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    shown = ", ".join(f"{counts[value]:,} x {value}" for value in (3, 2, 1, 0))
    say(f"graded {counted(len(made.graded), 'pair')} of {counted(len(candidates), 'query', 'queries')}: {shown}")
    say(f"wrote {out}")


def _candidates(
    library: Library, asked: Sequence[SearchQuery], k: int, encoder: str | None
) -> list[tuple[str, list[str]]]:
    """Each distinct query with the ids of its candidates, its own playlist first."""
    from segue.cli.terminal import progress, two_arguments
    from segue.enrich.candidates import pool
    from segue.enrich.grade import about_of
    from segue.index.bm25 import Bm25Index
    from segue.index.exact import ExactIndex
    from segue.views.playlist_text import PlaylistText

    about = about_of(asked)
    queries = list(about)
    ids = library.playlists["playlist_id"].to_list()
    row_of = {one: row for row, one in enumerate(ids)}
    texts = PlaylistText(("title", "written", "artists")).texts(library)
    with progress() as report:
        read = _encoder(encoder)
        dense = None
        if read is not None:
            dense = ExactIndex(read.encode(texts, progress=two_arguments(report, "playlists encoded")))
        own = [[row_of[about[query]]] if about[query] in row_of else [] for query in queries]
        found = pool(queries, Bm25Index.of(texts), dense, read, k, also=own)
    return [(query, [ids[row] for row in rows.tolist()]) for query, rows in zip(queries, found, strict=True)]


def _encoder(named: str | None) -> Encoder | None:
    """The encoder that was named; None for none."""
    from segue.encode.locate import base_model_folder

    if named == "none":
        return None
    if named is not None and named.startswith("endpoint:"):
        from segue.cli.language_models import opened_encoder

        return opened_encoder(named)
    from segue.encode.sentence import SentenceEncoder

    return SentenceEncoder.open(base_model_folder(named), max_length=_TOKENS)
