from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, OutputError, SegueError, StoredDataError
from segue.library import Interactions, Library, Query
from segue.library.arrays import save_array
from segue.split.holdout import holdout
from segue.systems.track_model import TrackModel
from segue.systems.track_neighbours import learn
from segue.systems.track_parts import AUDIO, LEARNT, LYRICS
from segue.systems.track_settings import TrackSettings, shaping_rows
from train.planted_tracks import QUICK, planted_tracks


def texts_of(library: Library) -> NgramEncoder:
    return NgramEncoder.fitted(library.tracks["name"].to_list(), buckets=2**12, dimension=48)


@pytest.fixture(scope="module")
def planted() -> tuple[Library, np.ndarray]:
    return planted_tracks(lyrics=True)


@pytest.fixture(scope="module")
def model(planted: tuple[Library, np.ndarray]) -> TrackModel:
    return learn(planted[0], texts_of(planted[0]), QUICK)


@pytest.fixture(scope="module")
def saved(model: TrackModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track-model") / "model"
    model.save(path)
    return path


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    shutil.copytree(saved, tmp_path / "model")
    return tmp_path / "model"


def test_the_right_neighbours_are_found(planted: tuple[Library, np.ndarray], model: TrackModel) -> None:
    library, group = planted
    assert [half.name for half in model.neighbours.halves] == [AUDIO, LYRICS, LEARNT]
    near = model.neighbours.neighbours(np.arange(library.n_tracks), 10)
    assert (group[near] == group[:, None]).mean() > 0.85


def test_tracks_without_lyrics_have_no_lyrics_code_and_are_found_all_the_same(
    planted: tuple[Library, np.ndarray], model: TrackModel
) -> None:
    library, group = planted
    lyrics = next(half for half in model.neighbours.halves if half.name == LYRICS)
    lacks = library.tracks["lyrics"].is_null().to_numpy()
    assert (lyrics.known == ~lacks).all()
    near = model.neighbours.neighbours(np.flatnonzero(lacks), 10)
    assert (group[near] == group[lacks][:, None]).mean() > 0.8
    assert 0.1 < lacks[near].mean() < 0.6  # a third of all


def test_test_playlists_shape_nothing(planted: tuple[Library, np.ndarray], model: TrackModel) -> None:
    """With other tracks in every test playlist the model is the same to the bit, as it is for the same input."""
    library, _ = planted
    split, rng = holdout(library), np.random.default_rng(1)
    training = library.playlist_tracks.select(split.train)
    held = [rng.choice(library.n_tracks, 8, replace=False) for _ in split.test]
    replaced = [library.playlist_tracks.row(i) for i in range(library.n_playlists)]
    for row, tracks in zip(split.test, held, strict=True):
        replaced[row] = tracks
    moved = dataclasses.replace(library, playlist_tracks=Interactions.of(replaced, n_columns=library.n_tracks))
    again = learn(moved, texts_of(library), QUICK)
    assert again.neighbours.fingerprint == model.neighbours.fingerprint
    assert again.parts.fingerprint == model.parts.fingerprint
    assert (again.playlists.indices == training.distinct().indices).all()


def test_validation_tracks_stop_trainings_and_shape_no_scaler(planted: tuple[Library, np.ndarray]) -> None:
    library, _ = planted
    split = holdout(library)
    playlists = library.playlist_tracks
    fit, check = shaping_rows(library, playlists.select(split.train), playlists.select(split.validation))
    if not (fit & ~check).any():
        pytest.skip("every track is in a training playlist")
    assert not (fit & check).any()


def test_a_library_without_playlists_has_codes_alone(planted: tuple[Library, np.ndarray]) -> None:
    library = planted[0].select_playlists([])
    model = learn(library, None, QUICK)
    assert [half.name for half in model.neighbours.halves] == [AUDIO]
    near = model.neighbours.neighbours(np.arange(library.n_tracks), 10)
    assert (planted[1][near] == planted[1][:, None]).mean() > 2 / 6  # twice chance


def test_tracks_without_anything_are_refused(planted: tuple[Library, np.ndarray]) -> None:
    bare, _ = planted_tracks(features=False)
    with pytest.raises(InputError, match="segue annotate"):
        learn(bare.select_playlists([]), None, QUICK)
    with pytest.raises(InputError, match="cannot be built"):
        TrackSettings(halves=("smell",))


def test_a_track_outside_of_the_catalogue_lies_where_its_like_do(
    planted: tuple[Library, np.ndarray], model: TrackModel
) -> None:
    library, group = planted
    row = 8  # with its sound and words under another id, another name and an artist nobody knows
    tracks = library.tracks[[row]].with_columns(track_id=pl.lit("new"), artist=pl.lit("Nobody"))
    outside = Library(tracks, library.playlists[[]], Interactions.of([], n_columns=1))
    (found,) = model.place(outside)
    assert not found.artists and set(found.vectors) == {AUDIO, LYRICS, LEARNT}
    near = model.neighbours.near(model.neighbours.given([], [found]), [], 10)
    assert (group[near.rows] == group[row]).mean() >= 0.8
    assert found.clusters == (int(model.neighbours.cluster[row]),)  # type: ignore[index]


def test_an_outside_track_of_which_only_the_name_is_known(
    planted: tuple[Library, np.ndarray], model: TrackModel
) -> None:
    tracks = pl.DataFrame({"track_id": ["x"], "name": ["river \x1b[2J"], "artist": ["Artist 0-1"]})
    outside = Library(tracks, planted[0].playlists[[]], Interactions.of([], n_columns=1))
    (found,) = model.place(outside)
    assert set(found.vectors) == {LEARNT} and list(found.artists.values()) == [1.0]


def test_what_was_saved_answers_alike(model: TrackModel, saved: Path) -> None:
    opened = TrackModel.load(saved)
    assert opened.fingerprint == model.fingerprint
    for rows in ((3,), (5, 60, 111)):
        first, second = (m.neighbours.recommend(Query("", rows), 20) for m in (model, opened))
        assert first.rows.tobytes() == second.rows.tobytes() and first.scores.tobytes() == second.scores.tobytes()


def test_every_damaged_file_is_named_or_changes_nothing(folder: Path, model: TrackModel) -> None:
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole = file.read_bytes()
        for damaged in (whole[:-3], whole + b"  ", b""):
            file.write_bytes(damaged)
            try:
                opened = TrackModel.load(folder)
            except StoredDataError as error:
                assert str(folder) in str(error)
            else:
                assert opened.fingerprint == model.fingerprint, file
        file.unlink()
        with pytest.raises(StoredDataError, match=str(folder)):
            TrackModel.load(folder)
        file.write_bytes(whole)


@pytest.mark.parametrize("name", ["vectors/learnt.npy", "vectors/audio.npy", "artist_rows.npy", "cluster.npy"])
def test_damage_of_the_same_size_is_found(folder: Path, name: str) -> None:
    array = np.load(folder / name)
    save_array(folder / name, np.roll(array.ravel(), 1).reshape(array.shape))
    with pytest.raises(StoredDataError, match="damaged"):
        TrackModel.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "segue model"},
        {"format_version": 99},
        {"format_version": True},
        {"format_version": None},
        {"halves": 3},
        {"weights": {"audio": -1}},
        {"parts": {}},
        {"encoder": {"kind": "pickle"}},
        {"files": 7},
    ],
)
def test_manifests_that_cannot_be_are_refused(folder: Path, change: dict[str, object]) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(SegueError, match=str(folder)):
        TrackModel.load(folder)


def test_another_folder_is_not_overwritten_and_no_pickle_is_written(model: TrackModel, saved: Path) -> None:
    other = saved.parent / "other"
    other.mkdir()
    (other / "precious.txt").write_text("x")
    with pytest.raises(OutputError):
        model.save(other)
    kinds = {p.suffix for p in saved.rglob("*") if p.is_file()}
    assert kinds <= {".npy", ".json"}
    with pytest.raises(StoredDataError, match="segue similar"):
        TrackModel.load(saved.parent / "absent")


def test_a_query_needs_neither_torch_nor_polars_nor_scipy(saved: Path) -> None:
    code = (
        "import sys; from segue.systems.track_model import TrackModel; "
        "from segue.systems.track_answers import GivenTracks, similar; "
        f"similar(TrackModel.load({str(saved)!r}), GivenTracks((3,), ('x',)), 5); "
        "assert not {'torch', 'polars', 'scipy', 'sklearn'} & set(sys.modules), "
        "{'torch', 'polars', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
