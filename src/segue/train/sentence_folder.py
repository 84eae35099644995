"""A plain transformers folder as a sentence-transformers folder, tensor for tensor."""

from __future__ import annotations

import shutil
from pathlib import Path

from segue.encode.folder import SentenceFolder
from segue.encode.plain import base_config, base_model, base_names
from segue.errors import MissingDependency, StoredDataError
from segue.library.arrays import read_json, write_json

__all__ = ["write_sentence_folder"]

# All that is taken along: a checkpoint's folder may hold an optimiser's state and other pickles, too.
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
)
_MODULES = ("Transformer", "Pooling", "Normalize")


def write_sentence_folder(described: SentenceFolder, out: Path) -> None:
    """Write the base model of a plain folder, its tokenizer, mean pooling and normalisation.

    Tensors keep their bytes and lose their prefix, so ``out`` has the fingerprint of the plain folder. What other
    programs open as a sentence encoder gives the vectors that Segue gives.

    Raises:
        StoredDataError: the weights are missing or damaged.
        OSError: ``out`` cannot be written to.
    """
    if described.prefix is None:
        raise ValueError("the folder is one of sentence-transformers already")
    try:
        from safetensors import SafetensorError, safe_open
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingDependency("exporting an encoder", extra="train") from error

    source = described.path
    out.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER:
        if (source / name).is_file():
            shutil.copy(source / name, out / name)
    tensors = {}
    for file in sorted(source.glob("model*.safetensors")):
        try:
            with safe_open(file, framework="pt") as opened:  # of torch, since numpy has no bfloat16
                tensors.update({name: opened.get_tensor(name) for name in opened.keys()})  # noqa: SIM118 - no mapping
        except SafetensorError as error:
            raise StoredDataError(f"{file} is damaged ({error}); fetch the encoder again") from error
    base = {name: tensors[stored].clone() for name, stored in base_names(tensors, described.prefix).items()}
    save_file(base, out / "model.safetensors", {"format": "pt"})

    config = read_json(source / "config.json")
    model = base_model(source / "config.json", config, {})
    write_json(out / "config.json", base_config(config, model))
    write_json(out / "sentence_bert_config.json", {"max_seq_length": described.max_length, "do_lower_case": False})
    places = ("", "1_Pooling", "2_Normalize")
    listed = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, place) in enumerate(zip(_MODULES, places, strict=True))
    ]
    write_json(out / "modules.json", listed)
    (out / "1_Pooling").mkdir(exist_ok=True)
    width = config.get("hidden_size", config.get("dim"))  # DistilBERT has a name of its own
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    write_json(out / "1_Pooling" / "config.json", pooling)
