"""The ``segue`` command and its list of commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from segue.cli import (
    analyse,
    annotate,
    architectures,
    challenge,
    demo,
    doctor,
    evaluate,
    export,
    fetch,
    finetune,
    ingest,
    listeners,
    model,
    recommend,
    sentiment,
    similar,
    sweep,
    themes,
    towers,
    train,
    update,
)
from segue.errors import SegueError

if TYPE_CHECKING:
    from typer._click.core import Context

__all__ = ["app"]


class _Commands(TyperGroup):
    """Commands in the order in which they are used; what a user can mend is one sentence and exit code 2."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except SegueError as error:
            from segue.cli.terminal import plain

            print(f"segue: {plain(str(error))}", file=sys.stderr)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            # files and folders come into being whole, under other names first
            print("segue: interrupted; nothing half-written is left", file=sys.stderr)
            raise typer.Exit(130) from error


app = typer.Typer(
    name="segue",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"segue {version('segue-playlists')}")
        raise typer.Exit


@app.callback()
def segue(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Playlists from words, learnt from playlists that people made.

    [bold]segue demo[/] shows everything on a bundled catalogue. With playlists of your own:

    [dim]segue ingest playlists/ -o library[/]

    [dim]segue train library -o model[/]

    [dim]segue recommend "rainy sunday" -m model[/]
    """


for _command in (
    ingest.ingest,
    annotate.annotate,
    listeners.listeners,
    analyse.analyse,
    train.train,
    finetune.finetune,
    update.update,
    recommend.recommend,
    similar.similar,
    evaluate.evaluate,
    challenge.challenge,
    sweep.sweep,
    architectures.architectures,
    architectures.ratings,
    export.export,
    demo.demo,
    doctor.doctor,
):
    app.command()(_command)
app.add_typer(model.model)
app.add_typer(themes.app)
app.add_typer(towers.app)
app.add_typer(sentiment.app)
app.add_typer(fetch.app)
