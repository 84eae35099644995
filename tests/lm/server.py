"""A server on this machine that speaks the chat-completions protocol, and misbehaves on request.

::

    with serving_chat(lambda chat: {"year": 1999}) as server:  # what it replies, as JSON
        model = server.model()  # an OpenAICompatible that asks it
        server.first(too_many(after=2.0), fault())  # the next two requests fare otherwise
        model.complete(...)
        assert "injection" in server.chats[-1].text

An answer that is a ``str`` is what the model says, as it is; a ``Reply`` is sent as it is. Anything else (dicts,
lists, pydantic objects) is said as JSON.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from pydantic import BaseModel

from segue.lm.base import Prices
from segue.lm.openai_compatible import OpenAICompatible
from services.server import Asked, Reply, Server, js, serving

KEY = "sk-s3cret-0123456789abcdef"


@dataclass(frozen=True)
class Chat:
    """What was asked: the whole request, and the fields of it that tests look at."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def contents(self) -> list[str]:
        return [str(message["content"]) for message in self.body["messages"]]

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "\n".join(self.contents)

    @property
    def last(self) -> str:
        return self.contents[-1]

    @property
    def form(self) -> str | None:
        """Which output was asked for: json_schema, json_object, or None."""
        form = self.body.get("response_format")
        return None if form is None else str(form["type"])

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that was given apart from the prompt."""
        form = self.body.get("response_format") or {}
        given: dict[str, Any] | None = form.get("json_schema", {}).get("schema")
        return given


Answer = Callable[[Chat], Any]


@dataclass
class ChatServer:
    """Where it is (``url``, with /v1), what it was asked (``chats``), what it answers (``answer``, replaceable)."""

    answer: Answer
    forms: tuple[str, ...] = ("json_schema", "json_object")
    counts: bool = True
    chats: list[Chat] = field(default_factory=list)
    url: str = ""
    http: Server | None = None
    _first: list[Reply] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def first(self, *replies: Reply) -> None:
        """What the next requests are answered, one each, before the answers go on."""
        with self._lock:
            self._first.extend(replies)

    def model(
        self, name: str = "test", *, key: str = KEY, prices: Prices | None = None, **options: Any
    ) -> OpenAICompatible:
        """A client that asks this server; it may be let go without being closed."""
        return OpenAICompatible(name, base_url=self.url, key=key, prices=prices, **options)

    def __call__(self, asked: Asked) -> Reply:
        if not asked.path.endswith("/chat/completions"):
            return js({"error": {"message": f"no {asked.path} here"}}, 404)
        chat = Chat(json.loads(asked.body), asked.headers)
        with self._lock:
            self.chats.append(chat)
            if self._first:
                return self._first.pop(0)
        if chat.form is not None and chat.form not in self.forms:
            reason = f"Invalid parameter: 'response_format' of type '{chat.form}' is not supported"
            return js({"error": {"message": reason, "param": "response_format", "code": None}}, 400)
        answer = self.answer(chat)
        return answer if isinstance(answer, Reply) else said(answer, chat, counts=self.counts)


def said(answer: Any, chat: Chat | None = None, *, finish: str = "stop", counts: bool = True) -> Reply:
    """A chat completion that says something."""
    if isinstance(answer, BaseModel):
        text = answer.model_dump_json()
    else:
        text = answer if isinstance(answer, str) else json.dumps(answer)
    return completion(
        [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        usage={
            "prompt_tokens": len(chat.text.split()) if chat is not None else 7,
            "completion_tokens": len(text.split()),
            "total_tokens": 0,
        }
        if counts
        else None,
    )


def completion(choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> Reply:
    """A body as the protocol has it, with whatever choices."""
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "test-2026", "choices": choices}
    return js(body | ({"usage": usage} if usage is not None else {}))


def too_many(after: float | None = None) -> Reply:
    """429, with or without Retry-After."""
    headers = {} if after is None else {"Retry_After": f"{after:g}"}
    return js({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit"}}, 429, **headers)


def fault(status: int = 500) -> Reply:
    return js({"error": {"message": "The server had an error", "type": "server_error"}}, status)


def hangs(seconds: float = 60.0) -> Reply:
    """Nothing for so long; the server's end ends it."""
    return Reply(200, b"{}", {"Content-Type": "application/json"}, hang=seconds)


def drips(answer: Any = "{}", pause: float = 0.05) -> Reply:
    """Byte after byte, for ever so long."""
    whole = said(answer)
    return Reply(200, whole.body + b" " * 10_000, whole.headers, drip=pause)


def cut(answer: Any = "{}", *, chunked: bool = False) -> Reply:
    """A response that breaks off in the middle of the wire."""
    whole = said(answer)
    return Reply(200, whole.body[: len(whole.body) // 2], whole.headers, cut=True, chunked=chunked)


def no_choice() -> Reply:
    return completion([])


def prose(answer: Any) -> Reply:
    """What chatty models make of it: text, a fence, text."""
    return said(f"Sure, here you are!\n\n```json\n{json.dumps(answer, indent=1)}\n```\nAnything else?")


def half(answer: Any) -> Reply:
    """JSON that breaks off, although the model says that it has ended."""
    text = json.dumps(answer)
    return said(text[: len(text) * 2 // 3])


def echoes_the_key(status: int = 200) -> Reply:
    """What a careless server does: it says what it was given."""
    if status == 200:
        return said(f"You sent me {KEY}, as it seems")
    return js({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}, status)


@contextmanager
def serving_chat(
    answer: Answer = lambda chat: {}, *, schemas: bool = True, json_mode: bool = True, counts: bool = True
) -> Iterator[ChatServer]:
    """A server for the block.

    Args:
        schemas, json_mode: whether it knows ``response_format`` of these types; else it answers 400.
        counts: whether it tells the tokens that were used.
    """
    forms = (("json_schema",) if schemas else ()) + (("json_object",) if json_mode else ())
    chat = ChatServer(answer, forms, counts)
    with serving(chat) as server:
        chat.http, chat.url = server, f"{server.url}/v1"
        yield chat


def vector(text: str, d: int = 64) -> list[float]:
    """A text as a bag of hashed words and bytes: the same each time, near where words are shared."""
    made = [0.001 + byte / 1e6 for byte in text.encode()[:d]]
    made += [0.001] * (d - len(made))
    for word in text.split():
        made[crc32(word.encode()) % d] += 1.0
    return made


@contextmanager
def serving_embeddings(d: int = 64) -> Iterator[Server]:
    """A server of embeddings for the block, in reverse order but numbered; ``server.app`` may be replaced."""

    def app(asked: Asked) -> Reply:
        if not asked.path.endswith("/embeddings"):
            return js({"error": {"message": f"no {asked.path} here"}}, 404)
        texts = json.loads(asked.body)["input"]
        if not texts or not all(texts):
            return js({"error": {"message": "'$.input' is invalid: texts cannot be empty"}}, 400)
        data = [{"object": "embedding", "index": row, "embedding": vector(text, d)} for row, text in enumerate(texts)]
        return js({"object": "list", "model": "embed", "data": data[::-1], "usage": {"prompt_tokens": 1}})

    with serving(app) as server:
        yield server
