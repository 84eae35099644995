from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from segue.services.cache import AnswerCache
from segue.services.client import Client
from services.server import App, Clock, Server, serving

Start = Callable[[App], Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers that are gone after the test."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock, tmp_path: Path) -> Iterator[Client]:
    """A client with a cache, for which waiting takes no time."""
    with (
        AnswerCache(tmp_path / "cache" / "answers.sqlite", now=clock.now) as cache,
        Client(cache, sleep=clock.sleep, monotonic=clock.now, now=clock.now) as made,
    ):
        yield made
