from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.player import PlayerContract, Start, named
from segue.library import Track
from segue.services.base import NotAllowed
from segue.services.client import Client
from segue.services.players import listenbrainz
from segue.services.players.listenbrainz import ListenBrainz
from services.players.apps import ListenBrainzApp, Playlist
from services.server import Clock, js


def key(i: int) -> str:
    return f"{i + 1:08x}-0000-4000-8000-00000000000f"


class TestListenBrainz(PlayerContract):
    finds_nothing_in_unknown_objects = True
    chunks = ("listenbrainz._CHUNK",)

    def app(self) -> ListenBrainzApp:
        return ListenBrainzApp(named(key, mbids=True))

    def open(self, client: Client) -> ListenBrainz:
        return ListenBrainz(client)

    def environment(self, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("SEGUE_LISTENBRAINZ_URL", url)
        monkeypatch.setenv("LISTENBRAINZ_TOKEN", "0a1b2c3d-1111-4222-8333-444455556666")

    def wrong_key(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("LISTENBRAINZ_TOKEN", "wrong")

    def hasty(self, player: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listenbrainz, "LISTENBRAINZ", replace(listenbrainz.LISTENBRAINZ, timeout=0.2, attempts=1))


def opened(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch, app: ListenBrainzApp) -> ListenBrainz:
    TestListenBrainz().environment(start(app).url, monkeypatch, Path())
    return ListenBrainz(client)


def test_without_a_token_it_says_where_to_get_one(client: Client) -> None:
    with pytest.raises(NotAllowed, match=r"https://listenbrainz.org/settings/ and put it into LISTENBRAINZ_TOKEN"):
        ListenBrainz(client)


def test_a_far_fetched_answer_is_none(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    player = opened(start, client, monkeypatch, TestListenBrainz().app())
    found = player.find([Track("t:1", "Toxic Love", "Tina Dico"), Track("t:2", "Toxic", "Britney Spears")])
    assert [each.how for each in found] == [None, "name"]


def test_a_recording_that_a_link_names_is_not_looked_up(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = opened(start, client, monkeypatch, TestListenBrainz().app())
    (found,) = player.find([Track(f"https://musicbrainz.org/recording/{key(3).upper()}", "x", "y")])
    assert found.how == "mbid" and found.found is not None and found.found.key == key(3) and client.n_sent == 0


def test_many_playlists_come_page_by_page(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    app = TestListenBrainz().app()
    app.per_page = 25
    ids = [app.add(Playlist(f"list {i}", [])) for i in range(60)]
    player = opened(start, client, monkeypatch, app)
    assert [ref.playlist_id for ref in player.playlists()] == ids


def test_its_own_word_for_when_to_ask_again(
    start: Start, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = TestListenBrainz().app()
    player = opened(start, client, monkeypatch, app)
    app.fail = {1: ("before", js({"code": 429}, 429, X_RateLimit_Reset_In="9"))}
    player.write("one", TestListenBrainz().held(player, [1, 2]))
    assert 9.0 in clock.slept and len(app.playlists) == 1
