"""The stand-in for a model that describes playlists: composed from what is over-represented in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.enrich.text_stats import (
    Neighbours,
    decades,
    neighbour_words,
    playlist_neighbours,
    typical_artists,
    typical_tags,
)
from segue.enrich.word_lists import MOODS, Sorted, sort_words
from segue.library import Library
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS
from segue.lm.quoting import cleaned
from segue.views.titles import normalise

__all__ = ["EXTRACTIVE", "audio_words", "clean", "composed", "extractive", "joined", "sound_words"]

EXTRACTIVE = "extractive-1"
"""What ``written_by`` says of texts that no model wrote."""

_MOST = 600  # characters of a text
_MOST_NAME = 80
_SHOWN = 8  # words of similar playlists in a text
_LOOKED_AT = 20  # and those that genres, activities and eras are looked for among
_FEATURES = (
    ("energy", "energetic", "calm"),
    ("danceability", "danceable", ""),
    ("valence", "cheerful", "melancholy"),
    ("acousticness", "acoustic", ""),
    ("instrumentalness", "instrumental", ""),
    ("tempo", "fast", "slow"),
)


def extractive(
    library: Library,
    rows: Sequence[int] | None = None,
    *,
    k: int = 50,
    neighbours: Neighbours | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Describe playlists without a model: artists, tags, decades, sound, and words of similar playlists' titles.

    Everything is counted, nothing invented. What makers wrote about their playlists is not read.

    Args:
        rows: which playlists; all without. k: similar playlists whose titles are read.
        neighbours: of the same rows, where they are known already.
        progress: called with playlists done and their number.

    Returns:
        a row for each asked one, columns :data:`~segue.library.tables.OPTIONAL_PLAYLIST_COLUMNS`; null where there
        is nothing to say.
    """
    asked = list(range(library.n_playlists)) if rows is None else [int(row) for row in rows]
    near = playlist_neighbours(library, asked, k=k, progress=progress) if neighbours is None else neighbours
    words = neighbour_words(library, asked, n=_LOOKED_AT, neighbours=near)
    artists, tags = typical_artists(library, asked), typical_tags(library, asked)
    years, sound = decades(library, asked), audio_words(library, asked)
    held = []
    for place, row in enumerate(asked):
        mine = sort_words(normalise(library.titles[row]).split())
        theirs = sort_words(words[place])
        lists = Sorted(
            genres=_first(*tags[place], *mine.genres, *theirs.genres),
            activities=_first(*mine.activities, *theirs.activities, n=3),
            eras=_first(*years[place], *mine.eras, *(era for era in theirs.eras[:2] if era.endswith("s")), n=3),
            themes=_first(*(w for w in mine.themes if w in MOODS), *theirs.themes),
        )
        text = composed(lists, artists[place], words[place][:_SHOWN], sound[place])
        held.append((text, EXTRACTIVE if text else None, *_cells(lists, artists[place])))
    return pl.DataFrame(held, schema=dict(OPTIONAL_PLAYLIST_COLUMNS), orient="row")


def composed(
    lists: Sorted, artists: Sequence[str], words: Sequence[str] = (), sound: Sequence[str] = ()
) -> str | None:
    """Sentences out of what is known; None where nothing is.

    >>> composed(Sorted(("rap",), ("working out",), ("2010s",), ()), ["Drake", "Future"], ["gym", "rap"], ["fast"])
    'Rap by Drake and Future. From the 2010s. Fast. For working out. Similar playlists are called gym, rap.'
    """
    names = [name for name in (clean(artist) for artist in artists) if name]
    what = joined([clean(genre) for genre in lists.genres[:3]])
    sentences = []
    if names:
        sentences.append(f"{what or 'tracks'} by {joined(names)}")
    elif what:
        sentences.append(what)
    if lists.eras:
        sentences.append("from " + joined([f"the {era}" if era.endswith("s") else era for era in lists.eras]))
    if sound:
        sentences.append(joined(sound))
    if lists.activities:
        sentences.append(f"for {joined(lists.activities)}")
    if words:
        sentences.append(f"similar playlists are called {', '.join(words)}")
    text = " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)
    return text[:_MOST] or None


def audio_words(library: Library, rows: Sequence[int] | None = None) -> list[tuple[str, ...]]:
    """How playlists sound, in words: features whose mean is among the highest or lowest fifth of all playlists.

    A mean counts where at least half of the tracks, and three of them, have the feature.
    """
    asked = np.arange(library.n_playlists) if rows is None else np.asarray(rows, np.int64)
    features = [name for name, _, _ in _FEATURES if name in library.tracks.columns]
    means = {name: _means(library, library.tracks[name].to_numpy().astype(np.float64)) for name in features}
    return sound_words(means, asked)


def sound_words(values: Mapping[str, NDArray[np.float64]], asked: NDArray[np.int64]) -> list[tuple[str, ...]]:
    """Up to three words for the features that are among the highest or lowest fifth, the most telling kinds first.

    Args:
        values: audio feature -> a value for each row, nan where there is none. asked: rows.
    """
    said: list[list[str]] = [[] for _ in asked]
    for name, high, low in _FEATURES:
        known = values[name][~np.isnan(values[name])] if name in values else np.zeros(0)
        if len(known) < 5:
            continue
        bottom, top = np.quantile(known, [0.2, 0.8])
        if bottom == top:
            continue
        for place, value in enumerate(values[name][asked].tolist()):
            word = high if value >= top else low if value <= bottom else ""
            if word:
                said[place].append(word)
    return [tuple(words[:3]) for words in said]


def joined(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> joined(["a", "b", "c"]), joined(["a"]), joined([])
    ('a, b and c', 'a', '')
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def clean(text: str, most: int = _MOST_NAME) -> str:
    r"""A name or word of a list as one harmless, short line without the sign that separates lists.

    >>> clean("a\x00b;  c\n")
    'ab, c'
    """
    return str(cleaned(text.replace(";", ","), most=most)).strip()


def _means(library: Library, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over each playlist's distinct tracks, float64 ``(n_playlists,)``; nan where too few have a value."""
    tracks = library.playlist_tracks.distinct()
    of = np.repeat(np.arange(tracks.n_rows), tracks.lengths)
    mine = values[tracks.indices]
    known = ~np.isnan(mine)
    n = np.bincount(of[known], minlength=tracks.n_rows)
    sums = np.bincount(of[known], weights=mine[known], minlength=tracks.n_rows)
    enough = (n >= 3) & (2 * n >= tracks.lengths)
    return np.where(enough, sums / np.maximum(n, 1), np.nan)


def _first(*words: str, n: int = 5) -> tuple[str, ...]:
    """The first ``n``, each once."""
    return tuple(dict.fromkeys(filter(None, (clean(word) for word in words))))[:n]


def _cells(lists: Sorted, artists: Sequence[str]) -> tuple[str | None, ...]:
    """Themes, genres, activities, eras, artists as the columns hold them."""
    names = filter(None, (clean(artist) for artist in artists))
    every = (lists.themes, lists.genres, lists.activities, lists.eras, tuple(names))
    return tuple("; ".join(values) or None for values in every)
