"""The sentence encoder of training: sentence-transformers on torch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress, distinct, unit_rows
from segue.encode.folder import MAX_LENGTH, SentenceFolder, text_cap
from segue.errors import MissingDependency, StoredDataError

__all__ = ["SentenceEncoder", "without_bars"]

_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """The folder of a sentence encoder opened with torch, for training and for checking exports.

    Both kinds of :class:`~segue.encode.folder.SentenceFolder` are opened, a classifier without its head too.

    Args:
        model: the ``SentenceTransformer``; whoever changes its parameters saves it to a folder and opens that, so
            that the fingerprint follows.
        threads: torch threads; None leaves torch's setting, which is one of the process.
    """

    d: int
    fingerprint: str
    max_length: int
    model: Any = field(repr=False)
    batch_size: int = 32
    threads: int | None = None

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        batch_size: int = 32,
        threads: int | None = None,
        max_length: int = MAX_LENGTH,
    ) -> SentenceEncoder:
        """Open a folder; nothing is downloaded.

        Raises:
            StoredDataError: the folder is damaged or of a kind that is not supported.
            MissingDependency: sentence-transformers is not installed.
        """
        described = SentenceFolder.read(folder)
        fingerprint = described.fingerprint(max_length)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingDependency("opening an encoder with torch", extra="train") from error
        try:
            with without_bars():
                model = SentenceTransformer(str(described.path), device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise StoredDataError(f"{folder} cannot be opened: {error}") from error
        if described.prefix is not None:
            _drop_what_was_not_stored(model[0].auto_model, described)
        model.float()  # a checkpoint in half precision is opened in it, and no processor is fast there
        model.eval()
        model.max_seq_length = min(max_length, described.max_length)
        d = int(model.get_embedding_dimension() or 0)
        return cls(d, fingerprint, model.max_seq_length, model, batch_size, threads)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to unit rows, float32 ``(n, d)``; small batches sorted by length."""
        import torch

        unique, where = distinct(texts, text_cap(self.max_length))
        vectors = np.zeros((len(unique), self.d), np.float32)
        order = sorted(range(len(unique)), key=lambda row: (len(unique[row]), row))
        before = torch.get_num_threads()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        try:
            for first in range(0, len(order), _CHUNK):
                rows = order[first : first + _CHUNK]
                part = self.model.encode(
                    [unique[row] for row in rows],
                    batch_size=self.batch_size,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
                vectors[rows] = unit_rows(np.asarray(part, np.float32))
                if progress is not None:
                    progress(first + len(rows), len(order))
        finally:
            if self.threads is not None:
                torch.set_num_threads(before)
        return vectors[where]


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """No bar for the tenth of a second that the weights take, and no table of the head that is left out."""
    from transformers.utils import logging

    bars: Any = logging
    shown, level = bars.is_progress_bar_enabled(), bars.get_verbosity()
    bars.disable_progress_bar()
    bars.set_verbosity_error()
    try:
        yield
    finally:
        bars.set_verbosity(level)
        if shown:
            bars.enable_progress_bar()


def _drop_what_was_not_stored(model: Any, described: SentenceFolder) -> None:
    """Refuse a model whose tensors are not all in the folder: transformers fills the others with random numbers.

    Only a missing pooler is nothing: mean pooling does not use it, and it is taken away.
    """
    stored = {
        # names of the first BERTs, which transformers still reads
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        for name in described.tensors
    }
    missing = [name for name in model.state_dict() if name not in stored]
    if missing and all(name.startswith("pooler.") for name in missing):
        model.pooler = None
    elif missing:
        raise StoredDataError(
            f"{described.path} lacks {len(missing)} tensors of the model that its config.json describes "
            f"({missing[0]} is one); fetch the encoder again"
        )
