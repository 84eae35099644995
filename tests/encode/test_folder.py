from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.tiny import tiny_folder, write_tiny
from segue.encode.folder import SentenceFolder
from segue.encode.locate import base_model_folder
from segue.errors import InputError, MissingDependency, StoredDataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder(), tmp_path / "model"))


def test_reads_what_matters(folder: Path) -> None:
    described = SentenceFolder.read(folder)
    assert (described.pooling, described.max_length) == ("mean", 72)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len_tokens"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["mean"]}, "mean"),
    ],
)
def test_ways_of_pooling(tmp_path: Path, config: dict[str, object], pooling: str) -> None:
    assert SentenceFolder.read(write_tiny(tmp_path, pooling=config)).pooling == pooling


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_lasttoken": True},
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        {"pooling_mode_mean_tokens": False},
        {"pooling_mode": "weightedmean"},
        {},
    ],
)
def test_other_pooling_is_refused(tmp_path: Path, config: dict[str, object]) -> None:
    with pytest.raises(StoredDataError, match=r"1_Pooling/config\.json pools by .*choose another encoder"):
        SentenceFolder.read(write_tiny(tmp_path, pooling=config))


@pytest.mark.parametrize("modules", [("Transformer", "Pooling", "Dense"), ("StaticEmbedding",), ("Transformer",), ()])
def test_other_modules_are_refused(tmp_path: Path, modules: tuple[str, ...]) -> None:
    with pytest.raises(StoredDataError, match=r"modules\.json lists .*choose another encoder"):
        SentenceFolder.read(write_tiny(tmp_path, modules=modules))


def test_normalize_may_be_missing(tmp_path: Path) -> None:
    SentenceFolder.read(write_tiny(tmp_path, modules=("Transformer", "Pooling")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", None),
        ("modules.json", "{}"),
        ("modules.json", "["),
        ("tokenizer.json", None),
        ("1_Pooling/config.json", None),
        ("1_Pooling/config.json", "[]"),
        ("config_sentence_transformers.json", '{"default_prompt_name": "query"}'),
    ],
)
def test_damage_is_named(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(StoredDataError, match=Path(name).name):
        SentenceFolder.read(folder)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(StoredDataError, match="not a sentence-transformers folder"):
        SentenceFolder.read(tmp_path / "nothing")


def test_fingerprint_is_of_the_content(folder: Path, tmp_path: Path) -> None:
    original = SentenceFolder.read(tiny_folder()).fingerprint()
    assert SentenceFolder.read(folder).fingerprint() == original
    weights = load_file(folder / "model.safetensors")
    save_file(dict(reversed(weights.items())), folder / "model.safetensors", {"format": "pt", "note": "another"})
    assert SentenceFolder.read(folder).fingerprint() == original

    assert SentenceFolder.read(folder).fingerprint(max_length=8) != original
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + "\n")
    assert SentenceFolder.read(folder).fingerprint() != original
    assert SentenceFolder.read(write_tiny(tmp_path / "other", rng_key=1)).fingerprint() != original
    cls = write_tiny(tmp_path / "cls", pooling={"pooling_mode": "cls"})
    assert SentenceFolder.read(cls).fingerprint() != original


def test_one_changed_number_changes_the_fingerprint(folder: Path) -> None:
    before = SentenceFolder.read(folder).fingerprint()
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.bias"] = weights["encoder.layer.1.output.dense.bias"] + np.float32(1e-6)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert SentenceFolder.read(folder).fingerprint() != before


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -50])
def test_damaged_weights(folder: Path, keep: int) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:keep])
    with pytest.raises(StoredDataError, match=r"model\.safetensors is damaged"):
        SentenceFolder.read(folder).fingerprint()


def test_missing_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(StoredDataError, match=r"model\.safetensors is missing"):
        SentenceFolder.read(folder).fingerprint()


def test_sharded_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    before = SentenceFolder.read(folder).fingerprint()
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for i, part in enumerate((names[:5], names[5:]), 1):
        save_file({n: weights[n] for n in part}, folder / f"model-0000{i}-of-00002.safetensors")
    assert SentenceFolder.read(folder).fingerprint() == before


def test_locate_a_path(folder: Path) -> None:
    assert base_model_folder(str(folder)) == folder


def test_locate_by_name_in_the_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(InputError, match="hf download someone/tiny"):
        base_model_folder("someone/tiny")
    repo = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(folder, repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    assert base_model_folder("someone/tiny") == repo / "snapshots" / "abc"


def test_locate_falls_back_to_the_package_or_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.encode.locate._cached", lambda name: None)
    monkeypatch.setattr("segue.encode.locate._PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(MissingDependency, match="extra 'bundled'"):
        base_model_folder()
    with pytest.raises(InputError, match="no folder /nowhere"):
        base_model_folder("/nowhere/at/all")
    (tmp_path / "carrier" / "model").mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").touch()
    (tmp_path / "carrier" / "model" / "modules.json").write_text(json.dumps([]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("segue.encode.locate._PACKAGE", "carrier")
    assert base_model_folder() == base_model_folder("all-MiniLM-L6-v2") == tmp_path / "carrier" / "model"
