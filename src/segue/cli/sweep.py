"""``segue sweep``: what the scalars of a recipe do, on validation playlists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from segue.cli.terminal import Progress
    from segue.encode.base import Encoder
    from segue.library import Library
    from segue.systems.sweep import Subject, Sweep
    from segue.systems.sweep_spaces import Method

__all__ = ["sweep"]


def sweep(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="Folder for sweep.json, sweep.html and the log of trials; a sweep that was killed goes on there.",
            show_default=False,
        ),
    ],
    what: Annotated[
        Literal["vote", "themes", "model"] | None,
        typer.Option(
            "--what",
            help="vote: neighbours, tau, smoothing of the plain vote. themes: number of clusters and cleaning "
            "threshold. model: scalars of the shipped model.",
            show_default="vote; with --defaults vote and model",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Title encoder: a folder (of 'segue finetune', say), a Hugging Face name that is in the cache, or "
            "'ngrams'.",
            show_default="all-MiniLM-L6-v2",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", help="Trials in all, those of earlier runs included.", show_default="60, or all"),
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Every combination of a grid instead of a search.")] = False,
    defaults: Annotated[
        bool,
        typer.Option(
            "--defaults",
            help="Each shipped value alone against others: can it be told from the best? Reproduces "
            "the choice of the defaults.",
        ),
    ] = False,
    vectors: Annotated[
        Literal["content", "collaborative", "joint"],
        typer.Option("--vectors", help="What themes are made of, as for 'segue themes'."),
    ] = "content",
    coverage: Annotated[
        float, typer.Option("--coverage", min=0.01, max=1.0, help="Of track texts, as for 'segue themes'.")
    ] = 1.0,
    finetune: Annotated[
        int | None,
        typer.Option(
            "--finetune",
            metavar="EPOCHS",
            min=1,
            help="Themes are judged by the vote of an encoder that was fine-tuned on them for so many epochs; "
            "minutes each, so give few --trials.",
            show_default="what titles tell about them",
        ),
    ] = None,
    queries: Annotated[int, typer.Option("--queries", min=1, help="Validation playlists asked, at most.")] = 700,
    as_json: Annotated[bool, typer.Option("--json", help="Print sweep.json instead of a table.")] = False,
) -> None:
    """Try many settings on validation playlists and draw the surface; test playlists are never looked at.

    [dim]segue sweep library -o sweep[/]

    [dim]segue sweep library -o sweep --what themes --grid[/]

    [dim]segue sweep library -o sweep --defaults[/]
    """
    from segue.cli.terminal import progress, say
    from segue.errors import InputError
    from segue.library import Library

    if grid and defaults:
        raise InputError("--grid and --defaults are two ways to choose the trials; give one of them")
    method: Method = "grid" if grid else "defaults" if defaults else "search"
    if finetune is not None and what != "themes":
        raise InputError("--finetune judges themes; give --what themes with it")
    read = Library.load(library)
    if defaults and what is None:
        places: dict[str, Path] = {"vote": out / "vote", "model": out / "model"}
    else:
        places = {what or "vote": out}
    reports = {}
    with progress() as report:
        reader = _encoder(read, encoder, report)
        for name, place in places.items():
            subject = _subject(name, read, reader, queries, vectors, coverage)
            if finetune is not None:
                subject = _judged_by_tuning(subject, finetune, encoder, report)
            found, told = _swept(subject, place, method, trials, report)
            reports[name] = told
            if not as_json:
                _print(found, told)
            say(f"{found.new} new trials of {len(found.trials)}; wrote {place}/sweep.json and {place}/sweep.html")
    if as_json:
        import msgspec

        whole = reports if len(reports) > 1 else next(iter(reports.values()))
        print(msgspec.json.format(msgspec.json.encode(whole), indent=1).decode())


def _encoder(library: Library, name: str | None, report: Progress) -> Encoder:
    """What reads the titles; n-grams of the training titles where there is no sentence encoder."""
    from segue.cli.methods import pretrained_encoder
    from segue.cli.terminal import say

    found = pretrained_encoder(name, report)
    if found is not None:
        return found
    from segue.encode.ngrams import NgramEncoder
    from segue.split.holdout import holdout
    from segue.views.titles import normalise

    if name is None:
        say("there is no sentence encoder on this machine; character n-grams read the titles")
    training = library.select_playlists(holdout(library).train)
    return NgramEncoder.fitted([normalise(title) for title in training.titles])


def _subject(
    what: str,
    library: Library,
    encoder: Encoder,
    queries: int,
    vectors: Literal["content", "collaborative", "joint"],
    coverage: float,
) -> Subject:
    match what:
        case "themes":
            from segue.systems.sweep_themes import ThemesSubject

            return ThemesSubject(library, encoder, vectors, coverage)
        case "model":
            from segue.systems.sweep_model import ModelSubject

            return ModelSubject(library, encoder, queries)
    from segue.systems.sweep_vote import VoteSubject

    return VoteSubject(library, encoder, queries)


def _judged_by_tuning(subject: Subject, epochs: int, encoder: str | None, report: Progress) -> Subject:
    from dataclasses import replace

    from segue.systems.sweep_themes import ThemesSubject, finetuned

    assert isinstance(subject, ThemesSubject)
    tune = finetuned(subject.library, epochs, encoder, report)
    return replace(subject, tune=tune, tune_name=f"ndcg@500 after {epochs} epochs of fine-tuning")


def _swept(
    subject: Subject, place: Path, method: Method, trials: int | None, report: Progress
) -> tuple[Sweep, dict[str, Any]]:
    from segue.systems.sweep import run_sweep
    from segue.systems.sweep_report import save_sweep, sweep_report

    found = run_sweep(subject, place, method=method, trials=trials, progress=report)
    told = sweep_report(found, subject.details(found.best.setting, report), subject.notes)
    save_sweep(found, told, place)
    return found, told


def _print(found: Sweep, told: dict[str, Any]) -> None:
    """The short tables, on stdout."""
    from rich.console import Console
    from rich.table import Table

    from segue.cli.terminal import plain
    from segue.systems.sweep_report import shown

    console = Console()
    table = Table(title=f"{found.header['what']}: {len(found.trials)} trials on validation playlists", box=None)
    for column in ("", "shipped", "best"):
        table.add_column(column, justify="left" if not column else "right")
    for name, value in found.default.setting.items():
        table.add_row(name, shown(value), shown(found.best.setting[name]))
    for name, best in found.best.values.items():
        default = found.default.values.get(name)
        table.add_row(name, *("" if v is None else f"{v:.4f}" for v in (default, best)))
    console.print(table)
    compared = told["best_against_default"]
    if compared:
        ratio = compared["ratio"]
        print(f"best / shipped: {ratio['mean']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]")
    for v in told["verdicts"]:
        said = {True: "not told apart from the best", False: "below the best", None: "no interval"}[v["within"]]
        print(plain(f"{v['parameter']}: shipped {shown(v['shipped'])}, best {shown(v['best'])}: {said}"))
    for row in told["details"].get("by_k", ()):
        filled, near = f"{row['fills']:6.1%}", f"{row['similarity']['mean']:.3f}"
        plain_score, best_score = (row[key][found.header["objective"]] for key in ("plain", "best"))
        print(
            f"k {row['k']:4d}: {filled} fill 66 tracks, k-th cosine {near}, plain {plain_score:.4f}, "
            f"as the best {best_score:.4f}"
        )
    for note in told["notes"]:
        print(plain(note))
