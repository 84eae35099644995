from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segue.cli.index import indexed
from segue.enrich.review import Verdict, key_of, with_verdicts
from segue.errors import InputError, QueryError
from segue.index.ann import recall_against_exact
from segue.index.fuse import fit_weights
from segue.library import Library
from segue.systems.playlist_search import ChannelSpec, Filters, SearchModel, SearchSettings, index_library
from segue.systems.search_channels import DenseChannel
from segue.systems.search_settings import read_weights
from segue.views.playlist_text import PARTS, PlaylistText
from systems.planted_search import planted


@pytest.fixture(scope="module")
def folder_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "model"
    index_library(planted(), path, encoder="ngrams")
    return path


@pytest.fixture(scope="module")
def model(folder_: Path) -> SearchModel:
    return SearchModel.open(folder_)


@pytest.fixture
def folder(folder_: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder_, tmp_path / "model")
    return tmp_path / "model"


def topics(model: SearchModel, query: str, n: int = 5, **filters: Any) -> set[str]:
    return {found.playlist_id.split("-")[0] for found in model.search(query, n, Filters(**filters))}


@pytest.mark.parametrize(
    ("query", "topic"),
    [("rainy", "rain"), ("a workuot for the gym", "gym"), ("songs by bing crosby", "noel"), ("noche fiesta", "mex")],
)
def test_planted_playlists_are_found(model: SearchModel, query: str, topic: str) -> None:
    assert topics(model, query) == {topic}


def test_what_was_saved_answers_alike(model: SearchModel, tmp_path: Path) -> None:
    built = SearchModel.build(planted(), model.encoder, SearchSettings())
    again = SearchModel.build(planted(), model.encoder, SearchSettings())
    assert built.fingerprint == again.fingerprint == model.fingerprint
    for query in ("rainy", "christmas eve with bing crosby", "x"):
        assert built.answer(query).to_json() == model.answer(query).to_json()


def test_a_shorter_list_is_the_head_of_a_longer_one(model: SearchModel) -> None:
    whole = [found.playlist_id for found in model.search("rainy sunday fiesta", 24)]
    assert len(set(whole)) == len(whole) > 10
    assert [found.playlist_id for found in model.search("rainy sunday fiesta", 3)] == whole[:3]


def test_rare_titles_of_a_private_library_are_withheld(model: SearchModel) -> None:
    found = {f.playlist_id: f for f in model.search("rainy sunday zanzibar secret", 24)}
    rare, common = found["rain-5"], found["rain-0"]
    assert rare.withheld and rare.title == rare.description == "" and rare.tracks and rare.artists
    assert not common.withheld and common.title == "rainy sunday" and common.description == "secret rain"
    told = json.dumps(rare.to_json())
    assert "zanzibar" not in told and "secret" not in told
    assert any(why.kind == "words" and why.text == "" for why in rare.why)
    open_one = SearchModel.build(planted(public=True), model.encoder)
    assert "zanzibar" in json.dumps([f.to_json() for f in open_one.search("zanzibar rain", 1)])


def test_reasons_are_shares_and_name_words_and_artists(model: SearchModel) -> None:
    best = model.search("christmas songs of bing crosby", 1)[0]
    assert sum(why.share for why in best.why) == pytest.approx(1, abs=0.1)
    assert [why.share for why in best.why] == sorted((why.share for why in best.why), reverse=True)
    assert {"artist", "words"} <= {why.kind for why in best.why}
    assert "Bing Crosby" in {why.text for why in best.why} and all(why.sentence() for why in best.why)


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"min_tracks": 3}, lambda f: f.n_tracks >= 3),
        ({"max_tracks": 1}, lambda f: f.n_tracks <= 1),
        ({"artist": "daft punk"}, lambda f: f.artists == ("Daft Punk",)),
        ({"year_from": 2000, "year_to": 2005}, lambda f: f.years == (2002, 2002)),
        ({"languages": ("es",)}, lambda f: f.language == "es"),
    ],
)
def test_filters_hold(model: SearchModel, filters: dict[str, Any], holds: Any) -> None:
    found = model.search("rainy workout christmas noche", 24, Filters(**filters))
    everything = [f for f in model.search("rainy workout christmas noche", 24) if holds(f)]
    assert found and all(map(holds, found))
    assert {f.playlist_id for f in everything} <= {f.playlist_id for f in found}


