"""What a sentence-transformers folder holds, read without torch."""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec

from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, read_json

__all__ = ["MAX_LENGTH", "Pooling", "SentenceFolder", "digest_file", "encoder_fingerprint", "text_cap"]

MAX_LENGTH = 64  # tokens; titles have 4 in the mean, and 200 characters of text rarely more than 60

Pooling = Literal["mean", "cls", "max", "mean_sqrt_len_tokens"]

_HEADER_CAP = 100_000_000
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
    """A checked sentence-transformers folder: transformer, pooling, perhaps normalisation, nothing else.

    Segue scales all vectors to unit length; a folder without a Normalize module is read as if it had one, because
    only cosines are used.
    """

    path: Path
    pooling: Pooling
    max_length: int

    @classmethod
    def read(cls, path: Path | str) -> SentenceFolder:
        """Read and check a folder's description.

        Raises:
            StoredDataError: it is no such folder, a file is missing, or a module or way of pooling is not supported.
        """
        path = Path(path)
        if not (path / "modules.json").is_file():
            raise StoredDataError(f"{path} is not a sentence-transformers folder (modules.json is missing)")
        kinds = [(str(m["type"]).rsplit(".", 1)[-1], str(m["path"])) for m in _dicts(path / "modules.json")]
        names = [kind for kind, _ in kinds]
        if names[:2] != ["Transformer", "Pooling"] or any(name != "Normalize" for name in names[2:]):
            raise StoredDataError(
                f"{path / 'modules.json'} lists {', '.join(names) or 'nothing'}; "
                "only Transformer, Pooling and Normalize are supported, choose another encoder"
            )
        if not (path / "tokenizer.json").is_file():
            raise StoredDataError(f"{path / 'tokenizer.json'} is missing; save the model with a fast tokenizer")
        extra = path / "config_sentence_transformers.json"
        if extra.is_file() and _dict(extra).get("default_prompt_name"):
            raise StoredDataError(f"{extra} sets a default prompt, which is not supported; choose another encoder")
        settings = path / "sentence_bert_config.json"
        length = _dict(settings).get("max_seq_length") if settings.is_file() else None
        if length is None:
            length = _dict(path / "config.json").get("max_position_embeddings", 512)
        return cls(path, _pooling(path / kinds[1][1] / "config.json"), int(length))

    @cached_property
    def weights(self) -> str:
        """Digest of the tensors and the pooling; the order of tensors and the file's metadata do not count."""
        files = sorted(self.path.glob("model*.safetensors"))
        if not files:
            raise StoredDataError(
                f"{self.path / 'model.safetensors'} is missing; weights in other formats are not read, "
                "save the model as safetensors"
            )
        tensors: dict[str, tuple[str, str]] = {}
        for file in files:
            tensors.update(_tensor_digests(file))
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
