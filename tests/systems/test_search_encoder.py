"""From pairs to an encoder tuned for search that finds more, says what it cost, and never saw what is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from models.tiny import tiny_folder
from segue.cli.app import app
from segue.encode.bundle import bundle_manifest
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError, SourceError, TrainingError
from segue.library import Library
from segue.library.searching import Click, Graded, SearchQuery, write_lines
from segue.library.supervision import Pairs
from segue.split.holdout import holdout
from segue.systems.search_drift import drift, random_similar, read_similar, spearman
from segue.systems.search_encoder import SearchScore, checkpoints_of, tune_in_memory, tune_search_encoder
from segue.systems.search_pairs import SearchPairs, clicked_pairs, search_pairs
from segue.train.graded import GradedSettings
from train.planted_titles import planted_library

QUICK: dict[str, Any] = {
    "epochs": 12,
    "lr": 2e-2,
    "batch_size": 20,
    "lora_rank": 8,
    "max_length": 16,
    "patience": None,
}
FORMS = ["{} songs", "{} music", "the {}", "{} of the 80s", "sunday {}"]


@pytest.fixture(scope="module")
def library() -> Library:
    return planted_library()


@pytest.fixture(scope="module")
def pairs(library: Library) -> SearchPairs:
    return search_pairs(library, neighbours=2, phrased=False)


@pytest.fixture(scope="module")
def planted() -> SearchPairs:
    """Ten words that each mean another one: only training can tell which, and what is asked is worded anew."""
    words = ["road", "trip", "summer", "chill", "rap", "metal", "jazz", "sad", "happy", "party"]
    means = {word: f"{words[(at + 3) % 10]} love" for at, word in enumerate(words)}
    assert all(word not in meaning for word, meaning in means.items())
    made = [(form.format(word), meaning) for form in FORMS for word, meaning in means.items()]
    train = Pairs(*zip(*made, strict=True), np.ones(len(made), np.float32))
    held = Pairs(tuple(f"{word} of rain" for word in words), tuple(means.values()), np.ones(10, np.float32))
    corpus = (*means.values(), *(f"{a} {b}" for a in words for b in ("rain", "sunday", "80s", "2017")))
    return SearchPairs(train, held, {"queries": len(made)}, {}, held.left, np.arange(10), corpus, {}, 10)


@pytest.fixture(scope="module")
def tuned(library: Library, planted: SearchPairs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "encoder"
    tune_search_encoder(library, planted, out, settings=GradedSettings(**QUICK), base_model=str(tiny_folder()))
    return out


def query(library: Library, row: int, text: str = "asked") -> SearchQuery:
    return SearchQuery(text, library.playlists["playlist_id"][row], "keyword", "test")


def test_pairs_stay_in_their_parts(library: Library, pairs: SearchPairs) -> None:
    split = holdout(library)
    rows = [split.train[0], split.validation[0], split.test[0]]
    asked = [query(library, int(row), f"asked about {i}") for i, row in enumerate(rows)]
    ids = library.playlists["playlist_id"].to_list()
    grades = [Graded("graded", ids[row], grade, "", "test") for row, grade in zip(rows, (3, 3, 3), strict=True)]
    grades += [Graded("graded", ids[split.train[1]], 0, "", "test")]
    found = search_pairs(library, queries=asked, grades=grades, metadata=False, phrased=False)
    assert found.sources == {"queries": 1, "grades": 2}
    assert set(found.train.left) == {"asked about 0", "graded"} and sorted(found.train.grades) == [0, 1, 1]
    assert "asked about 1" in found.held.left and found.queries == ("asked about 1",)
    assert found.left_out == {
        "queries about playlists of other parts or none": 1,
        "grades of playlists of other parts or none": 1,
    }
    everything = search_pairs(library, queries=asked, metadata=False, phrased=False, everything=True)
    assert set(everything.train.left) == {"asked about 0", "asked about 2"} and everything.part == "all"


def test_what_is_measured_is_never_trained_on(library: Library, pairs: SearchPairs) -> None:
    title = library.titles[int(holdout(library).train[0])]
    assert title in pairs.train.left
    found = search_pairs(library, neighbours=2, phrased=False, measured={title.upper() + "!"})
    assert title not in found.train.left and found.left_out["pairs that hold a query that is measured"] > 0
    from segue.views.playlist_text import PlaylistText

    with pytest.raises(InputError, match="descriptions cannot be trained on"):
        search_pairs(library, text=PlaylistText(("title", "description")))
    with pytest.raises(TrainingError, match="no pairs to tune on"):
        search_pairs(library, metadata=False, phrased=False)


def test_phrases_are_paired_with_their_playlists(library: Library) -> None:
    found = search_pairs(library, metadata=False)
    assert found.sources == {"phrases": len(found.train.left)} and len(found.train.left) > 100
    assert found.queries and set(found.queries) <= set(found.held.left)
    for query, text in zip(found.train.left, found.train.right, strict=True):
        theme = text.split(". ")[-1].split("-")[0]  # "artist 3-1, artist 3-4": the artists of a planted theme
        assert "artist " not in query or theme in query


def test_logs_of_searches_teach_training_playlists_alone(library: Library, tmp_path: Path) -> None:
    split, ids = holdout(library), library.playlists["playlist_id"].to_list()
    mine, others = ids[split.train[0]], ids[split.test[0]]
    clicks = [Click("rainy night", mine, at < 3, float(at)) for at in range(4)]
    clicks += [Click("rainy night", others, True, float(at)) for at in range(4)]
    write_lines(tmp_path / "log.jsonl", clicks)
    found, left_out = clicked_pairs(library, [tmp_path / "log.jsonl"])
    assert found.left == ("rainy night",) and sum(left_out.values()) == 4
    assert found.right[0].split(". ")[0] == library.titles[int(split.train[0])]
    both = search_pairs(library, clicks=found, neighbours=2, phrased=False)
    assert both.sources["clicks"] == 1 and "rainy night" in both.train.left and "rainy night" not in both.held.left


def test_ranks_are_a_loop() -> None:
    vectors = {"q": [1.0, 0], "r": [0, 1.0], "a": [1.0, 0], "b": [0.6, 0.8], "c": [0.6, 0.8]}

    class Table:
        d, fingerprint = 2, "table"

        def encode(self, texts: list[str], *, progress: object = None) -> np.ndarray:
            return np.array([vectors[text] for text in texts], np.float32)

    score = SearchScore(["q", "q", "r"], np.array([0, 1, 2]), ["a", "b", "c"])
    assert score.ranks(Table()).tolist() == [1, 3, 2]  # the tie counts against it
    assert score.mean(Table()) == pytest.approx((1 + (1 + 1 / 3 + 1 / 2) / 3) / 2)


def test_tuning_finds_more_and_says_what_it_did(library: Library, planted: SearchPairs, tuned: Path) -> None:
    manifest = bundle_manifest(tuned)
    assert manifest is not None and manifest["loss"] == "graded" and manifest["method"] == "lora"
    score = SearchScore(planted.queries, planted.truth, planted.corpus)
    before, after = SentenceEncoder.open(tiny_folder()), OnnxEncoder.open(tuned)
    assert score.mean(after) > 2 * score.mean(before)
    assert after.fingerprint == manifest["fingerprint"] != before.fingerprint
    best = manifest["history"][manifest["best_epoch"]]
    assert best["validation_metric"] == pytest.approx(score.mean(after), abs=0.02)
    counts = manifest["parameters"]
    assert 0 < counts["moving"] < counts["all"] and counts["moving"] % 8 == 0
    assert manifest["metrics"]["recall@10"]["mean"] > manifest["metrics"]["recall@10 of the base"]["mean"]
    assert manifest["drift"]["spearman_before_after"] < 1 and manifest["data"]["sources"] == {"queries": 50}
    names = set(manifest["files"])
    assert {"adapter/adapter_model.safetensors", "adapter/adapter_config.json", "onnx/model.onnx"} <= names
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names) and not checkpoints_of(tuned).exists()
    card = (tuned / "README.md").read_text()
    assert f"{counts['moving']:,} of {counts['all']:,}" in card and "{" not in card
    assert not any(title in card for title in set(library.titles)) and str(tiny_folder().parent) not in card


def test_pairs_of_metadata_name_what_playlists_hold(library: Library, pairs: SearchPairs) -> None:
    themes = {
        a: {artist.split()[1][0] for artist in b.split(". ")[-1].split(", ")}
        for a, b in zip(pairs.train.left, pairs.train.right, strict=True)
    }
    assert pairs.sources == {"metadata": len(pairs.train.left)} and all(len(found) == 1 for found in themes.values())
    assert set(pairs.queries) <= set(library.titles) and len(pairs.truth) == len(pairs.queries) > 20
    assert all(pairs.corpus[at] for at in pairs.truth)
    for text, vector in pairs.contents.items():
        assert text and np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_the_same_call_gives_the_same_bits_after_a_kill(
    library: Library, planted: SearchPairs, tuned: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"

    class Stop(Exception):
        pass

    def stop(done: int, total: int, note: str) -> None:
        if note.startswith("epoch 2"):
            raise Stop

    call = {"settings": GradedSettings(**QUICK), "base_model": str(tiny_folder())}
    with pytest.raises(Stop):
        tune_search_encoder(library, planted, out, progress=stop, **call)
    assert checkpoints_of(out).is_dir() and not out.exists()
    manifest = tune_search_encoder(library, planted, out, **call)
    assert manifest["fingerprint"] == (bundle_manifest(tuned) or {})["fingerprint"]
    for name in ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "model.safetensors"):
        assert (out / name).read_bytes() == (tuned / name).read_bytes(), name


def test_plain_pairs_and_a_validation_of_ones_own() -> None:
    words = ["road", "trip", "summer", "chill", "rap", "metal"]
    pairs = Pairs(tuple(words), tuple(f"{word} music" for word in words), np.ones(6, np.float32))
    asked = []

    def validate(encoder: Any) -> float:
        asked.append(encoder.encode(["road"]).shape)
        return -float(len(asked))  # each epoch is worse, so the first is kept

    settings = GradedSettings(**{**QUICK, "method": "full", "lr": 1e-3, "epochs": 3})
    found = tune_in_memory(pairs, settings=settings, base_model=str(tiny_folder()), validate=validate)
    assert found.trained.best == 1 and len(asked) == 4 and found.moving < found.parameters
    with pytest.raises(TrainingError, match="LoRA or with all weights"):
        tune_in_memory(pairs, settings=replace(settings, method="adapter"), base_model=str(tiny_folder()))


def test_spearman_is_the_correlation_of_ranks() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    for _ in range(5):
        a, b = rng.integers(0, 6, 30).astype(float), rng.normal(size=30)
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_drift_of_the_same_encoder_is_none_and_scores_are_read(tmp_path: Path) -> None:
    encoder = SentenceEncoder.open(tiny_folder())
    texts = [f"road {word} {i}" for i, word in enumerate(["rap", "metal", "jazz", "sad"] * 5)]
    same = drift(random_similar(texts), encoder, encoder)
    assert same["spearman_before_after"] == 1 and same["mean_change"] == 0 and same["loss_before"] is None
    assert same["n"] == 10
    file = tmp_path / "pairs.csv"
    file.write_text('\ufefftext_a,text_b,score\n"rap, and",rap,5\nrap,jazz,0\nsad,metal,2.5\n', "utf-8")
    read = read_similar(file)
    assert read.left[0] == "rap, and" and read.scores is not None and read.scores.tolist() == [5, 0, 2.5]
    found = drift(read, encoder, encoder)
    assert found["loss_before"] == found["loss_after"] and found["spearman_before"] is not None
    for text, reason in (
        ("a,b\n1,2\n", "lacks"),
        ("text_a,text_b,score\nx,y,no\nx,y,1\n", "line 2"),
        ("text_a,text_b\nx,y\n", "two"),
    ):
        file.write_text(text)
        with pytest.raises(SourceError, match=reason):
            read_similar(file)


def test_the_command(library: Library, tmp_path: Path) -> None:
    library.save(tmp_path / "library")
    split = holdout(library)
    rows = [*split.train[:40].tolist(), *split.validation[:10].tolist()]
    write_lines(tmp_path / "q.jsonl", [query(library, row, library.titles[row].split()[0]) for row in rows])
    given = [str(tmp_path / "library"), "-o", str(tmp_path / "e"), "--base-model", str(tiny_folder())]
    given += ["--queries", str(tmp_path / "q.jsonl"), "--pairs", "none", "--epochs", "1", "--batch-size", "8"]
    result = CliRunner().invoke(app, ["tune", *given, "--compare", "--rank", "2"])
    assert result.exit_code == 0, result.output
    assert "40 training pairs from queries" in result.stderr.replace("\n", " ")
    table = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    assert table["method"].split() == ["lora", "full"] and "%" in table["share of all"]
    assert bundle_manifest(tmp_path / "e-full") is not None
    result = CliRunner().invoke(app, ["tune", *given[:-2], "--queries", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2 and "none.jsonl" in result.stderr
    result = CliRunner().invoke(app, ["tune", *given, "--targets", "nowhere", "--restart", "--json"])
    assert result.exit_code == 2 and "no linear layer" in result.stderr
