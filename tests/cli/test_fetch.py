from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import Result

from segue.library import Library
from segue.sources.listeners import user_key
from services import apps
from services.apps import LastfmApp, SpotifyApp, record
from services.server import App, Asked, Reply, Server, js, serving
from services.test_fill import library_of, words

Segue = Callable[..., Result]
Refused = Callable[..., str]
Serve = Callable[..., Server]
KEY = LastfmApp.key


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Start a server in the place of some services; answers are remembered in this test's folder."""
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LASTFM_API_KEY", KEY)
    with ExitStack() as stack:

        def place(app: App, *services: str) -> Server:
            server = stack.enter_context(serving(app))
            for service in services:
                monkeypatch.setenv(f"SEGUE_{service}_URL", server.url)
            return server

        yield place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    library_of(6, playlists=[[5], [5, 1]]).save(tmp_path / "library")
    return tmp_path / "library"


def test_lyrics_in_place(segue: Segue, serve: Serve, folder: Path) -> None:
    serve(words(3, instrumental=1), "LRCLIB")
    serve(apps.ovh({("artist 5", "track 5"): "more words"}), "LYRICS_OVH")
    done = segue("fetch", "lyrics", folder)
    assert done.stdout == "found 3, instrumental 1, not found 2\n"
    tracks = Library.load(folder).tracks
    assert tracks["lyrics"].to_list() == ["words 0", None, "words 2", None, None, "more words"]
    assert tracks["lyrics_source"].to_list() == ["lrclib", "lrclib", "lrclib", None, None, "lyrics.ovh"]
    assert segue("fetch", "lyrics", folder).stdout == "nothing to look up\n"


def test_lyrics_elsewhere_as_json_and_again(segue: Segue, serve: Serve, folder: Path, tmp_path: Path) -> None:
    server = serve(lambda asked: js({}, 403), "LRCLIB")
    out = tmp_path / "out"
    done = segue("fetch", "lyrics", folder, "-o", out, "--service", "lrclib", "--most", 2, "--json")
    assert json.loads(done.stdout) == {
        "services": ["lrclib"],
        "outcomes": {"blocked": 2},
        "unasked": 4,
        "unaskable": 0,
        "given_up": [],
        "remarks": {"lrclib refuses to answer (status 403)": 2},
    }
    assert "4 tracks not looked up yet; run this again to go on" in done.stderr
    assert "2 look-ups failed, so nothing is known of these; run this again later with --retry" in done.stderr
    assert "lyrics" not in Library.load(folder).tracks.columns
    server.app = words(6)
    assert segue("fetch", "lyrics", out, "--service", "lrclib").stdout == "found 4\n"
    assert segue("fetch", "lyrics", out, "--service", "lrclib", "--retry", "blocked,error").stdout == "found 2\n"
    read = Library.load(out)
    assert read.tracks["lyrics"].to_list() == [f"words {i}" for i in range(6)]
    assert read.notes["fetch"]["lyrics"]["outcomes"] == {"found": 2}


def test_a_service_that_bans_us_is_told(segue: Segue, serve: Serve, folder: Path) -> None:
    serve(lambda asked: js({}, 429, Retry_After="86400"), "LRCLIB")
    done = segue("fetch", "lyrics", folder, "--service", "lrclib")
    assert done.stdout == "blocked 5\n"
    assert "lrclib will not answer for 1,440 minutes (status 429); try again then (5 x)" in done.stderr
    assert "lrclib failed too often in a row and was asked no more" in done.stderr
    assert Library.load(folder).tracks["lyrics_status"].to_list().count(None) == 1


def test_features(segue: Segue, serve: Serve, folder: Path) -> None:
    truth = {f"{i:022d}": {"tempo": 100.0 + i} for i in range(4)}
    serve(apps.reccobeats(truth), "RECCOBEATS")
    assert segue("fetch", "features", folder).stdout == "found 4, not found 2\n"
    assert Library.load(folder).tracks["tempo"].to_list() == [100.0, 101.0, 102.0, 103.0, None, None]


