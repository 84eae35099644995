"""``segue config``: what is set, and where that comes from; secrets are never shown."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

__all__ = ["SECRETS", "VARIABLES", "Setting", "Variable", "app", "found_settings", "found_variables"]

app = typer.Typer(
    name="config", no_args_is_help=True, rich_markup_mode="rich", help="Settings: what is set, and where."
)

SECRETS = {
    "OPENAI_API_KEY": "key of a language model's service",
    "LASTFM_API_KEY": "key for Last.fm",
    "LISTENBRAINZ_TOKEN": "token for ListenBrainz",
    "SPOTIFY_CLIENT_ID": "your own client at Spotify",
    "SPOTIFY_CLIENT_SECRET": "and its secret",
    "SEGUE_JELLYFIN_API_KEY": "key for Jellyfin",
    "SEGUE_JELLYFIN_PASSWORD": "or a password",
    "SEGUE_SUBSONIC_API_KEY": "key for a Subsonic server",
    "SEGUE_SUBSONIC_PASSWORD": "or a password",
    "SEGUE_KEY": "key for a Segue service",
    "SEGUE_SALT": "secret that listeners' names are hashed with",
}
"""Variables of which is said only whether they are set."""

VARIABLES = {
    "SEGUE_MODEL": "title model where no -m says it",
    "SEGUE_SEARCH": "search model where no -m says it",
    "SEGUE_CACHE": "folder of remembered answers",
    "SEGUE_CONTACT": "how services that are asked can reach you",
    "SEGUE_LM": "language model, as KIND:MODEL",
    "SEGUE_LM_ALLOW_HTTP": "whether models on other machines may be asked without encryption",
    "OPENAI_BASE_URL": "where an OpenAI-compatible server is",
    "OLLAMA_HOST": "where Ollama is",
    "SEGUE_JELLYFIN_URL": "where Jellyfin is",
    "SEGUE_JELLYFIN_USER": "and who you are there",
    "SEGUE_SUBSONIC_URL": "where the Subsonic server is",
    "SEGUE_SUBSONIC_USER": "and who you are there",
    "SEGUE_SPOTIFY_PORT": "port for Spotify's login",
    "SEGUE_LASTFM_URL": "another place for Last.fm",
    "SEGUE_LRCLIB_URL": "another place for LRCLIB",
    "SEGUE_LYRICS_OVH_URL": "another place for lyrics.ovh",
    "SEGUE_RECCOBEATS_URL": "another place for ReccoBeats",
    "SEGUE_SPOTIFY_URL": "another place for Spotify",
    "SEGUE_SPOTIFY_ACCOUNTS_URL": "another place for Spotify's login",
    "SEGUE_LISTENBRAINZ_URL": "another place for ListenBrainz",
    "OMP_NUM_THREADS": "threads of one process",
    "HF_HUB_OFFLINE": "whether models are fetched",
    "XDG_CACHE_HOME": "folder of caches",
    "XDG_CONFIG_HOME": "folder of logins",
}
"""Variables that are shown, unless their value looks like a secret."""

_HIDDEN = "set"
_UNSET = "not set"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}\Z")
_SECRET_NAME = re.compile(r"key|token|secret|password|passwd|salt|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(?:sk|pk|ghp|gho|hf|xox[abp]|segue|eyJ)[-_][A-Za-z0-9_-]{8}|[A-Za-z0-9+_-]{40}")
"""Forms that keys of well-known services have, and what is long and random."""


@dataclass(frozen=True)
class Setting:
    """A key of segue.toml, its value, and whether that is from the file, the environment, or the default."""

    name: str
    value: str | int | float | bool | None
    source: str


@dataclass(frozen=True)
class Variable:
    """A variable of the environment: what for, and its value, or whether it is set."""

    name: str
    what: str
    value: str


@app.command()
def show(
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings in TOML.", show_default="./segue.toml")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Print every setting with its value and where that comes from, and every variable that is read.

    Of keys, passwords and addresses with a name in them it says only whether they are set.

    [dim]segue config show[/]

    [dim]segue config show --json | jq '.settings[] | select(.source != "default")'[/]
    """
    settings, variables = found_settings(config), found_variables(config)
    if as_json:
        import json

        found = {"settings": [asdict(s) for s in settings], "environment": [asdict(v) for v in variables]}
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from segue.cli.terminal import plain

    for title, rows in (
        ("settings", [(s.name, _said(s.value), s.source) for s in settings]),
        ("environment", [(v.name, v.value, v.what) for v in variables]),
    ):
        table = Table(title, "", "", box=None, pad_edge=False)
        for name, value, rest in rows:
            table.add_row(Text(plain(name)), Text(plain(value, 200)), Text(rest, style="dim"))
        Console().print(table)


