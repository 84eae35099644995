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
from safetensors.numpy import save_file

D, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 80
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
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
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
    return folder


@lru_cache(maxsize=1)
def tiny_folder() -> Path:
    """The model with mean pooling, once a process."""
    return write_tiny(_temporary() / "tiny")


@lru_cache(maxsize=1)
def tiny_exported() -> Path:
    """The same with ``onnx/model.onnx``, once a process; takes some seconds of torch."""
    from segue.train.export import export_onnx

    return export_onnx(tiny_folder(), _temporary() / "exported")


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
