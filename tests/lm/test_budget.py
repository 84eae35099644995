from __future__ import annotations

import json
import re

import pytest
from pydantic import BaseModel, Field

from lm.planted import PlantedModel, Year, jobs_of
from lm.server import Chat, completion, serving_chat
from segue.lm.base import Message, Temporary, Usage
from segue.lm.budget import Budget, worst_case
from segue.lm.counting import guessed_tokens
from segue.lm.jobs import run
from services.server import Clock


class Wordy(BaseModel):
    """A schema that takes more words than the question."""

    year: int = Field(description="of publication, " * 40)


@pytest.mark.parametrize("schemas, json_mode", [(True, True), (False, True), (False, False)])
def test_the_worst_case_covers_replies_that_are_as_long_and_wrong_as_may_be(schemas: bool, json_mode: bool) -> None:
    """The server counts as the client does: whatever way it has to be asked, repairs included."""

    def answer(chat: Chat) -> object:
        sent = guessed_tokens([Message("user", content) for content in chat.contents])
        wrong = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x" * 150}}
        return completion([wrong], {"prompt_tokens": sent, "completion_tokens": 50})

    with serving_chat(answer, schemas=schemas, json_mode=json_mode) as server:
        model, jobs = server.model(), jobs_of(["which year?"])
        refused = run(model, jobs, Wordy, budget=Budget(tokens=1)).stopped
        (told,) = re.findall(r"next call may take ([\d,]+)", refused or "")
        worst = int(told.replace(",", ""))
        assert run(model, jobs, Wordy, budget=Budget(tokens=worst - 1)).stopped is not None and not server.chats
        done = run(model, jobs, Wordy, budget=Budget(tokens=worst))
    assert done.stopped is None and len(done.failures) == 1
    assert worst / 4 < done.usage.tokens <= worst


def test_a_budget_holds_where_calls_are_paid_for_and_made_again() -> None:
    """A first reply that was no good, and a repair that got no answer: each attempt takes tokens."""
    schema = len(json.dumps(Year.model_json_schema()).split())
    worst, clock, tried = worst_case(1, 50, schema), Clock(), list[str]()
    paid = Usage(worst.prompt_tokens // 2, 50)

    def answer(text: str) -> str:
        tried.append(text)
        error = Temporary("the repair got no answer")
        error.usage = paid
        raise error

    budget = Budget(tokens=2 * worst.tokens)
    jobs = jobs_of(["a", "b"])
    done = run(PlantedModel(answer), jobs, Year, budget=budget, monotonic=clock.now, sleep=clock.sleep, concurrency=1)
    assert 2 <= len(tried) < 6 and set(tried) == {"a"}
    assert done.usage.tokens == len(tried) * paid.tokens <= 2 * worst.tokens
    assert done.stopped is not None and "the budget is" in done.stopped
    assert [failure.key for failure in done.failures] == ["k0"] and done.left == ("k1",)
