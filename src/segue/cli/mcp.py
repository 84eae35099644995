"""``segue mcp``: tools for language-model programs, over standard input and output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from segue.cli.options import ModelOption, chosen_model

__all__ = ["mcp"]


def mcp(
    model: ModelOption = None,
    search: Annotated[
        Path | None,
        typer.Option(
            "--search", help="Search model, for the tool 'search'.", show_default="./search, if it is there"
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            "--tracks", help="Track model, for the tool 'similar'.", show_default="./tracks.model, if it is there"
        ),
    ] = None,
    owned: Annotated[
        Path | None,
        typer.Option("--from", metavar="LIBRARY", help="Recommend tracks of this library alone.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Folder into which 'export' writes files; without it, it returns their text.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Offer recommend, search, similar and export as tools (Model Context Protocol) to a program that starts this.

    Such a program is told the command; it then talks to it over standard input and output:

    [dim]{"mcpServers": {"segue": {"command": "segue", "args": ["mcp", "-m", "/path/to/model"]}}}[/]

    Nothing is written but with --out, and no network is used.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from segue.errors import InputError, MissingDependency

    try:
        from segue.serve.mcp import tools_server
    except ModuleNotFoundError as error:
        raise MissingDependency("the server of tools", extra="serve") from error
    from segue.cli.terminal import say
    from segue.serve.engine import Engine
    from segue.serve.settings import ServeSettings

    if out is not None and not out.is_dir():
        raise InputError(f"{out} is no folder; make it first, so that nothing is written to a place by mistake")
    settings = ServeSettings(
        model=chosen_model(model),
        search=search or _there("search"),
        tracks=tracks or _there("tracks.model"),
        owned=owned,
    )
    engine = Engine.open(settings)
    said = ["recommend", "export"]
    said += ["search"] if engine.search is not None else []
    said += ["similar"] if engine.tracks is not None else []
    say(f"tools over standard input and output: {', '.join(said)}")
    tools_server(lambda: engine, out).run()


def _there(name: str) -> Path | None:
    return Path(name) if (Path(name) / "manifest.json").is_file() else None
