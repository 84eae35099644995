"""Which encoder and which algorithm find themes? The published comparison, measured on a sample of the playlists."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.cluster.choose import silhouette
from segue.cluster.coherence import kept, title_match
from segue.cluster.density import dbscan, hdbscan
from segue.cluster.kmeans import kmeans
from segue.cluster.maps import Map, tsne_map
from segue.cluster.stability import stability, stability_over_samples
from segue.cluster.vectors import content_vectors
from segue.encode.base import Encoder
from segue.encode.cache import CachedEncoder
from segue.errors import InputError, MissingDependency
from segue.library import Library
from segue.split.holdout import holdout
from segue.systems.builds import opened_base_model
from segue.systems.theme_comparison_table import ComparedThemes, ComparisonRow, ComparisonSettings
from segue.views import text as views

__all__ = ["compare_themes"]

Progress = Callable[[int, int, str], None]

_NGRAM_D = 256  # the dense form of n-grams is only averaged and clustered
_SHUFFLES = 5
_MAPPED = 2_000  # playlists on a map; more are a carpet, and megabytes of page


def compare_themes(
    library: Library,
    settings: ComparisonSettings,
    scratch: Path,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ComparedThemes:
    """Compare on playlists of the training part alone.

    Args:
        scratch: an empty folder for opened encoders.
        cache: folder of cached vectors; None for none.

    Raises:
        InputError: too few playlists, or more clusters than playlists.
        MissingDependency: gensim, openTSNE, scikit-learn or the pretrained encoder is not installed.
    """
    progress = progress or (lambda done, total, what: None)
    if "fasttext" in settings.encoders and find_spec("gensim") is None:
        raise MissingDependency("FastText", extra="compare")
    if find_spec("openTSNE") is None:
        raise MissingDependency("maps of playlists", extra="compare")
    rows = _sampled(library, settings.sample)
    titles = [library.titles[row] for row in rows.tolist()]
    encoders: dict[str, dict[str, Any]] = {}
    clusters: dict[tuple[str, str], NDArray[np.int32]] = {}
    maps: dict[str, Map] = {}
    table = []
    for name in dict.fromkeys(settings.encoders):
        before = time.process_time()
        encoder = _opened(name, library, rows, settings, scratch / str(len(encoders)), cache, progress)
        vectors, made_of = _vectors(library, rows, encoder, settings, progress)
        spent = time.process_time() - before
        about = {"fingerprint": encoder.fingerprint, "d": encoder.d, "cpu_s": round(spent, 2)}
        encoders[name] = about | made_of
        for done, algorithm in enumerate(dict.fromkeys(settings.algorithms)):
            progress(done, len(settings.algorithms), f"{name}: {algorithm}")
            row, clusters[name, algorithm] = _compared(name, algorithm, vectors, titles, settings)
            table.append(row)
        maps[name] = tsne_map(vectors, rng_key=settings.rng_key, most=_MAPPED, progress=progress)
    return ComparedThemes(settings, library.fingerprint, rows, encoders, tuple(table), clusters, maps)


def _sampled(library: Library, sample: int) -> NDArray[np.int32]:
    """Training playlists that have a track, the first by the hash of their ids; ascending rows."""
    rows = holdout(library).train
    rows = rows[library.playlist_tracks.lengths[rows] > 0]
    if len(rows) < 2:
        raise InputError(f"clusters need at least 2 training playlists with tracks; there are {len(rows)}")
    ids = library.playlists["playlist_id"].to_list()
    digests = [hashlib.sha256(ids[row].encode("utf-8", "replace")).digest() for row in rows.tolist()]
    first = sorted(range(len(rows)), key=digests.__getitem__)[:sample]
    return np.sort(rows[first])


def _opened(
    name: str,
    library: Library,
    rows: NDArray[np.int32],
    settings: ComparisonSettings,
    scratch: Path,
    cache: Path | None,
    progress: Progress,
) -> Encoder:
    if name == "ngrams":
        from segue.encode.ngrams import NgramEncoder

        if settings.on == "titles":
            texts = views.title(library, rows)
        else:
            texts = views.name(library, np.unique(library.playlist_tracks.select(rows).indices))
        return NgramEncoder.fitted(sorted(set(texts)), dimension=_NGRAM_D)
    if name == "fasttext":
        from segue.encode.fasttext import FastTextEncoder

        progress(0, 1, "training FastText on the titles")
        return FastTextEncoder.fitted(views.title(library, holdout(library).train), rng_key=settings.rng_key)
    encoder = opened_base_model(library, scratch, None if name == "minilm" else name, progress=progress)
    return encoder if cache is None else CachedEncoder(encoder, cache)


def _vectors(
    library: Library, rows: NDArray[np.int32], encoder: Encoder, settings: ComparisonSettings, progress: Progress
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    if settings.on == "tracks":
        vectors, report = content_vectors(library, rows, encoder, coverage=settings.coverage, progress=progress)
        return vectors, {"n_texts": report["n_texts"], "n_without_vector": report["n_playlists_without_vector"]}
    read = views.title(library, rows)
    texts = list(dict.fromkeys(read))
    place = {text: i for i, text in enumerate(texts)}
    found = encoder.encode(texts, progress=lambda done, total: progress(done, total, "encoding distinct titles"))
    vectors = found[[place[text] for text in read]]
    vectors[[not text.strip() for text in read]] = 0  # a sentence encoder has a vector for nothing, too
    return vectors, {"n_texts": len(texts), "n_without_vector": int((~vectors.any(axis=1)).sum())}


def _compared(
    encoder: str, algorithm: str, vectors: NDArray[np.float32], titles: Sequence[str], settings: ComparisonSettings
) -> tuple[ComparisonRow, NDArray[np.int32]]:
    before = time.process_time()
    cluster, chosen = _clustered(algorithm, vectors, settings, settings.rng_key)
    spent = time.process_time() - before
    k = int(cluster.max(initial=-1)) + 1
    inside = cluster >= 0
    n_present = max(int(vectors.any(axis=1).sum()), 1)
    sizes = np.bincount(cluster[inside], minlength=k)
    match = title_match(cluster, titles, k)
    themes = kept(match, sizes, settings.min_match)

    def again(points: NDArray[np.float32], rng_key: int) -> NDArray[np.int32]:
        return _clustered(algorithm, points, settings, rng_key)[0]

    keys = [settings.rng_key + 1 + run for run in range(settings.n_runs)]
    row = ComparisonRow(
        encoder=encoder,
        algorithm=algorithm,
        n_clusters=k,
        noise=100 - 100 * float(inside.sum()) / n_present,
        n_kept=int(themes.sum()),
        kept=100 * float(sizes[themes].sum()) / n_present,
        match=_mean_match(match, sizes),
        match_by_chance=_by_chance(cluster, titles, k, settings.rng_key),
        silhouette=silhouette(vectors[inside], cluster[inside]),
        stability=stability(vectors, again, rng_keys=keys) if algorithm == "kmeans" else 1.0,
        stability_samples=stability_over_samples(vectors, again, n_samples=settings.n_runs, rng_key=keys[0]),
        cpu_s=round(spent, 2),
        settings=chosen,
    )
    return row, cluster


def _clustered(
    algorithm: str, vectors: NDArray[np.float32], settings: ComparisonSettings, rng_key: int
) -> tuple[NDArray[np.int32], dict[str, float]]:
    if algorithm == "kmeans":
        return kmeans(vectors, settings.k, rng_key=rng_key).cluster, {"k": settings.k}
    if algorithm == "dbscan":
        found = dbscan(vectors, eps=settings.eps, min_samples=settings.min_samples)
    else:
        found = hdbscan(vectors, min_cluster_size=settings.min_cluster_size, min_samples=settings.min_samples)
    return found.cluster, found.settings


def _mean_match(match: NDArray[np.float64], sizes: NDArray[np.integer]) -> float:
    return float((match * sizes).sum() / max(int(sizes.sum()), 1))


def _by_chance(cluster: NDArray[np.int32], titles: Sequence[str], k: int, rng_key: int) -> float:
    """Mean match where the clustered playlists change places at random."""
    rng = np.random.default_rng([rng_key, 7])
    inside = np.flatnonzero(cluster >= 0)
    sizes = np.bincount(cluster[inside], minlength=k)
    found = []
    for _ in range(_SHUFFLES):
        dealt = [titles[row] for row in rng.permutation(inside).tolist()]
        found.append(_mean_match(title_match(cluster[inside], dealt, k), sizes))
    return float(np.mean(found))
