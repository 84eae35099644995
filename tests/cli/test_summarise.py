from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from enrich.planted_texts import planted
from lm.server import KEY, ChatServer, serving_chat
from segue.library import Library

Segue = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEGUE_LM", raising=False)
    library = planted()
    lyrics = pl.Series("lyrics", ["\x1b[31mriver river of gold"] * 2 + [None] * (library.n_tracks - 2), pl.String)
    library.with_track_columns(pl.DataFrame([lyrics])).save(tmp_path / "library")
    return tmp_path / "library"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChatServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving_chat(lambda chat: {"summary": "A calm song about water."}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield server


def test_without_a_model(segue: Segue, folder: Path) -> None:
    assert "template-1: 120 tracks" in segue("summarise", folder, "--dry-run").stdout
    done = segue("summarise", folder, "--samples", 2)
    assert len(done.stdout.splitlines()) == 6 and "from: " in done.stdout and "\x1b" not in done.stdout
    assert "summarised 120 tracks of 120, 2 of them with lyrics" in done.stderr
    tracks = Library.load(folder).tracks
    assert set(tracks["summary_by"]) == {"template-1"} and tracks["summary"].null_count() == 0
    assert max(len(text.split()) for text in tracks["summary"]) <= 25


def test_with_a_model_from_lyrics_alone(segue: Segue, folder: Path, chat: ChatServer) -> None:
    done = segue("summarise", folder, "--lm", "openai:test", "--with-lyrics", "--json")
    told = json.loads(done.stdout)
    assert (told["asked"], told["written"], told["from_lyrics"]) == (2, 2, 2) and len(chat.chats) == 2
    assert told["samples"][0]["summary"] == "A calm song about water."
    assert all("river" in asked.last for asked in chat.chats)
    segue("summarise", folder, "--lm", "none")
    by = Library.load(folder).tracks["summary_by"].to_list()
    assert sorted({who.split("-")[0] for who in by}) == ["openai:test summarise", "template"]
    assert len(chat.chats) == 2
