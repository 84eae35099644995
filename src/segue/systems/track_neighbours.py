"""The song-level system: auto-encoded audio and lyrics and learnt vectors; the nearest tracks. Composition only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.cluster.kmeans import kmeans
from segue.encode.autoencoder import AutoencoderSpec
from segue.encode.base import Encoder
from segue.errors import InputError
from segue.library import Catalogue, Library
from segue.recommend.popularity import Popularity
from segue.recommend.track_neighbours import Half, TrackNeighbours
from segue.split.holdout import Split, holdout
from segue.systems.track_model import TrackModel
from segue.systems.track_parts import AUDIO, LEARNT, LYRICS, CodePart, LearntPart, TrackParts, known_rows
from segue.systems.track_settings import TrackSettings, learnt_columns, shaping_rows
from segue.systems.track_weights import fitted_weights
from segue.train.autoencoder import train_autoencoder
from segue.train.track_vectors import train_track_vectors
from segue.views.features import Scaler, feature_columns

__all__ = ["TrackSettings", "learn"]

Progress = Callable[[int, int, str], None]


def learn(
    library: Library,
    texts: Encoder | None = None,
    settings: TrackSettings | None = None,
    *,
    split: Split | None = None,
    texts_folder: Path | None = None,
    progress: Progress | None = None,
) -> TrackModel:
    """Learn from training playlists, choose the weights on validation playlists, place every track.

    Args:
        texts: reads names, artists and lyrics; None leaves them out. texts_folder: where it lies, to be copied.
        split: of the library's playlists; None is the hash split. Without playlists there are codes alone.

    Raises:
        InputError: the tracks have neither features nor lyrics nor playlists.
        TrainingError: there is too little of them.
    """
    settings, split = settings or TrackSettings(), split or holdout(library)
    playlists = library.playlist_tracks.distinct()
    training, validation = playlists.select(split.train), playlists.select(split.validation)
    fit, check = shaping_rows(library, training, validation)
    parts, trained = TrackParts(texts=texts), dict[str, Any]()

    def code(x: NDArray[np.float32], known: NDArray[np.bool_], spec: AutoencoderSpec, name: str) -> CodePart:
        found = train_autoencoder(x[fit & known], x[check & known], spec, settings.autoencoder, progress=progress)
        trained[name] = {**asdict(found.history[found.best_epoch]), "warnings": list(found.warnings)}
        return CodePart.of(found.autoencoder, x[fit & known], rebuilt=name == AUDIO)

    columns = feature_columns(library)
    known = known_rows(library, columns)
    if AUDIO in settings.halves and (fit & known).sum() > 1 and (check & known).any():
        # in deviations: min-max leaves loudness and speechiness, of a few far values, almost out of the error
        scaler = Scaler.fit(library, np.flatnonzero(fit & known), columns, kind="standard")
        parts = parts.with_(audio_scaler=scaler, audio=code(scaler.apply(library), known, settings.audio, AUDIO))
    lyrics = parts.read_lyrics(library, progress)
    said = np.asarray(lyrics.any(axis=1))
    if LYRICS in settings.halves and (fit & said).sum() > 1 and (check & said).any():
        parts = parts.with_(lyrics=code(lyrics, said, settings.lyrics, LYRICS))
    inputs = None
    if LEARNT in settings.halves and (training.lengths > 1).any() and (texts is not None or columns):
        wide = learnt_columns(library, settings)
        scaler_of_learnt = Scaler.fit(library, np.flatnonzero(fit), wide, kind="standard") if wide else None
        inputs = parts.inputs(library, scaler_of_learnt, lyrics if said.any() else None, progress)
        learnt = train_track_vectors(inputs, training, settings.vectors, progress=progress)
        parts = parts.with_(learnt=LearntPart(learnt.encoder, scaler_of_learnt, bool(said.any())))
        trained[LEARNT] = {"loss": [round(epoch.loss, 5) for epoch in learnt.history]}
    vectors = parts.vectors(library, lyrics=lyrics, inputs=inputs, progress=progress)
    if not vectors:
        what = "audio features, lyrics and playlists"
        raise InputError(f"these tracks have too little of {what} to learn from; add some with 'segue annotate'")
    named = np.array([bool(name.strip()) for name in library.artist_names], bool)
    plain = TrackNeighbours(
        halves=tuple(Half.of(name, found, rng_key=settings.rng_key) for name, found in vectors.items()),
        weights=dict.fromkeys(vectors, 1.0),
        artist_rows=np.where(named[library.artist_rows], library.artist_rows, -1).astype(np.int32),
        popularity=Popularity.fitted(training),
    )
    neighbours, tried = fitted_weights(plain, validation, rng_key=settings.rng_key, progress=progress)
    about = {"library": library.fingerprint, "settings": settings.to_json(), "training": trained, "weights": tried}
    model = TrackModel(Catalogue.of(library), neighbours, parts, training, None, texts_folder, about)
    joined = model.joined(vectors)
    k = min(settings.clusters, int(joined.any(axis=1).sum()) // 2)
    if k < 2:
        return model
    found = kmeans(joined, k, n_init=1, rng_key=settings.rng_key, progress=progress)
    return model.clustered(found.cluster, found.centroids)
