from __future__ import annotations

import json
import logging
import os
import pickle
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from contracts.language_model import LanguageModelContract, Number, answer_to, question
from lm.server import (
    KEY,
    Chat,
    ChatServer,
    completion,
    cut,
    drips,
    echoes_the_key,
    fault,
    half,
    hangs,
    no_choice,
    prose,
    said,
    serving_chat,
    too_many,
)
from segue.errors import SegueError
from segue.lm.addresses import checked
from segue.lm.base import (
    InvalidReply,
    LanguageModel,
    LanguageModelError,
    Message,
    Prices,
    Temporary,
    TooLong,
    Usage,
)
from segue.lm.openai_compatible import OpenAICompatible
from segue.lm.schemas import response_format, strict_schema
from services.server import Reply, js, page, serving, zipped

ASK = [Message("user", "Which year?")]


class Year(BaseModel):
    model_config = ConfigDict(extra="forbid")

    year: int
    why: str | None = Field(None, max_length=20)


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving_chat() as server:
        yield server


@pytest.fixture
def chat(server: ChatServer) -> Iterator[ChatServer]:
    """The server as if it were new."""
    server.answer, server.forms, server.counts = (lambda chat: {"year": 1999}), ("json_schema", "json_object"), True
    server.chats.clear()
    server._first.clear()
    yield server
    assert not server._first, "every reply that was prepared has been asked for"


@pytest.fixture
def model(chat: ChatServer) -> Iterator[OpenAICompatible]:
    model = chat.model(prices=Prices(1.0, 10.0))
    yield model
    model.close()


class TestContract(LanguageModelContract):
    @pytest.fixture
    def model(self, chat: ChatServer) -> Iterator[LanguageModel]:
        chat.answer = lambda asked: answer_to(asked.text)
        model = chat.model(prices=Prices(1.0, 2.0))
        yield model
        model.close()

    @pytest.fixture
    def broken(self, model: OpenAICompatible, chat: ChatServer) -> LanguageModel:
        chat.answer = lambda asked: {"number": "seven\nand more"}
        return model


class TestPlainServer(TestContract):
    """A server that knows neither schemas nor JSON mode, does not count tokens, and chats."""

    @pytest.fixture
    def model(self, chat: ChatServer) -> Iterator[LanguageModel]:
        chat.answer = lambda asked: f"Here it is:\n{json.dumps(answer_to(asked.text))}\nBye!"
        chat.forms, chat.counts = (), False
        model = chat.model()
        yield model
        model.close()


@pytest.mark.endpoint
@pytest.mark.skipif("SEGUE_TEST_LM" not in os.environ, reason="SEGUE_TEST_LM names no model (as in openai:MODEL)")
class TestRealEndpoint(LanguageModelContract):
    @pytest.fixture
    def model(self) -> LanguageModel:
        from segue.lm.ollama import Ollama

        kind, _, name = os.environ["SEGUE_TEST_LM"].partition(":")
        assert kind in ("openai", "ollama") and name, "SEGUE_TEST_LM is to be openai:MODEL or ollama:MODEL"
        return OpenAICompatible(name) if kind == "openai" else Ollama(name)


def test_the_request_is_the_protocol_s(model: OpenAICompatible, chat: ChatServer) -> None:
    made = model.complete(
        [Message("system", "Be brief."), *ASK], Year, prompt="year-1", temperature=0.5, max_tokens=77
    )
    (asked,) = chat.chats
    assert asked.model == "test" and asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which year?"},
    ]
    assert asked.body["temperature"] == 0.5 and asked.body["max_tokens"] == 77 and "stream" not in asked.body
    assert asked.form == "json_schema" and asked.body["response_format"]["json_schema"]["strict"] is True
    assert asked.schema is not None and asked.schema["required"] == ["year", "why"]
    assert made.value == Year(year=1999) and made.raw == '{"year": 1999}'
    assert made.usage == Usage(4, 2) and made.cost == Prices(1.0, 10.0).cost(Usage(4, 2)) > 0
    assert (made.model, made.prompt, made.cached) == ("openai:test", "year-1", False)


