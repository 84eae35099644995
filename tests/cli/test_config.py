"""``segue config show``: every setting and where it comes from, and never a secret."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

import segue
from segue.cli.config import SECRETS, VARIABLES

# so that each can be told from the others wherever it comes out
PLANTED = {name: f"pl4nted{i:03d}" for i, name in enumerate(SECRETS)}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, *VARIABLES):
        monkeypatch.delenv(name, raising=False)


def _shown(segue: Any) -> tuple[dict[str, tuple[Any, str]], dict[str, str]]:
    found = json.loads(segue("config", "show", "--json").stdout)
    settings = {one["name"]: (one["value"], one["source"]) for one in found["settings"]}
    return settings, {one["name"]: one["value"] for one in found["environment"]}


def test_values_come_with_where_they_are_from(segue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("segue.toml").write_text(
        'model = "a"\n[train.vote]\nepochs = 7\nbatch_size = 9\n[serve]\nport = 1234\n[serve.limits]\ndepth = 5\n'
    )
    monkeypatch.setenv("SEGUE_TRAIN__VOTE__EPOCHS", "3")
    monkeypatch.setenv("segue_recommend__n", "12")
    monkeypatch.setenv("SEGUE_LANGUAGE_MODEL", '{"context": 99}')
    settings, _ = _shown(segue)
    assert settings["model"] == ("a", "file")
    assert settings["train.vote.epochs"] == (3, "environment")
    assert settings["train.vote.batch_size"] == (9, "file")
    assert settings["recommend.n"] == (12, "environment")
    assert settings["language_model.context"] == (99, "environment")
    assert settings["serve.port"] == (1234, "file")
    assert settings["serve.limits.depth"] == (5, "file")
    assert settings["serve.limits.body_bytes"] == (1 << 20, "default")


def test_every_key_that_segue_toml_may_have_is_there_with_its_default(segue: Any) -> None:
    from segue.cli.options import ListDefaults
    from segue.lm.opening import LmSettings
    from segue.serve.settings import Limits

    settings, _ = _shown(segue)
    assert {source for _, source in settings.values()} == {"default"}
    for part, of in (("recommend", ListDefaults()), ("language_model", LmSettings()), ("serve.limits", Limits())):
        for field in dataclasses.fields(of):
            value, _ = settings[f"{part}.{field.name}"]
            default = getattr(of, field.name)
            assert value == (", ".join(default) if isinstance(default, tuple) else default)


def test_no_secret_is_ever_shown(segue: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    for name, secret in PLANTED.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("SEGUE_SOMETHING_NEW", "pl4nted-new")
    monkeypatch.setenv("MY_KEY", "pl4nted-mine")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:pl4nted@models.example/v1")
    monkeypatch.setenv("OLLAMA_HOST", "pl4nted@ollama.example")
    monkeypatch.setenv("SEGUE_JELLYFIN_URL", "https://jellyfin.example/?api_key=pl4nted")
    monkeypatch.setenv("SEGUE_SUBSONIC_URL", "https://[pl4nted")
    monkeypatch.setenv("SEGUE_SUBSONIC_USER", "sk-pl4ntedpl4nted")
    monkeypatch.setenv("SEGUE_LM", "openai:" + "pl4nted0" * 6)
    Path("segue.toml").write_text(
        '[language_model]\nkey_env = "MY_KEY"\nbase_url = "https://pl4nted:pl4nted@models.example"\n'
        '[serve]\norigins = ["https://pl4nted@a.example"]\n'
    )
    for arguments in (("config", "show"), ("config", "show", "--json")):
        result = segue(*arguments)
        assert "pl4nted" not in result.stdout + result.stderr + caplog.text
    settings, variables = _shown(segue)
    assert settings["language_model.base_url"] == settings["serve.origins"] == ("set", "file")
    assert {name: variables[name] for name in PLANTED} == dict.fromkeys(PLANTED, "set")
    assert variables["SEGUE_SOMETHING_NEW"] == variables["MY_KEY"] == variables["OPENAI_BASE_URL"] == "set"


def test_a_key_in_the_place_of_its_variables_name_is_not_shown(segue: Any) -> None:
    Path("segue.toml").write_text('[language_model]\nkey_env = "sk-pl4nted"\n')
    for arguments in (("config", "show"), ("config", "show", "--json")):
        result = segue(*arguments)
        assert "pl4nted" not in result.stdout + result.stderr


def test_without_secrets_it_says_so_and_shows_the_rest(segue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1234/v1")
    monkeypatch.setenv("SEGUE_LM", "ollama:llama3.2:3b")
    _, variables = _shown(segue)
    assert {variables[name] for name in SECRETS} == {"not set"}
    assert variables["OPENAI_BASE_URL"] == "http://localhost:1234/v1"
    assert variables["SEGUE_LM"] == "ollama:llama3.2:3b"


def test_an_unknown_key_is_refused_without_its_value(refused: Any) -> None:
    Path("segue.toml").write_text('[language_model]\napi_key = "pl4nted"\n')
    said = refused("config", "show")
    assert "api_key" in said
    assert "pl4nted" not in said


def test_hostile_values_cannot_move_the_cursor(segue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_CACHE", "a\x1b[2Jb")
    assert "\x1b" not in segue("config", "show").stdout


def test_every_variable_that_the_code_reads_is_known() -> None:
    """Whoever adds one says there whether it is a secret."""
    name = re.compile(r'"((?:SEGUE|SPOTIFY|LASTFM|LISTENBRAINZ|OPENAI|OLLAMA|GENIUS)_[A-Z0-9_]*[A-Z0-9])"')
    found = set()
    for path in Path(segue.__file__).parent.rglob("*.py"):
        if path.name != "config.py":
            found |= set(name.findall(path.read_text()))
    # the beginning of those of segue.toml, and a name of Python's
    ours = found - {"SEGUE_RECOMMEND", "SPOTIFY_ACCOUNTS"}
    assert ours <= {*SECRETS, *VARIABLES}
    for variable in ours:
        if re.search("KEY|TOKEN|SECRET|PASSWORD|SALT", variable):
            assert variable in SECRETS
