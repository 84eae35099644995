from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from cluster.planted_themes import THEMES, ByFirstWord, themed
from models.tiny import tiny_plain
from segue.cluster.stability import adjusted_rand
from segue.encode.folder import SentenceFolder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError, MissingDependency, OutputError
from segue.library import Library
from segue.split.holdout import holdout, part_of
from segue.systems import theme_comparison
from segue.systems.theme_comparison import compare_themes
from segue.systems.theme_comparison_page import check_comparison_place, save_comparison, to_html
from segue.systems.theme_comparison_table import ComparedThemes, ComparisonSettings

LIBRARY, TRUTH = themed(200)


def _compare(library: Library = LIBRARY, scratch: Path = Path("unused"), **settings: Any) -> ComparedThemes:
    wanted = {"encoders": ("ngrams",), "k": len(THEMES), "n_runs": 2} | settings
    return compare_themes(library, ComparisonSettings(**wanted), scratch)


@pytest.fixture(scope="module")
def compared() -> ComparedThemes:
    return _compare(encoders=("ngrams", "fasttext"))


def _figures(compared: ComparedThemes) -> dict[str, Any]:
    """All but the time that it took and the library's name."""
    found = json.loads(json.dumps(compared.as_dict()))
    del found["library"]
    for part in (*found["rows"], *found["encoders"].values()):
        del part["cpu_s"]
    return found


def test_planted_themes_are_found_and_told_from_those_whose_titles_say_nothing(compared: ComparedThemes) -> None:
    """Track names say the theme; the titles of two of the eight do not."""
    rows = {(row.encoder, row.algorithm): row for row in compared.table}
    assert list(rows) == [(e, a) for e in ("ngrams", "fasttext") for a in ("kmeans", "dbscan", "hdbscan")]
    truth = TRUTH[compared.rows]
    for algorithm in ("kmeans", "hdbscan"):
        row = rows["ngrams", algorithm]
        assert adjusted_rand(compared.clusters["ngrams", algorithm], truth) == 1
        assert (row.n_clusters, row.noise, row.n_kept) == (8, 0, 6)
        assert row.kept == pytest.approx(100 * np.mean(truth < 6))
        assert row.silhouette is not None and row.silhouette > 0.5
        assert row.stability == row.stability_samples == 1
        assert row.match > 2 * row.match_by_chance


def test_the_match_is_that_of_the_titles(compared: ComparedThemes) -> None:
    """Counted again by hand: playlists that carry their theme's most frequent title."""
    truth, titles = TRUTH[compared.rows], [LIBRARY.titles[row] for row in compared.rows]
    best = 0
    for theme in range(len(THEMES)):
        mine = [title for title, t in zip(titles, truth, strict=True) if t == theme]
        best += max(mine.count(title) for title in mine)
    assert compared.table[0].match == pytest.approx(100 * best / len(titles))


def test_only_training_playlists_count(compared: ComparedThemes) -> None:
    """Whatever the others hold and are called, nothing changes."""
    split = holdout(LIBRARY)
    assert set(compared.rows.tolist()) == set(split.train.tolist())
    ids = LIBRARY.playlists["playlist_id"]
    held = [part_of(i) < 2 for i in ids.to_list()]
    titles = ["secret" if out else title for title, out in zip(LIBRARY.titles, held, strict=True)]
    others = Library(
        LIBRARY.tracks, pl.DataFrame({"playlist_id": ids, "title": titles}), LIBRARY.playlist_tracks, public=True
    )
    assert _figures(_compare(others, encoders=("ngrams", "fasttext"))) == _figures(compared)


def test_a_sample_is_taken_by_hash_and_grows() -> None:
    few, more = (_compare(algorithms=("kmeans",), sample=n) for n in (40, 80))
    assert len(few.rows) == 40 and len(more.rows) == 80
    assert set(few.rows.tolist()) < set(more.rows.tolist())
    assert (np.diff(few.rows) > 0).all()


