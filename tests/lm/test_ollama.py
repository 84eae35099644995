from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from contracts.language_model import LanguageModelContract, answer_to
from segue.lm.base import InvalidReply, LanguageModel, LanguageModelError, Message, Prices, Temporary, TooLong, Usage
from segue.lm.ollama import Ollama
from services.server import Asked, Reply, js, page, serving

ASK = [Message("system", "Be brief."), Message("user", "Which year?")]


class Year(BaseModel):
    model_config = ConfigDict(extra="forbid")

    year: int


@dataclass
class OllamaServer:
    """Speaks ``/api/chat`` without streams, for the one model that it has, and cuts prompts as Ollama does."""

    answer: Callable[[str], Any] = lambda text: {"year": 1999}
    model: str = "tiny"
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    first: list[Reply] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) != ("POST", "/api/chat"):
            return Reply(404, b"404 page not found")
        body = json.loads(asked.body)
        self.asked.append(body)
        if self.first:
            return self.first.pop(0)
        if body["model"] != self.model:
            return js({"error": f"model '{body['model']}' not found"}, 404)
        words = "\n".join(message["content"] for message in body["messages"]).split(" ")
        kept = words[-body["options"]["num_ctx"] :]
        answer = self.answer(" ".join(kept))
        return reply(answer if isinstance(answer, str) else json.dumps(answer), len(kept))


def reply(text: str, prompt: int | None = 9, *, reason: str = "stop", **changes: Any) -> Reply:
    counted = {"eval_count": len(text.split()), **({} if prompt is None else {"prompt_eval_count": prompt})}
    message = {"role": "assistant", "content": text}
    return js({"model": "tiny", "message": message, "done": True, "done_reason": reason, **counted, **changes})


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    app = OllamaServer()
    with serving(app) as server:
        app.url = server.url
        yield app
    assert not app.first, "every reply that was prepared has been asked for"


@pytest.fixture
def model(server: OllamaServer) -> Iterator[Ollama]:
    model = Ollama("tiny", base_url=server.url, num_ctx=16_384)
    yield model
    model.close()


class TestContract(LanguageModelContract):
    @pytest.fixture
    def model(self, model: Ollama, server: OllamaServer) -> LanguageModel:
        server.answer = answer_to
        return model

    @pytest.fixture
    def broken(self, model: Ollama, server: OllamaServer) -> LanguageModel:
        server.answer = lambda text: {"number": "seven\nand more"}
        return model


def test_the_request_is_the_native_one(model: Ollama, server: OllamaServer) -> None:
    made = model.complete(ASK, Year, prompt="year-1", temperature=0.5, max_tokens=77)
    assert server.asked == [
        {
            "model": "tiny",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which year?"}],
            "stream": False,
            "format": Year.model_json_schema(),
            "options": {"num_ctx": 16_384, "num_predict": 77, "temperature": 0.5, "seed": 0},
        }
    ]
    assert made.value.year == 1999 and made.usage == Usage(3, 2)
    assert made.cost == 0.0 and model.prices == Prices() and made.model == "ollama:tiny" and made.prompt == "year-1"


def test_a_prompt_that_may_not_fit_is_not_sent(server: OllamaServer) -> None:
    model = Ollama("tiny", base_url=server.url, num_ctx=100)
    fits = [Message("user", "word " * 20)]
    assert model.count_tokens(fits) == 48
    assert model.complete(fits, Year, max_tokens=52).value.year == 1999
    with pytest.raises(TooLong, match=r"about 48 tokens and a reply of 53.*100 of ollama:tiny; raise num_ctx"):
        model.complete(fits, Year, max_tokens=53)
    assert len(server.asked) == 1
    model.close()


def test_a_repair_that_does_not_fit_is_not_sent(server: OllamaServer) -> None:
    model = Ollama("tiny", base_url=server.url, num_ctx=100)
    server.answer = lambda text: "no " * 200
    with pytest.raises(InvalidReply, match="no JSON object") as raised:
        model.complete(ASK, Year, max_tokens=50)
    assert len(server.asked) == 1 and raised.value.usage.completion_tokens == 200
    model.close()