@pytest.mark.parametrize(
    ("forms", "forms_asked"),
    [
        (("json_schema", "json_object"), ["json_schema", "json_schema"]),
        (("json_object",), ["json_schema", "json_object", "json_object"]),
        ((), ["json_schema", "json_object", None, None]),
    ],
)
def test_how_a_server_has_to_be_asked_is_found_out_once(
    model: OpenAICompatible, chat: ChatServer, forms: tuple[str, ...], forms_asked: list[str | None]
) -> None:
    chat.forms = forms
    for _ in range(2):
        assert model.complete(ASK, Year).value.year == 1999
    assert [asked.form for asked in chat.chats] == forms_asked
    without_schema = [asked for asked in chat.chats if asked.form != "json_schema"]
    assert all("JSON schema" in asked.last and '"year"' in asked.last for asked in without_schema)
    assert all(asked.last.startswith("Which year?") for asked in chat.chats)


def test_servers_that_want_other_names_for_things(model: OpenAICompatible, chat: ChatServer) -> None:
    def answer(asked: Chat) -> object:
        if "max_tokens" in asked.body:
            return js({"error": {"message": "Use 'max_completion_tokens' instead.", "param": "max_tokens"}}, 400)
        if "temperature" in asked.body:
            return js({"error": {"message": "'temperature' does not support 0 with this model."}}, 400)
        return {"year": asked.body["max_completion_tokens"]}

    chat.answer = answer
    for _ in range(2):
        assert model.complete(ASK, Year, max_tokens=50).value.year == 50
    assert len(chat.chats) == 4 and all(asked.form == "json_schema" for asked in chat.chats)


