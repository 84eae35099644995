"""The order of finished lists: what goes together, arcs of energy, and what is said where nothing is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue.library import Catalogue, Interactions, Library
from segue.library.ranking import Ranking
from segue.recommend.order import arc_of, company, list_distances, ordered
from segue.recommend.tour import close_calls

N = 24


def _library(
    playlists: list[list[int]], n: int = N, artists: list[str] | None = None, **features: list[float | None]
) -> Library:
    names = artists or [f"artist {i}" for i in range(n)]
    tracks = pl.DataFrame(
        {"track_id": [f"t{i}" for i in range(n)], "name": [f"n{i}" for i in range(n)], "artist": names, **features}
    )
    table = pl.DataFrame(
        {"playlist_id": [str(j) for j in range(len(playlists))], "title": ["x" for _ in playlists]},
        schema={"playlist_id": pl.String, "title": pl.String},
    )
    return Library(tracks, table, Interactions.of(playlists, n_columns=n))


def _ranking(rows: list[int]) -> Ranking:
    return Ranking(np.array(rows, np.int32), np.linspace(1, 0, len(rows)).astype(np.float32), ("said before",))


# three circles of eight tracks, each in playlists of its own
CIRCLES = [[c * 8 + i for i in range(8) if i != left] for c in range(3) for left in range(8)]
MIXED = [(i % 3) * 8 + i // 3 for i in range(N)]


@pytest.mark.parametrize("by", ["playlists", "vectors"])
def test_what_goes_together_stands_together(by: str) -> None:
    library = _library(CIRCLES)
    vectors = np.repeat(np.eye(3, 5), 8, axis=0).astype(np.float16) if by == "vectors" else None
    given = _ranking(MIXED)
    found = ordered(given, "smooth", Catalogue.of(library), library.playlist_tracks.distinct(), vectors=vectors)
    circles = found.rows // 8
    assert int((circles[1:] != circles[:-1]).sum()) == 2  # each circle once through; ranked, each step leaves one
    assert found.rows[0] == given.rows[0]
    assert sorted(found.rows) == sorted(given.rows)
    of = dict(zip(given.rows.tolist(), given.scores.tolist(), strict=True))
    assert [of[row] for row in found.rows.tolist()] == found.scores.tolist()
    assert found.ignored == given.ignored


def test_company_is_the_cosine_of_playlists() -> None:
    library = _library([[0, 1, 2], [0, 1], [0, 3]], n=5)
    near = company(np.array([0, 1, 3], np.int32), library.playlist_tracks)
    wanted = [[1, 2 / np.sqrt(6), 1 / np.sqrt(3)], [2 / np.sqrt(6), 1, 0], [1 / np.sqrt(3), 0, 1]]
    assert np.allclose(near, wanted, atol=1e-6)
    # of a track that nobody has, and of one of another catalogue, nothing is known: they are as near as the mean pair
    unknown = company(np.array([0, 1, 3, 4, -1], np.int32), library.playlist_tracks)
    mean = (2 / np.sqrt(6) + 1 / np.sqrt(3)) / 3
    assert np.allclose(unknown[3:, :3], mean, atol=1e-6)


def test_neighbours_are_not_of_one_artist_where_others_are_there() -> None:
    artists = [f"artist {i // 2}" for i in range(N)]  # pairs of one artist, nearest to each other
    library = _library([[i, i ^ 1] for i in range(N)], artists=artists)
    catalogue = Catalogue.of(library)
    found = ordered(_ranking(MIXED), "smooth", catalogue, library.playlist_tracks.distinct())
    assert close_calls(catalogue.artist_row[found.rows], 1) == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from(["smooth", "arc"]), st.integers(0, 5))
def test_any_order_keeps_the_tracks_and_the_spacing(key: int, how: str, spacing: int) -> None:
    rng = np.random.default_rng(key)
    n = int(rng.integers(1, N))
    names = [f"artist {i}" for i in rng.integers(0, 6, N)]
    known = [None if rng.random() < 0.4 else float(rng.random()) for _ in range(N)]
    library = _library([rng.choice(N, 5, replace=False).tolist() for _ in range(9)], artists=names, energy=known)
    catalogue, playlists = Catalogue.of(library), library.playlist_tracks.distinct()
    ranking = _ranking(rng.choice(N, n, replace=False).tolist())
    found = ordered(ranking, how, catalogue, playlists, spacing=spacing)
    again = ordered(ranking, how, catalogue, playlists, spacing=spacing)
    assert sorted(found.rows) == sorted(ranking.rows)
    assert np.array_equal(found.rows, again.rows)
    before, after = (catalogue.artist_row[r.rows] for r in (ranking, found))
    assert close_calls(after, spacing) <= close_calls(before, spacing)


@given(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=60))
def test_the_energy_rises_to_two_thirds_and_falls(values: list[float]) -> None:
    energy = np.array(values, np.float32)
    curve = energy[arc_of(energy, np.arange(len(energy)))]
    peak = int(curve.argmax())
    while peak + 1 < len(curve) and curve[peak + 1] == curve[peak]:
        peak += 1  # of several tracks of the highest energy
    first_peak = int(curve.argmax())
    assert (np.diff(curve[: first_peak + 1]) >= 0).all()
    assert (np.diff(curve[peak:]) <= 0).all()
    if len(set(values)) == len(values):
        assert abs((first_peak + 0.5) / len(values) - 2 / 3) <= 1 / len(values)
        assert curve[0] == energy.min()
        assert curve[-1] > energy.min()  # it ends higher than it began


def _energies(known: int) -> list[float | None]:
    return [i / N if i % 8 < known else None for i in range(N)]


def test_an_arc_says_what_it_does_not_know() -> None:
    def said(**features: list[float | None]) -> tuple[list[int], tuple[str, ...]]:
        library = _library(CIRCLES, **features)
        found = ordered(_ranking(MIXED), "arc", Catalogue.of(library), library.playlist_tracks.distinct())
        return found.rows.tolist(), found.ignored[1:]

    rows, words = said()
    assert rows == MIXED
    assert "energy of no track, so the list stays as ranked" in words[0]
    rows, words = said(energy=[0.5, *[None] * (N - 1)])
    assert rows == MIXED
    assert "almost none of these tracks" in words[0]
    rows, words = said(energy=_energies(3))
    assert rows != MIXED
    assert words == ("the energy of only 9 of 24 tracks is known; the others stand beside those they go with",)
    assert said(energy=_energies(8))[1] == ()


def test_tracks_of_unknown_energy_stand_with_their_company() -> None:
    # the circles are quiet, middling, loud; of each, two tracks say so
    energy = [[0.1, 0.5, 0.9][i // 8] if i % 8 < 2 else None for i in range(N)]
    library = _library(CIRCLES, energy=energy)
    found = ordered(_ranking(MIXED), "arc", Catalogue.of(library), library.playlist_tracks.distinct())
    circles = (found.rows // 8).tolist()
    loud = [place for place, circle in enumerate(circles) if circle == 2]
    assert loud == list(range(loud[0], loud[0] + 8))  # all eight around the peak, known or not
    assert circles[0] == 0


def test_the_sound_decides_where_company_says_nothing() -> None:
    values: list[float | None] = [(i * 7 % N) / N for i in range(N)]
    library = _library([], energy=values, tempo=[120.0 for _ in range(N)])
    catalogue = Catalogue.of(library)
    found = ordered(_ranking(list(range(N))), "smooth", catalogue, library.playlist_tracks)
    steps: NDArray[np.float32] = np.abs(np.diff(catalogue.features["energy"][found.rows]))
    assert steps.mean() < 0.12  # ranked: 0.41


def test_half_time_is_the_same_tempo_and_what_is_not_known_counts_as_the_mean() -> None:
    library = _library([], n=4, tempo=[60.0, 120.0, 90.0, None])
    rows = np.arange(4, dtype=np.int32)
    distances = list_distances(np.zeros((4, 4), np.float32), rows, Catalogue.of(library)) - 1
    assert distances[0, 1] == 0
    assert np.allclose(distances[0, 2], distances[1, 2])
    assert distances[0, 2] > 0.3
    mean = (distances[0, 1] + distances[0, 2] + distances[1, 2]) / 3
    assert np.allclose(distances[3, :3], mean, atol=1e-4)


def test_ranked_is_untouched_and_unknown_orders_are_refused() -> None:
    library = _library(CIRCLES)
    ranking = _ranking(MIXED)
    assert ordered(ranking, "ranked", Catalogue.of(library), library.playlist_tracks) is ranking
    with pytest.raises(ValueError, match="no order"):
        ordered(ranking, "wild", Catalogue.of(library), library.playlist_tracks)
