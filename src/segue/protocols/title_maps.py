"""Titles as encoders see them: maps before and after a tuning, and how well titles tell themes apart."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.cluster.maps import tsne_map
from segue.encode.base import Encoder, unit_rows
from segue.evaluate.encoder_table import ThemeAccuracy, TitleMap
from segue.library import Library
from segue.library.themes import Themes
from segue.recommend.because import MIN_SHARING, may_show
from segue.views.titles import normalise

__all__ = ["GROUPS", "SAMPLE", "accuracy_by_theme", "grouped_titles", "title_maps"]

SAMPLE = 1_500
"""Titles on a map."""
GROUPS = 6
"""Groups that get a colour; as many as there are colours that everybody can tell apart."""
_DECIMALS = 2
_ALIKE = 6  # decimals; the seventh is rounding


def title_maps(
    training: Library,
    encoders: Mapping[str, Encoder],
    reference: str,
    themes: Themes | None,
    library: Library,
    *,
    sample: int = SAMPLE,
) -> list[TitleMap]:
    """Draw the same titles by the reference and by each other encoder.

    Args:
        training: whose distinct titles are drawn. library: what the themes were made of.
        encoders: the reference among them.

    Raises:
        MissingDependency: openTSNE is not installed.
    """
    titles, groups, group = grouped_titles(training, themes, library, sample)
    others = [name for name in encoders if name != reference]
    if not others or len(titles) < 2:
        return []
    before = _placed(encoders[reference].encode(titles))
    return [TitleMap(name, groups, group, before, _placed(encoders[name].encode(titles))) for name in others]


def grouped_titles(
    training: Library, themes: Themes | None, library: Library, sample: int = SAMPLE
) -> tuple[list[str], list[str], list[int]]:
    """A sample of distinct training titles, by hash, and the group of each.

    With themes a title belongs to the kept theme that most of its playlists are in, and the largest six are groups.
    Without, the six titles that most playlists carry are groups, and a title belongs to the first of them whose words
    it holds. Titles of groups are taken first, up to half of the sample.

    Returns:
        titles; names of the groups; the group of each title, -1 for none.
    """
    distinct = {title for title in training.titles if title.strip()}
    titles = sorted(distinct, key=lambda title: hashlib.sha256(title.encode("utf-8", "replace")).digest())
    if themes is not None:
        shown, group = _by_theme(titles, themes, library)
    else:
        shown, group = _by_frequent_title(titles, training)
    rows = range(len(titles))
    first = [row for row in rows if group[row] >= 0][: sample // 2]
    chosen = sorted([*first, *sorted(set(rows) - set(first))[: sample - len(first)]])
    return [titles[row] for row in chosen], shown, [group[row] for row in chosen]


def _by_frequent_title(titles: Sequence[str], training: Library) -> tuple[list[str], list[int]]:
    counts = Counter(normalise(title, "seen") for title in training.titles)
    counts.pop("", None)
    shown = [key for key, n in counts.most_common(GROUPS) if may_show(n, public=training.public)]
    padded = [f" {normalise(title, 'seen')} " for title in titles]
    return shown, [next((i for i, key in enumerate(shown) if f" {key} " in title), -1) for title in padded]


def _by_theme(titles: Sequence[str], themes: Themes, library: Library) -> tuple[list[str], list[int]]:
    of_title: dict[str, Counter[int]] = {title: Counter() for title in titles}
    for title, cluster in zip(library.titles, themes.cluster.tolist(), strict=True):
        if cluster >= 0 and themes.kept[cluster] and title in of_title:
            of_title[title][cluster] += 1
    there = themes.cluster[themes.cluster >= 0]
    sizes = np.where(themes.kept, np.bincount(there, minlength=themes.k), 0)
    largest = [int(c) for c in np.argsort(-sizes, kind="stable")[:GROUPS] if sizes[c] >= MIN_SHARING]
    # of two themes with equally many playlists the one with the smaller number
    best = [min(found, key=lambda c: (-found[c], c), default=-1) for found in of_title.values()]
    return [themes.names[c] for c in largest], [largest.index(c) if c in largest else -1 for c in best]


def _placed(vectors: NDArray[np.float32]) -> list[tuple[float, float]]:
    """x and y of each row by t-SNE; a zero row, which is nowhere, lies in the middle.

    Rows that are alike share a place: titles of emoji alone, which many encoders cannot tell apart, would otherwise
    push each other so far away from all others that nothing else is seen.
    """
    row_of: dict[bytes, int] = {}
    # adding zero turns -0.0 into 0.0, which is equal but has other bytes
    same = [row_of.setdefault(r.tobytes(), len(row_of)) for r in np.round(vectors, _ALIKE) + np.float32(0)]
    first = np.unique(same, return_index=True)[1]
    found = tsne_map(vectors[first], most=len(first))
    places = np.zeros((len(first), 2), np.float64)
    places[found.rows] = found.places
    return [(round(float(x), _DECIMALS), round(float(y), _DECIMALS)) for x, y in places[same]]


def accuracy_by_theme(
    library: Library, themes: Themes, encoders: Mapping[str, Encoder]
) -> tuple[list[ThemeAccuracy], dict[str, float]]:
    """Share of each theme's held-out titles whose nearest mean title vector is the theme's own.

    Means are over the themes' training titles, one for each playlist, scaled to unit length; held out is the test
    part inside the kept clusters. Ties go to the smaller theme number.

    Returns:
        by theme, the one with most held-out titles first (themes without any are left out); and over all of them by
        encoder, each title counting once. Both are empty where nothing is held out.

    Raises:
        InputError: the themes were made of another library.
    """
    known, asked = themes.labels(library, "train"), themes.labels(library, "test")
    known_classes, asked_classes = np.asarray(known.classes, np.int64), np.asarray(asked.classes, np.int64)
    if not len(asked_classes) or not len(known_classes):
        return [], {}
    n = np.bincount(asked_classes, minlength=themes.n_classes)
    right: dict[str, NDArray[np.bool_]] = {}
    for name, encoder in encoders.items():
        sums = np.zeros((themes.n_classes, encoder.d), np.float64)
        np.add.at(sums, known_classes, encoder.encode(known.texts))
        cosines = encoder.encode(asked.texts) @ unit_rows(sums).T
        cosines[:, np.bincount(known_classes, minlength=themes.n_classes) == 0] = -np.inf
        right[name] = cosines.argmax(axis=1) == asked_classes
    names = [name for name, kept in zip(themes.names, themes.kept.tolist(), strict=True) if kept]
    order = [int(c) for c in np.argsort(-n, kind="stable") if n[c]]
    by_theme = [
        ThemeAccuracy(names[c], int(n[c]), {m: float(r[asked_classes == c].mean()) for m, r in right.items()})
        for c in order
    ]
    return by_theme, {m: float(r.mean()) for m, r in right.items()}
