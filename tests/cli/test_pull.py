from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from segue.cli.app import app as segue_app
from segue.library import Library
from services.players.apps import Playlist, Song, SubsonicApp
from services.server import Reply, Server, serving

Segue = Callable[..., Result]


@pytest.fixture
def server(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with the tracks and playlists of the demo's library."""
    loaded = Library.load(library)
    rows = loaded.tracks.select("name", "artist", "album").rows()
    app = SubsonicApp([Song(f"so-{i}", n, a, b or "") for i, (n, a, b) in enumerate(rows)])
    for row, title in enumerate(loaded.titles[:60]):
        app.add(Playlist(title, [f"so-{t}" for t in loaded.playlist_tracks.row(row).tolist()]))
    with serving(app) as made:
        monkeypatch.setenv("SEGUE_SUBSONIC_URL", made.url)
        monkeypatch.setenv("SEGUE_SUBSONIC_USER", "me")
        monkeypatch.setenv("SEGUE_SUBSONIC_PASSWORD", "pässword 1")
        yield made


def test_a_pulled_library_trains_a_model_whose_lists_go_back_by_id(segue: Segue, server: Server) -> None:
    app = server.app
    assert isinstance(app, SubsonicApp)
    told = json.loads(segue("pull", "--from", "subsonic", "-o", "mine", "--json").stdout)
    assert told["tracks"] == len(app.songs) and told["playlists"] == 60
    assert Library.load(Path("mine")).n_tracks == len(app.songs)
    segue("train", "mine", "-o", "model", "--recipe", "ngrams")
    listed = segue("recommend", "rainy sunday", "-m", "model", "-n", 20, "--format", "jspf").stdout_bytes
    result = CliRunner().invoke(segue_app, ["push", "-", "--to", "subsonic", "--json"], input=listed)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["missing"] == said["ambiguous"] == [] and said["found"] == 20
    dry = CliRunner().invoke(segue_app, ["push", "-", "--to", "subsonic", "--dry-run"], input=listed)
    assert [line.split("\t")[0] for line in dry.stdout.splitlines()] == ["id"] * 20
    assert "would leave as it is" in dry.stderr


def test_what_was_pulled_is_what_one_owns(segue: Segue, server: Server, model: Path) -> None:
    app = server.app
    assert isinstance(app, SubsonicApp)
    app.songs = [song for i, song in enumerate(app.songs) if i % 2]
    app.playlists = {}
    segue("pull", "--from", "subsonic", "-o", "mine")
    segue("recommend", "rainy sunday", "-m", model, "--from", "mine", "-n", 10, "-o", "rainy.xspf")
    lines = segue("push", "rainy.xspf", "--to", "subsonic", "--dry-run").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["id"] * 10


def test_playlists_alone_and_marked_public(segue: Segue, server: Server) -> None:
    result = segue("pull", "--from", "subsonic", "-o", "mine", "--playlists-only", "--public")
    library = Library.load(Path("mine"))
    assert library.public and library.n_playlists == 60
    assert library.n_tracks == len(set(library.playlist_tracks.indices.tolist()))
    assert "wrote mine" in result.stderr and result.stdout == ""


def test_a_pull_that_breaks_off_leaves_the_old_library(
    segue: Segue, refused: Callable[..., str], server: Server
) -> None:
    app = server.app
    assert isinstance(app, SubsonicApp)
    app.playlists = dict(list(app.playlists.items())[:3])
    segue("pull", "--from", "subsonic", "-o", "mine")
    before = Library.load(Path("mine")).fingerprint
    app.always = Reply(200, b'{"subsonic-response": {"status"', cut=True)
    app.always = Reply(200, b"<html>login", {"Content-Type": "text/html"})
    assert "web page" in refused("pull", "--from", "subsonic", "-o", "mine")
    assert Library.load(Path("mine")).fingerprint == before


def test_a_folder_of_other_things_is_refused_before_anything_is_asked(
    refused: Callable[..., str], server: Server
) -> None:
    Path("other").mkdir()
    Path("other/letter.txt").write_text("dear")
    assert "holds other things" in refused("pull", "--from", "subsonic", "-o", "other")
    assert server.asked == []
