from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segue.errors import InputError, OutputError, StoredDataError
from segue.library import Catalogue, Interactions, Library
from segue.library.arrays import fingerprint, read_json, write_json
from segue.library.folders import new_folder
from segue.library.merge import merge
from segue.library.strings import HashIndex, StringArray

HOSTILE = ['quo"te', "new\nline", "tab\t", "", "🎧", "a" * 5000, "\x00nul", "اغنية", "‮rtl"]


def small(prefix: str = "p", tracks: tuple[str, ...] = ("a", "b", "c")) -> Library:
    return Library(
        tracks=pl.DataFrame(
            {
                "track_id": tracks,
                "name": [f"Name {t}" for t in tracks],
                "artist": ["Beyoncé", "BEYONCE", None][: len(tracks)],
            }
        ),
        playlists=pl.DataFrame({"playlist_id": [f"{prefix}1", f"{prefix}2"], "title": ["Road Trip", None]}),
        playlist_tracks=Interactions.of([[0, 1, 0], [len(tracks) - 1]], n_columns=len(tracks)),
        notes={"ingest": {"files": 1}},
    )


def test_a_library_comes_back(tmp_path: Path) -> None:
    library = small()
    library.save(tmp_path / "lib")
    again = Library.load(tmp_path / "lib")
    assert again.fingerprint == library.fingerprint
    assert again.tracks.equals(library.tracks)
    assert again.playlists.equals(library.playlists)
    assert again.playlist_tracks.row(0).tolist() == [0, 1, 0]
    assert again.notes == {"ingest": {"files": 1}}
    assert again.titles == ["Road Trip", ""]


def test_artists_are_one_when_their_names_fold_alike() -> None:
    library = small()
    assert library.artist_rows.tolist() == [0, 0, 1]
    assert library.artist_names == ["Beyoncé", ""]


def test_the_fingerprint_sees_titles_and_order() -> None:
    library = small()
    other = Library(library.tracks, library.playlists.with_columns(title=pl.lit("x")), library.playlist_tracks)
    turned = Library(library.tracks, library.playlists, Interactions.of([[1, 0, 0], [2]], n_columns=3))
    assert len({library.fingerprint, other.fingerprint, turned.fingerprint}) == 3


@pytest.mark.parametrize(
    "name", ["tracks.parquet", "playlists.parquet", "playlist_tracks.indices.npy", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage"])
def test_damage_is_named(tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "lib"
    small().save(folder)
    file = folder / name
    if damage == "missing":
        file.unlink()
    else:
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"\x93garbage" * 20)
    with pytest.raises(StoredDataError, match=name.split(".")[0]):
        Library.load(folder)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    small().save(tmp_path / "lib")
    manifest = read_json(tmp_path / "lib" / "manifest.json")
    write_json(tmp_path / "lib" / "manifest.json", {**manifest, "format_version": 99})
    with pytest.raises(StoredDataError, match="upgrade"):
        Library.load(tmp_path / "lib")


@pytest.mark.parametrize("version", [0, -1, True, 1.0, "1", None])
def test_a_format_version_is_a_whole_number_from_one_on(tmp_path: Path, version: object) -> None:
    small().save(tmp_path / "lib")
    manifest = read_json(tmp_path / "lib" / "manifest.json")
    write_json(tmp_path / "lib" / "manifest.json", {**manifest, "format_version": version})
    with pytest.raises(StoredDataError, match="format_version"):
        Library.load(tmp_path / "lib")


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise pl.exceptions.ComputeError("No space left on device (os error 28)\n\nand more")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OutputError, match="lib: No space left on device"):
        small().save(tmp_path / "lib")
    assert not list(tmp_path.iterdir())


def test_tables_are_checked() -> None:
    library = small()
    with pytest.raises(StoredDataError, match="repeats"):
        Library(library.tracks.with_columns(track_id=pl.lit("x")), library.playlists, library.playlist_tracks)
    with pytest.raises(StoredDataError, match="interactions are 1 x 3"):
        Library(library.tracks, library.playlists, Interactions.of([[0]], n_columns=3))


def test_merging_joins_tracks_and_keeps_playlists_apart() -> None:
    both = merge(small("p"), small("q", ("b", "z")))
    assert both.tracks["track_id"].to_list() == ["a", "b", "c", "z"]
    assert [both.playlist_tracks.row(i).tolist() for i in range(4)] == [[0, 1, 0], [2], [1, 3, 1], [3]]
    with pytest.raises(InputError, match="already"):
        merge(small("p"), small("p"))


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="other things"):
        small().save(tmp_path / "precious")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        small().save(tmp_path / "file")


