from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cli.conftest import HOSTILE_NAMES, Segue, invoke
from segue.library import Library
from train.planted_tracks import QUICK, planted_tracks

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def planted() -> tuple[Library, np.ndarray]:
    library, group = planted_tracks(lyrics=True)
    names = library.tracks["name"].to_list()
    for place, name in enumerate(HOSTILE_NAMES):
        names[100 + place] = name
    return library.with_track_columns(pl.DataFrame({"name": names})), group


@pytest.fixture(scope="module")
def folders(planted: tuple[Library, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("similar")
    planted[0].save(folder / "library")
    options = ("--base-model", "ngrams", "--epochs", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("segue.systems.track_neighbours.TrackSettings", lambda: QUICK)
        result = invoke("similar", "--train", folder / "library", "-m", folder / "tracks", *options)
    assert result.exit_code == 0, result.stderr
    assert "learnt" in result.stderr and "recall@50" in result.stderr and result.stdout == ""
    return folder


@pytest.fixture
def like(segue: Segue, folders: Path) -> Callable[..., dict[str, object]]:
    def run(*arguments: object) -> dict[str, object]:
        found = json.loads(segue("similar", *arguments, "-m", folders / "tracks", "--json").stdout)
        assert isinstance(found, dict)
        return found

    return run


def named(library: Library, row: int) -> str:
    track = library.tracks.row(row, named=True)
    return f"{track['name']}, {track['artist']}"


def groups(planted: tuple[Library, np.ndarray], answer: dict[str, object]) -> list[int]:
    place = {track_id: row for row, track_id in enumerate(planted[0].tracks["track_id"])}
    return [int(planted[1][place[track["track_id"]]]) for track in answer["tracks"]]  # type: ignore[attr-defined]


def test_near_tracks_of_one_and_of_several(
    planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]]
) -> None:
    library, group = planted
    one = like(named(library, 8), "--length", 12)
    assert len(groups(planted, one)) == 12 and np.mean(np.array(groups(planted, one)) == group[8]) >= 0.75
    both = like(named(library, 8), named(library, 9), "--length", 20)
    assert {group[8], group[9]} >= {max(set(found := groups(planted, both)), key=found.count)}
    given = {library.tracks["track_id"][8], library.tracks["track_id"][9]}
    assert not given & {track["track_id"] for track in both["tracks"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["{name}, {artist}", "{name} - {artist}", "{artist} - {name}", "{track_id}"])
def test_every_way_to_name_a_track(
    planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]], form: str
) -> None:
    track = planted[0].tracks.row(8, named=True)
    assert like(form.format(**track), "--length", 3)["query"]["tracks"] == [track["track_id"]]  # type: ignore[index]


def test_each_track_says_why(planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]]) -> None:
    answer = like(named(planted[0], 8), "--length", 15)
    kinds = {reason["kind"] for track in answer["tracks"] for reason in track["because"]}  # type: ignore[attr-defined]
    assert kinds <= {"sound", "lyrics", "company", "same_artist"} and kinds
    for track in answer["tracks"]:  # type: ignore[attr-defined]
        assert track["because"] and sum(reason["share"] for reason in track["because"]) <= 1.001


def test_lists_are_files_and_tables(planted: tuple[Library, np.ndarray], segue: Segue, folders: Path) -> None:
    asked = ("similar", named(planted[0], 8), "-m", folders / "tracks", "--length", 5)
    lines = segue(*asked).stdout.splitlines()
    assert len(lines) == 5 and all(line.count("\t") == 3 for line in lines)
    for name in ("a.m3u8", "a.csv"):
        segue(*asked, "-o", name)
        assert Path(name).stat().st_size > 100
    assert segue(*asked).stdout == segue(*asked).stdout


@pytest.mark.parametrize("length", [0, 240, 10**9])
def test_a_length_that_cannot_be_is_refused(
    planted: tuple[Library, np.ndarray], refused: Refused, folders: Path, length: int
) -> None:
    said = refused("similar", named(planted[0], 8), "-m", folders / "tracks", "--length", length)
    assert "--length 1" in said
    if length > 0:
        assert "239" in said


