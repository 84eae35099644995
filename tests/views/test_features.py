"""Features of tracks and the scaler that only the training part fits."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segue.errors import InputError, StoredDataError
from segue.library import Interactions, Library
from segue.views.features import ArtistColumns, Scaler, feature_columns, matrix


def _library(**columns):
    n = len(next(iter(columns.values())))
    tracks = pl.DataFrame({"track_id": [str(i) for i in range(n)], **columns})
    return Library(tracks, pl.DataFrame({"playlist_id": ["p"]}), Interactions.of([[0]], n_columns=n))


def test_what_is_unknown_is_nan():
    library = _library(
        key=[0, -1, None, 11], tempo=[120.0, float("inf"), None, 90.0], explicit=[True, False, None, True]
    )
    got = matrix(library, ["key", "tempo", "explicit", "no such column"])
    np.testing.assert_array_equal(
        got,
        [[0, 120, 1, np.nan], [np.nan, np.nan, 0, np.nan], [np.nan, np.nan, np.nan, np.nan], [11, 90, 1, np.nan]],
    )
    np.testing.assert_array_equal(matrix(library, ["tempo"], [3, 0]), [[90], [120]])


def test_a_column_of_words_is_no_feature():
    with pytest.raises(InputError, match="'name' holds no numbers"):
        matrix(_library(name=["a", "b"]), ["name"])


def test_the_circle_closes():
    at = matrix(_library(key=[0, 1, 11, 6, -1]), ["key:sin", "key:cos"])
    apart = np.linalg.norm(at[:4, None] - at[None, :4], axis=2)
    assert apart[0, 1] == pytest.approx(apart[0, 2])  # 11 is as near to 0 as 1 is
    assert apart[0, 3] == pytest.approx(2)
    assert np.isnan(at[4]).all()


def test_columns_are_those_that_have_a_number():
    library = _library(
        tempo=[1.0, None], energy=pl.Series([None, None], dtype=pl.Float32), audio_rolloff=[1.0, 2.0],
        audio_words=["a", "b"], sentiment_neutral=[0.1, 0.2], key=[1.0, 2.0], analysis_loudness=[1.0, 2.0],
    )  # fmt: skip
    assert feature_columns(library) == ("key", "tempo", "analysis_loudness", "audio_rolloff", "sentiment_neutral")
    assert feature_columns(library, sentiment=False, circular_key=True) == (
        "key:sin", "key:cos", "tempo", "analysis_loudness", "audio_rolloff",
    )  # fmt: skip


_VALUES = arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.just(3)),
    elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6), st.floats(-1, 1)),
)


@settings(max_examples=100, deadline=None)
@given(_VALUES, _VALUES, st.sampled_from(["minmax", "standard"]))
def test_rows_outside_the_training_part_change_nothing(train, other, kind):
    rows = np.arange(len(train))
    columns = ["a", "b", "c"]
    fitted = [
        Scaler.fit(pl.DataFrame(np.vstack([train, rest]), schema=columns), rows, columns, kind=kind)
        for rest in (other, other[::-1] * -7 + 3, np.full((2, 3), np.nan))
    ]
    assert len({scaler.fingerprint for scaler in fitted}) == 1
    assert json.dumps(fitted[0].to_json()) == json.dumps(fitted[1].to_json())


@settings(max_examples=100, deadline=None)
@given(_VALUES, st.sampled_from(["minmax", "standard"]))
def test_whatever_comes_is_scaled_to_numbers_within_bounds(values, kind):
    scaler = Scaler.of(values, ["a", "b", "c"], kind=kind)
    got = scaler.transform(values)
    assert got.dtype == np.float32 and got.shape == (len(values), scaler.n_outputs)
    assert len(scaler.output_names) == scaler.n_outputs
    known = np.isfinite(values)
    if kind == "minmax":
        assert got.min() >= 0 and got[:, :3].max() <= 1.0
    np.testing.assert_array_equal(got[:, 3:], ~known[:, list(scaler.indicators)])
    assert list(scaler.indicators) == np.flatnonzero(~known.all(axis=0)).tolist()
    # rows that the scaler has not seen, wild ones too
    wild = scaler.transform(np.array([[np.inf, -1e300, 1e300]]))
    assert np.isfinite(wild).all() and np.abs(wild).max() <= (2 if kind == "minmax" else 10)


def test_scaling_by_hand():
    values = np.array([[0.0, 5.0], [10.0, 5.0], [4.0, np.nan]])
    scaler = Scaler.of(values, ["a", "b"])
    np.testing.assert_allclose(scaler.transform(values), [[0, 0, 0], [1, 0, 0], [0.4, 0, 1]], atol=1e-7)
    standard = Scaler.of(values, ["a", "b"], kind="standard").transform(values)
    np.testing.assert_allclose(standard[:, 0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(standard[:, 0].std(), 1, atol=1e-6)
    # a column that training knew whole gets no indicator, and its median where it is unknown later
    np.testing.assert_allclose(scaler.transform(np.array([[np.nan, 6.0]])), [[0.4, 1, 0]], atol=1e-7)


def test_json_gives_the_same_scaler():
    scaler = Scaler.of(np.array([[1.0, np.nan], [1 / 3, 2.0]]), ["a", "b"], kind="standard")
    again = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    assert again.fingerprint == scaler.fingerprint
    values = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(again.transform(values), scaler.transform(values))


@pytest.mark.parametrize(
    "change",
    [{"span": [0.0]}, {"span": [None]}, {"centre": [1, 2]}, {"kind": "log"}, {"indicators": [3]}, {"fill": ["x"]}],
)
def test_a_damaged_scaler_is_refused(change):
    about = Scaler.of(np.array([[1.0], [2.0]]), ["a"]).to_json() | change
    with pytest.raises(StoredDataError, match="scaler is damaged"):
        Scaler.from_json(about)


def test_nothing_to_scale_by_is_said():
    with pytest.raises(InputError, match="no training track"):
        Scaler.of(np.zeros((0, 1)), ["a"])
    with pytest.raises(InputError, match="no feature column"):
        Scaler.of(np.zeros((2, 0)), [])
    with pytest.raises(InputError, match="'log' is unknown"):
        Scaler.of(np.zeros((2, 1)), ["a"], kind="log")


def test_frequent_artists_have_columns_and_all_others_share_one():
    library = _library(artist=["Abba", "ABBA", "Cher", "Dido", "Dido", None])
    columns = ArtistColumns.fit(library, [0, 1, 2, 3, 4], most=2)
    assert columns.names == ("abba", "dido")
    np.testing.assert_array_equal(
        columns.apply(library), [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    )
    assert ArtistColumns.fit(library, [2], most=2).names == ("cher",)  # others' rows are not looked at
