"""Genius: why it is not asked for lyrics."""

from __future__ import annotations

from typing import NoReturn

from segue.services.base import NotAllowed
from segue.services.client import Client
from segue.services.wanted import Wanted

__all__ = ["genius"]


def genius(client: Client, wanted: Wanted) -> NoReturn:
    """Raise what there is to say; the API gives names, pages and annotations, but no words.

    Raises:
        NotAllowed: always.
    """
    raise NotAllowed(
        "genius",
        "has no lyrics in its API; use --service lrclib,lyrics.ovh, or read JSON that was saved from Genius with "
        "'segue annotate'",
    )
