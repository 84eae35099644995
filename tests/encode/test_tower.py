"""What the towers read, and what they make of tracks and users that nobody knows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.encode.tower import Towers, TowerShape, same_artist, tensor_shapes
from segue.encode.tower_inputs import NONE, TrackInputs, UserInputs, Vocabulary
from segue.errors import StoredDataError
from segue.library import Interactions, Library, Query

SIZES = {"tracks": 3, "artists": 2, "tags": 2, "countries": 1, "users": 2}


def library() -> Library:
    tracks = pl.DataFrame(
        {
            "track_id": ["a", "b", "c", "d"],
            "artist": ["Beyoncé", "BEYONCE", None, "Only Cold"],
            "tags": ["Rock; pop ;rock", "pop; rock", "", None],
        }
    )
    users = pl.DataFrame({"user_id": ["u", "v", "w"], "country": ["FR", "FR", "DE"]})
    loved = Interactions.of([[0, 1], [1, 2], []], n_columns=4)
    empty = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    return Library(tracks, empty, Interactions.of([], n_columns=4), users, loved)


def towers_of(shape: TowerShape, key: int = 0) -> Towers:
    rng = np.random.default_rng(key)
    tensors = {n: rng.standard_normal(s).astype(np.float32) for n, s in tensor_shapes(shape, SIZES).items()}
    return Towers(shape, tensors, "words")


def test_only_what_training_holds_has_a_row() -> None:
    read = library()
    assert read.user_tracks is not None
    words = Vocabulary.of(read, read.user_tracks)
    assert words.tracks == ("a", "b", "c") and words.artists == ("beyonce",) and words.users == ("u", "v")
    assert words.tags == ("pop", "rock") and words.countries == ("FR",)
    tracks = TrackInputs.of(read, words, np.zeros((4, 0), np.float32))
    assert tracks.ids.tolist() == [0, 1, 2, NONE] and tracks.artists.tolist() == [0, 0, NONE, NONE]
    assert [tracks.tags.row(row).tolist() for row in range(4)] == [[1, 0], [0, 1], [], []]
    users = UserInputs.of_library(read, read.user_tracks, words)
    assert users.ids.tolist() == [0, 1, NONE] and users.countries.tolist() == [0, 0, NONE]


def test_a_query_is_read_like_a_user() -> None:
    words = Vocabulary(("a",), (), (), ("FR",), ("u",))
    found = UserInputs.of([Query("", (2, 9, 2, -1, 0), "", "u", "FR"), Query(country="XX")], words, 3)
    assert found.loved.row(0).tolist() == [2, 0] and found.loved.row(1).tolist() == []
    assert found.ids.tolist() == [0, NONE] and found.countries.tolist() == [0, NONE]


@given(st.lists(st.lists(st.integers(0, 5), max_size=6, unique=True), min_size=1, max_size=4), st.data())
def test_tracks_of_the_same_artist_are_counted(rows: list[list[int]], data: st.DataObject) -> None:
    artists = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=6, max_size=6)), np.int32)
    loved = Interactions.of(rows, n_columns=6)
    found = same_artist(loved, artists)
    for user, row in enumerate(rows):
        for track in range(6):
            n = 0 if artists[track] < 0 else sum(artists[t] == artists[track] for t in row)
            assert found[user, track] == pytest.approx(np.log1p(n))
    chosen = np.array([4, 1])
    assert (same_artist(loved, artists, chosen) == found[:, chosen]).all()


def test_a_track_without_a_row_is_read_by_what_is_known() -> None:
    shape = TowerShape(("id", "artist", "tags", "text"), ("loved",), 4, 5, (6,), d_text=3)
    towers = towers_of(shape)
    none = Interactions.of([[]], n_columns=2)
    nothing, text = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    unknown = np.array([NONE], np.int32)
    cold = towers.track_vectors(TrackInputs(unknown, unknown, none, text)).vectors
    blank = towers.track_vectors(TrackInputs(unknown, unknown, none, nothing)).vectors
    known = towers.track_vectors(TrackInputs(np.array([1], np.int32), unknown, none, text)).vectors
    moved = dict(towers.tensors)
    moved["track.id"] = moved["track.id"] + 1
    other = Towers(shape, moved, "words")
    assert not np.allclose(cold, blank) and not np.allclose(cold, known)
    assert (other.track_vectors(TrackInputs(unknown, unknown, none, text)).vectors == cold).all()


def test_a_bag_is_a_sum_over_a_power_of_its_size() -> None:
    tracks = TrackInputs(
        np.array([0, 1, NONE], np.int32), np.full(3, NONE, np.int32), Interactions.of([[]] * 3, n_columns=2),
        np.zeros((3, 0), np.float32),
    )  # fmt: skip
    users = UserInputs(
        np.array([NONE], np.int32), np.array([NONE], np.int32), Interactions.of([[0, 1, 2]], n_columns=3)
    )
    for power, divisor in ((1.0, 2.0), (0.5, np.sqrt(2))):
        towers = towers_of(TowerShape(("id",), ("loved",), 4, 5, (), bag_power=power))
        table, weight = towers.tensors["user.loved"], towers.tensors["user.0.weight"]
        wanted = (table[0] + table[1]) / divisor @ weight.T + towers.tensors["user.0.bias"]
        np.testing.assert_allclose(towers.user_vectors(users, tracks)[0], wanted, rtol=1e-5)


def test_tensors_that_do_not_fit_are_named() -> None:
    towers = towers_of(TowerShape(d_text=3))
    towers.check(SIZES)
    fewer = {name: tensor for name, tensor in towers.tensors.items() if name != "user.0.bias"}
    with pytest.raises(StoredDataError, match=r"user\.0\.bias"):
        Towers(towers.shape, fewer, "words").check(SIZES)
    for wrong in (np.zeros((2, 2), np.float32), np.full((3, 96), np.nan, np.float32), np.zeros((3, 96))):
        with pytest.raises(StoredDataError, match=r"track\.id"):
            Towers(towers.shape, {**towers.tensors, "track.id": wrong}, "words").check(SIZES)
    changed = dict(towers.tensors)
    changed["track.id"] = changed["track.id"] + np.float32(1e-3)
    assert Towers(towers.shape, changed, "words").fingerprint != towers.fingerprint


def test_a_shape_comes_back_from_json() -> None:
    shape = TowerShape(("id",), ("loved", "id"), hidden=(), head="mlp", match=True)
    assert TowerShape.from_json(shape.to_json()) == shape
    with pytest.raises(ValueError, match="slot"):
        TowerShape.from_json({**shape.to_json(), "user": ["age"]})
