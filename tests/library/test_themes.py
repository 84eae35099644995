from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from segue.errors import InputError, OutputError, StoredDataError
from segue.library import Interactions, Library
from segue.library.arrays import save_array
from segue.library.themes import Themes


def library(n: int = 12) -> Library:
    titles = [None if i == 5 else f"title {i}" for i in range(n)]
    return Library(
        pl.DataFrame({"track_id": ["a", "b"]}),
        pl.DataFrame({"playlist_id": [str(i) for i in range(n)], "title": titles}),
        Interactions.of([[i % 2] for i in range(n)], n_columns=2),
    )


def themes(**changes: Any) -> Themes:
    made = Themes(
        cluster=np.array([0, 0, 0, 0, 1, 2, 2, 2, 2, -1, -1, 1], np.int32),
        part=np.array([0, 1, 2, 0, -1, -1, 0, 1, 2, -1, -1, -1], np.int8),
        kept=np.array([True, False, True]),
        names=("a, b, c", "cluster 1", "\x1b[2J<b>"),
        match=np.array([50, 0, 25], np.float32),
        library=library().fingerprint,
        settings={"k": 3, "part": "train"},
        report={"n_kept": 2},
        assigned=np.array([0, 0, 0, 0, 1, 2, 2, 2, 2, 1, -1, 1], np.int32),
    )
    return replace(made, **changes)


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    made = themes()
    made.save(tmp_path / "t")
    read = Themes.load(tmp_path / "t")
    for name in ("cluster", "part", "kept", "match", "assigned"):
        one, two = getattr(made, name), getattr(read, name)
        assert one.dtype == two.dtype and one.tobytes() == two.tobytes(), name
    assert (read.names, read.settings, read.report, read.library) == (
        made.names,
        made.settings,
        made.report,
        made.library,
    )
    assert read.fingerprint == made.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": np.zeros(12, np.int32)},
        {"part": np.full(12, -1, np.int8)},
        {"kept": np.zeros(3, bool)},
        {"names": ("x", "y", "z")},
        {"match": np.zeros(3, np.float32)},
        {"library": "other"},
        {"settings": {"part": "all"}},
    ],
)
def test_every_field_is_in_the_fingerprint(changes: dict[str, Any]) -> None:
    assert themes(**changes).fingerprint != themes().fingerprint
    assert themes(report={}).fingerprint == themes().fingerprint


def test_classes_are_consecutive_and_the_same_in_every_part() -> None:
    made = themes()
    assert made.classes.tolist() == [0, -1, 1] and made.n_classes == 2 and made.k == 3
    for part in ("train", "validation", "test"):
        labels = made.labels(library(), part)
        assert sorted(set(labels.classes.tolist())) == [0, 1] and labels.classes.dtype == np.int32
        rows = made.rows(part)
        assert labels.texts == tuple(f"title {row}" for row in rows)
        assert labels.classes.tolist() == [made.classes[made.cluster[row]] for row in rows]


def test_playlists_without_a_title_teach_nothing() -> None:
    made = themes(part=np.where(np.arange(12) == 5, 0, themes().part).astype(np.int8))
    assert 5 in made.rows("train") and "" not in made.labels(library(), "train").texts
    read = [f"T{i}" for i in range(12)]
    assert made.labels(library(), "train", titles=read).texts == ("T0", "T3", "T5", "T6")


def test_another_library_is_refused() -> None:
    with pytest.raises(InputError, match="another library"):
        themes().labels(library(11), "train")
    assert not themes().sees_everything and themes(settings={"part": "all"}).sees_everything


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": np.full(12, 3, np.int32)},
        {"part": np.full(12, 3, np.int8)},
        {"part": np.zeros(11, np.int8)},
        {"kept": np.zeros(2, bool)},
        {"match": np.zeros(4, np.float32)},
        {"assigned": np.full(12, -2, np.int32)},
    ],
)
def test_fields_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must hold|needs"):
        themes(**changes)


def test_damage_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "t"

    def fresh() -> dict[str, Any]:
        shutil.rmtree(folder, ignore_errors=True)
        themes().save(folder)
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        return manifest

    for name in ("cluster", "part", "kept", "match", "assigned"):
        fresh()
        file = folder / f"{name}.npy"
        array = np.load(file)
        save_array(file, np.roll(array, 1))
        with pytest.raises(StoredDataError, match="damaged"):
            Themes.load(folder)
        file.write_bytes(file.read_bytes()[:-3])
        with pytest.raises(StoredDataError, match=rf"{name}\.npy is damaged"):
            Themes.load(folder)
        file.unlink()
        with pytest.raises(StoredDataError, match=rf"{name}\.npy is missing"):
            Themes.load(folder)
    for changes in ({"kind": "segue model"}, {"format_version": 2}, {"format_version": "1"}, {"names": 7}):
        manifest = fresh()
        (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
        with pytest.raises(StoredDataError, match="themes"):
            Themes.load(folder)
    with pytest.raises(StoredDataError, match="nowhere is not a themes folder"):
        Themes.load(tmp_path / "nowhere")


def test_a_folder_of_another_kind_stays(tmp_path: Path) -> None:
    library().save(tmp_path / "lib")
    with pytest.raises(OutputError, match="segue library, not a segue themes"):
        themes().save(tmp_path / "lib")
    assert Library.load(tmp_path / "lib").n_playlists == 12


SAVES_SLOWLY = """
import sys, time
from pathlib import Path
from library.test_themes import themes
import segue.library.themes as module
def slow(path, value):
    print("begun", flush=True)
    time.sleep(60)
module.write_json = slow
themes(names=("other", "other", "other")).save(Path(sys.argv[1]))
"""


def test_killed_in_between_the_old_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "place" / "t"
    themes().save(folder)
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n{SAVES_SLOWLY}", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.kill()
    assert Themes.load(folder).fingerprint == themes().fingerprint
    themes().save(folder)
    assert [p.name for p in folder.parent.iterdir()] == ["t"]
