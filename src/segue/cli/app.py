"""The ``segue`` command and its list of commands."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from segue.cli import (
    analyse,
    annotate,
    architectures,
    challenge,
    config,
    demo,
    describe,
    distil,
    doctor,
    evaluate,
    export,
    feedback,
    fetch,
    finetune,
    grade,
    index,
    ingest,
    judge,
    keys,
    label,
    listeners,
    match,
    mcp,
    model,
    monitor,
    pull,
    push,
    queries,
    recommend,
    review,
    search,
    sentiment,
    serve,
    similar,
    space_map,
    summarise,
    sweep,
    themes,
    towers,
    train,
    tune,
    update,
)
from segue.errors import SegueError

if TYPE_CHECKING:
    from typer._click.core import Context

__all__ = ["app"]


class _Commands(TyperGroup):
    """Commands in the order in which they are used; what a user can mend is one sentence and exit code 2.

    typer makes the options of all commands whenever one is called, which with forty of them is most of what
    ``--help`` costs. Here the list holds names and first sentences, and a command is made when it is called.
    """

    def list_commands(self, ctx: Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _listed(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        if args and args[0] in _COMMANDS:
            self.commands[args[0]] = _made(args[0])
        else:  # typer looks for what may have been meant
            self.commands.update((name, _listed(name)) for name in _COMMANDS)
        return super().resolve_command(ctx, args)

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


_COMMANDS: dict[str, Callable[..., Any] | typer.Typer] = {
    "ingest": ingest.ingest,
    "annotate": annotate.annotate,
    "fetch": fetch.app,
    "analyse": analyse.analyse,
    "match": match.match,
    "listeners": listeners.listeners,
    "train": train.train,
    "update": update.update,
    "recommend": recommend.recommend,
    "similar": similar.similar,
    "serve": serve.serve,
    "keys": keys.app,
    "feedback": feedback.app,
    "towers": towers.app,
    "themes": themes.app,
    "map": space_map.space_map,
    "finetune": finetune.finetune,
    "tune": tune.tune,
    "queries": queries.queries,
    "grade": grade.grade,
    "distil": distil.distil,
    "index": index.index,
    "search": search.search,
    "sentiment": sentiment.app,
    "architectures": architectures.architectures,
    "ratings": architectures.ratings,
    "describe": describe.describe,
    "summarise": summarise.summarise,
    "review": review.review,
    "evaluate": evaluate.evaluate,
    "challenge": challenge.challenge,
    "judge": judge.judge,
    "monitor": monitor.monitor,
    "label": label.app,
    "sweep": sweep.sweep,
    "mcp": mcp.mcp,
    "model": model.model,
    "export": export.export,
    "push": push.push,
    "pull": pull.pull,
    "demo": demo.demo,
    "config": config.app,
    "doctor": doctor.doctor,
}


def _made(name: str) -> Any:
    """A command or a group with all of its options."""
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.callback()(segue)
    what = _COMMANDS[name]
    if isinstance(what, typer.Typer):
        alone.add_typer(what)
    else:
        alone.command(name)(what)
    return typer.main.get_group(alone).commands[name]


def _listed(name: str) -> Any:
    """A command as the list of commands shows it: its name and what it does."""
    what = _COMMANDS[name]
    if isinstance(what, typer.Typer):
        callback = what.registered_callback
        said = what.info.help or (callback.callback.__doc__ if callback and callback.callback else "")
    else:
        said = what.__doc__
    return TyperCommand(name, help=inspect.cleandoc(str(said or "")), rich_markup_mode="rich")
