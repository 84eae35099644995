from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.tiny import tiny_dense, tiny_folder, write_dense, write_plain, write_tiny
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


@pytest.mark.parametrize(
    "modules",
    [
        ("Transformer", "Pooling", "Dense", "Dense"),
        ("Transformer", "Pooling", "Normalize", "Dense"),
        ("Transformer", "Dense", "Pooling"),
        ("Transformer", "Pooling", "Dropout"),
        ("StaticEmbedding",),
        ("Transformer",),
        (),
    ],
)
def test_other_modules_are_refused(tmp_path: Path, modules: tuple[str, ...]) -> None:
    with pytest.raises(StoredDataError, match=r"modules\.json lists .*choose another encoder"):
        SentenceFolder.read(write_tiny(tmp_path, modules=modules))


def test_normalize_may_be_missing(tmp_path: Path) -> None:
    SentenceFolder.read(write_tiny(tmp_path, modules=("Transformer", "Pooling")))


def test_fingerprints_of_sentence_transformers_folders_stay_what_they_were() -> None:
    """Models on disk refuse an encoder of another fingerprint, so this number may never change."""
    assert SentenceFolder.read(tiny_folder()).fingerprint() == "31ac5e31d4cb88ac"


def test_a_linear_layer_is_read_and_counts(tmp_path: Path) -> None:
    described = SentenceFolder.read(tiny_dense())
    assert (described.dense, described.prefix, described.pooling) == ("2_Dense", None, "max")
    fingerprints = {described.fingerprint(), SentenceFolder.read(tiny_folder()).fingerprint()}
    folder = Path(shutil.copytree(tiny_dense(), tmp_path / "m"))
    assert SentenceFolder.read(folder).fingerprint() == described.fingerprint()
    write_dense(folder / "2_Dense", bias=False)
    fingerprints.add(SentenceFolder.read(folder).fingerprint())
    layer = load_file(folder / "2_Dense" / "model.safetensors")
    layer["linear.weight"] = np.nextafter(layer["linear.weight"], np.float32(9))
    save_file(layer, folder / "2_Dense" / "model.safetensors")
    fingerprints.add(SentenceFolder.read(folder).fingerprint())
    assert len(fingerprints) == 4


@pytest.mark.parametrize(
    "config",
    [
        {"activation_function": "torch.nn.modules.activation.Tanh"},
        {"activation_function": "somebody.linear.Identity"},
        {"use_residual": True},
        {"module_input_name": "token_embeddings"},
        {"module_output_name": "another"},
    ],
)
def test_what_is_more_than_linear_is_refused(tmp_path: Path, config: dict[str, object]) -> None:
    folder = Path(shutil.copytree(tiny_dense(), tmp_path / "m"))
    write_dense(folder / "2_Dense", **config)
    with pytest.raises(StoredDataError, match=r"2_Dense/config\.json .*choose another encoder"):
        SentenceFolder.read(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_linear_layer_without_its_files(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(tiny_dense(), tmp_path / "m"))
    (folder / "2_Dense" / name).rename(folder / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(StoredDataError, match=rf"2_Dense/{name} is missing"):
        SentenceFolder.read(folder)


@pytest.mark.parametrize("head", [True, False])
def test_a_plain_folder_has_the_fingerprint_of_its_base_model(tmp_path: Path, head: bool) -> None:
    """Neither the head, nor what config.json says about it, nor the kind of folder counts."""
    plain = SentenceFolder.read(write_plain(tmp_path, head=head))
    assert (plain.pooling, plain.prefix, plain.dense, plain.max_length) == ("mean", "bert", None, 80)
    assert plain.fingerprint() == SentenceFolder.read(tiny_folder()).fingerprint()
    assert SentenceFolder.read(write_plain(tmp_path, rng_key=1)).fingerprint() != plain.fingerprint()


def _edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("config", "tokenizer", "length"),
    [
        ({}, {"model_max_length": 40}, 40),
        ({}, {"model_max_length": 10**30}, 80),
        ({}, {"model_max_length": None}, 80),
        ({"max_position_embeddings": 20}, {}, 20),
        ({"model_type": "roberta", "pad_token_id": 1}, {}, 78),
        ({"model_type": "distilbert"}, {}, 80),
    ],
)
def test_how_much_a_plain_model_reads(
    tmp_path: Path, config: dict[str, object], tokenizer: dict[str, object], length: int
) -> None:
    folder = write_plain(tmp_path)
    _edit(folder / "config.json", **config)
    _edit(folder / "tokenizer_config.json", **tokenizer)
    assert SentenceFolder.read(folder).max_length == length


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "gpt2"}, "type 'gpt2'"),
        ({"model_type": None}, "type None"),
        ({"is_decoder": True}, "decoder"),
        ({"max_position_embeddings": "many"}, "damaged"),
        ({"max_position_embeddings": -5}, "damaged"),
    ],
)
def test_plain_folders_of_other_models_are_refused(tmp_path: Path, config: dict[str, object], said: str) -> None:
    folder = write_plain(tmp_path)
    _edit(folder / "config.json", **config)
    with pytest.raises(StoredDataError, match=rf"config\.json .*{said}"):
        SentenceFolder.read(folder)


def test_a_plain_folder_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = write_plain(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(StoredDataError, match=r"model\.safetensors is missing; .*pickle.* not read"):
        SentenceFolder.read(folder).fingerprint()


def test_an_adapter_beside_the_model_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(StoredDataError, match="merge it"):
        SentenceFolder.read(folder)


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
