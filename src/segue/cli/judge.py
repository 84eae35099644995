"""``segue judge``: grade what search systems found, and say what the judge is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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

    from segue.cli.language_models import JobOptions
    from segue.cli.terminal import Progress
    from segue.evaluate.pooling import Pair, Pool
    from segue.library import Library
    from segue.lm.base import LanguageModel
    from segue.systems.judge_report import JudgeReport
    from segue.systems.judge_tuning import Chosen
    from segue.systems.judging import Gold, Judge, Judged

__all__ = ["judge"]

_DRAWN = 200  # playlists that the stand-in compares with
_OTHERS = 4  # playlists beside the own one of a description
_VALIDATION = "What the judge is worth"


def judge(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Runs: runs/NAME.jsonl of a search report.", show_default=False),
    ],
    library: Annotated[
        Path, typer.Option("--library", help="Library that the runs were made with.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder to write: a page, figures, all grades.", show_default=False),
    ] = None,
    lm: LmOption = None,
    variants: Annotated[int, typer.Option("--variants", min=1, max=9, help="Wordings of the judge's prompt.")] = 3,
    depth: Annotated[int, typer.Option("--depth", min=1, max=1000, help="First places of each list.")] = 10,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Queries, as for 'segue label make'.", show_default="all")
    ] = None,
    evidence: Annotated[
        Literal["tracks", "title+tracks"],
        typer.Option("--evidence", help="What of a playlist is shown; an index reads titles, so tracks are fairer."),
    ] = "tracks",
    people: Annotated[
        list[Path] | None,
        typer.Option(
            "--people",
            help="Filled sheet of 'segue label'; give several.",
            show_default=False,
            rich_help_panel=_VALIDATION,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Key written with the sheets.", show_default=False, rich_help_panel=_VALIDATION),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Half of the people's queries choose wording and scale of the judge, the other half measures.",
            rich_help_panel=_VALIDATION,
        ),
    ] = False,
    gold: Annotated[
        int,
        typer.Option(
            "--gold",
            min=0,
            help="Descriptions written by people: is their own playlist graded above random others?",
            rich_help_panel=_VALIDATION,
        ),
    ] = 30,
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(
            "--trained-on",
            help="Grades that a system was trained on; who gave them may not judge.",
            show_default=False,
            rich_help_panel=_VALIDATION,
        ),
    ] = None,
    base_model: Annotated[
        str,
        typer.Option("--base-model", help="Encoder of the stand-in without a language model, or 'ngrams'."),
    ] = "ngrams",
    rng_key: Annotated[int, typer.Option("--rng-key", help="Key of the random draws.")] = 0,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Have what search systems found graded from 0 to 3 by a judge, in several wordings, at temperature 0.

    The judge sees a query and tracks, never the text that an index reads. The report says how much depends on the
    wording, and how far the judge agrees with people, or that nobody checked. Without --lm a stand-in judges by words
    and vectors; its grades show that all runs, not who is better.

    [dim]segue judge report/runs/*.jsonl --library library -o judged --sample 50[/]

    [dim]segue judge report/runs/*.jsonl --library library --lm openai:gpt-4o-mini --sample 50 --dry-run[/]

    [dim]segue judge report/runs/*.jsonl --library library -o judged --people anna.csv --key sheet.key.json --tune[/]
    """
    from segue.cli.language_models import JobOptions, opened
    from segue.cli.terminal import progress, say
    from segue.errors import InputError
    from segue.evaluate.pooling import pooled
    from segue.library import Library
    from segue.library.search_runs import SearchRun
    from segue.systems.judge_report import judge_report, save_judge_report
    from segue.systems.judging import judge_pool

    if tune and not people:
        raise InputError("--tune takes grades of people; give sheets with --people and --key")
    if bool(people) != (key is not None):
        raise InputError("--people and --key go together; give the sheets and the key that was written with them")
    model = opened(lm, record=record)
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    pool = pooled([SearchRun.read(run) for run in runs], depth=depth, sample=sample, rng_key=rng_key)
    read = Library.load(library)
    told = None if not people or key is None else _told(people, key, pool)
    known = _known(read, gold, rng_key)
    with progress() as report:
        if model is None:
            made = _stand_in(read, evidence, base_model, rng_key, variants, report)
            _check_trained_on(made.wordings, trained_on or [])
        else:
            asked = [pool.pairs, known[0] if known else ()]
            made = _asked(model, read, asked, evidence, rng_key, variants, trained_on or [], options)
        judged = judge_pool(pool, made, report)
        found = None if told is None else _chosen(judged, told) if tune else (None, told)
        chosen = found[0] if found else None
        of_gold = None if known is None else _gold(made, *known, chosen, report)
    result = judge_report(pool, judged, chosen=chosen, people=found[1] if found else None, gold=of_gold)
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(result), indent=1).decode())
    else:
        _print(result)
    if out is not None:
        save_judge_report(result, judged, out)
        say(f"wrote {out}; see {out / 'report.html'}")


