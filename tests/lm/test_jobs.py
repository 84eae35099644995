from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.planted import PlantedModel, Year, jobs_of
from lm.server import KEY, Chat, cut, fault, half, hangs, serving_chat, too_many
from segue.errors import InputError
from segue.lm.base import InvalidReply, LanguageModelError, Prices, Temporary, TooLong, Usage
from segue.lm.budget import Budget, worst_case
from segue.lm.cache import CompletionCache
from segue.lm.jobs import Failure, Job, Plan, plan, run
from services.server import Clock

TEXTS = [f"which year is number {i}" for i in range(12)]


def year_of(text: str) -> str:
    found = re.search(r"number (\d+)", text)
    return f'{{"year": {1900 + int(found[1])}}}' if found else '{"year": 0}'


def asked_of(chats: list[Chat]) -> Counter[str]:
    """How often each of the jobs was asked for, repairs left out."""
    return Counter(
        found[1]
        for chat in chats
        if len(chat.contents) == 1
        for found in [re.search(r"number (\d+)", chat.text)]
        if found
    )


def test_each_answer_belongs_to_its_question_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    with serving_chat(lambda chat: year_of(chat.text)) as server, CompletionCache(tmp_path / "c") as cache:
        seen = list[tuple[int, int]]()
        model = server.model(prices=Prices(1.0, 2.0))
        done = run(model, jobs_of(TEXTS), Year, cache=cache, progress=lambda n, total: seen.append((n, total)))
        assert list(done.done) == [f"k{i}" for i in range(12)]
        assert [value.year for value in done.values().values()] == list(range(1900, 1912))
        assert (done.failures, done.stopped, done.left, done.cached) == ([], None, (), 0)
        assert done.usage == sum((each.usage for each in done.done.values()), Usage())
        assert done.cost == pytest.approx(Prices(1.0, 2.0).cost(done.usage)) and done.cost > 0
        assert seen[0] == (0, 12) and seen[-1] == (12, 12) and seen == sorted(seen)
        assert len(server.chats) == 12

        again = run(model, jobs_of(TEXTS), Year, cache=cache)
        assert len(server.chats) == 12 and again.cached == 12
        assert again.values() == done.values() and again.usage == Usage() and again.cost == 0
        assert all(each.cached for each in again.done.values())


def test_what_fails_is_recorded_asked_again_by_the_next_run_and_never_guessed(tmp_path: Path) -> None:
    healed = threading.Event()

    def answer(chat: Chat) -> object:
        broken = "number 3" in chat.text and not healed.is_set()
        return half({"year": 1903, "more": "x" * 30}) if broken else year_of(chat.text)

    with serving_chat(answer) as server, CompletionCache(tmp_path / "c") as cache:
        first = run(server.model(), jobs_of(TEXTS), Year, cache=cache)
        assert [failure.key for failure in first.failures] == ["k3"] and "k3" not in first.done
        assert len(first.done) == 11 and first.stopped is None and first.left == ()
        # the failed call and its repair were paid for all the same
        assert first.usage.tokens > sum(each.usage.tokens for each in first.done.values())
        healed.set()
        second = run(server.model(), jobs_of(TEXTS), Year, cache=cache)
        assert (second.failures, second.cached, second.done["k3"].value.year) == ([], 11, 1903)


def test_servers_that_falter_are_asked_again(tmp_path: Path) -> None:
    clock = Clock()
    with serving_chat(lambda chat: year_of(chat.text)) as server:
        server.first(too_many(after=7), fault(503), too_many(), cut())
        done = run(server.model(), jobs_of(TEXTS[:3]), Year, concurrency=1, monotonic=clock.now, sleep=clock.sleep)
        assert len(done.done) == 3 and done.failures == []
        assert clock.slept[0] == pytest.approx(7) and len(clock.slept) == 4 and clock.slept[1:] == [1.0, 2.0, 4.0]


def test_a_server_that_hangs_holds_up_nobody_else() -> None:
    with serving_chat(lambda chat: year_of(chat.text)) as server:
        server.first(hangs())
        model = server.model(timeout=0.5)
        done = run(model, jobs_of(TEXTS), Year, concurrency=2, sleep=lambda seconds: None)
        assert len(done.done) == 12 and done.failures == [] and len(server.chats) == 13


