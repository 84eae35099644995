"""Themes of a library: vectors of playlists -> clusters -> which say the same -> 80/10/10; written with a report."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.cluster.coherence import kept, title_match
from segue.cluster.cooccurrence import Cooccurrence
from segue.cluster.kmeans import Clustering, kmeans
from segue.cluster.vectors import TextEncoder, TrackText, content_vectors, covered_tracks, joint_vectors
from segue.cluster.words import characteristic_words, theme_names
from segue.encode.base import Encoder
from segue.encode.cache import CachedEncoder
from segue.errors import InputError
from segue.library import Library
from segue.library.arrays import write_bytes
from segue.library.folders import check_place, new_folder
from segue.library.themes import KIND, Themes
from segue.recommend.because import MIN_SHARING
from segue.split.holdout import holdout
from segue.split.stratified import LEAST, stratified
from segue.systems.builds import NGRAMS, opened_base_model
from segue.systems.theme_report import theme_report, to_html
from segue.views import text as views
from segue.views.titles import normalise

__all__ = [
    "ThemeSettings",
    "cache_folder",
    "clustered_rows",
    "compared_titles",
    "make_themes",
    "playlist_vectors",
    "track_encoder",
]

Progress = Callable[[int, int, str], None]
Vectors = Literal["content", "collaborative", "joint"]
_NGRAM_D = 256  # the dense form of n-grams is only averaged and clustered; more dimensions cost more than they give


@dataclass(frozen=True)
class ThemeSettings:
    """How themes are made; the defaults are the published ones.

    Args:
        k: number of clusters.
        vectors: playlists by their tracks' texts, by who holds the same tracks, or both.
        text: what is read of a track.
        coverage: share of all (playlist, track) rows whose tracks are encoded, the most-played first.
        d: directions of the collaborative vectors.
        joint_weight: what the collaborative side counts in the joint vectors, in [0, 1].
        min_match: percent; clusters at or below it are miscellaneous.
        titles: titles are compared raw, or normalised.
        part: cluster the training part of the hash split, or everything.
        n_init: starts of K-Means. rng_key: key of the random draws.
        minibatch: K-Means in batches; None decides by size.

    Raises:
        InputError: a value makes no sense; the message names it.
    """

    k: int = 200
    vectors: Vectors = "content"
    text: TrackText = "name"
    coverage: float = 1.0
    d: int = 64
    joint_weight: float = 0.5
    min_match: float = 2.0
    titles: Literal["raw", "normalised"] = "raw"
    part: Literal["train", "all"] = "train"
    n_init: int = 3
    rng_key: int = 0
    minibatch: bool | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("k", 1, 2**31 - 1), ("d", 1, 10_000), ("n_init", 1, 1_000), ("rng_key", 0, 2**63)):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least {low} and at most {high}")
        if not 0 < self.coverage <= 1:
            raise InputError(f"coverage is {self.coverage:g}; it must be above 0 and at most 1")
        if not 0 <= self.joint_weight <= 1:
            raise InputError(f"joint_weight is {self.joint_weight:g}; it must lie between 0 and 1")
        if not 0 <= self.min_match < 100:
            raise InputError(f"min_match is {self.min_match:g} percent; it must be at least 0 and below 100")


def make_themes(
    library: Library,
    out: Path,
    settings: ThemeSettings | None = None,
    encoder: TextEncoder | None = None,
    *,
    progress: Progress | None = None,
) -> Themes:
    """Cluster a library's playlists, clean and split the clusters, and write the folder with its report, atomically.

    Everything is fitted on the clustered part alone; other playlists are only told their nearest cluster, for the
    report. Miscellaneous clusters are left out of what is learnt from themes, never of an evaluation.

    Args:
        library: playlists with titles.
        out: folder to write.
        encoder: of the tracks' texts, see :func:`track_encoder`; the collaborative vectors need none.

    Raises:
        InputError: too few playlists, no titles, or more clusters than playlists.
        MissingDependency: scikit-learn is not installed. OutputError: the place cannot be written to.
    """
    settings = settings or ThemeSettings()
    check_place(out, KIND)
    rows, others = clustered_rows(library, settings)
    vectors, elsewhere, made_of = playlist_vectors(library, rows, others, settings, encoder, progress=progress)
    found = kmeans(
        vectors,
        settings.k,
        n_init=settings.n_init,
        rng_key=settings.rng_key,
        minibatch=settings.minibatch,
        progress=progress,
    )
    if progress is not None:
        progress(0, 1, "naming the clusters")
    themes = _themes(library, rows, others, found, found.assign(elsewhere), settings, encoder, made_of)
    with new_folder(out, kind=KIND) as folder:
        write_bytes(folder / "report.html", to_html(themes.report).encode("utf-8", "replace"))
        themes.write(folder)
    return themes


def clustered_rows(library: Library, settings: ThemeSettings) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Playlist rows that are clustered, and the others; int32, ascending.

    Raises:
        InputError: there are fewer than two to cluster, or fewer than clusters, or none of them has a title.
    """
    everything = np.arange(library.n_playlists, dtype=np.int32)
    rows = everything if settings.part == "all" else holdout(library).train
    what = "library" if settings.part == "all" else "training part (8 of 10 playlists; --all takes every one)"
    if len(rows) < 2:
        raise InputError(f"clusters need at least 2 playlists; the {what} has {len(rows)}")
    if settings.k > len(rows):
        raise InputError(
            f"{settings.k:,} clusters cannot be made of {len(rows):,} playlists, which is the size of the {what}; "
            "ask for fewer with -k"
        )
    if not any(library.titles[row].strip() for row in rows.tolist()):
        raise InputError(
            "no playlist that is to be clustered has a title, so no cluster can be told to be a theme; ingest titles"
        )
    return rows, np.setdiff1d(everything, rows)


