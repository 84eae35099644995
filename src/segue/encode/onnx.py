"""The sentence encoder of queries and builds: onnxruntime and tokenizers, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress, distinct
from segue.encode.folder import MAX_LENGTH, digest_file, encoder_fingerprint, text_cap
from segue.errors import StoredDataError

__all__ = ["OnnxEncoder"]

_CHUNK = 8192  # texts that are tokenized before any is encoded
_BATCH_TOKENS = 256  # activations of so many tokens stay in the cache of a core; measured best of 64 to 2048


@dataclass(frozen=True, eq=False)
class OnnxEncoder:
    """A sentence encoder exported by :func:`segue.train.export.export_onnx`.

    The graph holds pooling and scaling, and its metadata say what it was exported from. Texts of equal token count
    are encoded together, so nothing is padded. An empty text has a unit vector like any other.
    """

    d: int
    fingerprint: str
    max_length: int
    _session: Any = field(repr=False)
    _tokenizer: Any = field(repr=False)

    @classmethod
    def open(cls, folder: Path | str, *, threads: int = 1, max_length: int = MAX_LENGTH) -> OnnxEncoder:
        """Open ``folder/onnx/model.onnx`` with ``folder/tokenizer.json``.

        Args:
            threads: of onnxruntime within one batch; 1 is the most frugal.
            max_length: tokens of a text that are read; at most what the model allows.

        Raises:
            StoredDataError: a file is missing, damaged, or does not belong to the other.
        """
        from onnxruntime.capi import onnxruntime_pybind11_state as states
        from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
        from tokenizers import Tokenizer

        folder = Path(folder)
        path, tokenizer_path = folder / "onnx" / "model.onnx", folder / "tokenizer.json"
        for file in (path, tokenizer_path):
            if not file.is_file():
                raise StoredDataError(f"{file} is missing; export the encoder again")
        options = states.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # The export has optimised the graph already.
        options.graph_optimization_level = states.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        try:
            session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            notes = session.get_modelmeta().custom_metadata_map
            weights, tokenizer_digest = notes["segue.weights"], notes["segue.tokenizer"]
            max_length = min(max_length, int(notes["segue.max_length"]))
            d = int(session.get_outputs()[0].shape[1])
        except KeyError as error:
            raise StoredDataError(f"{path} was not exported by segue; export the encoder again") from error
        except _refusals(states) as error:
            raise StoredDataError(f"{path} is damaged ({_first_line(error)}); export the encoder again") from error
        if digest_file(tokenizer_path) != tokenizer_digest:
            raise StoredDataError(f"{tokenizer_path} does not belong to {path}; export the encoder again")
        tokenizer = Tokenizer.from_file(str(tokenizer_path))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)
        return cls(d, encoder_fingerprint(weights, tokenizer_digest, max_length), max_length, session, tokenizer)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to unit rows, float32 ``(n, d)``."""
        unique, where = distinct(texts, text_cap(self.max_length))
        vectors = np.empty((len(unique), self.d), np.float32)
        for first in range(0, len(unique), _CHUNK):
            chunk = unique[first : first + _CHUNK]
            self._encode_chunk(chunk, vectors[first : first + _CHUNK])
            if progress is not None:
                progress(first + len(chunk), len(unique))
        return vectors[where] if len(unique) != len(texts) else vectors

    def _encode_chunk(self, texts: list[str], out: NDArray[np.float32]) -> None:
        # One by one: encode_batch starts a thread pool, which a later fork would complain about.
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        order = np.argsort(lengths, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(lengths[order])) + 1, len(order))
        first = 0
        for end in ends:
            step = max(1, _BATCH_TOKENS // int(lengths[order[first]]))
            for start in range(first, int(end), step):
                rows = order[start : min(start + step, end)]
                ids = np.array([tokens[row] for row in rows], np.int64)
                inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
                out[rows] = self._session.run(None, inputs)[0]
            first = int(end)


def _refusals(states: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises on files that it cannot use; its errors have no common base."""
    names = "Fail InvalidProtobuf InvalidGraph InvalidArgument NoSuchFile NoModel NotImplemented RuntimeException"
    return tuple(getattr(states, name) for name in names.split())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
