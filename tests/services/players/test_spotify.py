from __future__ import annotations

import json
import os
import stat
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.player import PlayerContract, Start, named
from segue.library import Track
from segue.services.base import NotAllowed
from segue.services.client import Client
from segue.services.players import spotify_player
from segue.services.players.pulled import pull
from segue.services.players.spotify_login import log_in, token_file
from segue.services.players.spotify_player import SpotifyPlayer
from services.players.apps import Playlist, SpotifyApp


def key(i: int) -> str:
    return f"{i:022d}"


def keep(access: str = "access-0", refresh: str = "refresh-0", client_id: str = "clientid0123456789") -> Path:
    file = token_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"access_token": access, "refresh_token": refresh, "client_id": client_id}))
    return file


class TestSpotify(PlayerContract):
    chunks = ("spotify_player._CHUNK",)

    def app(self) -> SpotifyApp:
        return SpotifyApp(named(key))

    def open(self, client: Client) -> SpotifyPlayer:
        return SpotifyPlayer(client, token_file())

    def environment(self, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("SEGUE_SPOTIFY_URL", url + "/v1")
        monkeypatch.setenv("SEGUE_SPOTIFY_ACCOUNTS_URL", url)
        monkeypatch.setenv("SPOTIFY_CLIENT_ID", "clientid0123456789")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "settings"))
        keep()

    def wrong_key(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        keep("wrong", "wrong")

    def hasty(self, player: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spotify_player, "SPOTIFY", replace(spotify_player.SPOTIFY, timeout=0.2, attempts=1))


@pytest.fixture
def app(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SpotifyApp:
    made = TestSpotify().app()
    TestSpotify().environment(start(made).url, monkeypatch, tmp_path)
    return made


def test_a_token_that_has_run_out_is_renewed_once_and_kept(app: SpotifyApp, client: Client) -> None:
    app.left = 0
    player = SpotifyPlayer(client, token_file())
    assert player.playlists() == []
    assert json.loads(token_file().read_text()) == {
        "access_token": "access-1", "refresh_token": "refresh-1", "client_id": "clientid0123456789"
    }  # fmt: skip
    assert stat.S_IMODE(token_file().stat().st_mode) == 0o600
    assert app.renewed == 1


def test_tokens_that_run_out_everywhere(app: SpotifyApp, client: Client) -> None:
    app.uses = app.left = 2
    player = SpotifyPlayer(client, token_file())
    numbers = [i % 11 for i in range(350)]
    written = player.write("one", TestSpotify().held(player, numbers))
    assert app.titled("one") == [[key(i) for i in numbers]] and written.remarks == ()
    assert app.renewed >= 5 and player.write("one", TestSpotify().held(player, numbers)).outcome == "unchanged"


def test_a_leave_that_was_taken_back_is_said(app: SpotifyApp, client: Client) -> None:
    app.left, app.refresh = 0, "another"
    with pytest.raises(NotAllowed, match=r"does not accept the leave that you gave.*--login"):
        SpotifyPlayer(client, token_file()).playlists()
    assert json.loads(token_file().read_text())["refresh_token"] == "refresh-0"


def test_two_at_once_renew_once(app: SpotifyApp, client: Client) -> None:
    one, two = SpotifyPlayer(client, token_file()), SpotifyPlayer(client, token_file())
    app.left = 0
    one.playlists()
    two.playlists()
    assert app.renewed == 1


def test_a_leave_of_another_app_or_a_damaged_one_is_none(app: SpotifyApp, client: Client) -> None:
    keep(client_id="another")
    with pytest.raises(NotAllowed, match="needs your leave first"):
        SpotifyPlayer(client, token_file())
    for text in ("", "{", "[]", '{"access_token": 1, "refresh_token": "a", "client_id": "clientid0123456789"}'):
        token_file().write_text(text)
        with pytest.raises(NotAllowed, match="cannot use"):
            SpotifyPlayer(client, token_file())
    token_file().unlink()
    with pytest.raises(NotAllowed, match="--login"):
        SpotifyPlayer(client, token_file())


def browser(app: SpotifyApp, address: str, results: list[int]) -> None:
    """Open an address as a person's browser does, and some that a stranger on the machine might."""
    results.append(_status(address))


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def logged_in(app: SpotifyApp, client: Client, before: Any = None) -> list[int]:
    results: list[int] = []
    threads: list[threading.Thread] = []

    def show(address: str) -> None:
        def run() -> None:
            if before is not None:
                before(address, results)
            browser(app, address, results)

        threads.append(threading.Thread(target=run))
        threads[0].start()

    try:
        log_in(client, "clientid0123456789", token_file(), show, seconds=20.0)
    finally:
        for thread in threads:
            thread.join(20)
    return results


def test_leave_is_given_in_a_browser_and_kept_for_the_owner_alone(app: SpotifyApp, client: Client) -> None:
    token_file().unlink()
    old = os.umask(0)
    try:
        assert logged_in(app, client) == [200]
    finally:
        os.umask(old)
    assert stat.S_IMODE(token_file().stat().st_mode) == 0o600
    assert list(token_file().parent.iterdir()) == [token_file()], "nothing else is left beside it"
    player = SpotifyPlayer(client, token_file())
    assert player.write("one", TestSpotify().held(player, [0, 1])).outcome == "created"


def test_a_person_may_say_no(app: SpotifyApp, client: Client) -> None:
    token_file().unlink()
    app.says_no = True
    with pytest.raises(NotAllowed, match=r"was told no \(access_denied\)"):
        logged_in(app, client)
    assert not token_file().exists()


def test_others_who_knock_change_nothing(app: SpotifyApp, client: Client) -> None:
    from urllib.parse import parse_qs, urlsplit

    def before(address: str, results: list[int]) -> None:
        back = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        queries = ("", "?code=evil&state=guess", "?error=access_denied", "?error=%3Cscript%3E&state=")
        results.extend(_status(back + query) for query in queries)
        results.append(_status(back.replace("/callback", "/other")))

    assert logged_in(app, client, before) == [404] * 5 + [200]


def test_nobody_comes(app: SpotifyApp, client: Client) -> None:
    with pytest.raises(NotAllowed, match="no leave in time"):
        log_in(client, "clientid0123456789", token_file(), lambda address: None, seconds=0.05)


def test_playlists_of_others_are_left_out_and_counted(app: SpotifyApp, client: Client) -> None:
    app.add(Playlist("mine", [key(0)]))
    app.add(Playlist("theirs", [key(1)], owner="somebody"))
    library = pull(SpotifyPlayer(client, token_file()), playlists_only=True)
    assert library.titles == ["mine"] and library.notes["pull"]["playlists_closed"] == 1
    assert library.tracks["track_id"].to_list() == [f"spotify:track:{key(0)}"]
    assert library.tracks["isrc"].to_list() == ["USRC17607800"]


def test_an_id_or_a_link_is_taken_without_a_search(app: SpotifyApp, client: Client) -> None:
    player = SpotifyPlayer(client, token_file())
    found = player.find([
        Track(f"https://open.spotify.com/track/{key(4)}?si=1", "x", "y"), Track("isrc:USRC17607803", "x", "y"),
    ])  # fmt: skip
    assert [each.how for each in found] == ["id", "isrc"]
    assert [each.found.key for each in found if each.found] == [key(4), key(3)]


def test_entries_that_are_no_tracks_are_counted(app: SpotifyApp, client: Client) -> None:
    playlist_id = app.add(Playlist("mixed", [key(0), key(1), key(2)]))
    plain = app.track

    def track(song: Any) -> Any:
        if song.key == key(1):
            return {"type": "episode", "id": "e", "name": "A talk"}
        return None if song.key == key(2) else plain(song)

    app.track = track  # type: ignore[method-assign]
    read = SpotifyPlayer(client, token_file()).read(playlist_id)
    assert [held.key for held in read.tracks] == [key(0)] and read.n_other == 2
