from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.planted_themes import ByFirstWord
from recommend.corpora import dense, library_of, random_library
from segue.cluster import vectors as module
from segue.cluster.cooccurrence import Cooccurrence
from segue.cluster.vectors import collaborative_vectors, content_vectors, covered_tracks, joint_vectors
from segue.encode.cache import CachedEncoder
from segue.errors import InputError
from segue.library import Library


def with_names(library: Library, names: list[str | None]) -> Library:
    tracks = library.tracks.with_columns(pl.Series("name", names, pl.String))
    return Library(tracks, library.playlists, library.playlist_tracks)


def shared_names(library: Library) -> Library:
    """Several tracks of one name, some of none."""
    return with_names(library, [None if i % 17 == 0 else f"word{i % 7} {i % 23}" for i in range(library.n_tracks)])


@pytest.mark.parametrize("block", [3, 10_000])
@pytest.mark.parametrize("text", ["name", "name_artist"])
def test_vectors_are_the_means_that_a_loop_gives(
    monkeypatch: pytest.MonkeyPatch, block: int, text: module.TrackText
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    library = shared_names(random_library(3))
    rows, encoder = np.array([8, 0, 11, 3, 7, 50]), ByFirstWord()
    found, report = content_vectors(library, rows, encoder, text=text)
    names, artists = library.tracks["name"].fill_null("").to_list(), library.tracks["artist"].to_list()
    texts = names if text == "name" else [f"{n} {a}".strip() for n, a in zip(names, artists, strict=True)]
    for place, row in enumerate(rows):
        held = [texts[t] for t in dict.fromkeys(library.playlist_tracks.row(row).tolist()) if texts[t]]
        mean = ByFirstWord().encode(held).astype(np.float64).sum(0) if held else np.zeros(24)
        expected = mean / np.linalg.norm(mean) if held else mean
        np.testing.assert_allclose(found[place], expected, atol=2e-6)
    wanted = {texts[t] for row in rows for t in library.playlist_tracks.row(row) if texts[t]}
    assert sorted(encoder.asked) == sorted(wanted), "each distinct text once, and no other"
    assert report["n_texts"] == len(wanted) and found.dtype == np.float32
    assert report["n_playlists_without_vector"] == 1, "row 7 has no tracks"


def test_the_most_played_come_first_and_progress_ends_at_all() -> None:
    library = library_of([("a", [0, 1, 2]), ("b", [2, 1]), ("c", [2, 3])], names=["w", "x", "y", "z"])
    encoder, said = ByFirstWord(), []
    content_vectors(library, np.arange(3), encoder, progress=lambda *a: said.append(a))
    assert encoder.asked == ["y", "x", "w", "z"]
    assert said[-1] == (4, 4, "encoding distinct track texts")


@given(st.integers(0, 20), st.floats(0.01, 1.0))
def test_no_fewer_tracks_would_cover_as_much(rng_key: int, coverage: float) -> None:
    library = random_library(rng_key, n_playlists=15, n_tracks=12)
    rows = np.arange(0, 15, 2)
    counts = dense(library)[rows].sum(0)
    covered = covered_tracks(library, rows, coverage)
    order = np.sort(counts)[::-1]
    fewest = int(np.argmax(np.cumsum(order) >= coverage * counts.sum() - 1e-9)) + 1
    assert covered.sum() == fewest and counts[covered].sum() == order[:fewest].sum()
    assert not covered[counts == 0].any()
    if coverage == 1.0:
        assert (covered == (counts > 0)).all()


def test_playlists_without_a_covered_track_have_no_vector() -> None:
    library = library_of([("a", [0, 1]), ("b", [0, 1]), ("c", [0, 2]), ("d", [3])])
    found, report = content_vectors(library, np.arange(4), ByFirstWord(), coverage=0.7)
    assert found.any(axis=1).tolist() == [True, True, True, False]
    assert report["n_playlists_without_vector"] == 1 and report["n_tracks_encoded"] == 2
    assert report["rows_encoded_percent"] == pytest.approx(100 * 5 / 7, abs=0.001)
    other, _ = content_vectors(library, np.array([2, 3]), ByFirstWord(), tracks=np.array([0, 0, 1, 1], bool))
    assert other.any(axis=1).all()
    with pytest.raises(ValueError, match="coverage"):
        covered_tracks(library, np.arange(4), 0.0)


def test_a_stopped_run_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_BLOCK", 10)
    library, rows = shared_names(random_library(1)), np.arange(90)
    whole, report = content_vectors(library, rows, ByFirstWord())
    stopped = ByFirstWord(dies_after=25)
    with pytest.raises(KeyboardInterrupt):
        content_vectors(library, rows, CachedEncoder(stopped, tmp_path))
    again = ByFirstWord()
    found, _ = content_vectors(library, rows, CachedEncoder(again, tmp_path))
    assert found.tobytes() == whole.tobytes()
    assert len(again.asked) == report["n_texts"] - 20 and not set(again.asked) & set(stopped.asked[:20])


def test_collaborative_vectors_are_those_of_a_dense_decomposition() -> None:
    library, rows = random_library(4), np.arange(0, 90, 2)
    found, report = collaborative_vectors(library, rows, d=6)
    x = dense(library)[rows]
    x = x[:, x.sum(0) >= 2]
    weighted = x * np.log(len(rows) / x.sum(0))
    norms = np.linalg.norm(weighted, axis=1, keepdims=True)
    weighted = np.divide(weighted, norms, out=np.zeros_like(weighted), where=norms > 0)
    _, values, right = np.linalg.svd(weighted, full_matrices=False)
    right = right[:6] * np.sign(right[np.arange(6), np.abs(right[:6]).argmax(1)])[:, None]
    expected = weighted @ right.T
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = np.divide(expected, lengths, out=np.zeros_like(expected), where=lengths > 0)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert report["n_tracks"] == x.shape[1] and report["d"] == 6
    assert report["explained_percent"] == pytest.approx(100 * (values[:6] ** 2).sum() / (weighted**2).sum(), abs=0.1)


def test_other_playlists_are_placed_by_what_was_fitted_without_them() -> None:
    library, rows, others = random_library(5), np.arange(0, 90, 2), np.arange(1, 90, 2)
    space = Cooccurrence.fitted(library, rows, d=8)
    assert space.vectors(library, rows).tobytes() == collaborative_vectors(library, rows, d=8)[0].tobytes()
    changed = [library.playlist_tracks.row(i) for i in range(90)]
    for row in others:
        changed[row] = np.array([0, 1, 2])
    elsewhere = library_of([("x", [int(t) for t in tracks]) for tracks in changed], n_tracks=library.n_tracks)
    again = Cooccurrence.fitted(elsewhere, rows, d=8)
    assert again.directions.tobytes() == space.directions.tobytes() and again.idf.tobytes() == space.idf.tobytes()
    placed = space.vectors(library, others)
    lengths = np.linalg.norm(placed, axis=1)
    assert np.allclose(lengths[lengths > 0], 1, atol=1e-5) and (lengths > 0).mean() > 0.8
    two_alike = library_of([("x", library.playlist_tracks.row(0).tolist())], n_tracks=library.n_tracks)
    np.testing.assert_allclose(
        space.vectors(two_alike, np.array([0]))[0], space.vectors(library, rows[:1])[0], atol=1e-6
    )


def test_directions_that_are_not_there_are_not_made_up() -> None:
    twice = library_of(
        [("a", [0, 1]), ("b", [0, 1]), ("c", [2, 3]), ("d", [2, 3]), ("e", [9]), ("f", [])], n_tracks=10
    )
    found, report = collaborative_vectors(twice, np.arange(6), d=64)
    assert found.shape == (6, 2) and report["d"] == 2
    assert report["n_playlists_without_vector"] == 2 and not found[4:].any()
    np.testing.assert_allclose(found[:2] @ found[2:4].T, 0, atol=1e-5)
    copies, _ = collaborative_vectors(library_of([("a", [0, 1])] * 4), np.arange(4))
    assert copies.any(axis=1).all(), "a track of every playlist still counts"
    with pytest.raises(InputError, match="no track is in two playlists"):
        collaborative_vectors(library_of([("a", [0]), ("b", [1])]), np.arange(2))


@given(st.integers(0, 1000), st.floats(0, 1))
def test_squared_distances_of_both_add_up(rng_key: int, weight: float) -> None:
    rng = np.random.default_rng(rng_key)
    content, other = (module.scaled(rng.standard_normal((5, d)).astype(np.float32)) for d in (4, 3))
    joint = joint_vectors(content, other, weight)

    def squares(x: np.ndarray) -> np.ndarray:
        return ((x[:, None].astype(np.float64) - x[None]) ** 2).sum(2)

    np.testing.assert_allclose(squares(joint), (1 - weight) * squares(content) + weight * squares(other), atol=1e-5)
