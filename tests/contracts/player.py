"""What every player must keep: what is pushed comes back as it was, nothing twice or unasked, no key anywhere."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError, SegueError
from segue.library import Track
from segue.services.base import Blocked, NotAllowed, ServiceError, Unavailable
from segue.services.client import Client
from segue.services.players.base import Player, PlayerTrack
from segue.services.players.pulled import pull
from segue.services.players.writing import PlaylistStore
from services.players.apps import PlayerApp, Playlist, Song
from services.server import CAPTCHA, App, Clock, Reply, Server, js, page

Start = Callable[[App], Server]

# name, artist, album
NAMES = [
    ("Toxic", "Britney Spears", "In the Zone"),
    ("Un año más", "Mecano", "Descanso dominical"),
    ("夜に駆ける", "YOASOBI", "THE BOOK"),
    ("\"Heroes\" - 2017 Remaster", "David Bowie", "Heroes"),
    ("Heroes (Live in Berlin)", "David Bowie", "Stage"),
    ("=HYPERLINK(1)", "\x1b[31mred\x1b[0m", "[bold]"),
    ("<script>alert(1)</script>", "a & b = c? #1/2%", "../../etc"),
    ("Hello", "Adele", "25"),
    ("Hello", "Lionel Richie", "Can't Slow Down"),
    ("Dreams", "Fleetwood Mac", "Rumours"),
    ("Dreams", "Fleetwood Mac", "Greatest Hits"),
]  # fmt: skip
SECRET_WORDS = (
    "pässword",
    "p%C3%A4ssword",
    "0123456789abcdef0123456789abcdef",
    "0a1b2c3d-1111",
    "access-",
    "refresh-",
)


def named(key: Callable[[int], str], *, mbids: bool = False) -> list[Song]:
    """The planted songs; the keys are the player's."""
    songs = []
    for i, (name, artist, album) in enumerate(NAMES):
        mbid = key(i) if mbids else f"{i:08x}-0000-4000-8000-000000000000"
        songs.append(Song(key(i), name, artist, album, f"USRC176078{i:02d}", mbid, 1990 + i, 100_000 + i * 1_000))
    return songs


