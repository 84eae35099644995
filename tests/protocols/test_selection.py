from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from rich.console import Console

from protocols.planted import THEMES, planted
from segue.errors import InputError
from segue.library import Interactions, Library, Query, Ranking
from segue.protocols.inspection import inspect_playlist
from segue.protocols.selection import run_selection, select
from segue.recommend.popularity import Popularity
from segue.recommend.same_title import SameTitle
from segue.split import holdout


def test_one_playlist_per_title_and_it_has_that_title() -> None:
    library = planted()
    split = holdout(library)
    got = select(library, split, ["ROCK!", "folk", "no such title"])
    assert sorted(library.titles[row] for row in got.rows) == ["folk", "rock"]
    assert set(got.rows.tolist()) <= set(split.test.tolist())
    assert got.missing == ("no such title",)
    assert got.broad == 2


def test_the_playlist_that_fits_its_title_is_taken() -> None:
    library = planted()
    split = holdout(library)
    rows = [row for row in split.test.tolist() if library.titles[row] == "rock"]
    assert len(rows) > 1
    # all but one "rock" playlist of the test part get tracks of another theme
    fitting = rows[1]
    tracks = [library.playlist_tracks.row(i) for i in range(library.n_playlists)]
    for row in rows:
        if row != fitting:
            tracks[row] = tracks[row] + 120
    changed = dataclasses.replace(library, playlist_tracks=Interactions.of(tracks, n_columns=library.n_tracks))
    assert select(changed, split, ["rock"]).rows.tolist() == [fitting]


def test_playlists_of_fewer_than_ten_tracks_are_not_taken() -> None:
    library = planted(length=9)
    with pytest.raises(InputError, match="none of the 1 titles"):
        select(library, holdout(library), ["rock"])


def test_a_playlist_can_be_named_by_its_id() -> None:
    library = planted()
    split = holdout(library)
    wanted, other = int(split.test[0]), int(split.train[0])
    assert select(library, split, [f"id:p{wanted}"]).rows.tolist() == [wanted]
    with pytest.raises(InputError, match="held-out"):
        select(library, split, [f"id:p{other}"])


def test_the_report_says_how_little_it_can_tell() -> None:
    library = planted()
    split = holdout(library)
    by_id = [f"id:p{row}" for row in split.test.tolist()[:12]]
    found = run_selection(library, split, {}, [*THEMES, *by_id, "nowhere"])
    assert found.report.protocol == "selection"
    assert 12 <= found.report.n_queries <= 12 + len(THEMES)
    assert any("cannot be told apart" in note for note in found.report.notes)
    assert any("nowhere" in note for note in found.report.notes)
    ndcg = found.report.row("same_title", "all").scores["ndcg@500"]
    assert ndcg.low is not None
    assert ndcg.high is not None
    assert ndcg.low < ndcg.high
    few = run_selection(library, split, {}, THEMES)
    assert few.report.row("same_title", "all").scores["ndcg@500"].low is None  # six can tell nothing
    assert few.report.row("same_title", "all").versus == {}


def test_bundled_titles_that_the_library_lacks_are_an_error_with_a_reason() -> None:
    library = planted()
    titles = pl.Series("title", ["zzz"] * library.n_playlists)
    with pytest.raises(InputError, match="none of the 22 titles"):
        run_selection(
            dataclasses.replace(library, playlists=library.playlists.with_columns(titles)), holdout(library), {}
        )


def test_one_playlist_looked_at_closely() -> None:
    library = planted()
    split = holdout(library)
    row = next(r for r in split.test.tolist() if library.titles[r] == "jazz")
    recommender = SameTitle.fitted(library.select_playlists(split.train))

    def explain(query: Query, ranking: Ranking) -> list[list[str]]:
        return [[f"asked [b]{query.title}[/b]"] for _ in ranking.rows]

    got = inspect_playlist(library, split, recommender, f"p{row}", n=20, explain=explain)
    hidden = set(library.playlist_tracks.row(row).tolist())
    assert (got.part, got.title, got.n_hidden) == ("test", "jazz", 40)
    assert len(got.tracks) == 20
    ranking = recommender.recommend(Query("jazz"), 20)
    assert [t.hit for t in got.tracks] == [r in hidden for r in ranking.rows.tolist()]
    assert got.figures["precision@10"] == pytest.approx(sum(t.hit for t in got.tracks[:10]) / 10)
    # the others are called "jazz number 4" and the like, which nobody else may read
    assert {n.title for n in got.neighbours} == {"jazz", None}
    public = dataclasses.replace(library, public=True)
    near = inspect_playlist(public, split, recommender, f"p{row}", n=20).neighbours
    assert {(n.title or "none").split()[0] for n in near} == {"jazz"} and len({n.title for n in near}) > 1
    assert all(n.playlist_id != f"p{row}" and n.shared <= n.n_tracks for n in got.neighbours)
    console = Console(width=200, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    got.print(console)
    console.file.close()
    said = console.export_text()
    assert "[b]jazz[/b]" in said and "(not shown)" in said and "jazz number" not in said


def test_a_training_playlist_is_no_neighbour_of_itself_and_is_marked() -> None:
    library = planted()
    split = holdout(library)
    row = int(split.train[0])
    popularity = Popularity.fitted(library.select_playlists(split.train).playlist_tracks)
    got = inspect_playlist(library, split, popularity, f"p{row}")
    assert got.part == "train"
    assert f"p{row}" not in [n.playlist_id for n in got.neighbours]
    with pytest.raises(InputError, match="no playlist 'nobody'"):
        inspect_playlist(library, split, popularity, "nobody")


def test_a_playlist_without_a_title_cannot_be_asked_about() -> None:
    library = planted(40)
    titles = pl.Series("title", [""] * 40)
    bare = Library(library.tracks, library.playlists.with_columns(titles), library.playlist_tracks)
    popularity = Popularity.fitted(library.playlist_tracks)
    with pytest.raises(InputError, match="nothing to ask"):
        inspect_playlist(bare, holdout(bare), popularity, "p0")
