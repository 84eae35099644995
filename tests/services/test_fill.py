from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.library import Interactions, Library
from segue.library.tables import AUDIO_FEATURES
from segue.services.base import Request
from segue.services.client import Client
from segue.services.fill import fill_features, fill_lyrics, fill_tags
from segue.services.lyrics import LyricsSearch
from segue.services.patch import Patch
from services import apps
from services.apps import LastfmApp, record
from services.server import App, Reply, Server, js

Start = Callable[[App], Server]


def library_of(n: int, *, playlists: list[list[int]] | None = None, **columns: list[object]) -> Library:
    """Tracks "track 0" ... by "artist 0" ..., with Spotify ids."""
    rows = playlists or []
    return Library(
        tracks=pl.DataFrame(
            {
                "track_id": [f"spotify:track:{i:022d}" for i in range(n)],
                "name": [f"track {i}" for i in range(n)],
                "artist": [f"artist {i}" for i in range(n)],
                "duration_ms": [200_000] * n,
                **columns,
            }
        ),
        playlists=pl.DataFrame(
            {"playlist_id": [str(i) for i in range(len(rows))]}, schema={"playlist_id": pl.String}
        ),
        playlist_tracks=Interactions.of([np.array(row, np.int32) for row in rows], n_columns=n),
    )


class Place:
    """A library that takes patches, as a folder would."""

    def __init__(self, library: Library) -> None:
        self.library, self.patches = library, list[Patch]()

    def save(self, patch: Patch) -> None:
        self.patches.append(patch)
        self.library = patch.on(self.library)

    def column(self, name: str) -> list[object]:
        return self.library.tracks[name].to_list()


@pytest.fixture
def servers(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Server]]:
    def place(**services: App) -> list[Server]:
        made = []
        for name, app in services.items():
            made.append(start(app))
            monkeypatch.setenv(f"SEGUE_{name.upper()}_URL", made[-1].url)
        monkeypatch.setenv("LASTFM_API_KEY", LastfmApp.key)
        return made

    return place


Servers = Callable[..., list[Server]]
NO_WORDS = apps.ovh({})


def words(n: int, *, instrumental: int = -1) -> App:
    found = [record(f"track {i}", f"artist {i}", f"words {i}") for i in range(n) if i != instrumental]
    return apps.lrclib([*found, record(f"track {instrumental}", f"artist {instrumental}", instrumental=True)])


