from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.player import NAMES, PlayerContract, Start, named
from segue.services.base import NotAllowed
from segue.services.client import Client
from segue.services.players.jellyfin import Jellyfin
from services.players.apps import JellyfinApp, Playlist


def key(i: int) -> str:
    return f"{i + 0xABC000:032x}"


class TestJellyfin(PlayerContract):
    """By a key, and a user's name in another case."""

    chunks = ("jellyfin._CHUNK",)

    def app(self) -> JellyfinApp:
        return JellyfinApp(named(key))

    def open(self, client: Client) -> Jellyfin:
        return Jellyfin(client)

    def environment(self, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("SEGUE_JELLYFIN_URL", url)
        monkeypatch.setenv("SEGUE_JELLYFIN_USER", "me")
        monkeypatch.setenv("SEGUE_JELLYFIN_API_KEY", "0123456789abcdef0123456789abcdef")

    def wrong_key(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("SEGUE_JELLYFIN_API_KEY", "wrong")

    def hasty(self, player: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        player._service = replace(player._service, timeout=0.2, attempts=1)


class TestWithoutRepeats(TestJellyfin):
    """As it is set up by default: a track that is there already is not added."""

    thorough = False

    keeps_repeats = False

    def app(self) -> JellyfinApp:
        return JellyfinApp(named(key), repeats=False)

    def test_repeats_that_it_drops_are_said(
        self, start: Start, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        app = self.app()
        self.environment(start(app).url, monkeypatch, tmp_path)
        player = self.open(client)
        numbers = [i % len(NAMES) for i in range(250)]
        written = player.write("one", self.held(player, numbers))
        assert written.remarks == ("jellyfin keeps no repeats: 239 of them were left out",)
        assert app.titled("one") == [[song.key for song in app.songs]] and written.n_tracks == 11
        # cut off behind a chunk that was all repeats
        app.playlists.clear()
        app.add(Playlist("one", [song.key for song in app.songs]))
        assert player.write("one", self.held(player, numbers)).n_tracks == 11
        assert app.titled("one") == [[song.key for song in app.songs]]


def test_a_user_with_a_password_gets_in(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = TestJellyfin()
    contract.environment(start(contract.app()).url, monkeypatch, Path())
    monkeypatch.delenv("SEGUE_JELLYFIN_API_KEY")
    with pytest.raises(NotAllowed, match="SEGUE_JELLYFIN_PASSWORD"):
        Jellyfin(client)
    monkeypatch.setenv("SEGUE_JELLYFIN_USER", "Me")
    monkeypatch.setenv("SEGUE_JELLYFIN_PASSWORD", "pässword 1")
    player = Jellyfin(client)
    written = player.write("one", contract.held(player, [1, 0, 1]))
    assert player.keys(written.ref.playlist_id) == [key(1), key(0), key(1)]
    monkeypatch.setenv("SEGUE_JELLYFIN_PASSWORD", "wrong")
    with pytest.raises(NotAllowed, match="does not let us in"):
        Jellyfin(client).playlists()


def test_a_user_who_is_not_there_is_said(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = TestJellyfin()
    contract.environment(start(contract.app()).url, monkeypatch, Path())
    monkeypatch.setenv("SEGUE_JELLYFIN_USER", "nobody")
    with pytest.raises(NotAllowed, match="no user of the name in SEGUE_JELLYFIN_USER"):
        Jellyfin(client).playlists()
    monkeypatch.delenv("SEGUE_JELLYFIN_USER")
    with pytest.raises(NotAllowed, match="needs SEGUE_JELLYFIN_USER"):
        Jellyfin(client)


def test_films_are_no_music(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = TestJellyfin()
    contract.environment(start(contract.app()).url, monkeypatch, Path())
    assert "films" not in [ref.title for ref in Jellyfin(client).playlists()]
