"""``segue evaluate``: methods under one protocol, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segue.cli.evaluate_options import (
    LISTENERS,
    AlsoOption,
    CoreOption,
    EpochsOption,
    EventsOption,
    ExcerptsOption,
    FoldsOption,
    GradesOption,
    LearnOption,
    MostOption,
    QueriesOption,
    SearchEncoderOption,
    SharesOption,
    TowersOption,
    TuneOption,
    TurnsOption,
    ViewsOption,
    WordsOption,
    WrittenOption,
    WrongOption,
)
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
from segue.cli.options import ConfigOption

if TYPE_CHECKING:
    from segue.cli.trial import Trial
    from segue.protocols.common import Reported

__all__ = ["evaluate"]


def evaluate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="LIBRARY|MODEL", help="A library, or a model trained with --hold-out.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for report.json and report.html.", show_default=False),
    ] = None,
    protocol: Annotated[
        Literal["title", "challenge", "users", "tracks", "search", "feedback"],
        typer.Option(
            "--protocol",
            help="Titles alone, the ten scenarios of the RecSys Challenge 2018, listeners ('users'), what "
            "is near to a track ('tracks'), queries for playlists ('search'), or people who say what they think of "
            "lists ('feedback', simulated).",
        ),
    ] = "title",
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--methods",
            help="Names, with commas or repeated: popularity, same_title, ngrams, published, title_vote, "
            "playlist_knn, item_knn, ease.",
            show_default="all that fit the protocol",
        ),
    ] = None,
    part: Annotated[
        Literal["test", "validation"],
        typer.Option("--part", help="Which playlists are asked about. Test is for final configurations."),
    ] = "test",
    playlist: Annotated[
        str | None,
        typer.Option("--playlist", metavar="ID", help="Look at one playlist closely instead.", show_default=False),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            "--select",
            metavar="FILE",
            help="Ask about hand-picked titles, one a line; 'bundled' is the 22 that come with Segue.",
            show_default=False,
        ),
    ] = None,
    encoders: Annotated[
        list[str] | None,
        typer.Option(
            "--encoders",
            help="Compare title encoders under one plain recipe: 'pretrained', NAME=FOLDER, or the NAME of a folder "
            "in --encoders-in; with commas or repeated.",
            show_default=False,
        ),
    ] = None,
    encoders_in: Annotated[
        Path, typer.Option("--encoders-in", metavar="FOLDER", help="Where encoders that are only named lie.")
    ] = Path("encoders"),
    themes: Annotated[
        Path | None,
        typer.Option(
            "--themes", help="Themes, for the rows and plots of --encoders that need some.", show_default=False
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option("--base-model", help="Sentence encoder, as for 'segue train'.", show_default="all-MiniLM-L6-v2"),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option("--library", help="The library of the MODEL, if it has moved.", show_default=False),
    ] = None,
    views: ViewsOption = "name_artist",
    also: AlsoOption = None,
    shares: SharesOption = "100",
    words: WordsOption = None,
    excerpts: ExcerptsOption = None,
    towers: TowersOption = "segue",
    epochs: EpochsOption = None,
    core: CoreOption = 5,
    tune: TuneOption = True,
    encoder: SearchEncoderOption = None,
    queries: QueriesOption = None,
    grades: GradesOption = None,
    folds: FoldsOption = 5,
    most: MostOption = 1_000,
    written: WrittenOption = "library",
    wrong: WrongOption = "0,5,10,20",
    turns: TurnsOption = 3,
    learn: LearnOption = None,
    events: EventsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON.", rich_help_panel=LISTENERS)
    ] = False,
    config: ConfigOption = None,
    lm: LmOption = None,
    lm_rows: Annotated[
        str,
        typer.Option(
            "--lm-rows",
            help="How it is asked, with commas: zero_shot, few_shot, given (five tracks), data_set (named), grounded "
            "(among our candidates).",
            rich_help_panel="Language model",
        ),
    ] = "zero_shot,few_shot,given,grounded",
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="Titles that it is asked about.", rich_help_panel="Language model")
    ] = 100,
    lm_n: Annotated[
        int, typer.Option("--lm-n", min=1, help="Tracks that it is asked for.", rich_help_panel="Language model")
    ] = 66,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            help="End of the corpus, as the model is told.",
            show_default="last change or newest track of the library",
            rich_help_panel="Language model",
        ),
    ] = None,
    data_set: Annotated[
        str | None,
        typer.Option(
            "--data-set",
            help="Name that the row data_set tells.",
            show_default=False,
            rich_help_panel="Language model",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 4,
    per_minute: PerMinuteOption = None,
    record: RecordOption = None,
    failures: FailuresOption = None,
) -> None:
    """Judge methods on playlists that they have not seen.

    Everything is fitted on the playlists outside the part that is asked about. Seen and unseen titles are separate
    rows, popularity and the same-title vote are always rows, intervals are 95 % bootstrap.

    [dim]segue evaluate library -o report[/]

    [dim]segue evaluate library --protocol challenge --methods popularity,ease,title_vote -o report[/]

    [dim]segue evaluate model --playlist 1042[/]

    [dim]segue evaluate library --encoders pretrained,cross_entropy,mine=FOLDER --themes themes -o report[/]

    [dim]segue evaluate library --lm ollama:llama3.2 --sample 50 --dry-run[/]

    [dim]segue evaluate library --protocol tracks -o report[/]

    [dim]segue evaluate library --protocol search --encoder lora=encoders/search -o report[/]

    [dim]segue evaluate listeners --protocol users --views name,summary,lyrics --shares 25,50,100 -o report[/]

    [dim]segue evaluate library --protocol feedback -o report[/]
    """
    import tempfile

    others = {"--methods": methods, "--playlist": playlist, "--select": select, "--library": library}
    others |= {"--encoders": encoders, "--themes": themes}
    unwanted = [option for option, given in others.items() if given]
    if protocol == "feedback":
        from segue.cli.evaluate_feedback import FeedbackOptions, evaluate_feedback

        evaluate_feedback(
            source,
            out,
            library=library,
            part=part,
            base_model=base_model,
            config=config,
            options=FeedbackOptions(wrong, turns, learn, events),
            as_json=as_json,
            unwanted=[option for option in unwanted if option != "--library"],
        )
        return
    if protocol == "search":
        from segue.cli.evaluate_search import evaluate_search

        evaluate_search(
            source,
            out,
            encoders=encoder or [],
            queries=queries or [],
            grades=grades or [],
            folds=folds,
            most=most,
            written=written,
            base_model=base_model,
            as_json=as_json,
            unwanted=unwanted,
        )
        return
    if protocol == "tracks":
        from segue.cli.evaluate_tracks import evaluate_tracks

        evaluate_tracks(
            source, out, part=part, base_model=base_model, epochs=epochs, as_json=as_json, unwanted=unwanted
        )
        return
    if protocol == "users":
        from segue.cli.evaluate_users import evaluate_users

        evaluate_users(
            source,
            out,
            also=also or [],
            views=views,
            shares=shares,
            words=words,
            excerpts=excerpts,
            preset=towers,
            epochs=epochs,
            core=core,
            tune=tune,
            part=part,
            base_model=base_model,
            config=config,
            as_json=as_json,
            unwanted=unwanted,
        )
        return
    if encoders:
        from segue.cli.evaluate_encoders import evaluate_encoders

        evaluate_encoders(
            source,
            out,
            encoders,
            encoders_in=encoders_in,
            themes=themes,
            part=part,
            base_model=base_model,
            config=config,
            unwanted=[option for option in unwanted if option not in ("--encoders", "--themes")]
            + (["--protocol challenge"] if protocol != "title" else []),
        )
        return
    from segue.cli.language_models import JobOptions, opened
    from segue.cli.methods import known
    from segue.cli.terminal import progress
    from segue.cli.trial import prepared
    from segue.errors import InputError

    model = opened(lm, config, record) if lm is not None else None
    if model is not None:
        from segue.cli.evaluate_lm import check_unwanted

        check_unwanted(protocol, [o for o, given in {"--playlist": playlist, "--select": select}.items() if given])

    if themes is not None:
        raise InputError("--themes goes with --encoders; name some encoders, 'pretrained' for one")
    if out is None and playlist is None and not dry_run:
        raise InputError("a report needs a place; give a folder with -o, or look at one playlist with --playlist")
    names = known([name.strip() for given in methods or () for name in given.split(",") if name.strip()])
    with tempfile.TemporaryDirectory(prefix="segue-") as folder:
        with progress() as report:
            trial = prepared(
                source,
                library,
                names,
                protocol,
                part,
                base_model,
                config,
                close_look=playlist is not None,
                scratch=Path(folder),
                report=report,
            )
        if playlist is not None:
            _look(trial, playlist)
        elif model is not None:
            from segue.cli.evaluate_lm import evaluate_lm

            options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
            found = evaluate_lm(
                trial, model, options, rows=lm_rows, sample=sample, n=lm_n, until=until, data_set=data_set
            )
            _save(found, out)
        else:
            assert out is not None
            _report(trial, protocol, select, out)


def _look(trial: Trial, playlist_id: str) -> None:
    from segue.protocols.inspection import inspect_playlist

    name, recommender = list(trial.recommenders.items())[-1]
    found = inspect_playlist(trial.library, trial.split, recommender, playlist_id, explain=trial.explain)
    print(f"asked: {name}")
    found.print()


def _report(trial: Trial, protocol: str, select: str | None, out: Path) -> None:
    from segue.cli.terminal import progress
    from segue.protocols.common import read_titles

    with progress() as report:
        found: Reported
        if protocol == "challenge":
            from segue.cli.methods import CHALLENGE_METHODS, LEARNED
            from segue.protocols.challenge import run_challenge

            others = [name for name in CHALLENGE_METHODS if name in trial.recommenders and name != LEARNED]
            found = run_challenge(
                trial.library,
                trial.split,
                trial.recommenders,
                part=trial.part,
                judged=LEARNED if LEARNED in trial.recommenders and others else None,
                others=others,
                progress=report,
            )
        elif select is not None:
            from segue.protocols.selection import run_selection

            found = run_selection(
                trial.library,
                trial.split,
                trial.recommenders,
                None if select == "bundled" else read_titles(select),
                part=trial.part,
                encoder=trial.encoder,
                progress=report,
            )
        else:
            from segue.protocols.title import run_title

            found = run_title(
                trial.library,
                trial.split,
                trial.recommenders,
                part=trial.part,
                encoder=trial.encoder,
                progress=report,
            )
    _save(found, out)


def _save(found: Reported, out: Path | None) -> None:
    from segue.cli.terminal import say

    found.print()
    assert out is not None
    as_json, as_html = found.save(out)
    say(f"wrote {as_json} and {as_html}")