def test_the_longest_list_holds_every_other_track(
    planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]]
) -> None:
    assert len(like(named(planted[0], 8), "--length", 239)["tracks"]) == 239  # type: ignore[arg-type]


def test_an_unknown_track_is_suggested_or_looked_up(
    planted: tuple[Library, np.ndarray], refused: Refused, folders: Path, like: Callable[..., dict[str, object]]
) -> None:
    library, _ = planted
    typo = named(library, 8).replace("candle", "kandle")
    said = refused("similar", typo, "-m", folders / "tracks")
    assert library.tracks["name"][8] in said and "--features" in said
    row = library.tracks.row(8, named=True)
    columns = ("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness")
    table = pl.DataFrame(
        [{"track_name": "My Demo", "artist_name": "Me", **{c: row[c] for c in columns}, "tempo": 120.0}]
    )
    table.write_csv("mine.csv")
    answer = like("My Demo, Me", "--features", "mine.csv", "--length", 10)
    assert any("My Demo" in sentence and "lyrics" in sentence for sentence in answer["ignored"])  # type: ignore[attr-defined]
    nowhere = like("Elsewhere, Nobody", "--features", "mine.csv", "--length", 3)
    assert any("no audio features" in sentence for sentence in nowhere["ignored"])  # type: ignore[attr-defined]
    assert "says no artist" in refused("similar", "Elsewhere", "-m", folders / "tracks", "--features", "mine.csv")


def test_playlists_restrict_what_is_listed(
    planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]], refused: Refused, folders: Path
) -> None:
    library, _ = planted
    rows = [8, 14, 20, 26, 3]
    lines = [f"{library.tracks['name'][r]},{library.tracks['artist'][r]},Mine" for r in rows]
    Path("mine.csv").write_text("track,artist,playlist\n" + "\n".join([*lines, "Unheard,Nobody,Mine"]) + "\n")
    answer = like(named(library, 8), "--playlists", "mine.csv", "--length", 4)
    wanted = {library.tracks["track_id"][r] for r in rows[1:]}
    assert {track["track_id"] for track in answer["tracks"]} == wanted  # type: ignore[attr-defined]
    said = refused("similar", named(library, 8), "-m", folders / "tracks", "--playlists", "mine.csv", "--length", 5)
    assert "--length 1 to 4" in said
    result = invoke("similar", named(library, 8), "-m", folders / "tracks", "--playlists", "mine.csv", "--length", 2)
    assert "1 track of 6" in result.stderr


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M", ("Spotify", "Exportify")),
        ("spotify:playlist:37i9dQZF1DXcBWIGoYBM5M", ("Spotify", "Exportify")),
        ("https://music.apple.com/us/playlist/x", ("Apple", "M3U")),
        ("https://example.com/list", ("source", "CSV")),
    ],
)
def test_addresses_name_the_source_and_the_file(refused: Refused, address: str, words: tuple[str, ...]) -> None:
    said = refused("similar", "A, B", "--playlists", address)
    assert all(word in said for word in words)