SPANS = st.one_of(st.none(), st.integers(0, 4))
YEARS = st.one_of(st.none(), st.sampled_from([1946, 1947, 1995, 2002, 2008]))


@given(
    low=SPANS, high=SPANS, begin=YEARS, end=YEARS,
    languages=st.sets(st.sampled_from(["en", "es", "unknown"])),
    artist=st.sampled_from([None, "los lobos", "NORAH JONES", "Daft Punk"]),
    query=st.sampled_from(["rainy", "noche de fiesta", "workout christmas zanzibar"]),
)  # fmt: skip
def test_every_answer_passes_every_filter_and_no_passing_one_is_lost(
    model: SearchModel, low: Any, high: Any, begin: Any, end: Any, languages: set[str], artist: Any, query: str
) -> None:
    try:
        filters = Filters(low, high, tuple(sorted(languages)), begin, end, artist)
    except QueryError:
        assert (low or 0) > (4 if high is None else high) or (begin or 0) > (end or 9_999)
        return

    def passes(found: Any) -> bool:
        return (
            (low or 0) <= found.n_tracks <= (99 if high is None else high)
            and (not languages or found.language in languages)
            and (begin or 0) <= found.years[0]
            and found.years[1] <= (end or 9_999)
            and (artist is None or artist.lower() in [name.lower() for name in found.artists])
        )

    found = model.search(query, 24, filters)
    assert all(passes(f) for f in found)
    expected = {f.playlist_id for f in model.search(query, 24) if passes(f)}
    assert {f.playlist_id for f in found} >= expected or not found  # none at all where nothing fits the words


def test_filters_that_cannot_be_are_said(model: SearchModel) -> None:
    for wrong in ({"languages": ("klingon",)}, {"min_tracks": 5, "max_tracks": 2}, {"artist": " "}):
        with pytest.raises(QueryError):
            Filters(**wrong)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="Nobody Ever"):
        model.search("rain", 3, Filters(artist="Nobody Ever"))
    answer = model.answer("rain", 3, Filters(min_tracks=99))
    assert answer.playlists == () and "no playlist passes the filters" in answer.ignored[0]


def test_the_same_query_has_the_same_bits(model: SearchModel, folder: Path) -> None:
    code = (
        "import json, sys; from segue.systems.search_model import SearchModel;"
        "print(json.dumps(SearchModel.open(sys.argv[1]).answer('rainy day of bing crosby', 24).to_json()))"
    )
    here = json.dumps(model.answer("rainy day of bing crosby", 24).to_json())
    assert json.dumps(model.answer("rainy day of bing crosby", 24).to_json()) == here
    there = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_playlists_without_a_title_do_not_share_one(model: SearchModel) -> None:
    library = planted()
    table = library.playlists.with_columns(title=pl.lit(None, pl.String), description=pl.lit("my secret diary"))
    untitled = SearchModel.build(Library(library.tracks, table, library.playlist_tracks), model.encoder)
    told = json.dumps(untitled.answer("diary", 24).to_json()["playlists"])
    assert "rain-0" in told and "diary" not in told


def test_degenerate_queries_behave(model: SearchModel) -> None:
    for empty in ("", "  \n", "!!! ...", "\x00"):
        with pytest.raises(QueryError, match="no word"):
            model.answer(empty)
    huge = model.answer("rainy " * 200_000, 3)
    assert topics(model, "rainy " * 200_000) == {"rain"} and "first 2,000 characters" in huge.ignored[0]
    words_alone = SearchModel.build(planted(), None)
    nothing = words_alone.answer("qqqq wwww")
    assert nothing.playlists == () and "nothing fits" in nothing.ignored[0]
    with pytest.raises(QueryError):
        model.answer("rain", 0)


@given(query=st.text(st.characters(), max_size=80))  # halves of surrogate pairs too: arguments that are no UTF-8
@example(query="rainy \udcff")
def test_any_query_is_answered_or_refused(query: str) -> None:
    model = _words()
    try:
        answer = model.answer(query, 3)
    except QueryError:
        return
    assert len(answer.playlists) <= 3 and msgspec.json.encode(answer.to_json())


_MADE: list[SearchModel] = []


def _words() -> SearchModel:
    if not _MADE:
        _MADE.append(SearchModel.build(planted(), None))
    return _MADE[0]


