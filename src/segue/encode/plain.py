"""Plain transformers folders: a base model, perhaps with a classification head on it, and no word on pooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.errors import StoredDataError

__all__ = ["BaseModel", "base_config", "base_model", "base_names"]

# model_type of config.json -> what its tensors are prefixed with where a head is on it, class of the base model, and
# whether its positions count from the padding token on.
_FAMILIES = {
    "albert": ("albert", "AlbertModel", False),
    "bert": ("bert", "BertModel", False),
    "camembert": ("roberta", "CamembertModel", True),
    "distilbert": ("distilbert", "DistilBertModel", False),
    "electra": ("electra", "ElectraModel", False),
    "mpnet": ("mpnet", "MPNetModel", True),
    "roberta": ("roberta", "RobertaModel", True),
    "xlm-roberta": ("roberta", "XLMRobertaModel", True),
}
_LONGEST = 1_000_000  # tokenizers without a limit say 10^30
# Of heads: they mean nothing to a base model.
_OF_HEADS = ("id2label", "label2id", "num_labels", "problem_type", "classifier_dropout")


@dataclass(frozen=True)
class BaseModel:
    """What a plain folder's ``config.json`` says about the model below its head.

    Args:
        prefix: of the names of its tensors, without the dot.
        architecture: its class in transformers.
        max_length: tokens that it has positions for.
    """

    prefix: str
    architecture: str
    max_length: int


def base_model(path: Path, config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> BaseModel:
    """The base model of a plain folder.

    Args:
        path: of ``config.json``, for messages.
        tokenizer: what ``tokenizer_config.json`` holds.

    Raises:
        StoredDataError: it is of a family that is not read, or writes text instead of reading it.
    """
    family = _FAMILIES.get(str(config.get("model_type")))
    if family is None:
        raise StoredDataError(
            f"{path} describes a model of type {config.get('model_type')!r}; plain transformers folders are read of "
            f"{', '.join(_FAMILIES)}, others save as a sentence-transformers folder"
        )
    if config.get("is_decoder"):
        raise StoredDataError(f"{path} describes a decoder, which reads texts one way only; choose another encoder")
    prefix, architecture, from_padding = family
    try:
        length = int(config.get("max_position_embeddings") or 512)
        if from_padding:
            length -= int(config.get("pad_token_id") or 0) + 1
        length = min(length, int(min(tokenizer.get("model_max_length") or _LONGEST, _LONGEST)))
    except (TypeError, ValueError) as error:
        raise StoredDataError(f"{path} is damaged ({error}); fetch the encoder again") from error
    if length < 1:
        raise StoredDataError(f"{path} is damaged (no token can be read); fetch the encoder again")
    return BaseModel(prefix, architecture, length)


def base_names(names: Iterable[str], prefix: str) -> dict[str, str]:
    """Name of each tensor inside the base model -> its name in the file; the head is left out.

    A base model that was saved without a head has no prefix.

    >>> base_names(["bert.embeddings.x", "classifier.bias"], "bert")
    {'embeddings.x': 'bert.embeddings.x'}
    >>> base_names(["embeddings.x"], "bert")
    {'embeddings.x': 'embeddings.x'}
    """
    names = list(names)
    inside = {name[len(prefix) + 1 :]: name for name in names if name.startswith(f"{prefix}.")}
    return inside or {name: name for name in names}


def base_config(config: Mapping[str, Any], model: BaseModel) -> dict[str, Any]:
    """``config.json`` of the base model alone."""
    kept = {key: value for key, value in config.items() if key not in _OF_HEADS}
    return {**kept, "architectures": [model.architecture]}
