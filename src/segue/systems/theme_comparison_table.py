"""What is compared, and what comes out: the table of encoders x algorithms as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.cluster.maps import Map
from segue.errors import InputError

__all__ = ["ALGORITHMS", "ENCODERS", "HEAD", "KIND", "ComparedThemes", "ComparisonRow", "ComparisonSettings"]

KIND = "segue theme comparison"
FORMAT_VERSION = 1
ENCODERS = ("ngrams", "fasttext", "minilm")
ALGORITHMS = ("kmeans", "dbscan", "hdbscan")
HEAD = (
    "encoder",
    "algorithm",
    "clusters",
    "noise %",
    "kept",
    "playlists in kept %",
    "title match %",
    "by chance %",
    "silhouette",
    "stable, starts",
    "stable, samples",
    "CPU-s",
)


@dataclass(frozen=True)
class ComparisonSettings:
    """What is compared.

    Args:
        encoders: of :data:`ENCODERS`, or folders or names of mean-pooled BERTs.
        algorithms: of :data:`ALGORITHMS`.
        on: playlist vectors are means of their tracks' names, or are those of their titles.
        sample: playlists of the training part, by hash order.
        coverage: share of their (playlist, track) rows whose tracks are read, the most-played first; in (0, 1].
        k: clusters of K-Means, which cannot choose for itself.
        eps, min_samples: of DBSCAN (and HDBSCAN); eps None: chosen by the knee of the distances.
        min_cluster_size: of HDBSCAN.
        min_match: percent; a cluster above it is kept.
        n_runs: random starts, and samples, over which stability is taken.

    Raises:
        InputError: a value makes no sense; the message names it.
    """

    encoders: tuple[str, ...] = ENCODERS
    algorithms: tuple[str, ...] = ALGORITHMS
    on: Literal["tracks", "titles"] = "tracks"
    sample: int = 2_000
    coverage: float = 1.0
    k: int = 50
    eps: float | None = None
    min_samples: int = 5
    min_cluster_size: int = 10
    min_match: float = 2.0
    n_runs: int = 3
    rng_key: int = 0

    def __post_init__(self) -> None:
        for name, low in (("sample", 2), ("k", 1), ("min_samples", 1), ("min_cluster_size", 2), ("n_runs", 2)):
            if getattr(self, name) < low:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least {low}")
        if self.eps is not None and not (np.isfinite(self.eps) and self.eps > 0):
            raise InputError(f"eps is {self.eps:g}; it must be a distance above 0")
        if not 0 < self.coverage <= 1:
            raise InputError(f"coverage is {self.coverage:g}; it must be above 0 and at most 1")
        if not 0 <= self.min_match < 100:
            raise InputError(f"min_match is {self.min_match:g} percent; it must be at least 0 and below 100")
        if not 0 <= self.rng_key < 2**32:
            raise InputError(f"rng_key is {self.rng_key}; it must be at least 0 and below 2**32")
        if not self.encoders or not self.algorithms:
            raise InputError(f"name an encoder ({', '.join(ENCODERS)}) and an algorithm ({', '.join(ALGORITHMS)})")
        for name in self.algorithms:
            if name not in ALGORITHMS:
                raise InputError(f"there is no algorithm {name!r}; there are {', '.join(ALGORITHMS)}")
        for name in self.encoders:
            if name not in ENCODERS and "/" not in name and not Path(name).is_dir():
                raise InputError(f"there is no encoder {name!r}; there are {', '.join(ENCODERS)}, or give a folder")


@dataclass(frozen=True)
class ComparisonRow:
    """One encoder with one algorithm.

    Args:
        n_clusters: found.
        noise: percent of the playlists with a vector that belong to no cluster.
        n_kept, kept: clusters whose titles match, and percent of the playlists with a vector that lie in those.
        match: percent of the clustered playlists that carry their cluster's most frequent title.
        match_by_chance: the same where the clusters' sizes stay and the playlists are dealt out at random: many small
            clusters match by themselves.
        silhouette: of the clustered playlists, in [-1, 1]; None where it is not defined.
        stability: mean adjusted Rand index over random starts; 1 where nothing is random.
        stability_samples: the same over samples of 80 % of the playlists.
        cpu_s: CPU seconds of one clustering.
        settings: of the algorithm, chosen values too.
    """

    encoder: str
    algorithm: str
    n_clusters: int
    noise: float
    n_kept: int
    kept: float
    match: float
    match_by_chance: float
    silhouette: float | None
    stability: float
    stability_samples: float
    cpu_s: float
    settings: dict[str, float]


@dataclass(frozen=True, eq=False)
class ComparedThemes:
    """The comparison.

    Args:
        library: fingerprint.
        rows: playlist rows compared, int32 ``(n,)``.
        encoders: name -> fingerprint, dimension, CPU seconds (training included, cached vectors not), counts.
        table: encoders in their order, algorithms within.
        clusters: (encoder, algorithm) -> cluster of each of ``rows``.
        maps: encoder -> t-SNE map of ``rows``.
    """

    settings: ComparisonSettings
    library: str
    rows: NDArray[np.int32]
    encoders: dict[str, dict[str, Any]]
    table: tuple[ComparisonRow, ...]
    clusters: dict[tuple[str, str], NDArray[np.int32]]
    maps: dict[str, Map]

    def as_dict(self) -> dict[str, Any]:
        """All figures, for ``compare.json``."""
        return {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "library": self.library,
            "n_playlists": len(self.rows),
            "settings": asdict(self.settings),
            "encoders": self.encoders,
            "rows": [asdict(row) for row in self.table],
        }

    def cells(self) -> list[list[str]]:
        """The table under :data:`HEAD`."""
        return [
            [
                row.encoder,
                row.algorithm,
                f"{row.n_clusters:,}",
                f"{row.noise:.1f}",
                f"{row.n_kept:,}",
                f"{row.kept:.1f}",
                f"{row.match:.2f}",
                f"{row.match_by_chance:.2f}",
                "-" if row.silhouette is None else f"{row.silhouette:.3f}",
                f"{row.stability:.2f}",
                f"{row.stability_samples:.2f}",
                f"{row.cpu_s:.2f}",
            ]
            for row in self.table
        ]
