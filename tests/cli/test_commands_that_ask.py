"""Each command that may ask a language model: what it says before, what it keeps, and that it can be repeated."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Segue, invoke
from enrich.planted_texts import planted
from lm.server import KEY, Chat, ChatServer, serving_chat
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import SearchQuery, write_lines

COMMANDS: dict[str, list[str]] = {
    "describe": ["describe", "library", "-o", "out", "-n", "2"],
    "summarise": ["summarise", "library", "-o", "out", "-n", "2"],
    "queries": ["queries", "library", "-o", "out", "-n", "2", "--styles", "keyword"],
    "variants": ["queries", "library", "-o", "out", "--part", "all", "--low", "log.csv"],
    "grade": ["grade", "library", "--queries", "queries.jsonl", "-o", "out", "--encoder", "none", "-k", "2"],
    "judge": ["judge", "run.jsonl", "--library", "library", "-o", "out", "--depth", "2", "--variants", "1"],
    "monitor": ["monitor", "run.jsonl", "--against", "run.jsonl", "--library", "library", "--json"],
}
"""Run in a folder with a library, queries, a log of searches and a run."""


def answer(chat: Chat) -> Any:
    """What fits, whatever is asked for."""
    match chat.body["response_format"]["json_schema"]["name"]:
        case "Description":
            return {"description": "Hard beats.", "genres": ["rap"]}
        case "Summary":
            return {"summary": "A song about a road."}
        case "WrittenQueries":
            return {"queries": [{"style": "keyword", "query": "hard beats"}]}
        case "Variants":
            return {"variants": ["harder beats"]}
        case "GradedPlaylists":
            numbers = sorted(set(map(int, re.findall(r'"number": (\d+)', chat.contents[1]))))
            return {"playlists": [{"number": number, "grade": number % 4, "reason": "so"} for number in numbers]}
    return "no such schema"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGUE_LM", raising=False)
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
    planted(public=True).save(tmp_path / "library")
    write_lines(tmp_path / "queries.jsonl", [SearchQuery("hard beats", "p0", "keyword", "x")])
    shown = "".join(f"rap of old,p0,{int(i == 0)},{i}\n" for i in range(30))
    (tmp_path / "log.csv").write_text(f"query,playlist_id,clicked,time\n{shown}")
    lines = (
        RankedQuery("a", "hard beats", "p0", ("p0", "p13")),
        RankedQuery("b", "rap of old", None, ("p1", "p30")),
    )
    SearchRun("run", lines).write(tmp_path).rename(tmp_path / "run.jsonl")
    with serving_chat(answer) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield served


def written(folder: Path) -> dict[str, bytes]:
    """What a command wrote; manifests of folders hold times and are left out."""
    out = folder / "out"
    files = sorted(out.rglob("*")) if out.is_dir() else [out] if out.is_file() else []
    return {file.name: file.read_bytes() for file in files if file.is_file() and file.name != "manifest.json"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_asks_says_so_before_and_can_be_repeated(
    name: str, server: ChatServer, segue: Segue, tmp_path: Path
) -> None:
    command = COMMANDS[name]
    dry = segue(*command, "--lm", "openai:test", "--dry-run")
    assert re.search(r"^openai:test: [1-9]\d* calls? to make, 0 remembered; ", dry.stdout), dry.output
    assert not server.chats and not written(tmp_path)

    # an answer that fits the schema of nothing: failures alone, each with its reason
    server.answer = lambda chat: {"anything": KEY}
    failed = invoke(*command, "--lm", "openai:test", "--failures", "failed.jsonl")
    assert failed.exit_code in (0, 2), failed.output
    lines = [json.loads(line) for line in (tmp_path / "failed.jsonl").read_text().splitlines()]
    assert lines and all("schema" in line["reason"] for line in lines)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    (tmp_path / "out").unlink(missing_ok=True)

    server.answer = answer
    first = segue(*command, "--lm", "openai:test", "--record", "replies.jsonl")
    made, n = written(tmp_path), len(server.chats)
    assert n > len(lines) and (made or name == "monitor")
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    again = segue(*command, "--lm", "replay:replies.jsonl")
    assert again.stdout == first.stdout and written(tmp_path) == made and len(server.chats) == n
    assert all(KEY not in each.output for each in (dry, failed, first, again))
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.parametrize("name", COMMANDS)
def test_without_a_model_nobody_is_asked(name: str, server: ChatServer, segue: Segue, tmp_path: Path) -> None:
    segue(*COMMANDS[name], "--lm", "none")
    assert not server.chats and (written(tmp_path) or name == "monitor")