def test_a_server_that_asks_for_an_hour_is_left_alone() -> None:
    with serving_chat(lambda chat: year_of(chat.text)) as server:
        server.first(too_many(after=3_600))
        done = run(server.model(), jobs_of(TEXTS), Year, concurrency=1)
        assert done.stopped is not None and "60 minutes" in done.stopped
        assert len(server.chats) == 1 and len(done.left) == 11 and [f.key for f in done.failures] == ["k0"]


def test_a_key_that_is_refused_is_not_tried_a_thousand_times() -> None:
    with serving_chat(lambda chat: fault(401)) as server:
        done = run(server.model(), jobs_of([f"number {i}" for i in range(1_000)]), Year, concurrency=2)
        assert done.done == {} and done.stopped is not None and "in a row" in done.stopped
        assert len(server.chats) <= 7 and len(done.failures) + len(done.left) == 1_000
        assert KEY not in repr(done)


def test_no_server_is_noticed_soon() -> None:
    clock, tried = Clock(), list[str]()

    def silent(text: str) -> str:
        tried.append(text)
        raise Temporary("no connection")

    done = run(PlantedModel(silent), jobs_of(TEXTS), Year, concurrency=1, monotonic=clock.now, sleep=clock.sleep)
    # six times for the first, once for each of the next four
    assert Counter(tried) == Counter({TEXTS[0]: 6, **dict.fromkeys(TEXTS[1:5], 1)})
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert [f.key for f in done.failures] == ["k0", "k1", "k2", "k3", "k4"] and len(done.left) == 7


@pytest.mark.parametrize("error", [InvalidReply("no object", usage=Usage(5, 6)), TooLong("it is too long")])
def test_failures_of_single_questions_stop_nothing(error: LanguageModelError) -> None:
    def answer(text: str) -> str:
        raise error

    done = run(PlantedModel(answer), jobs_of(TEXTS), Year)
    assert done.stopped is None and done.left == () and len(done.failures) == 12
    assert done.failures[0] == Failure("k0", str(error))
    assert done.usage == Usage(12 * error.usage.prompt_tokens, 12 * error.usage.completion_tokens)


def test_tokens_of_calls_that_were_made_again_count() -> None:
    failed = list[str]()

    def answer(text: str) -> str:
        if not failed:
            failed.append(text)
            error = Temporary("the repair got no answer")
            error.usage = Usage(100, 10)
            raise error
        return '{"year": 1}'

    clock = Clock()
    done = run(PlantedModel(answer), jobs_of(["a b"]), Year, monotonic=clock.now, sleep=clock.sleep)
    assert done.usage == Usage(102, 17)


def test_what_is_not_acceptable_is_a_failure_and_not_remembered(tmp_path: Path) -> None:
    def check(job: Job, value: Year) -> str | None:
        return f"{value.year} is no year of {job.key}" if value.year % 2 else None

    model = PlantedModel(year_of)
    with CompletionCache(tmp_path / "c") as cache:
        done = run(model, jobs_of(TEXTS), Year, cache=cache, check=check)
        assert list(done.done) == [f"k{i}" for i in range(0, 12, 2)]
        assert done.failures[0] == Failure("k1", "not accepted: 1901 is no year of k1") and len(done.failures) == 6
        run(model, jobs_of(TEXTS), Year, cache=cache, check=check)
        assert Counter(model.asked) == Counter({text: 1 + i % 2 for i, text in enumerate(TEXTS)})
        # what was accepted under another rule does not pass this one either
        strict = run(model, jobs_of(TEXTS[:1]), Year, cache=cache, check=lambda job, value: "never")
        assert strict.done == {} and len(strict.failures) == 1


def test_the_same_question_is_asked_once() -> None:
    model = PlantedModel(year_of)
    done = run(model, jobs_of(["number 5"] * 6 + ["number 6"] * 3), Year)
    assert sorted(model.asked) == ["number 5", "number 6"]
    assert [value.year for value in done.values().values()] == [1905] * 6 + [1906] * 3
    assert done.usage == Usage(4, 14)


