"""Options that several commands share, and how a model is found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from segue.errors import InputError

__all__ = [
    "THE_LIST",
    "ConfigOption",
    "DataOption",
    "FormatOption",
    "ListDefaults",
    "ListFileOption",
    "ListJsonOption",
    "ModelOption",
    "chosen_data",
    "chosen_model",
    "kind_of_folder",
]

THE_LIST = "The list"
"""Panel of the options of a list of tracks."""

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "-m",
        "--model",
        help="Model folder. Without it: SEGUE_MODEL, 'model' in segue.toml, or the folder ./model.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Settings in TOML. Without it: ./segue.toml, if it is there.", show_default=False),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The service's data folder.", show_default="[serve] in segue.toml, ./segue-data"),
]
FormatOption = Annotated[
    Literal["table", "json", "m3u8", "xspf", "jspf", "csv"] | None,
    typer.Option(
        "--format", help="How to write it.", show_default="what -o is called, else table", rich_help_panel=THE_LIST
    ),
]
ListJsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.", rich_help_panel=THE_LIST)]
ListFileOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="File to write.", show_default="the terminal", rich_help_panel=THE_LIST),
]


@dataclass(frozen=True)
class ListDefaults:
    """How recommended lists look where the options say nothing; ``[recommend]`` in segue.toml changes it."""

    n: int = 66
    artist_cap: int | None = None
    artist_spacing: int = 0
    explicit: bool = True
    all_versions: bool = False
    exclude_artists: tuple[str, ...] = ()
    adventure: float = 0.0
    order: Literal["ranked", "smooth", "arc"] = "ranked"


def chosen_data(given: Path | None) -> Path:
    """The data folder of the service: the one given, that of the settings, or the usual one.

    Raises:
        InputError: the settings cannot be read.
    """
    from segue.cli.settings import read_settings
    from segue.serve.settings import ServeSettings

    return Path(given or read_settings().serve.given().get("data") or ServeSettings(model=Path()).data)


def chosen_model(given: Path | None) -> Path:
    """The model folder to use: what was given, else SEGUE_MODEL, else segue.toml's, else ./model.

    Raises:
        InputError: none of these is there.
    """
    if given is not None:
        return given
    if os.environ.get("SEGUE_MODEL"):
        return Path(os.environ["SEGUE_MODEL"])
    if Path("segue.toml").is_file():
        from segue.cli.settings import read_settings

        named = read_settings(None).model
        if named is not None:
            return named
    if Path("model").is_dir():
        return Path("model")
    raise InputError(
        "no model was named, and there is none in ./model; give one with -m, or make one with "
        "'segue train LIBRARY -o model' (or see 'segue demo')"
    )


def kind_of_folder(path: Path) -> str:
    """'library' or 'model', by the folder's manifest.

    Raises:
        StoredDataError: it is neither; the message names what is missing.
    """
    from segue.errors import StoredDataError
    from segue.library.arrays import read_json

    if not path.is_dir():
        raise StoredDataError(f"{path} is not a folder; give a library ('segue ingest') or a model ('segue train')")
    manifest = read_json(path / "manifest.json")
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if kind not in ("segue library", "segue model"):
        raise StoredDataError(f"{path / 'manifest.json'} describes neither a library nor a model of Segue")
    return str(kind).removeprefix("segue ")