def test_rejected_texts_are_not_searched() -> None:
    library = planted(public=True)
    written = ["quuxian moods" if i == 0 else None for i in range(library.n_playlists)]
    columns = pl.DataFrame({"written": written, "written_by": ["extractive-1"] * len(written)})
    library = library.with_playlist_columns(columns)
    assert SearchModel.build(library, None).search("quuxian", 1)[0].playlist_id == "rain-0"
    verdict = Verdict("playlist", "rain-0", key_of("playlist", "rain-0", "quuxian moods"), "reject")
    assert SearchModel.build(with_verdicts(library, [verdict]), None).search("quuxian", 1) == []


def test_weights_can_be_fitted_and_read(model: SearchModel, tmp_path: Path) -> None:
    cases = [model.candidates(query) for query in ("norah jones", "daft punk", "bing crosby")]
    truth = [{0}, {6}, {12}]
    names = [channel.spec.name for channel in model.channels]
    weights = dict(zip(names, fit_weights(cases, truth, start=model.weights), strict=True))
    other = model.weighted(weights)
    assert other.fingerprint != model.fingerprint
    (tmp_path / "w.json").write_text(json.dumps({"weights": weights}))
    assert read_weights(tmp_path / "w.json", model.settings) == other.settings
    (tmp_path / "w.json").write_text(json.dumps(other.settings.to_json()))
    assert read_weights(tmp_path / "w.json", SearchSettings()) == other.settings
    for wrong in ("{}", "[]", '{"weights": {"smell": 1}}', '{"weights": {"words": -1}}', "x"):
        (tmp_path / "w.json").write_text(wrong)
        with pytest.raises(InputError):
            read_weights(tmp_path / "w.json", model.settings)


def test_parts_restrict_what_is_read() -> None:
    settings = SearchSettings().restricted_to(["title"])
    assert {part for channel in settings.channels for part in channel.view.parts} == {"title"}
    assert SearchModel.build(planted(), None, settings).search("secret", 3) == []
    settings = SearchSettings().restricted_to([part for part in PARTS if part != "description"])
    silent, read = (SearchModel.build(planted(True, each=5), None, one) for one in (settings, SearchSettings()))
    assert [found.playlist_id for found in silent.search("mex")] == ["mex-4"]  # its title says so
    assert {found.playlist_id for found in read.search("mex")} == {f"mex-{j}" for j in range(5)}
    assert silent.search("noche", 1)[0].description == "secret mex"  # shown all the same
    with pytest.raises(InputError, match="smell"):
        SearchSettings().restricted_to(["smell"])
    with pytest.raises(InputError, match="no channel"):
        SearchSettings().restricted_to(["names"])


def test_settings_that_make_no_sense_are_refused() -> None:
    one = ChannelSpec("a", "bm25", PlaylistText(("title",)))
    for wrong in ({"channels": (one, one)}, {"scale": "loud"}, {"depth": 0}):
        with pytest.raises(InputError):
            SearchSettings(**wrong)  # type: ignore[arg-type]
    for name in ("../x", "", "a/b"):
        with pytest.raises(InputError):
            ChannelSpec(name, "bm25", PlaylistText(("title",)))
    with pytest.raises(InputError, match="no playlists"):
        SearchModel.build(planted().select_playlists([]), None)


def test_an_approximate_index_answers_alike(model: SearchModel, tmp_path: Path) -> None:
    settings = SearchSettings(index="hnsw")
    manifest = index_library(planted(), tmp_path / "ann", encoder="ngrams", settings=settings)
    dense = [channel for channel in manifest["channels"] if channel["spec"]["kind"] == "dense"]
    assert all(channel["recall"] == 1 for channel in dense)
    opened = SearchModel.open(tmp_path / "ann")
    approximate = [channel for channel in opened.channels if isinstance(channel, DenseChannel)]
    assert approximate and all(channel.ann is not None for channel in approximate)
    assert [recall_against_exact(c.ann) for c in approximate if c.ann] == [c.recall for c in approximate]
    assert sum("hnsw finds 100.0% of the exact best ten" in line for line in indexed(manifest)) == len(dense)
    assert [f.playlist_id for f in opened.search("rainy")] == [f.playlist_id for f in model.search("rainy")]


def test_a_query_needs_neither_torch_nor_polars_nor_scipy(folder: Path) -> None:
    code = (
        "import sys; from segue.systems.search_model import SearchModel;"
        f"assert SearchModel.open({str(folder)!r}).search('rainy');"
        "print([m for m in ('torch', 'polars', 'scipy', 'httpx', 'faiss') if m in sys.modules])"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    assert time.monotonic() - begin < 30