def test_two_jobs_of_one_key_are_refused() -> None:
    twice = [jobs_of(["a"])[0], jobs_of(["b"])[0]]
    with pytest.raises(InputError, match="two jobs have the key 'k0'"):
        run(PlantedModel(), twice, Year)


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"per_minute": 0}, {"per_minute": float("nan")}])
def test_limits_that_are_none(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        run(PlantedModel(), jobs_of(TEXTS), Year, **options)  # type: ignore[arg-type]


def test_as_many_calls_are_on_their_way_as_allowed() -> None:
    model = PlantedModel(pause=0.03)
    run(model, jobs_of(TEXTS), Year, concurrency=3)
    assert model.most == 3


@pytest.mark.parametrize("concurrency", [1, 4])
def test_calls_keep_their_distance(concurrency: int) -> None:
    clock = Clock()
    limits = {"concurrency": concurrency, "per_minute": 30}
    done = run(PlantedModel(), jobs_of(TEXTS), Year, monotonic=clock.now, sleep=clock.sleep, **limits)
    assert len(done.done) == 12 and clock.slept == pytest.approx([2.0] * 11)


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.integers(0, 60),
    st.integers(0, 8_000),
    st.integers(1, 4),
)
def test_a_budget_is_kept_and_what_is_done_does_not_depend_on_concurrency(
    lengths: list[int], replies: int, tokens: int, concurrency: int
) -> None:
    texts = [" ".join([f"number {i}", *["word"] * n]) for i, n in enumerate(lengths)]
    model = PlantedModel(year_of, replies=replies)
    done = run(model, jobs_of(texts, max_tokens=60), Year, budget=Budget(tokens=tokens), concurrency=concurrency)
    assert done.usage.tokens <= tokens
    # the plain rule: one after the other, as long as the worst case fits
    schema, spent, fits = PlantedModel().count_tokens(jobs_of([_schema()])[0].messages), 0, 0
    for text in texts:
        if spent + worst_case(len(text.split()), 60, schema).tokens > tokens:
            break
        spent, fits = spent + len(text.split()) + replies, fits + 1
    assert list(done.done) == [f"k{i}" for i in range(fits)]
    assert (done.stopped is None) == (fits == len(texts)) and len(done.left) == len(texts) - fits
    assert done.failures == []


def _schema() -> str:
    return json.dumps(Year.model_json_schema())


def test_a_budget_in_money_stops_and_another_run_goes_on(tmp_path: Path) -> None:
    model = PlantedModel(year_of, prices=Prices(prompt=1_000.0, completion=10_000.0))
    worst = model.prices.cost(worst_case(5, 50, len(_schema().split())))  # type: ignore[union-attr]
    with CompletionCache(tmp_path / "c") as cache:
        first = run(model, jobs_of(TEXTS), Year, cache=cache, budget=Budget(money=worst * 1.5))
        assert first.stopped is not None and "the budget is" in first.stopped
        assert first.cost is not None and 0 < first.cost <= worst * 1.5 and 0 < len(first.done) < 12
        second = run(model, jobs_of(TEXTS), Year, cache=cache)
        assert second.cached == len(first.done) and len(second.done) == 12
    assert max(Counter(model.asked).values()) == 1


def test_a_budget_in_money_needs_prices() -> None:
    with pytest.raises(InputError, match="prompt_price"):
        run(PlantedModel(), jobs_of(TEXTS), Year, budget=Budget(money=1.0))
    with pytest.raises(InputError, match="below zero"):
        Budget(tokens=-1)


def test_what_is_left_of_a_budget() -> None:
    assert Budget(tokens=100, money=1.0).less(Usage(30, 20), Prices(10_000.0)) == Budget(50, 0.7)
    assert Budget(tokens=10).less(Usage(30, 20), None) == Budget(0, None)


