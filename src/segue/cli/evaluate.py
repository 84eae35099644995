"""``segue evaluate``: methods under one protocol, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segue.cli.options import ConfigOption

if TYPE_CHECKING:
    from segue.cli.trial import Trial

__all__ = ["evaluate"]

_LISTENERS = "Listeners (--protocol users)"


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
        Literal["title", "challenge", "users", "tracks"],
        typer.Option(
            "--protocol",
            help="Titles alone, the ten scenarios of the RecSys Challenge 2018, listeners ('users'), or what "
            "is near to a track ('tracks').",
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
    views: Annotated[
        str,
        typer.Option(
            "--views",
            help="What the towers read of a track, with commas: name, name_artist, summary, lyrics, tags, or none.",
            rich_help_panel=_LISTENERS,
        ),
    ] = "name_artist",
    also: Annotated[
        list[Path] | None,
        typer.Option(
            "--also",
            metavar="LIBRARY",
            help="A further catalogue for the table of views.",
            rich_help_panel=_LISTENERS,
            show_default=False,
        ),
    ] = None,
    shares: Annotated[
        str,
        typer.Option(
            "--shares", help="Percents of the catalogue's tracks, as in 25,50,100.", rich_help_panel=_LISTENERS
        ),
    ] = "100",
    words: Annotated[
        str | None,
        typer.Option(
            "--words",
            help="Lengths of lyrics to compare, as in 10,25,50,100.",
            rich_help_panel=_LISTENERS,
            show_default=False,
        ),
    ] = None,
    excerpts: Annotated[
        str | None,
        typer.Option(
            "--excerpts",
            help="Places of their words to compare: first, random, last.",
            rich_help_panel=_LISTENERS,
            show_default=False,
        ),
    ] = None,
    towers: Annotated[
        Literal["segue", "published"],
        typer.Option("--towers", help="Preset of the towers.", rich_help_panel=_LISTENERS),
    ] = "segue",
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="At most.", rich_help_panel=_LISTENERS, show_default="of the preset"),
    ] = None,
    core: Annotated[
        int,
        typer.Option(
            "--core", min=0, help="Listeners and tracks need so many of each other.", rich_help_panel=_LISTENERS
        ),
    ] = 5,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune/--no-tune", help="Tune the simple rows on the validation part.", rich_help_panel=_LISTENERS
        ),
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON.", rich_help_panel=_LISTENERS)
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Judge methods on playlists that they have not seen.

    Everything is fitted on the playlists outside the part that is asked about. Seen and unseen titles are separate
    rows, popularity and the same-title vote are always rows, intervals are 95 % bootstrap.

    [dim]segue evaluate library -o report[/]

    [dim]segue evaluate library --protocol challenge --methods popularity,ease,title_vote -o report[/]

    [dim]segue evaluate model --playlist 1042[/]

    [dim]segue evaluate library --encoders pretrained,cross_entropy,mine=FOLDER --themes themes -o report[/]

    [dim]segue evaluate library --protocol tracks -o report[/]

    [dim]segue evaluate listeners --protocol users --views name,summary,lyrics --shares 25,50,100 -o report[/]
    """
    import tempfile

    if protocol == "tracks":
        from segue.cli.evaluate_tracks import evaluate_tracks

        others = {"--methods": methods, "--playlist": playlist, "--select": select, "--library": library}
        others |= {"--encoders": encoders, "--themes": themes}
        unwanted = [option for option, given in others.items() if given]
        evaluate_tracks(
            source, out, part=part, base_model=base_model, epochs=epochs, as_json=as_json, unwanted=unwanted
        )
        return
    if protocol == "users":
        from segue.cli.evaluate_users import evaluate_users

        others = {"--methods": methods, "--playlist": playlist, "--select": select, "--library": library}
        others |= {"--encoders": encoders, "--themes": themes}
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
            unwanted=[option for option, given in others.items() if given],
        )
        return
    if encoders:
        from segue.cli.evaluate_encoders import evaluate_encoders

        others = {"--methods": methods, "--playlist": playlist, "--select": select, "--library": library}
        evaluate_encoders(
            source,
            out,
            encoders,
            encoders_in=encoders_in,
            themes=themes,
            part=part,
            base_model=base_model,
            config=config,
            unwanted=[option for option, given in others.items() if given]
            + (["--protocol challenge"] if protocol != "title" else []),
        )
        return
    from segue.cli.methods import known
    from segue.cli.terminal import progress
    from segue.cli.trial import prepared
    from segue.errors import InputError

    if themes is not None:
        raise InputError("--themes goes with --encoders; name some encoders, 'pretrained' for one")
    if out is None and playlist is None:
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
    from segue.cli.terminal import progress, say
    from segue.protocols.common import Reported, read_titles

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
    found.print()
    as_json, as_html = found.save(out)
    say(f"wrote {as_json} and {as_html}")