def test_playlists_alone_are_learnt_from(
    planted: tuple[Library, np.ndarray], segue: Segue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.systems.track_neighbours.TrackSettings", lambda: QUICK)
    library, _ = planted
    lines = ["track,artist,playlist"]
    artists = library.tracks["artist"].to_list()
    lines += [f"Name {r},{artists[r]},list {i}" for i in range(60) for r in library.playlist_tracks.row(i).tolist()]
    Path("lists.csv").write_text("\n".join(lines) + "\n")
    row = int(library.playlist_tracks.row(0)[0])
    name = f"Name {row}, {library.tracks['artist'][row]}"
    result = segue(
        "similar", name, "--playlists", "lists.csv", "--base-model", "ngrams", "--epochs", 1, "--length", 5
    )
    assert len(result.stdout.splitlines()) == 5 and "learnt of these playlists" in result.stderr


def test_inside_the_cluster(planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]]) -> None:
    answer = like(named(planted[0], 8), "--inside-cluster", "--length", 100)
    assert answer["query"]["inside_cluster"] is True  # type: ignore[index]
    assert any("outside of it" in sentence for sentence in answer["ignored"])  # type: ignore[attr-defined]
    short = like(named(planted[0], 8), "--inside-cluster", "--length", 3, "--artist-cap", 0)
    assert not any("outside" in sentence for sentence in short["ignored"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", [1, 4])  # a list of all others holds the other hostile names
def test_hostile_names_are_harmless(
    planted: tuple[Library, np.ndarray], segue: Segue, folders: Path, place: int
) -> None:
    track_id = planted[0].tracks["track_id"][100 + place]
    result = segue("similar", track_id, "-m", folders / "tracks", "--length", 239)
    assert "\x1b" not in result.stdout + result.stderr and "\u202e" not in result.stdout + result.stderr
    assert len(result.stdout.splitlines()) == 239


def test_what_is_missing_is_said(refused: Refused, folders: Path, tmp_path: Path) -> None:
    assert "nothing was given" in refused("similar")
    assert "--train" in refused("similar", "A, B")
    assert str(tmp_path) in refused("similar", "A, B", "-m", tmp_path / "absent")
    assert "does not describe" in refused("similar", "A, B", "-m", folders / "library")
    bare = replace(planted_tracks(features=False)[0].select_playlists([]))
    bare.save("bare")
    assert "segue annotate" in refused("similar", "--train", "bare", "-m", "out", "--base-model", "ngrams")
    assert not Path("out").exists()


def test_services_are_asked_only_with_fetch(
    planted: tuple[Library, np.ndarray],
    like: Callable[..., dict[str, object]],
    refused: Refused,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import httpx

    import segue.services.client as services

    asked: list[str] = []
    real = services.Client

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.host} {request.url.params.get('track_name')}")
        words = planted[0].tracks["lyrics"][8]
        found = {"trackName": "New", "artistName": "Me", "instrumental": False, "plainLyrics": words}
        body = httpx.ByteStream(json.dumps(found).encode())
        return httpx.Response(200, stream=body, headers={"content-type": "application/json"})

    def offline() -> services.Client:
        return real(transport=httpx.MockTransport(answer), sleep=lambda seconds: None)

    monkeypatch.setattr(services, "Client", offline)
    assert "--fetch" in refused("similar", "New, Me", "-m", folders / "tracks") and not asked
    found = like("New, Me", "--fetch", "--length", 10)
    assert asked == ["lrclib.net New"]
    said = " ".join(found["ignored"])  # type: ignore[arg-type]
    assert "no audio features" in said and "no lyrics" not in said


def test_few_tracks_of_one_artist_and_one_version_of_a_recording(
    planted: tuple[Library, np.ndarray], like: Callable[..., dict[str, object]]
) -> None:
    def artists(*options: object) -> list[str]:
        answer = like(named(planted[0], 8), "--length", 30, *options)
        return [track["artist"] for track in answer["tracks"]]  # type: ignore[attr-defined]

    capped, free = artists("--artist-cap", 2), artists("--artist-cap", 0)
    assert max(capped.count(artist) for artist in capped) == 2
    assert max(free.count(artist) for artist in free) > 3
    # thirty artists with two tracks each are sixty: the others come last, in the order in which they are near
    whole = like(named(planted[0], 8), "--length", 239, "--artist-cap", 2)
    names = [track["artist"] for track in whole["tracks"]]  # type: ignore[attr-defined]
    assert len(names) == 239 and max(names[:60].count(artist) for artist in names) == 2
    assert any("would be short" in sentence for sentence in whole["ignored"])  # type: ignore[attr-defined]


def test_versions_of_a_recording_are_put_off(planted: tuple[Library, np.ndarray]) -> None:
    from segue.systems.track_answers import GivenTracks, similar
    from segue.systems.track_neighbours import learn

    library, _ = planted_tracks(n_playlists=60, per_group=10)
    names = library.tracks["name"].to_list()
    names[14], names[20] = "River - Live", "River (2011 Remaster)"
    names[8] = "River"
    artists = library.tracks["artist"].to_list()
    artists[14] = artists[20] = artists[8]
    model = learn(library.with_track_columns(pl.DataFrame({"name": names, "artist": artists})), None, QUICK)
    rows = [track.row for track in similar(model, GivenTracks((8,), ("River",)), 59).tracks]
    assert set(rows[-2:]) == {14, 20}
