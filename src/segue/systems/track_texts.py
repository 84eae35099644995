"""What reads the names, artists and lyrics of tracks for a track model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segue.encode.base import Encoder
from segue.encode.cache import CachedEncoder
from segue.encode.ngrams import NgramEncoder
from segue.library import Library
from segue.split.holdout import holdout
from segue.systems.builds import NGRAMS, opened_base_model
from segue.views.text import name_artist

__all__ = ["texts_reader"]

_NGRAM_D = 384


def texts_reader(
    library: Library, scratch: Path, base_model: str | None = None, cache: Path | None = None
) -> tuple[Encoder, Path | None]:
    """A sentence encoder with a cache, or n-grams fitted on names and artists of the training playlists' tracks.

    Args:
        scratch: folder for the opened model, as long as the encoder is used. base_model: "ngrams" for n-grams.

    Returns:
        The encoder, and the folder that it lies in; None for n-grams, which write themselves.

    Raises:
        InputError, MissingDependency: the model is not on this machine.
    """
    if base_model == NGRAMS:
        held = np.unique(library.playlist_tracks.select(holdout(library).train).indices)
        read = name_artist(library, held if len(held) else None)
        return NgramEncoder.fitted(sorted(set(read)), dimension=_NGRAM_D), None
    encoder = opened_base_model(library, scratch / "encoder", base_model)
    if isinstance(encoder, NgramEncoder):  # without torch, fitted on titles: names are what is read here
        return texts_reader(library, scratch, NGRAMS)
    return (encoder if cache is None else CachedEncoder(encoder, cache)), scratch / "encoder"
