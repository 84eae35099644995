from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from protocols.bundles import ReadsNothing, ReadsThemes, manifest_of
from protocols.planted import THEMES, planted
from segue.encode.remembered import RememberedEncoder
from segue.errors import InputError, MissingDependency, StoredDataError
from segue.evaluate.encoder_page import to_html
from segue.evaluate.encoder_table import load_figures
from segue.library import Library
from segue.library.themes import Themes
from segue.protocols import published_definitions
from segue.protocols.encoder_folders import Candidate, check_unseen, open_folder
from segue.protocols.encoders import OUR_METRICS, EncoderReport, run_encoders
from segue.protocols.published_definitions import CLEANED, WHOLE, WITH, WITHOUT
from segue.protocols.title import run_title
from segue.protocols.title_maps import _placed, accuracy_by_theme, grouped_titles, title_maps
from segue.recommend.nearest import PublishedRecipe
from segue.split import holdout

HOSTILE = '<img src=x onerror="alert(1)">\x1b[2J[red]x[/red]\u202e'


def themed(n_playlists: int = 500) -> Library:
    """Titles that name the theme and are carried by one playlist each: only who reads the theme can help.

    Each playlist begins with a track of its own.
    """
    library = planted(n_playlists, 15, unique_tracks=True)
    titles = pl.Series("title", [f"my {THEMES[i % len(THEMES)]} {i}" for i in range(n_playlists)])
    return dataclasses.replace(library, playlists=library.playlists.with_columns(titles))


def clustered(library: Library, *, kept: tuple[bool, ...] = (True,) * 5 + (False,), **settings: str) -> Themes:
    """Themes that are the planted ones, of the training playlists; the last is miscellaneous."""
    split = holdout(library)
    true = np.arange(library.n_playlists, dtype=np.int32) % len(THEMES)
    cluster = np.full(library.n_playlists, -1, np.int32)
    cluster[split.train] = true[split.train]
    part = np.full(library.n_playlists, -1, np.int8)
    for c in np.flatnonzero(kept):
        rows = np.flatnonzero(cluster == c)
        part[rows] = np.where(np.arange(len(rows)) % 10 < 8, 0, np.where(np.arange(len(rows)) % 10 == 8, 1, 2))
    return Themes(
        cluster=cluster,
        part=part,
        kept=np.array(kept),
        names=THEMES,
        match=np.full(len(THEMES), 50, np.float32),
        library=library.fingerprint,
        settings={"part": "train", **settings},
        assigned=true,
    )


@pytest.fixture(scope="module")
def library() -> Library:
    return themed()


def candidates(library: Library) -> list[Candidate]:
    manifest = manifest_of(
        library.fingerprint, history=[*manifest_of("")["history"], {"epoch": "x"}, 3], loss=HOSTILE
    )
    return [
        Candidate("pretrained", ReadsNothing()),
        Candidate("tuned", ReadsThemes(), manifest),
        Candidate(HOSTILE, ReadsNothing("nothing, too")),
    ]


@pytest.fixture(scope="module")
def found(library: Library) -> EncoderReport:
    titles = ["rock", "jazz", "<script>alert(1)</script>"]
    return run_encoders(
        library, holdout(library), candidates(library), themes=clustered(library), titles=titles, maps=False
    )


def test_the_encoder_that_reads_the_themes_wins(found: EncoderReport) -> None:
    ours = found.figures.ours
    for metric in OUR_METRICS:
        versus = ours.row("tuned", "all").versus[metric]
        assert versus.difference.low is not None and versus.difference.low > 0, metric
        assert versus.p_holm is not None and versus.p_holm < 0.01, metric
    assert ours.mean("tuned", "all", "ndcg@500") > 2 * ours.mean("pretrained", "all", "ndcg@500")
    assert ours.mean("tuned", "all", "content_lift@66") > ours.mean("pretrained", "all", "content_lift@66") + 1
    other = ours.row(HOSTILE, "all").versus["ndcg@500"]
    assert other.p_holm is not None and other.p_holm > 0.05
    assert list(found.title.runs) == ["popularity", "same_title", "pretrained", "tuned", HOSTILE]
    assert {one.method for one in found.figures.lists} == {"pretrained", "tuned"}
    assert found.figures.reference == "pretrained"


def test_the_first_block_is_that_of_the_title_protocol_bit_for_bit(found: EncoderReport, library: Library) -> None:
    split = holdout(library)
    training = library.select_playlists(split.train)
    recipes = {one.name: PublishedRecipe.fitted(training, one.encoder) for one in candidates(library)}
    alone = run_title(library, split, recipes, reference="pretrained", encoder=ReadsNothing(), titles=[])
    for name, run in alone.runs.items():
        for query_id, rows in run.rankings.items():
            np.testing.assert_array_equal(found.title.runs[name].rankings[query_id], rows)
        for metric in ("precision@10", "recall@66", "mrr@66", "ndcg@500", "content_lift@66", "title_lift@66"):
            row = alone.report.row(name, "all")
            assert found.figures.ours.row(name, "all").scores[metric] == row.scores[metric], (name, metric)
            assert found.figures.ours.row(name, "all").versus.get(metric) == row.versus.get(metric)


