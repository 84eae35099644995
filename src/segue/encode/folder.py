"""What the folder of a sentence encoder holds, read without torch."""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast, get_args

import msgspec

from segue.encode.plain import base_model, base_names
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, read_json

__all__ = ["MAX_LENGTH", "Pooling", "SentenceFolder", "digest_file", "encoder_fingerprint", "text_cap"]

MAX_LENGTH = 64  # tokens; titles have 4 in the mean, and 200 characters of text rarely more than 60

Pooling = Literal["mean", "cls", "max", "mean_sqrt_len_tokens"]

_HEADER_CAP = 100_000_000
_LIBRARY = re.compile(r"sentence_transformers(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
# What only sentence-transformers writes.
_TRACES = ("sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling")
# Old folders have one flag for each way of pooling, new ones a name.
_FLAGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
}


def text_cap(max_length: int) -> int:
    """Characters of a text that are looked at: no token is that long, so what follows would be cut off anyway."""
    return 128 * max_length


def digest_file(path: Path) -> str:
    """BLAKE2b digest of a file, 32 hexadecimal digits.

    Raises:
        StoredDataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise StoredDataError(
            f"{path} cannot be read ({error.strerror}); fetch or export the encoder again"
        ) from error


def encoder_fingerprint(weights: str, tokenizer: str, max_length: int) -> str:
    """The one rule for sentence encoders: digests of weights with pooling and of ``tokenizer.json``, and the cut.

    It does not hold the path or the runtime: a torch and an ONNX encoder of the same folder have the same
    fingerprint, since they agree to 1e-4 and a model may be built with one and queried with the other.
    """
    return fingerprint("sentence encoder", weights, tokenizer, max_length)


@dataclass(frozen=True)
class SentenceFolder:
    """A checked folder of a sentence encoder, of one of two kinds.

    - A *sentence-transformers folder*: transformer, pooling, perhaps one linear layer (Dense), perhaps normalisation,
      nothing else.
    - A *plain transformers folder* (``config.json`` without ``modules.json``), a classifier say: the base model is
      used, its head is not, and tokens are mean-pooled.

    Segue scales all vectors to unit length; a folder without a Normalize module is read as if it had one, because
    only cosines are used.

    Args:
        dense: where the linear layer lies in the folder; None without one.
        prefix: of the base model's tensors in a plain folder; None for the other kind.
    """

    path: Path
    pooling: Pooling
    max_length: int
    dense: str | None = None
    prefix: str | None = None

    @classmethod
    def read(cls, path: Path | str) -> SentenceFolder:
        """Read and check a folder's description.

        Raises:
            StoredDataError: it is no such folder, a file is missing, or a module or way of pooling is not supported.
        """
        path = Path(path)
        plain = not (path / "modules.json").is_file()
        if plain and (not (path / "config.json").is_file() or any((path / name).exists() for name in _TRACES)):
            # a damaged one must not be read as a plain one: it might pool in another way
            raise StoredDataError(
                f"{path} is not a sentence-transformers folder (modules.json is missing), nor a plain transformers "
                "folder; fetch the encoder again"
            )
        modules = [] if plain else _modules(path / "modules.json")
        if not (path / "tokenizer.json").is_file():
            raise StoredDataError(f"{path / 'tokenizer.json'} is missing; save the model with a fast tokenizer")
        if (path / "adapter_config.json").is_file():
            raise StoredDataError(
                f"{path / 'adapter_config.json'} says that an adapter lies beside the model; merge it and save again"
            )
        if plain:
            about = path / "tokenizer_config.json"
            model = base_model(
                path / "config.json", _dict(path / "config.json"), _dict(about) if about.is_file() else {}
            )
            return cls(path, "mean", model.max_length, prefix=model.prefix)
        extra = path / "config_sentence_transformers.json"
        if extra.is_file() and _dict(extra).get("default_prompt_name"):
            raise StoredDataError(f"{extra} sets a default prompt, which is not supported; choose another encoder")
        settings = path / "sentence_bert_config.json"
        length = _dict(settings).get("max_seq_length") if settings.is_file() else None
        if length is None:
            length = _dict(path / "config.json").get("max_position_embeddings", 512)
        dense = [place for kind, place in modules if kind == "Dense"]
        for place in dense:
            _check_dense(path / place)
        pooling = _pooling(path / modules[1][1] / "config.json")
        return cls(path, pooling, int(length), dense=dense[0] if dense else None)

    @cached_property
    def tensors(self) -> dict[str, tuple[str, str]]:
        """Name -> (dtype and shape, digest) of each tensor of the transformer, a plain folder's prefix taken off.

        Raises:
            StoredDataError: the weights are missing, damaged, or no safetensors.
        """
        files = sorted(self.path.glob("model*.safetensors"))
        if not files:
            raise StoredDataError(
                f"{self.path / 'model.safetensors'} is missing; weights in other formats (pickle) are not read, "
                "save the model as safetensors"
            )
        found: dict[str, tuple[str, str]] = {}
        for file in files:
            found.update(_tensor_digests(file))
        if self.prefix is None:
            return found
        return {name: found[stored] for name, stored in base_names(found, self.prefix).items()}

    @cached_property
    def weights(self) -> str:
        """Digest of the tensors and the pooling; the order of tensors and the file's metadata do not count.

        All tensors of transformer and linear layer count, also those that pooling does not use (a BERT's pooler). A
        plain folder's head does not: so its digest is that of the sentence-transformers folder that
        :func:`~segue.train.export.export_onnx` makes of it. Equal digests mean equal vectors; the reverse does not
        hold, two models may differ in a pooler alone.
        """
        tensors = dict(self.tensors)
        if self.dense is not None:
            layer = _tensor_digests(self.path / self.dense / "model.safetensors")
            tensors |= {f"dense.{name}": digest for name, digest in layer.items()}
        return fingerprint("weights", self.pooling, sorted(tensors.items()))

    def fingerprint(self, max_length: int = MAX_LENGTH) -> str:
        """Fingerprint of an encoder of this folder that reads ``max_length`` tokens."""
        tokenizer = digest_file(self.path / "tokenizer.json")
        return encoder_fingerprint(self.weights, tokenizer, min(max_length, self.max_length))


def _dict(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise StoredDataError(f"{path} is damaged (not an object)")
    return value


def _dicts(path: Path) -> list[dict[str, Any]]:
    value = read_json(path)
    if not isinstance(value, list) or not all(isinstance(m, dict) and "type" in m and "path" in m for m in value):
        raise StoredDataError(f"{path} is damaged (not a list of modules)")
    return value


def _modules(path: Path) -> list[tuple[str, str]]:
    """Kind and place of each module that ``modules.json`` lists, in order."""
    kinds = [(str(m["type"]).rsplit(".", 1)[-1], str(m["path"])) for m in _dicts(path)]
    names = [kind for kind, _ in kinds]
    rest = names[3:] if names[2:3] == ["Dense"] else names[2:]
    if names[:2] != ["Transformer", "Pooling"] or any(name != "Normalize" for name in rest):
        raise StoredDataError(
            f"{path} lists {', '.join(names) or 'nothing'}; only Transformer, Pooling, at most one Dense and "
            "Normalize are supported, in this order; choose another encoder"
        )
    for listed in _dicts(path):
        # sentence-transformers imports whatever is named here, and opens whatever is pointed to
        place = PurePosixPath(str(listed["path"]))
        if not _LIBRARY.fullmatch(str(listed["type"])) or place.is_absolute() or ".." in place.parts:
            raise StoredDataError(
                f"{path} names code or files outside of sentence-transformers and the folder; choose another encoder"
            )
    return kinds


def _check_dense(folder: Path) -> None:
    """A linear layer without anything around it, its weights no pickle."""
    path = folder / "config.json"
    config = _dict(path)
    activation = str(config.get("activation_function", "Tanh"))  # what sentence-transformers falls back to
    if activation != "torch.nn.modules.linear.Identity":
        raise StoredDataError(
            f"{path} has the activation {activation.rsplit('.', 1)[-1]}; only Identity is supported, "
            "choose another encoder"
        )
    names = {config.get(name) or "sentence_embedding" for name in ("module_input_name", "module_output_name")}
    if config.get("use_residual") or names != {"sentence_embedding"}:
        raise StoredDataError(
            f"{path} describes more than one linear layer on the sentence vector; choose another encoder"
        )
    if not (folder / "model.safetensors").is_file():
        raise StoredDataError(
            f"{folder / 'model.safetensors'} is missing; weights in other formats (pickle) are not read, "
            "save the model as safetensors"
        )


def _pooling(path: Path) -> Pooling:
    config = _dict(path)
    named = config.get("pooling_mode")
    if named is not None:
        modes = [named] if isinstance(named, str) else list(named)
    else:
        modes = [_FLAGS.get(flag, flag) for flag, on in config.items() if flag.startswith("pooling_mode_") and on]
    if len(modes) != 1 or modes[0] not in get_args(Pooling):
        raise StoredDataError(
            f"{path} pools by {' and '.join(map(str, modes)) or 'nothing'}; "
            f"supported is one of {', '.join(get_args(Pooling))}, choose another encoder"
        )
    return cast(Pooling, modes[0])


def _tensor_digests(path: Path) -> dict[str, tuple[str, str]]:
    """Name -> (dtype and shape, digest of the bytes) of each tensor of a safetensors file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            (size,) = struct.unpack("<Q", data[:8])
            if size > min(_HEADER_CAP, len(data)):
                raise ValueError("the header is longer than the file")
            header: dict[str, Any] = msgspec.json.decode(data[8 : 8 + size])
            header.pop("__metadata__", None)
            digests = {}
            for name, tensor in header.items():
                first, last = tensor["data_offsets"]
                if not 0 <= first <= last <= len(data) - 8 - size:
                    raise ValueError(f"the tensor {name} is cut off")
                with memoryview(data) as whole, whole[8 + size + first : 8 + size + last] as part:
                    digest = hashlib.blake2b(part, digest_size=16).hexdigest()
                digests[name] = (f"{tensor['dtype']}{tensor['shape']}", digest)
    except (OSError, ValueError, KeyError, TypeError, struct.error, msgspec.DecodeError) as error:
        raise StoredDataError(f"{path} is damaged ({error}); fetch the encoder again") from error
    return digests
