"""What a track model is built of, and from which tracks it may learn."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.autoencoder import AutoencoderSpec
from segue.errors import InputError
from segue.library import Interactions, Library
from segue.split.holdout import part_of
from segue.systems.track_parts import AUDIO, LEARNT, LYRICS
from segue.train.autoencoder import AutoencoderSettings
from segue.train.track_vectors import TrackVectorSettings
from segue.views.features import feature_columns

__all__ = ["TrackSettings", "learnt_columns", "shaping_rows"]

# Read by the learnt vectors beside the audio features. Never the genre: tables of playlists often take it from the
# playlist itself, and a held-out playlist would be known by it.
_ALSO = ("year", "explicit")


@dataclass(frozen=True)
class TrackSettings:
    """What is built, and how.

    Args:
        audio, lyrics: networks of the codes. autoencoder: how they are trained.
        vectors: how the learnt vectors are. also_year: whether those read year and explicitness of a track, too.
        halves: which are built, where the library has what they need.
        clusters: of the tracks, for lists inside one; 0 for none.
    """

    audio: AutoencoderSpec = field(default_factory=lambda: AutoencoderSpec.of(10, (128, 64), ("gelu",)))
    lyrics: AutoencoderSpec = field(default_factory=lambda: AutoencoderSpec.of(30, (200, 100)))
    autoencoder: AutoencoderSettings = field(default_factory=lambda: AutoencoderSettings(epochs=40))
    vectors: TrackVectorSettings = field(default_factory=TrackVectorSettings)
    also_year: bool = True
    halves: tuple[str, ...] = (AUDIO, LYRICS, LEARNT)
    clusters: int = 50
    rng_key: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.halves) - {AUDIO, LYRICS, LEARNT})
        if unknown or not self.halves or self.clusters < 0:
            raise InputError(
                f"a track model has the halves {AUDIO}, {LYRICS} and {LEARNT} and 0 clusters or more; "
                f"{', '.join(unknown) or 'what was asked for'} cannot be built"
            )

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)


def learnt_columns(library: Library, settings: TrackSettings) -> tuple[str, ...]:
    """Columns of numbers that the learnt vectors read, those without a value left out."""
    also = _ALSO if settings.also_year else ()
    there = (name for name in also if library.tracks[name].null_count() < library.n_tracks)
    return (*feature_columns(library), *there)


def shaping_rows(
    library: Library, training: Interactions, validation: Interactions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tracks that may shape something, and other tracks that may stop a training; bool ``(n_tracks,)`` each.

    Tracks of training playlists, and those of validation playlists that are in none of them. Where there are no such
    tracks (no playlists, or a handful), the hash of the tracks' ids decides.
    """
    fit = np.bincount(training.indices, minlength=library.n_tracks) > 0
    check = (np.bincount(validation.indices, minlength=library.n_tracks) > 0) & ~fit
    if fit.sum() >= 2 and check.any():
        return fit, check
    parts = np.array([part_of(track_id) for track_id in library.tracks["track_id"].to_list()])
    return parts > 1, parts == 1
