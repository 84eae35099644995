from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from contracts.encoder import HOSTILE, TEXTS, EncoderContract
from models.tiny import (
    DENSE_D,
    VOCABULARY,
    D,
    exported,
    tiny_dense,
    tiny_exported,
    tiny_folder,
    tiny_plain,
    write_plain,
    write_tiny,
)
from segue.encode.base import unit_rows
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import StoredDataError


@pytest.fixture(scope="module")
def by_torch() -> SentenceEncoder:
    return SentenceEncoder.open(tiny_folder(), threads=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    """The same without a Normalize module, as nothing but Segue scales the vectors of a plain folder."""
    folder = write_tiny(tmp_path_factory.mktemp("base"), modules=("Transformer", "Pooling"))
    return SentenceEncoder.open(folder, threads=1)


class TestSentenceContract(EncoderContract):
    @pytest.fixture
    def encoder(self, by_torch: SentenceEncoder) -> SentenceEncoder:
        return by_torch

    @pytest.fixture
    def same(self) -> SentenceEncoder:
        return SentenceEncoder.open(tiny_folder(), threads=1)


class TestOnnxContract(EncoderContract):
    @pytest.fixture
    def encoder(self) -> OnnxEncoder:
        return OnnxEncoder.open(tiny_exported())

    @pytest.fixture
    def same(self) -> OnnxEncoder:
        return OnnxEncoder.open(tiny_exported())


class TestDenseContract(EncoderContract):
    @pytest.fixture
    def encoder(self) -> SentenceEncoder:
        return SentenceEncoder.open(tiny_dense(), threads=1)


class TestDenseOnnxContract(EncoderContract):
    @pytest.fixture
    def encoder(self) -> OnnxEncoder:
        return OnnxEncoder.open(exported(tiny_dense()))


class TestPlainContract(EncoderContract):
    @pytest.fixture
    def encoder(self) -> SentenceEncoder:
        return SentenceEncoder.open(tiny_plain(), threads=1)


class TestPlainOnnxContract(EncoderContract):
    @pytest.fixture
    def encoder(self) -> OnnxEncoder:
        return OnnxEncoder.open(exported(tiny_plain()))


@pytest.mark.parametrize("source", [tiny_folder, tiny_dense, tiny_plain])
@pytest.mark.parametrize("max_length", [4, 64])
def test_torch_and_onnx_agree(source: Callable[[], Path], max_length: int) -> None:
    one = SentenceEncoder.open(source(), max_length=max_length)
    two = OnnxEncoder.open(exported(source()), max_length=max_length)
    assert one.fingerprint == two.fingerprint and one.max_length == two.max_length == max_length
    np.testing.assert_allclose(one.encode(TEXTS + HOSTILE), two.encode(TEXTS + HOSTILE), atol=1e-4)


def test_the_linear_layer_is_applied_to_what_was_pooled() -> None:
    layer = load_file(tiny_dense() / "2_Dense" / "model.safetensors")
    found = SentenceEncoder.open(tiny_dense())
    expected = unit_rows(_pooled(found, TEXTS) @ layer["linear.weight"].T + layer["linear.bias"])
    assert found.d == expected.shape[1] == DENSE_D
    np.testing.assert_allclose(found.encode(TEXTS), expected, atol=1e-5)


def _pooled(encoder: SentenceEncoder, texts: list[str]) -> NDArray[np.float32]:
    import torch

    features = encoder.model.preprocess(texts)
    with torch.no_grad():
        for i in range(2):
            features = encoder.model[i](features)
    return np.asarray(features["sentence_embedding"])


@pytest.mark.parametrize("pooler", [True, False])
def test_a_classifier_gives_the_vectors_of_its_base_model(
    base: SentenceEncoder, tmp_path: Path, capfd: pytest.CaptureFixture[str], pooler: bool
) -> None:
    """Bit for bit, and nobody is told of the head that is dropped or the pooler that is not there."""
    found = SentenceEncoder.open(write_plain(tmp_path, pooler=pooler), threads=1)
    np.testing.assert_array_equal(found.encode(TEXTS + HOSTILE), base.encode(TEXTS + HOSTILE))
    assert (found.fingerprint == base.fingerprint) is pooler
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "electra", "albert"])
def test_checkpoints_of_transformers_itself(family: str, tmp_path: Path) -> None:
    """A classifier saved by transformers: its vectors are the means of its own base model's tokens."""
    classifier = _classifier(family)
    classifier.save_pretrained(tmp_path)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(tiny_folder() / file, tmp_path / file)
    found = SentenceEncoder.open(tmp_path, threads=1)
    for text in TEXTS:
        np.testing.assert_allclose(found.encode([text])[0], _mean_of_tokens(classifier.base_model, text), atol=1e-5)


