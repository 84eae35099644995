from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError
from segue.library import Interactions, Library
from segue.split import Split, drop_near_duplicates, held_out, holdout, part_of


def library_of(playlists: list[list[int]], titles: list[str] | None = None, n_tracks: int | None = None) -> Library:
    n_tracks = n_tracks or 1 + max((max(p) for p in playlists if p), default=0)
    return Library(
        pl.DataFrame(
            {"track_id": [f"t{i}" for i in range(n_tracks)], "artist": [f"a{i % 7}" for i in range(n_tracks)]}
        ),
        pl.DataFrame(
            {
                "playlist_id": [f"p{i}" for i in range(len(playlists))],
                "title": titles or [f"title {i}" for i in range(len(playlists))],
            },
            schema={"playlist_id": pl.String, "title": pl.String},
        ),
        Interactions.of(playlists, n_columns=n_tracks),
    )


@given(st.text())
def test_the_part_is_the_hash_modulo_ten(playlist_id: str) -> None:
    assert part_of(playlist_id) == int(hashlib.sha256(playlist_id.encode("utf-8", "replace")).hexdigest(), 16) % 10


def test_parts_are_disjoint_whole_and_about_eighty_ten_ten() -> None:
    library = library_of([[0]] * 3000)
    split = holdout(library)
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(3000))
    assert 240 < len(split.test) < 360
    assert 240 < len(split.validation) < 360
    assert all(part_of(f"p{row}") == 0 for row in split.test)
    assert all(part_of(f"p{row}") == 1 for row in split.validation)


def test_more_playlists_move_nobody() -> None:
    small, large = holdout(library_of([[0]] * 200)), holdout(library_of([[0]] * 400))
    assert small.test.tolist() == [row for row in large.test.tolist() if row < 200]


def test_a_split_that_overlaps_is_refused() -> None:
    a, b = np.array([0, 1], np.int32), np.array([1], np.int32)
    with pytest.raises(ValueError, match="disjoint"):
        Split(train=a, validation=np.zeros(0, np.int32), test=b)


def jaccard(a: list[int], b: list[int]) -> float:
    return len(set(a) & set(b)) / len(set(a) | set(b)) if a or b else 0.0


@given(
    st.lists(st.lists(st.integers(0, 14), max_size=14), min_size=2, max_size=12),
    st.sampled_from([0.3, 0.5, 0.8, 0.9]),
)
@settings(max_examples=150, deadline=None)
def test_near_duplicates_are_those_that_brute_force_finds(playlists: list[list[int]], threshold: float) -> None:
    library = library_of(playlists, n_tracks=15)
    half = len(playlists) // 2
    train, asked = np.arange(half), np.arange(half, len(playlists))
    kept = drop_near_duplicates(library, train, asked, threshold)
    expected = [
        row
        for row in asked.tolist()
        if all(jaccard(playlists[row], playlists[t]) <= threshold for t in train.tolist())
    ]
    assert kept.tolist() == expected
    assert kept.dtype == np.int32


def test_copies_of_training_playlists_are_not_asked_about() -> None:
    playlists = [list(range(i, i + 12)) for i in range(300)]
    split = holdout(library_of(playlists))
    playlists[split.test[0]] = playlists[split.train[5]][::-1]
    library = library_of(playlists)
    held = held_out(library, split)
    assert split.test[0] not in held.rows
    assert held.left_out["near-duplicate of a training playlist"] == 1
    assert len(held.rows) == len(split.test) - 1


def test_playlists_that_cannot_be_asked_about_are_counted() -> None:
    playlists: list[list[int]] = [list(range(i, i + 12)) for i in range(300)]
    titles = [f"title {i}" for i in range(300)]
    split = holdout(library_of(playlists))
    playlists[split.test[0]] = []
    titles[split.test[0]] = " "
    titles[split.test[1]] = "  "
    held = held_out(library_of(playlists, titles), split)
    assert held.left_out == {"without tracks": 1, "without a title": 1, "near-duplicate of a training playlist": 0}
    assert len(held.rows) == len(split.test) - 2
    assert held_out(library_of(playlists, titles), split, "validation").left_out["without tracks"] == 0


def test_too_small_a_library_is_an_error_that_says_so() -> None:
    nobody = np.zeros(0, np.int32)
    library = library_of([[0], [1]])
    with pytest.raises(InputError, match="larger library"):
        held_out(library, Split(train=nobody, validation=nobody, test=np.array([0], np.int32)))
    with pytest.raises(InputError, match="larger library"):
        held_out(library, Split(train=np.array([0], np.int32), validation=nobody, test=nobody))