def test_a_plan_says_what_running_takes_and_asks_nothing(tmp_path: Path) -> None:
    model = PlantedModel(year_of, prices=Prices(1e6, 2e6))
    with CompletionCache(tmp_path / "c") as cache:
        run(model, jobs_of(TEXTS[:2]), Year, cache=cache)
        asked = len(model.asked)
        found = plan(model, jobs_of([*TEXTS, TEXTS[5]]), Year, cache)
        assert found == Plan(10, 2, 10 * 5, 10 * 50, 50 * 1.0 + 500 * 2.0)
        assert len(model.asked) == asked
    assert plan(PlantedModel(), [], Year, None) == Plan(0, 0, 0, 0, None)


def test_a_fault_of_ours_is_raised_not_recorded(tmp_path: Path) -> None:
    def answer(text: str) -> str:
        if "number 4" in text:
            raise ZeroDivisionError("ours")
        return year_of(text)

    with CompletionCache(tmp_path / "c") as cache:
        with pytest.raises(ZeroDivisionError, match="ours"):
            run(PlantedModel(answer), jobs_of(TEXTS), Year, cache=cache, concurrency=2)
        rest = run(PlantedModel(year_of), jobs_of(TEXTS), Year, cache=cache)
        assert rest.cached >= 3 and len(rest.done) == 12


@pytest.mark.parametrize("after", [0.0, 0.001, 0.004, 0.03])
def test_an_interrupt_waits_for_calls_on_their_way_and_keeps_them(tmp_path: Path, after: float) -> None:
    """Whenever it comes: while thousands of answers arrive, what was asked for is kept, and nothing hangs."""
    begun = threading.Event()

    def answer(text: str) -> str:
        begun.set()
        return year_of(text)

    def interrupt() -> None:
        assert begun.wait(10)
        time.sleep(after)
        # as a terminal does it: what the main thread waits for ends at once
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    jobs = jobs_of([f"which year is number {i}" for i in range(3_000)])
    model = PlantedModel(answer, pause=0.001)
    threading.Thread(target=interrupt, daemon=True).start()
    started = time.monotonic()
    with CompletionCache(tmp_path / "c") as cache:
        with pytest.raises(KeyboardInterrupt):
            run(model, jobs, Year, cache=cache, concurrency=3)
        assert time.monotonic() - started < 8 and 1 <= len(model.asked) < 3_000
        found = plan(model, jobs, Year, cache)
        assert (found.cached, found.calls) == (len(model.asked), 3_000 - len(model.asked))


_SCRIPT = """
import sys
from pathlib import Path
from lm.planted import Year, jobs_of
from segue.lm.cache import CompletionCache
from segue.lm.jobs import run
from segue.lm.openai_compatible import OpenAICompatible

model = OpenAICompatible("test", base_url=sys.argv[1], key="k")
texts = [f"which year is number {i}" for i in range(40)]
with CompletionCache(Path(sys.argv[2])) as cache:
    run(model, jobs_of(texts), Year, cache=cache, concurrency=2)
"""


def test_a_job_killed_in_the_middle_is_paid_for_once(tmp_path: Path) -> None:
    """What was on its way when the process died, at most two, is asked once more; all else exactly once."""
    half_way = threading.Event()

    def answer(chat: Chat) -> object:
        time.sleep(0.02)
        if len(server.chats) >= 12:
            half_way.set()
        return year_of(chat.text)

    with serving_chat(answer) as server:
        command = [sys.executable, "-c", _SCRIPT, server.url, str(tmp_path / "c")]
        process = subprocess.Popen(command, env=_environment())
        try:
            assert half_way.wait(60)
            process.send_signal(signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        before = asked_of(server.chats)
        assert 12 <= sum(before.values()) < 40
        jobs = jobs_of([f"which year is number {i}" for i in range(40)])
        with CompletionCache(tmp_path / "c") as cache:
            done = run(server.model(key="k"), jobs, Year, cache=cache, concurrency=2)
        assert [value.year for value in done.values().values()] == list(range(1900, 1940))
        asked = asked_of(server.chats)
        assert set(asked) == {str(i) for i in range(40)}
        twice = [key for key, n in asked.items() if n > 1]
        assert max(asked.values()) <= 2 and len(twice) <= 2
        assert done.cached == sum(before.values()) - len(twice) >= 10


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[1]
    return os.environ | {"PYTHONPATH": f"{root}:{root.parent / 'src'}"}
