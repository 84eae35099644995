"""A map of the playlist space: titles that most playlists share, near each other where they hold like tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.cluster.words import characteristic_words
from segue.encode.base import unit_rows
from segue.errors import InputError
from segue.library.names import one_line
from segue.library.themes import Themes
from segue.recommend.because import MIN_SHARING, may_show
from segue.recommend.continuation import Continuation
from segue.recommend.nearest import PublishedRecipe
from segue.recommend.title_model import TitleModel
from segue.systems.model import Model
from segue.systems.space_layout import grouped, laid_out

__all__ = ["MOST_BYTES", "Point", "Space", "SpaceTheme", "playlist_space"]

Progress = Callable[[int, int, str], None]

MOST_BYTES = 300_000  # of the JSON: a page loads it whole
_LONGEST = 60  # characters of a title
_CONTENT = 1.0  # what the tracks of a title count beside its words
_THEMES = (2, 24)
_LEAST = 3  # titles of a theme that is found here
_LOUDEST = 50  # playlists of one title that speak for its theme's name, at most
_WORDS = 2  # in the name of a theme
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One title: place in [0, 1], playlists that share it, and its theme, -1 for none."""

    x: float
    y: float
    title: str
    n: int
    theme: int


@dataclass(frozen=True, slots=True)
class SpaceTheme:
    """A region of the map: its name, the middle of its titles, and the playlists that share them."""

    name: str
    x: float
    y: float
    n: int


