from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from contracts.encoder import HOSTILE, TEXTS
from models.tiny import (
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
from segue.encode.folder import SentenceFolder
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError, OutputError, StoredDataError, TrainingError
from segue.train.export import export_onnx
from segue.train.sentence_folder import write_sentence_folder


def test_the_folder_is_whole() -> None:
    out = tiny_exported()
    source = {p.relative_to(tiny_folder()) for p in tiny_folder().rglob("*") if p.is_file()}
    assert source <= {p.relative_to(out) for p in out.rglob("*") if p.is_file()}
    names = sorted(p.name for p in (out / "onnx").iterdir())
    assert len(names) == 2 and names[0].endswith(".data") and names[1] == "model.onnx"
    assert not list(out.glob(".export-*"))
    assert SentenceEncoder.open(out).fingerprint == SentenceEncoder.open(tiny_folder()).fingerprint


def test_max_pooling_and_a_linear_layer() -> None:
    _assert_agree(exported(tiny_dense()))


def test_a_second_export_in_place_replaces_the_first(tmp_path: Path) -> None:
    """Without a Normalize module, too, rows have unit length."""
    folder = Path(shutil.copytree(tiny_exported(), tmp_path / "m"))
    before = OnnxEncoder.open(folder)
    write_tiny(folder, pooling={"pooling_mode": "cls"}, modules=("Transformer", "Pooling"))
    assert export_onnx(folder, folder) == folder
    _assert_agree(folder)
    assert OnnxEncoder.open(folder).fingerprint != before.fingerprint
    assert len(list((folder / "onnx").iterdir())) == 2


def test_a_classifier_becomes_a_sentence_transformers_folder(tmp_path: Path) -> None:
    """Whole and without its head."""
    out, source = exported(tiny_plain()), SentenceFolder.read(tiny_plain())
    described = SentenceFolder.read(out)
    assert (described.prefix, described.pooling, described.max_length) == (None, "mean", 80)
    assert described.fingerprint() == source.fingerprint()
    assert set(load_file(out / "model.safetensors")) == set(load_file(tiny_folder() / "model.safetensors"))
    assert not {"num_labels", "id2label", "problem_type"} & set(json.loads((out / "config.json").read_text()))
    by_torch = SentenceEncoder.open(tiny_plain())
    np.testing.assert_allclose(SentenceEncoder.open(out).encode(TEXTS), by_torch.encode(TEXTS), atol=1e-6)
    _assert_agree(out)


def test_nothing_but_model_and_tokenizer_is_taken_along(tmp_path: Path) -> None:
    """A checkpoint of a trainer holds pickles."""
    source = write_plain(tmp_path / "plain")
    for name in ("optimizer.pt", "training_args.bin", "pytorch_model.bin", "rng_state.pth"):
        (source / name).write_bytes(b"\x80\x04.")
    write_sentence_folder(SentenceFolder.read(source), tmp_path / "out")
    assert {p.suffix for p in (tmp_path / "out").rglob("*") if p.is_file()} == {".json", ".safetensors"}


def test_a_sentence_transformers_folder_is_not_written_again(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="already"):
        write_sentence_folder(SentenceFolder.read(tiny_folder()), tmp_path)


def test_a_plain_folder_is_not_exported_into_itself(tmp_path: Path) -> None:
    folder = write_plain(tmp_path)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match="another place"):
        export_onnx(folder, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_sentence_transformers_alone_gives_our_vectors_of_the_export() -> None:
    from sentence_transformers import SentenceTransformer

    for source in (tiny_dense(), tiny_plain()):
        found = SentenceTransformer(str(exported(source)), device="cpu", local_files_only=True)
        expected = OnnxEncoder.open(exported(source)).encode(TEXTS)
        np.testing.assert_allclose(found.encode(TEXTS, show_progress_bar=False), expected, atol=1e-4)


def _assert_agree(folder: Path) -> None:
    by_torch, by_onnx = SentenceEncoder.open(folder), OnnxEncoder.open(folder)
    assert by_torch.fingerprint == by_onnx.fingerprint
    np.testing.assert_allclose(by_torch.encode(TEXTS + HOSTILE), by_onnx.encode(TEXTS + HOSTILE), atol=1e-4)


def test_a_wrong_graph_is_dropped_and_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path(shutil.copytree(tiny_exported(), tmp_path / "out"))
    before = {p.name: p.read_bytes() for p in (out / "onnx").iterdir()}
    monkeypatch.setattr("segue.train.export._export", lambda encoder, described, path: _write_nonsense(path))
    with pytest.raises(TrainingError, match="differs from torch"):
        export_onnx(tiny_folder(), out)
    assert {p.name: p.read_bytes() for p in (out / "onnx").iterdir()} == before
    assert not list(out.glob(".export-*"))


def _write_nonsense(path: Path) -> None:
    """A graph of the right form whose vectors are made of the first tokens."""
    import onnx
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "m"]) for n in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", D])
    table = helper.make_tensor("table", TensorProto.FLOAT, [len(VOCABULARY), D], np.ones(len(VOCABULARY) * D))
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    nodes.append(helper.make_node("Add", ["input_ids", "attention_mask"], ["unused"]))
    nodes.append(helper.make_node("ReduceMean", ["words", "axis"], ["vectors"], keepdims=0))
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "nonsense", inputs, [output], [table, axis])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(path))


def test_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        export_onnx(tiny_folder(), tmp_path / "file")


def test_unsupported_source(tmp_path: Path) -> None:
    with pytest.raises(StoredDataError, match="not a sentence-transformers folder"):
        export_onnx(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
