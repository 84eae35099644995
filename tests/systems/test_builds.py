"""Model folders: rebuilt, updated, killed, written twice at once, damaged."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, OutputError, StoredDataError, TrainingError
from segue.library import Library
from segue.library.folders import new_folder
from segue.library.merge import merge
from segue.library.vote_parameters import VoteParameters
from segue.recommend.continuation import DEFAULT_WEIGHTS
from segue.recommend.mention_table import uninformed
from segue.recommend.title_build import Learned
from segue.systems.builds import NGRAMS, _write, train_model, update_model
from segue.systems.model import Model, Request
from segue.systems.recipes import RECIPES
from segue.views.titles import normalise
from systems.trained import QUICK, Trained

TITLES = ("road trip", "christmas", "queen", "sumer", "", "rock, no queen")


def answers(path: Path) -> list[str]:
    model = Model.load(path)
    found = [model.answer(Request(title)).to_json()["tracks"] for title in TITLES]
    given = Request("rock", track_ids=(model.catalogue.track(5).track_id,))
    return [json.dumps(f) for f in [*found, model.answer(given).to_json()["tracks"]]]


def part(library: Library, begin: int, end: int) -> Library:
    """Some playlists over the tracks that they hold alone, as if they had been ingested by themselves."""
    import polars as pl

    from segue.library import Interactions

    chosen = library.select_playlists(np.arange(begin, end))
    held, indices = np.unique(chosen.playlist_tracks.indices, return_inverse=True)
    interactions = Interactions(chosen.playlist_tracks.indptr, indices.astype(np.int32), len(held))
    return Library(library.tracks[pl.Series(held)], chosen.playlists, interactions, public=True)


@pytest.fixture(scope="module")
def small(demo_library: Library) -> Library:
    return part(demo_library, 0, 120)


@pytest.fixture(scope="module")
def encoder_folder(small: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / "encoder"
    folder.mkdir()
    NgramEncoder.fitted(sorted({normalise(t) for t in small.titles}), dimension=64).save(folder)
    return folder


def write(path: Path, library: Library, encoder_folder: Path, ridge: float = 0.3) -> dict[str, Any]:
    """A title model with given parameters: what a rebuild without training is."""
    encoder = NgramEncoder.load(encoder_folder)
    learned = Learned(VoteParameters.untrained(encoder.d), uninformed(), ridge)
    summary = {"hold_out": False}
    return _write(path, library, "title_vote", encoder, encoder_folder, learned, DEFAULT_WEIGHTS, summary)


@pytest.fixture(scope="module")
def small_model(small: Library, encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "model"
    write(path, small, encoder_folder)
    return path


@pytest.fixture
def copied(small_model: Path, tmp_path: Path) -> Path:
    shutil.copytree(small_model, tmp_path / "model")
    return tmp_path / "model"


def contents(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_a_rebuild_is_the_same_bit_for_bit(
    small: Library, encoder_folder: Path, small_model: Path, tmp_path: Path
) -> None:
    write(tmp_path / "again", small, encoder_folder)
    first, second = contents(small_model), contents(tmp_path / "again")
    a, b = (json.loads(c.pop("manifest.json")) for c in (first, second))
    assert first == second
    assert {k: v for k, v in a.items() if k != "created"} == {k: v for k, v in b.items() if k != "created"}


def test_an_update_equals_a_rebuild_with_the_same_parameters(
    demo_library: Library, small: Library, encoder_folder: Path, copied: Path, tmp_path: Path
) -> None:
    new = part(demo_library, 120, 190)
    assert new.n_tracks != small.n_tracks
    before = answers(copied)
    updated = update_model(copied, new)
    rebuilt = write(tmp_path / "rebuilt", merge(small, new), encoder_folder)
    assert updated["fingerprint"] == rebuilt["fingerprint"] and updated["n_playlists"] == 190
    whole = Library.load(copied / "library")
    for old, before_rows, row in ((small, 3, 3), (new, 5, 125)):
        ids, wanted = whole.tracks["track_id"], old.tracks["track_id"]
        rows = whole.playlist_tracks.row(row).tolist()
        assert [ids[t] for t in rows] == [wanted[t] for t in old.playlist_tracks.row(before_rows).tolist()]
    first, second = contents(copied), contents(tmp_path / "rebuilt")
    for name in ("manifest.json", "library/manifest.json"):
        first.pop(name), second.pop(name)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert answers(copied) == answers(tmp_path / "rebuilt") != before


def test_an_update_can_go_elsewhere_and_leaves_the_model(demo_library: Library, copied: Path, tmp_path: Path) -> None:
    before = contents(copied)
    manifest = update_model(copied, part(demo_library, 120, 130), out=tmp_path / "more")
    assert contents(copied) == before
    assert Model.load(tmp_path / "more").fingerprint == manifest["fingerprint"]
    assert manifest["training"]["updated"] is True


def test_a_playlist_cannot_be_added_twice(demo_library: Library, copied: Path) -> None:
    before = contents(copied)
    with pytest.raises(InputError, match="there already"):
        update_model(copied, part(demo_library, 119, 125))
    assert contents(copied) == before


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r != "title_vote"])
def test_baselines_load_answer_and_update(demo_library: Library, small: Library, recipe: str, tmp_path: Path) -> None:
    manifest = train_model(small, tmp_path / "model", recipe=recipe, base_model=NGRAMS)
    model = Model.load(tmp_path / "model")
    assert model.manifest["recipe"] == recipe and model.fingerprint == manifest["fingerprint"]
    for title in TITLES:
        tracks = model.answer(Request(title)).tracks
        assert len(tracks) == 66 and all(t.because for t in tracks)
    assert answers(tmp_path / "model") == answers(tmp_path / "model")
    update_model(tmp_path / "model", part(demo_library, 120, 150))
    assert Model.load(tmp_path / "model").manifest["n_playlists"] == 150


def test_an_unknown_recipe_is_an_error(small: Library, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recipe 'best'"):
        train_model(small, tmp_path / "model", recipe="best")
    assert not (tmp_path / "model").exists()


def test_too_few_playlists_are_an_error_and_leave_nothing(demo_library: Library, tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        train_model(part(demo_library, 0, 1), tmp_path / "model", base_model=NGRAMS, settings=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_not_overwritten(small: Library, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="other things"):
        train_model(small, tmp_path, recipe="popularity")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


# The script stops in the middle of a build, after the first files were written, and says so.
STOPPING = """
import sys, time
from segue.library import Catalogue, Library
from segue.systems.builds import train_model
whole = Catalogue.save
def save(self, folder):
    whole(self, folder)
    print("writing", flush=True)
    time.sleep(60)
