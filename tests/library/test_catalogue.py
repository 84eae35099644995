"""Audio features as a catalogue keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segue.errors import StoredDataError
from segue.library import Catalogue, Interactions, Library
from segue.library.arrays import save_array
from segue.library.catalogue import FEATURES
from segue.library.merge import merge


def _library(ids: list[str], **columns: list[float | None]) -> Library:
    tracks = pl.DataFrame(
        {"track_id": ids, "name": [f"n{i}" for i in ids], "artist": [f"a{i}" for i in ids], **columns}
    )
    playlists = pl.DataFrame({"playlist_id": [f"p{ids[0]}"], "title": ["one"]})
    return Library(tracks, playlists, Interactions.of([range(len(ids))], n_columns=len(ids)))


def test_features_of_a_library_come_back_from_the_folder(tmp_path: Path) -> None:
    library = _library(
        list("abcd"),
        energy=[0.5, None, float("inf"), 1.0],
        key=[-1.0, 0.0, 11.0, None],
        liveness=[0.1, 0.2, 0.3, 0.4],
        valence=[None, None, None, None],
    )
    made = Catalogue.of(library)
    made.save(tmp_path)
    for catalogue in (made, Catalogue.load(tmp_path)):
        assert catalogue.knows_features
        assert list(catalogue.features) == ["energy", "key"]  # not what nobody knows, and not what is not kept
        assert np.array_equal(catalogue.features["energy"], np.float32([0.5, np.nan, np.nan, 1.0]), equal_nan=True)
        assert np.array_equal(catalogue.features["key"], np.float32([np.nan, 0, 11, np.nan]), equal_nan=True)


def test_a_folder_without_features_is_one_where_none_are_known(tmp_path: Path) -> None:
    Catalogue.of(_library(list("ab"))).save(tmp_path)
    assert not any((tmp_path / f"{name}.npy").exists() for name in FEATURES)
    catalogue = Catalogue.load(tmp_path)
    assert not catalogue.knows_features
    assert catalogue.features == {}


def test_features_survive_a_merge_with_a_library_that_has_none() -> None:
    merged = merge(_library(list("ab"), tempo=[100.0, 120.0]), _library(list("cd")))
    known = Catalogue.of(merged).features["tempo"]
    assert np.array_equal(known, np.float32([100, 120, np.nan, np.nan]), equal_nan=True)


@pytest.mark.parametrize("wrong", [np.zeros(3, np.float32), np.zeros((2, 1), np.float32), np.zeros(2, np.float64)])
def test_features_of_other_tracks_are_damage_that_is_named(tmp_path: Path, wrong: np.ndarray) -> None:
    Catalogue.of(_library(list("ab"), energy=[0.1, 0.2])).save(tmp_path)
    save_array(tmp_path / "energy.npy", wrong)
    with pytest.raises(StoredDataError, match=r"energy\.npy is damaged"):
        Catalogue.load(tmp_path)


def test_no_feature_has_the_name_of_another_array() -> None:
    catalogue = Catalogue.of(_library(list("ab"), energy=[0.1, 0.2]))
    assert not set(FEATURES) & set(catalogue.texts)
    assert not any(hasattr(catalogue, name) for name in FEATURES)
    assert replace(catalogue, features={}).features == {}
