"""Back-pressure: so many works at once, so many that wait, and an honest no for the others."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

from segue.serve.problems import Problem

__all__ = ["Gate", "disconnected"]

T = TypeVar("T")

_MOST_AFTER = 60  # seconds
_RECENT = 0.1  # weight of the newest duration in their running mean

disconnected: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("disconnected", default=None)
"""Set by the guard: returns when the client of this request has gone. Asked only while a request waits."""


class Gate:
    """Where work is done beside the event loop of one process.

    Args:
        threads: works at once. waiting: requests that wait for one of them. seconds: from coming in to the answer.
        changed: told how many threads are busy and how many requests wait, whenever that changes.

    A work that took too long cannot be stopped: its request gets its 504, but its thread stays counted until it is
    really free, so that stuck works show as "busy" and not as a pile of further stuck works. To be used from one
    event loop.
    """

    def __init__(
        self,
        threads: int,
        waiting: int,
        seconds: float,
        *,
        changed: Callable[[int, int], None] = lambda busy, waiting: None,
    ) -> None:
        self.threads, self.most_waiting, self.seconds = threads, waiting, seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="segue-work")
        self._queue: deque[asyncio.Future[None]] = deque()
        self._busy = 0
        self._mean = 0.05
        self._closed = False
        self._changed = changed

    @property
    def busy(self) -> int:
        """Threads at work, those whose request has given up included."""
        return self._busy

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return len(self._queue)

    async def run(self, work: Callable[[], T]) -> T:
        """What a work returns, or raises.

        Raises:
            Problem: 503 with Retry-After, at once, where too many wait, or after ``seconds`` of waiting in vain;
                504 where the work itself was not done by then; 499 where the client has gone while it waited.
        """
        if self._closed:
            raise Problem(503, "the service is being shut down", headers={"Retry-After": "5"})
        until = time.monotonic() + self.seconds
        if self._busy < self.threads:
            self._busy += 1
            self._changed(self._busy, len(self._queue))
        else:
            await self._wait(until)
        return await self._done(work, until)

    def close(self) -> None:
        """Take no more work; what is being done ends, what waits is told to come back."""
        self._closed = True
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_exception(Problem(503, "the service is being shut down", headers={"Retry-After": "5"}))
        self._pool.shutdown(wait=False)

    async def _wait(self, until: float) -> None:
        """Have a thread handed over by one that ends; the caller then holds it."""
        if len(self._queue) >= self.most_waiting:
            raise self._full()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._changed(self._busy, len(self._queue))
        gone = disconnected.get()
        left = asyncio.ensure_future(gone()) if gone is not None else None
        try:
            watched = {place} if left is None else {place, left}
            await asyncio.wait(watched, timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
            if place.done():
                place.result()
                return
            if left is not None and left.done():
                raise Problem(499, "the client has gone")
            raise self._full()
        except BaseException:
            self._give_up(place)
            raise
        finally:
            if left is not None:
                left.cancel()

    def _give_up(self, place: asyncio.Future[None]) -> None:
        """Leave the queue; a thread that was handed over in the same moment goes to the next one."""
        if place.done():
            if not place.cancelled() and place.exception() is None:
                self._leave()
            return
        place.cancel()
        with contextlib.suppress(ValueError):
            self._queue.remove(place)
        self._changed(self._busy, len(self._queue))

    async def _done(self, work: Callable[[], T], until: float) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        started = time.monotonic()

        def settle(found: T | None, error: BaseException | None) -> None:
            self._mean += _RECENT * (time.monotonic() - started - self._mean)
            self._leave()
            if answer.done():  # nobody waits for it any more
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(found)  # type: ignore[arg-type]

        def in_thread() -> None:
            found, error = None, None
            try:
                found = work()
            except BaseException as raised:  # whatever it is belongs to the request
                # a StopIteration cannot be put into a future
                error = RuntimeError("a work stopped an iteration") if isinstance(raised, StopIteration) else raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(settle, found, error)

        try:
            self._pool.submit(in_thread)
        except RuntimeError as error:
            self._leave()
            raise Problem(503, "the service is being shut down", headers={"Retry-After": "5"}) from error
        timer = loop.call_later(max(until - time.monotonic(), 0.0), self._too_long, answer)
        try:
            return await answer
        finally:
            timer.cancel()

    def _too_long(self, answer: asyncio.Future[T]) -> None:
        if not answer.done():
            answer.set_exception(
                Problem(504, f"the answer was not ready within {self.seconds:g} seconds; ask for less")
            )

    def _leave(self) -> None:
        """Hand a thread to the first that waits, or have it free."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                break
        else:
            self._busy -= 1
        self._changed(self._busy, len(self._queue))

    def _full(self) -> Problem:
        after = math.ceil((len(self._queue) + 1) * self._mean / self.threads)
        headers = {"Retry-After": str(min(max(after, 1), _MOST_AFTER))}
        return Problem(503, "too many requests wait already; come back a little later", headers=headers)
