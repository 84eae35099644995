import gzip
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest

from segue.errors import SourceError
from segue.library import Library
from segue.sources.files import find
from segue.sources.ingest import ingest, read_piece
from segue.sources.report import lines

DATA = Path(__file__).parents[1] / "data" / "sources"
SLICE = DATA / "mpd" / "mpd.slice.0-1.json"


def slice_of(path: Path, *pids: int, track: str = "spotify:track:a") -> Path:
    playlists = [{"pid": pid, "name": f"{path.stem} {pid}", "tracks": [{"track_uri": track}]} for pid in pids]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"playlists": playlists}))
    return path


def test_all_formats_of_a_folder_come_in() -> None:
    library = ingest([DATA])
    report = library.notes["ingest"]
    assert report["formats"] == {"mpd": 1, "csv": 5, "m3u": 2, "xspf": 1, "jspf": 1}
    assert report["files"] == 10 and report["playlists"] == library.n_playlists == 12
    assert report["rows"] == len(library.playlist_tracks.indices) and report["tracks"] == library.n_tracks
    # "Toxic" of the old Exportify file and of the slice are one track, "Under Pressure" of the two newer ones too
    assert (
        library.tracks["name"].to_list().count("Toxic")
        == library.tracks["name"].to_list().count("Under Pressure")
        == 1
    )
    assert lines(report)[0].startswith("10 files (")


def test_slices_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for start in (0, 10_000, 2_000):
        slice_of(tmp_path / f"mpd.slice.{start}-{start + 999}.json", start)
    assert ingest([tmp_path]).playlists["playlist_id"].to_list() == ["0", "2000", "10000"]


def test_colliding_ids_of_two_sources_are_told_apart_and_reported(tmp_path: Path) -> None:
    a, b = slice_of(tmp_path / "a/x.json", 1, 2), slice_of(tmp_path / "b/x.json", 2, 3, 2, track="spotify:track:b")
    library = ingest([a, b])
    assert library.playlists["playlist_id"].to_list() == ["1", "2", "2@b/x.json", "3", "2@b/x.json~2"]
    assert library.playlists["source"].to_list() == ["a/x.json"] * 2 + ["b/x.json"] * 3
    report = library.notes["ingest"]
    assert report["renamed"] == 2 and report["renamed_examples"][0] == ["2", "2@b/x.json"]
    assert any("2 playlist ids met before" in line for line in lines(report))


def test_the_same_slice_twice_is_taken_once_and_named(tmp_path: Path) -> None:
    shutil.copy(SLICE, tmp_path / "one.json")
    (tmp_path / "two.json").write_text(json.dumps(json.loads(SLICE.read_text(encoding="utf-8"))))  # other white space
    (tmp_path / "three.json.gz").write_bytes(gzip.compress(SLICE.read_bytes()))
    library = ingest([tmp_path, tmp_path / "one.json"])
    assert library.n_playlists == 2 and library.notes["ingest"]["files"] == 1
    assert library.notes["ingest"]["duplicates"] == {
        str(tmp_path / "one.json"): str(tmp_path / "one.json"),
        "three.json.gz": "one.json",
        "two.json": "one.json",
    }


