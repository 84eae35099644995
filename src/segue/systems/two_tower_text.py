"""What the track tower reads as text, as vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.cache import CachedEncoder
from segue.encode.ngrams import NgramEncoder
from segue.split.users import UserSplit
from segue.systems.builds import NGRAMS, opened_base_model
from segue.views.specs import View

__all__ = ["text_vectors", "track_reader"]

Progress = Callable[[int, int, str], None]
_NGRAM_D = 384


def text_vectors(
    split: UserSplit, view: View | None, encoder: Encoder | None, *, progress: Progress | None = None
) -> NDArray[np.float32]:
    """A vector of each track's text, float32 ``(n_tracks, d)``; ``d`` is 0 without a view or an encoder."""
    if view is None or encoder is None:
        return np.zeros((split.n_tracks, 0), np.float32)
    report = None if progress is None else lambda done, total: progress(done, total, "encoding tracks")
    texts = view.texts(split.library)
    vectors: NDArray[np.float32] = np.ascontiguousarray(encoder.encode(texts, progress=report), np.float32)
    # what nothing is known of has no text, whatever an encoder makes of an empty string
    vectors[[not text.strip() for text in texts]] = 0
    return vectors


def track_reader(
    split: UserSplit, view: View, scratch: Path, base_model: str | None = None, cache: Path | None = None
) -> Encoder:
    """What reads the tracks' texts: a sentence encoder with a cache, or n-grams fitted on the training tracks' texts.

    Args:
        scratch: folder for the opened model, as long as the encoder is used. base_model: "ngrams" for n-grams.

    Raises:
        InputError, MissingDependency: the model is not on this machine.
    """
    if base_model == NGRAMS:
        heard = np.unique(split.train.indices)
        return NgramEncoder.fitted(sorted(set(view.texts(split.library, heard))), dimension=_NGRAM_D)
    encoder = opened_base_model(split.library, scratch / "encoder", base_model)
    return encoder if cache is None else CachedEncoder(encoder, cache)
