"""Folders of encoders that ask for code, or point out of themselves."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from models.tiny import tiny_folder
from safety.hostile import plain_pickle
from segue.encode.folder import SentenceFolder
from segue.errors import StoredDataError

CODE = "import pathlib\npathlib.Path({canary!r}).mkdir()\nclass Transformer: pass\nclass TinyModel: pass\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder(), tmp_path / "encoder"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """What hostile code would make."""
    return tmp_path / "canary"


def _modules(folder: Path, index: int, **changed: Any) -> None:
    file = folder / "modules.json"
    listed = json.loads(file.read_text())
    listed[index].update(changed)
    file.write_text(json.dumps(listed))


ELSEWHERE = [
    "hostile_module.Transformer",
    "os.path.Transformer",
    "Transformer",
    "sentence_transformers_x.Transformer",
    "sentence_transformers..Transformer",
    "sentence_transformers/../hostile_module.Transformer",
]


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_modules_of_others_are_not_imported(
    folder: Path, canary: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hostile_module.py").write_text(CODE.format(canary=str(canary)))
    monkeypatch.syspath_prepend(str(folder))  # as in the folder where somebody works
    _modules(folder, 0, type=kind)
    with pytest.raises(StoredDataError, match=r"modules\.json"):
        SentenceFolder.read(folder)
    assert "hostile_module" not in sys.modules
    assert not canary.exists()


def test_the_planted_module_would_run_if_it_were_imported(folder: Path, canary: Path) -> None:
    """The test above could not fail otherwise."""
    exec(CODE.format(canary=str(canary)))
    assert canary.exists()


@pytest.mark.parametrize("place", ["../other", "/etc", "1_Pooling/../../other", ".."])
def test_modules_lie_in_the_folder(folder: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(folder / "1_Pooling", tmp_path / "other")
    _modules(folder, 1, path=place)
    with pytest.raises(StoredDataError, match="outside"):
        SentenceFolder.read(folder)


def test_a_model_that_brings_its_own_code_is_refused_or_opened_without_it(folder: Path, canary: Path) -> None:
    from segue.encode.sentence import SentenceEncoder

    (folder / "modeling_hostile.py").write_text(CODE.format(canary=str(canary)))
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_hostile.TinyModel", "AutoConfig": "modeling_hostile.TinyModel"}
    (folder / "config.json").write_text(json.dumps(config))
    assert SentenceEncoder.open(folder).d > 0  # BERT is known here, so its own code is not needed
    config["model_type"] = "hostile"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(StoredDataError):
        SentenceEncoder.open(folder)
    assert not canary.exists()


def test_weights_as_pickles_are_not_opened(folder: Path, canary: Path) -> None:
    from segue.encode.sentence import SentenceEncoder

    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "model.ckpt"):
        (folder / name).write_bytes(plain_pickle(canary))
    with pytest.raises(StoredDataError, match="pickle"):
        SentenceEncoder.open(folder)
    (folder / "model.safetensors").write_bytes(plain_pickle(canary))
    with pytest.raises(StoredDataError):
        SentenceEncoder.open(folder)
    assert not canary.exists()


@pytest.mark.parametrize("place", ["../../secret.bin", "/etc/hostname", "link.bin", "own.bin"])
def test_a_graph_cannot_read_files_outside_of_its_folder(folder: Path, tmp_path: Path, place: str) -> None:
    """ONNX lets a graph name files that its numbers are in; a hostile one would name any file of the machine."""
    from onnx import TensorProto, helper

    from segue.encode.onnx import OnnxEncoder

    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"secret numbers of somebody else!"[:32])
    (folder / "onnx").mkdir(exist_ok=True)
    (folder / "onnx" / "own.bin").write_bytes(bytes(32))
    if place == "link.bin":
        (folder / "onnx" / place).symlink_to(secret)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 8], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=place)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["out"])], "hostile", [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 8])], [tensor],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for name, value in (("segue.weights", "a"), ("segue.tokenizer", "b"), ("segue.max_length", "8")):
        model.metadata_props.add(key=name, value=value)
    (folder / "onnx" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(StoredDataError) as refused:
        OnnxEncoder.open(folder)
    assert "secret numbers" not in str(refused.value)
    # the graph itself is accepted only where its numbers lie beside it; then it fails by what it was exported from
    assert ("does not belong" in str(refused.value)) == (place == "own.bin")
