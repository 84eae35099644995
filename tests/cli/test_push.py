from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from segue.cli.app import app as segue_app
from segue.library import Library
from segue.sources.playlist_files import read_playlist
from services.players.apps import Playlist, Song, SubsonicApp
from services.server import Reply, Server, serving

Segue = Callable[..., Result]


def songs_of(library: Path) -> list[Song]:
    """What the server has: every track of the library but each third."""
    tracks = Library.load(library).tracks.select("name", "artist", "album").rows()
    return [Song(f"so-{i}", n, a, b or "") for i, (n, a, b) in enumerate(tracks) if i % 3]


@pytest.fixture
def server(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(SubsonicApp(songs_of(library))) as made:
        monkeypatch.setenv("SEGUE_SUBSONIC_URL", made.url)
        monkeypatch.setenv("SEGUE_SUBSONIC_USER", "me")
        monkeypatch.setenv("SEGUE_SUBSONIC_PASSWORD", "pässword 1")
        yield made


def app_of(server: Server) -> SubsonicApp:
    assert isinstance(server.app, SubsonicApp)
    return server.app


def piped(data: bytes, *arguments: str) -> Result:
    return CliRunner().invoke(segue_app, ["push", "-", "--to", "subsonic", *arguments], input=data)


@pytest.fixture
def rainy(segue: Segue, model: Path) -> Path:
    segue("recommend", "rainy sunday", "-m", model, "-n", 12, "-o", "rainy.jspf")
    return Path("rainy.jspf")


def expected(app: SubsonicApp, rainy: Path) -> tuple[list[str], list[str]]:
    """Keys of the tracks that the server has, in order, and names of those that it lacks."""
    keys = {(song.name, song.artist): song.key for song in app.songs}
    tracks = read_playlist(rainy).tracks
    found = [keys[t.name, t.artist] for t in tracks if (t.name, t.artist) in keys]
    return found, [t.name for t in tracks if (t.name, t.artist) not in keys]


def test_a_recommendation_goes_through_a_pipe_into_a_player(segue: Segue, server: Server, rainy: Path) -> None:
    app = app_of(server)
    keys, lacking = expected(app, rainy)
    assert keys and lacking
    result = piped(rainy.read_bytes(), "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert app.titled("rainy sunday") == [keys]
    assert said["outcome"] == "created" and said["tracks"] == said["found"] == len(keys)
    assert [each["name"] for each in said["missing"]] == lacking
    assert f"created the playlist 'rainy sunday' in subsonic: {len(keys)} tracks" in result.stderr
    assert f"not found: {lacking[0]} - " in result.stderr
    (playlist_id,) = app.playlists
    assert app.playlists[playlist_id].description and said["playlist_id"] == playlist_id


@pytest.mark.parametrize("format", ["m3u8", "xspf", "json"])
def test_other_formats_say_the_same(segue: Segue, model: Path, server: Server, rainy: Path, format: str) -> None:
    segue("recommend", "rainy sunday", "-m", model, "-n", 12, "-o", f"rainy.{format}")
    segue("push", f"rainy.{format}", "--to", "subsonic")
    piped_too = piped(Path(f"rainy.{format}").read_bytes())
    assert piped_too.exit_code == 0 and "found unchanged the playlist 'rainy sunday'" in piped_too.stderr
    assert app_of(server).titled("rainy sunday") == [expected(app_of(server), rainy)[0]]


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(segue: Segue, server: Server, rainy: Path) -> None:
    app = app_of(server)
    result = segue("push", rainy, "--to", "subsonic", "--dry-run", "--title", "another")
    keys, lacking = expected(app, rainy)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[1] for line in lines if line[0] == "missing"] == lacking
    assert [line[0] for line in lines].count("name") == len(keys) and len(lines) == 12
    assert f"would create the playlist 'another' in subsonic: {len(keys)} tracks" in result.stderr
    assert app.writes == 0 and app.playlists == {}


def test_another_list_of_the_title_needs_replace(
    segue: Segue, refused: Callable[..., str], server: Server, rainy: Path
) -> None:
    app = app_of(server)
    app.add(Playlist("rainy sunday", [app.songs[0].key]))
    assert "--replace" in refused("push", rainy, "--to", "subsonic")
    assert "would write over" in segue("push", rainy, "--to", "subsonic", "--replace", "--dry-run").stderr
    assert app.writes == 0
    segue("push", rainy, "--to", "subsonic", "--replace")
    assert app.titled("rainy sunday") == [expected(app, rainy)[0]]


def test_the_report_names_each_track_in_guarded_cells(segue: Segue, server: Server) -> None:
    app = app_of(server)
    app.songs.append(Song("so-x", "=HYPERLINK(1)", "@me"))
    app.songs.append(Song("so-y", "=HYPERLINK(1)", "@me"))
    listed = {"title": "\x1b[31mred", "tracks": [
        {"track_id": "t:1", "name": "=HYPERLINK(1)", "artist": "@me"},
        {"track_id": "t:2", "name": "nowhere\x1b[2J", "artist": "nobody"},
    ]}  # fmt: skip
    result = piped(json.dumps(listed).encode(), "--report", "report.csv")
    assert result.exit_code == 0, result.stderr
    assert "\x1b" not in result.stderr + result.stdout
    assert "1 track could be more than one there" in result.stderr and "not found: nowhere" in result.stderr
    rows = list(csv.DictReader(io.StringIO(Path("report.csv").read_bytes().decode())))
    assert [(row["how"], row["others"]) for row in rows] == [("name", "1"), ("missing", "0")]
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "nothing to push: the playlist is empty"),
        (b"\n \n", "nothing to push: the playlist is empty"),
        (b"<html><body>no</body></html>", "standard input"),
        (b"some words", "no playlist that can be pushed"),
        (b'{"tracks": []}', "holds no tracks"),
        (b'{"tracks": [{"name": "A song that nobody sang", "artist": "x"}]}', "subsonic has none of the 1 track"),
        (b'{"tracks": 1}', "standard input"),
        (b'{"playlist": {"track": [', "standard input"),
    ],
)
def test_what_cannot_be_pushed_is_one_sentence(server: Server, data: bytes, said: str) -> None:
    result = piped(data)
    assert result.exit_code == 2 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1 and app_of(server).writes == 0


