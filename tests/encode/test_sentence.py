from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.encoder import HOSTILE, TEXTS, EncoderContract
from models.tiny import tiny_exported, tiny_folder
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import StoredDataError


@pytest.fixture(scope="module")
def by_torch() -> SentenceEncoder:
    return SentenceEncoder.open(tiny_folder(), threads=1)


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


@pytest.mark.parametrize("max_length", [4, 64])
def test_torch_and_onnx_agree(max_length: int) -> None:
    one = SentenceEncoder.open(tiny_folder(), max_length=max_length)
    two = OnnxEncoder.open(tiny_exported(), max_length=max_length)
    assert one.fingerprint == two.fingerprint and one.max_length == two.max_length == max_length
    np.testing.assert_allclose(one.encode(TEXTS + HOSTILE), two.encode(TEXTS + HOSTILE), atol=1e-4)


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