def test_self_votes_raise_the_published_figures_and_stay_in_their_block(
    found: EncoderReport, library: Library
) -> None:
    block = found.figures.published
    for method in ("pretrained", "tuned", HOSTILE):
        for metric in block.metrics:
            honest = block.mean(method, f"{WHOLE}, {WITHOUT}", metric)
            leaking = block.mean(method, f"{WHOLE}, {WITH}", metric)
            assert leaking > honest, (method, metric)
    # nobody's own track, which no other playlist has, is in an honest list
    own = len(THEMES) * 120
    for run in found.title.runs.values():
        for query_id, rows in run.rankings.items():
            assert own + int(query_id[1:]) not in rows
    assert not set(block.metrics) & set(found.figures.ours.metrics)
    assert not {f"{WHOLE}, {WITH}"} & set(found.figures.ours.slices)


def test_the_voters_of_the_leak_are_the_asked_playlists_and_no_more(library: Library) -> None:
    split = holdout(library)
    queries = run_title(library, split, {}, titles=[])
    asked = np.array([int(query.query_id[1:]) for query in queries.queries], np.int32)
    runs = published_definitions._with_self_votes(
        library,
        split,
        asked,
        queries.queries,
        {"tuned": queries.runs["popularity"]},
        {"tuned": ReadsThemes()},
        5,
        None,
    )
    own = len(THEMES) * 120
    for query_id, rows in runs["tuned"].rankings.items():
        assert own + int(query_id[1:]) in rows  # the nearest voter is the playlist itself
        assert not np.isin(own + split.validation, rows).any()


def test_hit_at_n_of_the_whole_protocol_worked_out_by_hand(found: EncoderReport) -> None:
    qrels, run = found.title.qrels, found.title.runs["tuned"]
    for n in (10, 66, 500):
        by_hand = [
            len(set(run.rankings[q][:n].tolist()) & set(truth.tolist())) / min(n, len(truth))
            for q, truth in qrels.relevant.items()
        ]
        mean = found.figures.published.mean("tuned", f"{WHOLE}, {WITHOUT}", f"hit@{n}")
        assert mean == pytest.approx(np.mean(by_hand))


def test_the_cleaned_rows_are_the_playlists_nearest_a_kept_theme(found: EncoderReport) -> None:
    block, asked = found.figures.published, [int(query.query_id[1:]) for query in found.title.queries]
    wanted = sum(row % len(THEMES) != 5 for row in asked)
    assert 0 < wanted < len(asked)
    assert block.slices == [f"{name}, {how}" for how in (WITHOUT, WITH) for name in (WHOLE, CLEANED)]
    for how in (WITHOUT, WITH):
        assert block.row("tuned", f"{CLEANED}, {how}").n_queries == wanted
        assert block.row("tuned", f"{WHOLE}, {how}").n_queries == len(asked)


def test_accuracy_by_theme(found: EncoderReport, library: Library) -> None:
    assert {one.theme for one in found.figures.accuracy} == set(THEMES[:5])
    assert all(one.accuracy["tuned"] == 1 for one in found.figures.accuracy)
    assert found.figures.accuracy_overall["pretrained"] < 0.6
    right = sum(one.n * one.accuracy["pretrained"] for one in found.figures.accuracy)
    total = sum(one.n for one in found.figures.accuracy)
    assert found.figures.accuracy_overall["pretrained"] == pytest.approx(right / total)
    themes = clustered(library)
    assert total == int((themes.part == 2).sum())
    # nothing held out, nothing to say
    bare = dataclasses.replace(themes, part=np.minimum(themes.part, 1))
    assert accuracy_by_theme(library, bare, {"a": ReadsThemes()}) == ([], {})


