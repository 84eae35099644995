from __future__ import annotations

import json
from pathlib import Path

import pytest

from lm.planted import Year, jobs_of
from lm.server import KEY, serving_chat, serving_embeddings
from models.tiny_gpt2 import write_tiny_gpt2
from segue.cli.settings import read_settings
from segue.errors import InputError, SegueError
from segue.lm.base import Prices
from segue.lm.embeddings import EndpointEncoder
from segue.lm.jobs import run
from segue.lm.local import LocalModel
from segue.lm.ollama import Ollama
from segue.lm.openai_compatible import OpenAICompatible
from segue.lm.opening import LmSettings, open_encoder, open_model
from segue.lm.replay import Recording, Replay


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SEGUE_LM", "SEGUE_LM_ALLOW_HTTP", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OLLAMA_HOST"):
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


def test_no_key_is_sent_but_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OPENAI_API_KEY holds is for OpenAI, or for whom no other variable was named."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving_chat(lambda chat: {"year": 1999}) as server:
        settings = LmSettings(base_url=server.url, key_env="MY_KEY")
        for opens in (lambda: open_model("openai:test", settings), lambda: open_encoder("endpoint:e", settings)):
            with pytest.raises(InputError, match="MY_KEY is not set") as raised:
                opens()
            assert KEY not in str(raised.value)
        monkeypatch.setenv("MY_KEY", "")  # says that the server needs none
        model = open_model("openai:test", settings)
        assert model is not None and run(model, jobs_of(["a"]), Year).done
        assert KEY not in json.dumps([chat.headers for chat in server.chats])
        assert open_model("openai:test", LmSettings(base_url=server.url)) is not None


def test_an_endpoint_of_embeddings_is_an_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving_embeddings(d=8) as server:
        encoder = open_encoder("endpoint:embed:large", LmSettings(base_url=f"{server.url}/v1", key_env="MY_KEY"))
        assert isinstance(encoder, EndpointEncoder) and encoder.encode(["road trip"]).shape == (1, 8)
        assert json.loads(server.asked[0].body)["model"] == "embed:large"
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        assert open_encoder(" endpoint:embed ").d == 8
    for spec in ("endpoint:", "embed", "endpoint", "openai:embed", ""):
        with pytest.raises(InputError, match="endpoint:MODEL"):
            open_encoder(spec)


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_nothing_goes_to_another_machine_in_the_clear(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LmSettings(base_url="http://host.invalid/v1")
    with pytest.raises(SegueError, match="SEGUE_LM_ALLOW_HTTP=1"):
        open_model(f"{kind}:test", settings)
    monkeypatch.setenv("SEGUE_LM_ALLOW_HTTP", "1")
    assert open_model(f"{kind}:test", settings) is not None


def test_each_kind_is_opened(tmp_path: Path) -> None:
    local = open_model(f"local:{write_tiny_gpt2(tmp_path / 'm', d=8)}", LmSettings(context=77))
    assert isinstance(local, LocalModel) and local.context == 77
    assert isinstance(open_model("ollama:tiny"), Ollama)
    with serving_chat(lambda chat: {"year": 1999}) as server:
        run(Recording(server.model(), tmp_path / "r.jsonl"), jobs_of(["a"]), Year)
    replay = open_model(f"replay:{tmp_path / 'r.jsonl'}")
    assert isinstance(replay, Replay)
    assert run(replay, jobs_of(["a"]), Year).values() == {"k0": Year(year=1999)}


def test_of_a_file_of_several_models_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "replies#1.jsonl"
    with serving_chat(lambda chat: {"year": int(chat.model[1:])}) as server:
        for name in ("m1", "m2"):
            run(Recording(server.model(name), file), jobs_of(["a"]), Year)
    with pytest.raises(SegueError, match=r"several models \(openai:m1, openai:m2\).*replay:FILE#MODEL"):
        open_model(f"replay:{file}")
    for year in (1, 2):
        replay = open_model(f"replay:{file}#openai:m{year}")
        assert replay is not None and run(replay, jobs_of(["a"]), Year).values() == {"k0": Year(year=year)}


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
    monkeypatch.setenv("SEGUE_LANGUAGE_MODEL__PROMPT_PRICE", "0.25")
    monkeypatch.setenv("SEGUE_LANGUAGE_MODEL__CONTEXT", "12")
    monkeypatch.setenv("SEGUE_LM", "ollama:other")  # is no setting of the file's, and none is lost by it
    changed = read_settings().language_model.settings()
    assert changed.context == 12 and changed.prices == Prices(0.25, 2.0)
    file.write_text(f'[language_model]\napi_key = "{KEY}"\n')
    with pytest.raises(InputError, match=r"unknown key 'language_model\.api_key'") as raised:
        read_settings()
    assert KEY not in str(raised.value)
