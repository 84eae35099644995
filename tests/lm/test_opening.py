from __future__ import annotations

from pathlib import Path

import pytest

from lm.planted import Year, jobs_of
from lm.server import KEY, serving_chat
from models.tiny_gpt2 import write_tiny_gpt2
from segue.cli.settings import read_settings
from segue.errors import InputError, SegueError
from segue.lm.base import Prices
from segue.lm.jobs import run
from segue.lm.local import LocalModel
from segue.lm.ollama import Ollama
from segue.lm.openai_compatible import OpenAICompatible
from segue.lm.opening import LmSettings, open_model
from segue.lm.replay import Recording, Replay


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SEGUE_LM", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("spec", [None, "none", " none ", ""])
def test_without_a_model_there_is_none(spec: str | None) -> None:
    assert open_model(spec) is None


def test_what_is_named_wins_over_the_variable_and_that_over_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LmSettings(model="ollama:of-the-file")
    found = open_model(None, settings)
    assert found is not None and found.name.endswith("of-the-file")
    monkeypatch.setenv("SEGUE_LM", "ollama:of-the-variable")
    found = open_model(None, settings)
    assert found is not None and found.name.endswith("of-the-variable")
    found = open_model("ollama:given:8b", settings)
    assert found is not None and found.name.endswith("given:8b")
    assert open_model("none", settings) is None
    monkeypatch.setenv("SEGUE_LM", " ")
    found = open_model(None, settings)
    assert found is not None and found.name.endswith("of-the-file")


@pytest.mark.parametrize("spec", ["gpt", "openai:", ":gpt", "litellm:gpt", "openai", "x" * 10_000, "\x1b[2J:a"])
def test_names_that_are_none(spec: str) -> None:
    with pytest.raises(InputError, match="there is no language model") as raised:
        open_model(spec)
    assert "openai:MODEL, ollama:MODEL, local:FOLDER, replay:FILE" in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_server_is_asked_with_the_key_that_the_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving_chat(lambda chat: {"year": 1999}) as server:
        settings = LmSettings(base_url=server.url, key_env="MY_KEY", prompt_price=1.0, timeout=5.0)
        model = open_model("openai:test", settings)
        assert isinstance(model, OpenAICompatible) and model.prices == Prices(1.0, 0.0)
        assert run(model, jobs_of(["a"]), Year).values() == {"k0": Year(year=1999)}
        assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(model) + repr(settings)


def test_each_kind_is_opened(tmp_path: Path) -> None:
    local = open_model(f"local:{write_tiny_gpt2(tmp_path / 'm', d=8)}", LmSettings(context=77))
    assert isinstance(local, LocalModel) and local.context == 77
    assert isinstance(open_model("ollama:tiny"), Ollama)
    with serving_chat(lambda chat: {"year": 1999}) as server:
        run(Recording(server.model(), tmp_path / "r.jsonl"), jobs_of(["a"]), Year)
    replay = open_model(f"replay:{tmp_path / 'r.jsonl'}")
    assert isinstance(replay, Replay)
    assert run(replay, jobs_of(["a"]), Year).values() == {"k0": Year(year=1999)}


@pytest.mark.parametrize("spec", ["local:nowhere", "replay:nowhere"])
def test_what_is_not_there_is_a_sentence(spec: str) -> None:
    with pytest.raises(SegueError, match="nowhere"):
        open_model(spec)


def test_the_file_says_everything_but_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "segue.toml"
    file.write_text(
        '[language_model]\nmodel = "openai:gpt"\nbase_url = "https://host.invalid/v1"\nkey_env = "K"\n'
        "context = 9000\nprompt_price = 0.5\ncompletion_price = 2\ntimeout = 9\n"
    )
    expected = LmSettings("openai:gpt", "https://host.invalid/v1", "K", 9_000, 0.5, 2.0, 9.0)
    assert read_settings().language_model.settings() == expected
    assert expected.prices == Prices(0.5, 2.0) and LmSettings().prices is None
    monkeypatch.setenv("SEGUE_LANGUAGE_MODEL__CONTEXT", "12")
    monkeypatch.setenv("SEGUE_LM", "ollama:other")  # is no setting of the file's, and none is lost by it
    assert read_settings().language_model.settings().context == 12
    file.write_text(f'[language_model]\napi_key = "{KEY}"\n')
    with pytest.raises(InputError, match=r"unknown key 'language_model\.api_key'") as raised:
        read_settings()
    assert KEY not in str(raised.value)