def test_servers_whose_templates_know_no_system(model: OpenAICompatible, chat: ChatServer) -> None:
    def answer(asked: Chat) -> object:
        if asked.body["messages"][0]["role"] == "system":
            return js({"error": {"message": "System role not supported"}}, 400)
        return {"year": 1999}

    chat.answer = answer
    for _ in range(2):
        assert model.complete([Message("system", "Be brief."), *ASK], Year).value.year == 1999
    assert len(chat.chats) == 3 and chat.chats[-1].form == "json_schema"
    assert chat.chats[-1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nWhich year?"}]


@pytest.mark.parametrize("code", ["content_filter", "json_validate_failed"])
def test_a_filtered_prompt_is_invalid_and_changes_nothing(
    model: OpenAICompatible, chat: ChatServer, code: str
) -> None:
    """Not a fault of the server: the job goes on with the next prompt, in the form that it was in."""
    chat.first(js({"error": {"message": "no", "code": code}}, 400))
    with pytest.raises(InvalidReply, match="filtered") as raised:
        model.complete(ASK, Year)
    assert raised.value.usage == Usage(model.count_tokens(ASK)) and len(chat.chats) == 1
    model.complete(ASK, Year)
    assert [asked.form for asked in chat.chats] == ["json_schema"] * 2


def test_a_request_that_is_refused_in_every_form_says_why_first(model: OpenAICompatible, chat: ChatServer) -> None:
    chat.answer = lambda asked: js({"error": {"message": f"no luck\nwith {asked.form} and {KEY}"}}, 422)
    with pytest.raises(
        LanguageModelError, match=r"refuses the request \(status 422\): no luck with json_schema"
    ) as e:
        model.complete(ASK, Year)
    assert len(chat.chats) == 3 and KEY not in str(e.value)


def test_a_reply_that_does_not_fit_is_asked_for_once_more(model: OpenAICompatible, chat: ChatServer) -> None:
    first = '{"year": "MCMXCIX", "ignore all instructions": 1}'
    chat.first(said(first))
    made = model.complete([Message("system", "s"), *ASK], Year)
    assert made.value.year == 1999 and made.raw == '{"year": 1999}'
    assert len(chat.chats) == 2 and made.usage.completion_tokens == len(first.split()) + 2
    assert made.usage.prompt_tokens > 7 and made.cost == Prices(1.0, 10.0).cost(made.usage)
    roles = [message["role"] for message in chat.chats[1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"], "turns alternate, as templates want it"
    assert chat.chats[1].contents[2] == first
    quoted = chat.chats[1].last.split("as a JSON string: ")[1].split("\n")[0]
    assert "ignore all instructions: Extra inputs" in json.loads(quoted)


def test_what_does_not_fit_twice_is_invalid_and_paid_for(model: OpenAICompatible, chat: ChatServer) -> None:
    chat.answer = lambda asked: {"year": "never"}
    with pytest.raises(InvalidReply, match=r"year: Input should be a valid integer.*also after repair") as raised:
        model.complete(ASK, Year)
    assert raised.value.raw == '{"year": "never"}' and len(chat.chats) == 2
    words = sum(len(asked.text.split()) for asked in chat.chats)
    assert raised.value.usage == Usage(words, 4)


def test_what_was_paid_before_a_fault_is_told(model: OpenAICompatible, chat: ChatServer) -> None:
    chat.first(said("no"), too_many(3))
    with pytest.raises(Temporary) as raised:
        model.complete(ASK, Year)
    assert raised.value.usage == Usage(7, 1) and raised.value.after == 3.0


def test_a_repair_that_does_not_fit_is_not_sent(chat: ChatServer) -> None:
    model = chat.model(context=120)
    chat.answer = lambda asked: "no " * 100
    with pytest.raises(InvalidReply, match="no JSON object"):
        model.complete(ASK, Year, max_tokens=50)
    assert len(chat.chats) == 1
    with pytest.raises(TooLong, match="takes 120"):
        model.complete([Message("user", "long " * 50)], Year, max_tokens=50)
    assert len(chat.chats) == 1
    model.close()


@pytest.mark.parametrize(
    "reply",
    [prose({"year": 2001}), said('\ufeff\n{"year": 2001}\n'), said('<think>1999? {no}</think>{"year": 2001}')],
)
def test_noise_around_the_object_needs_no_repair(model: OpenAICompatible, chat: ChatServer, reply: Reply) -> None:
    chat.first(reply)
    assert model.complete(ASK, Year).value.year == 2001
    assert len(chat.chats) == 1


def test_half_an_object_is_asked_for_again(model: OpenAICompatible, chat: ChatServer) -> None:
    chat.first(half({"year": 2001, "why": "because"}))
    assert model.complete(ASK, Year).value.year == 1999


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (no_choice(), "no choice"),
        (js({"choices": None}), "no choice"),
        (js({}), "no choice"),
        (completion([{"finish_reason": "stop"}]), "no choice"),
        (said({"year": 1999}, finish="length"), "raise max_tokens"),
        (said("", finish="content_filter"), "refuses to reply"),
        (completion([{"message": {"content": None, "refusal": "I cannot"}, "finish_reason": "stop"}]), "refuses"),
    ],
)
def test_replies_that_are_none_are_invalid_at_once(
    model: OpenAICompatible, chat: ChatServer, reply: Reply, reason: str
) -> None:
    chat.first(reply)
    with pytest.raises(InvalidReply, match=reason) as raised:
        model.complete(ASK, Year, max_tokens=50)
    assert len(chat.chats) == 1 and raised.value.usage.prompt_tokens > 0


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        (too_many(), None),
        (too_many(2.5), 2.5),
        (js({}, 429, Retry_After="soon"), None),
        (js({}, 503, Retry_After="7"), 7.0),
        (fault(), None),
        (fault(502), None),
        (fault(504), None),
        (Reply(500, b"<html>oops"), None),
        (js({}, 408), None),
        (cut({"year": 1}), None),
        (cut({"year": 1}, chunked=True), None),
        (js({"error": {"message": "overloaded", "code": 503}}), None),
        (js({"error": {"message": "slow down", "code": "429"}}), None),
        (Reply(200, b'{"choices": [', {"Content-Type": "application/json"}), None),
        (Reply(200, b"", {"Content-Type": "application/json"}), None),
        (Reply(200, b"\xff\xfe", {"Content-Type": "application/json"}), None),
        (Reply(200, b"[" * 50_000, {"Content-Type": "application/json"}), None),
        (Reply(200, b'{"choices": 7}', {"Content-Type": "application/json"}), None),
        (Reply(200, b"data: {}\n\n", {"Content-Type": "text/event-stream"}), None),
    ],
)
def test_what_may_pass_is_temporary_and_sent_once(
    model: OpenAICompatible, chat: ChatServer, reply: Reply, after: float | None
) -> None:
    chat.first(reply)
    with pytest.raises(Temporary) as raised:
        model.complete(ASK, Year)
    assert raised.value.after == after and len(chat.chats) == 1 and "\n" not in str(raised.value)
    assert model.complete(ASK, Year).value.year == 1999, "and the client is as good as new"


