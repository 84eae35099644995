import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.source import SourceContract
from segue.errors import SourceError
from segue.library import Library
from segue.sources.ingest import ingest
from segue.sources.json_text import storable
from segue.sources.mpd_export import to_mpd_slices
from segue.sources.playlists_jsonl import read_playlists_jsonl

SUMMER = "6YUTL4dYpB9xZO5qExPf05"


def lines(*playlists: object) -> bytes:
    return b"".join(json.dumps(playlist).encode() + b"\n" for playlist in playlists)


class TestPlaylistsJsonl(SourceContract):
    playlists_carry = ("playlist_id", "title", "description", "collaborative", "num_followers")
    tracks_carry = ("name", "artist", "album", "duration_ms", "explicit")

    def write(self, library: Library, folder: Path) -> Path:
        tracks = library.tracks.to_dicts()
        playlists = [
            {**playlist, "tracks": [tracks[t] for t in library.playlist_tracks.row(row).tolist()]}
            for row, playlist in enumerate(library.playlists.to_dicts())
        ]
        (folder / "all.jsonl.gz").write_bytes(gzip.compress(lines(*playlists)))
        return folder / "all.jsonl.gz"


class TestPlaylistsJsonlWithoutIds(TestPlaylistsJsonl):
    uris = False


def test_a_playlist_with_a_description_and_lengths_as_minutes(tmp_path: Path) -> None:
    track = {
        "pos": 0,
        "track_name": "Summer",
        "track_id": SUMMER,
        "artists": ["Calvin Harris", "X"],
        "length": "3:42",
    }
    file = tmp_path / "described.jsonl"
    file.write_bytes(lines({"playlist_id": "p", "name": "Hits", "description": "<a>Loud</a>", "tracks": [track]}))
    library = ingest([file])
    assert library.playlists.row(0, named=True) | {"source": ""} == {
        "playlist_id": "p", "title": "Hits", "description": "<a>Loud</a>", "collaborative": None,
        "modified_at": None, "num_followers": None, "source": "",
    }  # fmt: skip
    found = library.tracks.row(0, named=True)
    assert (found["track_id"], found["artist"]) == (f"spotify:track:{SUMMER}", "Calvin Harris")
    assert found["duration_ms"] == 222_000


def test_tracks_meet_themselves_in_slices_and_clashing_ids_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines({"id": 7, "tracks": [SUMMER, {"uri": f"spotify:track:{SUMMER}", "name": "Summer"}]}))
    mpd = tmp_path / "mpd"
    to_mpd_slices(ingest([file]), mpd)
    (mpd / "more.json").write_text(json.dumps({"playlists": [{"pid": 7, "name": "x", "tracks": []}]}))
    library = ingest([file, mpd / "more.json"])
    assert library.n_tracks == 1 and library.tracks["name"][0] == "Summer", "a later row tells what the first lacks"
    assert library.playlist_tracks.row(0).tolist() == [0, 0]
    assert library.playlists["playlist_id"].to_list() == ["7", "7@more.json"]


def test_names_may_be_objects_and_everything_null() -> None:
    row = {
        "title": "A",
        "artists": [None, {"name": "B"}],
        "album": {"name": "C"},
        "duration_ms": "5000",
        "length": None,
    }
    nothing = dict.fromkeys([*row, "name", "uri"])
    piece = read_playlists_jsonl(
        lines({"tracks": [row, nothing, None, {}], "name": None}, {"tracks": None}, {"tracks": []}), label="x.jsonl"
    )
    assert piece.playlists["playlist_id"].to_list() == ["x.jsonl#1", "x.jsonl#3"]
    assert len(piece.indices) == 1
    found = piece.closed().gather([0]).row(0, named=True)
    assert (found["name"], found["artist"], found["album"], found["duration_ms"]) == ("A", "B", "C", 5000)
    assert piece.notes["rows without a track uri or name, left out"] == 3
    assert piece.notes["playlists without a list of tracks, left out"] == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'{"query": "rain", "playlist_id": "3"}\n', "none has a list called 'tracks'"),
        (lines({"tracks": []}) + b'{"tracks": [', r"cut off.*line 2|line 2.*cut off"),
        (lines({"tracks": []}, {"tracks": [{"name": 4}]}), r"line 2, \$\.tracks\[0\]\.name"),
        (b"[1, 2]\n", "line 1"),
        (b'{"tracks": ' + b"[" * 5_000 + b"\n", "line 1"),
        (b'{"name": "\xff", "tracks": []}\n', "line 1"),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_line(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(data)
    with pytest.raises(SourceError, match=said) as raised:
        ingest([tmp_path / "x.jsonl"])
    assert str(tmp_path / "x.jsonl") in str(raised.value) and "\n" not in str(raised.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "uri"]), inner, max_size=2),
    max_leaves=4,
)
_FIELDS = ["tracks", "name", "title", "playlist_id", "pid", "id", "description", "collaborative", "num_followers"]
_TRACK = ["track_uri", "track_id", "name", "artists", "artist", "album", "length", "duration_ms", "explicit"]
_TRACKS = st.lists(st.dictionaries(st.sampled_from(_TRACK), _JSON, max_size=4) | _JSON, max_size=3)


@settings(max_examples=300, deadline=None)
@given(playlist=st.dictionaries(st.sampled_from(_FIELDS), _JSON), tracks=_TRACKS)
@example({}, [{"name": "a", "duration_ms": float("inf")}, {"name": "b", "length": float("nan")}])
@example({"pid": 10**400}, [{"name": "a", "track_id": 10**400, "duration_ms": 10**400}])
def test_any_json_is_a_playlist_or_one_sentence(playlist: dict[str, Any], tracks: Any) -> None:
    try:
        piece = read_playlists_jsonl(lines({**playlist, "tracks": tracks}), label="x")
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert piece.playlists.height == 1 and int(piece.indptr[-1]) == len(piece.indices)
        assert piece.closed() is not None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example("﻿{}".encode("utf-16"))
def test_any_bytes_are_playlists_or_one_sentence(data: bytes) -> None:
    try:
        read_playlists_jsonl(data, label="x")
    except SourceError as error:
        assert "\n" not in str(error)


@given(titles=st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_title_comes_back(titles: list[str]) -> None:
    piece = read_playlists_jsonl(lines(*({"name": t, "tracks": []} for t in titles)), label="x")
    expected = [storable(t).replace("\0", "\ufffd") if t.strip() else None for t in titles]
    assert piece.playlists["title"].to_list() == expected
