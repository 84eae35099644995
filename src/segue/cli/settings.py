"""Settings: segue.toml and SEGUE_* variables, checked; a key that nobody reads is an error that names it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from segue.cli.options import ListDefaults
from segue.errors import InputError
from segue.lm.opening import LmSettings
from segue.serve.settings import Limits, ServeSettings
from segue.systems.builds import TrainSettings

__all__ = ["LanguageModelSection", "RecommendSection", "ServeSection", "Settings", "TrainSection", "read_settings"]

_FILE = Path("segue.toml")
_Made = TypeVar("_Made")


def _mirror(of: Any) -> type[BaseModel]:
    """A pydantic model with the fields of a dataclass, nested ones too; unknown keys are refused."""
    hints = typing.get_type_hints(of)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(of):
        hint = hints[field.name]
        fields[field.name] = ((_mirror(hint) if dataclasses.is_dataclass(hint) else hint) | None, None)
    return create_model(of.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _made(of: type[_Made], values: Any) -> _Made:
    """The dataclass with the values that were given, its own defaults elsewhere."""
    hints = typing.get_type_hints(of)
    given: dict[str, Any] = {}
    for name in hints.keys() & values.model_fields_set:
        value = getattr(values, name)
        if value is not None:
            given[name] = _made(hints[name], value) if dataclasses.is_dataclass(hints[name]) else value
    return of(**given)


class TrainSection(_mirror(TrainSettings)):  # type: ignore[misc]
    """``[train]``: what ``segue train`` does where its options say nothing.

    Besides the three below it has the fields of :class:`~segue.systems.builds.TrainSettings`, whose own parts are
    tables: ``[train.vote]``, ``[train.grid]``.
    """

    recipe: str = "title_vote"
    base_model: str | None = None
    hold_out: bool = False

    def settings(self) -> TrainSettings:
        """The settings of the training, defaults where nothing was given.

        Raises:
            InputError: a value makes no sense.
        """
        vote = getattr(self, "vote", None)
        for key in ("epochs", "batch_size", "max_playlists"):
            value = getattr(vote, key, None)
            if value is not None and value < 1:
                raise InputError(f"train.vote.{key} is {value}; it must be at least 1")
        return _made(TrainSettings, self)


class RecommendSection(_mirror(ListDefaults)):  # type: ignore[misc]
    """``[recommend]``: how lists look where the options say nothing."""

    def defaults(self) -> ListDefaults:
        """The values given, the usual ones elsewhere."""
        return _made(ListDefaults, self)


class LanguageModelSection(_mirror(LmSettings)):  # type: ignore[misc]
    """``[language_model]``: which one, where, and what it costs; keys are read from the environment alone."""

    def settings(self) -> LmSettings:
        """The values given, the usual ones elsewhere."""
        return _made(LmSettings, self)


class ServeSection(_mirror(ServeSettings)):  # type: ignore[misc]
    """``[serve]``: what ``segue serve`` does where its options say nothing; ``[serve.limits]`` is a table of it."""

    def given(self) -> dict[str, Any]:
        """The values that were given, by field.

        Raises:
            InputError: limits that make no sense.
        """
        found = {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}
        return found | ({"limits": _made(Limits, found["limits"])} if "limits" in found else {})


class Settings(BaseSettings):
    """Everything that can be set; variables such as ``SEGUE_TRAIN__VOTE__EPOCHS`` win over the file.

    A variable whose first part is unknown is passed over: others may set ``SEGUE_*`` too.
    """

    model_config = SettingsConfigDict(env_prefix="SEGUE_", env_nested_delimiter="__", extra="forbid", toml_file=_FILE)
    model: Path | None = None
    train: TrainSection = TrainSection()
    recommend: RecommendSection = RecommendSection()
    language_model: LanguageModelSection = LanguageModelSection()
    serve: ServeSection = ServeSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables, then the file; no .env, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(path: Path | None = None) -> Settings:
    """Read the given file, or ./segue.toml if it is there, and SEGUE_* variables.

    Raises:
        InputError: the file cannot be read, a key is unknown, or a value does not fit; the message names it.
    """
    file = path or _FILE
    if path is not None and not path.is_file():
        raise InputError(f"there is no settings file {path}; give another with --config, or none")

    class Here(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Here()
    except ValidationError as error:
        raise InputError(_sentence(error, file)) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as TOML ({error}); mend it or move it away") from error


def _sentence(error: ValidationError, file: Path) -> str:
    where = f"{file} (or a SEGUE_* variable)" if file.is_file() else "a SEGUE_* variable"
    for found in error.errors():
        if found["type"] == "extra_forbidden":
            known = ", ".join(_known(found["loc"][:-1]))
            return f"{where} has an unknown key {'.'.join(map(str, found['loc']))!r}; known there: {known}"
    found = error.errors()[0]
    key = ".".join(map(str, found["loc"]))
    return f"{where}: {key} cannot be {str(found['input'])[:80]!r} ({found['msg'].lower()})"


def _known(loc: Sequence[int | str]) -> list[str]:
    """The keys that a table has."""
    at: Any = Settings
    for name in loc:
        kinds = [at.model_fields[str(name)].annotation]
        kinds += list(typing.get_args(kinds[0]))
        at = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(at.model_fields)
