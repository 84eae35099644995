"""Where a model is asked, and the connection to it: no proxy for this machine, limits on what comes back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from segue.lm.base import LanguageModelError
from segue.services.addresses import is_loopback
from segue.services.client import user_agent

if TYPE_CHECKING:
    import httpx

__all__ = ["ALLOW_HTTP", "checked", "connection"]

ALLOW_HTTP = "SEGUE_LM_ALLOW_HTTP"
"""Set to 1 to have models on other machines asked without encryption."""

_MOST_BYTES = 64 << 20
_CONNECT = 10.0  # seconds


def checked(url: str, what: str, *, allow_http: bool | None = None) -> str:
    """An address at which an API begins, without a slash at its end.

    Args:
        what: what the address is of, in sentences.
        allow_http: whether a model on another machine may be asked without encryption; None: as
            ``SEGUE_LM_ALLOW_HTTP`` says. One on this very machine always may.

    Raises:
        LanguageModelError: it is no address, holds a password, or would send prompts and key in the clear.
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or parts.query or parts.fragment:
        raise LanguageModelError(f"the address of {what} is none; give one like https://host/v1")
    if parts.username or parts.password:
        raise LanguageModelError(f"the address of {what} holds a name or password; leave it out")
    allowed = os.environ.get(ALLOW_HTTP, "") in ("1", "true", "yes") if allow_http is None else allow_http
    if parts.scheme == "http" and not allowed and not is_loopback(url):
        raise LanguageModelError(
            f"the address of {what} would send prompts and key in the clear; give one that begins with https://, "
            f"or set {ALLOW_HTTP}=1 for a network that you trust"
        )
    return url


def connection(url: str, seconds: float) -> httpx.Client:
    """A pool of connections to one address; may be used by several threads.

    Redirects are not followed, so that no key is sent on. An answer may take ``seconds`` until it begins, and as
    long until it is complete; it comes unpacked and holds at most 64 MiB.

    Raises:
        LanguageModelError: a proxy or certificates that the environment names cannot be used.
    """
    import httpx

    class Limited(httpx.SyncByteStream):
        def __init__(self, stream: httpx.SyncByteStream, until: float) -> None:
            self._stream, self._until = stream, until

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self._stream:
                size += len(chunk)
                if size > _MOST_BYTES:
                    raise LanguageModelError(f"the model's server answers with more than {_MOST_BYTES:,} bytes")
                if time.monotonic() > self._until:
                    raise httpx.ReadTimeout("too slow as a whole")
                yield chunk

        def close(self) -> None:
            self._stream.close()

    def start(request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "segue_until": time.monotonic() + seconds}

    def limit(response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise LanguageModelError("the model's server answers in a packing that nobody asked for")
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = Limited(response.stream, response.request.extensions["segue_until"])

    try:
        return httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(_CONNECT, seconds)),
            headers={"Accept-Encoding": "identity", "User-Agent": user_agent()},
            trust_env=not is_loopback(url),
            follow_redirects=False,
            event_hooks={"request": [start], "response": [limit]},
            # where nothing is encrypted there is no certificate to check, and loading those takes a while
            verify=urlsplit(url).scheme == "https",
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise LanguageModelError(
            "the proxy or the certificates that the environment names cannot be used; look at HTTPS_PROXY, ALL_PROXY "
            "and SSL_CERT_FILE"
        ) from error
