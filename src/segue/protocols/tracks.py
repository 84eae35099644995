"""Same-playlist protocol: do a track's neighbours stand in the held-out playlists that hold it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.clustered import over_playlists, paired_over_playlists
from segue.evaluate.same_playlist import nearest, query_tracks, recall, triplet_accuracy
from segue.evaluate.significance import Interval, holm, interval
from segue.library import Interactions, Library, Query
from segue.protocols.tracks_report import KS, TrackFigures, TrackReport, TrackRow, TrackScore
from segue.recommend.item_knn import ItemKnn
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.popularity import Popularity
from segue.recommend.track_neighbours import Half, TrackNeighbours
from segue.split.holdout import Part, Split, drop_near_duplicates
from segue.systems.track_model import TrackModel
from segue.systems.track_parts import AUDIO, LEARNT, LYRICS
from segue.views.features import Scaler, feature_columns

__all__ = ["METHODS", "REFERENCE", "run_tracks"]

Progress = Callable[[int, int, str], None]
Mask = NDArray[np.bool_] | None
Method = Callable[[NDArray[np.int32], Mask], NDArray[np.int32]]
"""Query tracks, and which tracks may be neighbours -> neighbours, int32 ``(q, 50)``."""

REFERENCE = "same artist, then audio"
METHODS = (
    "random", "audio, standardised", "audio, min-max", "audio code", "lyrics code", "audio and lyrics code",
    REFERENCE, "co-occurrence (item-kNN)", "learnt vectors", "same artist, then learnt", "track model",
)  # fmt: skip
_FIRST = 1e3  # deviations that a shared artist is worth where the artist's tracks come first
_TRIPLETS = 20_000
_BLOCK = 256


def run_tracks(
    library: Library,
    split: Split,
    model: TrackModel,
    *,
    part: Part = "test",
    rng_key: int = 0,
    progress: Progress | None = None,
) -> TrackReport:
    """Ask every method for the 50 nearest tracks of each track of the held-out playlists, in the whole catalogue.

    Args:
        split: of the library's playlists. model: learnt from its training part alone.
        part: whose playlists say what is right; validation playlists chose the model's weights.

    Raises:
        InputError: the model is of another library, or no held-out playlist has two tracks.
    """
    if model.about.get("library") != library.fingerprint:
        raise InputError("this track model was made of another library; make it again with 'segue similar --train'")
    playlists = library.playlist_tracks.distinct()
    training = playlists.select(split.train)
    rows = drop_near_duplicates(library, split.train, split.part(part))
    held = playlists.select(rows[playlists.lengths[rows] >= 2])
    asked = query_tracks(held)
    if not len(asked):
        raise InputError(f"no {part} playlist has two tracks to ask about; a larger library is needed")
    warm = np.bincount(training.indices, minlength=library.n_tracks) > 0
    methods, vectors = _methods(library, training, warm, model, rng_key)
    slices: dict[str, tuple[NDArray[np.int32], Mask]] = {"all": (asked, None)}
    for name, mask in (("in training playlists", warm), ("in none", ~warm)):
        if mask[asked].any():
            slices[name] = (asked[mask[asked]], None)
    among = query_tracks(held, ~warm)
    among = among[~warm[among]]
    if len(among):
        slices["in none, among themselves"] = (among, ~warm)
    found: dict[str, dict[str, dict[str, NDArray[np.float64]]]] = {}
    whole = [(asked, None), *([(among, ~warm)] if len(among) else [])]
    for done, (name, method) in enumerate(methods.items()):
        if progress is not None:
            progress(done, len(methods), f"neighbours by {name}")
        values = [recall(method(queries, only), queries, held, KS, only) for queries, only in whole]
        place = np.searchsorted(asked, slices.get("in none", (asked[:0], None))[0])
        warm_place = np.searchsorted(asked, slices.get("in training playlists", (asked[:0], None))[0])
        found[name] = {"all": values[0]}
        for slice_name, where in (("in training playlists", warm_place), ("in none", place)):
            if slice_name in slices:
                found[name][slice_name] = {metric: v[where] for metric, v in values[0].items()}
        if len(among):
            found[name]["in none, among themselves"] = values[1]
    figures = TrackFigures(
        part=part,
        library=library.fingerprint,
        model=model.fingerprint,
        reference=REFERENCE if REFERENCE in methods else "random",
        n_tracks=library.n_tracks,
        n_training=training.n_rows,
        n_held_out=held.n_rows,
        weights={
            **{k: float(v) for k, v in model.neighbours.weights.items()},
            "artist": model.neighbours.same_artist,
        },
        slices={name: len(queries) for name, (queries, _) in slices.items()},
        rows=_rows(found, slices, held, REFERENCE if REFERENCE in methods else "random"),
        triplets={name: _triplets(v, held, rng_key) for name, v in vectors.items()},
        notes=_notes(part, model),
    )
    return TrackReport(figures, {name: slices_["all"] for name, slices_ in found.items()}, asked)


def _methods(
    library: Library, training: Interactions, warm: NDArray[np.bool_], model: TrackModel, rng_key: int
) -> tuple[dict[str, Method], dict[str, NDArray[np.float32]]]:
    """Methods by name, in the order of :data:`METHODS`, and the vectors of those that have some."""
    k, n = max(KS), library.n_tracks
    halves = {half.name: half for half in model.neighbours.halves}
    vectors: dict[str, NDArray[np.float32]] = {
        "random": np.random.default_rng([rng_key, 7]).standard_normal((n, 32)).astype(np.float32)
    }
    methods: dict[str, Method] = {}
    columns = feature_columns(library)
    fit = np.flatnonzero(warm) if warm.any() else np.arange(n)
    if columns:
        vectors["audio, standardised"] = Scaler.fit(library, fit, columns, kind="standard").apply(library)
        vectors["audio, min-max"] = Scaler.fit(library, fit, columns).apply(library)
    for name, half in (("audio code", AUDIO), ("lyrics code", LYRICS), ("learnt vectors", LEARNT)):
        if half in halves:
            vectors[name] = halves[half].vectors

    def by(vectors: NDArray[np.float32], metric: Any = "cosine") -> Method:
        return lambda rows, only: nearest(vectors, rows, k, only, metric=metric)

    for name, found in vectors.items():
        methods[name] = by(found, "distance" if name == "audio, min-max" else "cosine")

    def composed(near: TrackNeighbours) -> Method:
        return lambda rows, only: near.neighbours(rows, k, only=only)

    def of(*chosen: Half, weights: Mapping[str, float] | None = None, artist: float = 0.0) -> TrackNeighbours:
        names = [half.name for half in chosen]
        weighed = {name: (weights or {}).get(name, 1.0) for name in names}
        return replace(model.neighbours, halves=chosen, weights=weighed, same_artist=artist, cluster=None)

    if AUDIO in halves and LYRICS in halves:
        pair = of(halves[AUDIO], halves[LYRICS], weights=model.neighbours.weights)
        if not any(pair.weights.values()):
            pair = pair.weighted(dict.fromkeys(pair.weights, 1.0), 0.0)
        methods["audio and lyrics code"] = composed(pair)
    if "audio, standardised" in vectors:
        from segue.encode.base import unit_rows

        standard = Half.of("standard", unit_rows(vectors["audio, standardised"]))
        methods[REFERENCE] = composed(of(standard, artist=_FIRST))
    methods["co-occurrence (item-kNN)"] = _by_cooccurrence(training, k)
    if LEARNT in halves:
        methods["same artist, then learnt"] = composed(of(halves[LEARNT], artist=_FIRST))
    methods["track model"] = composed(replace(model.neighbours, cluster=None))
    return {name: methods[name] for name in METHODS if name in methods}, vectors


def _by_cooccurrence(training: Interactions, k: int) -> Method:
    """Item-kNN over the training playlists; popular tracks where nothing is known."""
    knn = ItemKnn(PlaylistIndex.of(training))
    popularity: Popularity = knn.index.popularity

    def method(rows: NDArray[np.int32], only: Mask) -> NDArray[np.int32]:
        out = np.full((len(rows), k), -1, np.int32)
        allowed = np.ones(popularity.n_tracks, bool) if only is None else only
        for place, row in enumerate(rows.tolist()):
            depth = k if only is None else popularity.n_tracks
            ranked = knn.recommend(Query("", (row,)), depth).rows
            ranked = ranked[allowed[ranked]][:k]
            out[place, : len(ranked)] = ranked
        return out

    return method


def _rows(
    found: Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]],
    slices: Mapping[str, tuple[NDArray[np.int32], Mask]],
    held: Interactions,
    reference: str,
) -> list[TrackRow]:
    """Means with intervals, and the comparison with the reference, whole playlists resampled."""
    rows = []
    for slice_name, (queries, _) in slices.items():
        for metric in (f"recall@{k}" for k in KS):
            others = [name for name in found if name != reference]
            base = found[reference][slice_name][metric]
            versus = {
                name: paired_over_playlists(found[name][slice_name][metric], base, queries, held) for name in others
            }
            corrected = dict(zip(others, holm([versus[name].p for name in others]), strict=True))
            for name in found:
                values = found[name][slice_name][metric]
                against = versus.get(name)
                rows.append(
                    TrackRow(
                        method=name,
                        slice=slice_name,
                        metric=metric,
                        score=_score(over_playlists(values, queries, held)),
                        difference=None if against is None else _score(against.difference),
                        ratio=None if against is None else _number(against.ratio.mean),
                        p=None if against is None else _number(float(corrected[name])),
                    )
                )
    return rows


def _triplets(vectors: NDArray[np.float32], held: Interactions, rng_key: int) -> TrackScore:
    return _score(interval(triplet_accuracy(vectors, held, rng_key, _TRIPLETS)))


def _score(found: Interval) -> TrackScore:
    return TrackScore(_number(found.mean), _number(found.low), _number(found.high))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _notes(part: Part, model: TrackModel) -> list[str]:
    notes = [
        "The genre of a track is read by no method: tables of playlists often take it from the playlist itself, and "
        "a held-out playlist would be known by it.",
        "A track counts once; intervals and comparisons resample whole playlists.",
    ]
    if part == "validation":
        notes.append("The weights of the track model were chosen on these playlists, which flatters its row.")
    lacking = [
        name for name in (AUDIO, LYRICS, LEARNT) if name not in {half.name for half in model.neighbours.halves}
    ]
    if lacking:
        notes.append(f"The library has nothing to build {' and '.join(lacking)} from, so those rows are missing.")
    return notes