def test_coverage_reads_fewer_tracks(compared: ComparedThemes) -> None:
    found = _compare(algorithms=("kmeans",), coverage=0.5)
    assert found.encoders["ngrams"]["n_texts"] < 0.6 * compared.encoders["ngrams"]["n_texts"]


def test_on_titles_a_playlist_without_one_belongs_nowhere() -> None:
    library, _ = themed(120, incoherent=(), rename=lambda i, title: " " if i % 5 == 0 else title)
    found = _compare(library, on="titles", algorithms=("kmeans",))
    blank = np.array([not library.titles[row].strip() for row in found.rows])
    assert blank.any() and found.encoders["ngrams"]["n_without_vector"] == blank.sum()
    np.testing.assert_array_equal(found.clusters["ngrams", "kmeans"] < 0, blank)
    assert found.table[0].noise == 0
    words = [library.titles[row].split()[0] for row in found.rows[~blank]]
    numbers = np.unique(words, return_inverse=True)[1]
    assert adjusted_rand(found.clusters["ngrams", "kmeans"][~blank], numbers) > 0.8


def test_clusters_by_chance_match_as_by_chance() -> None:
    """Where all titles are one, all match; with titles dealt out at random, no clusters are better than chance."""
    library, _ = themed(100, rename=lambda i, title: "one")
    row = _compare(library, algorithms=("kmeans",)).table[0]
    assert row.match == row.match_by_chance == 100
    rng = np.random.default_rng(0)
    library, _ = themed(400, rename=lambda i, title: f"title {rng.integers(5)}")
    row = _compare(library, algorithms=("kmeans",)).table[0]
    assert row.match == pytest.approx(row.match_by_chance, abs=6)
    assert row.match_by_chance > 25  # of five titles, the most frequent one in clusters of forty


def test_all_may_be_noise() -> None:
    found = _compare(algorithms=("dbscan",), eps=1e-3)
    row = found.table[0]
    assert (row.n_clusters, row.noise, row.n_kept, row.kept, row.match) == (0, 100, 0, 0, 0)
    assert row.silhouette is None and row.settings["eps"] == 1e-3
    assert to_html(found).count("<svg") == 1


def test_any_bert_folder_is_an_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str | None] = []

    def opened(library: Library, folder: Path, base_model: str | None, **_: Any) -> SentenceEncoder:
        asked.append(base_model)
        return SentenceEncoder.open(str(base_model), threads=1)

    monkeypatch.setattr(theme_comparison, "opened_base_model", opened)
    folder = str(tiny_plain())
    found = _compare(scratch=tmp_path, encoders=(folder,), algorithms=("kmeans",), sample=40)
    assert asked == [folder]
    assert found.encoders[folder]["fingerprint"] == SentenceFolder.read(folder).fingerprint()


def test_vectors_of_a_sentence_encoder_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[ByFirstWord] = []

    def opened(*_: Any, **__: Any) -> ByFirstWord:
        made.append(ByFirstWord())
        return made[-1]

    monkeypatch.setattr(theme_comparison, "opened_base_model", opened)
    settings = ComparisonSettings(encoders=("minilm",), algorithms=("kmeans",), k=8, n_runs=2, sample=60)
    first, second = (compare_themes(LIBRARY, settings, tmp_path / "s", cache=tmp_path / "c") for _ in range(2))
    assert len(made[0].asked) == len(set(made[0].asked)) > 0 and made[1].asked == []
    assert _figures(first) == _figures(second)


def test_what_is_written_is_what_was_found(compared: ComparedThemes, tmp_path: Path) -> None:
    as_json, page = save_comparison(compared, tmp_path / "out")
    assert json.loads(as_json.read_text()) == json.loads(json.dumps(compared.as_dict()))
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["kind"] == "segue theme comparison"
    written = page.read_text()
    save_comparison(compared, tmp_path / "out")
    assert page.read_text() == written
    assert written.count("<svg") == 2 and "<script" not in written and "http-equiv" in written
    for cell in [c for row in compared.cells() for c in row]:
        assert f"<td>{cell}</td>" in written
    ids = re.findall(r' id="([^"]+)"', written)
    assert len(ids) == len(set(ids)) and set(re.findall(r'xlink:href="#([^"]+)"', written)) <= set(ids)


