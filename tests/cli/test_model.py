from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import Result

from models.tiny import tiny_folder, write_tiny
from protocols.bundles import write_bundle
from segue.encode.tensors import tensors
from segue.errors import StoredDataError
from segue.library import Library
from segue.protocols.encoder_diff import diff, titles_of
from segue.protocols.encoder_folders import open_folder
from segue.protocols.stored_encoders import look

Segue = Callable[..., Result]
Refused = Callable[..., str]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hostile = {"epochs": 5, "note": "\x1b[2J[red]x[/red]\u202e"}
    return write_bundle(tmp_path_factory.mktemp("bundle") / "b", "0123456789abcdef", settings=hostile)


def test_show_says_what_a_bundle_is(segue: Segue, bundle: Path) -> None:
    said = segue("model", "show", bundle).stdout
    for part in ("fine-tuned encoder", "cross_entropy", "0.3 [0.2, 0.4]", "3 of 5", "24,128 parameters", "[red]x"):
        assert part in said, part
    assert not CONTROL.search(said)
    found = json.loads(segue("model", "show", bundle, "--json").stdout)
    assert found["kind"] == "bundle" and found["warnings"] == []
    assert found["settings"]["data.part"] == "train" and found["settings"]["base.name"] == "tiny"
    assert found["metrics"]["ndcg@500"] == {"mean": 0.3, "low": 0.2, "high": 0.4}
    assert found["sizes"]["parameters"] == sum(t.size for t in load_file(bundle / "model.safetensors").values())


def test_show_knows_models_and_plain_folders(segue: Segue, model: Path) -> None:
    found = json.loads(segue("model", "show", model, "--json").stdout)
    assert found["kind"] == "model" and found["settings"]["recipe"] == "ngrams"
    assert "ngrams" in segue("model", "show", model).stdout
    found = json.loads(segue("model", "show", tiny_folder(), "--json").stdout)
    assert found["kind"] == "encoder" and found["settings"] == {"pooling": "mean", "max_length": 72}


def test_show_warns_of_other_weights(segue: Segue, tmp_path: Path) -> None:
    swapped = write_bundle(tmp_path / "swapped", "0" * 16, fingerprint="f" * 16)
    assert "other weights" in segue("model", "show", swapped).stdout


