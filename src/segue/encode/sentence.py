"""The sentence encoder of training: sentence-transformers on torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress, distinct, unit_rows
from segue.encode.folder import MAX_LENGTH, SentenceFolder, text_cap
from segue.errors import MissingDependency, StoredDataError

__all__ = ["SentenceEncoder"]

_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """A sentence-transformers folder opened with torch, for training and for checking exports.

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
        from transformers.utils import logging

        # A bar for the tenth of a second that the weights take is noise in every log.
        bars: Any = logging
        shown = bars.is_progress_bar_enabled()
        bars.disable_progress_bar()
        try:
            model = SentenceTransformer(str(described.path), device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise StoredDataError(f"{folder} cannot be opened: {error}") from error
        finally:
            if shown:
                bars.enable_progress_bar()
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
