"""The tools as a program sees them: a real client, a real process, the real models."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from segue.errors import SegueError
from segue.serve.engine import Engine
from segue.serve.mcp import tools_server
from segue.serve.settings import ServeSettings
from segue.sources.m3u import read_m3u

Called = tuple[bool, Any]


def ask(engine: Engine, *calls: tuple[str, dict[str, Any]], out: Path | None = None) -> list[Called]:
    async def talk() -> list[Called]:
        async with Client(tools_server(lambda: engine, out)) as client:
            found = []
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                text = "".join(part.text for part in result.content if part.type == "text")
                found.append((bool(result.is_error), text if result.is_error else result.structured_content))
            return found

    return anyio.run(talk)


@pytest.fixture(scope="module")
def engine(served_folder: Path) -> Engine:
    return Engine.open(
        ServeSettings(served_folder / "model", search=served_folder / "search", tracks=served_folder / "tracks.model")
    )


def test_the_list_is_that_of_the_model(engine: Engine) -> None:
    from segue.recommend.rules import Rules
    from segue.systems.requests import Request

    title = 'rainy "sunday"\n🌧 <b>'
    ((failed, found),) = ask(engine, ("recommend", {"title": title, "n": 7, "artist_cap": 1}))
    wanted = engine.answer(Request(title, rules=Rules(n=7, artist_cap=1))).to_json()
    assert not failed and found == json.loads(json.dumps(wanted))


def test_search_similar_and_export_go_together(engine: Engine, tmp_path: Path) -> None:
    ((_, listed),) = ask(engine, ("recommend", {"title": "road trip", "n": 5}))
    ids = [track["track_id"] for track in listed["tracks"]]
    (bad_search, found), (bad_near, near), (bad_file, file) = ask(
        engine,
        ("search", {"query": "road trip", "n": 3}),
        ("similar", {"track_ids": ids[:1], "n": 4}),
        ("export", {"track_ids": [*ids, "no such id"], "title": "../../Road: trip"}),
    )
    assert not (bad_search or bad_near or bad_file)
    assert len(found["playlists"]) == 3 and all(p["playlist_id"] for p in found["playlists"])
    assert len(near["tracks"]) == 4 and ids[0] not in [track["track_id"] for track in near["tracks"]]
    title, tracks = read_m3u(file["text"], label="x", base=None)
    assert [track.track_id for track in tracks] == ids and title == "../../Road: trip"
    assert file["unknown"] == ["no such id"] and "/" not in file["name"]

    ((_, written),) = ask(engine, ("export", {"track_ids": ids, "title": "../../Road: trip"}), out=tmp_path)
    assert "text" not in written
    assert [p.name for p in tmp_path.iterdir()] == [written["file"]]


def test_what_cannot_be_answered_is_said_and_nothing_else_is(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask(
        engine,
        ("recommend", {}),
        ("recommend", {"title": "x", "n": 100_000}),
        ("recommend", {"title": "x", "year_from": 2000, "year_to": 1990}),
        ("similar", {"tracks": ["Nothing - Nobody"]}),
        ("export", {"track_ids": ["no such id"]}),
    )
    assert all(failed for failed, _ in told)
    assert "nothing was asked for" in told[0][1] and "less than or equal to 500" in told[1][1]
    assert "swap them" in told[2][1] and "no track" in told[3][1] and "none of these" in told[4][1]

    def broken(self: Engine, *args: object, **more: object) -> None:
        raise RuntimeError("secret /path")

    monkeypatch.setattr(Engine, "answer", broken)
    ((failed, text),) = ask(engine, ("recommend", {"title": "x"}))
    assert failed and "secret" not in text


def test_only_what_can_be_answered_is_offered(engine: Engine, served_folder: Path) -> None:
    async def names(of: Engine) -> dict[str, Any]:
        async with Client(tools_server(lambda: of)) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    assert set(anyio.run(names, engine)) == {"recommend", "search", "similar", "export"}
    alone = Engine(engine.model, engine.suggestions)
    found = anyio.run(names, alone)
    assert set(found) == {"recommend", "export"}
    assert found["recommend"].description.startswith("Make a playlist")
    assert found["recommend"].input_schema["properties"]["n"]["maximum"] == 500


def test_a_program_starts_it_and_talks_over_pipes(served_folder: Path, tmp_path: Path) -> None:
    arguments = ["-m", "segue", "mcp", "-m", str(served_folder / "model"), "--tracks"]
    command = StdioServerParameters(
        command=sys.executable, args=[*arguments, str(served_folder / "tracks.model")], cwd=str(tmp_path)
    )

    async def talk() -> Any:
        async with Client(command) as client:
            return await client.call_tool("recommend", {"title": "party", "n": 3})

    with anyio.from_thread.start_blocking_portal() as portal:
        result = portal.call(talk)
    assert not result.is_error and len(result.structured_content["tracks"]) == 3


def test_a_folder_that_is_not_there_is_not_made(served_folder: Path, tmp_path: Path) -> None:
    from segue.cli.mcp import mcp

    with pytest.raises(SegueError, match="is no folder"):
        mcp(model=served_folder / "model", out=tmp_path / "nowhere")