def test_what_is_none_is_refused(refused: Refused, library: Path, tmp_path: Path) -> None:
    assert "segue library" in refused("model", "show", library)
    assert "not a folder" in refused("model", "show", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "empty" in refused("model", "show", tmp_path / "empty")
    assert "card" in refused("model", "card", tiny_folder())
    cut = write_tiny(tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((cut / "model.safetensors").read_bytes()[:5_000])
    assert "damaged" in refused("model", "show", cut)


def test_card(segue: Segue, bundle: Path, tmp_path: Path) -> None:
    said = segue("model", "card", bundle).stdout
    assert said.startswith("# A card\n\nIntended use: ") and not CONTROL.search(said)
    segue("model", "card", bundle, "-o", tmp_path / "card.md")
    assert (tmp_path / "card.md").read_bytes() == (bundle / "README.md").read_bytes()


def changed(folder: Path, factor: float = 1.5) -> Path:
    """The tiny model with one tensor scaled."""
    write_tiny(folder)
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"] *= factor
    save_file(weights, folder / "model.safetensors")
    return folder


def test_diff_finds_the_tensor_that_differs(segue: Segue, tmp_path: Path) -> None:
    other = changed(tmp_path / "other")
    found = diff(tiny_folder(), other)
    assert found.weights is not None and found.titles is not None
    assert [(one.name, one.change) for one in found.weights.changed] == [
        ("encoder.layer.0.output.dense.weight", pytest.approx(0.5))
    ]
    assert found.weights.same == 38 and not found.weights.only_a and not found.weights.reshaped
    before, after = (load_file(f / "model.safetensors") for f in (tiny_folder(), other))
    norm = np.sqrt(sum(float((t.astype(float) ** 2).sum()) for t in before.values()))
    step = np.sqrt(sum(float(((after[n].astype(float) - t) ** 2).sum()) for n, t in before.items()))
    assert found.weights.change == pytest.approx(step / norm)
    assert not found.same and not found.same_encoder
    assert found.titles.n == 60 and found.titles.k == 10
    assert found.titles.cosine is not None and 0.9 < found.titles.cosine < 1
    titles = titles_of(None)
    a, b = open_folder(tiny_folder()).encode(titles), open_folder(other).encode(titles)
    assert found.titles.cosine == pytest.approx(float((a * b).sum(axis=1).mean()), abs=1e-6)
    kept = []
    for i in range(60):
        near = [[j for j in np.argsort(-(v @ v[i]), kind="stable") if j != i][:10] for v in (a, b)]
        kept.append(len(set(near[0]) & set(near[1])) / 10)
    assert found.titles.kept == pytest.approx(np.mean(kept))
    said = segue("model", "diff", tiny_folder(), other).stdout
    assert "38 the same, 1 changed" in said and "identical" not in said


def test_tensors_of_one_alone_and_of_other_shapes(tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    del weights["pooler.dense.bias"]
    weights["pooler.dense.weight"] = weights["pooler.dense.weight"][:4].copy()
    weights["more"] = np.zeros(3, np.float32)
    weights["embeddings.LayerNorm.bias"] += np.float32(1e-3)
    save_file(weights, other / "model.safetensors")
    from segue.protocols.encoder_diff import _weights

    found = _weights(tiny_folder(), other)
    assert (found.only_a, found.only_b, found.reshaped) == (["pooler.dense.bias"], ["more"], ["pooler.dense.weight"])
    assert [one.name for one in found.changed] == ["embeddings.LayerNorm.bias"] and found.same == 36


def test_a_prefix_is_no_difference(tmp_path: Path) -> None:
    plain = write_tiny(tmp_path / "plain")
    weights = load_file(plain / "model.safetensors")
    named = {f"bert.{name}": tensor for name, tensor in weights.items()} | {
        "classifier.bias": np.zeros(2, np.float32)
    }
    save_file(named, plain / "model.safetensors")
    assert set(dict(tensors(plain))) == set(weights) | {"classifier.bias"}


def test_diff_of_the_same_says_identical(segue: Segue, bundle: Path) -> None:
    said = segue("model", "diff", bundle, bundle).stdout
    assert "identical: both have the same fingerprint" in said and "39 the same, 0 changed" in said
    # a bundle and a folder of the same weights: other things, the same encoder
    twin = diff(bundle, write_tiny(bundle.parent / "twin", rng_key=1))
    assert twin.same_encoder and not twin.same and twin.titles is not None and twin.titles.kept == 1


def test_diff_of_bundles_and_models(segue: Segue, bundle: Path, library: Path, model: Path, tmp_path: Path) -> None:
    metrics = {"ndcg@500": {"mean": 0.35, "low": 0.3, "high": 0.4}, "mrr@10": 0.5}
    other = write_bundle(tmp_path / "b", "0123456789abcdef", rng_key=2, loss="triplet", metrics=metrics)
    found = json.loads(segue("model", "diff", bundle, other, "--library", library, "--json").stdout)
    assert found["settings"]["loss"] == {"a": "cross_entropy", "b": "triplet"}
    assert "data.library" not in found["settings"]
    assert found["metrics"]["ndcg@500"]["b"]["mean"] == 0.35 and found["metrics"]["mrr@10"]["a"] is None
    assert found["titles"]["n"] == len(titles_of(Library.load(library))) > 60
    assert found["titles"]["k"] == min(50, found["titles"]["n"] // 6)
    said = segue("model", "diff", bundle, other).stdout
    assert "loss: cross_entropy | triplet" in said and "mrr@10: - | 0.5" in said and not CONTROL.search(said)
    mixed = json.loads(segue("model", "diff", model, bundle, "--json").stdout)
    assert mixed["weights"] is None and mixed["titles"] is None and mixed["a"]["kind"] == "model"


def test_without_torch_a_graph_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny(tmp_path / "graph")
    assert not look(folder).has_graph
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"no graph")
    assert look(folder).has_graph
    assert open_folder(folder).d == 32  # torch where it is there: all encoders of a comparison run alike
    with pytest.raises(StoredDataError, match=r"model\.onnx is damaged"):
        open_folder(folder, graph=True)
    monkeypatch.setattr("segue.protocols.encoder_folders.find_spec", lambda name: None)
    with pytest.raises(StoredDataError, match=r"model\.onnx is damaged"):
        open_folder(folder)
