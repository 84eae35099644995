"""From a library to a fine-tuned encoder that helps, that can be trusted, and that says what was done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.tiny import tiny_folder
from segue.encode.bundle import bundle_manifest
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError, OutputError, StoredDataError, TrainingError
from segue.library import Library
from segue.library.themes import Themes
from segue.recommend.nearest import PublishedRecipe
from segue.split.holdout import holdout
from segue.split.stratified import stratified
from segue.systems.builds import train_model
from segue.systems.model import Model
from segue.systems.recipe_score import RecipeScore
from segue.systems.supervision import TitledPlaylists, artist_queries, overlaps
from segue.systems.title_encoder import checkpoints_of, finetune_encoder, tune
from segue.systems.title_vote import Held, score_titles
from segue.train.effect import measured, neighbours_kept
from segue.train.settings import FinetuneSettings, Loss, preset
from systems.trained import QUICK
from train.planted_titles import planted_library, theme_of

SETTINGS: dict[Loss, dict[str, Any]] = {
    "votes": {"epochs": 6, "lr": 2e-3, "batch_size": 32},
    "contrastive": {"epochs": 6, "lr": 2e-3, "batch_size": 32, "neighbours": 5},
    "cross_entropy": {"epochs": 15, "lr": 3e-3, "lr_own": 3e-2, "batch_size": 16, "patience": None},
    "triplet": {"epochs": 8, "lr": 1e-3, "batch_size": 32},
}


def settings_of(loss: Loss, **more: Any) -> FinetuneSettings:
    return preset("fast", loss).changed(freeze_embeddings=False, **{**SETTINGS[loss], **more})


@pytest.fixture(scope="module")
def library() -> Library:
    return planted_library()


@pytest.fixture(scope="module")
def themes(library: Library) -> Themes:
    """The planted themes of the training playlists, split as the command does it."""
    cluster = np.full(library.n_playlists, -1, np.int32)
    train = holdout(library).train
    cluster[train] = [theme_of(library, row) for row in train.tolist()]
    part = stratified(cluster, library.playlists["playlist_id"].to_list())
    k = int(cluster.max()) + 1
    names = tuple(f"theme {i}" for i in range(k))
    return Themes(
        cluster, part, np.ones(k, bool), names, np.ones(k, np.float32), library.fingerprint, {"part": "train"}
    )


@pytest.fixture(scope="module")
def bundle(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "votes"
    finetune_encoder(library, out, settings=settings_of("votes"), base_model=str(tiny_folder()))
    return out


@pytest.mark.parametrize("loss", ["votes", "contrastive", "cross_entropy", "triplet"])
def test_planted_titles_are_learnt(loss: Loss, library: Library, themes: Themes) -> None:
    """The pretrained encoder cannot know what nonsense means; test playlists say whether it was learnt."""
    wanted = themes if loss in ("cross_entropy", "triplet") else None
    found = tune(library, settings=settings_of(loss), themes=wanted, base_model=str(tiny_folder()))
    split = holdout(library)
    score = RecipeScore.of(library, split.train, split.test, k=15)
    before, after = score.mean(SentenceEncoder.open(tiny_folder())), score.mean(found.model)
    assert after > before + 0.1, (before, after)


@pytest.mark.slow
def test_planted_titles_are_learnt_by_the_bundled_encoder(library: Library) -> None:
    started = time.process_time()
    settings = preset("fast", "votes").changed(epochs=4, batch_size=32, lr=2e-4)
    found = tune(library, settings=settings)
    split = holdout(library)
    score = RecipeScore.of(library, split.train, split.test, k=15)
    before, after = score.mean(SentenceEncoder.open(_bundled())), score.mean(found.model)
    assert after > before + 0.02, (before, after)  # letters alone say something to it, and 0.72 is all there is
    assert time.process_time() - started < 120


def _bundled() -> Path:
    from segue.encode.locate import base_model_folder

    return base_model_folder()


@pytest.mark.parametrize("method", ["lora", "adapter"])
def test_methods_give_bundles_that_open_everywhere(method: str, library: Library, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    settings = settings_of("votes", method=method, epochs=2, lr=5e-3)
    manifest = finetune_encoder(library, tmp_path / "e", settings=settings, base_model=str(tiny_folder()))
    ours = OnnxEncoder.open(tmp_path / "e").encode(["vek aei", "", "oue mul"])
    theirs = SentenceTransformer(str(tmp_path / "e"), device="cpu").encode(["vek aei", "", "oue mul"])
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
    assert manifest["method"] == method and manifest["effect"]["changed_tensors"] >= 1
    assert (tmp_path / "e" / "2_Dense").exists() == (method == "adapter")


def test_a_bundle_opens_in_plain_sentence_transformers_and_here(bundle: Path) -> None:
    from sentence_transformers import SentenceTransformer

    titles = ["vek aei", "mul", "🌧", "x" * 300, ""]
    by_torch = SentenceEncoder.open(bundle)
    by_onnx = OnnxEncoder.open(bundle)
    manifest = bundle_manifest(bundle)
    assert manifest is not None
    assert by_torch.fingerprint == by_onnx.fingerprint == manifest["fingerprint"]
    np.testing.assert_allclose(by_torch.encode(titles), by_onnx.encode(titles), atol=1e-4)
    theirs = SentenceTransformer(str(bundle), device="cpu").encode(titles)
    np.testing.assert_allclose(theirs, by_onnx.encode(titles), atol=1e-4)


def test_a_bundle_says_what_it_is(bundle: Path, library: Library) -> None:
    manifest = bundle_manifest(bundle)
    assert manifest is not None
    assert manifest["data"]["library"] == library.fingerprint and manifest["data"]["part"] == "train"
    assert manifest["data"]["n_playlists"] == len(holdout(library).train)
    assert manifest["base"]["fingerprint"] != manifest["fingerprint"]
    assert set(manifest["files"]) >= {
        "model.safetensors",
        "onnx/model.onnx",
        "README.md",
        "losses.svg",
        "tokenizer.json",
    }
    for epoch in manifest["history"][1:]:
        assert {
            epoch[k] is not None for k in ("train_loss", "validation_loss", "validation_metric", "train_metric")
        } == {True}
        assert epoch["titles_per_cpu_s"] > 0
    best = {e["epoch"]: e["validation_metric"] for e in manifest["history"]}
    assert best[manifest["best_epoch"]] == max(v for k, v in best.items() if k)
    found = manifest["metrics"]["ndcg@500"]
    assert found["low"] <= found["mean"] <= found["high"]
    assert found["mean"] == pytest.approx(best[manifest["best_epoch"]], abs=1e-3)
    effect = manifest["effect"]
    assert effect["changed_tensors"] > 10 and 0 < effect["mean_cosine"] < 0.999 and effect["neighbours_kept"] < 0.95
    assert all(file.stat().st_mode & 0o044 for file in bundle.rglob("*")), "others may read it"
    card = (bundle / "README.md").read_text()
    for word in (
        "license:",
        "For what, and for what not",
        manifest["fingerprint"],
        "Validation".lower(),
        library.fingerprint,
    ):
        assert word in card
    assert not any(title in card for title in library.titles if len(title) > 3), (
        "a title of a playlist is in the card"
    )
    assert (bundle / "losses.svg").read_text().startswith("<svg")


def test_a_model_on_a_bundle_and_none_on_other_vectors(bundle: Path, library: Library, tmp_path: Path) -> None:
    """Vectors of another encoder than the folder's do not load: the published puzzle cannot happen unseen."""
    train_model(library, tmp_path / "tuned", base_model=str(bundle), settings=QUICK)
    train_model(library, tmp_path / "plain", base_model=str(tiny_folder()), settings=QUICK)
    assert len(Model.load(tmp_path / "tuned").recommender.recommend(_query("vek"), 5)) == 5
    (tmp_path / "tuned" / "encoder").rename(tmp_path / "kept")
    (tmp_path / "plain" / "encoder").rename(tmp_path / "tuned" / "encoder")
    with pytest.raises(StoredDataError, match="encoder"):
        Model.load(tmp_path / "tuned")


