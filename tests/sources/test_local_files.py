"""Folders of music become tracks: every format, every sort of damage, and nothing is read twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.library import Library
from segue.sources import local_files
from segue.sources.ingest import ingest
from segue.sources.local_tags import names_of_place, read_local_file
from segue.sources.m3u import write_m3u
from sources.music import ENDINGS, write_music

UUID = "0a1b2c3d-0000-4000-8000-00000000000f"
TAGS = {
    "title": "Ünder ☂", "artist": "Quiet & Co", "album": "An Album", "album_artist": "Various", "genre": "Rock",
    "date": "1984-05-01", "isrc": "DE-A00-00-00001", "mbid": UUID.upper(), "track": "3",
}  # fmt: skip


def rows(library: Library) -> dict[str, dict[str, Any]]:
    """Tracks by name of their file."""
    return {Path(row["location"]).name: row for row in library.tracks.to_dicts()}


def music(library: Library) -> dict[str, Any]:
    counts: dict[str, Any] = library.notes["ingest"]["music"]
    return counts


@pytest.mark.parametrize("ending", ENDINGS)
def test_tags_of_every_format(tmp_path: Path, ending: str) -> None:
    found = read_local_file(write_music(tmp_path / f"x{ending}", **TAGS), tmp_path)
    assert (found.name, found.artist, found.album, found.album_artist) == (
        "Ünder ☂", "Quiet & Co", "An Album", "Various",
    )  # fmt: skip
    assert (found.year, found.genre, found.isrc, found.mbid, found.track_number) == (
        1984,
        "Rock",
        "DEA000000001",
        UUID,
        3,
    )
    assert found.duration_ms is not None and abs(found.duration_ms - 1_000) <= 20 and found.tagged
    bare = read_local_file(write_music(tmp_path / "Nena" / f"99{ending}"), tmp_path)
    assert (bare.name, bare.artist, bare.tagged, bare.year) == ("99", "Nena", False, None)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("Mecano/05 Un año más.mp3", ("Un año más", "Mecano", "")),
        ("Mecano/Entre el cielo/1-05 - Un año más.mp3", ("Un año más", "Mecano", "Entre el cielo")),
        ("Mecano/[1986] Entre/Disc 2/05.Un año más.mp3", ("Un año más", "Mecano", "Entre")),
        ("Hits/Nena - 99 Luftballons.mp3", ("99 Luftballons", "Nena", "")),
        ("03 - Nena - 99 Luftballons.mp3", ("99 Luftballons", "Nena", "")),
        ("Nena - Nena - 99 Luftballons.mp3", ("Nena - 99 Luftballons", "Nena", "")),
        ("Nena/Nena/Nena - Nena - 03 - 99 Luftballons.mp3", ("99 Luftballons", "Nena", "Nena")),
        ("99 Luftballons.mp3", ("Luftballons", "", "")),
        ("1999.mp3", ("1999", "", "")),
        ("a_b.mp3", ("a b", "", "")),
    ],
)
def test_names_of_places(place: str, expected: tuple[str, str, str]) -> None:
    assert names_of_place(Path("/music") / place, Path("/music")) == expected


@given(
    st.lists(
        st.text(min_size=1, max_size=12).filter(lambda t: "/" not in t and "\0" not in t and t not in (".", "..")),
        min_size=1,
        max_size=4,
    )
)
def test_any_place_has_a_name(parts: list[str]) -> None:
    name, artist, album = names_of_place(Path("/m", *parts[:-1], parts[-1] + ".mp3"), Path("/m"))
    assert isinstance(name, str) and len(name) <= 2_000
    for text in (name, artist, album):
        text.encode()  # storable
        assert text == text.strip() and "\0" not in text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "music"
    for n, ending in enumerate(ENDINGS):
        write_music(root / "Artist" / f"{n} song{ending}", title=f"Song {n}", artist="Artist", album="Album")
    write_music(root / "Other One" / "01 untagged.wav")
    return root


def test_a_folder_becomes_a_library(folder: Path) -> None:
    library = ingest([folder])
    assert (library.n_tracks, library.n_playlists) == (9, 0)
    assert music(library) | {"examples": []} == {
        "reader": local_files.READER, "files": 9, "read": 9, "unchanged": 0, "moved": 0, "gone": 0, "repeated": 0,
        "untagged": 1, "failed": 0, "examples": [],
    }  # fmt: skip
    assert rows(library)["01 untagged.wav"]["artist"] == "Other One"
    assert library.tracks["track_id"].n_unique() == 9
    assert ingest([folder]).tracks.equals(library.tracks)  # same files, same tracks
    elsewhere = folder.parent / "elsewhere"
    shutil.copytree(folder, elsewhere)
    assert ingest([elsewhere]).tracks["track_id"].to_list() == library.tracks["track_id"].to_list()


def test_a_second_run_reads_only_what_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ingest([folder])
    read: list[str] = []
    real = local_files.read_local_file

    def counting(path: Path, root: Path) -> Any:
        read.append(path.name)
        return real(path, root)

    monkeypatch.setattr(local_files, "read_local_file", counting)
    again = ingest([folder], known=first.tracks)
    assert read == [] and again.tracks.equals(first.tracks) and music(again)["unchanged"] == 9
    # one retagged, one moved, one gone, one new, one that only looks like a known one
    before = rows(first)
    write_music(folder / "Artist" / "0 song.mp3", title="Renamed", artist="Artist")
    (folder / "Moved").mkdir()
    shutil.move(folder / "Artist" / "1 song.flac", folder / "Moved" / "elsewhere.flac")
    (folder / "Artist" / "2 song.ogg").unlink()
    write_music(folder / "new.wav", title="New", artist="Artist")
    after_library = ingest([folder], known=first.tracks)
    after = rows(after_library)
    assert sorted(read) == ["0 song.mp3", "elsewhere.flac", "new.wav"]
    counts = music(after_library)
    assert [counts[what] for what in ("read", "unchanged", "moved", "gone", "files")] == [3, 6, 1, 1, 9]
    assert after["0 song.mp3"]["track_id"] == before["0 song.mp3"]["track_id"]
    assert after["0 song.mp3"]["name"] == "Renamed"
    assert after["elsewhere.flac"]["track_id"] == before["1 song.flac"]["track_id"]
    assert after["new.wav"]["track_id"] not in {row["track_id"] for row in before.values()}


def test_copies_are_tracks_of_their_own(folder: Path) -> None:
    first = ingest([folder])
    shutil.copy(folder / "Artist" / "0 song.mp3", folder / "Artist" / "0 song copy.mp3")
    again = ingest([folder], known=first.tracks)
    assert again.n_tracks == 10 and again.tracks["track_id"].n_unique() == 10
    assert rows(again)["0 song.mp3"]["track_id"] == rows(first)["0 song.mp3"]["track_id"]


def test_damage_is_counted_and_stops_nothing(folder: Path) -> None:
    for name, data in (
        ("zero.mp3", b""),
        ("garbage.flac", b"fLaC" + b"\xff" * 200),
        ("text.ogg", b"no music at all\n" * 50),
        ("short.m4a", b"\0\0\0\x20ftypM4A "),
        ("deep.m4a", (b"\0\0\0\x08moov" * 4) + b"\0\0\xff\xffudta"),
        ("head.wav", b"RIFF\xff\xff\xff\xffWAVE"),
        ("big.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"TIT2" + b"\x7f" * 20),
    ):
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe.mp3")
    (folder / "nowhere.mp3").symlink_to(folder / "none.mp3")
    library = ingest([folder])
    assert library.n_tracks >= 9
    failed = {Path(each["file"]).name: each["reason"] for each in music(library)["examples"]}
    assert {"zero.mp3", "garbage.flac", "text.ogg", "pipe.mp3", "nowhere.mp3"} <= set(failed)
    assert library.n_tracks + music(library)["failed"] == 9 + 9
    with pytest.raises(SourceError, match="cannot be read"):
        ingest([folder / "zero.mp3"])


def test_long_tags_are_cut_and_odd_ones_stored(tmp_path: Path) -> None:
    write_music(
        tmp_path / "a.mp3", title="x" * 100_000, artist="a\0b\nc", album="=1+1", date="not a year", isrc="none"
    )
    library = ingest([tmp_path])
    row = library.tracks.to_dicts()[0]
    assert len(row["name"]) == 2_000 and "\0" not in row["artist"] and row["album"] == "=1+1"
    assert row["year"] is None and row["isrc"] is None
    library.save(tmp_path / "library")
    assert Library.load(tmp_path / "library").tracks.equals(library.tracks)


def test_links_in_circles_and_names_that_are_no_text(folder: Path, tmp_path: Path) -> None:
    (folder / "circle").symlink_to(folder)
    (folder / "again.mp3").symlink_to(folder / "Artist" / "0 song.mp3")
    os.rename(os.fsencode(folder / "Other One" / "01 untagged.wav"), os.fsencode(folder) + b"/caf\xe9 ol\xe9.wav")
    library = ingest([folder, folder])
    assert library.n_tracks == 9 and music(library)["repeated"] == 1
    odd = library.tracks.filter(library.tracks["location"].str.starts_with("file://")).to_dicts()
    assert [(row["name"], row["location"].rsplit("/", 1)[1]) for row in odd] == [("café olé", "caf%E9%20ol%E9.wav")]
    library.save(tmp_path / "library")
    again = ingest([folder], known=Library.load(tmp_path / "library").tracks)
    assert music(again)["unchanged"] == 9


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_folders_that_cannot_be_looked_into_are_named(folder: Path) -> None:
    (folder / "Other One").chmod(0)
    try:
        library = ingest([folder])
    finally:
        (folder / "Other One").chmod(0o755)
    assert library.n_tracks == 8 and library.notes["ingest"]["closed"] == [str(folder / "Other One")]


def test_playlists_beside_music_hold_its_files(folder: Path) -> None:
    everything = rows(ingest([folder]))
    (folder / "lists").mkdir()
    (folder / "lists" / "mine.m3u8").write_text(
        "#EXTM3U\n#EXTINF:1,whatever\n../Artist/0 song.mp3\n"
        f"{folder}/artist/1 SONG.flac\n"  # written where case does not matter
        "..\\Artist\\2 song.ogg\n"  # written on Windows
        "#EXTINF:1,Artist - Song 3\nD:\\Music\\3.opus\n"  # known by its name
        "../Artist/gone.mp3\nhttp://radio.example/stream\n../Artist/0 song.mp3\n"
    )
    library = ingest([folder])
    assert library.titles == ["mine"]
    ids = library.tracks["track_id"].to_list()
    listed = [ids[row] for row in library.playlist_tracks.row(0).tolist()]
    expected = ["0 song.mp3", "1 song.flac", "2 song.ogg", "3 song.opus", "0 song.mp3"]
    assert [track for track in listed if track.startswith("local:")] == [everything[n]["track_id"] for n in expected]
    assert len(listed) == 6  # the stream is somewhere, the file that has gone is nowhere
    assert library.notes["ingest"]["notes"]["entries of playlists whose files are not there, left out"] == 1


def test_a_library_of_playlists_has_no_columns_of_files(tmp_path: Path) -> None:
    from segue.library import Track

    (tmp_path / "a.m3u8").write_bytes(write_m3u("a", [Track("t:1", "n", "a", location="/nowhere/x.mp3")]))
    library = ingest([tmp_path])
    assert "file_size" not in library.tracks.columns and library.notes["ingest"]["music"] is None
    assert library.n_tracks == 1


_INGEST = """
import os, signal, sys
from segue.cli import main
from segue.sources import local_files
real, left = local_files.read_local_file, [{left}]
def counted(path, root):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path, root)
local_files.read_local_file = counted
sys.argv = ["segue", "ingest", {music!r}, "-o", {out!r}]
main()
"""


def test_a_killed_run_leaves_the_old_library_and_two_at_once_leave_one(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "library"
    first = ingest([folder])
    first.save(out)
    for n in range(100):
        shutil.copy(folder / "Artist" / "5 song.wav", folder / f"{n}.wav")

    def command(left: int) -> list[str]:
        return [sys.executable, "-c", _INGEST.format(music=str(folder), out=str(out), left=left)]

    assert subprocess.run(command(50), capture_output=True).returncode == -signal.SIGKILL
    assert Library.load(out).tracks.equals(first.tracks)
    both = [subprocess.Popen(command(-1), stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[0] or process.returncode for process in both] == [0, 0]
    library = Library.load(out)
    assert library.n_tracks == 109 and set(first.tracks["track_id"]) <= set(library.tracks["track_id"])
    assert sorted(path.name for path in out.parent.iterdir()) == ["library", "music"]