def test_what_does_not_fit_is_asked_for_once_more(model: Ollama, server: OllamaServer) -> None:
    server.first.append(reply('{"year": "unknown"}', 11))
    made = model.complete(ASK, Year)
    assert made.value.year == 1999 and len(server.asked) == 2
    assert made.usage.completion_tokens == 2 + 2 and made.usage.prompt_tokens > 11
    server.first.extend([reply('{"year": "unknown"}', 11), reply("still not", 12)])
    with pytest.raises(InvalidReply, match="also after repair") as raised:
        model.complete(ASK, Year)
    assert raised.value.raw == "still not" and raised.value.usage == Usage(23, 4)


def test_what_is_not_counted_is_guessed(model: Ollama, server: OllamaServer) -> None:
    server.first.append(reply('{"year": 1}', None))
    assert model.complete(ASK, Year).usage == Usage(model.count_tokens(ASK), 2)


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (js({"error": "model 'tiny' not found"}, 404), LanguageModelError, "ollama pull tiny"),
        (js({"error": "bad\nthing"}, 400), LanguageModelError, r"status 400\): bad thing"),
        (Reply(400, b"\xff"), LanguageModelError, "does not say why"),
        (page(status=403), LanguageModelError, "status 403"),
        (js({"error": "out of memory"}, 500), Temporary, "out of memory"),
        (js({}, 503, Retry_After="4"), Temporary, "status 503"),
        (Reply(200, b'{"message": {"role'), Temporary, "no chat"),
        (Reply(200, b"[" * 50_000), Temporary, "no chat"),
        (Reply(200, b'{"message": 7}'), Temporary, "no chat"),
        (Reply(200, b'{"message": {}}', cut=True), Temporary, "breaks off"),
        (Reply(200, b'{"message": {}}', cut=True, chunked=True), Temporary, "breaks off"),
        (js({"done": True}), InvalidReply, "no message"),
        (js({"error": "of some kind"}), InvalidReply, "no message"),
        (reply('{"year": 19', reason="length"), InvalidReply, "after 50 tokens; raise max_tokens"),
    ],
)
def test_what_goes_wrong(
    model: Ollama, server: OllamaServer, answer: Reply, error: type[Exception], reason: str
) -> None:
    server.first.append(answer)
    with pytest.raises(error, match=reason) as raised:
        model.complete(ASK, Year, max_tokens=50)
    assert type(raised.value) is error and len(server.asked) == 1 and "\n" not in str(raised.value)
    if answer.headers.get("Retry-After"):
        assert raised.value.after == 4.0  # type: ignore[attr-defined]


def test_a_server_that_hangs_and_one_that_is_not_there(server: OllamaServer) -> None:
    model = Ollama("tiny", base_url=server.url, timeout=0.2)
    server.first.append(Reply(hang=60))
    with pytest.raises(Temporary, match=r"in 0\.2 seconds"):
        model.complete(ASK, Year)
    model.close()
    with serving(server) as other:
        url = other.url
    model = Ollama("tiny", base_url=url)
    with pytest.raises(Temporary, match="ollama serve"):
        model.complete(ASK, Year)
    model.close()


@pytest.mark.parametrize(
    ("told", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("localhost:4000", "http://localhost:4000"),
        ("[::]:80", "http://127.0.0.1:80"),
        ("[::1]", "http://[::1]:11434"),
        ("https://ollama.example/api-of-mine/", "https://ollama.example/api-of-mine"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, told: str | None, url: str) -> None:
    if told is None:
        monkeypatch.delenv("OLLAMA_HOST", raising=False)
    else:
        monkeypatch.setenv("OLLAMA_HOST", told)
    assert Ollama("tiny").url == url


def test_what_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1")
    with pytest.raises(LanguageModelError, match="in the clear"):
        Ollama("tiny")
    assert Ollama("tiny", allow_http=True).url == "http://192.0.2.1:11434"
    monkeypatch.setenv("OLLAMA_HOST", "host:none")
    with pytest.raises(LanguageModelError, match="address of Ollama is none"):
        Ollama("tiny")
    for model, num_ctx in (("", 8192), ("a\nb", 8192), ("tiny", 0)):
        with pytest.raises(LanguageModelError):
            Ollama(model, base_url="http://127.0.0.1:1", num_ctx=num_ctx)
