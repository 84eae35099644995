from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from segue.library import Library
from segue.library.themes import Themes

Segue = Callable[..., Result]
Refused = Callable[..., str]


def test_help_tells_of_all_three(segue: Segue) -> None:
    said = segue("themes", "--help").stdout
    for word in ("segue themes LIBRARY -o THEMES", "make", "choose", "compare"):
        assert word in said
    for command, option in (("make", "--vectors"), ("choose", "--ks"), ("compare", "--algorithms")):
        assert option in segue("themes", command, "--help").stdout
    assert "themes" in segue("--help").stdout


def test_the_plain_form_makes_themes(segue: Segue, library: Path, tmp_path: Path) -> None:
    options = ("-k", 12, "--base-model", "ngrams")
    done = segue("themes", library, "-o", tmp_path / "t", *options)
    assert "12 clusters" in done.stderr and "miscellaneous (published" in done.stderr
    assert "largest themes" in done.stdout and "report.html" in done.stderr
    found = Themes.load(tmp_path / "t")
    found.check(Library.load(library))
    segue("themes", "make", library, "-o", tmp_path / "again", *options)
    report = json.loads(segue("themes", "-o", tmp_path / "options-first", library, *options, "--json").stdout)
    assert {Themes.load(tmp_path / n).fingerprint for n in ("again", "options-first")} == {found.fingerprint}
    assert report == found.report and len(report["clusters"]) == found.k


def test_options_reach_the_settings(segue: Segue, library: Path, tmp_path: Path) -> None:
    segue(
        *("themes", library, "-o", tmp_path / "t", "-k", 5, "--vectors", "joint", "--directions", 9, "--starts", 1),
        *("--joint-weight", 0.7, "--min-match", 3, "--titles", "normalised", "--all", "--rng-key", 4),
        *("--base-model", "ngrams", "--text", "name_artist", "--coverage", 0.5),
    )
    settings = Themes.load(tmp_path / "t").settings
    expected = {
        "k": 5, "vectors": "joint", "d": 9, "n_init": 1, "joint_weight": 0.7, "min_match": 3.0, "part": "all",
        "titles": "normalised", "rng_key": 4, "text": "name_artist", "coverage": 0.5,
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == expected


def test_choose_writes_curves(segue: Segue, library: Path, tmp_path: Path) -> None:
    options = ("--vectors", "collaborative", "--ks", "20,5, 10,2", "--starts", 1)
    done = segue("themes", "choose", library, "-o", tmp_path / "c", *options)
    assert "about 22" in done.stderr and len(done.stdout.splitlines()) == 5
    assert "<svg" in (tmp_path / "c" / "report.html").read_text()
    report = json.loads(segue("themes", "choose", library, "-o", tmp_path / "c", *options, "--json").stdout)
    assert [point["k"] for point in report["points"]] == [2, 5, 10, 20]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-k", 100_000, "--base-model", "ngrams"), "100,000 clusters cannot be made of"),
        (("-k", 0), "k is 0"),
        (("--coverage", 2), "coverage is 2"),
        (("--base-model", "nowhere", "-k", 3), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    refused: Refused, library: Path, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    assert said in refused("themes", library, "-o", tmp_path / "t", *arguments)
    assert not (tmp_path / "t").exists()


def test_places_and_lists_that_cannot_be_used(refused: Refused, library: Path, tmp_path: Path) -> None:
    assert "is not a library folder" in refused("themes", tmp_path / "nowhere", "-o", tmp_path / "t")
    assert "not a segue themes" in refused("themes", library, "-o", library, "-k", 3, "--base-model", "ngrams")
    for ks, said in (("a,b", "--ks is 'a,b'"), ("5,0", "--ks holds 0"), ("", "--ks is ''")):
        assert said in refused("themes", "choose", library, "-o", tmp_path / "c", "--ks", ks)
    assert Library.load(library).n_playlists == 400


def test_hostile_titles_do_not_move_the_cursor(segue: Segue, hostile: Path, tmp_path: Path) -> None:
    done = segue("themes", hostile / "library", "-o", tmp_path / "t", "-k", 3, "--base-model", "ngrams", "--all")
    assert "road trip" in done.stdout
    assert not any(c in done.stdout + done.stderr for c in "\x1b\x07\x9b\u202e")
