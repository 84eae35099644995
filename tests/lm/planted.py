"""A language model that answers as told and counts exactly, for what a server cannot show: limits and clocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from segue.lm.base import Completion, Message, Prices, Usage
from segue.lm.jobs import Job
from segue.lm.reading import validated


class Year(BaseModel):
    model_config = ConfigDict(extra="forbid")

    year: int


def jobs_of(texts: Sequence[str], *, max_tokens: int = 50) -> list[Job]:
    return [Job(f"k{i}", (Message("user", text),), "year-1-abcdef", max_tokens) for i, text in enumerate(texts)]


@dataclass
class PlantedModel:
    """Says what ``answer`` makes of the last message, or raises what it raises; a word is a token."""

    answer: Callable[[str], str] = lambda text: '{"year": 1999}'
    prices: Prices | None = None
    name: str = "planted:one"
    replies: int = 7
    pause: float = 0.0
    asked: list[str] = field(default_factory=list)
    on_their_way: int = 0
    most: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def complete(
        self,
        messages: Sequence[Message],
        schema: Any,
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Any]:
        with self._lock:
            self.asked.append(messages[-1].content)
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
        try:
            time.sleep(self.pause)
            raw = self.answer(messages[-1].content)
        finally:
            with self._lock:
                self.on_their_way -= 1
        usage = Usage(self.count_tokens(messages), self.replies)
        cost = None if self.prices is None else self.prices.cost(usage)
        return Completion(validated(raw, schema), raw, usage, cost, self.name, prompt)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)
