"""Threads that ask a model, take turns, wait when told to, and stop in order."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from segue.lm.base import (
    Completion,
    InvalidReply,
    LanguageModel,
    LanguageModelError,
    Message,
    Temporary,
    TooLong,
    Usage,
)
from segue.lm.budget import Budget, worst_case
from segue.services.waits import back_off

__all__ = ["Asked", "Pool"]

Schema = TypeVar("Schema", bound=BaseModel)

_ATTEMPTS = 6  # the last one some 30 seconds after the first
_TOLD = 20  # waits that a server asked for, and that therefore count less
_MOST_PATIENCE = 300.0  # seconds that a server may ask us to wait; beyond that it will not answer today
_MOST_IN_A_ROW = 5  # jobs that come to nothing through no fault of their own, before the rest is left
_LAST_ANSWERS = 10.0  # seconds for calls on their way when the user interrupts
_FIRST_LOOK, _LOOK = 0.002, 0.1  # seconds between two looks at how far it is


class Asked(Protocol):
    """What is asked; a :class:`segue.lm.jobs.Job`."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt."""
        ...

    @property
    def prompt(self) -> str:
        """Its version."""
        ...

    @property
    def max_tokens(self) -> int:
        """Of the reply."""
        ...

    @property
    def temperature(self) -> float:
        """0 for the same answer each time."""
        ...