def test_spotify_is_closed(
    refused: Refused, serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPOTIFY_CLIENT_ID", raising=False)
    assert "SPOTIFY_CLIENT_ID" in refused("fetch", "features", folder, "--service", "spotify")
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "id")
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "a-secret")
    serve(SpotifyApp({}, client="id:a-secret", closed=True), "SPOTIFY", "SPOTIFY_ACCOUNTS")
    said = refused("fetch", "features", folder, "--service", "spotify")
    assert "2024-11-27" in said and "--service reccobeats" in said and "a-secret" not in said


def test_tags(segue: Segue, refused: Refused, serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(LastfmApp({}, {("track 5", "artist 5"): {"slow": 100, "sad": 50}}), "LASTFM")
    assert segue("fetch", "tags", folder, "--most", 1).stdout == "found 1\n"
    assert Library.load(folder).tracks["tags"].to_list() == [*[None] * 5, "slow; sad"]
    assert len(server.asked) == 1
    monkeypatch.setenv("LASTFM_API_KEY", "wrong")
    assert "does not know the key in LASTFM_API_KEY" in refused("fetch", "tags", folder)


def test_listeners(segue: Segue, serve: Serve, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loved = [("Track 1", "ARTIST 1"), ("new", "artist"), ("track 5", "artist 5")]
    users = {"ann": ("Sweden", loved), "bob": ("None", loved[:1]), "shy": ("SE", loved), "none": ("SE", [])}
    server = serve(LastfmApp(users, private=frozenset({"shy"}), per_page=2), "LASTFM")
    file = tmp_path / "names.txt"
    file.write_text("user\n# friends\nann\nANN\nshy\n\nnobody\nbob\nnone\n")
    monkeypatch.setenv("SALT", "pepper")
    common = ("fetch", "listeners", "--users", file, "-o", folder, "--onto", folder, "--salt-env", "SALT")
    done = segue(*common)
    assert done.stdout == "found 3, private 1, not found 1\n"
    assert "2 listeners with 4 interactions over 7 tracks; country known of 1" in done.stderr
    read = Library.load(folder)
    assert read.users is not None and read.user_tracks is not None
    assert read.users.rows() == [(user_key("ann", "pepper"), "Sweden"), (user_key("bob", "pepper"), None)]
    assert read.user_tracks.row(0).tolist() == [1, 6, 5] and read.n_playlists == 2
    n = len(server.asked)
    segue(*common)
    assert len(server.asked) == n, "everybody is remembered"
    told = json.loads(segue(*common, "--loved", 1, "--min-tracks", 1, "--json").stdout)
    assert (told["users"], told["interactions"], told["most_loved"]) == (2, 2, 1)
    everything = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file() and f != file)
    assert not any(each in everything for each in (b"ann", b"pepper", KEY.encode(), b"Real Name", b"gender"))


def test_listeners_that_cannot_be_had(
    segue: Segue, refused: Refused, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(LastfmApp({}), "LASTFM")
    file, out = tmp_path / "names.txt", tmp_path / "out"
    ask = ("fetch", "listeners", "--users", file, "-o", out)
    assert "cannot be read" in refused(*ask)
    file.write_text("user\n\n# nobody\n")
    assert "holds no user names" in refused(*ask)
    file.write_text("ann\nbob the \x1b[31mbuilder\n")
    said = refused(*ask)
    assert "line 2" in said and "bob" not in said
    file.write_text("ann\n")
    assert "of 1 listener none with a loved track was found (not found 1)" in refused(*ask)
    monkeypatch.delenv("LASTFM_API_KEY")
    assert "put it into LASTFM_API_KEY" in refused(*ask)
    assert not out.exists()
    monkeypatch.setenv("LASTFM_API_KEY", KEY)
    well = LastfmApp({f"user{i}": ("SE", [("a", "b")]) for i in range(20)})

    def tired(asked: Asked) -> Reply:
        return well(asked) if asked.params["user"] in ("user0", "user1") else js({}, 403)

    server.app = tired
    file.write_text("\n".join(f"user{i}" for i in range(20)))
    done = segue(*ask)
    assert done.stdout == "found 2, blocked 5\n" and "13 listeners not asked for yet" in done.stderr
    assert "hashed without a salt" in done.stderr
    server.app = well
    assert segue(*ask).stdout == "found 20\n"


def test_what_cannot_be_done_is_one_sentence(
    refused: Refused, serve: Serve, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no lyrics service azlyrics" in refused("fetch", "lyrics", folder, "--service", "azlyrics")
    assert "segue annotate" in refused("fetch", "lyrics", folder, "--service", "genius")
    assert "--retry holds 'found'" in refused("fetch", "lyrics", folder, "--retry", "found")
    assert "is not a library folder" in refused("fetch", "lyrics", tmp_path / "nothing")
    assert "no service echonest" in refused("fetch", "features", folder, "--service", "echonest")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    assert "holds other things" in refused("fetch", "lyrics", folder, "-o", tmp_path / "other")
    monkeypatch.setenv("SEGUE_LRCLIB_URL", "http://user:password@127.0.0.1")
    said = refused("fetch", "lyrics", folder, "--service", "lrclib")
    assert "SEGUE_LRCLIB_URL holds a name or password" in said
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "answers.sqlite").write_text("no data base" * 100)
    said = refused("fetch", "lyrics", folder, "--cache", tmp_path / "bad")
    assert "answers.sqlite is damaged" in said and "delete it" in said


def test_hostile_names_and_answers_do_not_reach_a_terminal(segue: Segue, serve: Serve, tmp_path: Path) -> None:
    names = ["\x1b[31mred", "\u202egnirts", "a\nb", "../../x", "%s{}"]
    library_of(5, name=list(names)).save(tmp_path / "library")
    location = "http://\x1b[31m.example/"
    replies = iter([Reply(302, b"", {"Location": location.replace("\x1b", "%1b")})])
    truth = [record(name, f"artist {i}", f"\x1b[2J words {i}") for i, name in enumerate(names)]
    well = apps.lrclib(truth)
    serve(lambda asked: next(replies, None) or well(asked), "LRCLIB")
    done = segue("fetch", "lyrics", tmp_path / "library", "--service", "lrclib")
    assert done.stdout == "found 4, error 1\n"
    assert not any(c in done.stdout + done.stderr for c in "\x1b\u202e\x07")


SCRIPT = "import sys; from segue.cli import main; sys.argv = ['segue', *sys.argv[1:]]; main()"


def test_a_killed_run_goes_on_without_asking_twice(segue: Segue, serve: Serve, tmp_path: Path) -> None:
    library_of(60).save(tmp_path / "library")
    well = words(60)

    def slow(asked: Asked) -> Reply:
        if len(server.asked) > 20:
            server.over.wait(60)
        return well(asked)

    server = serve(slow, "LRCLIB")
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "fetch", "lyrics", str(tmp_path / "library"), "--service", "lrclib"],
        env=os.environ.copy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(server.asked) <= 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(server.asked) == 21
    server.app = well
    done = segue("fetch", "lyrics", tmp_path / "library", "--service", "lrclib")
    assert done.stdout == "found 60\n"
    names = [asked.params["track_name"] for asked in server.asked]
    assert len(names) == 61 and len(set(names)) == 60, "only what was under way when it died is asked again"


def test_help() -> None:
    from cli.conftest import invoke

    for command in ("lyrics", "features", "tags", "listeners"):
        said = invoke("fetch", command, "--help").stdout
        assert f"segue fetch {command}" in said and "--cache" in said
    assert "fetch" in invoke("--help").stdout