def _asked(
    model: LanguageModel,
    library: Library,
    asked: Sequence[Sequence[Pair]],
    evidence: Literal["tracks", "title+tracks"],
    rng_key: int,
    variants: int,
    trained_on: Sequence[Path],
    options: JobOptions,
) -> Judge:
    """A language model's grades.

    Raises:
        InputError: it taught, or answered nothing.
    """
    from segue.cli.language_models import run_jobs
    from segue.errors import InputError
    from segue.systems.model_judge import ask_judge, marks_of

    _check_trained_on(marks_of(model, variants, evidence), trained_on)
    made = ask_judge(
        model,
        library,
        asked,
        variants=variants,
        kind=evidence,
        rng_key=rng_key,
        ask=lambda model, jobs, schema, check: run_jobs(
            model, jobs, schema, options, check=check, what="questions judged"
        ),
    )
    if not any(made.graded):
        raise InputError(f"{model.name} graded nothing; see what failed above, or judge without --lm")
    return made


def _stand_in(
    library: Library,
    evidence: Literal["tracks", "title+tracks"],
    base_model: str,
    rng_key: int,
    variants: int,
    report: Progress,
) -> Judge:
    from segue.cli.terminal import say
    from segue.systems.stand_in_judge import evidence_judge

    say("no language model was given (--lm): a stand-in judges by words and vectors of the tracks")
    encoder = None
    if base_model != "ngrams":
        from segue.cli.methods import pretrained_encoder

        encoder = pretrained_encoder(base_model, report)
    return evidence_judge(library, kind=evidence, encoder=encoder, drawn=_DRAWN, variants=variants, rng_key=rng_key)


def _told(people: Sequence[Path], key: Path, pool: Pool) -> dict[Pair, int]:
    """What people said of the pool.

    Raises:
        InputError: nothing of it was graded.
    """
    from segue.errors import InputError
    from segue.evaluate.label_agreement import read_sheets, together
    from segue.evaluate.label_sheet import read_key

    opened = read_key(key)
    if opened.sheet != "grade":
        raise InputError(f"{key} is the key of a sheet of tracks; a judge grades playlists")
    pairs = set(pool.pairs)
    told = {pair: grade for pair, grade in together(read_sheets(people, opened)).items() if pair in pairs}
    if not told:
        raise InputError(
            "people graded nothing that is judged here; give the runs, --sample and --rng-key of 'segue label make'"
        )
    return told


def _chosen(judged: Judged, told: dict[Pair, int]) -> tuple[Chosen, dict[Pair, int]]:
    """What half of the people chose, and the grades of the other half."""
    from segue.systems.judge_tuning import choose, halves

    choosing, measuring = halves(told)
    return choose(judged.by, judged.grades, choosing), measuring


def _check_trained_on(marks: Sequence[str], files: Sequence[Path]) -> None:
    """Raises: InputError: who would judge gave grades that something was trained on."""
    from segue.enrich.grade import check_not_trained_on
    from segue.library.searching import Graded, read_lines

    judges = [Graded("", "", 0, "", mark) for mark in marks]
    for path in files:
        check_not_trained_on(judges, read_lines(path, Graded))


def _known(library: Library, n: int, rng_key: int) -> tuple[list[Pair], set[Pair]] | None:
    """Descriptions with their own playlists and others; None without any."""
    from segue.cli.terminal import say
    from segue.protocols.search_sets import benchmark, sampled
    from segue.systems.judging import gold_of

    if not n:
        return None
    if library.n_playlists < 2 or not library.playlists["description"].is_not_null().any():
        say("the library has no descriptions written by people: no mechanical gold")
        return None
    queries = sampled(benchmark(library), n).queries
    return gold_of(library, queries, others=min(_OTHERS, library.n_playlists - 1), rng_key=rng_key)


def _gold(judge: Judge, pairs: list[Pair], own: set[Pair], chosen: Chosen | None, report: Progress) -> Gold:
    from segue.systems.judge_tuning import Chosen
    from segue.systems.judging import gold_result, judge_pairs

    judged = judge_pairs(pairs, judge, report)
    return gold_result(pairs, own, (chosen or Chosen()).apply(judged.by, judged.grades))


def _print(report: JudgeReport) -> None:
    from segue.cli.terminal import plain
    from segue.systems.judge_page import findings, shown

    print(f"{'system':<30} {f'grade@{report.depth}':<20} {f'NDCG@{report.depth}':<22} sd over wordings")
    for row in report.systems:
        sd = "-" if row.sd is None else f"{row.sd:.3f}"
        print(f"{plain(row.name, 60):<30} {shown(row.grade):<20} {shown(row.ndcg, 3):<22} {sd}")
    if report.validation is not None and report.validation.n:
        print("people (rows) and judge (columns):")
        for grade, counts in enumerate(report.validation.confusion):
            print(f"  {grade}: " + " ".join(f"{n:>6,}" for n in counts))
    for told in findings(report):
        print(plain(told))
