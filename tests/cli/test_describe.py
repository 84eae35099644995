from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import Result

from enrich.planted_texts import planted
from lm.server import KEY, ChatServer, serving_chat
from segue.library import Library

Segue = Callable[..., Result]
Refused = Callable[..., str]
SAID: dict[str, Any] = {"description": "Hard beats.", "genres": ["rap"], "artists": ["Drake", "Elvis"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEGUE_LM", raising=False)
    planted().save(tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChatServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving_chat(lambda chat: SAID) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield server


def test_without_a_model_every_playlist_is_described_and_marked(segue: Segue, folder: Path, tmp_path: Path) -> None:
    done = segue("describe", folder, "-o", tmp_path / "described")
    assert "without a language model" in done.stderr and "described 36 playlists of 36" in done.stderr
    described = Library.load(tmp_path / "described").playlists
    assert set(described["written_by"]) == {"extractive-1"} and "Rap" in described["written"][0]
    assert described["description"].equals(planted().playlists["description"])
    assert "written" not in Library.load(folder).playlists.columns
    assert done.stdout.startswith("p0: ") and len(done.stdout.splitlines()) == 3
    again = segue("describe", tmp_path / "described", "--json")
    assert json.loads(again.stdout) | {"failures": []} == {
        "asked": 0, "written": 0, "rejected": 0, "unknown_artists": 0, "failures": [],
    }  # fmt: skip


def test_a_model_is_asked_once_and_only_what_is_missing(segue: Segue, folder: Path, chat: ChatServer) -> None:
    told = segue("describe", folder, "--lm", "openai:test", "-n", 2, "--dry-run")
    assert "2 calls to make" in told.stdout and not chat.chats
    assert "written" not in Library.load(folder).playlists.columns
    done = segue("describe", folder, "--lm", "openai:test", "-n", 2, "--json")
    counts = json.loads(done.stdout)
    assert (counts["asked"], counts["written"], counts["unknown_artists"]) == (2, 2, 2) and len(chat.chats) == 2
    assert "2 artists left out" in done.stderr
    # others are written by the stand-in, these stay
    segue("describe", folder, "--lm", "none")
    by = Library.load(folder).playlists["written_by"].to_list()
    assert all(who.startswith("openai:test describe-1") for who in by[:2]) and set(by[2:]) == {"extractive-1"}
    assert len(chat.chats) == 2
    # again: the answers are remembered
    counts = json.loads(
        segue("describe", folder, "--lm", "openai:test", "--again", "--playlists", "p1,p0", "--json").stdout
    )
    assert (counts["written"], counts["cached"]) == (2, 2) and len(chat.chats) == 2


def test_what_fails_is_told_and_left_out(segue: Segue, folder: Path, chat: ChatServer, tmp_path: Path) -> None:
    chat.answer = lambda asked: "no" if "Track 1" in asked.text else SAID
    failures = tmp_path / "failures.jsonl"
    done = segue("describe", folder, "--lm", "openai:test", "--playlists", "p0,p12", "--failures", failures)
    assert "described 1 playlist of 2" in done.stderr
    assert json.loads(failures.read_text())["key"] == "p12"
    assert Library.load(folder).playlists["written"].is_not_null().sum() == 1


def test_a_budget_stops_it_and_the_same_command_goes_on(segue: Segue, folder: Path, chat: ChatServer) -> None:
    command = ("describe", folder, "--lm", "openai:test", "-n", 4, "--concurrency", 1)
    done = segue(*command, "--budget-tokens", 1)
    assert "stopped" in done.stderr and not chat.chats and "described 0 playlists of 4" in done.stderr
    segue(*command)
    assert Library.load(folder).playlists["written"].is_not_null().sum() == 4


def test_others_may_change_the_library_while_a_model_is_asked(segue: Segue, folder: Path, chat: ChatServer) -> None:
    def answer(asked: Any) -> Any:
        library = Library.load(folder)
        library.with_track_columns(pl.DataFrame({"isrc": ["x"] * library.n_tracks})).save(folder)
        return SAID

    chat.answer = answer
    segue("describe", folder, "--lm", "openai:test", "-n", 1)
    library = Library.load(folder)
    assert library.playlists["written"][0] == "Hard beats." and library.tracks["isrc"][0] == "x"


def test_what_cannot_be_done_is_told(refused: Refused, folder: Path, tmp_path: Path, chat: ChatServer) -> None:
    assert "no playlist 'nope'" in refused("describe", folder, "--playlists", "nope")
    assert "is not a library folder" in refused("describe", tmp_path / "no")
    assert "no language model 'what'" in refused("describe", folder, "--lm", "what")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    refused("describe", folder, "-o", tmp_path / "full")
    assert (tmp_path / "full" / "letter.txt").is_file() and not chat.chats
