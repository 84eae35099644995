"""The gate: never more than so many at once, an honest no at once, and nothing hidden."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.serve.gate import Gate, disconnected
from segue.serve.problems import Problem


def _in_gate(steps: Callable[[Gate], Any], threads: int = 1, waiting: int = 1, seconds: float = 5.0) -> Any:
    async def run() -> Any:
        gate = Gate(threads, waiting, seconds)
        try:
            return await steps(gate)
        finally:
            gate.close()

    return asyncio.run(run())


async def _status(gate: Gate, work: Callable[[], object] = lambda: None) -> int:
    try:
        await gate.run(work)
    except Problem as problem:
        return problem.status
    return 200


def test_results_and_errors_come_back() -> None:
    async def steps(gate: Gate) -> None:
        assert await gate.run(lambda: 7) == 7
        with pytest.raises(KeyError):
            await gate.run(lambda: {}["a"])
        with pytest.raises(RuntimeError, match="iteration"):
            await gate.run(lambda: next(iter(())))
        assert (gate.busy, gate.waiting) == (0, 0)

    _in_gate(steps)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(0, 4), st.integers(1, 14))
def test_so_many_at_once_so_many_wait_the_others_are_told_at_once(threads: int, waiting: int, asked: int) -> None:
    at_once, most, lock, hold = 0, 0, threading.Lock(), threading.Event()

    def work() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        hold.wait(5)
        with lock:
            at_once -= 1

    async def steps(gate: Gate) -> list[int]:
        tasks = [asyncio.ensure_future(_status(gate, work)) for _ in range(asked)]
        await asyncio.sleep(0)
        assert gate.busy == min(threads, asked)
        assert gate.waiting == max(min(waiting, asked - threads), 0)
        refused = sum(task.done() for task in tasks)
        await asyncio.sleep(0)
        refused = sum(task.done() for task in tasks)
        assert refused == max(asked - threads - waiting, 0)  # before anything else has ended
        hold.set()
        return await asyncio.gather(*tasks)

    statuses = _in_gate(steps, threads, waiting)
    assert statuses.count(503) == max(asked - threads - waiting, 0)
    assert statuses.count(200) == asked - statuses.count(503)
    assert most <= threads


def test_those_that_wait_are_served_in_their_order() -> None:
    order: list[int] = []

    async def steps(gate: Gate) -> None:
        await asyncio.gather(*(gate.run(lambda i=i: order.append(i)) for i in range(20)))

    _in_gate(steps, waiting=20)
    assert order == list(range(20))


def test_a_full_gate_says_when_to_come_back_from_how_long_things_took() -> None:
    hold = threading.Event()

    async def steps(gate: Gate) -> list[int]:
        after = []
        for pause in (0.0, 0.3):
            for _ in range(12):
                await gate.run(lambda pause=pause: time.sleep(pause) if pause else None)
            tasks = [asyncio.ensure_future(gate.run(lambda: hold.wait(5))) for _ in range(10)]
            await asyncio.sleep(0)
            with pytest.raises(Problem) as refused:
                await gate.run(lambda: None)
            assert refused.value.status == 503
            after.append(int(refused.value.headers["Retry-After"]))
            hold.set()
            await asyncio.gather(*tasks)
            hold.clear()
        return after

    quick, slow = _in_gate(steps, waiting=9)
    assert quick == 1
    assert slow >= 2


def test_a_work_that_takes_too_long_is_given_up_but_still_counted() -> None:
    hold = threading.Event()

    async def steps(gate: Gate) -> None:
        started = time.monotonic()
        assert await _status(gate, lambda: hold.wait(10)) == 504
        assert time.monotonic() - started < 2
        assert gate.busy == 1  # the thread is not free, and nothing pretends that it is
        assert await _status(gate) == 503  # waited in vain
        first = asyncio.ensure_future(_status(gate))
        await asyncio.sleep(0)
        assert await _status(gate) == 503  # at once: one waits already
        hold.set()
        assert await first == 200
        assert gate.busy == 0

    _in_gate(steps, seconds=0.2)


def test_a_client_that_goes_frees_its_place() -> None:
    hold = threading.Event()

    async def steps(gate: Gate) -> None:
        left = asyncio.Event()
        working = asyncio.ensure_future(_status(gate, lambda: hold.wait(5)))
        await asyncio.sleep(0)

        async def impatient() -> int:
            disconnected.set(lambda: left.wait())  # type: ignore[arg-type, return-value]
            return await _status(gate)

        waits = asyncio.ensure_future(impatient())
        await asyncio.sleep(0.01)
        assert gate.waiting == 1
        left.set()
        assert await waits == 499
        assert gate.waiting == 0
        cancelled = asyncio.ensure_future(gate.run(lambda: None))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert gate.waiting == 0
        hold.set()
        assert await working == 200
        assert await gate.run(lambda: 3) == 3  # the thread was not lost

    _in_gate(steps)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["ask", "cancel"]), st.integers(0, 5)), max_size=25))
def test_no_thread_is_ever_lost(steps_taken: list[tuple[str, int]]) -> None:
    async def steps(gate: Gate) -> None:
        tasks: list[asyncio.Future[int]] = []
        for what, which in steps_taken:
            if what == "ask":
                tasks.append(asyncio.ensure_future(_status(gate)))
            elif tasks:
                tasks[which % len(tasks)].cancel()
            for _ in range(which):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(200):
            if gate.busy == 0:
                break
            await asyncio.sleep(0.005)
        assert (gate.busy, gate.waiting) == (0, 0)
        assert await gate.run(lambda: 1) == 1

    _in_gate(steps, threads=2, waiting=3)


def test_a_gate_that_closes_lets_works_end_and_tells_the_others() -> None:
    hold = threading.Event()

    async def steps(gate: Gate) -> None:
        working = asyncio.ensure_future(_status(gate, lambda: hold.wait(5)))
        waits = asyncio.ensure_future(_status(gate))
        await asyncio.sleep(0.01)
        gate.close()
        assert await waits == 503
        assert await _status(gate) == 503
        hold.set()
        assert await working == 200

    _in_gate(steps)


def test_what_changes_is_told() -> None:
    told: list[tuple[int, int]] = []

    async def run() -> None:
        gate = Gate(1, 2, 5.0, changed=lambda busy, waiting: told.append((busy, waiting)))
        await asyncio.gather(*(gate.run(lambda: None) for _ in range(3)))
        gate.close()

    asyncio.run(run())
    gc.collect()  # an exception that nobody fetched would be told now
    assert (1, 2) in told
    assert told[-1] == (0, 0)
