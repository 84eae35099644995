"""The prompts that ship, filled with harm, asked of a server that is on the other side: nothing but failures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lm.bank import MALICIOUS, TITLES
from lm.server import KEY, Chat, serving_chat
from lm.test_prompts import ALL
from segue.lm.cache import CompletionCache
from segue.lm.jobs import Job, run
from segue.lm.prompts import Prompt

MODULES = [f"segue.enrich.{name}" for name in ("describe", "summarise", "queries", "grade")] + [
    "segue.recommend.zero_shot"
]


def schema_of(prompt: Prompt) -> type[BaseModel]:
    found = {getattr(import_module(name), prompt.schema, None) for name in MODULES} - {None}
    (schema,) = found
    assert isinstance(schema, type) and issubclass(schema, BaseModel)
    return schema


def filled(prompt: Prompt) -> list[Job]:
    """A job for each of the titles that mean harm, in all inputs at once."""
    return [
        Job(str(i), variant.messages(**{name: [title, {title: title}] for name in variant.inputs}), variant.version)
        for i, title in enumerate(TITLES)
        for variant in prompt.variants[:1]
    ]


@pytest.mark.parametrize("package, name", ALL)
def test_each_prompt_that_ships_has_its_schema(package: str, name: str) -> None:
    assert schema_of(Prompt.read(package, name)).model_json_schema()["type"] == "object"


@pytest.mark.parametrize("said", MALICIOUS)
def test_a_server_on_the_other_side_brings_nothing_but_failures(
    said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving_chat(MALICIOUS[said]) as server, CompletionCache(tmp_path / "c") as cache:
        for at, (package, name) in enumerate(
            ALL[list(MALICIOUS).index(said) % 2 :: 2], 3 * list(MALICIOUS).index(said)
        ):
            prompt = Prompt.read(package, name)
            jobs = [filled(prompt)[at % len(TITLES)]]
            results = run(server.model(), jobs, schema_of(prompt), cache=cache)
            assert results.done == {} and results.stopped is None, (name, said)
            assert [failure.key for failure in results.failures] == [job.key for job in jobs]
            assert all(len(f.reason) < 1_000 and "\n" not in f.reason for f in results.failures)
            assert KEY not in repr(results)
    assert KEY not in caplog.text
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize("package, name", ALL)
def test_titles_reach_the_server_as_data(package: str, name: str) -> None:
    """Whatever the title, each thing put in parses back where it was put, and roles and system message stay."""
    prompt = Prompt.read(package, name)
    jobs = filled(prompt)[ALL.index((package, name)) % 5 :: 5]
    with serving_chat(lambda chat: "no") as server:
        run(server.model(), jobs, schema_of(prompt))
        firsts = [chat for chat in server.chats if len(chat.body["messages"]) == 2]
    assert len(firsts) == len({job.messages for job in jobs}) >= 5
    for chat in firsts:
        roles = [message["role"] for message in chat.body["messages"]]
        assert roles == ["system", "user"] and chat.contents[0] == prompt.system
        assert all(isinstance(value, list) and len(value) == 2 for value in data_in(prompt, chat))


def data_in(prompt: Prompt, chat: Chat) -> list[Any]:
    """What stands in a message at the places of the inputs, read as JSON."""
    text, found = chat.last, []
    template = prompt.user
    while "{" in template:
        before, _, rest = template.partition("{")
        name, closed, after = rest.partition("}")
        if not closed or name not in prompt.inputs:
            template = rest
            continue
        assert before in text
        text = text[text.index(before) + len(before) :]
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text, template = text[end:], after
    assert text.strip() == template.strip() or "JSON" in text
    return found


def test_the_key_is_nowhere_when_a_server_says_it(tmp_path: Path) -> None:
    """Also not where the server puts it into an object that fits."""
    from lm.planted import Year, jobs_of

    answers: list[Callable[[Chat], Any]] = [lambda chat: {"year": 1, KEY: 1}, lambda chat: {"year": KEY}]
    for answer in answers:
        with serving_chat(answer) as server, CompletionCache(tmp_path / "c") as cache:
            results = run(server.model(), jobs_of(["a"]), Year, cache=cache)
        assert results.done == {} and KEY not in repr(results.failures)