def test_lyrics_of_the_most_played_tracks_first(servers: Servers, client: Client) -> None:
    lrclib, _ = servers(lrclib=words(3, instrumental=1), lyrics_ovh=NO_WORDS)
    place = Place(library_of(6, playlists=[[4, 1], [4, 0], [5, 1, 4]]))
    seen: list[tuple[int, int]] = []
    filled = fill_lyrics(
        place.library,
        LyricsSearch(client),
        place.save,
        most=4,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert [a.params["track_name"] for a in lrclib.asked if a.path == "/api/get"] == [
        "track 4", "track 1", "track 0", "track 5",
    ]  # fmt: skip
    assert place.column("lyrics_status") == ["found", "instrumental", None, None, "not_found", "not_found"]
    assert place.column("lyrics") == ["words 0", *[None] * 5]
    assert place.column("lyrics_source") == ["lrclib", "lrclib", *[None] * 4]
    assert filled.outcomes == {"found": 1, "instrumental": 1, "not_found": 2} and filled.unasked == 2
    assert seen == [(i, 4) for i in range(5)]
    rest = fill_lyrics(place.library, LyricsSearch(client), place.save)
    assert rest.outcomes == {"found": 1, "not_found": 1} and rest.unasked == 0
    assert fill_lyrics(place.library, LyricsSearch(client), place.save).outcomes == {}


def test_what_is_there_stays_and_what_cannot_be_asked_is_counted(servers: Servers, client: Client) -> None:
    lrclib, _ = servers(lrclib=words(9), lyrics_ovh=NO_WORDS)
    library = library_of(
        6,
        name=["track 0", "", "track 2", "track 3", "track 4", "track 5"],
        lyrics=["mine", None, None, None, None, "mine too"],
        lyrics_status=[None, None, "instrumental", "blocked", None, "found"],
    )
    place = Place(library)
    filled = fill_lyrics(library, LyricsSearch(client), place.save)
    assert place.column("lyrics") == ["mine", None, None, None, "words 4", "mine too"]
    assert filled.unaskable == 1 and filled.unasked == 0 and len(lrclib.asked) == 1
    fill_lyrics(place.library, LyricsSearch(client), place.save, retry=("blocked", "instrumental"))
    assert place.column("lyrics") == ["mine", None, "words 2", "words 3", "words 4", "mine too"]
    assert place.column("lyrics_status")[2:] == ["found"] * 4


def test_a_ban_ends_the_run_and_nothing_is_taken_for_an_answer(servers: Servers, client: Client) -> None:
    (lrclib,) = servers(lrclib=lambda asked: js({}, 403))
    place = Place(library_of(20))
    filled = fill_lyrics(place.library, LyricsSearch(client, ("lrclib",)), place.save)
    assert filled.outcomes == {"blocked": 5} and filled.unasked == 15 and filled.given_up == ("lrclib",)
    assert place.column("lyrics_status") == ["blocked"] * 5 + [None] * 15
    assert "lyrics" not in place.library.tracks.columns or place.column("lyrics") == [None] * 20
    assert list(filled.remarks.values()) == [5]
    lrclib.app = words(20)
    again = fill_lyrics(place.library, LyricsSearch(client, ("lrclib",)), place.save, retry=("blocked", "error"))
    assert again.outcomes == {"found": 20} and place.column("lyrics") == [f"words {i}" for i in range(20)]


def test_what_stops_us_loses_nothing(servers: Servers, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.services.fill._EVERY", 4)
    monkeypatch.setattr("segue.services.fill._REST", 0.0)
    lrclib, _ = servers(lrclib=words(20), lyrics_ovh=NO_WORDS)
    place = Place(library_of(20))

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_lyrics(place.library, LyricsSearch(client), place.save, progress=stop)
    assert [len(patch.track_ids) for patch in place.patches] == [4, 4, 2]
    assert place.column("lyrics_status") == ["found"] * 10 + [None] * 10
    # killed before the last patch: the cache knows
    place.library, place.patches = library_of(20), []
    fill_lyrics(place.library, LyricsSearch(client), place.save)
    assert place.column("lyrics") == [f"words {i}" for i in range(20)]
    assert len(lrclib.asked) == 20, "nothing was asked twice"
    assert [len(patch.track_ids) for patch in place.patches] == [14, 4, 2], "the cache keeps the others"


def test_features_fill_what_is_unknown(servers: Servers, client: Client) -> None:
    truth = {f"{i:022d}": {"tempo": 100.0 + i, "key": 13.0, "energy": 0.5} for i in range(6) if i != 3}
    (server,) = servers(reccobeats=apps.reccobeats(truth))
    ids = [*(f"spotify:track:{i:022d}" for i in range(5)), "t:0123456789abcdef"]
    library = library_of(6, track_id=ids, tempo=[None, 90.0, *[None] * 4], energy=[None] * 6)
    place = Place(library)
    filled = fill_features(library, client, "reccobeats", place.save)
    assert place.column("tempo") == [100.0, 90.0, 102.0, None, 104.0, None]
    assert place.column("energy") == [0.5, None, 0.5, None, 0.5, None]
    assert "key" not in place.library.tracks.columns
    assert filled.outcomes == {"found": 3, "not_found": 1} and filled.unaskable == 1
    assert filled.remarks == {"key: outside -1 ... 11, left out": 3}
    fill_features(place.library, client, "reccobeats", place.save, incomplete=True)
    assert place.column("energy") == [0.5, 0.5, 0.5, None, 0.5, None] and place.column("tempo")[1] == 90.0
    assert [len(a.params["ids"].split(",")) for a in server.asked] == [4, 1]
    assert set(place.library.tracks.columns) & set(AUDIO_FEATURES) == {"tempo", "energy"}


def test_tags(servers: Servers, client: Client) -> None:
    tags = {("track 0", "artist 0"): {"slow": 100, "sad": 3}, ("track 1", "artist 1"): {"loud": 1}}
    (server,) = servers(lastfm=LastfmApp({}, tags))
    place = Place(library_of(4, tags=[None, "mine", None, ""]))
    filled = fill_tags(place.library, client, place.save)
    assert place.column("tags") == ["slow; sad", "mine", None, ""]
    assert filled.outcomes == {"found": 1, "not_found": 2} and len(server.asked) == 3
    server.app = lambda asked: Reply(500)
    place = Place(library_of(20))
    filled = fill_tags(place.library, client, place.save)
    assert filled.outcomes == {"found": 1, "not_found": 2, "error": 5} and filled.unasked == 12
    assert filled.given_up == ("last.fm",)


ids = st.lists(st.integers(0, 8), unique=True, max_size=6)
value = st.none() | st.sampled_from(["a", "b"])


@given(ids, st.data())
def test_a_patch_equals_a_loop(track_rows: list[int], data: st.DataObject) -> None:
    there = data.draw(st.lists(value, min_size=6, max_size=6))
    new = data.draw(st.lists(value, min_size=len(track_rows), max_size=len(track_rows)))
    over = data.draw(st.booleans())
    library = library_of(6, tags=there)
    patch = Patch(
        tuple(f"spotify:track:{i:022d}" for i in track_rows),
        pl.DataFrame({"tags": new}, schema={"tags": pl.String}),
        over=over,
    )
    expected = list(there)
    for row, each in zip(track_rows, new, strict=True):
        if row < 6 and each is not None and (over or expected[row] is None):
            expected[row] = each
    patched = patch.on(library)
    assert patched.tracks["tags"].to_list() == expected
    assert library.tracks["tags"].to_list() == there, "the library itself does not change"
    assert patched.tracks.drop("tags").equals(library.tracks.drop("tags"))


def test_two_at_once_lose_nothing(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "library"
    library_of(5).save(folder)
    Library.load(folder).with_track_columns(pl.DataFrame({"summary": ["s"] * 5})).save(folder)  # by somebody else
    Patch(("spotify:track:" + "0" * 21 + "3",), pl.DataFrame({"tags": ["x"]})).save(folder, {"tags": {"n": 1}})
    Patch().save(folder, {"lyrics": {"n": 2}})
    read = Library.load(folder)
    assert read.tracks["summary"].to_list() == ["s"] * 5
    assert read.tracks["tags"].to_list() == [None, None, None, "x", None]
    assert read.notes["fetch"] == {"tags": {"n": 1}, "lyrics": {"n": 2}}


def test_requests_have_keys_of_their_own() -> None:
    from segue.services.lrclib import LRCLIB

    keys = {
        Request(LRCLIB, path, params, method=method).key
        for path in ("/a", "/b")
        for params in ({}, {"a": "b"}, {"b": "a"}, {"a": "b", "c": "d"})
        for method in ("GET", "POST")
    }
    assert len(keys) == 16
    one = Request(LRCLIB, "/a", {"x": "1", "y": "2"}, {"key": "k"}, {"h": "v"})
    assert one.key == Request(LRCLIB, "/a", {"y": "2", "x": "1"}).key