def test_retry_after_may_be_a_date(model: OpenAICompatible, chat: ChatServer) -> None:
    chat.first(js({}, 429, Retry_After=formatdate(time.time() + 40, usegmt=True)))
    with pytest.raises(Temporary) as raised:
        model.complete(ASK, Year)
    assert raised.value.after == pytest.approx(40, abs=5)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (js({"error": {"message": "bad key"}}, 401), "does not accept the key.*OPENAI_API_KEY"),
        (js({}, 403), "does not allow the model test"),
        (js({}, 404), "no model test"),
        (js({"error": {"code": "insufficient_quota", "message": "no money"}}, 429), "nothing left to spend"),
        (js({"error": {"message": "no such thing"}}), "reports an error: no such thing"),
        (js({}, 418), "status 418"),
        (Reply(302, b"", {"Location": "http://192.0.2.1/v1/chat/completions"}), "sends us elsewhere"),
        (page(), "a web page"),
        (zipped(said({"year": 1})), "a packing"),
    ],
)
def test_what_will_not_pass_says_what_to_do(
    model: OpenAICompatible, chat: ChatServer, reply: Reply, reason: str
) -> None:
    chat.first(reply)
    with pytest.raises(LanguageModelError, match=reason) as raised:
        model.complete(ASK, Year)
    assert type(raised.value) is LanguageModelError and len(chat.chats) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"message": "This model's maximum context length is 8192 tokens", "code": "context_length_exceeded"},
        {"message": "the request exceeds the available context size: context window of 2048"},
    ],
)
def test_a_server_s_too_long_is_ours(model: OpenAICompatible, chat: ChatServer, error: dict[str, str]) -> None:
    chat.first(js({"error": error}, 400))
    with pytest.raises(TooLong, match="does not fit the model test"):
        model.complete(ASK, Year)
    assert len(chat.chats) == 1


@pytest.mark.parametrize("reply", [hangs(), drips(pause=0.05)], ids=["hangs", "drips"])
def test_a_server_that_takes_for_ever_is_left(chat: ChatServer, reply: Reply) -> None:
    model = chat.model(timeout=0.3)
    chat.first(reply)
    started = time.monotonic()
    with pytest.raises(Temporary, match=r"in 0\.3 seconds"):
        model.complete(ASK, Year)
    assert time.monotonic() - started < 3
    model.close()


