from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.small_mpd import mpd
from segue.cli.app import app
from segue.library import Library

Segue = Callable[..., Result]
Refused = Callable[..., str]


def test_help_and_version(segue: Segue) -> None:
    said = segue("--help").stdout
    commands = "ingest themes finetune train update recommend evaluate sweep challenge export demo doctor model"
    for command in commands.split():
        assert command in said
        assert "segue " + command in segue(command, "--help").stdout
    assert segue("--version").stdout.startswith("segue 0.")


# ---- ingest


def test_ingest_reports_and_writes_tables(segue: Segue, slices: Path, tmp_path: Path) -> None:
    done = segue("ingest", slices, "-o", tmp_path / "library", "--csv", tmp_path / "tables", "--public")
    assert done.stdout == ""
    assert "400 playlists" in done.stderr
    assert {path.name for path in (tmp_path / "tables").glob("*.csv")} == {
        "playlists.csv",
        "items.csv",
        "tracks.csv",
        "playlist_descriptions.csv",
    }
    library = Library.load(tmp_path / "library")
    assert library.public and library.n_playlists == 400


def test_a_damaged_file_stops_the_ingest_or_is_left_out(
    segue: Segue, refused: Refused, slices: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    whole = (slices / "mpd.slice.0-399.json").read_bytes()
    (sources / "good.json").write_bytes(whole)
    (sources / "cut.json").write_bytes(whole[:-1000])
    assert "cut.json" in refused("ingest", sources, "-o", tmp_path / "library")
    assert not (tmp_path / "library").exists()
    assert "cut.json" in segue("ingest", sources, "-o", tmp_path / "library", "--on-error", "skip").stderr
    assert "cut.json" in (tmp_path / "library" / "manifest.json").read_text()


def test_places_that_cannot_be_used(refused: Refused, slices: Path, library: Path, tmp_path: Path) -> None:
    assert "nowhere" in refused("ingest", tmp_path / "nowhere", "-o", tmp_path / "library")
    assert "/dev/null" in refused("ingest", slices, "-o", "/dev/null/library")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    assert "mine" in refused("train", library, "-o", tmp_path / "mine", "--recipe", "popularity")
    assert (tmp_path / "mine" / "diary.txt").exists()


# ---- train, update


def test_train_says_what_it_learnt(segue: Segue, library: Path, tmp_path: Path) -> None:
    done = segue("train", library, "-o", tmp_path / "m", "--recipe", "same_title", "--hold-out")
    assert done.stdout == "" and "same_title over" in done.stderr and "fingerprint" in done.stderr
    assert json.loads((tmp_path / "m" / "manifest.json").read_text())["training"]["hold_out"]


def test_train_refuses(refused: Refused, library: Path, model: Path, tmp_path: Path) -> None:
    assert "'best'" in refused("train", library, "-o", tmp_path / "m", "--recipe", "best")
    assert "nowhere.toml" in refused("train", library, "-o", tmp_path / "m", "--config", "nowhere.toml")
    assert "nowhere" in refused("train", tmp_path / "nowhere", "-o", tmp_path / "m")
    assert "no-such-model" in refused("train", library, "-o", tmp_path / "m", "--base-model", "me/no-such-model")
    (tmp_path / "segue.toml").write_text("[train.vote]\nepocs = 3\n")
    said = refused("train", library, "-o", tmp_path / "m")
    assert "train.vote.epocs" in said and "epochs" in said
    (tmp_path / "segue.toml").write_text("[train.vote]\nepochs = 'many'\n")
    assert "train.vote.epochs" in refused("train", library, "-o", tmp_path / "m")
    (tmp_path / "segue.toml").write_text("[train.vote]\nepochs = -1\n")
    assert "train.vote.epochs is -1" in refused("train", library, "-o", tmp_path / "m")
    (tmp_path / "segue.toml").write_text("train = [")
    assert "TOML" in refused("train", library, "-o", tmp_path / "m")


def test_update_adds_playlists(segue: Segue, refused: Refused, library: Path, tmp_path: Path) -> None:
    from segue.sources.demo import generate

    new = {"playlists": list(generate(20, first_pid=90_000))}
    (tmp_path / "new.json").write_text(json.dumps(new))
    segue("train", library, "-o", tmp_path / "m", "--recipe", "popularity")
    before = (tmp_path / "m" / "manifest.json").read_bytes()
    done = segue("update", tmp_path / "m", tmp_path / "new.json", "-o", tmp_path / "next")
    assert "420 playlists" in done.stderr
    assert (tmp_path / "m" / "manifest.json").read_bytes() == before
    assert "there already" in refused("update", tmp_path / "next", tmp_path / "new.json")
    assert "library" in refused("update", library, tmp_path / "new.json")
    assert "nowhere" in refused("update", tmp_path / "nowhere", tmp_path / "new.json")


# ---- evaluate


def test_evaluate_a_library(segue: Segue, library: Path, tmp_path: Path) -> None:
    ngrams = ("--base-model", "ngrams")
    done = segue(
        "evaluate", library, "--methods", "popularity,same_title,ngrams,published", *ngrams, "-o", tmp_path / "report"
    )
    assert "unseen titles" in done.stdout and "ngrams" in done.stdout
    assert "left out" in done.stderr and "published" in done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert set(report["methods"]) == {"popularity", "same_title", "ngrams"}
    assert "<svg" in (tmp_path / "report" / "report.html").read_text()


def test_evaluate_the_challenge(segue: Segue, library: Path, tmp_path: Path) -> None:
    methods = ("--methods", "popularity", "--methods", "playlist_knn")
    done = segue("evaluate", library, "--protocol", "challenge", *methods, "-o", tmp_path / "report")
    assert "title+first-5" in done.stdout


def test_evaluate_a_model_on_what_it_has_not_seen(
    segue: Segue, refused: Refused, library: Path, model: Path, tmp_path: Path
) -> None:
    done = segue("evaluate", model, "--methods", "popularity", "-o", tmp_path / "report")
    assert "ngrams" in done.stdout and "popularity" in done.stdout
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["n_training"] < 400
    segue("train", library, "-o", tmp_path / "all", "--recipe", "ngrams")
    assert "--hold-out" in refused("evaluate", tmp_path / "all", "-o", tmp_path / "report")
    assert "validation" in refused("evaluate", model, "--part", "validation", "-o", tmp_path / "report")
    assert "unheard_of" in refused("evaluate", library, "--methods", "unheard_of", "-o", tmp_path / "report")
    assert "-o" in refused("evaluate", library)
    from segue.sources.demo import write

    write(tmp_path / "other", 300, rng_key=3)
    segue("ingest", tmp_path / "other", "-o", tmp_path / "other_library")
    said = refused("evaluate", model, "--library", tmp_path / "other_library", "-o", tmp_path / "report")
    assert "other playlists" in said


def test_look_at_one_playlist(segue: Segue, refused: Refused, library: Path, model: Path) -> None:
    from segue.split.holdout import holdout

    read = Library.load(library)
    row = next(int(r) for r in holdout(read).test if read.titles[int(r)].strip())
    playlist_id = read.playlists["playlist_id"][row]
    for source, options in ((library, ["--methods", "same_title"]), (model, [])):
        said = segue("evaluate", source, "--playlist", playlist_id, *options).stdout
        assert "hidden tracks" in said and "ndcg@500" in said and "test part" in said
    assert "'none'" in refused("evaluate", library, "--playlist", "none", "--methods", "same_title")


def test_a_close_look_prints_no_control_characters(segue: Segue, hostile: Path) -> None:
    read = Library.load(hostile / "library")
    for playlist_id in read.playlists["playlist_id"].to_list()[:4]:
        said = segue("evaluate", hostile / "library", "--playlist", playlist_id, "--methods", "popularity")
        assert not [c for c in said.output if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]


def test_evaluate_selected_titles(segue: Segue, refused: Refused, library: Path, tmp_path: Path) -> None:
    from segue.split.holdout import holdout

    read = Library.load(library)
    titles = [t for r in holdout(read).test if (t := read.titles[int(r)].strip()) and not t.startswith("#")]
    (tmp_path / "titles.txt").write_text("\n".join(titles[:15]))
    options = ("--methods", "popularity", "--base-model", "ngrams", "-o", tmp_path / "report")
    assert "selection" in segue("evaluate", library, "--select", tmp_path / "titles.txt", *options).stdout
    assert "nowhere" in refused("evaluate", library, "--select", tmp_path / "nowhere.txt", *options)


# ---- challenge


@pytest.fixture(scope="module")
def spotify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model whose ids are Spotify URIs, large enough for the rules, and a challenge set."""
    folder = tmp_path_factory.mktemp("spotify")
    tracks = [(f"name {i}", f"artist {i // 3}") for i in range(620)]
    made = mpd([(f"list {i % 7}", tracks[i * 20 : i * 20 + 60]) for i in range(29)])
    (folder / "slice.json").write_text(json.dumps(made))
    runner = CliRunner()
    assert runner.invoke(app, ["ingest", f"{folder}/slice.json", "-o", f"{folder}/library"]).exit_code == 0
    train = ["train", f"{folder}/library", "-o", f"{folder}/model", "--recipe", "popularity"]
    assert runner.invoke(app, train).exit_code == 0
    asked = [{**made["playlists"][0], "pid": 1_000_001, "tracks": made["playlists"][0]["tracks"][:5]}]
    asked.append({"pid": 1_000_002, "name": "list 3", "tracks": []})
    (folder / "challenge_set.json").write_text(json.dumps({"playlists": asked}))
    return folder


def test_challenge_writes_what_the_rules_ask_for(segue: Segue, spotify: Path, tmp_path: Path) -> None:
    who = ("--team", "Us", "--email", "us@example.org", "-m", spotify / "model")
    done = segue("challenge", spotify / "challenge_set.json", "-o", tmp_path / "s.csv.gz", *who)
    assert "accepted by the rules" in done.stderr
    text = gzip.decompress((tmp_path / "s.csv.gz").read_bytes()).decode()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines[0].strip() == "team_info,main,Us,us@example.org"
    rows = [line.strip().split(",") for line in lines[1:]]
    assert [row[0] for row in rows] == ["1000001", "1000002"]
    given = {
        track["track_uri"]
        for track in json.loads((spotify / "challenge_set.json").read_text())["playlists"][0]["tracks"]
    }
    assert all(len(set(map(str.strip, row[1:]))) == 500 for row in rows)
    assert not given & set(map(str.strip, rows[0][1:]))


def test_challenge_refuses(refused: Refused, spotify: Path, model: Path, tmp_path: Path) -> None:
    asked, out, m = spotify / "challenge_set.json", tmp_path / "s.csv.gz", ("-m", spotify / "model")
    who = ("--team", "Us", "--email", "us@example.org")
    assert "comma" in refused("challenge", asked, "-o", out, "--team", "a,b", "--email", "us@example.org", *m)
    assert "e-mail" in refused("challenge", asked, "-o", out, "--team", "Us", "--email", "us", *m)
    assert ".csv.gz" in refused("challenge", asked, "-o", tmp_path / "s.csv", *who, *m)
    assert "Spotify" in refused("challenge", asked, "-o", out, *who, "-m", model)
    assert "nowhere" in refused("challenge", tmp_path / "nowhere.json", "-o", out, *who, *m)
    assert not out.exists()


# ---- export


@pytest.mark.parametrize("format", ["m3u8", "xspf", "jspf"])
def test_export_and_ingest_again(segue: Segue, library: Path, tmp_path: Path, format: str) -> None:
    ids = Library.load(library).playlists["playlist_id"].to_list()[:5]
    options = [option for playlist_id in ids for option in ("--playlist", playlist_id)]
    segue("export", library, "-o", tmp_path / "files", "--format", format, *options)
    assert len(list((tmp_path / "files").glob(f"*.{format}"))) == 5
    segue("ingest", *sorted((tmp_path / "files").glob(f"*.{format}")), "-o", tmp_path / "again")
    assert Library.load(tmp_path / "again").n_playlists == 5


def test_export_tables_and_slices(segue: Segue, refused: Refused, library: Path, model: Path, tmp_path: Path) -> None:
    segue("export", library, "-o", tmp_path / "mpd", "--format", "mpd")
    segue("ingest", *sorted((tmp_path / "mpd").glob("mpd.slice.*.json")), "-o", tmp_path / "again")
    assert Library.load(tmp_path / "again").fingerprint == Library.load(library).fingerprint
    segue("export", model, "-o", tmp_path / "csv", "--format", "csv")
    assert (tmp_path / "csv" / "items.csv").exists()
    assert "'nobody'" in refused("export", library, "-o", tmp_path / "x", "--playlist", "nobody")
    assert "neither" in refused("export", tmp_path / "mpd", "-o", tmp_path / "x")


def test_hostile_titles_stay_in_their_folder(segue: Segue, hostile: Path, tmp_path: Path) -> None:
    segue("export", hostile / "library", "-o", tmp_path / "out" / "files")
    written = list((tmp_path / "out").rglob("*"))
    assert len([path for path in written if path.suffix == ".m3u8"]) == 20
    assert all(path.name.isprintable() and ".." not in path.name for path in written)


# ---- doctor, and how commands end


def test_doctor(segue: Segue) -> None:
    report = json.loads(segue("doctor", "--json").stdout)
    assert report["ok"]
    whats = [finding["what"] for finding in report["findings"]]
    assert {"segue", "Python", "onnxruntime", "title encoder", "machine"} <= set(whats)
    assert "onnxruntime" in segue("doctor").stdout


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from segue.cli import doctor

    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in ("polars", "torch") else real(name))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    found = {finding["what"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert not found["polars"]["ok"] and "pip install" in found["polars"]["advice"]
    assert found["extra train"]["ok"] and "segue-playlists[train]" in found["extra train"]["advice"]


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Library, "load", interrupted)
    result = CliRunner().invoke(app, ["train", str(library), "-o", "m"])
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr and "interrupted" in result.stderr


def test_a_reader_that_goes_away_is_no_error(model: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "segue", "recommend", "party", "-n", "2000", "--json", "-m", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in said and "BrokenPipe" not in said, said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
@pytest.mark.parametrize(
    "arguments", [["recommend", "party"], ["recommend", "party", "-n", "2000", "--json"], ["--help"]]
)
def test_a_full_standard_output_is_one_sentence(model: Path, arguments: list[str]) -> None:
    given = [*arguments, "-m", str(model)] if arguments[0] == "recommend" else arguments
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "segue", *given], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["segue: cannot write the output: No space left on device"]


def test_without_a_standard_output_there_is_one_sentence() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m segue --version >&-"], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("segue: there is no standard output")


def test_usage_mistakes_are_exit_code_2() -> None:
    for arguments in (
        ["recommend", "--nonsense"],
        ["ingest"],
        ["nothing"],
        ["export", "x", "-o", "y", "--format", "z"],
    ):
        assert CliRunner().invoke(app, arguments).exit_code == 2


@pytest.mark.slow
def test_the_demo_shows_six_titles_and_says_what_is_synthetic(segue: Segue, tmp_path: Path) -> None:
    done = segue("demo", "--playlists", 300, "-o", tmp_path / "demo")
    for what in ("with an emoji", "in no playlist", "misspelt", "an artist's name", "SYNTHETIC", "unseen titles"):
        assert what in done.stdout
    again = segue("demo", "--playlists", 300, "-o", tmp_path / "demo")
    assert "training" in done.stderr and "training" not in again.stderr
    assert again.stdout == done.stdout
