import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SegueError, SourceError
from segue.library import Library
from segue.sources.ingest import ingest
from segue.sources.mpd import read_mpd_bytes

DATA = Path(__file__).parents[1] / "data" / "sources"
SLICE = DATA / "mpd" / "mpd.slice.0-1.json"


def write(path: Path, playlists: object) -> Path:
    path.write_text(json.dumps({"info": {}, "playlists": playlists}), encoding="utf-8")
    return path


def one(track: dict[str, object], **playlist: object) -> list[dict[str, object]]:
    return [{"pid": 1, "name": "x", "tracks": [track], **playlist}]


def test_every_field_is_read() -> None:
    library = ingest([SLICE])
    toxic = library.tracks.row(1, named=True)
    assert toxic["track_id"] == "spotify:track:Toxic00000000000000001"
    assert (toxic["name"], toxic["artist"], toxic["album"]) == ("Toxic", "Britney Spears", "In The Zone")
    assert toxic["artist_id"].startswith("spotify:artist:") and toxic["album_id"].startswith("spotify:album:")
    assert toxic["duration_ms"] == 198_800 and toxic["year"] is None
    playlist = library.playlists.row(1, named=True)
    assert playlist == {
        "playlist_id": "1",
        "title": "kitchen party 🎉",
        "description": "what it says",
        "collaborative": True,
        "modified_at": None,
        "num_followers": None,
        "source": "mpd.slice.0-1.json",
    }
    assert library.playlists["collaborative"].to_list() == [False, True]


def test_order_and_duplicates_are_kept() -> None:
    rows = ingest([SLICE]).playlist_tracks
    assert [rows.row(j).tolist() for j in range(2)] == [[0, 1, 0], [1, 2]]


def test_a_track_without_uri_is_known_by_name_and_artist(tmp_path: Path) -> None:
    tracks = [
        {"track_name": "Déjà vu", "artist_name": "X"},
        {"track_name": "DEJA VU", "artist_name": "x"},
        {"pos": 3},
    ]
    library = ingest([write(tmp_path / "a.json", [{"pid": 1, "tracks": tracks}, {"pid": 2, "tracks": []}])])
    assert library.n_tracks == 1 and library.tracks["track_id"][0].startswith("t:")
    assert library.playlist_tracks.row(0).tolist() == [0, 0] and library.playlist_tracks.row(1).tolist() == []
    assert library.notes["ingest"]["notes"] == {"rows without a track uri or name, left out": 1}


def test_fields_are_completed_from_later_occurrences_in_the_file_and_in_other_files(tmp_path: Path) -> None:
    first = [
        {"track_uri": "spotify:track:a", "track_name": "A"},
        {"track_uri": "spotify:track:a", "artist_name": "AA"},
    ]
    write(tmp_path / "1.json", [{"pid": 1, "tracks": first}])
    later = {"track_uri": "spotify:track:a", "track_name": "other", "artist_name": "other", "duration_ms": 5}
    write(tmp_path / "2.json", [{"pid": 2, "tracks": [later, {"track_uri": "spotify:track:b"}]}])
    write(tmp_path / "3.json", [{"pid": 3, "tracks": [{**later, "album_name": "C", "duration_ms": 9}]}])
    table = ingest([tmp_path]).tracks
    a = table.row(0, named=True)
    assert (a["name"], a["artist"], a["duration_ms"], a["album"]) == ("A", "AA", 5, "C")
    assert table["track_id"].to_list() == ["spotify:track:a", "spotify:track:b"]


def test_spotify_links_and_uris_are_one_track(tmp_path: Path) -> None:
    track = "4uLU6hMCjMI75M1A2tKUQC"
    uris = [f"https://open.spotify.com/track/{track}?si=1", f"spotify:track:{track}"]
    library = ingest([write(tmp_path / "a.json", [{"pid": 1, "tracks": [{"track_uri": u} for u in uris]}])])
    assert library.tracks["track_id"].to_list() == [f"spotify:track:{track}"]
    assert library.playlist_tracks.row(0).tolist() == [0, 0]


def test_a_playlist_without_pid_is_named_after_its_place(tmp_path: Path) -> None:
    library = ingest([write(tmp_path / "a.json", [{"tracks": [{"track_uri": "u:1"}]}, {"pid": 7, "tracks": []}])])
    assert library.playlists["playlist_id"].to_list() == ["a.json#0", "7"]
    assert library.titles == ["", ""]


def test_numbers_out_of_range_are_dropped_with_a_note(tmp_path: Path) -> None:
    playlists = one({"track_uri": "u:1", "duration_ms": -1}, num_followers=2**40, modified_at=2**63)
    library = ingest([write(tmp_path / "a.json", playlists)])
    assert library.tracks["duration_ms"][0] is None
    assert library.playlists.select("num_followers", "modified_at").row(0) == (None, None)
    assert sum(library.notes["ingest"]["notes"].values()) == 3


def test_hostile_text_is_made_storable(tmp_path: Path) -> None:
    track = {"track_uri": "u:1", "track_name": "n\0n", "artist_name": "a" * 10_000_000}
    path = write(
        tmp_path / "a.json", one(track, name="lone \ud800 low \udc00 pair 🌙 \\ud800", description="é" * 2_000)
    )
    library = ingest([path])
    library.save(tmp_path / "library")
    again = Library.load(tmp_path / "library")
    assert again.titles == ["lone \ufffd low \ufffd pair 🌙 \\ud800"]
    assert again.tracks["name"][0] == "n\ufffdn" and len(again.tracks["artist"][0]) == 2_000
    assert len(again.playlists["description"][0]) == 2_000
    assert again.notes["ingest"]["notes"] == {
        "lone surrogates replaced by U+FFFD": 2,
        "name: NUL characters replaced": 1,
        "artist: longer than 2,000 characters, cut": 1,
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"{}", "playlists"),
        (b"[]", "Expected `object`"),
        (b'{"playlists": 3}', "$.playlists"),
        (b'{"playlists": [{"pid": 1}]}', "tracks"),
        (b'{"playlists": [{"pid": 1, "name": 5, "tracks": []}]}', "$.playlists[0].name"),
        (b'{"playlists": [{"tracks": [{"track_name": 1999}]}]}', "$.playlists[0].tracks[0].track_name"),
        (b'{"playlists": [{"tracks": [{"duration_ms": "long"}]}]}', "duration_ms"),
        (b'{"playlists": [{"tracks": [], "collaborative": "maybe"}]}', "$.playlists[0].collaborative"),
        (b'{"playlists": [}', "byte 15, line 1"),
        (b'{"playlists": []}\n{"playlists": []}', "line 2"),
        (b'{"playlists": [{"name": "\xff", "tracks": []}]}', "byte 25"),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        (SLICE.read_bytes()[:1500], "cut off (byte 1500)"),
        (b"\x00" * 100, "byte 0"),
    ],
)
def test_damage_is_one_sentence_with_file_and_place(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "mpd.slice.0-999.json"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        ingest([path])
    assert str(caught.value).startswith(f"{path}: ") and reason in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 10_000), flip=st.integers(0, 255))
def test_a_damaged_slice_is_an_error_or_whole_but_never_a_crash(cut: int, flip: int) -> None:
    data = bytearray(SLICE.read_bytes())
    data[cut % len(data)] ^= flip
    for content in (bytes(data), bytes(data[: cut % len(data)])):
        try:
            piece = read_mpd_bytes(content, label="x")
        except SegueError:
            continue
        assert piece.indptr[-1] == len(piece.indices) and piece.indices.max(initial=-1) < len(piece.track_ids)