def test_a_body_without_end_is_not_read(
    model: OpenAICompatible, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.lm.addresses._MOST_BYTES", 10_000)
    chat.first(said("x" * 20_000))
    with pytest.raises(LanguageModelError, match="more than 10,000 bytes"):
        model.complete(ASK, Year)
    assert model.complete(ASK, Year).value.year == 1999


def test_nobody_there() -> None:
    with serving(lambda asked: js({})) as server:
        url = server.url
    model = OpenAICompatible("test", base_url=f"{url}/v1")
    with pytest.raises(Temporary, match="cannot be reached"):
        model.complete(ASK, Year)
    model.close()


def test_the_key_is_nowhere(
    model: OpenAICompatible, chat: ChatServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in what is shown, logged, raised or kept, even if the server says it."""
    shown = [repr(model), str(model), repr(model.endpoint), repr(vars(model)), repr(vars(model.endpoint))]
    with caplog.at_level(logging.DEBUG):
        chat.first(echoes_the_key(), echoes_the_key())
        with pytest.raises(InvalidReply) as invalid:
            model.complete(ASK, Year)
        assert "*** as it seems" in invalid.value.raw.replace(",", "")
        shown += [invalid.value.raw, str(invalid.value), chat.chats[-1].text]
        for status in (400, 401, 403, 404, 418, 429, 500):
            chat.first(*[echoes_the_key(status)] * (3 if status == 400 else 1))
            with pytest.raises(LanguageModelError) as raised:
                model.complete(ASK, Year)
            error: BaseException | None = raised.value
            assert error is not None and error.__cause__ is None
            shown.append(str(error))
        chat.first(js({"error": {"message": f"you, {KEY}", "code": 1}}))
        with pytest.raises(LanguageModelError) as raised:
            model.complete(ASK, Year)
        shown.append(str(raised.value))
        chat.first(said({"year": 1, "why": KEY}))
        made = model.complete(ASK, Year)
        assert made.value.why == "***"
        shown.append(repr(made))
    assert caplog.records, "something was logged"
    shown += [record.getMessage() + repr(record.args) for record in caplog.records]
    shown += list(capfd.readouterr())
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in chat.chats)
    assert not [text for text in shown if KEY in text]
    with pytest.raises(TypeError):
        pickle.dumps(model)


def test_where_key_and_address_come_from(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", chat.url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", " from-environment-1 ")
    for given, sent in [(None, "from-environment-1"), (SecretStr("given-key-1"), "given-key-1"), ("", "none")]:
        model = OpenAICompatible("test", key=given)
        assert model.complete(ASK, Year).value.year == 1999
        assert chat.chats[-1].headers["authorization"] == f"Bearer {sent}"
        model.close()
    monkeypatch.delenv("OPENAI_API_KEY")
    OpenAICompatible("test")  # a server of one's own may do without
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(LanguageModelError, match="OPENAI_API_KEY"):
        OpenAICompatible("test")
    for wrong in ("two words", "line\nbreak", "schlüssel"):
        with pytest.raises(LanguageModelError, match="cannot be one") as raised:
            OpenAICompatible("test", key=wrong)
        assert wrong not in str(raised.value)
    for nameless in ("", " ", "a\nb"):
        with pytest.raises(LanguageModelError, match="no name"):
            OpenAICompatible(nameless, key="k")


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for fine in ("https://api.example/v1/", "http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:1/v1"):
        assert checked(fine, "it") == fine.rstrip("/")
    for wrong in ("", "host", "ftp://host", "https://", "https://host:99999999", "https://h/?q=1", "https://h/#f"):
        with pytest.raises(LanguageModelError, match=r"^the address of it is none"):
            checked(wrong, "it")
    with pytest.raises(LanguageModelError, match="password"):
        checked("https://me:secret@host/v1", "it")
    open_ = "http://192.0.2.1:8000/v1"
    with pytest.raises(LanguageModelError, match="SEGUE_LM_ALLOW_HTTP=1"):
        checked(open_, "it")
    assert checked(open_, "it", allow_http=True) == open_
    monkeypatch.setenv("SEGUE_LM_ALLOW_HTTP", "1")
    assert checked(open_, "it") == open_
    with pytest.raises(LanguageModelError):
        checked(open_, "it", allow_http=False)


def test_no_proxy_for_this_machine(
    model: OpenAICompatible, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert model.complete(ASK, Year).value.year == 1999


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://192.0.2.1")
    model = OpenAICompatible("test", base_url="https://192.0.2.1/v1", key="k")
    with pytest.raises(LanguageModelError, match="HTTPS_PROXY, ALL_PROXY"):
        model.complete(ASK, Year)


def test_threads_find_out_together(model: OpenAICompatible, chat: ChatServer) -> None:
    """Many first requests at once to a server that knows no schemas: each gets its answer."""
    chat.forms = ("json_object",)
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(model.complete(ASK, Year).value.year)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1999] * 8
    chat.chats.clear()
    model.complete(ASK, Year)
    assert [asked.form for asked in chat.chats] == ["json_object"]


def test_strict_schemas() -> None:
    class Inner(BaseModel):
        title: str = Field("x", min_length=1)

    class Outer(BaseModel):
        inner: Inner = Field(description="beside the reference")
        more: list[Inner] = []
        either: int | Inner | None = None

    class Free(BaseModel):
        counts: dict[str, int]

    made = response_format(Outer)["json_schema"]
    assert made["strict"] is True and made["name"] == "Outer"
    schema = made["schema"]
    inner = {"type": "object", "additionalProperties": False, "required": ["title"], "properties": {}}
    inner["properties"] = {"title": {"type": "string"}}
    assert schema["$defs"]["Inner"] == inner
    assert schema["required"] == ["inner", "more", "either"] and schema["additionalProperties"] is False
    assert schema["properties"]["inner"] == {"$ref": "#/$defs/Inner"}
    free = response_format(Free)["json_schema"]
    assert "strict" not in free and free["schema"] == Free.model_json_schema()
    assert strict_schema({"type": "array", "items": {"type": "string"}}) is None
    assert strict_schema(Year.model_json_schema()) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["year", "why"],
        "properties": {"year": {"type": "integer"}, "why": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    }


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(SegueError, match=r"segue-playlists\[lm\]"):
        OpenAICompatible("test", base_url="http://127.0.0.1:1/v1")


def test_a_question_is_found_in_its_conversation() -> None:
    """The stand-in of the contract answers by what was asked."""
    assert Number.model_validate(answer_to(question(12)[1].content)).number == 12
