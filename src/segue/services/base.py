"""What a service is, what is asked and answered, and what can go wrong with it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from segue.errors import SegueError

__all__ = [
    "Answer",
    "Blocked",
    "NotAllowed",
    "NotThere",
    "Request",
    "Service",
    "ServiceError",
    "Temporary",
    "Unavailable",
    "key_from",
]

T = TypeVar("T")

_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|script|!--)", re.IGNORECASE)
# what guards put on their pages: Cloudflare, Akamai, reCAPTCHA and hCaptcha, Google, plain proxies
_CHALLENGE = re.compile(
    rb"captcha|cf-chl|cf-browser-verification|challenge-platform|just a moment|attention required|access denied|"
    rb"unusual traffic|are you (?:a )?(?:human|robot)|verify you are human|rate limit|too many requests|ddos",
    re.IGNORECASE,
)


class ServiceError(SegueError):
    """A service that gave no usable answer; its sentence holds neither keys nor the address that was asked.

    ::

        ServiceError            (a SegueError)
        ├── Blocked             it does not want to talk to us now: 403, 429 to the last, a captcha page
        ├── Unavailable         it is broken or away: 5xx, no connection, time-outs, malformed or oversized answers
        ├── NotAllowed          a key that is missing, wrong or suspended, an endpoint that is closed: ask no more
        └── NotThere            what was asked for by its id is not there
    """

    def __init__(self, service: str, reason: str) -> None:
        self.service, self.reason = service, reason
        super().__init__(f"{service} {reason}")


class Blocked(ServiceError):
    """The service refuses to answer for now; nothing is known about what was asked."""


class Unavailable(ServiceError):
    """The service is broken, away, or answers with what it should not; nothing is known about what was asked."""


class NotAllowed(ServiceError):
    """Asking on makes no sense: a key that is missing or refused, an endpoint that is closed."""


class NotThere(ServiceError):
    """What was asked for by its id is not there, or not for us."""


class Temporary(Exception):  # no SegueError: the client turns the last one into ``becomes``
    """Ask again in a moment; raised by readers for services that hide this in an answer.

    Args:
        becomes: what to raise when it is still so after the last attempt.
        after: seconds to wait at least; None for the usual back-off.
        refused: whether it is certain that nothing was done, so that asking again cannot do it twice.
    """

    def __init__(self, becomes: ServiceError, after: float | None = None, *, refused: bool = False) -> None:
        self.becomes, self.after, self.refused = becomes, after, refused
        super().__init__(str(becomes))


@dataclass(frozen=True, slots=True)
class Service:
    """A service on the network and how to treat it.

    Args:
        name: in sentences, options and the cache.
        url: where its API begins, without a slash at the end.
        variable: environment variable that names another place, such as a server of one's own.
        hosts: to which it may send us on, beside its own.
        interval: seconds between two requests.
        timeout: seconds for a connection, and for each pause while an answer comes.
        most_seconds: for a whole answer.
        most_bytes: of an answer, unpacked.
        attempts: how often a request is sent at most.
        at_home: whether it is a server of one's own: keys may be sent to it in the clear inside a private network.
        in_the_clear: whether keys may be sent to it in the clear anywhere, since the owner said so.
    """

    name: str
    url: str
    variable: str
    hosts: frozenset[str] = frozenset()
    interval: float = 0.5
    timeout: float = 20.0
    most_seconds: float = 60.0
    most_bytes: int = 4 << 20
    attempts: int = 4
    at_home: bool = False
    in_the_clear: bool = False

    @property
    def base(self) -> str:
        """Where its API begins, here and now."""
        return (os.environ.get(self.variable) or self.url).rstrip("/")

    @property
    def base_host(self) -> str:
        """The host in its usual address, wherever it is now."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; two with the same :attr:`key` have the same answer.

    Args:
        path: behind the service's base, beginning with a slash; already quoted.
        params: of the query, or of a form where the method is POST and there is no body; several values are sent one
            after the other under the same name.
        secret_params, secret_headers: sent as well, but in no key, log or sentence.
        body: JSON to send; empty for no body at all.
        once: whether it changes something at the service. It is then sent again only where it is certain that nothing
            was done, and follows no redirect.
    """

    service: Service
    path: str
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    once: bool = False

    @property
    def key(self) -> str:
        """Digest of what was asked, secrets left out: 32 hexadecimal digits.

        A digest and not the text, because what was asked may be somebody's name.
        """
        parts = [self.service.name, self.service.base, self.method, self.path]
        for name, value in sorted(self.params.items()):
            parts += [name, *([value] if isinstance(value, str) else value)]
        if self.body is not None:
            parts.append(self.body.decode("utf-8", "replace"))
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, its header fields by lower-case name, and the unpacked body."""

    service: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people where an answer for programs was asked for."""
        if self.body.lstrip()[:1] in (b"{", b"["):  # some services call their JSON a page
            return False
        return "text/html" in self.headers.get("content-type", "") or _HTML.match(self.body) is not None

    @property
    def is_challenge(self) -> bool:
        """Whether somebody between us and the service wants to know that we are human, or sends us away."""
        return "cf-mitigated" in self.headers or (self.is_page and _CHALLENGE.search(self.body[:200_000]) is not None)

    def check(self) -> None:
        """Raise what the status and the kind of the body say, whatever the body says.

        Raises:
            Blocked: 401, 403, 429, 451, a challenge, or a page in place of an answer.
            Unavailable: any other status but 2xx.
        """
        if self.is_challenge:
            raise Blocked(self.service, f"answers with a page that asks for a human (status {self.status})")
        if self.status in (401, 403, 429, 451):
            raise Blocked(self.service, f"refuses to answer (status {self.status})")
        if not 200 <= self.status < 300:
            raise Unavailable(self.service, f"answers with status {self.status}")
        if self.is_page:
            raise Blocked(self.service, "answers with a web page where data should be")

    def read(self, kind: type[T]) -> T:
        """The body of a good answer as typed JSON.

        Raises:
            Blocked, Unavailable: it is no good answer, see :meth:`check`, or not JSON of this kind.
        """
        self.check()
        return self.decode(kind)

    def decode(self, kind: type[T]) -> T:
        """The body as typed JSON, whatever the status.

        Raises:
            Unavailable: it is no JSON of this kind.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable(self.service, f"answers with what is no such JSON ({_short(error)})") from error


def key_from(service: str, variable: str, where: str) -> str:
    """A secret from the environment.

    Raises:
        NotAllowed: it is not there, or cannot be one.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise NotAllowed(service, f"needs a key: get one at {where} and put it into {variable}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise NotAllowed(service, f"cannot use what is in {variable}: a key has no spaces and no special characters")
    return key


def _short(error: Exception) -> str:
    """The reason without any of the data, which might be long or somebody's."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text.split(" - at `")[0][:120]
