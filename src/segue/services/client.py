"""One polite client for all services: slow enough, patient, wary of answers, and it remembers."""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import tenacity

from segue.services.addresses import check_base, is_loopback, is_private, redirected
from segue.services.base import Answer, Blocked, Request, Service, Temporary, Unavailable
from segue.services.cache import AnswerCache
from segue.services.waits import RateLimit, back_off, retry_after

__all__ = ["DAY", "Client", "segue_version", "user_agent"]

T = TypeVar("T")

DAY = 86_400.0
"""Seconds."""
_MOST_PATIENCE = 120.0  # seconds that a service may ask us to wait; beyond that it is a ban
_MOST_REDIRECTS = 3


class Client:
    """Asks services.

    Args:
        cache: where answers are remembered; None to remember nothing.
        transport: in place of the network, for tests.
        sleep, monotonic, now: wait, clock that nobody sets back, and unix time.

    A request is sent again, after a back-off or as long as Retry-After says, when there is no connection or no answer
    in time, and on 429 and 5xx; each host is asked at most every ``service.interval`` seconds, but one on
    this very machine, which needs no sparing, as often as one likes. A service that failed to the last is asked once
    each time until it answers again, so that a network that is away is noticed soon. Whatever goes wrong in the
    end is a :class:`~segue.services.base.ServiceError`.
    """

    def __init__(
        self,
        cache: AnswerCache | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.cache, self._sleep, self._monotonic, self._now = cache, sleep, monotonic, now
        self._limit = RateLimit(monotonic, sleep)
        self._transport = transport
        self._clients: dict[tuple[bool, bool], httpx.Client] = {}
        self._failed: set[str] = set()
        self.n_sent = 0
        # httpx logs the whole address of each request, and some services want their key in it
        logging.getLogger("httpx").addFilter(_without_query)

    def ask(self, request: Request, read: Callable[[Answer], T], kind: type[T], keep: Callable[[T], float]) -> T:
        """What a request's answer says: remembered, or asked for, read and remembered.

        Args:
            read: what to keep of an answer. It sees every answer but 429, 5xx and redirects, and raises what is wrong
                with it, :class:`~segue.services.base.Temporary` to be asked again.
            kind: type of what it returns; must survive being JSON.
            keep: seconds for which to remember what was read.

        Raises:
            ServiceError: there is no usable answer; nothing is remembered.
        """
        found = self.recall(request.key, kind)
        if found is not None:
            return found
        made = self.send(request, read)
        self.remember(request.key, request.service, made, keep(made))
        return made

    def recall(self, key: str, kind: type[T]) -> T | None:
        """What is remembered under a key; None where there is nothing that can still be used."""
        body = self.cache.get(key) if self.cache is not None else None
        if body is None:
            return None
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None  # written by another version; asking again mends it

    def remember(self, key: str, service: Service, made: object, seconds: float) -> None:
        """Remember something for so many seconds."""
        if self.cache is not None:
            self.cache.put(key, service.name, msgspec.json.encode(made), seconds)

    def send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send a request, again if need be, and read the answer; nothing is remembered.

        Raises:
            ServiceError: there is no usable answer.
        """
        base = check_base(request.service, secret=bool(request.secret_params or request.secret_headers))
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(1 if base in self._failed else request.service.attempts),
            wait=_pause,
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, Temporary) and (error.refused or not request.once)
            ),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            found = attempts(lambda: self._read(request, base, read))
        except Temporary as error:
            if not request.once:
                self._failed.add(base)
            raise error.becomes from error
        self._failed.discard(base)
        return found

    def wait(self, attempt: int) -> None:
        """Wait as long as before another attempt after so many failed ones."""
        self._sleep(back_off(attempt))

    def close(self) -> None:
        """Let go of all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, request: Request, base: str, read: Callable[[Answer], T]) -> T:
        answer = self._answer(request, base)
        name = request.service.name
        if answer.status == 429:
            # MetaBrainz says it under a name of its own
            said = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-reset-in")
            after = retry_after(said, self._now())
            banned = Blocked(name, "asks for fewer requests (status 429); try again later")
            if after is not None and after > _MOST_PATIENCE:
                raise Blocked(name, f"will not answer for {after / 60:,.0f} minutes (status 429); try again then")
            raise Temporary(banned, after, refused=True)
        if answer.status >= 500:
            if answer.is_challenge:
                raise Blocked(name, f"answers with a page that asks for a human (status {answer.status})")
            after = retry_after(answer.headers.get("retry-after"), self._now())
            broken = Unavailable(name, f"has a fault (status {answer.status}); try again later")
            raise Temporary(broken, min(after, _MOST_PATIENCE) if after is not None else None)
        return read(answer)

    def _answer(self, request: Request, base: str) -> Answer:
        """One attempt, redirects followed."""
        service = request.service
        url, method = base + request.path, request.method
        for _ in range(_MOST_REDIRECTS + 1):
            first = url == base + request.path
            try:
                answer = self._once(request, url, method, with_all=first)
            except httpx.TimeoutException as error:
                raise Temporary(Unavailable(service.name, "does not answer in time; try again later")) from error
            except httpx.TransportError as error:
                reason = f"cannot be reached ({type(error).__name__}); is there a network?"
                refused = isinstance(error, httpx.ConnectError)
                raise Temporary(Unavailable(service.name, reason), refused=refused) from error
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, zlib.error) as error:
                reason = f"answers with what cannot be read ({type(error).__name__})"
                raise Unavailable(service.name, reason) from error
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                return answer
            if request.once:
                raise Unavailable(service.name, "sends us on instead of doing it; is its address the right one?")
            url = redirected(service, url, answer.headers["location"])
            method = method if answer.status in (307, 308) else "GET"
        raise Unavailable(service.name, "sends us on and on")

    def _once(self, request: Request, url: str, method: str, *, with_all: bool) -> Answer:
        """Send to one address; parameters and secrets go to the first one alone, a redirect has its own."""
        service = request.service
        if not is_loopback(url):
            self._limit.wait(urlsplit(url).netloc, service.interval)
        sent = {**request.params, **request.secret_params} if with_all else {}
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": user_agent()}
        if with_all:
            headers |= request.secret_headers
        form, query = (sent, None) if method == "POST" and request.body is None else (None, sent or None)
        content = request.body if with_all else None
        if content:
            headers["Content-Type"] = "application/json"
        started = self._monotonic()
        self.n_sent += 1
        with self._client(service, url).stream(
            method, url, params=query, data=form, content=content, headers=headers, timeout=service.timeout
        ) as response:
            fields = {name.lower(): value for name, value in response.headers.items()}
            unpack = _unpacker(service, fields.get("content-encoding", ""))
            parts, size = [], 0
            for chunk in response.iter_raw():
                part = unpack(chunk, service.most_bytes + 1 - size)
                parts.append(part)
                size += len(part)
                if size > service.most_bytes:
                    raise Unavailable(service.name, f"answers with more than {service.most_bytes:,} bytes")
                if self._monotonic() - started > service.most_seconds:
                    raise httpx.ReadTimeout("too slow as a whole")
        return Answer(service.name, response.status_code, fields, b"".join(parts))

    def _client(self, service: Service, url: str) -> httpx.Client:
        """A pool of connections; this machine, and one's own server in the clear, are never asked through a proxy."""
        parts = urlsplit(url)
        plain = parts.scheme == "http"
        local = is_loopback(url) or (plain and service.at_home and is_private(parts.hostname or ""))
        client = self._clients.get((local, plain))
        if client is None:
            # where nothing is encrypted there is no certificate to check, and loading those takes a while
            client = httpx.Client(transport=self._transport, trust_env=not local, verify=not plain)
            self._clients[local, plain] = client
        # no service here needs cookies, and none shall tell two requests apart by them
        client.cookies.clear()
        return client