def _query(title: str) -> Any:
    from segue.library import Query

    return Query(title)


def test_held_out_playlists_shape_nothing(library: Library) -> None:
    """Other test playlists, and other tracks in validation playlists: the same weights."""
    split = holdout(library)
    rng = np.random.default_rng(5)
    rows = [library.playlist_tracks.row(row) for row in range(library.n_playlists)]
    for row in [*split.test.tolist(), *split.validation.tolist()]:
        rows[row] = rng.choice(library.n_tracks, 5, replace=False).astype(np.int32)
    from segue.library import Interactions

    titles = library.titles
    for row in split.test.tolist():
        titles[row] = "another title"
    other = replace(
        library,
        playlists=library.playlists.with_columns(pl.Series("title", titles)),
        playlist_tracks=Interactions.of(rows, n_columns=library.n_tracks),
    )
    # one epoch, so that validation has nothing to choose
    settings = settings_of("votes", epochs=1)
    one, two = (tune(each, settings=settings, base_model=str(tiny_folder())) for each in (library, other))
    assert one.model.fingerprint == two.model.fingerprint
    assert library.fingerprint != other.fingerprint


def test_the_score_is_that_of_the_recipe(library: Library) -> None:
    split = holdout(library)
    encoder = SentenceEncoder.open(tiny_folder())
    score = RecipeScore.of(library, split.train, split.validation)
    recipe = PublishedRecipe.fitted(library.select_playlists(split.train), encoder)
    assert score.mean(encoder) == pytest.approx(score_titles(recipe, library, Held(split.validation, {})), abs=1e-9)
    with pytest.raises(ValueError, match="may not vote"):
        RecipeScore.of(library, split.train, split.train[:3])


