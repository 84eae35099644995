"""``segue label``: sheets for people who grade what systems found, a form to fill them in, and what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue.evaluate.label_sheet import Key, SheetKind
    from segue.evaluate.pooling import Pair, Pool

__all__ = ["app"]

app = typer.Typer(name="label", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)

SheetOut = Annotated[Path, typer.Option("-o", "--out", help="Sheet (CSV) to write.", show_default=False)]
KeyOut = Annotated[
    Path | None,
    typer.Option(
        "--key", help="Key to write, which raters must not see.", show_default="SHEET.key.json", metavar="KEY.json"
    ),
]
RatersOption = Annotated[int, typer.Option("--raters", min=1, max=100, help="Sheets to write, one for each rater.")]
OverlapOption = Annotated[
    int | None,
    typer.Option(
        "--overlap",
        min=0,
        help="Items that all raters get, at least; the rest is dealt out among them.",
        show_default="everybody gets all",
    ),
]
RngOption = Annotated[int, typer.Option("--rng-key", help="Key of the random draws.")]


@app.callback()
def label() -> None:
    """Have people grade what systems found, without knowing which system found it.

    [dim]segue label make report/runs/*.jsonl --library library -o sheet.csv[/] writes a sheet and its key.

    [dim]segue label form sheet.csv[/] asks for the grades, key by key.

    [dim]segue label agree anna.csv ben.csv --key sheet.key.json[/] says how far they agree.

    [dim]segue label tracks -m model -o sheet.csv[/] makes a sheet of tracks for titles: which fit?
    """


@app.command()
def make(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Runs: runs/NAME.jsonl of a search report.", show_default=False),
    ],
    library: Annotated[
        Path, typer.Option("--library", help="Library that the runs were made with.", show_default=False)
    ],
    out: SheetOut,
    key: KeyOut = None,
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, help="Queries; a judge's --sample is the same.", show_default="all"),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", min=1, max=1000, help="First places of each list.")] = 10,
    raters: RatersOption = 1,
    overlap: OverlapOption = None,
    evidence: Annotated[
        Literal["tracks", "title+tracks"], typer.Option("--evidence", help="What of a playlist is shown.")
    ] = "tracks",
    rng_key: RngOption = 0,
) -> None:
    """Write a blind sheet: queries, and for each the playlists that any of the systems found, once each, shuffled.

    People see of a playlist what a judge sees: tracks. They write 0 (does not fit) to 3 (exactly) into the last
    column, in a spreadsheet or with 'segue label form'.

    [dim]segue label make report/runs/*.jsonl --library library -o sheet.csv --sample 30 --depth 5[/]

    [dim]segue label make a.jsonl b.jsonl --library library -o sheet.csv --raters 3 --overlap 100[/]
    """
    from segue.enrich.evidence import evidence as evidence_of
    from segue.enrich.evidence import said_of
    from segue.evaluate.label_form import SEPARATOR
    from segue.evaluate.pooling import pooled
    from segue.library import Library
    from segue.library.search_runs import SearchRun
    from segue.systems.judging import known_playlists

    pool = pooled([SearchRun.read(run) for run in runs], depth=depth, sample=sample, rng_key=rng_key)
    read = Library.load(library)
    rows = known_playlists(read, sorted({one for _, one in pool.pairs}))
    lines = dict(zip(rows, evidence_of(read, list(rows.values()), kind=evidence, rng_key=rng_key), strict=True))
    shown = {pair: SEPARATOR.join(lines[pair[1]]) for pair in pool.pairs}
    _write_sheets(pool, shown, "grade", out, key, raters, overlap, said_of(evidence), rng_key)


@app.command()
def tracks(
    models: Annotated[
        list[Path], typer.Option("-m", "--model", help="Model folder; several are compared.", show_default=False)
    ],
    out: SheetOut,
    titles: Annotated[
        Path | None,
        typer.Option("--titles", help="Titles, one a line.", show_default="22 that come with Segue"),
    ] = None,
    key: KeyOut = None,
    n: Annotated[int, typer.Option("-n", min=1, max=500, help="Tracks of each list.")] = 10,
    raters: RatersOption = 1,
    overlap: OverlapOption = None,
    rng_key: RngOption = 0,
) -> None:
    """Write a blind sheet of the tracks that models recommend for titles, once each: which of them fit?

    1 marks a track that fits, 0 another. The score of a model is the share of its tracks that fit; 'segue label
    agree' reads the sheets back.

    [dim]segue label tracks -m model -m published -o sheet.csv[/]

    [dim]segue label tracks -m model --titles titles.txt -n 20 -o sheet.csv[/]
    """
    from segue.cli.terminal import progress
    from segue.errors import InputError
    from segue.protocols.common import bundled_titles, read_titles
    from segue.systems.label_titles import title_pool
    from segue.systems.model import Model

    names = [path.name or str(path) for path in models]
    names = [str(path) if names.count(name) > 1 else name for path, name in zip(models, names, strict=True)]
    if len(set(names)) != len(names):
        raise InputError("one model was given twice; give each -m once")
    asked = bundled_titles("selected_titles") if titles is None else read_titles(titles)
    with progress() as report:
        opened = {name: Model.load(path) for name, path in zip(names, models, strict=True)}
        pool, shown = title_pool(opened, asked, n=n, progress=report)
    _write_sheets(pool, shown, "fit", out, key, raters, overlap, "name and artist of a track", rng_key)


@app.command()
def form(
    sheet: Annotated[Path, typer.Argument(metavar="SHEET.csv", help="Sheet to fill in.", show_default=False)],
) -> None:
    """Fill a sheet in, one thing at a time: keys 0 to 3 (or 0 and 1), s skip, b back, q save and quit.

    Each answer is saved at once; called again, it goes on with what has none. Without a terminal, lines are read.

    [dim]segue label form anna.csv[/]
    """
    import sys

    from segue.cli.label_terminal import key_reader, line
    from segue.cli.terminal import plain, say
    from segue.evaluate.label_form import fill

    def show(text: str) -> None:
        print(plain(text), flush=True)

    done = fill(sheet, key_reader() if sys.stdin.isatty() else line, show)
    say(f"{done.now:,} answered now, {done.answered:,} in all, {done.left:,} left in {sheet}")


@app.command()
def agree(
    sheets: Annotated[list[Path], typer.Argument(metavar="SHEET...", help="Filled sheets, CSV.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="Key written with the sheet.", show_default=False)],
    judge: Annotated[
        Path | None,
        typer.Option("--judge", help="grades.jsonl of 'segue judge', to compare with.", show_default=False),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", help="Which of the judge's wordings, as marked in the file.", show_default="the median of them"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Page (HTML) to write.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say how far people agree, with each other and with a judge, and whose lists they like.

    Quadratic-weighted kappa with 95 % intervals (queries resampled), the counts behind it, and Kendall's tau over
    systems. Of sheets of tracks: the share that fits, by model.

    [dim]segue label agree anna.csv ben.csv --key sheet.key.json[/]

    [dim]segue label agree anna.csv --key sheet.key.json --judge judged/grades.jsonl -o agreement.html[/]
    """
    from segue.cli.label_terminal import print_people
    from segue.evaluate.label_agreement import people_report, read_sheets
    from segue.evaluate.label_sheet import read_key

    opened = read_key(key)
    labels = read_sheets(sheets, opened)
    report = people_report(labels, opened, _judge_grades(judge, by, opened))
    if out is not None:
        from segue.cli.terminal import say
        from segue.library.arrays import write_bytes
        from segue.systems.label_page import label_page

        write_bytes(out, label_page(report).encode())
        say(f"wrote {out}")
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(report.to_json()), indent=2).decode())
        return
    print_people(report)


def _judge_grades(path: Path | None, by: str | None, key: Key) -> dict[Pair, int] | None:
    from segue.errors import InputError
    from segue.library.searching import Graded, read_lines
    from segue.systems.judging import by_pair, median_grades

    if path is None:
        if by is not None:
            raise InputError("--by chooses among the grades of --judge; give its file, too")
        return None
    if key.sheet != "grade":
        raise InputError("a judge grades playlists, not tracks; leave --judge out")
    found = by_pair(read_lines(path, Graded))
    if by is not None and by not in found:
        raise InputError(f"{path} has no grades by {by!r}; it has those by {', '.join(sorted(found))}")
    grades = median_grades(list(found.values())) if by is None else found[by]
    if not any((item.query, item.target) in grades for item in key.items.values()):
        raise InputError(f"{path} has no grade of anything on the sheet; judge the same runs with the same --rng-key")
    return grades


def _write_sheets(
    pool: Pool,
    shown: Mapping[Pair, str],
    sheet: SheetKind,
    out: Path,
    key: Path | None,
    raters: int,
    overlap: int | None,
    evidence: str,
    rng_key: int,
) -> None:
    import msgspec

    from segue.cli.terminal import counted, say
    from segue.errors import InputError, OutputError
    from segue.evaluate.label_sheet import SHEET_ENCODING, make_sheets
    from segue.library.arrays import write_bytes

    if overlap is not None and raters == 1:
        raise InputError("--overlap is about several raters; give --raters, too")
    paths = [out] if raters == 1 else [out.with_name(f"{out.stem}-{n}{out.suffix}") for n in range(1, raters + 1)]
    key_path = key or out.with_name(f"{out.stem}.key.json")
    for path in (*paths, key_path):
        if path.is_file():
            raise OutputError(f"{path} exists and may hold somebody's work; choose another name, or remove it")
    texts, made = make_sheets(
        pool, shown, sheet=sheet, raters=raters, overlap=overlap, evidence=evidence, rng_key=rng_key
    )
    write_bytes(key_path, msgspec.json.encode(made) + b"\n")
    for path, text in zip(paths, texts, strict=True):
        write_bytes(path, text.encode(SHEET_ENCODING))
        say(f"wrote {path}: {counted(text.count(chr(10)) - 1, 'item')}")
    what = "title" if sheet == "fit" else "query"
    many = "titles" if sheet == "fit" else "queries"
    say(
        f"{counted(len(pool.pairs), 'item')} of {counted(len(pool.queries), what, many)} from "
        f"{counted(len(pool.lists), 'system')}; the key is {key_path}, keep it from the raters"
    )
    say(f"next: segue label form {paths[0]}")
