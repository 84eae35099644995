from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.player import NAMES, PlayerContract, Start, named
from segue.errors import InputError
from segue.library import Track
from segue.services import addresses
from segue.services.base import NotAllowed, NotThere, ServiceError
from segue.services.client import Client
from segue.services.players.subsonic import Subsonic
from services.players.apps import Playlist, SubsonicApp


def key(i: int) -> str:
    """Ids as no server gives them, but may."""
    return f"so/{i} ü&=+%?"


def environ(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_SUBSONIC_URL", url)
    monkeypatch.setenv("SEGUE_SUBSONIC_USER", "me")
    monkeypatch.setenv("SEGUE_SUBSONIC_PASSWORD", "pässword 1")


class TestOpenSubsonic(PlayerContract):
    """With forms, as Navidrome and LMS answer."""

    chunks = ("subsonic._IN_A_FORM", "subsonic._IN_AN_ADDRESS")

    def app(self) -> SubsonicApp:
        return SubsonicApp(named(key))

    def open(self, client: Client) -> Subsonic:
        return Subsonic(client)

    def environment(self, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        environ(url, monkeypatch)

    def wrong_key(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setenv("SEGUE_SUBSONIC_PASSWORD", "wrong")

    def hasty(self, player: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        player._service = replace(player._service, timeout=0.2, attempts=1)


class TestSubsonic(TestOpenSubsonic):
    """As the first one answered: no extensions, no recordings, lists of one are no lists, searches in names alone."""

    thorough = False

    def app(self) -> SubsonicApp:
        return SubsonicApp(named(key), old=True, names_alone=True)

    @pytest.mark.skip("albums come by name, not in the order of songs")
    def test_its_own_ids_and_recordings_are_found_again(self) -> None: ...  # type: ignore[override]


def test_without_forms_everything_is_in_an_address_that_may_not_be_long(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = SubsonicApp(named(key), forms=False)
    environ(start(app).url, monkeypatch)
    player = Subsonic(client)
    numbers = [i % 11 for i in range(150)]
    written = player.write("one", TestOpenSubsonic().held(player, numbers), description="words")
    assert app.titled("one") == [[key(i) for i in numbers]] and written.n_tracks == 150
    assert player.read(written.ref.playlist_id).description == "words"


def test_a_key_is_sent_without_a_user(start: Start, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    app = SubsonicApp(named(key), api_key="0123456789abcdef0123456789abcdef")
    environ(start(app).url, monkeypatch)
    monkeypatch.setenv("SEGUE_SUBSONIC_API_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.delenv("SEGUE_SUBSONIC_USER")
    player = Subsonic(client)
    app.add(Playlist("one", [key(3)], owner="somebody else"))
    assert player.write("one", TestOpenSubsonic().held(player, [1, 1])).outcome == "created"
    assert app.titled("one") == [[key(3)], [key(1), key(1)]], "whose a list is does not depend on the environment"
    monkeypatch.setenv("SEGUE_SUBSONIC_API_KEY", "wrong")
    with pytest.raises(NotAllowed, match=r"does not accept the key in SEGUE_SUBSONIC_API_KEY \(error 44\)"):
        Subsonic(client).playlists()


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (0, ServiceError, "says that it failed"),
        (10, ServiceError, "says that it failed"),
        (20, NotAllowed, "newer than"),
        (30, NotAllowed, "older than"),
        (40, NotAllowed, "does not accept user and password"),
        (41, NotAllowed, "SEGUE_SUBSONIC_API_KEY"),
        (42, NotAllowed, "no such login"),
        (43, NotAllowed, "two logins"),
        (44, NotAllowed, "does not accept the key"),
        (50, NotAllowed, "does not let this user"),
        (60, NotAllowed, "trial"),
        (70, NotThere, "does not have"),
    ],
)
def test_each_error_says_what_to_do(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception], said: str
) -> None:
    app = SubsonicApp(named(key))
    environ(start(app).url, monkeypatch)
    player = Subsonic(client)
    player.playlists()
    app.always = app.failed(code)
    with pytest.raises(kind, match=said) as raised:
        player.playlists()
    assert "pässword" not in str(raised.value)


def test_what_is_missing_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAllowed, match="SEGUE_SUBSONIC_URL"):
        Subsonic(client)
    monkeypatch.setenv("SEGUE_SUBSONIC_URL", "http://127.0.0.1:1")
    with pytest.raises(NotAllowed, match="SEGUE_SUBSONIC_USER and SEGUE_SUBSONIC_PASSWORD"):
        Subsonic(client)
    monkeypatch.setenv("SEGUE_SUBSONIC_USER", "me")
    monkeypatch.setenv("SEGUE_SUBSONIC_PASSWORD", "a\r\nb")
    with pytest.raises(NotAllowed, match="control characters"):
        Subsonic(client)


@pytest.mark.parametrize(
    ("host", "found", "goes"),
    [
        ("192.168.1.4", None, True),
        ("[fd00::1]", None, True),
        ("nas.lan", ["10.0.0.7", "fe80::1%eth0"], True),
        ("nas.lan", ["10.0.0.7", "8.8.8.8"], False),
        ("nas.lan", ["::ffff:8.8.8.8"], False),
        ("nas.lan", ["::ffff:10.1.2.3"], True),
        ("nas.lan", [], False),
        ("1.1.1.1", None, False),
        ("134744072", ["8.8.8.8"], False),
        ("music.example", ["203.0.113.1", "9.9.9.9"], False),
    ],
)
def test_keys_go_in_the_clear_only_inside_a_private_network(
    client: Client, monkeypatch: pytest.MonkeyPatch, host: str, found: list[str] | None, goes: bool
) -> None:
    looked_up = addresses.socket.getaddrinfo

    def resolve(name: str, *rest: Any, **options: Any) -> Any:
        if found is None:
            return looked_up(name, *rest, **options)
        if not found:
            raise OSError("no such name")
        return [(2, 1, 6, "", (each, 0)) for each in found]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
    addresses.is_private.cache_clear()
    environ(f"http://{host}:4533", monkeypatch)
    service = Subsonic(client)._service
    if goes:
        assert addresses.check_base(service, secret=True)
    else:
        with pytest.raises(InputError, match="in the clear over the open network"):
            addresses.check_base(service, secret=True)
    assert addresses.check_base(Subsonic(client, in_the_clear=True)._service, secret=True)
    assert addresses.check_base(service, secret=False)
    addresses.is_private.cache_clear()


def test_an_id_of_another_server_is_not_taken_for_ours(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ(start(SubsonicApp([replace(song, key=str(i)) for i, song in enumerate(named(key))])).url, monkeypatch)
    found = Subsonic(client).find([
        Track("subsonic:track:0", "Hello", "Adele"),  # 0 is Toxic here
        Track("subsonic:track:1", "", ""),
        Track("subsonic:track:77", "Dreams", "Fleetwood Mac"),
        Track("subsonic:track:78", "", ""),
    ])  # fmt: skip
    assert [each.how for each in found] == ["name", "id", "name", None]
    assert found[0].found is not None and found[0].found.key == "7"


def test_recordings_and_isrcs_are_surer_than_names(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = [*named(key)]
    environ(start(SubsonicApp(songs)).url, monkeypatch)
    player = Subsonic(client)
    (by_mbid,) = player.find([Track(f"mbid:{songs[10].mbid}", "Dreams", "Fleetwood Mac")])
    (by_isrc,) = player.find([Track(f"isrc:{songs[10].isrc}", "Dreams", "Fleetwood Mac")])
    assert (by_mbid.how, by_isrc.how) == ("mbid", "isrc")
    assert by_mbid.found is not None and by_mbid.found.key == songs[10].key
    assert by_isrc.found is not None and by_isrc.found.key == songs[10].key and by_isrc.others == 0


def test_a_pulled_library_knows_isrcs_recordings_and_genres(
    start: Start, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segue.services.players.pulled import pull

    app = SubsonicApp([replace(song, isrc=None) if i == 3 else song for i, song in enumerate(named(key))])
    app.add(Playlist("x", [song.key for song in app.songs]))
    environ(start(app).url, monkeypatch)
    tracks = pull(Subsonic(client)).tracks
    assert tracks["isrc"].to_list() == [song.isrc for song in app.songs]
    assert tracks["mbid"].to_list() == [song.mbid for song in app.songs]
    assert set(tracks["genre"]) == {"pop"} and tracks["year"].to_list() == [1990 + i for i in range(len(NAMES))]
    assert tracks["duration_ms"].to_list() == [100_000 + i * 1_000 for i in range(len(NAMES))]