@dataclass(frozen=True)
class Space:
    """Points, the most shared title first, and their themes; theme ``i`` of a point is ``themes[i]``."""

    points: tuple[Point, ...]
    themes: tuple[SpaceTheme, ...]

    def to_json(self) -> dict[str, Any]:
        """``points`` and ``themes`` as the service's ``/v1/map`` gives them."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


@dataclass(frozen=True)
class _Titles:
    """Titles that may be shown: text, playlists, whose title each row is, and a vector, float32 ``(n, d)``."""

    texts: list[str]
    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    of_playlist: NDArray[np.int64]


def playlist_space(
    model: Model, themes: Themes | None = None, *, most: int = 3_000, progress: Progress | None = None
) -> Space:
    """Lay out the most shared titles of a model; the same model gives the same map.

    A title lies by its words, as the model reads them, and by the tracks that its playlists hold. Titles that fewer
    than five playlists share are left out unless the library is public.

    Args:
        themes: of the model's own library; without them regions are found by K-Means.
        most: titles, at most; fewer where the JSON would pass 300 kB.

    Raises:
        InputError: the model compares no titles, none may be shown, or the themes are of another library.
    """
    if most < 1:
        raise InputError(f"a map of {most} titles shows nothing; give 1 or more")
    if themes is not None and themes.library != model.manifest["library"]:
        raise InputError(
            "the themes are of another library than the model's; make some with "
            f"'segue themes {model.path / 'library'} -o THEMES'"
        )
    titles = _titles_of(model, most)
    if themes is None:
        n = len(titles.texts)
        group = grouped(titles.vectors, min(max(round(n**0.5), _THEMES[0]), _THEMES[1]), least=_LEAST)
    else:
        group = _of_themes(titles, themes)
    places = laid_out(titles.vectors, progress=progress)
    return _space(titles, places, group, themes if themes is not None and model.manifest["public"] else None)


def _titles_of(model: Model, most: int) -> _Titles:
    """The titles that most playlists share, those of one key together under the spelling that most of them have."""
    recommender = model.recommender
    if isinstance(recommender, Continuation) and isinstance(recommender.title, TitleModel):
        recommender = recommender.title
    public = bool(model.manifest["public"])
    if isinstance(recommender, TitleModel):
        table = recommender.titles
        counts, keys, shown = np.asarray(table.counts), np.asarray(table.key_rows), table.shown
        rows = _chosen(counts, keys, public, most)
        words = unit_rows(np.asarray(recommender.vote.vectors[rows]) @ recommender.vote.parameters.adapter)
        vectors = np.hstack([words, np.float32(_CONTENT) * _contents(recommender, rows)])
        texts = [shown[int(row)] for row in rows]
        of_playlist = np.asarray(table.title_rows, np.int64)
    elif isinstance(recommender, PublishedRecipe):
        groups = recommender.titles
        counts = np.diff(groups.indptr)
        # playlists without a title are a group as well
        counts = np.where([bool(title.strip()) for title in groups.titles], counts, 0)
        keys = np.arange(len(counts), dtype=np.int32)
        rows = _chosen(counts, keys, public, most)
        vectors = np.asarray(recommender.vectors[rows])
        texts = [groups.titles[int(row)] for row in rows]
        of_playlist = np.full(model.playlist_tracks.n_rows, -1, np.int64)
        of_playlist[groups.playlists] = np.repeat(np.arange(len(counts)), np.diff(groups.indptr))
    else:
        recipe = model.manifest["recipe"]
        raise InputError(f"a model of the recipe {recipe!r} has no vectors of titles to map; train title_vote")
    together = np.bincount(keys, counts, minlength=int(keys.max(initial=-1)) + 1).astype(np.int64)
    number = np.full(len(together), -1, np.int64)
    number[keys[rows]] = np.arange(len(rows))
    of_playlist = np.where(of_playlist >= 0, number[keys[of_playlist]], -1)
    return _Titles([_short(text) for text in texts], together[keys[rows]], rows, vectors, of_playlist)


def _chosen(counts: NDArray[np.integer], keys: NDArray[np.integer], public: bool, most: int) -> NDArray[np.int64]:
    """Rows of the titles to show, one for each key, the most shared first."""
    may = counts >= (1 if may_show(1, public=public) else MIN_SHARING)
    order = np.lexsort((np.arange(len(counts)), -counts))
    order = order[may[order]]
    _, first = np.unique(keys[order], return_index=True)
    rows = order[np.sort(first)]
    if not len(rows):
        raise InputError(f"no title is shared by {MIN_SHARING} playlists, so none may be shown on a map")
    together = np.bincount(keys, counts)
    chosen: NDArray[np.int64] = rows[np.lexsort((rows, -together[keys[rows]]))][:most]
    return chosen


def _contents(model: TitleModel, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """What each title votes for, in factors of tracks; unit rows, float32 ``(n, r)``."""
    if model.ridge is None:
        return np.zeros((len(rows), 1), np.float32)
    vote, factors = model.vote, model.ridge.factors
    sums = np.zeros((len(rows), factors.shape[1]), np.float32)
    for place, row in enumerate(rows.tolist()):
        part = slice(int(vote.indptr[row]), int(vote.indptr[row + 1]))
        sums[place] = np.asarray(vote.votes[part]) @ factors[np.asarray(vote.tracks[part])].astype(np.float32)
    return unit_rows(sums)


def _short(text: str) -> str:
    line = " ".join(one_line(text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


def _of_themes(titles: _Titles, themes: Themes) -> NDArray[np.int64]:
    """The kept theme that most playlists of each title are in, the smaller number where it is a tie; -1 for none."""
    held = (titles.of_playlist >= 0) & (themes.cluster >= 0)
    held &= np.where(themes.cluster >= 0, themes.kept[themes.cluster], False)
    votes = np.zeros((len(titles.texts), themes.k), np.int64)
    np.add.at(votes, (titles.of_playlist[held], themes.cluster[held]), 1)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), -1)


def _space(titles: _Titles, places: NDArray[np.float64], group: NDArray[np.int64], named_by: Themes | None) -> Space:
    """Themes numbered by the playlists in them; points cut where the JSON would grow too large."""
    sizes = np.bincount(group[group >= 0], titles.counts[group >= 0], minlength=int(group.max(initial=-1)) + 1)
    order = [int(g) for g in np.argsort(-sizes, kind="stable") if sizes[g]]
    number = np.full(len(sizes) + 1, -1, np.int64)  # the last for -1
    number[order] = np.arange(len(order))
    group = number[group]
    names = _names(titles, group, len(order))
    themes = []
    for theme, name in enumerate(names):
        of_theme = places[group == theme]
        # the title nearest the middle of the theme: a mean of two islands lies in the sea
        apart = np.linalg.norm(of_theme - np.median(of_theme, axis=0), axis=1)
        x, y = (round(float(v), _DECIMALS) for v in of_theme[int(apart.argmin())])
        shown = name if named_by is None else _short(named_by.names[order[theme]])
        themes.append(SpaceTheme(shown, x, y, int(titles.counts[group == theme].sum())))
    points = [
        Point(round(float(x), _DECIMALS), round(float(y), _DECIMALS), text, int(n), int(theme))
        for (x, y), text, n, theme in zip(places, titles.texts, titles.counts, group, strict=True)
    ]
    room = MOST_BYTES - len(msgspec.json.encode(Space((), tuple(themes))))
    used = np.cumsum([len(msgspec.json.encode(point)) + 1 for point in points])
    return Space(tuple(points[: int(np.searchsorted(used, room, "right"))]), tuple(themes))


def _names(titles: _Titles, group: NDArray[np.int64], k: int) -> list[str]:
    """Two characteristic words of each theme's titles, else its most shared title; all of titles that are shown."""
    weight = np.minimum(titles.counts, _LOUDEST)
    texts = [text for text, n in zip(titles.texts, weight.tolist(), strict=True) for _ in range(n)]
    words = characteristic_words(np.repeat(group, weight).astype(np.int32), texts, k, n=_WORDS)
    names = []
    for theme, mine in enumerate(words):
        most_shared = titles.texts[int(np.flatnonzero(group == theme)[0])]
        names.append(", ".join(mine) or most_shared)
    return names
