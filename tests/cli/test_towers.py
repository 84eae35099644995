"""``segue towers``: trained on a small library, asked for listeners and by tracks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from segue.cli.app import app
from train.planted_listeners import planted_listeners

SMALL = ["embedding=8", "output=8", "hidden=8", "lr=0.01", "batch_size=32"]


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["towers", *args])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("towers")
    planted_listeners()[0].save(place / "library")
    settings = [word for setting in SMALL for word in ("--set", setting)]
    result = run(
        "train", str(place / "library"), "-o", str(place / "model"), "--encoder", "ngrams", "--core", "2",
        "--epochs", "8", *settings, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    about = json.loads(result.stdout)
    assert about["view"] == "name" and about["settings"]["embedding"] == 8 and len(about["history"]) > 2
    assert "hr@10 all" in about["history"][0]["metrics"] and "tensors changed" in result.stderr
    return place / "library", place / "model"


def test_tracks_of_the_taste_are_recommended(folders: tuple[Path, Path]) -> None:
    library, _, groups = planted_listeners()
    row = int((groups == 1).nonzero()[0][0])
    given = f"{library.tracks['name'][row]}, {library.tracks['artist'][row]}"
    result = run("recommend", str(folders[1]), "--tracks", given, "-n", "5", "--json")
    assert result.exit_code == 0, result.stderr
    tracks = json.loads(result.stdout)["tracks"]
    assert len(tracks) == 5 and sum(t["name"].startswith("techno") for t in tracks) >= 4
    assert all(t["name"] != library.tracks["name"][row] for t in tracks)
    printed = run("recommend", str(folders[1]), "--tracks", given, "-n", "5")
    assert printed.stdout.splitlines()[0].split() == [
        "1",
        *tracks[0]["name"].split(),
        "-",
        *tracks[0]["artist"].split(),
    ]


def test_a_listener_and_a_country_are_answered(folders: tuple[Path, Path]) -> None:
    of_user = json.loads(run("recommend", str(folders[1]), "--user", "user:0002", "--json").stdout)
    assert len(of_user["tracks"]) == 10 and sum(t["name"].startswith("opera") for t in of_user["tracks"]) >= 8
    of_country = json.loads(run("recommend", str(folders[1]), "--country", "country 1", "--json").stdout)
    assert len(of_country["tracks"]) == 10 and of_country["ignored"] == []
    nowhere = json.loads(run("recommend", str(folders[1]), "--country", "Atlantis", "--json").stdout)
    assert "most popular" in nowhere["ignored"][-1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--user", "somebody"), "knows no listener"),
        (("--tracks", "no such track, nobody"), "no listener that the model learnt from has"),
        ((), "nothing was asked for"),
        (("--user", "user:0002", "--tracks", "a, b"), "not both"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    folders: tuple[Path, Path], args: tuple[str, ...], said: str
) -> None:
    result = run("recommend", str(folders[1]), *args)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--set", "speed=3"), "names no setting"),
        (("--set", "lr=fast"), "cannot be 'fast'"),
        (("--set", "track=id,smell"), "choose from"),
        (("--view", "cover"), "is no view"),
        (("--core", "500"), "smaller core"),
    ],
)
def test_options_that_make_no_sense_end_at_once(folders: tuple[Path, Path], args: tuple[str, ...], said: str) -> None:
    result = run("train", str(folders[0]), "-o", str(folders[0].parent / "new"), *args)
    assert result.exit_code == 2 and said in result.stderr and not (folders[0].parent / "new").exists()


def test_a_folder_of_something_else_is_no_model_and_not_replaced(folders: tuple[Path, Path]) -> None:
    assert run("recommend", str(folders[0]), "--country", "x").exit_code == 2
    result = run("train", str(folders[0]), "-o", str(folders[0]), "--encoder", "ngrams")
    assert result.exit_code == 2 and "choose another place" in result.stderr


def test_hostile_names_stay_on_their_line(folders: tuple[Path, Path], tmp_path: Path) -> None:
    library = planted_listeners()[0]
    names = [f"\x1b[2J{name}\nx" for name in library.tracks["name"].to_list()]
    import polars as pl

    library.with_track_columns(pl.DataFrame({"name": names})).save(tmp_path / "library")
    settings = [word for setting in SMALL for word in ("--set", setting)]
    trained = run(
        "train", str(tmp_path / "library"), "-o", str(tmp_path / "model"), "--view", "none", "--core", "2",
        "--epochs", "1", "--all", "--preset", "published", *settings,
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    listed = run("recommend", str(tmp_path / "model"), "--user", "user:0001", "-n", "3")
    assert len(listed.stdout.splitlines()) == 3 and "\x1b" not in listed.stdout
