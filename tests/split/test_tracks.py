"""Parts and folds of tracks."""

import numpy as np
import polars as pl
import pytest

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.split.holdout import part_of
from segue.split.tracks import track_folds, track_split


def _library(n):
    tracks = pl.DataFrame({"track_id": [f"t{i}" for i in range(n)]})
    return Library(tracks, pl.DataFrame({"playlist_id": ["p"]}), Interactions.of([[0]], n_columns=n))


def test_the_part_of_a_track_is_the_hash_of_its_id():
    split = track_split(_library(2_000))
    for part, rows in (({0}, split.test), ({1}, split.validation), (set(range(2, 10)), split.train)):
        assert {part_of(f"t{row}") for row in rows.tolist()} == part
    assert 0.75 < len(split.train) / 2_000 < 0.85
    # more tracks move nobody
    more = track_split(_library(3_000))
    assert set(split.test.tolist()) == {row for row in more.test.tolist() if row < 2_000}


def test_folds_cut_the_tracks_and_depend_on_the_id_alone():
    rows = np.arange(0, 500, 2, dtype=np.int32)
    folds = track_folds(_library(500), rows, 5)
    assert sorted(np.concatenate(folds).tolist()) == rows.tolist()
    assert min(map(len, folds)) > 25
    more = track_folds(_library(900), np.arange(900), 5)
    for fold, larger in zip(folds, more, strict=True):
        assert set(fold.tolist()) <= set(larger.tolist())


def test_too_few_tracks_or_folds():
    with pytest.raises(InputError, match="too few for 5 folds"):
        track_folds(_library(4), np.arange(4), 5)
    with pytest.raises(InputError, match="1 folds are none"):
        track_folds(_library(4), np.arange(4), 1)
