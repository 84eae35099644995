from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from segue.library import Library
from segue.sources.listeners import user_key

Segue = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "loved.csv"
    path.write_text(
        "user,track,artist,country,age\nann,Jolene,Dolly Parton,SE,31\nann,Toxic,Britney,SE,31\nbob,A,B,,9\n"
    )
    return path


def test_a_table_becomes_a_library(segue: Segue, table: Path, tmp_path: Path) -> None:
    done = segue("listeners", table, "-o", tmp_path / "l", "--min-tracks", 2, "--json")
    told = json.loads(done.stdout)
    assert (told["users"], told["interactions"], told["users_with_too_few_tracks"]) == (1, 2, 1)
    assert "1 listener with 2 interactions over 3 tracks; country known of 1" in done.stderr
    assert "hashed without a salt" in done.stderr
    users = Library.load(tmp_path / "l").users
    assert users is not None and users.rows() == [(user_key("ann"), "SE")]
    assert "listeners" in segue("--help").stdout and "--keep" in segue("listeners", "--help").stdout


def test_salt_and_columns_to_keep(
    segue: Segue, refused: Refused, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SEGUE_SALT of --salt-env is not set" in refused(
        "listeners", table, "-o", tmp_path / "l", "--salt-env", "SEGUE_SALT"
    )
    monkeypatch.setenv("SEGUE_SALT", "pepper")
    done = segue("listeners", table, "-o", tmp_path / "l", "--salt-env", "SEGUE_SALT", "--keep", "age")
    assert "without a salt" not in done.stderr and "pepper" not in (tmp_path / "l" / "manifest.json").read_text()
    users = Library.load(tmp_path / "l").users
    assert users is not None
    assert users.rows() == [(user_key("ann", "pepper"), "SE", "31"), (user_key("bob", "pepper"), None, "9")]


def test_onto_a_library_in_place(segue: Segue, library: Path, tmp_path: Path) -> None:
    before = Library.load(library)
    name, artist = before.tracks.select("name", "artist").row(5)
    rows = f"user\ttrack\tartist\nann\t{name.upper()}\t{artist}\nann\tno such track\tnobody\n"
    (tmp_path / "loved.tsv").write_text(rows)
    done = segue("listeners", tmp_path / "loved.tsv", "--onto", library, "-o", tmp_path / "both")
    assert "by name and artist: 1, new: 1" in done.stderr
    both = Library.load(tmp_path / "both")
    assert both.user_tracks is not None and both.user_tracks.row(0).tolist() == [5, before.n_tracks]
    assert both.playlists.equals(before.playlists) and "ingest" in both.notes
    segue("listeners", tmp_path / "loved.tsv", "--onto", tmp_path / "both", "-o", tmp_path / "both")
    assert Library.load(tmp_path / "both").fingerprint == both.fingerprint


def test_playlists_as_listeners(segue: Segue, library: Path, tmp_path: Path) -> None:
    done = segue("listeners", library, "--from-playlists", "-o", tmp_path / "l", "--min-tracks", 10)
    read = Library.load(tmp_path / "l")
    assert read.users is not None and f"{read.users.height:,} listeners" in done.stderr
    assert read.n_playlists == 400 and read.users.height < 400


def test_a_hetrec_folder(segue: Segue, refused: Refused, tmp_path: Path) -> None:
    folder, out = tmp_path / "h", tmp_path / "l"
    folder.mkdir()
    (folder / "user_artists.dat").write_text("userID\tartistID\tweight\n2\t7\t5\n")
    assert "artists.dat: there is no such file" in refused("listeners", folder, "-o", out)
    (folder / "artists.dat").write_text("id\tname\n7\tNena\n")
    assert "the tracks are artists here" in segue("listeners", folder, "-o", out).stderr
    assert Library.load(out).tracks["name"].to_list() == ["Nena"]


def test_the_demo_writes_its_files(segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def stub(folder: Path, n_playlists: int) -> dict[str, Path]:
        asked.append((folder, n_playlists))
        return {n: folder / n for n in ("playlists", "tracks", "features", "lyrics", "summaries", "listeners")}

    monkeypatch.setattr("segue.sources.demo.write_songs", stub)
    done = segue("demo", "--files", tmp_path / "my files", "--playlists", 400)
    assert asked == [(tmp_path / "my files", 400)] and done.stdout == ""
    assert "SYNTHETIC" in done.stderr and f"listeners '{tmp_path}/my files/listeners' --onto library" in done.stderr


def test_what_cannot_be_done_is_one_sentence(refused: Refused, table: Path, library: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "l")
    assert "takes one SOURCE" in refused("listeners", library, library, "--from-playlists", *out)
    assert "neither --onto nor --keep" in refused("listeners", library, "--from-playlists", "--keep", "age", *out)
    assert "no such file" in refused("listeners", tmp_path / "nowhere.csv", *out)
    assert "Segue library already" in refused("listeners", library, *out)
    assert "9 or more tracks" in refused("listeners", table, "--min-tracks", 9, *out)
    assert "holds other things" in refused("listeners", table, "-o", tmp_path)
    (tmp_path / "bad.csv").write_text("user,track\n\x1b[31mu\u202e,a,\x07b,c\n")
    said = refused("listeners", tmp_path / "bad.csv", *out)
    assert not any(c in said for c in "\x1b\x07\u202e")
    assert not (tmp_path / "l").exists()
