"""A sentence encoder of 200 KB with random weights, made on the fly: a BERT that reads letters and some words."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

D, DENSE_D, LAYERS, HEADS, INNER, POSITIONS = 32, 24, 2, 4, 64, 80
# fmt: off
WORDS = [
    "road", "trip", "summer", "chill", "rap", "metal", "jazz", "sad", "happy", "party", "songs", "music", "rain",
    "sunday", "love", "2017", "80s", "the", "of", "no",
]
# fmt: on
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789éüñ"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS, *(f"##{c}" for c in LETTERS)]


def write_tiny(
    folder: Path,
    *,
    pooling: dict[str, Any] | None = None,
    modules: tuple[str, ...] = ("Transformer", "Pooling", "Normalize"),
    rng_key: int = 0,
) -> Path:
    """Write the model as a sentence-transformers folder; neither torch nor transformers is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    pooling = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False} if pooling is None else pooling
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Dense": "2_Dense", "Normalize": "2_Normalize"}
    listed = [
        {"idx": i, "name": str(i), "path": paths.get(m, f"{i}_{m}"), "type": f"sentence_transformers.models.{m}"}
        for i, m in enumerate(modules)
    ]
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": D,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(VOCABULARY),
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    _json(folder / "modules.json", listed)
    _json(folder / "config.json", config)
    _json(folder / "sentence_bert_config.json", {"max_seq_length": POSITIONS - 8, "do_lower_case": False})
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": D, **pooling})
    _write_tokenizer(folder)
    save_file(_weights(np.random.default_rng(rng_key)), folder / "model.safetensors", {"format": "pt"})
    if "Dense" in modules:
        write_dense(folder / "2_Dense")
    return folder


def write_dense(folder: Path, *, bias: bool = True, **config: Any) -> None:
    """Write a linear layer from ``D`` to ``DENSE_D`` numbers, far from the identity; ``config`` goes over its own."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(9)
    layer = {"linear.weight": rng.normal(0, 1, (DENSE_D, D)).astype(np.float32)}
    if bias:
        layer["linear.bias"] = rng.normal(0, 0.1, DENSE_D).astype(np.float32)
    about = {"in_features": D, "out_features": DENSE_D, "bias": bias}
    about["activation_function"] = "torch.nn.modules.linear.Identity"
    _json(folder / "config.json", about | config)
    save_file(layer, folder / "model.safetensors", {"format": "pt"})


def write_plain(folder: Path, *, head: bool = True, pooler: bool = True, rng_key: int = 0) -> Path:
    """Write the same transformer as a plain transformers folder, as ``save_pretrained`` of a classifier does."""
    write_tiny(folder, rng_key=rng_key)
    shutil.rmtree(folder / "1_Pooling")
    for name in ("modules.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    if not pooler:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("pooler.")}
    if head:
        weights = {f"bert.{name}": tensor for name, tensor in weights.items()}
        rng = np.random.default_rng(5)
        weights["classifier.weight"] = rng.normal(0, 1, (7, D)).astype(np.float32)
        weights["classifier.bias"] = np.zeros(7, np.float32)
        config["architectures"] = ["BertForSequenceClassification"]
        config["problem_type"], config["classifier_dropout"] = "single_label_classification", 0.1
        config["id2label"] = {str(i): f"LABEL_{i}" for i in range(7)}
        config["label2id"] = {f"LABEL_{i}": i for i in range(7)}
    _json(folder / "config.json", config)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@lru_cache(maxsize=1)
def tiny_folder() -> Path:
    """The model with mean pooling, once a process."""
    return write_tiny(_temporary() / "tiny")


@lru_cache(maxsize=1)
def tiny_dense() -> Path:
    """The model with max pooling and a linear layer, once a process: one export tests both."""
    modules = ("Transformer", "Pooling", "Dense", "Normalize")
    return write_tiny(_temporary() / "dense", pooling={"pooling_mode": "max"}, modules=modules)


@lru_cache(maxsize=1)
def tiny_plain() -> Path:
    """The model of :func:`tiny_folder` as a plain transformers folder with a head, once a process."""
    return write_plain(_temporary() / "plain")


@lru_cache(maxsize=3)
def exported(folder: Path) -> Path:
    """A folder with ``onnx/model.onnx``, once a process; takes some seconds of torch."""
    from segue.train.export import export_onnx

    return export_onnx(folder, _temporary() / "exported")


def tiny_exported() -> Path:
    """:func:`tiny_folder` with ``onnx/model.onnx``."""
    return exported(tiny_folder())


def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="segue-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece(
            {token: i for i, token in enumerate(VOCABULARY)}, unk_token="[UNK]", max_input_chars_per_word=100
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", VOCABULARY.index("[CLS]")), ("[SEP]", VOCABULARY.index("[SEP]"))],
    )
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    # Published folders carry fixed padding, which an encoder has to ignore.
    tokenizer.enable_padding(length=32)
    tokenizer.enable_truncation(32)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    _json(folder / "special_tokens_map.json", special)
    _json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": POSITIONS, **special},
    )


def _weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    def matrix(rows: int, columns: int) -> np.ndarray:
        return rng.normal(0, 0.1, (rows, columns)).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": 1 + matrix(1, D)[0], f"{name}.bias": matrix(1, D)[0]}

    def linear(name: str, out: int, into: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": matrix(out, into), f"{name}.bias": matrix(1, out)[0]}

    weights = {
        "embeddings.word_embeddings.weight": 20 * matrix(len(VOCABULARY), D),
        "embeddings.position_embeddings.weight": matrix(POSITIONS, D),
        "embeddings.token_type_embeddings.weight": matrix(2, D),
        **norm("embeddings.LayerNorm"),
    }
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            weights |= linear(f"{layer}.attention.self.{part}", D, D)
        weights |= linear(f"{layer}.attention.output.dense", D, D) | norm(f"{layer}.attention.output.LayerNorm")
        weights |= linear(f"{layer}.intermediate.dense", INNER, D)
        weights |= linear(f"{layer}.output.dense", D, INNER) | norm(f"{layer}.output.LayerNorm")
    return weights | linear("pooler.dense", D, D)