def _classifier(family: str) -> Any:
    import torch
    import transformers

    sizes = {"hidden_size": D, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    if family == "distilbert":
        sizes = {"dim": D, "n_layers": 1, "n_heads": 4, "hidden_dim": 64}
    config = transformers.AutoConfig.for_model(
        family, vocab_size=len(VOCABULARY), max_position_embeddings=80, pad_token_id=0, num_labels=7, **sizes
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = transformers.AutoModelForSequenceClassification.from_config(config)
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


def _mean_of_tokens(base: Any, text: str) -> NDArray[np.float32]:
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    ids = torch.tensor([tokenizer.encode(text).ids])
    with torch.no_grad():
        hidden = base(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    return np.asarray(torch.nn.functional.normalize(hidden.mean(0), dim=0))


def test_a_checkpoint_of_half_precision_is_opened_in_single(tmp_path: Path) -> None:
    folder = write_plain(tmp_path)
    halves = {name: tensor.astype(np.float16) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(halves, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    encoder = SentenceEncoder.open(folder)
    assert {str(p.dtype) for p in encoder.model.parameters()} == {"torch.float32"}
    np.testing.assert_allclose(encoder.encode(TEXTS), SentenceEncoder.open(tiny_folder()).encode(TEXTS), atol=0.01)


def test_a_model_that_is_not_whole_is_never_filled_up_with_random_numbers(tmp_path: Path) -> None:
    folder = write_plain(tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(StoredDataError, match=r"lacks 1 tensors .*encoder\.layer\.1\.output\.dense\.weight"):
        SentenceEncoder.open(folder)


def test_the_first_names_of_layer_norms_are_read(tmp_path: Path, base: SentenceEncoder) -> None:
    folder = write_plain(tmp_path)
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    np.testing.assert_array_equal(SentenceEncoder.open(folder, threads=1).encode(TEXTS), base.encode(TEXTS))


def test_the_cut_is_part_of_the_fingerprint_up_to_what_the_model_reads() -> None:
    whole, longer, short = (OnnxEncoder.open(tiny_exported(), max_length=n) for n in (72, 500, 8))
    assert whole.fingerprint == longer.fingerprint != short.fingerprint
    long = ["songs " * 30, "songs " * 30 + "metal"]
    np.testing.assert_array_equal(*short.encode(long))


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = OnnxEncoder.open(tiny_exported())
    before = encoder.encode(TEXTS + HOSTILE)
    monkeypatch.setattr("segue.encode.onnx._CHUNK", 3)
    monkeypatch.setattr("segue.encode.onnx._BATCH_TOKENS", 4)
    np.testing.assert_allclose(encoder.encode(TEXTS + HOSTILE), before, atol=1e-6)


def test_queries_need_neither_torch_nor_polars_nor_scipy() -> None:
    code = (
        "import sys; from segue.encode.onnx import OnnxEncoder\n"
        f"OnnxEncoder.open({str(tiny_exported())!r}).encode(['road trip'])\n"
        "found = {'torch', 'sentence_transformers', 'transformers', 'scipy', 'onnx'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_exported(), tmp_path / "model"))


@pytest.mark.parametrize("name", ["onnx/model.onnx", "tokenizer.json", "onnx/model.*.data"])
def test_missing_files(folder: Path, name: str) -> None:
    for file in folder.glob(name):
        file.unlink()
    with pytest.raises(StoredDataError, match="export the encoder again"):
        OnnxEncoder.open(folder)


@pytest.mark.parametrize("name", ["onnx/model.onnx", "onnx/model.*.data"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_truncated_files(folder: Path, name: str, share: float) -> None:
    (file,) = folder.glob(name)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(StoredDataError, match=r"model\.onnx"):
        OnnxEncoder.open(folder)


def test_another_tokenizer_is_noticed(folder: Path) -> None:
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text().replace("road", "raod"))
    with pytest.raises(StoredDataError, match="does not belong to"):
        OnnxEncoder.open(folder)


def test_a_graph_of_somebody_else(folder: Path) -> None:
    import onnx

    path = folder / "onnx" / "model.onnx"
    model = onnx.load(str(path), load_external_data=False)
    del model.metadata_props[:]
    onnx.save(model, str(path))
    with pytest.raises(StoredDataError, match="was not exported by segue"):
        OnnxEncoder.open(folder)


def test_damaged_weights_for_torch(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    with pytest.raises(StoredDataError, match="cannot be opened"):
        SentenceEncoder.open(folder)
