"""The comparison of views on planted tastes."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from protocols.planted_listeners import WORDS, planted_listeners, taste_of
from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError
from segue.evaluate.user_table import load_user_figures
from segue.library import Library
from segue.protocols.user_views import NO_TEXT, expanded, run_views, share_of
from segue.protocols.users import UsersReport
from segue.split.users import UserSplit
from segue.train.two_tower_settings import TowerSettings
from segue.views.specs import View, view_of

SETTINGS = TowerSettings(epochs=1, embedding=8, output=8, hidden=(8,), lr=0.03)


def reader(split: UserSplit, view: View) -> Encoder:
    return NgramEncoder.fitted(sorted(set(view.texts(split.library))), dimension=24)


@pytest.fixture(scope="module")
def library() -> Library:
    library = planted_listeners(60)
    words = [WORDS[taste] for taste in taste_of(np.arange(library.n_tracks))]
    alike = [f"an evening song that everybody sings along to, number {row}" for row in range(library.n_tracks)]
    lyrics = [f"{own} " * 6 for own in words]
    return library.with_track_columns(pl.DataFrame({"summary": alike, "lyrics": lyrics}))


@pytest.fixture(scope="module")
def report(library: Library) -> UsersReport:
    return run_views(
        {"first": library, "second <b>": library},
        [None, view_of("name")],
        reader,
        SETTINGS,
        shares=[50, 100],
        excerpts=[view_of("summary")],
        core=2,
        cold=0.3,
        tune=False,
    )


def test_every_view_of_every_share_of_every_catalogue_is_a_line(report: UsersReport) -> None:
    lines = [(row.library, row.share, row.view) for row in report.figures.views]
    views = [NO_TEXT, "name"]
    wanted = []
    for name in ("first", "second <b>"):
        wanted += [(name, 100, view) for view in [*views, "summary:25:first"]] + [(name, 50, view) for view in views]
    assert lines == wanted
    halves = [row for row in report.figures.views if row.share == 50]
    assert all(row.n_tracks <= 80 for row in halves)
    for row in report.figures.views:
        assert set(row.scores["all"]) == {"hit_rate@10", "ndcg@10"}
        assert ("all" in row.versus) == (row.view != NO_TEXT)


def test_texts_that_sound_alike_are_seen(report: UsersReport) -> None:
    like = {row.view: row.likeness.mean for row in report.figures.views if (row.library, row.share) == ("first", 100)}
    assert like[NO_TEXT] is None
    names, summaries = like["name"], like["summary:25:first"]
    assert names is not None and summaries is not None and summaries > names + 0.3


def test_the_first_catalogue_has_rows_beside_the_towers(report: UsersReport) -> None:
    figures = report.figures
    towers = [name for name in figures.methods if name.startswith("two_tower: ")]
    assert len(towers) == 3 and len(figures.methods) == 9
    assert {row.method for row in figures.not_below} <= set(towers) and figures.not_below
    assert "strict cold, among cold" in {row.slice for row in figures.not_below}
    line = next(row for row in figures.views if row.view == "name")
    assert figures.row("two_tower: name", "warm").scores == line.scores["warm"], "one measurement, two places"
    histories = {one.name: one for one in figures.histories}
    assert len(histories) == len(figures.views)
    for epoch in histories["first, 100 %, name"].epochs:
        assert {"hit_rate@10 all", "ndcg@10 warm", "hit_rate@10 strict cold, among cold"} <= set(epoch.figures)
    assert any("Texts of first, second <b> are synthetic" in note for note in figures.notes)


def test_the_report_is_saved_and_its_names_are_harmless(report: UsersReport, tmp_path: Path) -> None:
    figures = msgspec.structs.replace(report.figures, histories=report.figures.histories[:2])
    as_json, as_html = replace(report, figures=figures).save(tmp_path)
    assert load_user_figures(as_json) == figures
    page = as_html.read_text()
    assert "<b>" not in page and page.count("<svg") == 3
    for width in (60, 200):
        out = io.StringIO()
        report.print(Console(file=out, width=width))
        assert bool(re.search(r"\d to \d", out.getvalue())) == (width == 200), "intervals where there is room"


def test_a_share_of_a_catalogue_keeps_users_and_renumbers_tracks(library: Library) -> None:
    half, tenth = share_of(library, 50, 0), share_of(library, 10, 0)
    ids = library.tracks["track_id"].to_list()
    assert half.n_tracks == 80 and tenth.n_tracks == 16
    assert set(tenth.tracks["track_id"]) < set(half.tracks["track_id"]), "the smaller lies inside the larger"
    assert half.user_tracks is not None and library.user_tracks is not None
    kept = half.tracks["track_id"].to_list()
    for user in range(5):
        before = [ids[row] for row in library.user_tracks.row(user).tolist()]
        after = [kept[row] for row in half.user_tracks.row(user).tolist()]
        assert after == [track for track in before if track in set(kept)]
    assert share_of(library, 100, 0) is library
    assert share_of(library, 50, 1).tracks["track_id"].to_list() != kept


def test_lengths_and_places_of_lyrics() -> None:
    assert expanded(["name", "lyrics+name"], [10], ["first", "last"]) == [
        "lyrics:10:first+name",
        "lyrics:10:last+name",
    ]
    assert expanded(["lyrics"], [], []) == [] == expanded(["name"], [10], [])
    assert expanded(["lyrics"], [], ["random"]) == ["lyrics:25:random"]
    assert all(view_of(spec).spec == spec for spec in expanded(["lyrics"], [10, 50], []))


def test_what_makes_no_sense_is_refused(library: Library) -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        run_views({}, [view_of("name")], reader, SETTINGS)
    with pytest.raises(InputError, match="1 to 100"):
        run_views({"a": library}, [view_of("name")], reader, SETTINGS, shares=[0])
    silent = replace(library, tracks=library.tracks.drop("lyrics"))
    with pytest.raises(InputError, match=r"no track .* 'lyrics:25:first'"):
        run_views({"a": silent}, [view_of("lyrics")], reader, SETTINGS, core=2)