def found_settings(config: Path | None = None) -> list[Setting]:
    """All keys that segue.toml may have.

    Raises:
        InputError: the settings cannot be read.
    """
    from segue.cli.settings import read_settings

    given = read_settings(config)
    in_environment = {name.upper() for name in os.environ}
    return _walked(given, _defaults(), "", in_environment, "SEGUE")


def found_variables(config: Path | None = None) -> list[Variable]:
    """All variables that are read, and those named ``SEGUE_*`` that nobody knows.

    Raises:
        InputError: the settings cannot be read.
    """
    from segue.cli.settings import Settings, read_settings

    secrets = dict(SECRETS)
    key_env = read_settings(config).language_model.settings().key_env
    if _VARIABLE.match(key_env):
        secrets.setdefault(key_env, "key of the language model, as segue.toml names it")
    found = [Variable(name, what, _shown_variable(name)) for name, what in VARIABLES.items() if name not in secrets]
    found += [Variable(name, what, _HIDDEN if os.environ.get(name) else _UNSET) for name, what in secrets.items()]
    parts = tuple(f"SEGUE_{name.upper()}" for name in Settings.model_fields)
    known = {*secrets, *VARIABLES}
    for name in sorted(os.environ):
        if name.upper().startswith("SEGUE_") and name not in known and not _is_part(name.upper(), parts):
            found.append(Variable(name, "nothing here reads it", _HIDDEN))
    return found


def _is_part(name: str, parts: tuple[str, ...]) -> bool:
    return name in parts or name.startswith(tuple(f"{part}__" for part in parts))


def _shown_variable(name: str) -> str:
    value = os.environ.get(name)
    return _UNSET if value is None else str(_shown(name, value))


def _shown(name: str, value: Any) -> str | int | float | bool | None:
    """A value as it may be shown."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    last = name.rsplit(".", 1)[-1]
    if last.endswith("key_env"):
        return text if _VARIABLE.match(text) else _HIDDEN
    if (text and _SECRET_NAME.search(last)) or _SECRET_VALUE.search(text) or _holds_a_name(text):
        return _HIDDEN
    return text


def _holds_a_name(text: str) -> bool:
    """Whether an address has a name, a password or a query in it, in whatever spelling."""
    if "://" not in text and "//" not in text and "@" not in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return True
    return "@" in text or bool(parts.query or parts.fragment)


def _walked(given: Any, defaults: Any, path: str, in_environment: set[str], variable: str) -> list[Setting]:
    """The leaves of a table of settings, and of those in it."""
    from pydantic import BaseModel

    found = []
    for name in type(given).model_fields:
        value, default = getattr(given, name), _get(defaults, name)
        here, its_variable = f"{path}.{name}" if path else name, f"{variable}_{'_' if path else ''}{name.upper()}"
        kind = _table(type(given).model_fields[name].annotation)
        if kind is not None:
            table = value if isinstance(value, BaseModel) else kind()
            found += _walked(table, default, here, in_environment, its_variable)
            continue
        was_given = name in given.model_fields_set and value is not None
        source = "default" if not was_given else "environment" if _named(its_variable, in_environment) else "file"
        found.append(Setting(here, _shown(here, value if was_given else default), source))
    return found


def _named(variable: str, in_environment: set[str]) -> bool:
    """Whether the environment has a variable, or one of a table that it is in, as JSON."""
    return any(variable == name or variable.startswith(f"{name}__") for name in in_environment)


def _table(annotation: Any) -> Any:
    """The table that a field is; None for a leaf."""
    import typing

    from pydantic import BaseModel

    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _get(defaults: Any, name: str) -> Any:
    return defaults.get(name) if isinstance(defaults, dict) else getattr(defaults, name, None)


def _defaults() -> dict[str, Any]:
    """What applies where nothing is given, by table."""
    from segue.cli.options import ListDefaults
    from segue.cli.settings import TrainSection
    from segue.lm.opening import LmSettings
    from segue.serve.settings import ServeSettings
    from segue.systems.builds import TrainSettings

    own = {name: TrainSection.model_fields[name].default for name in ("recipe", "base_model", "hold_out")}
    train = TrainSettings()
    return {
        "train": {**{name: getattr(train, name) for name in train.__dataclass_fields__}, **own},
        "recommend": ListDefaults(),
        "language_model": LmSettings(),
        "serve": ServeSettings(model=Path("model")),
    }


def _said(value: Any) -> str:
    if value is None:
        return "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