class PlayerContract(ABC):
    """Run against a local server that answers as the real one does."""

    keeps_repeats = True
    thorough = True
    """Whether every writing request fails once, or only the first and the last; for variants of a player."""
    finds_nothing_in_unknown_objects = False
    """Whether it looks tracks up where an empty object says that there is none."""
    chunks: tuple[str, ...]
    """Where the player keeps how many tracks go in one request."""

    @abstractmethod
    def app(self) -> PlayerApp:
        """A server with the planted songs."""

    @abstractmethod
    def open(self, client: Client) -> PlaylistStore:
        """The player; the environment says where it is."""

    @abstractmethod
    def environment(self, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Say where it is and give the keys."""

    @abstractmethod
    def wrong_key(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Replace the key by one that is none."""

    @abstractmethod
    def hasty(self, player: PlaylistStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the player wait a fifth of a second for answers."""

    @pytest.fixture
    def server(self, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
        server = start(self.app())
        self.environment(server.url, monkeypatch, tmp_path)
        return server

    @pytest.fixture
    def client(self, clock: Clock) -> Iterator[Client]:
        with Client(sleep=clock.sleep, monotonic=clock.now, now=clock.now) as made:
            yield made

    @pytest.fixture
    def player(self, server: Server, client: Client, monkeypatch: pytest.MonkeyPatch) -> PlaylistStore:
        """The player with chunks of five tracks, so that short lists are long ones."""
        for where in self.chunks:
            monkeypatch.setattr(f"segue.services.players.{where}", 5)
        return self.open(client)

    def held(self, player: Player, numbers: list[int]) -> list[PlayerTrack]:
        """Tracks by their number among the planted ones, as the player finds them by their ids."""
        songs = self.songs(player)
        return [PlayerTrack(songs[i].key, Track(f"x:{i}", songs[i].name, songs[i].artist)) for i in numbers]

    def songs(self, player: Player) -> list[Song]:
        return self.app().songs

    def numbers(self, n_writes: int) -> list[int]:
        """Which writing requests are to fail, one after the other."""
        return list(range(1, n_writes + 1)) if self.thorough else sorted({1, n_writes})

    def one_of_each_length(self, player: PlaylistStore) -> list[int]:
        """A list of two chunks and a half, repeats over the ends of chunks included."""
        n = player.most * 2 + player.most // 2 + 1
        if self.keeps_repeats:
            return [(i * 7 + i // 5) % len(NAMES) for i in range(n)]
        return list(range(len(NAMES)))

    # what is pushed comes back

    def test_pushed_then_pulled_is_the_same_list(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        lengths = st.integers(0, 2 * player.most + 3) if self.keeps_repeats else st.integers(0, 30)
        rows = lengths.flatmap(lambda n: st.lists(st.integers(0, len(NAMES) - 1), min_size=min(n, 40), max_size=n))
        titles = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)

        @settings(max_examples=8 if self.thorough else 3)
        @given(numbers=rows.filter(bool), title=titles)
        def check(numbers: list[int], title: str) -> None:
            app.playlists.clear()
            wanted = self.held(player, numbers)
            written = player.write(title, wanted, description="from a test")
            pulled = player.read(written.ref.playlist_id)  # type: ignore[attr-defined]
            keys = [held.key for held in wanted]
            assert [held.key for held in pulled.tracks] == (keys if self.keeps_repeats else list(dict.fromkeys(keys)))
            assert pulled.ref.title == title and len(app.playlists) == 1
            assert [t.name for t in pulled.file.tracks] == [app.by_key[held.key].name for held in pulled.tracks]
            assert written.n_tracks == len(pulled.tracks)
            assert bool(written.remarks) == (written.n_tracks != len(keys))

        check()

    def test_long_lists_go_in_chunks_that_the_server_takes(self, server: Server, client: Client) -> None:
        player = self.open(client)
        assert player.most >= 40
        numbers = self.one_of_each_length(player)
        written = player.write("long", self.held(player, numbers))
        assert written.outcome == "created" and written.remarks == ()
        assert player.keys(written.ref.playlist_id) == [held.key for held in self.held(player, numbers)]

    def test_what_is_so_already_is_not_written(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, [0, 1, 2])
        player.write("one", wanted)
        before = app.writes
        again = player.write("one", wanted)
        assert again.outcome == "unchanged" and app.writes == before and len(app.playlists) == 1
        assert player.write("one", wanted, replace=True).outcome == "unchanged" and app.writes == before

    def test_another_list_of_the_title_is_not_written_over_unasked(
        self, server: Server, player: PlaylistStore
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        mine = player.write("one", self.held(player, [3, 4])).ref
        other = app.add(Playlist("one", [app.songs[5].key], owner="somebody else"))
        before = app.writes
        with pytest.raises(InputError, match=r"another playlist of the title 'one'.*--replace.*--title"):
            player.write("one", self.held(player, [0, 1, 2]))
        assert app.writes == before
        assert player.write("one", self.held(player, [0, 1, 2]), replace=True, dry_run=True).outcome == "replaced"
        assert app.writes == before
        written = player.write("one", self.held(player, [0, 1, 2]), replace=True)
        assert written.outcome == "replaced" and written.ref.playlist_id == mine.playlist_id
        assert player.keys(mine.playlist_id) == [app.songs[i].key for i in (0, 1, 2)]
        assert app.playlists[other].keys == [app.songs[5].key], "only one's own is written over"

    def test_two_lists_of_the_title_are_not_chosen_from(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        for _ in range(2):
            app.add(Playlist("one", [app.songs[5].key]))
        with pytest.raises(InputError, match="2 playlists of the title"):
            player.write("one", self.held(player, [0, 1]), replace=True)
        assert app.writes == 0

    def test_a_long_list_replaces_a_long_one(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        numbers = self.one_of_each_length(player)
        player.write("long", self.held(player, numbers))
        written = player.write("long", self.held(player, numbers[::-1]), replace=True)
        assert written.outcome == "replaced"
        assert app.titled("long") == [[held.key for held in self.held(player, numbers[::-1])]]

    def test_a_dry_run_foretells_and_writes_nothing(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, self.one_of_each_length(player))
        for expected in ("created", "unchanged"):
            before = app.writes
            told = player.write("one", wanted, dry_run=True)
            assert (told.outcome, told.n_tracks, app.writes) == (expected, len(wanted), before)
            assert player.write("one", wanted).outcome == expected

    # nothing twice

    def test_an_answer_that_is_lost_makes_nothing_twice(
        self, server: Server, player: PlaylistStore, client: Client
    ) -> None:
        """Each writing request in turn: done or not done, and answered by a fault or cut off."""
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, self.one_of_each_length(player))
        keys = [held.key for held in wanted]
        player.write("count", wanted)
        n_writes = app.writes
        for number in self.numbers(n_writes):
            for when in ("before", "after"):
                fault = (Reply(500), Reply(200, b"{", {}, cut=True))[number % 2]
                app.playlists.clear()
                app.writes, app.fail = 0, {number: (when, fault)}
                written = player.write("one", wanted)
                assert app.titled("one") == [keys], (number, when, fault)
                assert written.outcome == "created" and written.n_tracks == len(keys)

    def test_a_long_list_that_is_replaced_survives_lost_answers(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, self.one_of_each_length(player))
        old = self.held(player, [9, 8, 7])
        player.write("count", old)
        app.writes = 0
        player.write("count", wanted, replace=True)
        for number in self.numbers(app.writes):
            for when in ("before", "after") if self.thorough else ("after",):
                app.playlists.clear()
                app.fail = {}
                player.write("one", old)
                app.writes, app.fail = 0, {number: (when, Reply(502))}
                player.write("one", wanted, replace=True)
                assert app.titled("one") == [[held.key for held in wanted]], (number, when)

    def test_a_push_that_dies_is_cleaned_up_or_finished_by_the_next(
        self, server: Server, player: PlaylistStore
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, self.one_of_each_length(player))
        keys = [held.key for held in wanted]
        player.write("count", wanted)
        n_writes = app.writes
        for number in self.numbers(n_writes):
            # from this write on all of them fail, but for the one that cleans up
            app.playlists.clear()
            app.writes = 0
            app.fail = {n: ("before", Reply(500)) for n in range(number, number + 4)}
            with pytest.raises(Unavailable):
                player.write("one", wanted)
            assert app.titled("one") == []
            # and so does that: what is left is finished by the next push
            app.writes = 0
            app.fail = {n: ("before", Reply(500)) for n in range(number, 1_000)}
            with pytest.raises(Unavailable) as raised:
                player.write("one", wanted)
            left = app.titled("one")
            assert (number == 1) == (left == [])
            assert ("run this again to finish it" in str(raised.value)) == (left != [])
            app.fail = {}
            assert player.write("one", wanted, dry_run=True).outcome == ("resumed" if left else "created")
            assert app.titled("one") == left
            assert player.write("one", wanted).outcome == ("resumed" if left else "created")
            assert app.titled("one") == [keys]

    def test_a_person_who_interrupts_leaves_nothing_half_written(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, self.one_of_each_length(player))

        def stop(done: int, total: int) -> None:
            if done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            player.write("one", wanted, progress=stop)
        assert app.titled("one") == []
        player.write("one", self.held(player, [4, 3]))
        with pytest.raises(ServiceError, match=r"was interrupted.*not whole, run this again"):
            player.write("one", wanted, replace=True, progress=stop)
        assert player.write("one", wanted, replace=True).outcome in ("resumed", "unchanged")
        assert app.titled("one") == [[held.key for held in wanted]]

    def test_an_interrupt_while_it_is_made_leaves_nothing(
        self, server: Server, player: PlaylistStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        create = player.create

        def stop(*arguments: object) -> str:
            with suppress(Unavailable):  # some make it and do not say so
                create(*arguments)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        monkeypatch.setattr(player, "create", stop)
        with pytest.raises(KeyboardInterrupt):
            player.write("one", self.held(player, [1, 2, 3]))
        assert app.playlists == {} and app.writes >= 2

    def test_a_list_that_somebody_else_changes_meanwhile_is_left_alone(
        self, server: Server, player: PlaylistStore
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        if len(self.one_of_each_length(player)) <= player.most:
            pytest.skip("one chunk")
        wanted = self.held(player, self.one_of_each_length(player))
        player.write("one", self.held(player, [4, 3]))
        answer, last = app.answer, app.songs[5].key

        def meddle(asked, query):  # type: ignore[no-untyped-def]
            reply = answer(asked, query)
            if app.writing(asked) and app.writes > 1:
                list(app.playlists.values())[-1].keys.insert(0, last)
                return Reply(500)
            return reply

        app.answer, app.writes = meddle, 1  # type: ignore[method-assign]
        with pytest.raises(ServiceError):
            player.write("one", wanted, replace=True)
        assert app.writes <= 9
        app.writes = 0
        with pytest.raises(ServiceError, match="while it was written"):
            player.write("two", wanted)
        (theirs,) = app.titled("two")
        assert theirs[0] == last, "nobody else's work is removed"

    def test_a_list_that_cannot_be_looked_at_in_the_end_stays(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, [0, 1, 2])

        def fall(done: int, total: int) -> None:
            app.down = done == total

        written = player.write("one", wanted, progress=fall)
        assert written.outcome == "created" and written.n_tracks == 3
        assert "what is there now could not be looked at" in written.remarks[0]
        app.down = False
        assert player.write("one", wanted).outcome == "unchanged"

    def test_too_many_requests_are_waited_for(self, server: Server, player: PlaylistStore, clock: Clock) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = self.held(player, [0, 1, 2])
        app.fail = {1: ("before", js({}, 429, Retry_After="7"))}
        player.write("one", wanted)
        assert app.titled("one") == [[held.key for held in wanted]] and 7.0 in clock.slept
        app.always = js({}, 429, Retry_After="86400")
        with pytest.raises(Blocked, match="1,440 minutes"):
            player.playlists()

    # finding

    def test_tracks_are_found_by_name_however_it_is_written(self, server: Server, player: Player) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        wanted = [
            Track("t:0", "TOXIC", "britney spears"),
            Track("t:1", "Un año más", "Mecano"),
            Track("t:2", "夜に駆ける", "YOASOBI"),
            Track("t:3", '"Heroes" - 2017 Remaster', "David Bowie"),
            Track("t:7", "Hello", "Adele"),
            Track("t:8", "Hello", "Lionel Richie"),
            Track("t:99", "Never Recorded", "Nobody"),
            Track("t:98", "Hello", "Martin Solveig"),
            Track("t:0", "TOXIC", "britney spears"),
        ]
        found = player.find(wanted)
        assert [each.wanted for each in found] == wanted
        keys = [app.songs[i].key for i in (0, 1, 2, 3, 7, 8)]
        assert [each.found.key if each.found else None for each in found] == [*keys, None, None, keys[0]]
        assert [each.how for each in found] == ["name"] * 6 + [None, None, "name"]
        assert app.writes == 0

    def test_a_live_version_is_not_the_studio_one(self, server: Server, player: Player) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        app.songs = [song for song in app.songs if "Remaster" not in song.name]
        assert player.find([Track("t:3", "Heroes", "David Bowie")])[0].found is None
        live = player.find([Track("t:4", "Heroes (Live in Berlin)", "David Bowie")])[0]
        assert live.found is not None and live.found.key == self.app().songs[4].key

    def test_its_own_ids_and_recordings_are_found_again(self, server: Server, player: Player) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        own = list(player.library())
        assert [held.key for held in own] == [song.key for song in app.songs]
        for each, held in zip(player.find([held.track for held in own]), own, strict=True):
            assert each.how in ("id", "mbid") and each.found is not None and each.found.key == held.key

    def test_of_two_that_fit_the_album_decides_and_the_other_is_counted(self, server: Server, player: Player) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        found = player.find([Track("t:10", "Dreams", "Fleetwood Mac", "Greatest Hits")])[0]
        assert found.found is not None and found.how == "name"
        if found.others:  # a player that gives one answer alone has no choice
            assert (found.found.key, found.others) == (app.songs[10].key, 1)

    # pulling

    def test_what_is_pulled_is_what_was_planted(self, server: Server, player: PlaylistStore) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        app.add(Playlist("first 🌧", [app.songs[i].key for i in (2, 0, 5)], description="words"))
        app.add(Playlist("empty", []))
        app.add(Playlist("=cmd()", [app.songs[i].key for i in (5, 1)]))
        library = pull(player)  # type: ignore[arg-type]
        assert library.titles == ["first 🌧", "empty", "=cmd()"] and not library.public
        names = library.tracks["name"].to_list()
        rows = [[names[t] for t in library.playlist_tracks.row(i).tolist()] for i in range(3)]
        assert rows == [[NAMES[i][0] for i in (2, 0, 5)], [], [NAMES[i][0] for i in (5, 1)]]
        assert sorted(names) == sorted(name for name, _, _ in NAMES)
        assert library.tracks["track_id"].n_unique() == len(NAMES)
        known = {name: (artist, album) for name, artist, album in NAMES[:7]}
        for name, artist, album in library.tracks.select("name", "artist", "album").iter_rows():
            assert name not in known or known[name] == (artist, album)
        assert library.notes["pull"]["playlists"] == 3 and library.notes["pull"]["in_playlists"] == 4
        few = pull(player, playlists_only=True, public=True)  # type: ignore[arg-type]
        assert few.n_tracks == 4 and few.public
        assert [few.tracks["name"][i] for i in few.playlist_tracks.row(0).tolist()] == rows[0]
        again = pull(player)  # type: ignore[arg-type]
        assert again.fingerprint == library.fingerprint and again.tracks.equals(library.tracks)

    def test_nothing_at_all_is_said(self, server: Server, player: PlaylistStore) -> None:
        server.app.songs = []  # type: ignore[attr-defined]
        with pytest.raises(InputError, match="holds no track that can be pulled"):
            pull(player)  # type: ignore[arg-type]

    # answers that are none, and keys

    def test_a_key_that_is_refused_is_named_and_not_shown(
        self, server: Server, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        self.wrong_key(monkeypatch, tmp_path)
        with pytest.raises(NotAllowed) as raised:
            self.open(client).playlists()
        assert not any(word in str(raised.value) for word in (*SECRET_WORDS, "wrong"))

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(200, b'{"items": [{"id"', {"Content-Type": "application/json"}),
            Reply(200, b'{"subsonic-response": {"status": "ok"', cut=True),
            page(b"<!doctype html><html><body>Please log in"),
            page(CAPTCHA, 403),
            js([]),
            js({"Items": 1, "items": "x", "playlists": None, "subsonic-response": {"status": []}}),
            js({"error": {"status": 404}}, 404),
            Reply(500),
            Reply(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
            Reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}),
            Reply(307, b"", {"Location": "https://evil.example/"}),
        ],
    )
    def test_answers_that_are_none_are_one_sentence(
        self, server: Server, client: Client, player: PlaylistStore, reply: Reply
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        player.playlists()
        app.always = reply
        unknown = b"Items" in reply.body and self.finds_nothing_in_unknown_objects
        for ask in (
            lambda: player.playlists(),
            *([] if unknown else [lambda: player.find([Track("t:0", "Toxic", "Britney Spears")])]),  # type: ignore[attr-defined]
            lambda: player.write("one", self.held(player, [0])),
            lambda: list(player.library()),  # type: ignore[attr-defined]
        ):
            with pytest.raises(ServiceError) as raised:
                ask()
            assert "\n" not in str(raised.value) and not any(word in str(raised.value) for word in SECRET_WORDS)

    def test_a_server_that_hangs_is_given_up(
        self, server: Server, player: PlaylistStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app: PlayerApp = server.app  # type: ignore[assignment]
        player.playlists()
        self.hasty(player, monkeypatch)
        app.always = replace(js({}), hang=30.0)
        with pytest.raises(Unavailable, match="does not answer in time"):
            player.playlists()

    def test_keys_are_in_no_log_and_no_sentence(
        self, server: Server, player: PlaylistStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        player.write("one", self.held(player, [0, 1]))
        app: PlayerApp = server.app  # type: ignore[assignment]
        app.down = True
        with pytest.raises(SegueError) as raised:
            player.playlists()
        said = caplog.text + str(raised.value) + repr(raised.value) + repr(player)
        assert "HTTP Request" in caplog.text, "requests are logged, so that this test sees something"
        assert not any(word in said for word in SECRET_WORDS)
        for asked in server.asked:
            assert not any(word in asked.raw for word in SECRET_WORDS)