@lru_cache(maxsize=1)
def segue_version() -> str:
    """The version of this Segue; looked up once, for that takes longer than a request to this machine."""
    return version("segue-playlists")


def user_agent() -> str:
    """How we introduce ourselves; SEGUE_CONTACT may hold an address for the people who run a service."""
    contact = os.environ.get("SEGUE_CONTACT", "").strip()
    name = f"segue/{segue_version()}"
    shown = "".join(c for c in contact if c.isascii() and c.isprintable() and c not in "()\\")[:200]
    return f"{name} (+{shown})" if shown else name


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    after = error.after if isinstance(error, Temporary) else None
    return max(after, 0.1) if after is not None else back_off(state.attempt_number)


def _unpacker(service: Service, encoding: str) -> Callable[[bytes, int], bytes]:
    """Unpacks pieces of a body, at most so many bytes of each: what is small on the wire may be huge."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda chunk, most: chunk
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unavailable(service.name, "answers in a packing that nobody asked for")
    unpacking = zlib.decompressobj(47)  # gzip or zlib, by its first bytes
    return lambda chunk, most: unpacking.decompress(chunk, max(most, 1))


def _without_query(record: logging.LogRecord) -> bool:
    """Cut queries off the addresses in a log record, for there are keys and names in them."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.copy_with(query=None) if isinstance(arg, httpx.URL) and arg.query else arg for arg in record.args
        )
    return True
