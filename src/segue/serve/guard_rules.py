"""Who may ask what: names of the service, pages elsewhere, and paths that need no key."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from segue.serve.problems import Problem
from segue.serve.settings import HERE, ServeSettings

__all__ = ["Rules", "is_open"]

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SAFE = ("GET", "HEAD", "OPTIONS")
_OPEN = ("/", "/healthz", "/readyz", "/openapi.json", "/favicon.ico")
_OPEN_BELOW = ("/static/", "/p/", "/v1/shared/")
_METHODS = "GET, POST, PUT, DELETE"
_ASKED_HEADERS = "authorization, content-type, x-request-id"
_EXPOSED = b"x-request-id, segue-list-id, retry-after, content-disposition"


def is_open(path: str) -> bool:
    """Whether a path answers without a key: the page and what it loads, what was shared, signs of life."""
    return path in _OPEN or path.startswith(_OPEN_BELOW)


class Rules:
    """What a service's settings say about who may ask."""

    def __init__(self, settings: ServeSettings) -> None:
        self.origins = frozenset(origin.lower().rstrip("/").encode() for origin in settings.origins)
        hosts = {host.lower().rstrip(".").encode() for host in settings.hosts}
        anywhere = settings.host not in HERE
        self.hosts = None if anywhere and not hosts else frozenset({*hosts, *(host.encode() for host in _LOOPBACK)})

    def check(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what came by a name that is not ours, and what another site has a browser send.

        Raises:
            Problem: 421 another name, 403 another site.
        """
        if self.hosts is not None and _without_port(headers.get(b"host", b"")) not in self.hosts:
            raise Problem(421, "the service does not answer under this name; start it with --name and the name")
        if method in _SAFE:
            return
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() in self.origins:
            return
        # a browser says itself where a request comes from; an older one, or one without encryption, tells the origin
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            foreign = site not in (b"same-origin", b"none")
        else:
            foreign = origin is not None and not _is_own(origin, headers.get(b"host", b""))
        if foreign:
            raise Problem(403, "a page of another site may not ask this service; allow its origin with --origin")

    def preflight(self, method: str, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]] | None:
        """Headers for a browser that asks whether a page elsewhere may ask; None where that is not so."""
        if method != "OPTIONS" or b"access-control-request-method" not in headers:
            return None
        if headers.get(b"origin", b"").lower() not in self.origins:
            return None
        return [
            (b"access-control-allow-methods", _METHODS.encode()),
            (b"access-control-allow-headers", _ASKED_HEADERS.encode()),
            (b"access-control-max-age", b"600"),
        ]

    def shared(self, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Headers that let a page of an allowed origin read an answer; exactly that origin, never any."""
        if not self.origins:
            return []
        origin = headers.get(b"origin", b"")
        if origin.lower() not in self.origins:
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]


def _without_port(host: bytes) -> bytes:
    host = host.strip().lower()
    if host.startswith(b"["):
        address, bracket, _ = host.partition(b"]")
        return address + bracket
    return host.partition(b":")[0].rstrip(b".")


def _is_own(origin: bytes, host: bytes) -> bool:
    """Whether an origin is the address that was asked; the scheme may differ, since encryption ends at a proxy."""
    try:
        parts = urlsplit(origin.decode("ascii"))
        port = parts.port
    except (UnicodeDecodeError, ValueError):
        return False
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    if usual is None or not parts.hostname:
        return False
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = host.strip().lower().decode("latin-1")
    return own in (f"{name}:{port or usual}", name if port in (None, usual) else "")
