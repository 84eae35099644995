from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Segue = Callable[..., Result]
Refused = Callable[..., str]


def test_json_has_its_shape(segue: Segue, model: Path) -> None:
    answer = json.loads(segue("recommend", "rainy sunday 🌧", "-n", 7, "--json", "-m", model).stdout)
    assert set(answer) == {"query", "model", "ignored", "tracks"}
    assert set(answer["model"]) == {"fingerprint"}
    assert answer["query"]["title"] == "rainy sunday 🌧"
    assert [track["rank"] for track in answer["tracks"]] == list(range(1, 8))
    for track in answer["tracks"]:
        assert list(track) == [
            "rank", "track_id", "name", "artist", "album", "year", "duration_ms", "explicit", "link", "score",
            "because",
        ]  # fmt: skip
        assert isinstance(track["because"], list)


def test_66_tracks_are_the_default_and_answers_repeat(segue: Segue, model: Path) -> None:
    first, again = (segue("recommend", "road trip", "--format", "json", "-m", model).stdout for _ in range(2))
    assert first == again
    assert len(json.loads(first)["tracks"]) == 66


@pytest.mark.parametrize("title", ["", "🌧", "qxqx", "x" * 10_000, "   "])
def test_degenerate_titles_get_a_list(segue: Segue, model: Path, title: str) -> None:
    assert len(segue("recommend", title, "-n", 5, "-m", model).stdout.splitlines()) == 5


