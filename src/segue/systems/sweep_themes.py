"""Themes, swept: how many clusters, and from which title match on a cluster is one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.cluster.coherence import kept, title_match
from segue.cluster.kmeans import Clustering, kmeans
from segue.cluster.vectors import collaborative_vectors, content_vectors, joint_vectors
from segue.encode.base import Encoder
from segue.errors import InputError
from segue.library import Library
from segue.library.themes import Themes
from segue.split.holdout import holdout
from segue.split.stratified import LEAST, stratified
from segue.systems.sweep import Outcome, Progress
from segue.systems.sweep_queries import without_test
from segue.systems.sweep_spaces import Parameter, Setting, Space

__all__ = ["THEMES", "ThemesSubject", "finetuned"]

THEMES = Space(
    (
        Parameter("clusters", "clusters of K-Means", 10, 400, 200, (10, 22, 50, 100, 150, 200, 300, 400),
                  log=True, whole=True),
        Parameter("min_match", "percent of equal titles above which a cluster is a theme", 0.0, 10.0, 2.0,
                  (0.0, 1.0, 2.0, 3.0, 5.0, 10.0)),
    )
)  # fmt: skip
"""The published values are the defaults."""

_SHARPNESS = (
    0.0,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    40.0,
)  # of the softmax over cosines; 0 says the prior whatever the title

Tune = Callable[[Themes], float]


@dataclass(frozen=True, eq=False)
class ThemesSubject:
    """Sweeps the themes of the training playlists; neither validation nor test playlists of the library are used.

    The objective is cheap: the share of playlists in kept clusters times the *bits* that a title tells about its
    theme, on the themes' own validation part. The bits are the mean gain in log2 likelihood over the themes' sizes of
    a softmax over cosines between the title and each theme's mean training title. Accuracy of the nearest mean is
    recorded beside it but is no objective: it is best with the fewest clusters, whatever they are.

    Args:
        vectors: what is clustered: means of the tracks' names, co-occurrence, or both.
        coverage: of the tracks' texts, as for ``segue themes``.
        tune: themes -> what a fine-tuning on them reaches; it takes the objective's place.
        tune_name: what that is called.
    """

    library: Library
    encoder: Encoder
    vectors: Literal["content", "collaborative", "joint"] = "content"
    coverage: float = 1.0
    rng_key: int = 0
    tune: Tune | None = None
    tune_name: str = "tuned"
    _made: dict[int, Clustering] = field(default_factory=dict, repr=False)
    _vectors: list[NDArray[np.float32]] = field(default_factory=list, repr=False)

    what = "themes"

    @property
    def objective(self) -> str:
        """Its name."""
        return self.tune_name if self.tune else "kept share x title bits"

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        return holdout(self.library).train

    @cached_property
    def space(self) -> Space:
        """Clusters and threshold; no more clusters than can be split.

        Raises:
            InputError: the library is too small.
        """
        most = len(self._rows) // LEAST
        if most < 2:
            raise InputError(
                f"{len(self._rows)} training playlists are too few for themes; a larger library is needed"
            )
        clusters, threshold = THEMES.parameters
        return Space((clusters.at_most(most), threshold))

    @property
    def conditions(self) -> dict[str, Any]:
        """Fingerprints and how playlists become vectors."""
        return {
            "library": self.library.fingerprint,
            "encoder": self.encoder.fingerprint,
            "vectors": self.vectors,
            "coverage": self.coverage,
        }

    @property
    def notes(self) -> list[str]:
        """What was clipped."""
        most = int(self.space["clusters"].high)
        if most >= THEMES["clusters"].high:
            return []
        return [
            f"clusters end at {most}: a theme needs at least {LEAST} of the {len(self._rows)} training playlists."
        ]

    def evaluate(self, setting: Setting, progress: Progress | None = None) -> Outcome:
        """Cluster, clean, split, and read the titles of the validation part."""
        themes = self.themes(setting, progress)
        clustered = int((themes.cluster >= 0).sum())
        share = int(themes.kept[themes.cluster[themes.cluster >= 0]].sum()) / max(clustered, 1)
        accuracy, bits = self._read(themes)
        values = {
            "kept share": share,
            "themes": float(themes.n_classes),
            "accuracy": accuracy,
            "title bits": bits,
            "kept share x accuracy": share * accuracy,
        }
        objective = share * (bits if np.isfinite(bits) else 0.0)
        if self.tune is None:
            return Outcome(objective, values)
        return Outcome(self.tune(themes), values | {"kept share x title bits": objective})

    def details(self, best: Setting, progress: Progress | None = None) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def themes(self, setting: Setting, progress: Progress | None = None) -> Themes:
        """The themes of a setting, clusters without names."""
        found = self._clustered(int(setting["clusters"] or 2), progress)
        rows, titles = self._rows, [self.library.titles[row] for row in self._rows.tolist()]
        match = title_match(found.cluster, titles, found.k)
        named = np.array([bool(title.strip()) for title in titles], bool)
        keeps = kept(match, found.sizes, float(setting["min_match"] or 0.0))
        # a cluster that cannot be in all three parts is no theme
        keeps &= np.bincount(found.cluster[named & (found.cluster >= 0)], minlength=found.k) >= LEAST
        in_theme = named & np.append(keeps, False)[found.cluster]
        ids = self.library.playlists["playlist_id"].gather(rows).to_list()
        cluster = np.full(self.library.n_playlists, -1, np.int32)
        part = np.full(self.library.n_playlists, -1, np.int8)
        cluster[rows], part[rows] = found.cluster, stratified(found.cluster, ids, in_theme)
        return Themes(
            cluster=cluster,
            part=part,
            kept=keeps,
            names=tuple(f"cluster {i}" for i in range(found.k)),
            match=match.astype(np.float32),
            library=self.library.fingerprint,
            settings={**self.conditions, **setting, "part": "train"},
        )

    def _clustered(self, k: int, progress: Progress | None) -> Clustering:
        if k not in self._made:
            if not self._vectors:
                self._vectors.append(self._playlist_vectors(progress))
            self._made[k] = kmeans(self._vectors[0], k, n_init=1, rng_key=self.rng_key)
        return self._made[k]

    def _playlist_vectors(self, progress: Progress | None) -> NDArray[np.float32]:
        kept_library, split = without_test(self.library)
        if self.vectors == "collaborative":
            return collaborative_vectors(kept_library, split.train, rng_key=self.rng_key)[0]
        content, _ = content_vectors(
            kept_library, split.train, self.encoder, coverage=self.coverage, progress=progress
        )
        if self.vectors == "content":
            return content
        return joint_vectors(content, collaborative_vectors(kept_library, split.train, rng_key=self.rng_key)[0])

    @cached_property
    def _title_vectors(self) -> tuple[dict[str, int], NDArray[np.float32]]:
        titles = list(dict.fromkeys(self.library.titles[row] for row in self._rows.tolist()))
        return {title: i for i, title in enumerate(titles)}, self.encoder.encode(titles)

    def _read(self, themes: Themes) -> tuple[float, float]:
        """Accuracy of the nearest class mean on the validation part, and the bits that titles tell; nan if empty."""
        place, vectors = self._title_vectors
        learnt, asked = themes.labels(self.library, "train"), themes.labels(self.library, "validation")
        if not len(asked.classes) or not len(learnt.classes):
            return float("nan"), float("nan")
        means = np.zeros((themes.n_classes, vectors.shape[1]), np.float64)
        np.add.at(means, learnt.classes, vectors[[place[title] for title in learnt.texts]])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        cosines = vectors[[place[title] for title in asked.texts]] @ means.T
        accuracy = float((cosines.argmax(axis=1) == asked.classes).mean())
        sizes = np.bincount(learnt.classes, minlength=themes.n_classes)
        prior = np.log(sizes / sizes.sum())
        return accuracy, max(_bits(cosines, asked.classes, prior, sharpness) for sharpness in _SHARPNESS)


def finetuned(library: Library, epochs: int, base_model: str | None = None, progress: Progress | None = None) -> Tune:
    """The plain vote of a title encoder after a short fine-tuning on the themes (cross-entropy, the fast preset).

    Returns:
        themes -> the best epoch's metric on the library's validation playlists; minutes of work each.
    """

    def tune(themes: Themes) -> float:
        from segue.systems.title_encoder import finetune_encoder
        from segue.train.settings import FinetuneSettings

        settings = FinetuneSettings(loss="cross_entropy", epochs=epochs)
        with tempfile.TemporaryDirectory(prefix="segue-") as folder:
            out = Path(folder) / "encoder"
            manifest = finetune_encoder(
                library, out, settings=settings, themes=themes, base_model=base_model, progress=progress
            )
        return max(float(epoch["validation_metric"]) for epoch in manifest["history"])

    return tune


def _bits(
    cosines: NDArray[np.float64], classes: NDArray[np.int32], prior: NDArray[np.float64], sharpness: float
) -> float:
    """Mean gain in log2 likelihood of the right class over the prior."""
    logits = prior + sharpness * cosines
    logits -= logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    rows = np.arange(len(classes))
    return float((logs[rows, classes] - prior[classes]).mean() / np.log(2))
