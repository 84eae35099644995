"""A model that Ollama runs, over its native API."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel

from segue.lm.addresses import checked, connection
from segue.lm.asking import Answered, asked
from segue.lm.base import Completion, InvalidReply, LanguageModelError, Message, Prices, Temporary, TooLong, Usage
from segue.lm.counting import guessed_tokens
from segue.services.waits import retry_after

if TYPE_CHECKING:
    import httpx

__all__ = ["OLLAMA", "Ollama"]

Schema = TypeVar("Schema", bound=BaseModel)

OLLAMA = "http://127.0.0.1:11434"
_MOST_SHOWN = 200


class Ollama:
    """A :class:`~segue.lm.base.LanguageModel` of an Ollama server.

    Ollama cuts prompts that do not fit without a word, and its usual context is short. So the context is set with
    each request, and a prompt that may not fit is refused before it is sent. Replies are held to the JSON schema by
    the server (``format``). It costs nothing.

    Source: https://github.com/ollama/ollama/blob/main/docs/api.md

    Args:
        model: its name there, as ``ollama list`` says it.
        base_url: None: ``OLLAMA_HOST``, else this machine.
        num_ctx: tokens that prompt and reply may have together; more takes more memory on the server.
        timeout: seconds until an answer begins, and until it is complete; loading a large model takes some.
        allow_http: see :func:`~segue.lm.addresses.checked`.

    Raises:
        LanguageModelError: the address cannot be used.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        num_ctx: int = 8192,
        timeout: float = 300.0,
        allow_http: bool | None = None,
    ) -> None:
        if not model.strip() or not model.isprintable():
            raise LanguageModelError("the model has no name; 'ollama list' says what there is")
        if num_ctx < 1:
            raise LanguageModelError(f"a context of {num_ctx:,} tokens holds nothing; give num_ctx more")
        self.model, self.num_ctx, self._timeout = model, num_ctx, timeout
        self.url = checked(base_url or _from_environment(), "Ollama", allow_http=allow_http)
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Ollama({self.model!r}, base_url={self.url!r}, num_ctx={self.num_ctx})"

    @property
    def name(self) -> str:
        """As in "ollama:llama3.2"."""
        return f"ollama:{self.model}"

    @property
    def prices(self) -> Prices:
        """Nothing: it runs on a machine of one's own."""
        return Prices()

    def complete(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Schema]:
        """See :meth:`segue.lm.base.LanguageModel.complete`."""
        wanted = schema.model_json_schema()

        def send(turn: Sequence[Message]) -> Answered:
            self._check_length(turn, max_tokens)
            fields = {
                "model": self.model,
                "messages": [{"role": message.role, "content": message.content} for message in turn],
                "stream": False,
                "format": wanted,
                "options": {
                    "num_ctx": self.num_ctx,
                    "num_predict": max_tokens,
                    "temperature": temperature,
                    "seed": 0,
                },
            }
            return self._answered(self._post(fields), turn, max_tokens)

        return asked(send, messages, schema, name=self.name, prices=self.prices, prompt=prompt)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Guessed from above, see :func:`~segue.lm.counting.guessed_tokens`."""
        return guessed_tokens(messages)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _check_length(self, messages: Sequence[Message], max_tokens: int) -> None:
        needed = self.count_tokens(messages)
        if needed > self.num_ctx - max_tokens:
            raise TooLong(
                f"a prompt of about {needed:,} tokens and a reply of {max_tokens:,} do not fit into the "
                f"{self.num_ctx:,} of {self.name}; raise num_ctx, or give it less"
            )

    def _post(self, fields: dict[str, Any]) -> bytes:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = connection(self.url, self._timeout)
                weakref.finalize(self, self._client.close)
            client = self._client
        try:
            response = client.post(f"{self.url}/api/chat", json=fields)
        except httpx.TimeoutException as error:
            raise Temporary(f"Ollama does not answer in {self._timeout:g} seconds; try again later") from error
        except httpx.ConnectError as error:
            raise Temporary(f"Ollama cannot be reached at {self.url}; start it with 'ollama serve'") from error
        except httpx.HTTPError as error:
            raise Temporary(f"Ollama breaks off ({type(error).__name__}); try again") from error
        if response.status_code == 200:
            return response.content
        raise self._refused(response)

    def _refused(self, response: httpx.Response) -> LanguageModelError:
        status = response.status_code
        try:
            said = msgspec.json.decode(response.content, type=_Reply).error or ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = ""
        said = "".join(c if c.isprintable() else " " for c in said)[:_MOST_SHOWN]
        if status == 404:
            return LanguageModelError(
                f"Ollama has no model {self.model[:100]}; get it with 'ollama pull {self.model}'"
            )
        if status in (408, 429) or status >= 500:
            after = retry_after(response.headers.get("retry-after"), time.time())
            return Temporary(f"Ollama has a fault (status {status}): {said or 'it does not say which'}", after=after)
        return LanguageModelError(f"Ollama refuses the request (status {status}): {said or 'it does not say why'}")

    def _answered(self, body: bytes, messages: Sequence[Message], max_tokens: int) -> Answered:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Temporary("Ollama answers with what is no chat; try again") from error
        raw = (reply.message.content if reply.message is not None else None) or ""
        sent, written = reply.prompt_eval_count, reply.eval_count
        usage = Usage(
            # not counted where the prompt is remembered from the request before
            max(sent, 0) if sent is not None else self.count_tokens(messages),
            max(written, 0) if written is not None else guessed_tokens([Message("assistant", raw)]),
        )
        if reply.error or reply.message is None:
            raise InvalidReply("Ollama answers with no message", raw=raw, usage=usage)
        if reply.done_reason == "length":
            raise InvalidReply(
                f"the reply breaks off after {max_tokens:,} tokens; raise max_tokens", raw=raw, usage=usage
            )
        return Answered(raw, usage)


def _from_environment() -> str:
    """Where ``OLLAMA_HOST`` says that it is; it may lack scheme and port, and be the address to listen at.

    Source: https://github.com/ollama/ollama/blob/main/envconfig/config.go
    """
    told = os.environ.get("OLLAMA_HOST", "").strip()
    if not told:
        return OLLAMA
    url = told if "://" in told else f"http://{told}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        return url  # what is wrong with it is said where addresses are checked
    if "://" not in told and port is None:
        port = 11434
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}{f':{port}' if port is not None else ''}{parts.path}"


class _Message(msgspec.Struct):
    content: str | None = None


class _Reply(msgspec.Struct):
    message: _Message | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None
