"""The vote table against the same algebra on dense arrays, and the form for many playlists against the exact one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommend.corpora import dense, library_of, members, random_csr, random_library
from segue.library import Library
from segue.recommend import vote_table as module
from segue.recommend.titles import TitleTable
from segue.recommend.vote_table import idf_rows, neighbour_matrix, track_factors, truncated, vote_table


def dense_similar(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Each playlist's ``k`` nearest by idf-cosine, itself among them, rows summing to 1 (or 0)."""
    weighted = x * np.log(len(x) / np.maximum(x.sum(axis=0), 1))
    weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
    cosines = weighted @ weighted.T
    similar = np.zeros_like(cosines)
    for i, row in enumerate(cosines):
        nearest = np.argsort(-row, kind="stable")[:k]
        similar[i, nearest] = np.maximum(row[nearest], 0)
    return similar / np.maximum(similar.sum(axis=1, keepdims=True), 1e-12)


def dense_table(library: Library, titles: TitleTable, smoothing: float, power: float) -> NDArray[np.float64]:
    x = dense(library)
    y = x / np.maximum(x.sum(axis=1, keepdims=True), 1) ** power
    m = members(titles)
    return ((1 - smoothing) * m + smoothing * m @ dense_similar(x, module.NEIGHBOURS)) @ y


@pytest.mark.parametrize("rng_key", range(3))
@pytest.mark.parametrize(("smoothing", "power"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.0)])
def test_the_table_is_that_of_dense_algebra(rng_key: int, smoothing: float, power: float) -> None:
    library = random_library(rng_key)
    titles = TitleTable.of(library)
    table = vote_table(
        titles, library.playlist_tracks.matrix(), smoothing=smoothing, length_power=power, max_tracks=1000
    )
    assert table.dtype == np.float32 and table.shape == (len(titles), library.n_tracks)
    np.testing.assert_allclose(table.toarray(), dense_table(library, titles, smoothing, power), atol=2e-6)


def test_without_smoothing_only_the_titles_own_playlists_vote() -> None:
    library = library_of([("a", [0, 1]), ("a", [1, 2, 3, 4]), ("b", [4])])
    table = vote_table(
        TitleTable.of(library), library.playlist_tracks.matrix(), smoothing=0, length_power=0.5, max_tracks=9
    )
    root = 2**-0.5
    wanted = [[root / 2, (root + 0.5) / 2, 0.25, 0.25, 0.25], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(table.toarray(), wanted, rtol=1e-6)


@pytest.mark.parametrize("max_tracks", [1, 5, 12])
def test_truncation_keeps_the_largest_of_each_row(max_tracks: int) -> None:
    rng = np.random.default_rng(max_tracks)
    weights, profiles = random_csr(rng, (30, 20)), random_csr(rng, (20, 40))
    whole = (weights @ profiles).toarray()
    cut = truncated(weights, profiles, max_tracks)
    for row, values in zip(cut, whole, strict=True):
        kept = row.toarray().ravel()
        largest = np.sort(values)[::-1][:max_tracks]
        np.testing.assert_allclose(np.sort(kept[kept > 0]), np.sort(largest[largest > 0]), rtol=1e-6)
        np.testing.assert_allclose(kept[kept > 0], values[kept > 0], rtol=1e-6)
    assert cut.has_sorted_indices


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    library = random_library(4)
    titles, tracks = TitleTable.of(library), library.playlist_tracks.matrix()

    def table() -> csr_matrix:
        return vote_table(titles, tracks, smoothing=0.5, length_power=0.1, max_tracks=20)

    whole = table()
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_allclose(table().toarray(), whole.toarray(), atol=1e-6)


def test_the_same_input_gives_the_same_table_bit_for_bit() -> None:
    library = random_library(5)
    titles, tracks = TitleTable.of(library), library.playlist_tracks.matrix()
    for exact_up_to in (1000, 10):
        first, second = (
            vote_table(titles, tracks, smoothing=0.5, length_power=0.1, max_tracks=9, exact_up_to=exact_up_to)
            for _ in range(2)
        )
        assert first.data.tobytes() == second.data.tobytes()
        assert first.indices.tobytes() == second.indices.tobytes()


def test_idf_rows_are_unit_or_zero() -> None:
    library = library_of([("a", [0, 1]), ("b", [0]), ("c", []), ("d", [0, 2])], n_tracks=4)
    x = library.playlist_tracks.matrix()
    rows = idf_rows(x).toarray()
    common, rare = np.log(4 / 3), np.log(4)
    length = np.hypot(common, rare)
    np.testing.assert_allclose(rows[0], [common / length, rare / length, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1], rtol=1e-6)


def test_a_track_in_every_playlist_makes_nothing_similar() -> None:
    x = library_of([("a", [0]), ("b", [0])]).playlist_tracks.matrix()
    unit = idf_rows(x)
    similar = neighbour_matrix(unit, unit)
    assert similar.nnz == 0 and similar.shape == (2, 2)


def planted(n_playlists: int = 300, n_themes: int = 6) -> Library:
    """Playlists of a theme share a pool of tracks; titles belong to one theme each."""
    rng = np.random.default_rng(9)
    themes = rng.integers(0, n_themes, n_playlists)
    return library_of(
        [(f"{'abcdef'[t]}{rng.integers(0, 5)}", 30 * t + rng.choice(30, 8, replace=False)) for t in themes],
        n_tracks=30 * n_themes,
    )


@pytest.mark.parametrize("landmarks", [60_000, 200])
def test_landmarks_come_close_to_the_exact_table(monkeypatch: pytest.MonkeyPatch, landmarks: int) -> None:
    monkeypatch.setattr(module, "_LANDMARKS", landmarks)
    library = planted()
    titles, tracks = TitleTable.of(library), library.playlist_tracks.matrix()
    exact, close = (
        vote_table(titles, tracks, smoothing=0.5, length_power=0.1, max_tracks=1000, exact_up_to=n).toarray()
        for n in (1000, 10)
    )
    cosines = (exact * close).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(close, axis=1)
    assert cosines.min() > 0.95
    overlap = [len(set(np.argsort(-a)[:20]) & set(np.argsort(-b)[:20])) for a, b in zip(exact, close, strict=True)]
    assert np.mean(overlap) > 15
    # what a theme does not hold gets next to nothing, in either form
    theme = np.array(["abcdef".index(title[0]) for title in titles.read.to_list()])
    own = np.arange(180)[None] // 30 == theme[:, None]
    assert (close * own).sum() > 0.97 * close.sum()


def test_track_factors_span_what_there_is() -> None:
    rng = np.random.default_rng(0)
    low = csr_matrix((rng.random((50, 3)) @ rng.random((3, 20))).astype(np.float32))
    basis = track_factors(low, 3, rng)
    assert basis.shape == (20, 3) and basis.dtype == np.float32
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(low @ basis @ basis.T, low.toarray(), atol=1e-4)
    assert track_factors(low[:2], 64, rng).shape == (20, 2)