def test_a_folder_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    small().save(tmp_path / "lib")
    with (
        pytest.raises(OutputError, match="is a segue library, not a segue model"),
        new_folder(tmp_path / "lib", kind="segue model"),
    ):
        pass
    assert Library.load(tmp_path / "lib").n_playlists == 2


def test_a_failed_build_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    small().save(tmp_path / "lib")
    with pytest.raises(RuntimeError), new_folder(tmp_path / "lib") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert Library.load(tmp_path / "lib").n_playlists == 2
    assert [p.name for p in tmp_path.iterdir()] == ["lib"]


BUILD_SLOWLY = """
import sys, time
from pathlib import Path
from segue.library.folders import new_folder
with new_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    print("started", flush=True)
    time.sleep(60)
"""


def test_a_killed_build_leaves_the_old_folder_and_the_next_one_sweeps(tmp_path: Path) -> None:
    target = tmp_path / "place" / "lib"
    small().save(target)
    command = [sys.executable, "-c", BUILD_SLOWLY, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.kill()
    assert Library.load(target).n_playlists == 2
    assert len(list(target.parent.iterdir())) == 2
    small().save(target)
    assert [p.name for p in target.parent.iterdir()] == ["lib"]


def test_strings_and_hashes_come_back(tmp_path: Path) -> None:
    strings = StringArray.of(HOSTILE)
    strings.save(tmp_path, "s")
    again = StringArray.load(tmp_path, "s")
    assert again.to_list() == [again[i] for i in range(len(again))] == HOSTILE
    index = HashIndex.of([*HOSTILE, HOSTILE[0]])
    index.save(tmp_path, "i")
    found = HashIndex.load(tmp_path, "i")
    assert found.rows(HOSTILE[0]).tolist() == [0, len(HOSTILE)]
    assert found.rows("").tolist() == []
    assert found.rows("unknown").tolist() == []


def test_the_catalogue_finds_tracks_as_people_type_them(tmp_path: Path) -> None:
    library = Library(
        tracks=pl.DataFrame(
            {
                "track_id": ["1", "2", "3", "4"],
                "name": ["Heroes - 2017 Remaster", "Dancing Queen", "Stay - With Me", "Halo"],
                "artist": ["David Bowie", "ABBA", "A, B", "Beyoncé"],
                "year": [1977, None, None, 2008],
                "explicit": [None, False, None, True],
            }
        ),
        playlists=pl.DataFrame({"playlist_id": ["p"], "title": ["x"]}),
        playlist_tracks=Interactions.of([[0]], n_columns=4),
    )
    Catalogue.of(library).save(tmp_path)
    catalogue = Catalogue.load(tmp_path)
    assert catalogue.find("heroes - david bowie") == [0]
    assert catalogue.find("ABBA - dancing queen") == [1]
    assert catalogue.find("Dancing Queen, Abba") == [1]
    assert catalogue.find("Stay - With Me - A, B") == [2]
    assert catalogue.find("halo by beyonce") == [3]
    assert catalogue.find("nothing") == []
    assert catalogue.find_id("4") == 3
    assert catalogue.find_id("5") is None
    assert catalogue.track(3).year == 2008
    assert catalogue.track(3).explicit is True
    assert catalogue.track(1).year is None
    assert catalogue.knows_years and catalogue.knows_explicit and not catalogue.knows_durations


def test_fingerprints_tell_dtype_shape_and_content_apart() -> None:
    a = np.arange(4, dtype=np.int32)
    assert len({fingerprint(x) for x in (a, a.astype(np.int64), a.reshape(2, 2), a + 1, "a", 1, None, {})}) == 8
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
