"""A search model that learnt how queries are read finds what shared letters cannot tell; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from segue.cli.app import app
from segue.errors import InputError, TrainingError
from segue.library import Library
from segue.library.searching import SearchQuery
from segue.split.holdout import holdout
from segue.systems.playlist_search import index_library
from segue.systems.search_map import training_queries, with_query_maps
from segue.systems.search_model import SearchModel
from segue.systems.search_phrases import PHRASES, phrases
from segue.systems.search_settings import ChannelSpec, SearchSettings
from segue.train.query_map import MapSettings
from segue.views.playlist_text import PlaylistText
from train.planted_titles import planted_library, theme_of

CHANNELS = (
    ChannelSpec("artists", "dense", PlaylistText(("artists",))),
    ChannelSpec("words", "bm25", PlaylistText(("title",))),
)


@pytest.fixture(scope="module")
def library() -> Library:
    return planted_library()


@pytest.fixture(scope="module")
def folder(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("search") / "model"
    index_library(library, out, encoder="ngrams", settings=SearchSettings(channels=CHANNELS))
    return out


def titles(library: Library, rows: np.ndarray) -> list[SearchQuery]:
    ids = library.playlists["playlist_id"].to_list()
    return [SearchQuery(library.titles[row], ids[row], "natural", "test") for row in rows.tolist()]


def right_theme(model: SearchModel, library: Library, rows: np.ndarray) -> float:
    """Share of the first five playlists by the artists' channel that are of the title's theme."""
    channel = next(c for c in model.channels if c.spec.name == "artists")
    found = []
    for row in rows.tolist():
        best = channel.best(channel.look(model.ask(library.titles[row])), 5, None)  # type: ignore[arg-type]
        found += [theme_of(library, other) == theme_of(library, row) for other in best.tolist()]
    return float(np.mean(found))


def test_words_that_mean_artists_are_learnt(library: Library, folder: Path) -> None:
    split = holdout(library)
    model = SearchModel.open(folder)
    quick = MapSettings(epochs=12, batch_size=64, lr=2e-2, pull=0.001)
    mapped = with_query_maps(model, library, titles(library, split.train), settings=quick)
    asked = np.concatenate([split.validation, split.test])
    before, after = right_theme(model, library, asked), right_theme(mapped, library, asked)
    assert before < 0.35 and after > 0.7, (before, after)
    words = [c for c in mapped.channels if c.spec.kind == "bm25"]
    assert [c.fingerprint for c in words] == [c.fingerprint for c in model.channels if c.spec.kind == "bm25"]
    assert mapped.fingerprint != model.fingerprint
    for old, new in zip(model.channels, mapped.channels, strict=True):
        if hasattr(old, "vectors"):
            assert np.array_equal(old.vectors, new.vectors)  # type: ignore[union-attr]


def test_a_mapped_model_is_kept_by_its_folder(library: Library, folder: Path, tmp_path: Path) -> None:
    mapped = with_query_maps(SearchModel.open(folder), library, titles(library, holdout(library).train))
    mapped.save(tmp_path / "mapped")
    again = SearchModel.open(tmp_path / "mapped")
    query = library.titles[0]
    assert np.array_equal(again.rank(query).rows, mapped.rank(query).rows)
    assert again.fingerprint == mapped.fingerprint


def test_phrases_hold_neither_titles_nor_descriptions(library: Library) -> None:
    rows = holdout(library).train[:80]
    made = phrases(library, rows, each=2)
    assert made == phrases(library, rows, each=2) != phrases(library, rows, each=2, rng_key=1)
    ids = library.playlists["playlist_id"].to_list()
    assert {query.by for query in made} == {PHRASES} and {q.playlist_id for q in made} <= {ids[row] for row in rows}
    assert len(made) > 40 and not {q.query for q in made} & set(library.titles)


def test_only_training_playlists_teach(library: Library, folder: Path) -> None:
    split = holdout(library)
    asked = training_queries(library, titles(library, np.arange(library.n_playlists)))
    ids = library.playlists["playlist_id"].to_list()
    assert {q.playlist_id for q in asked} == {ids[row] for row in split.train}
    with pytest.raises(TrainingError, match="no query is about a training playlist"):
        training_queries(library, titles(library, split.test))
    model = SearchModel.open(folder)
    with pytest.raises(TrainingError, match="two playlists"):
        with_query_maps(model, library, titles(library, split.train[:1]))
    with pytest.raises(InputError, match="of another library"):
        with_query_maps(model, library.select_playlists(split.train), titles(library, split.train))


def test_the_command(library: Library, folder: Path, tmp_path: Path) -> None:
    library.save(tmp_path / "library")
    given = ["tune", str(tmp_path / "library"), "--method", "map", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 2 and "give it with -m" in result.stderr
    result = CliRunner().invoke(app, [*given, "-m", str(folder)])
    assert result.exit_code == 0, result.output
    assert f"queries by {PHRASES}" in result.stderr
    assert SearchModel.open(tmp_path / "out").fingerprint != SearchModel.open(folder).fingerprint