def test_two_copies_of_an_export_in_two_folders_are_one(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(DATA / "rainy_sunday.csv", tmp_path / folder)
    library = ingest([tmp_path])
    assert library.n_playlists == 1
    assert library.notes["ingest"]["duplicates"] == {"b/rainy_sunday.csv": "a/rainy_sunday.csv"}


def damaged_gzip(path: Path) -> Path:
    path.write_bytes(gzip.compress(SLICE.read_bytes())[:-20])
    return path


def broken_gzip(path: Path) -> Path:
    data = bytearray(gzip.compress(SLICE.read_bytes()))
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def cut_slice(path: Path) -> Path:
    path.write_bytes(SLICE.read_bytes()[:900])
    return path


def cut_zip(path: Path) -> Path:
    path = path.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(SLICE, "x.json")
    path.write_bytes(path.read_bytes()[:-30])
    return path


def zip_with_a_bad_member(path: Path) -> Path:
    path = path.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(SLICE, "x.json")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Singing in", b"Singing on"))  # the checksum no longer fits
    return path


DAMAGES = [damaged_gzip, broken_gzip, cut_slice, cut_zip, zip_with_a_bad_member]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_fails_and_names_the_file(tmp_path: Path, damage) -> None:
    path = damage(tmp_path / "bad.json")
    with pytest.raises(SourceError, match=str(path)):
        ingest([SLICE, path])


@pytest.mark.parametrize("damage", DAMAGES)
def test_with_skip_the_damaged_file_is_left_out_whole_and_named(tmp_path: Path, damage) -> None:
    path = damage(tmp_path / "bad.json")
    library = ingest([path, SLICE], on_error="skip")
    assert library.n_playlists == 2
    library.save(tmp_path / "library")
    manifest = json.loads((tmp_path / "library" / "manifest.json").read_text())
    (skipped,) = manifest["notes"]["ingest"]["skipped"]
    assert str(path) in skipped["file"] and skipped["reason"]
    assert any(line.startswith(f"left out {path}") for line in lines(manifest["notes"]["ingest"]))
    assert Library.load(tmp_path / "library").notes == library.notes


def test_nothing_but_damage_is_an_error_even_with_skip(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no playlist with a track was found; 1 damaged"):
        ingest([cut_slice(tmp_path / "a.json")], on_error="skip")


def test_a_bad_member_of_a_zip_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mpd.zip", "w") as archive:
        archive.writestr("a.json", SLICE.read_bytes()[:700])
        archive.write(SLICE, "b.json")
    library = ingest([tmp_path / "mpd.zip"], on_error="skip")
    assert library.n_playlists == 2
    assert library.notes["ingest"]["skipped"][0]["file"] == f"{tmp_path / 'mpd.zip'}/a.json"


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("hello")
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    (tmp_path / "song.xyz").write_bytes(b"ID3")
    for path, reason in (
        (tmp_path / "none", "no such file"),
        (tmp_path / "empty", "holds no playlist files"),
        (tmp_path / "notes", "holds no playlist files"),
        (tmp_path / "song.mp3", "1 file of music cannot be read"),
        (tmp_path / "song.xyz", "not a known format"),
    ):
        with pytest.raises(SourceError, match=reason):
            ingest([path])
    with pytest.raises(SourceError, match="no source"):
        ingest([])


def test_a_library_is_not_a_source(tmp_path: Path) -> None:
    ingest([SLICE]).save(tmp_path / "library")
    with pytest.raises(SourceError, match="is a Segue library already"):
        ingest([tmp_path / "library"])


def test_unknown_and_hidden_files_of_a_folder_are_ignored(tmp_path: Path) -> None:
    shutil.copy(SLICE, tmp_path)
    (tmp_path / "md5sums").write_text("x")
    (tmp_path / ".hidden.json").write_text("x")
    report = ingest([tmp_path]).notes["ingest"]
    assert report["ignored"] == 1 and report["ignored_examples"] == [str(tmp_path / "md5sums")]


def test_progress_counts_files(tmp_path: Path) -> None:
    slice_of(tmp_path / "a.json", 1), slice_of(tmp_path / "b.json", 2)
    seen: list[tuple[int, int]] = []
    ingest([tmp_path], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_a_file_is_a_pure_function_that_a_process_pool_can_map() -> None:
    def refuse(error: SourceError) -> None:
        raise error

    for file in find([DATA], damaged=refuse).files:
        piece = pickle.loads(pickle.dumps(read_piece(file).closed()))  # noqa: S301 - as a pool does; nothing is stored
        again = read_piece(file).closed()
        assert piece.track_ids == again.track_ids and piece.playlists.equals(again.playlists)
        assert piece.indices.tolist() == again.indices.tolist()


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.sources.files._LIMIT", 1_000_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 2_000_000))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b" " * 2_000_000)
    for name in ("bomb.json.gz", "bomb.zip"):
        with pytest.raises(SourceError, match="unpacks to more than"):
            ingest([tmp_path / name])


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def circle(path: Path) -> None:
    path.symlink_to(path.with_name("other.json"))
    path.with_name("other.json").symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to("nothing.json")


@pytest.mark.parametrize("make", [pipe, device, circle, dangling])
@pytest.mark.parametrize("name", ["a.json", "a.zip", "a.m3u", "a.parquet"])
def test_only_regular_files_are_read(tmp_path: Path, make, name: str) -> None:
    shutil.copy(SLICE, tmp_path / "good.json")
    make(tmp_path / name)
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(SourceError, match=r"regular file|cannot be read|link to nothing|cut off"):
            ingest([source])
    library = ingest([tmp_path], on_error="skip")
    assert library.n_playlists == 2
    assert str(tmp_path / name) in [skipped["file"] for skipped in library.notes["ingest"]["skipped"]]


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(SLICE)
    assert ingest([tmp_path]).n_playlists == 2


def test_pipes_in_the_place_of_tables_and_manifests_are_not_waited_for(tmp_path: Path) -> None:
    for name in ("manifest.json", "playlists.csv", "tracks.csv", "items.csv"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(SourceError, match="regular file"):
        ingest([tmp_path])
