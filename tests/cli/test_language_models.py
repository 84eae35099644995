"""What commands that ask a language model share, by a command that does nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from lm.bank import TITLES
from lm.planted import Year, jobs_of
from lm.server import KEY, Chat, ChatServer, half, serving_chat
from segue.cli.language_models import (
    BudgetMoneyOption,
    BudgetTokensOption,
    ConcurrencyOption,
    DryRunOption,
    FailuresOption,
    JobOptions,
    LmOption,
    PerMinuteOption,
    RecordOption,
    announce,
    opened,
    run_jobs,
)
from segue.errors import InputError

TEXTS = [f"which year is number {i}" for i in range(6)]
Ask = Callable[..., Result]

app = typer.Typer()


@app.command()
def years(
    texts: list[str],
    lm: LmOption = None,
    dry_run: DryRunOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_money: BudgetMoneyOption = None,
    concurrency: ConcurrencyOption = 2,
    per_minute: PerMinuteOption = None,
    failures: FailuresOption = None,
    record: RecordOption = None,
    twice: bool = False,
    together: bool = False,
) -> None:
    """Ask for a year for each text; twice: in two runs of one command, the second with other texts."""
    options = JobOptions(dry_run, budget_tokens, budget_money, concurrency, per_minute, failures)
    model = opened(lm, record=record)
    if model is None:
        print("stand-in")
        return
    jobs, others = jobs_of(texts), jobs_of([f"{text} again" for text in texts])
    if together:
        announce(model, [("first", jobs, Year), ("second", others, Year)], options)
    found = [run_jobs(model, jobs, Year, options)]
    if twice:
        found.append(run_jobs(model, others, Year, options))
    print(json.dumps([{key: value.year for key, value in each.values().items()} for each in found]))


def answer(chat: Chat) -> object:
    return half({"year": 1999, "more": "x" * 40}) if "number 3" in chat.text else {"year": 1999}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving_chat(answer) as served:
        yield served


@pytest.fixture
def ask(server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("SEGUE_LM", raising=False)

    def run(*options: object, texts: list[str] = TEXTS, lm: str | None = "openai:test") -> Result:
        named = [] if lm is None else ["--lm", lm]
        result = CliRunner().invoke(app, [*named, *map(str, options), "--", *texts], catch_exceptions=False)
        assert KEY not in result.output
        return result

    return run


def test_results_are_on_stdout_and_what_it_took_on_stderr(ask: Ask, server: ChatServer) -> None:
    first = ask()
    assert json.loads(first.stdout) == [{f"k{i}": 1999 for i in (0, 1, 2, 4, 5)}]
    assert "openai:test: 6 calls to make, 0 remembered; " in first.stderr
    assert "5 of 6 questions answered (0 remembered), 1 failed; " in first.stderr
    assert "  failed: k3: the reply " in first.stderr and len(server.chats) == 7
    second = ask()
    assert second.stdout == first.stdout and "1 call to make, 5 remembered" in second.stderr
    assert len(server.chats) == 9  # what failed is asked again, and repaired again


def test_a_dry_run_prints_what_it_takes_and_asks_nothing(ask: Ask, server: ChatServer) -> None:
    told = ask("--dry-run")
    assert told.exit_code == 0 and told.stdout.startswith("openai:test: 6 calls to make, 0 remembered; ")
    assert "at most 300 of replies; no prices are known" in told.stdout
    Path("segue.toml").write_text("[language_model]\nprompt_price = 1000\ncompletion_price = 2000\n")
    assert "; at most 0." in ask("--dry-run").stdout
    whole = ask("--dry-run", "--together")
    assert "12 calls to make" in whole.stdout and "first: 6 calls, " in whole.stderr and not server.chats


def test_without_a_model_nothing_is_asked(ask: Ask, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(lm=None).stdout == ask(lm="none").stdout == "stand-in\n"
    with pytest.raises(InputError, match="name one with --lm"):
        ask("--record", "replies.jsonl", lm=None)
    monkeypatch.setenv("SEGUE_LM", "openai:test")
    assert ask(lm="none").stdout == "stand-in\n" and not server.chats
    assert "1999" in ask(lm=None).stdout and server.chats


def test_one_budget_holds_for_all_runs_of_a_command(ask: Ask, server: ChatServer) -> None:
    texts = [text for text in TEXTS if "3" not in text]
    ample = ask("--twice", "--budget-tokens", 100_000, texts=texts[:1])
    assert ample.stdout == '[{"k0": 1999}, {"k0": 1999}]\n' and "stopped" not in ample.stderr
    n = len(server.chats)
    none = ask("--twice", "--budget-tokens", 0, texts=texts[1:])
    assert none.stdout == "[{}, {}]\n" and none.exit_code == 0 and len(server.chats) == n
    assert "stopped: the budget is 0 tokens" in none.stderr and "4 not asked" in none.stderr
    assert "The same command goes on from here" in none.stderr
    with pytest.raises(InputError, match="prompt_price"):
        ask("--budget-money", 1)


def test_failures_are_written_down(ask: Ask, tmp_path: Path) -> None:
    ask("--twice", "--failures", tmp_path / "failed.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "failed.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == ["k3", "k3"] and all("reply" in line["reason"] for line in lines)


def test_replies_are_recorded_and_replayed(ask: Ask, server: ChatServer, tmp_path: Path) -> None:
    first = ask("--record", tmp_path / "replies.jsonl")
    n = len(server.chats)
    again = ask(lm=f"replay:{tmp_path / 'replies.jsonl'}")
    assert again.stdout == first.stdout and len(server.chats) == n
    assert KEY not in (tmp_path / "replies.jsonl").read_text()


def test_what_was_remembered_is_recorded_as_well(ask: Ask, server: ChatServer, tmp_path: Path) -> None:
    """Else a recording that begins with a warm cache could not be replayed elsewhere."""
    first, file = ask(), tmp_path / "replies.jsonl"
    ask("--record", file)
    n, size = len(server.chats), len(file.read_bytes().splitlines())
    assert size == 6
    shutil.rmtree(tmp_path / "cache")
    again = ask(lm=f"replay:{file}")
    assert again.stdout == first.stdout and len(server.chats) == n
    ask("--record", file)  # everything but what failed, and is asked again, is in the file
    ask("--record", file)
    assert len(file.read_bytes().splitlines()) - size == 2


def test_a_reply_that_came_at_last_is_the_one_that_is_replayed(ask: Ask, server: ChatServer, tmp_path: Path) -> None:
    ask("--record", tmp_path / "r.jsonl")
    server.answer = lambda chat: {"year": 2000}
    second = ask("--record", tmp_path / "r.jsonl")
    assert json.loads(second.stdout)[0]["k3"] == 2000
    shutil.rmtree(tmp_path / "cache")
    assert ask(lm=f"replay:{tmp_path / 'r.jsonl'}").stdout == second.stdout


def test_names_that_mean_harm_do_not_reach_the_terminal(
    server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    jobs = [
        replace(jobs_of(["number 3"])[0], key=f"{i} {title}") for i, title in enumerate([*TITLES[13:], *TITLES[:13]])
    ]
    options = JobOptions(cache=tmp_path / "c", failures=tmp_path / "f.jsonl")
    run_jobs(server.model(), jobs, Year, options)
    said = capsys.readouterr().err
    assert f"{len(TITLES)} failed" in said
    assert all(c.isprintable() or c == "\n" for c in said)
    assert len((tmp_path / "f.jsonl").read_bytes().splitlines()) == len(TITLES)


def test_the_options_are_light() -> None:
    import subprocess
    import sys

    heavy = "{'torch', 'openai', 'httpx', 'pydantic', 'transformers', 'numpy'}"
    code = f"import sys, segue.cli.language_models; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