SCRIPT = """
import sys
from pathlib import Path
from segue.library import Library
from segue.systems.title_encoder import finetune_encoder
from segue.train import loop
from segue.train.settings import preset
loop._CHECKPOINT_S = 0.0
library, base, out = map(Path, sys.argv[1:])
settings = preset("fast", "votes").changed(epochs=3, lr=2e-3, batch_size=16, freeze_embeddings=False)
def said(done, total, note):
    print(done, flush=True)
manifest = finetune_encoder(Library.load(library), out, settings=settings, base_model=str(base), progress=said)
print("done", manifest["fingerprint"])
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_weights(library: Library, tmp_path: Path) -> None:
    library.save(tmp_path / "library")

    def start(out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SCRIPT, tmp_path / "library", tiny_folder(), out]
        return subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )

    killed = start(tmp_path / "killed")
    assert killed.stdout is not None
    for line in killed.stdout:
        if line.strip() == "20":
            killed.send_signal(signal.SIGKILL)
            break
    killed.stdout.close()
    killed.wait()
    assert not (tmp_path / "killed").exists()
    assert json.loads((checkpoints_of(tmp_path / "killed") / "state.json").read_text())["step"] >= 19
    ended = [start(tmp_path / name).communicate(timeout=300)[0].splitlines()[-1] for name in ("killed", "whole")]
    assert ended[0].startswith("done ") and ended[0] == ended[1]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("killed", "whole")]
    assert weights[0] == weights[1]
    assert not checkpoints_of(tmp_path / "killed").exists()


def test_a_rate_of_zero_is_an_error_and_writes_nothing(library: Library, tmp_path: Path) -> None:
    settings = settings_of("votes", lr=0.0, epochs=1)
    with pytest.raises(TrainingError, match="no parameter moved"):
        finetune_encoder(library, tmp_path / "e", settings=settings, base_model=str(tiny_folder()))
    assert not (tmp_path / "e").exists()


def test_what_no_title_is_encoded_with_is_no_training(library: Library, tmp_path: Path) -> None:
    """Tensors that mean pooling does not read may move as they like: the law asks for vectors that differ."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(tiny_folder() / "model.safetensors")
    tensors["pooler.dense.weight"] = tensors["pooler.dense.weight"] + 1
    shutil.copytree(tiny_folder(), tmp_path / "pooler")
    save_file(tensors, tmp_path / "pooler" / "model.safetensors", {"format": "pt"})
    titles = library.titles[:50]
    before, after = (SentenceEncoder.open(f).encode(titles) for f in (tiny_folder(), tmp_path / "pooler"))
    effect = measured(tiny_folder(), tmp_path / "pooler", before, after)
    assert effect.changed_tensors == 1 and effect.neighbours_kept == 1
    with pytest.raises(TrainingError, match="no title's vector did"):
        effect.check()


def test_a_rate_that_is_too_high_says_so(library: Library, tmp_path: Path) -> None:
    settings = settings_of("votes", lr=1e30, epochs=2, warmup=0.0)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        finetune_encoder(library, tmp_path / "e", settings=settings, base_model=str(tiny_folder()))
    assert not (tmp_path / "e").exists()


def _titled(library: Library, titles: list[str]) -> Library:
    return replace(library, playlists=library.playlists.with_columns(pl.Series("title", titles)))