def playlist_vectors(
    library: Library,
    rows: NDArray[np.int32],
    others: NDArray[np.int32],
    settings: ThemeSettings,
    encoder: TextEncoder | None,
    *,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    """Vectors of the playlists to cluster, and of others in the same space; zero where nothing is known.

    Returns:
        float32 ``(len(rows), d)``, float32 ``(len(others), d)``, and a report.

    Raises:
        InputError: there is no encoder where one is needed, or no track is in two playlists.
    """
    found: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    report: dict[str, Any] = {}
    if settings.vectors != "collaborative":
        if encoder is None:
            raise InputError(f"{settings.vectors} vectors need an encoder of the tracks' texts")
        mine, report["content"] = content_vectors(
            library, rows, encoder, text=settings.text, coverage=settings.coverage, progress=progress
        )
        # the same tracks for the others: what the clustered part never heard of costs no encoding
        known = covered_tracks(library, rows, settings.coverage)
        theirs, _ = content_vectors(library, others, encoder, text=settings.text, tracks=known, progress=progress)
        found.append((mine, theirs))
    if settings.vectors != "content":
        if progress is not None:
            progress(0, 1, "finding playlists that share tracks")
        space = Cooccurrence.fitted(library, rows, d=settings.d, rng_key=settings.rng_key)
        report["collaborative"] = space.report
        found.append((space.vectors(library, rows), space.vectors(library, others)))
    if len(found) == 1:
        return *found[0], report
    (mine, theirs), (by_tracks, their_tracks) = found
    weight = settings.joint_weight
    return joint_vectors(mine, by_tracks, weight), joint_vectors(theirs, their_tracks, weight), report


def compared_titles(library: Library, settings: ThemeSettings) -> list[str]:
    """Titles of all playlists in the form in which they are compared."""
    if settings.titles == "raw":
        return list(library.titles)
    read = {title: normalise(title, "seen") for title in set(library.titles)}
    return [read[title] for title in library.titles]


def track_encoder(
    library: Library,
    scratch: Path,
    settings: ThemeSettings,
    base_model: str | None = None,
    cache: Path | None = None,
    *,
    progress: Progress | None = None,
) -> Encoder | None:
    """The encoder of the tracks' texts, with a cache on disk; None where the settings need none.

    Args:
        scratch: folder for the opened model, as long as the encoder is used.
        base_model: folder or name of a sentence encoder; "ngrams" for character n-grams, fitted on the texts of the
            clustered part; None for the bundled model.
        cache: folder of the cached vectors; None for none.

    Raises:
        InputError, MissingDependency: the model is not on this machine.
    """
    if settings.vectors == "collaborative":
        return None
    if base_model == NGRAMS:
        from segue.encode.ngrams import NgramEncoder

        rows, _ = clustered_rows(library, settings)
        held = np.unique(library.playlist_tracks.select(rows).indices)
        read = (views.name if settings.text == "name" else views.name_artist)(library, held)
        return NgramEncoder.fitted(sorted(set(read)), dimension=_NGRAM_D)
    encoder = opened_base_model(library, scratch / "encoder", base_model, progress=progress)
    return encoder if cache is None else CachedEncoder(encoder, cache)


def cache_folder() -> Path:
    """Where vectors are kept unless another place is given: ``segue/vectors`` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue" / "vectors"


def _themes(
    library: Library,
    rows: NDArray[np.int32],
    others: NDArray[np.int32],
    found: Clustering,
    theirs: NDArray[np.int32],
    settings: ThemeSettings,
    encoder: TextEncoder | None,
    made_of: dict[str, Any],
) -> Themes:
    cluster = np.full(library.n_playlists, -1, np.int32)
    cluster[rows] = found.cluster
    assigned = cluster.copy()
    assigned[others] = theirs
    titles = compared_titles(library, settings)
    match = title_match(cluster, titles, found.k)
    coherent = kept(match, found.sizes, settings.min_match)
    titled = np.array([bool(title.strip()) for title in library.titles])
    n_titled = np.bincount(cluster[(cluster >= 0) & titled], minlength=found.k)
    themes = coherent & (n_titled >= LEAST)
    inside = np.where((cluster >= 0) & themes[np.maximum(cluster, 0)], cluster, np.int32(-1))
    least = 1 if library.public else MIN_SHARING
    words = characteristic_words(cluster, library.titles, found.k, n=6, least=least)
    made = Themes(
        cluster=cluster,
        part=stratified(inside, library.playlists["playlist_id"].to_list(), titled),
        kept=themes,
        names=theme_names(words),
        match=match.astype(np.float32),
        library=library.fingerprint,
        settings=asdict(settings) | {"encoder": getattr(encoder, "fingerprint", None)},
        assigned=assigned,
    )
    report = theme_report(library, made, titles, words, coherent) | {"vectors": made_of, "inertia": found.inertia}
    return replace(made, report=report)