class Pool(Generic[Schema]):
    """Asks one model for objects of one schema; used once.

    Args:
        settle, fail: what to do with an answer, or with the reason why there is none; called by one thread at a time.
        progress: called in the thread that called :meth:`run`, whenever something was settled.

    ``used`` holds the tokens of all calls, ``stopped`` why it ended early.
    """

    def __init__(
        self,
        model: LanguageModel,
        schema: type[Schema],
        *,
        budget: Budget,
        per_minute: float | None,
        settle: Callable[[str, Completion[Schema]], None],
        fail: Callable[[str, str], None],
        progress: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.model, self.schema, self.budget = model, schema, budget
        self.settle, self.fail, self.progress = settle, fail, progress
        self.used = Usage()
        self.stopped: str | None = None
        self._schema_tokens = model.count_tokens([Message("user", json.dumps(schema.model_json_schema()))])
        self._interval = 0.0 if per_minute is None else 60.0 / per_minute
        self._halt = threading.Event()
        self._monotonic: Callable[[], float] = monotonic
        self._sleep: Callable[[float], Any] = sleep or self._halt.wait
        self._left: deque[tuple[str, Asked]] = deque()
        self._reserved: dict[str, Usage] = {}
        self._changed = threading.Condition()  # guards everything above and below
        self._turns = threading.Lock()
        self._next, self._gate = 0.0, 0.0
        self._in_a_row = 0
        self._settled, self._begun, self._ended = 0, 0, 0
        self._broken: BaseException | None = None

    def run(self, asked: Sequence[tuple[str, Asked]], concurrency: int) -> None:
        """Ask everything, in order, or as much as the limits allow.

        Raises:
            Exception: what ``settle``, ``fail`` or the model raise beyond a :class:`LanguageModelError`.
        """
        self._left.extend(asked)
        names = range(min(concurrency, len(asked)))
        # daemons: a second interrupt ends the process, whoever still waits for an answer
        threads = [threading.Thread(target=self._work, name=f"ask-{i}", daemon=True) for i in names]
        # Ctrl-C may fall between any two steps here: this thread takes no lock that the others need, and asks Python
        # for no thread's state, which an interrupt can leave wrong (bpo-45274)
        shown, pause = 0, _FIRST_LOOK
        try:
            for thread in threads:
                thread.start()
            while self._ended < len(threads):
                time.sleep(pause)
                pause = min(2 * pause, _LOOK)
                if self.progress is not None and self._settled > shown:
                    shown = self._settled
                    self.progress()
        finally:
            self._halt.set()
            with self._changed:
                self._changed.notify_all()
            until = time.monotonic() + _LAST_ANSWERS
            while self._ended < self._begun and time.monotonic() < until:
                time.sleep(_FIRST_LOOK)
        if self.progress is not None and self._settled > shown:
            self.progress()
        if self._broken is not None:
            raise self._broken

    def _work(self) -> None:
        with self._changed:
            self._begun += 1
        try:
            while (taken := self._take()) is not None:
                self._ask(*taken)
        except BaseException as error:  # raised again in the thread that waits
            with self._changed:
                self._broken = self._broken or error
            self._halt.set()
        finally:
            with self._changed:
                self._ended += 1
                self._changed.notify_all()

    def _take(self) -> tuple[str, Asked] | None:
        """The next job, its worst case reserved; None when nothing more is to be asked."""
        with self._changed:
            while self._left and not self._halt.is_set():
                key, asked = self._left[0]
                refused = None
                if self.budget != Budget():
                    prompt_tokens = self.model.count_tokens(asked.messages)
                    needs = worst_case(prompt_tokens, asked.max_tokens, self._schema_tokens)
                    spent = sum(self._reserved.values(), self.used)
                    refused = self.budget.refuses(spent, needs, self.model.prices)
                    if refused is None:
                        self._reserved[key] = needs
                if refused is None:
                    self._left.popleft()
                    return key, asked
                if not self._reserved:
                    self.stopped = self.stopped or refused
                    self._halt.set()
                    break
                # calls on their way mostly take less than they might
                self._changed.wait()
        return None

    def _ask(self, key: str, asked: Asked) -> None:
        try:
            completion = self._answer(key, asked)
        except InvalidReply as error:
            self._end(key, error.usage, reason=str(error))
        except TooLong as error:
            self._end(key, error.usage, reason=str(error))
        except LanguageModelError as error:
            self._end(key, error.usage, reason=str(error), ours=False)
        else:
            if completion is not None:
                self._end(key, completion.usage, completion=completion)

    def _end(
        self,
        key: str,
        usage: Usage,
        *,
        completion: Completion[Schema] | None = None,
        reason: str = "",
        ours: bool = True,
    ) -> None:
        """Write down what became of a job; ``ours`` unless the model or its server is to blame."""
        with self._changed:
            self.used += usage
            self._reserved.pop(key, None)
            self._in_a_row = 0 if ours else self._in_a_row + 1
            if completion is not None:
                self.settle(key, completion)
            else:
                self.fail(key, reason)
            if self._in_a_row >= _MOST_IN_A_ROW:
                self.stopped = self.stopped or f"{self._in_a_row} calls in a row came to nothing: {reason}"
                self._halt.set()
            self._settled += 1
            self._changed.notify_all()

    def _answer(self, key: str, asked: Asked) -> Completion[Schema] | None:
        """Ask until there is an answer; None when there is to be none any more."""
        failures = told = 0
        while self._turn():
            try:
                return self.model.complete(
                    asked.messages,
                    self.schema,
                    prompt=asked.prompt,
                    temperature=asked.temperature,
                    max_tokens=asked.max_tokens,
                )
            except Temporary as error:
                if error.after is None:
                    failures += 1
                else:
                    told += 1
                if error.after is not None and error.after > _MOST_PATIENCE:
                    with self._changed:
                        wait = f"will not answer for {error.after / 60:,.0f} minutes"
                        self.stopped = self.stopped or f"{self.model.name} {wait} ({error})"
                    self._halt.set()
                    raise
                # once nobody answers, it is tried once for each of the next jobs
                if failures >= (_ATTEMPTS if self._in_a_row == 0 else 1) or told >= _TOLD:
                    raise
                if error.usage.tokens and not self._goes_on(key, error):
                    raise
                self._pause(error.after, failures)
        return None

    def _goes_on(self, key: str, error: Temporary) -> bool:
        """Count a first reply whose repair got no answer; False where the budget does not allow another call."""
        with self._changed:
            self.used += error.usage
            error.usage = Usage()  # it is counted
            spent = sum((needs for other, needs in self._reserved.items() if other != key), self.used)
            refused = self.budget.refuses(spent, self._reserved.get(key, Usage()), self.model.prices)
            if refused is not None:
                self.stopped = self.stopped or refused
                self._halt.set()
        return refused is None

    def _pause(self, after: float | None, failures: int) -> None:
        if after is None:
            self._sleep(back_off(failures))
        else:  # who is told to wait waits with all the others
            with self._changed:
                self._gate = max(self._gate, self._monotonic() + max(after, 0.1))

    def _turn(self) -> bool:
        """Wait until a call may be begun; False when none may any more."""
        with self._turns:
            while not self._halt.is_set():
                with self._changed:
                    pause = max(self._next, self._gate) - self._monotonic()
                if pause <= 0:
                    self._next = self._monotonic() + self._interval
                    return True
                self._sleep(pause)
        return False