def test_accuracy_worked_by_hand() -> None:
    """Two themes on the axes; the one held-out title of each lies nearer the first."""

    class Points:
        d, fingerprint = 2, "points"

        def encode(self, texts: tuple[str, ...], *, progress: object = None) -> np.ndarray:
            at = {"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (0.8, 0.6)}
            return np.array([at[text] for text in texts], np.float32)

    small = planted(6, 2)
    titles = pl.Series("title", ["a", "b", "c", "c", "a", "b"])
    small = dataclasses.replace(small, playlists=small.playlists.with_columns(titles))
    themes = Themes(
        cluster=np.array([0, 1, 0, 1, 0, 1], np.int32),
        part=np.array([0, 0, 2, 2, 1, 0], np.int8),
        kept=np.array([True, True]),
        names=("first", "second"),
        match=np.zeros(2, np.float32),
        library=small.fingerprint,
    )
    by_theme, overall = accuracy_by_theme(small, themes, {"points": Points()})
    assert [(one.theme, one.n, one.accuracy["points"]) for one in by_theme] == [("first", 1, 1.0), ("second", 1, 0.0)]
    assert overall == {"points": 0.5}


def test_encoders_that_have_seen_too_much_are_refused(library: Library) -> None:
    split = holdout(library)

    def given(**data: object) -> Candidate:
        manifest = manifest_of(library.fingerprint)
        return Candidate("tuned", ReadsThemes(), manifest | {"data": manifest["data"] | data})

    check_unseen(given(), library)
    check_unseen(given(library=library.select_playlists(split.train).fingerprint), library)
    for wrong, said in (
        ({"part": "all"}, "all playlists"),
        ({"part": None}, "nobody knows"),
        ({"library": "f" * 16}, "other playlists"),
        ({"library": library.select_playlists(split.test).fingerprint}, "other playlists"),
    ):
        with pytest.raises(InputError, match=said):
            run_encoders(library, split, [Candidate("pretrained", ReadsNothing()), given(**wrong)])
    with pytest.raises(InputError, match="nobody knows"):
        check_unseen(Candidate("tuned", ReadsThemes(), {"data": [1]}), library)
    pretrained = [Candidate("pretrained", ReadsNothing())]
    with pytest.raises(InputError, match="all playlists"):
        run_encoders(library, split, pretrained, themes=clustered(library, part="all"))
    with pytest.raises(InputError, match="another library"):
        run_encoders(library, split, pretrained, themes=clustered(themed(60)))


def test_names_that_cannot_be_used(library: Library) -> None:
    split = holdout(library)
    for names, said in ((["popularity"], "row of every"), ([" "], "row of every"), (["a", "a"], "two encoders")):
        with pytest.raises(InputError, match=said):
            run_encoders(library, split, [Candidate(name, ReadsNothing()) for name in names])
    with pytest.raises(InputError, match="no encoder"):
        run_encoders(library, split, [])


class Balanced(HTMLParser):
    """Whether every tag that opens closes; collects what is met."""

    void = ("meta", "br", "link", "img", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def saved(found: EncoderReport, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return found.save(tmp_path_factory.mktemp("saved") / "report")


def test_what_is_written_parses_and_harms_nobody(
    found: EncoderReport, saved: tuple[Path, Path], tmp_path: Path
) -> None:
    as_json, as_html = saved
    assert load_figures(as_json) == found.figures
    assert as_json.with_name("report.json").exists() and as_html.with_name("report.html").exists()
    read = json.loads(as_json.read_bytes())
    assert list(read)[:4] == ["kind", "format_version", "part", "reference"]
    assert read["encoders"][1]["best_epoch"] == 3 and len(read["encoders"][1]["history"]) == 6
    text = as_html.read_text("utf-8")
    parser = Balanced()
    parser.feed(text)
    assert parser.open == [] and not parser.met & {"script", "img", "b", "i", "object"}
    assert "&lt;script&gt;alert(1)" in text and "&lt;img src=x" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert "Training of tuned" in text and "Accuracy by theme" in text and text.count("<svg") == 3
    cut = tmp_path / "encoders.json"
    cut.write_bytes(as_json.read_bytes()[:-9])
    with pytest.raises(StoredDataError, match="damaged"):
        load_figures(cut)
    cut.write_bytes(as_json.read_bytes().replace(b'"format_version": 1', b'"format_version": 9', 1))
    with pytest.raises(StoredDataError, match="upgrade"):
        load_figures(cut)
    with pytest.raises(StoredDataError, match="missing"):
        load_figures(tmp_path / "nowhere.json")


def test_the_terminal_gets_plain_text(found: EncoderReport) -> None:
    for width in (80, 160):
        console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        found.print(console)
        console.file.close()
        text = console.export_text()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
        for said in ("under our definitions", "under the published definitions", "a leak", "unseen titles", "ndcg"):
            assert said in text
        assert ("×" in text) == (width > 100)


def test_the_same_comparison_gives_the_same_bytes(tmp_path: Path) -> None:
    small = themed(60)
    for name in ("a", "b"):
        run_encoders(
            small, holdout(small), candidates(small), themes=clustered(small), titles=["rock"], maps=False
        ).save(tmp_path / name)
    for file in ("encoders.json", "encoders.html", "report.json", "report.html"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_an_encoder_that_is_another_in_disguise_is_said(tmp_path: Path) -> None:
    small = themed(120)
    twins = [Candidate("pretrained", ReadsNothing()), Candidate("tuned", ReadsNothing())]
    got = run_encoders(small, holdout(small), twins, part="validation", titles=[], maps=False)
    assert got.figures.encoders[1].same_as == "pretrained"
    assert any("the same encoder" in note for note in got.figures.notes)
    a, b = (got.figures.ours.row(name, "all").scores for name in ("pretrained", "tuned"))
    assert a == b
    assert any("No manifest" in note for note in got.figures.notes)
    assert got.figures.published.slices == [f"{WHOLE}, {WITHOUT}", f"{WHOLE}, {WITH}"]
    assert set(got.title.report.left_out)


def test_titles_of_few_playlists_are_not_told(library: Library, tmp_path: Path) -> None:
    """Each title of this library is carried by one playlist: none may be read in what is written."""
    titles, groups, group = grouped_titles(library, None, library)
    assert groups == [] and set(group) == {-1} and len(titles) == 500
    shared = planted()
    titles, groups, group = grouped_titles(shared, None, shared, sample=40)
    assert set(groups) == set(THEMES) and len(titles) == 40
    assert all(groups[g] in title for title, g in zip(titles, group, strict=True))
    titles, groups, group = grouped_titles(library, clustered(library), library)
    assert set(groups) == set(THEMES[:5])
    for title, g in zip(titles, group, strict=True):
        row = int(title.split()[-1])
        held_or_other = row not in holdout(library).train or row % 6 == 5
        assert g == (-1 if held_or_other else groups.index(THEMES[row % 6]))


def test_maps_before_and_after(found: EncoderReport) -> None:
    pytest.importorskip("openTSNE")
    small = themed(150)
    encoders = {"pretrained": ReadsNothing(), "tuned": ReadsThemes()}
    themes = clustered(small)
    (drawn,) = title_maps(small, encoders, "pretrained", themes, small, sample=100)
    assert drawn.method == "tuned" and len(drawn.before) == len(drawn.after) == len(drawn.group) == 100
    assert title_maps(small, encoders, "pretrained", themes, small, sample=100) == [drawn]

    def spread(places: list[tuple[float, float]]) -> float:
        """Mean distance to the middle of the own group, over that to the middle of all."""
        at, group = np.array(places), np.array(drawn.group)
        inner = [np.linalg.norm(at[group == g] - at[group == g].mean(0), axis=1) for g in range(len(drawn.groups))]
        return float(np.concatenate(inner).mean() / np.linalg.norm(at - at.mean(0), axis=1).mean())

    assert spread(drawn.after) < 0.5 < spread(drawn.before)
    assert title_maps(small, {"pretrained": ReadsNothing()}, "pretrained", None, small) == []
    parser = Balanced()
    page = to_html(msgspec.structs.replace(found.figures, maps=[drawn, drawn], ours=found.figures.published))
    parser.feed(page)
    assert parser.open == [] and page.count("Titles before and after tuned") == 2
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def without_maps(*vectors: object, **settings: object) -> None:
    raise MissingDependency("maps", extra="compare")


def test_titles_that_are_alike_share_a_place() -> None:
    pytest.importorskip("openTSNE")
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    vectors[::3] = vectors[0]
    vectors[3] += np.float32(1e-9)
    vectors[7] = 0
    places = np.array(_placed(vectors))
    assert len(np.unique(places[::3], axis=0)) == 1 and len(np.unique(places, axis=0)) == 41
    # twenty alike are one point, not a crowd that everything else has to leave
    assert np.linalg.norm(places[0] - np.median(places, axis=0)) < 3 * np.median(
        np.linalg.norm(places - np.median(places, axis=0), axis=1)
    )


def test_without_opentsne_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.protocols.title_maps.tsne_map", without_maps)
    small = themed(120)
    got = run_encoders(small, holdout(small), candidates(small)[:2], titles=[])
    assert got.figures.maps == []
    assert any("segue-playlists[compare]" in note for note in got.figures.notes)


def test_no_title_of_one_playlist_is_in_the_files(saved: tuple[Path, Path], library: Library) -> None:
    for path in saved:
        text = path.read_text("utf-8")
        assert not [title for title in library.titles if title in text]


def test_every_title_is_encoded_once() -> None:
    small, encoder = themed(120), ReadsThemes()
    run_encoders(small, holdout(small), [Candidate("pretrained", encoder)], titles=["rock"], maps=False)
    assert len(encoder.asked) == len(set(encoder.asked))
    remembered = RememberedEncoder(ReadsThemes())
    np.testing.assert_array_equal(remembered.encode(["a", "b", "a"])[2], ReadsThemes().encode(["a"])[0])
    assert remembered.encode([]).shape == (0, 32)


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoredDataError, match="not a folder"):
        open_folder(tmp_path / "nowhere")
