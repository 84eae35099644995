from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from contracts.encoder import EncoderContract
from lm.server import KEY, serving_embeddings, vector
from segue.lm.base import LanguageModelError, Temporary
from segue.lm.embeddings import EndpointEncoder
from services.server import Asked, Reply, Server, in_turn, js


@pytest.fixture(scope="module")
def serving() -> Iterator[Server]:
    with serving_embeddings() as server:
        yield server


@pytest.fixture
def server(serving: Server) -> Iterator[Server]:
    """The server as if it were new."""
    usual = serving.app
    serving.asked.clear()
    yield serving
    serving.app = usual


def encoder_at(server: Server, **options: Any) -> EndpointEncoder:
    return EndpointEncoder("embed", base_url=f"{server.url}/v1", key=KEY, **options)


@pytest.fixture(scope="module")
def twins(serving: Server) -> Iterator[tuple[EndpointEncoder, EndpointEncoder]]:
    encoders = encoder_at(serving, batch=3), encoder_at(serving, batch=3)
    yield encoders
    for encoder in encoders:
        encoder.close()


class TestContract(EncoderContract):
    zero_for = ("", " ", "\x00")

    @pytest.fixture
    def encoder(self, twins: tuple[EndpointEncoder, EndpointEncoder]) -> EndpointEncoder:
        return twins[0]

    @pytest.fixture
    def same(self, twins: tuple[EndpointEncoder, EndpointEncoder]) -> EndpointEncoder:
        return twins[1]


def bodies(server: Server) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in server.asked]


def test_each_distinct_text_is_sent_once_in_batches(server: Server) -> None:
    encoder = encoder_at(server, batch=2, most_characters=5)
    vectors = encoder.encode(["a", "b", "", "a", "c", "12345678", "12345"])
    assert [body["input"] for body in bodies(server)] == [["a", "b"], ["c", "12345"]]
    assert all(body["model"] == "embed" and body["encoding_format"] == "float" for body in bodies(server))
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in server.asked)
    for text, row in zip(["a", "b", None, "a", "c", "12345", "12345"], vectors, strict=True):
        expected = np.zeros(64) if text is None else np.array(vector(text)) / np.linalg.norm(vector(text))
        np.testing.assert_allclose(row, expected, atol=1e-6)
    encoder.close()


def test_the_dimension_is_learnt_and_part_of_the_fingerprint(server: Server) -> None:
    encoder, other = encoder_at(server), encoder_at(server)
    assert encoder.encode([]).shape == (0, 64) and len(server.asked) == 1
    encoder.encode(["a"])
    assert encoder.d == 64 and len(server.asked) == 2
    prints = {encoder.fingerprint, encoder_at(server, most_characters=5).fingerprint}
    prints.add(EndpointEncoder("embed-2", base_url=f"{server.url}/v1", key=KEY).fingerprint)
    with serving_embeddings(32) as smaller:
        server.app = smaller.app
        assert other.d == 32
        prints.add(other.fingerprint)
        with pytest.raises(LanguageModelError, match="32 dimensions after some of 64"):
            encoder.encode(["b"])
    assert len(prints) == 4


def changed(server: Server, change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Asked], Reply]:
    usual = server.app

    def app(asked: Asked) -> Reply:
        body = json.loads(usual(asked).body)
        made = change(body["data"])
        return js(body | {"data": body["data"] if made is None else made})

    return app


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[1:], "2 vectors for 3 texts"),
        (lambda data: [*data, data[0]], "4 vectors for 3 texts"),
        (lambda data: [data[0], data[0], data[2]], "numbers are not those"),
        (lambda data: data[0].update(index=7), "numbers are not those"),
        (lambda data: data[0].update(index="first"), "no embeddings"),
        (lambda data: data[0].update(embedding=[1.0]), "different or no dimensions"),
        (lambda data: [each.update(embedding=[]) for each in data] and None, "different or no dimensions"),
        (lambda data: data[0].update(embedding=[0.0] * 64), "zero"),
        (lambda data: data[0].update(embedding=[float("nan")] * 64), "no embeddings"),
        (lambda data: data[0].update(embedding=["1"] * 64), "no embeddings"),
        (lambda data: data[0].update(embedding=None), "no embeddings"),
        (lambda data: data[0].update(embedding="AACAPw=="), "no embeddings"),
        (lambda data: {"0": data}, "no embeddings"),
    ],
)
def test_answers_that_are_none(server: Server, change: Callable[..., Any], reason: str) -> None:
    server.app = changed(server, change)
    encoder = encoder_at(server)
    with pytest.raises(LanguageModelError, match=reason) as raised:
        encoder.encode(["a", "b", "c"])
    assert not isinstance(raised.value, Temporary) and len(server.asked) == 1
    encoder.close()


def test_numbers_that_are_too_large(server: Server) -> None:
    usual = encoder_at(server).encode(["a"])
    body = json.dumps({"data": [{"embedding": [1e200 * x for x in vector("a")]}]})
    server.app = in_turn([Reply(200, body.encode()), Reply(200, body.replace("e+", "e+1").encode())])
    encoder = encoder_at(server)
    np.testing.assert_allclose(encoder.encode(["a"]), usual, atol=1e-6)
    with pytest.raises(LanguageModelError, match=r"no embeddings|no number"):
        encoder.encode(["a"])


def test_servers_that_do_not_number_keep_the_order(server: Server) -> None:
    usual = encoder_at(server).encode(["a", "b"])
    server.app = changed(server, lambda data: [{"embedding": each["embedding"]} for each in data[::-1]])
    np.testing.assert_array_equal(encoder_at(server).encode(["a", "b"]), usual)


def test_what_may_pass_is_waited_for(server: Server) -> None:
    usual, slept = server.app, list[float]()
    faults = [js({}, 429, Retry_After="7"), Reply(500), Reply(200, b'{"data"', cut=True), Reply(503)]

    def app(asked: Asked) -> Reply:
        return faults.pop(0) if faults else usual(asked)

    server.app = app
    encoder = encoder_at(server, sleep=slept.append)
    assert encoder.encode(["a"]).shape == (1, 64)
    assert slept == [7.0, 2.0, 4.0, 8.0]
    server.app = lambda asked: Reply(500)
    with pytest.raises(Temporary):
        encoder.encode(["b"])
    assert slept == [7.0, 2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 8.0]
    server.app = lambda asked: js({}, 429, Retry_After="86400")
    with pytest.raises(Temporary):
        encoder.encode(["b"])
    assert len(slept) == 8, "a ban is not outwaited"
    encoder.close()


def test_what_will_not_pass_is_not_asked_again(server: Server) -> None:
    for status, reason in ((400, "refuses"), (401, "OPENAI_API_KEY"), (404, "no model embed")):
        server.app = lambda asked, status=status: js({"error": {"message": f"no, {KEY}"}}, status)  # type: ignore[misc]
        encoder = encoder_at(server)
        with pytest.raises(LanguageModelError, match=reason) as raised:
            encoder.encode(["a"])
        assert KEY not in str(raised.value) + repr(encoder)
        encoder.close()
    assert len(server.asked) == 3


def test_what_cannot_be_used() -> None:
    with pytest.raises(LanguageModelError, match="no name"):
        EndpointEncoder(" ", key="k")
    for wrong in ({"batch": 0}, {"most_characters": 0}):
        with pytest.raises(ValueError, match="room"):
            EndpointEncoder("embed", key="k", **wrong)  # type: ignore[arg-type]
