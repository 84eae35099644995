"""Whatever a server answers, the clients return a validated object or raise an error of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from lm.server import KEY
from segue.lm.base import Completion, LanguageModel, LanguageModelError, Message
from segue.lm.embeddings import EndpointEncoder
from segue.lm.ollama import Ollama
from segue.lm.openai_compatible import OpenAICompatible
from services.server import Reply, Server, js, serving

# names and values of the protocols, so that answers come near to good ones
_NAMES = st.sampled_from(
    [
        *("choices", "message", "content", "finish_reason", "refusal", "error", "code"),
        *("usage", "prompt_tokens", "completion_tokens"),
        *("done_reason", "eval_count", "prompt_eval_count"),
        *("data", "embedding", "index"),
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["stop", "length", '{"year": 1999}', '{"year"', "", "429", KEY])
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)
_CHOICE = st.fixed_dictionaries(
    {"message": st.fixed_dictionaries({"content": _LEAVES})}, optional={"finish_reason": _LEAVES}
)
_BODIES = (
    st.binary(max_size=60)
    | _JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(_CHOICE, max_size=2).map(lambda value: json.dumps({"choices": value, "message": {}}).encode())
    | st.lists(st.fixed_dictionaries({"embedding": st.lists(st.floats() | _LEAVES, max_size=3)}), max_size=2).map(
        lambda value: json.dumps({"data": value}).encode()
    )
)
_KINDS = st.sampled_from(
    ["application/json", "text/html", "text/event-stream", "", "application/json; charset=utf-7"]
)


class Year(BaseModel):
    model_config = ConfigDict(extra="forbid")

    year: int


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(lambda asked: js({})) as server:
        yield server


@pytest.fixture(scope="module")
def models(server: Server) -> Iterator[list[LanguageModel]]:
    chat, ollama = OpenAICompatible("test", base_url=f"{server.url}/v1", key=KEY), Ollama("test", base_url=server.url)
    yield [chat, ollama]
    chat.close()
    ollama.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=st.sampled_from([200, 200, 200, 201, 204, 400, 404, 429, 500]), kind=_KINDS, body=_BODIES)
@example(200, "application/json", b'{"choices": [{"message": {"content": "{\\"year\\": 1999}"}}]}')
@example(200, "application/json", b'{"message": {"content": "{\\"year\\": 1999}"}}')
@example(200, "application/json", b'{"data": [{"embedding": [3, 4]}]}')
def test_any_answer(server: Server, models: list[LanguageModel], status: int, kind: str, body: bytes) -> None:
    server.app = lambda asked: Reply(status, b"" if status == 204 else body, {"Content-Type": kind} if kind else {})
    ask = [Message("user", "Which year?")]
    for model in models:
        try:
            made: Completion[Year] = model.complete(ask, Year)
        except LanguageModelError as error:
            assert str(error).isprintable() and len(str(error)) < 1_000 and KEY not in str(error)
        else:
            assert made.value.year == 1999 and made.usage.prompt_tokens >= 0 <= made.usage.completion_tokens
            assert status < 300 and KEY not in made.raw
    encoder = EndpointEncoder("test", base_url=f"{server.url}/v1", key=KEY, sleep=lambda seconds: None)
    try:
        vectors = encoder.encode(["a"])
    except LanguageModelError as error:
        assert str(error).isprintable() and len(str(error)) < 1_000 and KEY not in str(error)
    else:
        assert np.linalg.norm(vectors) == pytest.approx(1) and status < 300
    encoder.close()
