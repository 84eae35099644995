"""What every request handler works with."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from segue.serve.current import Current
from segue.serve.gate import Gate
from segue.serve.keys import Keys
from segue.serve.measures import Measures
from segue.serve.problems import Problem
from segue.serve.settings import ServeSettings
from segue.serve.store import Store

__all__ = ["Serving", "missing", "serving"]


@dataclass(frozen=True, eq=False)
class Serving:
    """Settings, models and stores of a running service; ``app.state.serving``.

    Args:
        gate: where work runs, so that the event loop never computes.
    """

    settings: ServeSettings
    current: Current
    store: Store
    gate: Gate
    keys: Keys
    measures: Measures


async def serving(request: Request) -> Serving:
    """Dependency: the service that a request came to; async, else FastAPI would call it in a thread."""
    found: Serving = request.app.state.serving
    return found


def missing(what: str, option: str, make: str) -> Problem:
    """The problem of something that this service was started without.

    >>> missing("playlists to search", "--search FOLDER", "segue index LIBRARY").detail
    "this service has no playlists to search; start it with --search FOLDER (made by 'segue index LIBRARY')"
    """
    return Problem(404, f"this service has no {what}; start it with {option} (made by '{make}')")
