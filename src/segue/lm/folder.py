"""A Hugging Face folder of a model that writes, opened so that nothing in it can run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

from segue.errors import MissingDependency, StoredDataError
from segue.library.arrays import read_json

__all__ = ["open_folder"]

_VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
)


def open_folder(folder: Path, kind: Literal["seq2seq", "causal"] | None = None) -> tuple[Any, Any, bool]:
    """Open a folder: no network, no code from the folder, weights from safetensors alone.

    Args:
        kind: which it has to be; None takes both.

    Returns:
        model (float32, at rest), tokenizer, and whether it is a sequence-to-sequence model.

    Raises:
        StoredDataError: it is no such folder, or damaged. MissingDependency: transformers is missing.
    """
    try:
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
    except ImportError as error:
        raise MissingDependency("a model that writes", extra="train") from error
    from segue.encode.sentence import without_bars

    wanted = "sequence-to-sequence model" if kind == "seq2seq" else "language model"
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise StoredDataError(
            f"{folder} is no folder of a {wanted} with config.json and *.safetensors (other formats of weights can "
            "hold code and are not read); convert it with save_pretrained"
        )
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        # transformers would go on with an empty vocabulary
        raise StoredDataError(
            f"{folder} cannot be opened as a {wanted} (there is no {_VOCABULARIES[0]}); save its tokenizer beside it"
        )
    config = read_json(folder / "config.json")
    seq2seq = bool(isinstance(config, dict) and config.get("is_encoder_decoder"))
    if kind is not None and seq2seq != (kind == "seq2seq"):
        raise StoredDataError(f"{folder} cannot be opened as a {wanted} (its config.json says otherwise)")
    reader = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
    safely = {"local_files_only": True, "trust_remote_code": False}
    try:
        with warnings.catch_warnings(), without_bars():
            warnings.simplefilter("ignore")  # about options of the folder that do not matter here
            tokenizer = AutoTokenizer.from_pretrained(str(folder), **safely)
            model = reader.from_pretrained(str(folder), use_safetensors=True, **safely)
    except MemoryError:
        raise
    except Exception as error:  # transformers raises whatever its readers raise
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise StoredDataError(f"{folder} cannot be opened as a {wanted} ({said})") from error
    model.float().eval()
    return model, tokenizer, seq2seq