Catalogue.save = save
train_model(Library.load(sys.argv[1]), __import__("pathlib").Path(sys.argv[2]), recipe="popularity")
"""


@contextlib.contextmanager
def running(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize("there", [True, False])
def test_a_killed_build_leaves_the_old_model(copied: Path, tmp_path: Path, there: bool) -> None:
    target = copied if there else tmp_path / "new"
    before, answered = contents(copied), answers(copied)
    with running(STOPPING, copied / "library", target) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"  # ends, if only with the process
        half = list(tmp_path.glob(f".{target.name}.new-*"))
        assert len(half) == 1 and any(half[0].rglob("*.npy"))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    assert contents(copied) == before and answers(copied) == answered
    assert there or not target.exists()
    assert half[0].exists()  # nobody could tidy up
    train_model(Library.load(copied / "library"), target, recipe="popularity")
    assert not half[0].exists()  # the next build did
    assert Model.load(target).manifest["recipe"] == "popularity"


RACING = """
import sys, time
from pathlib import Path
from segue.errors import OutputError
from segue.library import Library
from segue.systems.builds import train_model
library, out, recipe, go = Library.load(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
print("ready", flush=True)
end = time.monotonic() + 30
while not go.exists() and time.monotonic() < end:
    time.sleep(0.001)
for _ in range(12):
    try:
        train_model(library, out, recipe=recipe)
    except OutputError as error:
        print("refused:", error, flush=True)
"""


def test_two_builds_at_once_leave_one_whole_model(copied: Path, tmp_path: Path) -> None:
    out, go = tmp_path / "raced", tmp_path / "go"
    with (
        running(RACING, copied / "library", out, "popularity", go) as one,
        running(RACING, copied / "library", out, "same_title", go) as other,
    ):
        for process in (one, other):
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        go.touch()
        for process in (one, other):
            said, errors = process.communicate(timeout=50)
            assert (process.returncode, errors) == (0, ""), (said, errors)
    model = Model.load(out)
    assert model.manifest["recipe"] in ("popularity", "same_title")
    assert len(model.answer(Request("rock")).tracks) == 66
    assert list(tmp_path.glob(".raced*")) == []


def test_a_folder_that_appears_at_the_last_moment_is_replaced(
    tmp_path: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "raced"
    with monkeypatch.context() as patched, new_folder(out) as folder:
        shutil.copytree(copied, folder, dirs_exist_ok=True)
        out.mkdir()
        (out / "manifest.json").write_text("of another build that was faster")
        patched.setattr(Path, "exists", lambda self: False)  # as it was before that build ended
    assert answers(out) == answers(copied)
    assert list(tmp_path.glob(".raced*")) == []


def test_every_missing_file_is_named(copied: Path) -> None:
    for name in contents(copied):
        if name.startswith("library/"):
            continue  # read by updates alone
        path = copied / name
        path.rename(copied.parent / "aside")
        with pytest.raises(StoredDataError) as raised:
            Model.load(copied)
        assert path.name in str(raised.value), name
        (copied.parent / "aside").rename(path)
    assert answers(copied)


def test_every_truncated_file_is_named(copied: Path) -> None:
    for name, data in contents(copied).items():
        if name.startswith("library/"):
            continue
        (copied / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(StoredDataError) as raised:
            Model.load(copied)
        assert Path(name).name in str(raised.value), (name, str(raised.value))
        (copied / name).write_bytes(data)


def test_a_place_without_a_model_is_an_error(tmp_path: Path, copied: Path) -> None:
    with pytest.raises(StoredDataError, match="not a model folder"):
        Model.load(tmp_path / "nowhere")
    with pytest.raises(StoredDataError, match="does not describe a segue model"):
        Model.load(copied / "library")
    with pytest.raises(StoredDataError, match=r"manifest\.json"):
        Model.load(tmp_path)


def changed(path: Path, **changes: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    for key, value in changes.items():
        if value is None:
            del manifest[key]
        else:
            manifest[key] = value
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": 2},
        {"format_version": "1"},
        {"kind": "segue library"},
        {"recipe": "magic"},
        {"recipe": None},
        {"encoder": None},
        {"encoder": {"kind": "magic"}},
        {"encoder": "ngrams"},
        {"title": None},
        {"title": 3},
        {"title": {}},
        {"title": {"ridge": {}}},
        {"recommender": "0" * 16},
        {"continuation": "yes"},
        {"public": None},
        {"training": None},
        {"learned": None},
        {"fingerprint": None},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_is_an_error(copied: Path, changes: dict[str, Any]) -> None:
    if changes == {"continuation": "yes"}:
        shutil.rmtree(copied / "continuation")
    changed(copied, **changes)
    with pytest.raises(StoredDataError, match="model"):
        Model.load(copied).answer(Request("rock"))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\x00"])
def test_a_damaged_manifest_is_named(copied: Path, text: str, demo_library: Library) -> None:
    (copied / "manifest.json").write_text(text)
    with pytest.raises(StoredDataError, match=r"manifest\.json"):
        Model.load(copied)
    with pytest.raises(StoredDataError, match=r"manifest\.json"):
        update_model(copied, part(demo_library, 120, 125))


@pytest.mark.parametrize("changes", [{"learned": {}}, {"continuation": [{"given": 1}]}, {"continuation": 7}], ids=str)
def test_parameters_that_do_not_fit_are_not_updated(
    copied: Path, changes: dict[str, Any], demo_library: Library
) -> None:
    changed(copied, **changes)
    with pytest.raises(StoredDataError, match=r"manifest\.json"):
        update_model(copied, part(demo_library, 120, 125))


def test_a_newer_model_is_not_updated(copied: Path, demo_library: Library) -> None:
    changed(copied, format_version=2)
    before = contents(copied)
    with pytest.raises(StoredDataError, match="format 2"):
        update_model(copied, part(demo_library, 120, 125))
    assert contents(copied) == before


def test_another_encoder_is_refused(copied: Path, demo_library: Library) -> None:
    NgramEncoder.fitted(["quite", "other", "titles"], dimension=64).save(copied / "encoder")
    with pytest.raises(StoredDataError, match="not the encoder"):
        Model.load(copied)
    with pytest.raises(StoredDataError, match="not the encoder"):
        update_model(copied, part(demo_library, 120, 125))


@pytest.mark.parametrize("folder", ["titles", "votes", "ridge", "popularity", "continuation", "tracks"])
def test_parts_of_another_model_are_refused(
    demo_library: Library, encoder_folder: Path, copied: Path, tmp_path: Path, folder: str
) -> None:
    write(tmp_path / "other", part(demo_library, 300, 380), encoder_folder)
    shutil.rmtree(copied / folder)
    shutil.copytree(tmp_path / "other" / folder, copied / folder)
    with pytest.raises(StoredDataError):
        Model.load(copied)


def test_the_manifest_tells_where_the_model_comes_from(trained: Trained) -> None:
    manifest = trained.manifest
    assert manifest["kind"] == "segue model" and manifest["recipe"] == "title_vote"
    assert manifest["encoder"]["fingerprint"] == NgramEncoder.load(trained.path / "encoder").fingerprint
    assert manifest["training"]["hold_out"] is True and manifest["training"]["base_model"] == NGRAMS
    assert "defaults" in manifest["training"]["validation"]
    assert set(manifest["versions"]) >= {"segue", "python", "numpy"}
    assert manifest["learned"]["vote"]["epochs_seen"] == 3
    assert not any(p.suffix in (".pkl", ".pickle", ".pt", ".bin") for p in trained.path.rglob("*"))
    assert time.strptime(manifest["created"][:19], "%Y-%m-%dT%H:%M:%S")