def test_bad_libraries(library: Library, themes: Themes, tmp_path: Path) -> None:
    out, base = tmp_path / "e", str(tiny_folder())
    without = _titled(library, [""] * library.n_playlists)
    with pytest.raises(TrainingError, match="there are 0"):
        finetune_encoder(without, out, settings=settings_of("votes"), base_model=base)
    one = library.select_playlists(holdout(library).train[:1].tolist())
    with pytest.raises(TrainingError, match="there are 1"):
        finetune_encoder(one, out, settings=settings_of("contrastive"), base_model=base)
    with pytest.raises(InputError, match="segue themes"):
        finetune_encoder(library, out, settings=settings_of("triplet"), base_model=base)
    with pytest.raises(InputError, match="another library"):
        finetune_encoder(without, out, settings=settings_of("triplet"), themes=themes, base_model=base)
    none = replace(themes, kept=np.zeros(themes.k, bool), part=np.full(len(themes.part), -1, np.int8))
    with pytest.raises(InputError, match="no theme was kept"):
        finetune_encoder(library, out, settings=settings_of("cross_entropy"), themes=none, base_model=base)
    seen = replace(themes, settings={"part": "all"})
    with pytest.raises(InputError, match="--all"):
        finetune_encoder(library, out, settings=settings_of("cross_entropy"), themes=seen, base_model=base)
    assert not out.exists()


def test_identical_titles_end_in_something_defined(library: Library) -> None:
    same = _titled(library, ["mul"] * library.n_playlists)
    found = tune(same, settings=settings_of("votes", epochs=1), base_model=str(tiny_folder()))
    assert len(found.data.train.texts) == 1 and found.trained.best == 1


def test_hostile_titles_are_trained_on(library: Library) -> None:
    hostile = ["", "\x00", "🌧", "\u202eabc", "x" * 10_240, "'; DROP TABLE", "a\nb", "{fingerprint}", "<script>"]
    titles = [hostile[row % len(hostile)] for row in range(library.n_playlists)]
    found = tune(_titled(library, titles), settings=settings_of("votes", epochs=1), base_model=str(tiny_folder()))
    assert len(found.data.train.texts) == len(hostile) - 1
    assert np.isfinite(found.model.encode([*hostile, "\ud800"])).all()


def test_other_folders_are_not_overwritten(library: Library, bundle: Path, tmp_path: Path) -> None:
    library.save(tmp_path / "library")
    with pytest.raises(OutputError, match="not a segue encoder"):
        finetune_encoder(library, tmp_path / "library", settings=settings_of("votes"), base_model=str(tiny_folder()))
    with pytest.raises(StoredDataError, match="not an encoder"):
        bundle_manifest(tmp_path / "library")


def test_everything_learns_from_everything(library: Library) -> None:
    found = tune(library, settings=settings_of("votes", epochs=1), base_model=str(tiny_folder()), everything=True)
    assert len(found.data.train) == library.n_playlists and found.data.validation is None
    assert found.trained.history[-1].validation_metric is None


def test_names_of_artists_are_queries(library: Library) -> None:
    settings = settings_of("votes", artists=3)
    found = artist_queries(library, holdout(library).train, settings)
    assert found is not None and len(found.titles) == 30
    names = library.artist_names
    for title, tracks in zip(found.titles, range(found.playlist_tracks.n_rows), strict=True):
        assert {names[library.artist_rows[t]] for t in found.playlist_tracks.row(tracks).tolist()} == {title}
    assert artist_queries(library, holdout(library).train, settings.changed(artists=10_000)) is None


def test_overlaps_are_the_most_similar_playlists(library: Library) -> None:
    settings = settings_of("contrastive")
    train = TitledPlaylists.of(library, holdout(library).train, settings)
    held = TitledPlaylists.of(library, holdout(library).validation, settings)
    near, held_near = overlaps(library, train, held, settings)
    for place, row in enumerate(train.rows[:20].tolist()):
        found = near.neighbours.row(place)
        assert place not in found and len(found) == settings.neighbours
        assert {theme_of(library, int(train.rows[i])) for i in found.tolist()} == {theme_of(library, row)}
        weights = near.similarity[near.neighbours.indptr[place] : near.neighbours.indptr[place + 1]]
        assert (np.diff(weights) <= 1e-7).all()
    assert held_near is not None
    for place, row in enumerate(held.rows.tolist()):
        assert theme_of(library, int(train.rows[held_near.neighbours.row(place)[0]])) == theme_of(library, row)


def test_large_libraries_are_sampled(library: Library) -> None:
    found = TitledPlaylists.of(library, holdout(library).train, settings_of("votes", max_playlists=50))
    again = TitledPlaylists.of(library, holdout(library).train, settings_of("votes", max_playlists=50))
    assert len(found) == 50 and np.array_equal(found.rows, again.rows)
    assert (np.diff(found.rows) > 0).all()


def test_neighbours_kept_is_a_share() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 8)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = rng.standard_normal((40, 8)).astype(np.float32)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    assert neighbours_kept(x, x, 5) == 1
    assert 0 <= neighbours_kept(x, y, 5) < 0.4
    assert neighbours_kept(x[:1], x[:1], 5) == 1
