"""``segue serve``: models -> a page and an API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.serve.settings import ServeSettings

__all__ = ["serve"]

_MODELS = "Models"
_WHO = "Who may ask"
# what is there without being named, by field: a variable, and a place
_USUAL: dict[str, tuple[str, str]] = {
    "search": ("SEGUE_SEARCH", "search"),
    "tracks": ("", "tracks.model"),
    "towers": ("", "towers"),
    "map": ("", "map.json"),
}
_MADE_BY = {
    "search": ("finding playlists", "--search", "segue index LIBRARY -o search"),
    "tracks": ("similar songs", "--tracks", "segue similar --train LIBRARY -m tracks.model"),
    "towers": ("lists for a listener", "--towers", "segue towers train LIBRARY -o towers"),
    "map": ("the map", "--map", "segue map MODEL -o map.json"),
    "owned": ("your own music alone", "--from", "segue ingest MUSIC -o LIBRARY"),
}


def serve(
    model: Annotated[
        Path | None,
        typer.Option(
            "-m", "--model", help="Title model.", show_default="as for recommend, ./model", rich_help_panel=_MODELS
        ),
    ] = None,
    search: Annotated[
        Path | None,
        typer.Option(
            "--search",
            help="Search model: brings the tab for playlists.",
            show_default="./search",
            rich_help_panel=_MODELS,
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            "--tracks",
            help="Track model: brings similar songs.",
            show_default="./tracks.model",
            rich_help_panel=_MODELS,
        ),
    ] = None,
    towers: Annotated[
        Path | None,
        typer.Option(
            "--towers",
            help="Two-tower model: brings lists for a listener.",
            show_default="./towers",
            rich_help_panel=_MODELS,
        ),
    ] = None,
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="File of 'segue map'.", show_default="./map.json", rich_help_panel=_MODELS),
    ] = None,
    owned: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="LIBRARY",
            help="Library of your own music: nothing else is recommended.",
            show_default=False,
            rich_help_panel=_MODELS,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder for saved playlists, feedback and keys.", show_default="./segue-data"),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.", show_default="8765")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Processes.", show_default="1")
    ] = None,
    keys: Annotated[
        bool | None,
        typer.Option(
            "--keys/--no-keys",
            help="Whether the API wants a key; 'segue keys add' makes them.",
            show_default="no keys",
            rich_help_panel=_WHO,
        ),
    ] = None,
    open_to_all: Annotated[
        bool,
        typer.Option(
            "--open-to-all",
            help="Listen for other machines without keys: whoever reaches the port may ask and save.",
            rich_help_panel=_WHO,
        ),
    ] = False,
    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Pages elsewhere that browsers may ask from; may be repeated.",
            show_default=False,
            rich_help_panel=_WHO,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="HOST",
            help="Name under which it is reached, behind a proxy say; may be repeated.",
            show_default="its own address",
            rich_help_panel=_WHO,
        ),
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(
            "--per-minute",
            min=0,
            help="Requests of one key, or of one address; 0 for any number.",
            show_default="0",
            rich_help_panel=_WHO,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings in TOML, its table [serve].", show_default="./segue.toml"),
    ] = None,
) -> None:
    """Serve the page and the API.

    It runs until Ctrl-C. Models that are put into the place of those that it opened are taken up within a second,
    without a dropped request; SIGHUP has all of them opened again.

    [dim]segue serve -m model --open[/]

    [dim]segue serve -m model --search search --tracks tracks.model --workers 2[/]

    [dim]segue keys add phone && segue serve --host 0.0.0.0 --keys --per-minute 120[/]
    """
    # each request is small; a pool of threads for each would only be in the way of the others
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    given: dict[str, Any] = {
        "model": model,
        "search": search,
        "tracks": tracks,
        "towers": towers,
        "map": map_,
        "owned": owned,
        "data": data,
        "host": host,
        "port": port,
        "workers": workers,
        "keys": keys,
        "origins": tuple(origins) if origins else None,
        "hosts": tuple(names) if names else None,
    }
    settings = _settings({name: value for name, value in given.items() if value is not None}, per_minute, config)
    _check_reach(settings, open_to_all=open_to_all)
    try:
        from segue.serve.run import run
    except ModuleNotFoundError as error:
        from segue.errors import MissingDependency

        raise MissingDependency(f"serving (no module {error.name!r})", extra="serve") from error
    from segue.cli.terminal import say

    def ready(address: str) -> None:
        print(address, flush=True)
        for line in _what_is_on(settings):
            say(line)
        if open_browser:
            import threading
            import webbrowser

            # a browser that is started here may take its time, and the service must answer it
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    say(f"opening {settings.model}")
    run(settings, ready=ready)
    say("ended; every request that had come was answered")


def _settings(given: dict[str, Any], per_minute: int | None, config: Path | None) -> ServeSettings:
    """What the options say, else ``[serve]``, else what is there."""
    from dataclasses import replace

    from segue.cli.options import chosen_model
    from segue.cli.settings import read_settings
    from segue.serve.settings import Limits, ServeSettings

    found = read_settings(config).serve.given()
    for field, (variable, place) in _USUAL.items():
        named = os.environ.get(variable) if variable else None
        if named:
            found.setdefault(field, Path(named))
        elif Path(place).exists():
            found.setdefault(field, Path(place))
    found |= given
    if "model" not in found:
        found["model"] = chosen_model(None)
    if per_minute is not None:
        found["limits"] = replace(found.get("limits", Limits()), per_minute=per_minute)
    return ServeSettings(**found)


def _check_reach(settings: ServeSettings, *, open_to_all: bool) -> None:
    """Refuse to be reached by other machines without keys, unless that was said.

    Raises:
        InputError: it would be.
    """
    from segue.serve.settings import HERE

    if settings.keys or settings.host in HERE or open_to_all:
        return
    raise InputError(
        f"--host {settings.host} lets other machines in, and whoever reaches it could ask and save; add --keys "
        "(and make one with 'segue keys add NAME'), or say --open-to-all if that is meant"
    )


def _what_is_on(settings: ServeSettings) -> list[str]:
    """What the service has, what it has not, and how to turn that on."""
    on, off = [f"lists for titles and songs ({settings.model})"], []
    for field, (what, option, made_by) in _MADE_BY.items():
        place = getattr(settings, field)
        if place is not None:
            on.append(f"{what} ({place})")
        else:
            off.append(f"off: {what}; turn it on with {option} ('{made_by}' makes it)")
    asks = f"keys in {settings.data / 'keys.json'}" if settings.keys else "no keys"
    return [f"on: {'; '.join(on)}", *off, f"writes to {settings.data}; {asks}; Ctrl-C ends it"]
