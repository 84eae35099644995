"""Which addresses may be asked: where a service was configured to be, and where it may send us on to."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from segue.errors import InputError
from segue.services.base import Service, Unavailable

__all__ = ["check_base", "is_loopback", "is_private", "redirected"]

_PORTS = {"http": 80, "https": 443}


def check_base(service: Service, *, secret: bool = False) -> str:
    """The address at which a service's API begins.

    Args:
        secret: whether keys will be sent there.

    Raises:
        InputError: it is no such address, holds a password, or would have a key sent in the clear.
    """
    base = service.base
    where = f"the address of {service.name} in {service.variable}"
    try:
        parts = urlsplit(base)
        origin = _origin(parts)
    except ValueError as error:
        raise InputError(f"{where} is none; give one like {service.url}") from error
    if origin is None or parts.query or parts.fragment:
        raise InputError(f"{where} is none that can be asked; give one like {service.url}")
    if parts.username or parts.password:
        raise InputError(f"{where} holds a name or password; leave it out")
    if secret and parts.scheme != "https" and not (service.in_the_clear or is_loopback(base)):
        if not service.at_home:
            raise InputError(f"{where} would have the key sent in the clear; give one that begins with https://")
        if not is_private(origin[1]):
            raise InputError(
                f"{where} would have the key sent in the clear over the open network; give one that begins with "
                "https://, or say --in-the-clear"
            )
    return base


def redirected(service: Service, asked: str, location: str) -> str:
    """Where an answer sends us on to.

    Allowed are the place that the service was configured to be at and, by https, the hosts that it names itself;
    so neither this machine nor its network can be reached by an answer from outside.

    Raises:
        Unavailable: somewhere else.
    """
    try:
        there = urljoin(asked, location)
        parts = urlsplit(there)
        origin, base = _origin(parts), _origin(urlsplit(service.base))
    except ValueError as error:
        raise Unavailable(service.name, "sends us on to what is no address") from error
    host = (parts.hostname or "").lower()
    ours = {service.base_host, *service.hosts}
    usual = origin is not None and parts.scheme == "https" and origin[2] == 443 and host in ours
    moved = base is not None and host == base[1] and parts.scheme == "https"
    if moved and service.at_home and origin != base and not (parts.username or parts.password):
        raise Unavailable(service.name, f"sends us on to https; put that address into {service.variable}")
    if parts.username or parts.password or not (origin == base or (usual and not _is_number(host))):
        raise Unavailable(service.name, f"sends us on to {host[:100] or 'nowhere'}, which is not one of its own")
    return there


def is_loopback(url: str) -> bool:
    """Whether an address is on this very machine, by number or as localhost."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=64)
def is_private(host: str) -> bool:
    """Whether all addresses of a host are inside a private network; False where it has none.

    A name is looked up once in a process, so that what is decided here does not change while it is asked.
    """
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(str(each[4][0]).split("%")[0]) for each in found]
    return bool(addresses) and not any(_is_global(address) for address in addresses)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_global or address.is_multicast


def _is_number(host: str) -> bool:
    """Whether a host is a number in any spelling that a resolver takes (127.1, 0x7f000001, 2130706433, ::1).

    Or may be one: other scripts have digits and full stops too, which are made into ours before a name is looked up.
    """
    last = host.rstrip(".").rsplit(".", 1)[-1]
    return ":" in host or not host.isascii() or last.isdigit() or last.startswith("0x")


def _origin(parts: SplitResult) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address; None where it is no web address."""
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]