def test_names_cannot_break_out_of_the_page(compared: ComparedThemes) -> None:
    name = "<script>alert(1)</script>\u202e"
    hostile = ComparedThemes(
        compared.settings,
        compared.library,
        compared.rows,
        {name: compared.encoders["ngrams"]},
        tuple(row.__class__(**(vars(row) | {"encoder": name})) for row in compared.table[:3]),
        {(name, a): compared.clusters["ngrams", a] for a in ("kmeans", "dbscan", "hdbscan")},
        {name: compared.maps["ngrams"]},
    )
    written = to_html(hostile)
    assert "<script" not in written and "\u202e" not in written and "&lt;script&gt;" in written


def test_other_folders_are_not_replaced(compared: ComparedThemes, tmp_path: Path) -> None:
    LIBRARY.save(tmp_path / "library")
    with pytest.raises(OutputError, match="segue library"):
        check_comparison_place(tmp_path / "library")
    with pytest.raises(OutputError, match="segue library"):
        save_comparison(compared, tmp_path / "library")
    Library.load(tmp_path / "library")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoders": ("bert",)}, "no encoder 'bert'; there are ngrams, fasttext, minilm"),
        ({"algorithms": ("optics",)}, "no algorithm 'optics'; there are kmeans, dbscan, hdbscan"),
        ({"encoders": ()}, "name an encoder"),
        ({"sample": 1}, "sample is 1; it must be at least 2"),
        ({"k": 0}, "k is 0"),
        ({"coverage": 0.0}, "coverage is 0"),
        ({"eps": 0.0}, "eps is 0; it must be a distance above 0"),
        ({"eps": float("nan")}, "eps is nan"),
        ({"min_samples": 0}, "min_samples is 0"),
        ({"min_cluster_size": 1}, "min_cluster_size is 1"),
        ({"n_runs": 1}, "n_runs is 1"),
        ({"min_match": 100.0}, "min_match is 100 percent"),
        ({"rng_key": -1}, "rng_key is -1"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ComparisonSettings(**settings)


def test_too_few_playlists_and_too_many_clusters() -> None:
    for n in (0, 1):
        with pytest.raises(InputError, match="at least 2 training playlists"):
            _compare(LIBRARY.select_playlists(holdout(LIBRARY).train[:n]))
    with pytest.raises(InputError, match="500 clusters cannot be made"):
        _compare(k=500)
    empty = LIBRARY.playlist_tracks.select([])
    nothing = Library(LIBRARY.tracks, LIBRARY.playlists[:0], empty)
    with pytest.raises(InputError, match="at least 2 training playlists"):
        _compare(nothing)


@pytest.mark.parametrize(("module", "said"), [("gensim", "FastText"), ("openTSNE", "maps of playlists")])
def test_what_is_not_installed_is_said_before_any_work(
    module: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        return None if name == module else object()

    def work(*_: Any) -> NDArray[np.int32]:
        raise AssertionError("work was begun")

    monkeypatch.setattr(theme_comparison, "find_spec", absent)
    monkeypatch.setattr(theme_comparison, "_sampled", work)
    with pytest.raises(MissingDependency, match=f"{said} needs the extra 'compare'"):
        _compare(encoders=("ngrams", "fasttext"))


def test_progress_names_what_is_done() -> None:
    seen: list[tuple[int, int, str]] = []
    settings = ComparisonSettings(encoders=("ngrams",), algorithms=("kmeans",), k=8, n_runs=2)

    def progress(done: int, total: int, what: str) -> None:
        seen.append((done, total, what))

    compare_themes(LIBRARY, settings, Path("unused"), progress=progress)
    said: Sequence[str] = [what for _, _, what in seen]
    assert "ngrams: kmeans" in said and "drawing a map" in said
    assert all(done <= total for done, total, what in seen if "distinct" not in what)
