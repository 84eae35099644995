"""What auto-encoders read: numbers of tracks, or vectors of their lyrics; scaled by the training tracks alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.chunks import chunked
from segue.errors import InputError
from segue.library import Library
from segue.library.tables import SENTIMENT
from segue.split.tracks import track_split
from segue.systems.architectures import Input
from segue.views.features import ArtistColumns, Scaler, feature_columns, matrix
from segue.views.text import text_column

__all__ = ["LEAST_TRACKS", "Inputs", "audio_inputs", "lyrics_encoder", "lyrics_inputs"]

Progress = Callable[[int, int, str], None]
_MOST_FITTED = 2_000  # characters of a text that n-grams are counted in
_NGRAM_D = 256
LEAST_TRACKS = 20
"""Training tracks below which nothing is compared."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Rows that networks read.

    Args:
        rows: track row of each, int32 ``(n,)``, ascending: the tracks of which something is known.
        x: float32 ``(n, m)``. n_targets: how many of the first columns are rebuilt.
        parts: 0 training, 1 validation, 2 test, int8 ``(n,)``.
        columns: names of the first columns; empty for text vectors.
        raw: what the neighbours of the untouched input are looked for with: name -> float32 ``(n, .)``.
    """

    input: Input
    rows: NDArray[np.int32]
    x: NDArray[np.float32]
    n_targets: int
    parts: NDArray[np.int8]
    columns: tuple[str, ...]
    raw: dict[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        for part, least in enumerate((LEAST_TRACKS, 1)):
            n = int((self.parts == part).sum())
            if n < least:
                what = "features" if self.input == "audio" else "lyrics"
                raise InputError(
                    f"{n} {('training', 'validation')[part]} tracks have {what}, too few to compare auto-encoders; "
                    "give a library with more"
                )

    def part(self, number: int) -> NDArray[np.float32]:
        """Rows of a part, ``(., m)``."""
        rows: NDArray[np.float32] = self.x[self.parts == number]
        return rows

    @cached_property
    def targets(self) -> NDArray[np.float32]:
        """What is to be rebuilt, ``(n, n_targets)``."""
        columns: NDArray[np.float32] = self.x[:, : self.n_targets]
        return columns


def audio_inputs(
    library: Library, *, sentiment: bool = True, artist: bool = False, circular_key: bool = False
) -> Inputs:
    """Audio features, analysis, duration and sentiment, min-max-scaled; unknown values are imputed and marked.

    Args:
        sentiment: read (and rebuild) the mood of the lyrics, where the library has it.
        artist: read the artist as well; it is not rebuilt.
        circular_key: the key as a point on a circle.

    Raises:
        InputError: too few tracks have features.
    """
    columns = feature_columns(library, sentiment=sentiment, circular_key=circular_key)
    sounds = [name for name in columns if name not in SENTIMENT and name != "duration_ms"]
    if not sounds:
        raise InputError(
            "no track of the library has audio features; ingest a table that has them, or choose --input lyrics"
        )
    values = matrix(library, columns)
    known = np.isfinite(values[:, [columns.index(name) for name in sounds]]).any(axis=1)
    rows = np.flatnonzero(known).astype(np.int32)
    parts = _parts(library)[rows]
    train = rows[parts == 0]
    if len(train) < LEAST_TRACKS:
        raise InputError(f"{len(train)} training tracks have audio features, too few to compare auto-encoders")
    scaler = Scaler.of(values[train], columns)
    standard = Scaler.of(values[train], columns, kind="standard")
    x = scaler.transform(values[rows])
    raw = {"min-max features": x.copy(), "standardised features": standard.transform(values[rows])}
    if artist:
        x = np.hstack([x, ArtistColumns.fit(library, train).apply(library, rows)])
    return Inputs("audio", rows, x, len(columns), parts, columns, raw)


def lyrics_inputs(library: Library, encoder: Encoder, *, progress: Progress | None = None) -> Inputs:
    """Vectors of lyrics, long ones cut and averaged, min-max-scaled as the features are.

    Raises:
        InputError: too few tracks have lyrics.
    """
    lyrics = text_column(library, "lyrics")
    rows = np.flatnonzero([bool(text.strip()) for text in lyrics]).astype(np.int32)
    parts = _parts(library)[rows]
    if int((parts == 0).sum()) < LEAST_TRACKS:
        raise InputError(f"{(parts == 0).sum()} training tracks have lyrics, too few to compare auto-encoders")
    told = None if progress is None else (lambda done, total: progress(done, total, "encoding lyrics"))
    vectors = chunked(encoder, [lyrics[row] for row in rows.tolist()], progress=told)
    columns = tuple(f"v{i}" for i in range(vectors.shape[1]))
    x = Scaler.of(vectors[parts == 0], columns).transform(vectors)
    return Inputs("lyrics", rows, x, x.shape[1], parts, (), {"text vectors": vectors})


def _parts(library: Library) -> NDArray[np.int8]:
    """Part of each track, 0 training, 1 validation, 2 test."""
    split = track_split(library)
    parts = np.zeros(library.n_tracks, np.int8)
    parts[split.validation], parts[split.test] = 1, 2
    return parts


def lyrics_encoder(
    library: Library, folder: Path, base_model: str | None = None, *, progress: Progress | None = None
) -> Encoder:
    """The encoder of lyrics: a base model put into ``folder``, or n-grams fitted on the training tracks' lyrics.

    Raises:
        InputError, MissingDependency: the model is not on this machine.
    """
    from segue.systems.builds import NGRAMS, opened_base_model

    if base_model == NGRAMS:
        from segue.encode.ngrams import NgramEncoder

        lyrics = text_column(library, "lyrics", track_split(library).train)
        return NgramEncoder.fitted(
            sorted({text[:_MOST_FITTED] for text in lyrics if text.strip()}), dimension=_NGRAM_D
        )
    return opened_base_model(library, folder, base_model, progress=progress)
