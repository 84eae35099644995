from __future__ import annotations

import itertools
import multiprocessing
import stat
import threading
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from lm.planted import Year
from segue.errors import StoredDataError
from segue.lm.base import Completion, Message, Usage
from segue.lm.cache import CompletionCache, completions_file, request_key, schema_digest

ASK = (Message("system", "a"), Message("user", "b"))


def made(year: int = 1999, raw: str = '{"year": 1999}') -> Completion[Year]:
    return Completion(Year(year=year), raw, Usage(12, 3), 0.25, "openai:x", "year-1-abcdef")


def test_what_is_kept_comes_back_marked(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        assert cache.get("k", Year) is None
        cache.put("k", made())
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        found = cache.get("k", Year)
    assert found is not None and found.cached
    assert (found.value, found.usage, found.cost) == (Year(year=1999), Usage(12, 3), 0.25)
    assert (found.model, found.prompt, found.raw) == ("openai:x", "year-1-abcdef", '{"year": 1999}')


def test_what_does_not_fit_the_schema_any_more_is_asked_again(tmp_path: Path) -> None:
    class Later(BaseModel):
        year: int = Field(ge=2000)

    with CompletionCache(tmp_path / "c.sqlite") as cache:
        cache.put("k", made())
        assert cache.get("k", Later) is None


def test_replies_that_no_utf8_carries_are_kept(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        cache.put("k", made(raw="\ud800"))
        found = cache.get("k", Year)
    assert found is not None and found.raw == "?"


def test_everything_that_an_answer_depends_on_is_in_the_key() -> None:
    class Other(BaseModel):
        year: int = Field(description="of the first pressing")

    schemas = [schema_digest(Year), schema_digest(Other)]
    messages = [ASK, ASK[::-1], (Message("system", "ab"), Message("user", "")), (Message("user", "a\ud800"),)]
    messages.append((Message("user", "a?"),))
    keys = [
        request_key(model, prompt, schema, each, temperature=temperature, max_tokens=n)
        for model, prompt, schema, each, temperature, n in itertools.product(
            ["a:b", "a:c"], ["p-1", "p-2"], schemas, messages, [0.0, 0.5], [10, 11]
        )
    ]
    assert len(set(keys)) == len(keys)
    again = request_key("a:b", "p-1", schema_digest(Year), list(ASK), temperature=0, max_tokens=10)
    assert again == keys[0]


def test_nothing_of_the_question_is_in_the_file_and_nobody_else_reads_it(tmp_path: Path) -> None:
    secret = "a title nobody is to know"
    key = request_key("a:b", "p-1", "s", [Message("user", secret)], temperature=0, max_tokens=10)
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        cache.put(key, made())
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "c.sqlite").stat().st_mode) == 0o600


def test_threads_share_it(tmp_path: Path) -> None:
    with CompletionCache(tmp_path / "c.sqlite") as cache:

        def work(start: int) -> None:
            for i in range(start, start + 20):
                cache.put(f"k{i}", made(i))
                found = cache.get(f"k{i}", Year)
                assert found is not None and found.value.year == i

        threads = [threading.Thread(target=work, args=(20 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all((found := cache.get(f"k{i}", Year)) and found.value.year == i for i in range(80))


def _fill(file: Path, start: int) -> None:
    with CompletionCache(file) as cache:
        for i in range(start, start + 40):
            cache.put(f"k{i}", made(i))


def test_processes_share_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_fill, args=(tmp_path / "c.sqlite", start)) for start in (0, 20)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        assert all(cache.get(f"k{i}", Year) is not None for i in range(60))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoredDataError, match=r"c\.sqlite is damaged"):
        CompletionCache(tmp_path / "c.sqlite")


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path))
    assert completions_file() == tmp_path / "completions.sqlite"
    monkeypatch.delenv("SEGUE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert completions_file() == tmp_path / "segue" / "lm" / "completions.sqlite"
