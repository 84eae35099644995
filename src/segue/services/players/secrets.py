"""Where a person's server is and how to get in: from the environment alone, never from options or files."""

from __future__ import annotations

import os
from dataclasses import replace

from segue.services.base import NotAllowed, Service

__all__ = ["home_service", "secret", "setting"]


def home_service(name: str, variable: str, example: str, *, in_the_clear: bool) -> Service:
    """A server of one's own.

    Args:
        variable: holds its address. example: of one, for sentences.
        in_the_clear: whether keys may go there unencrypted over the open network, too.

    Raises:
        NotAllowed: the variable is not set.
    """
    if not os.environ.get(variable, "").strip():
        raise NotAllowed(name, f"is nowhere: put its address into {variable}, such as {example}")
    service = Service(name, example, variable, interval=0.0, most_seconds=180.0, most_bytes=64 << 20, at_home=True)
    return replace(service, in_the_clear=in_the_clear)


def setting(variable: str) -> str:
    """What a variable holds, white space at its ends cut off; empty where it is not set."""
    return os.environ.get(variable, "").strip()


def secret(player: str, variable: str) -> str:
    """A password as it is; empty where it is not set.

    Raises:
        NotAllowed: it holds control characters, as no password does.
    """
    found = os.environ.get(variable, "")
    if any(ord(c) < 32 or ord(c) == 127 for c in found):
        raise NotAllowed(player, f"cannot use what is in {variable}: it holds control characters")
    return found
