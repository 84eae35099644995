"""An endpoint that speaks the OpenAI protocol: one request, one body, and what went wrong in words of ours."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from segue.errors import MissingDependency
from segue.lm.addresses import checked, connection
from segue.lm.base import LanguageModelError, Temporary, TooLong
from segue.services.waits import retry_after

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

__all__ = ["OPENAI", "Endpoint", "Refused"]

OPENAI = "https://api.openai.com/v1"

_LATER = (408, 409, 425, 429)
_SHORTEST_SECRET = 8  # characters; shorter keys are words such as "none", which replies may hold
_MOST_SHOWN = 200
_TOO_LONG = ("context_length_exceeded", "context length", "maximum context", "context window", "too many tokens")


class Refused(LanguageModelError):
    """A request that the server does not take as it is (400, 422).

    Args:
        said: what the server says about it.
    """

    def __init__(self, reason: str, *, said: str) -> None:
        self.said = said
        super().__init__(reason)


class Endpoint:
    """Sends requests to one address, through the ``openai`` client; may be called from several threads.

    Args:
        base_url: None: ``OPENAI_BASE_URL``, else OpenAI's own.
        key: None: ``OPENAI_API_KEY``; a server that is not OpenAI's may do without. Never in a representation, an
            error or what a server sends back.
        timeout: seconds until an answer begins, and until it is complete; nothing is sent again.
        allow_http: see :func:`~segue.lm.addresses.checked`.

    Raises:
        LanguageModelError: the address or the key cannot be used.
        MissingDependency: the extra ``lm`` is not installed.
    """

    def __init__(
        self,
        base_url: str | None = None,
        key: str | SecretStr | None = None,
        *,
        timeout: float = 180.0,
        allow_http: bool | None = None,
    ) -> None:
        try:
            import openai  # noqa: F401
        except ImportError as error:
            raise MissingDependency("asking a model through an endpoint", extra="lm") from error
        url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
        self.url = checked(url, "the language model", allow_http=allow_http)
        self._key = _key(key, needed=self.url == OPENAI)
        self._timeout = timeout
        self._client: OpenAI | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("an endpoint holds a key and is never written")

    def chat(self, **fields: Any) -> bytes:
        """The body that ``/chat/completions`` answers with.

        Raises:
            Temporary: no answer now. Refused: the request is not taken as it is. TooLong: the prompt is.
            LanguageModelError: anything else.
        """
        import openai

        create = self._opened().chat.completions.with_raw_response.create
        try:
            return self._body(create(**fields))
        except openai.OpenAIError as error:
            raise self._told(
                error, str(fields.get("model", ""))
            ) from None  # the cause holds the request, and so the key

    def embeddings(self, **fields: Any) -> bytes:
        """The body that ``/embeddings`` answers with; raises what :meth:`chat` does."""
        import openai

        create = self._opened().embeddings.with_raw_response.create
        try:
            return self._body(create(**fields))
        except openai.OpenAIError as error:
            raise self._told(error, str(fields.get("model", ""))) from None

    def without_key(self, text: str) -> str:
        """A text in which the key, should a server send it back, is not."""
        secret = self._key.get_secret_value()
        return text.replace(secret, "***") if len(secret) >= _SHORTEST_SECRET else text

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _opened(self) -> OpenAI:
        with self._lock:
            if self._client is None:
                from openai import OpenAI

                client = OpenAI(
                    api_key=self._key.get_secret_value() or "none",
                    base_url=self.url,
                    max_retries=0,
                    http_client=connection(self.url, self._timeout),  # type: ignore[arg-type]  # takes both httpx
                )
                # connections of an endpoint that is let go are let go with it
                weakref.finalize(self, client.close)
                self._client = client
            return self._client

    def _body(self, response: Any) -> bytes:
        answer = response.http_response
        if "text/html" in answer.headers.get("content-type", ""):
            raise LanguageModelError(
                f"{self._host} answers with a web page; is the address that of an API? It often ends with /v1"
            )
        return bytes(answer.content)

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc

    def _told(self, error: Exception, model: str) -> LanguageModelError:
        """What went wrong, without the request."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            return Temporary(f"{self._host} does not answer in {self._timeout:g} seconds; try again later")
        if isinstance(error, openai.APIConnectionError):
            why = type(error.__cause__).__name__ if error.__cause__ is not None else "no connection"
            return Temporary(f"{self._host} cannot be reached, or breaks off ({why}); is the server running?")
        if isinstance(error, openai.APIStatusError):
            return self._by_status(error, model)
        return LanguageModelError(f"{self._host} cannot be asked ({type(error).__name__})")

    def _by_status(self, error: APIStatusError, model: str) -> LanguageModelError:
        status = error.status_code
        said = self._said(error)
        if status == 429 and "insufficient_quota" in said:
            return LanguageModelError(f"{self._host} says that the account has nothing left to spend; add to it")
        if status in _LATER or status >= 500:
            after = retry_after(error.response.headers.get("retry-after"), time.time())
            asks = "asks for fewer requests" if status == 429 else "has a fault"
            return Temporary(f"{self._host} {asks} (status {status}); try again later", after=after)
        if status == 413 or (status in (400, 422) and any(word in said.lower() for word in _TOO_LONG)):
            return TooLong(f"the prompt does not fit the model {model[:100]}; give it less, or take another model")
        if status in (400, 422):
            return Refused(f"{self._host} refuses the request (status {status}): {said[:_MOST_SHOWN]}", said=said)
        if status == 401:
            return LanguageModelError(f"{self._host} does not accept the key; put a valid one into OPENAI_API_KEY")
        if status == 403:
            return LanguageModelError(
                f"{self._host} does not allow the model {model[:100]} with this key; take another"
            )
        if status == 404:
            return LanguageModelError(
                f"{self._host} has no model {model[:100]}, or no API under this address; check both"
            )
        if 300 <= status < 400:
            return LanguageModelError(f"{self._host} sends us elsewhere; give the address itself in OPENAI_BASE_URL")
        return LanguageModelError(f"{self._host} answers with status {status}: {said[:_MOST_SHOWN]}")

    def _said(self, error: APIStatusError) -> str:
        """What the server says, in one line and without the key."""
        body = error.body
        if isinstance(body, dict):
            parts = (str(body[name]) for name in ("message", "code", "param", "detail") if body.get(name))
            text = ", ".join(parts) or msgspec.json.encode(body).decode()
        else:
            text = error.response.text
        return "".join(c if c.isprintable() else " " for c in self.without_key(text[:5_000]))[:2_000]


def _key(given: str | SecretStr | None, *, needed: bool) -> SecretStr:
    """The key as a secret; empty where none is needed and none is there."""
    if given is None:
        given = os.environ.get("OPENAI_API_KEY", "")
    text = (given.get_secret_value() if isinstance(given, SecretStr) else given).strip()
    if needed and not text:
        raise LanguageModelError("api.openai.com needs a key; put one into OPENAI_API_KEY")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise LanguageModelError("the key in OPENAI_API_KEY cannot be one: it has spaces or special characters")
    return SecretStr(text)