def test_where_the_player_is_must_be_known(refused: Callable[..., str], rainy: Path) -> None:
    assert "put its address into SEGUE_SUBSONIC_URL" in refused("push", rainy, "--to", "subsonic")
    assert "SPOTIFY_CLIENT_ID" in refused("push", rainy, "--to", "spotify")
    assert "no such file" in refused("push", "nowhere.m3u8", "--to", "subsonic").lower()


def test_keys_do_not_go_over_the_open_network_in_the_clear(
    refused: Callable[..., str], rainy: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_SUBSONIC_URL", "http://1.1.1.1:4533")
    assert "--in-the-clear" in refused("push", rainy, "--to", "subsonic")
    assert server.asked == []


def test_a_push_that_is_killed_is_finished_by_the_next(server: Server, segue: Segue) -> None:
    app = app_of(server)
    app.forms = False  # 40 tracks in a request
    wanted = [app.songs[i % 50] for i in range(100)]
    listed = [{"name": song.name, "artist": song.artist, "album": song.album} for song in wanted]
    Path("long.json").write_text(json.dumps({"title": "long", "tracks": listed}))
    app.fail = {2: ("after", Reply(200, b"{}", hang=60.0))}
    command = [sys.executable, "-m", "segue", "push", "long.json", "--to", "subsonic"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        for _ in range(600):
            if app.writes == 2:
                break
            time.sleep(0.1)
        process.kill()
    finally:
        process.communicate()
    (left,) = app.titled("long")
    assert app.writes == 2 and len(left) == 80
    app.fail = {}
    assert "would finish the playlist 'long'" in segue("push", "long.json", "--to", "subsonic", "--dry-run").stderr
    assert "finished the playlist 'long'" in segue("push", "long.json", "--to", "subsonic").stderr
    (whole,) = app.titled("long")
    names = [(app.by_key[key].name, app.by_key[key].artist) for key in whole]
    assert names == [(song.name, song.artist) for song in wanted]