@pytest.mark.parametrize("format", ["m3u8", "xspf", "jspf", "csv", "json"])
def test_a_file_s_name_says_its_format(segue: Segue, model: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / f"list.{format}"
    done = segue("recommend", "party", "-n", 3, "-m", model, "-o", out)
    assert done.stdout == "" and "3 tracks" in done.stderr
    by_name = segue("recommend", "party", "-n", 3, "-m", model, "--format", format).stdout_bytes
    assert out.read_bytes() == by_name


def test_given_tracks_by_name_and_id(segue: Segue, model: Path) -> None:
    first = json.loads(segue("recommend", "party", "-n", 1, "--json", "-m", model).stdout)["tracks"][0]
    typed = f"{first['name']} - {first['artist']}".upper()
    for option, value in (("--track", typed), ("--track-id", first["track_id"])):
        answer = json.loads(segue("recommend", "party", option, value, "--json", "-m", model).stdout)
        assert answer["query"]["tracks"] == [first["track_id"]]
        assert first["track_id"] not in [track["track_id"] for track in answer["tracks"]]
    alone = segue("recommend", "--track-id", first["track_id"], "-n", 2, "-m", model)
    assert len(alone.stdout.splitlines()) == 2


def test_rules_are_kept(segue: Segue, model: Path) -> None:
    rows = segue("recommend", "party", "--artist-cap", 1, "-n", 30, "-m", model).stdout.splitlines()
    artists = [row.split("\t")[2] for row in rows]
    assert len(set(artists)) == len(artists) == 30
    without = segue("recommend", "party", "--exclude-artist", artists[0].upper(), "-m", model).stdout
    assert artists[0] not in [row.split("\t")[2] for row in without.splitlines()]
    minutes = segue("recommend", "party", "--minutes", 30, "-m", model).stdout.splitlines()
    assert 4 <= len(minutes) <= 15


def test_what_cannot_be_served_is_said(segue: Segue, model: Path) -> None:
    # the generated slices know no years, and nobody of that name
    done = segue("recommend", "party", "--year", "1990-1999", "--exclude-artist", "Nobody Ever", "-m", model)
    assert "years" in done.stderr and "Nobody Ever" in done.stderr
    answer = json.loads(segue("recommend", "party", "--year", "1990-", "--json", "-m", model).stdout)
    assert any("years" in sentence for sentence in answer["ignored"])


def test_explained_lines_have_reasons(segue: Segue, model: Path) -> None:
    for row in segue("recommend", "road trip", "-n", 5, "--explain", "-m", model).stdout.splitlines():
        assert row.split("\t")[3]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x", "-m", "nowhere"], "nowhere"),
        (["x"], "-m"),
        (["x", "--track", "No Such Thing - Nobody"], "No Such Thing"),
        (["x", "--track", "dreems - fleetwod mac"], "'Dreams - Fleetwood Mac'"),
        (["x", "--track", "Dreams"], "'Dreams - Fleetwood Mac'"),
        (["x", "--track-id", "spotify:track:none"], "spotify:track:none"),
        (["x", "-o", "/dev/null/list.json"], "/dev/null"),
        (["x", "-n", "3", "--minutes", "3"], "not both"),
        (["x", "--json", "--format", "csv"], "--json"),
        (["x", "-o", "list.pls"], "list.pls"),
        (["x", "-o", "notes.txt"], "--format"),
        (["x", "-o", "list.csv", "--format", "xspf"], "csv"),
        (["x", "-o", "list.csv", "--json"], "csv"),
        (["x", "--year", "soon"], "soon"),
        (["x", "--year", "1999-1990"], "1999"),
        (["x", "--minutes", "-3"], "-3"),
        ([], "--track"),
    ],
)
def test_mistakes_are_one_sentence(
    refused: Refused, model: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    if "-m" not in arguments and arguments != ["x"]:
        monkeypatch.setenv("SEGUE_MODEL", str(model))
    assert says in refused("recommend", *arguments)


def test_a_damaged_model_names_the_file(refused: Refused, segue: Segue, library: Path, tmp_path: Path) -> None:
    segue("train", library, "-o", tmp_path / "m", "--recipe", "popularity")
    (tmp_path / "m" / "manifest.json").write_text("{")
    assert "manifest.json" in refused("recommend", "x", "-m", tmp_path / "m")


def test_the_model_is_found(segue: Segue, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "segue.toml").write_text(f"model = {json.dumps(str(model))}\n[recommend]\nn = 4\nartist_cap = 1\n")
    assert len(segue("recommend", "party").stdout.splitlines()) == 4
    monkeypatch.setenv("SEGUE_RECOMMEND__N", "3")
    assert len(segue("recommend", "party").stdout.splitlines()) == 3
    assert len(segue("recommend", "party", "-n", 2).stdout.splitlines()) == 2
    (tmp_path / "segue.toml").unlink()
    (tmp_path / "model").symlink_to(model)
    assert len(segue("recommend", "party").stdout.splitlines()) == 3


def harmless(text: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Cs") or c in "\u202a\u202b\u202d\u202e" for c in text)


def test_hostile_names_do_not_break_lines_or_terminals(segue: Segue, hostile: Path) -> None:
    done = segue("recommend", "\x1b[31mroad trip[/red]", "--explain", "-m", hostile / "model")
    rows = done.stdout.removesuffix("\n").split("\n")
    assert len(rows) == 8
    assert all(len(row.split("\t")) == 4 for row in rows)
    assert all(harmless(row.replace("\t", "")) for row in rows)
    assert any("[bold]bold[/bold]" in row for row in rows)


def test_hostile_names_do_not_break_tables(hostile: Path) -> None:
    from rich.console import Console

    from segue.cli.lists import table_of
    from segue.systems.model import Model, Request

    answer = Model.load(hostile / "model").answer(Request(title="[red]\x1b[31mroad trip[/]"))
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    console.print(table_of(answer, explain=True))
    file = console.file
    assert isinstance(file, io.StringIO)
    shown = file.getvalue()
    assert "[bold]bold[/bold]" in shown and "[red]" in shown
    # rich's own colours are the only escapes: none of the input's
    assert "\x1b[31m" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert sum("artist" in line for line in shown.splitlines()) == len(answer.tracks) + 1


def test_csv_cells_are_no_formulas(segue: Segue, hostile: Path) -> None:
    text = segue("recommend", "=1+1", "--format", "csv", "-m", hostile / "model").stdout_bytes.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 8
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for row in rows for cell in row.values())


@pytest.mark.parametrize("name", ["", "  "])
def test_an_artist_without_a_name_is_refused(refused: Refused, model: Path, name: str) -> None:
    assert "--exclude-artist" in refused("recommend", "party", "--exclude-artist", name, "-m", model)
