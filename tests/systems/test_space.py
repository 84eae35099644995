"""Maps of the playlist space: who lies near whom, what may be shown, with openTSNE and without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library.themes import Themes
from segue.systems import space_layout
from segue.systems.model import Model
from segue.systems.space import MOST_BYTES, Point, Space, SpaceTheme, playlist_space
from segue.systems.space_layout import grouped, laid_out
from segue.systems.space_page import space_page
from systems.trained import Trained

MOST = 150  # titles; more only take longer


@pytest.fixture(scope="module")
def space(trained: Trained) -> Space:
    return playlist_space(trained.model, most=MOST)


def _circles(key: int, n: int, k: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(key)
    of = np.arange(n) % k
    return (np.eye(k, 12)[of] * 3 + rng.normal(0, 0.2, (n, 12))).astype(np.float32), of


@pytest.mark.parametrize("installed", [True, False], ids=["openTSNE", "numpy"])
def test_near_vectors_lie_together_on_the_map(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not installed:
        monkeypatch.setattr(space_layout, "find_spec", lambda name: None)
        monkeypatch.setattr(space_layout, "_ANCHORS", 60)  # the others are put between those
    vectors, of = _circles(3, 100)
    places = laid_out(vectors)
    assert np.array_equal(places, laid_out(vectors))
    assert places.shape == (100, 2)
    assert (places.min(), places.max()) == pytest.approx((0.02, 0.98))
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.mean(of[np.argsort(apart, axis=1)[:, :5]] == of[:, None]) > 0.9


@pytest.mark.parametrize("installed", [True, False], ids=["openTSNE", "numpy"])
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_few_alike_and_empty_vectors_have_places(n: int, installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not installed:
        monkeypatch.setattr(space_layout, "find_spec", lambda name: None)
    vectors, _ = _circles(1, n)
    for made in (vectors, np.zeros_like(vectors), np.repeat(vectors[:1], n, axis=0)):
        places = laid_out(made)
        assert np.isfinite(places).all() and (places >= 0).all() and (places <= 1).all()
    alike = laid_out(np.concatenate([vectors, vectors]))
    assert np.array_equal(alike[:n], alike[n:])


def test_groups_are_found_whatever_the_order() -> None:
    vectors, of = _circles(5, 80)
    group = grouped(vectors, 4)
    assert len({(int(a), int(b)) for a, b in zip(of, group, strict=True)}) == 4
    assert np.array_equal(group, grouped(vectors, 4))
    assert grouped(np.repeat(vectors[:2], 9, axis=0), 5).max() == 1  # no more than there are
    stray = np.concatenate([vectors, vectors[:1] + np.float32(9) * np.eye(12, dtype=np.float32)[11]])
    assert np.bincount(grouped(stray, 5)).min() == 1
    assert np.bincount(grouped(stray, 5, least=3)).min() >= 3


def test_a_map_shows_the_most_shared_titles_in_a_stable_shape(trained: Trained, space: Space) -> None:
    made = space.to_json()
    assert set(made) == {"points", "themes"}
    assert all(set(point) == {"x", "y", "title", "n", "theme"} for point in made["points"])
    assert all(set(theme) == {"name", "x", "y", "n"} for theme in made["themes"])
    assert len(msgspec.json.encode(made)) <= MOST_BYTES
    counts = [point.n for point in space.points]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == sum(theme.n for theme in space.themes)
    assert all(0 <= p.x <= 1 and 0 <= p.y <= 1 and 0 <= p.theme < len(space.themes) for p in space.points)
    assert msgspec.json.encode(made) == msgspec.json.encode(
        playlist_space(Model.load(trained.path), most=MOST).to_json()
    )


def test_most_is_a_bound_and_the_most_shared_stay(trained: Trained, space: Space) -> None:
    few = playlist_space(trained.model, most=12)
    assert [p.title for p in few.points] == [p.title for p in space.points[:12]]
    with pytest.raises(InputError, match="shows nothing"):
        playlist_space(trained.model, most=0)


def test_only_titles_that_five_playlists_share_are_on_a_private_map(trained: Trained, space: Space) -> None:
    private = replace(trained.model, manifest=trained.model.manifest | {"public": False})
    shown = playlist_space(private, most=MOST)
    assert all(point.n >= 5 for point in shown.points)
    assert len(shown.points) < len(space.points)
    # and no theme is named by words of others
    words = {word for point in shown.points for word in point.title.lower().split()}
    assert all(word in words for theme in shown.themes for word in theme.name.replace(",", "").lower().split())


def test_near_titles_hold_like_tracks(trained: Trained, space: Space) -> None:
    """Nearest on the map against all pairs: cosine of how often their playlists hold each track."""
    title = trained.model.recommender.title  # type: ignore[attr-defined]
    shown = {text: row for row, text in enumerate(title.titles.shown.to_list())}
    points = [point for point in space.points[:120] if point.title in shown]
    held = np.zeros((len(points), len(trained.model.catalogue)))
    for place, point in enumerate(points):
        for playlist in title.titles.playlists.row(shown[point.title]).tolist():
            held[place, trained.model.playlist_tracks.row(playlist)] += 1
    held /= np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-9)
    like = held @ held.T
    places = np.array([(p.x, p.y) for p in points])
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.take_along_axis(like, np.argsort(apart, axis=1)[:, :3], axis=1).mean()
    rest = like[~np.eye(len(points), dtype=bool)].mean()
    assert near > 2 * rest, (near, rest)


def _themes(library: str, cluster: NDArray[np.int32]) -> Themes:
    part = np.where(cluster >= 0, 0, -1).astype(np.int8)
    kept, match = np.array([True, False, True]), np.zeros(3, np.float32)
    return Themes(cluster, part, kept, ("first, theme", "rest", "second, theme"), match, library)


def test_themes_of_the_library_are_the_regions(trained: Trained, space: Space) -> None:
    title = trained.model.recommender.title  # type: ignore[attr-defined]
    rows: Any = title.titles.title_rows
    cluster = np.where(rows < 0, -1, rows % 3).astype(np.int32)
    library = trained.model.manifest["library"]
    made = playlist_space(trained.model, _themes(library, cluster), most=MOST)
    assert {theme.name for theme in made.themes} == {"first, theme", "second, theme"}
    assert {point.theme for point in made.points} == {-1, 0, 1}  # playlists of no kept theme belong to none
    assert [(p.x, p.y) for p in made.points] == [(p.x, p.y) for p in space.points]
    with pytest.raises(InputError, match="another library"):
        playlist_space(trained.model, _themes("0" * 16, cluster))


def test_hostile_titles_are_short_lines_and_no_markup() -> None:
    title = "<script>alert(1)</script>"
    made = Space((Point(0.5, 0.5, title, 3, 0), Point(0.1, 0.9, "b" * 90, 2, -1)), (SpaceTheme(title, 0.5, 0.5, 3),))
    page = space_page(made, title)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 3
    assert "http" not in page.replace("http-equiv", "")
