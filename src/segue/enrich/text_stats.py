"""What is over-represented in a playlist against the library: artists, tags, decades, words of similar titles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.enrich.playlist_neighbours import Neighbours, best, playlist_neighbours
from segue.library import Library
from segue.views.titles import normalise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "SHARED_BY",
    "STOP_WORDS",
    "Neighbours",
    "decades",
    "neighbour_words",
    "playlist_neighbours",
    "title_words",
    "typical_artists",
    "typical_tags",
]

SHARED_BY = 5
"""Playlists whose titles must have a word before it is shown to others, in a library that is not public."""

# fmt: off
STOP_WORDS = frozenset([
    "a", "about", "all", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "da", "de", "del",
    "des", "di", "do", "el", "en", "et", "for", "from", "get", "had", "have", "i", "if", "im", "in", "is", "it",
    "its", "just", "la", "las", "le", "les", "like", "list", "listen", "los", "me", "mi", "mis", "mix", "music",
    "my", "no", "not", "of", "on", "or", "our", "out", "para", "part", "playlist", "playlists", "pt", "radio",
    "so", "song", "songs", "spotify", "stuff", "that", "the", "these", "they", "this", "those", "to", "too",
    "track", "tracks", "un", "una", "up", "us", "vol", "volume", "was", "we", "what", "when", "will", "with", "y",
    "you", "your",
])
# fmt: on


def title_words(titles: Sequence[str]) -> tuple[csr_matrix, list[str]]:
    """Which title has which words, read as encoders read them, words that say nothing left out.

    Returns:
        binary float32 CSR ``(len(titles), v)``, and the words of its columns in alphabetical order.
    """
    from scipy.sparse import csr_matrix

    split = [sorted({w for w in _words(title) if w not in STOP_WORDS}) for title in titles]
    vocabulary = sorted({word for words in split for word in words})
    place = {word: column for column, word in enumerate(vocabulary)}
    indices = np.array([place[word] for words in split for word in words], np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(words) for words in split], dtype=np.int64)])
    ones = np.ones(len(indices), np.float32)
    return csr_matrix((ones, indices, indptr), shape=(len(titles), len(vocabulary))), vocabulary


def neighbour_words(
    library: Library,
    rows: Sequence[int] | None = None,
    *,
    k: int = 50,
    n: int = 8,
    least: int = 2,
    neighbours: Neighbours | None = None,
    own: bool = True,
) -> list[tuple[str, ...]]:
    """Words over-represented in the titles of the playlists that share most tracks with each, the best first.

    Word w weighs ``p log(p / (b + 1 / N))``: p its share of the neighbours, by similarity; b its share of all N
    playlists. A word in fewer than ``least`` neighbours is passed over, and in a library that is not public also one
    that fewer than five playlists have (:data:`SHARED_BY`). A playlist's own title has no say.

    Args:
        k: neighbours. n: words of a playlist. neighbours: of the same rows, where they are known already.
        own: whether words that the playlist's own title has may be among them.
    """
    near = playlist_neighbours(library, rows, k=k) if neighbours is None else neighbours
    words, vocabulary = title_words(library.titles)
    have = np.bincount(words.indices, minlength=len(vocabulary))
    base = (have + 1.0) / max(library.n_playlists, 1)
    words.data[~_may_show(have, library)[words.indices]] = 0.0
    words.eliminate_zeros()
    weights = near.matrix(library.n_playlists)
    counts = weights.copy()
    counts.data[:] = 1.0
    shares, counts = (weights @ words).tocsr(), (counts @ words).tocsr()
    shares.sort_indices()
    counts.sort_indices()
    totals = np.maximum(near.similarity.sum(1), 1e-9)
    found: list[tuple[str, ...]] = []
    for place, row in enumerate(near.rows.tolist()):
        first, last = shares.indptr[place], shares.indptr[place + 1]
        columns, p = shares.indices[first:last], shares.data[first:last].astype(np.float64) / totals[place]
        scores = p * np.log(p / base[columns])
        kept = (counts.data[first:last] >= least) & (scores > 0)
        if not own:
            kept &= ~np.isin(columns, words.indices[words.indptr[row] : words.indptr[row + 1]])
        columns, scores = columns[kept], scores[kept]
        found.append(tuple(vocabulary[column] for column in columns[best(scores, columns, n)].tolist()))
    return found


def typical_artists(library: Library, rows: Sequence[int] | None = None, *, n: int = 5) -> list[tuple[str, ...]]:
    """Artists with most distinct tracks in each playlist, weighed by how much more there are than elsewhere.

    Artist a weighs ``p log(p / (b + 0.001))``: p its share of the playlist, b of all rows. Artists with at least two
    tracks come before those with one.
    """
    artists = library.artist_rows
    known = np.array([bool(name.strip()) for name in library.artist_names], bool)
    tracks = library.playlist_tracks.distinct()
    everywhere = np.bincount(artists[tracks.indices], minlength=len(known)) / max(len(tracks.indices), 1)
    found: list[tuple[str, ...]] = []
    for row in _asked(library, rows):
        mine, counts = np.unique(artists[tracks.row(row)], return_counts=True)
        kept = known[mine]
        mine, counts = mine[kept], counts[kept]
        p = counts / max(counts.sum(), 1)
        scores = p * np.log(p / (everywhere[mine] + 0.001)) + np.where(counts > 1, 10.0, 0.0)
        found.append(tuple(library.artist_names[a] for a in mine[best(scores, mine, n)].tolist()))
    return found


def typical_tags(library: Library, rows: Sequence[int] | None = None, *, n: int = 5) -> list[tuple[str, ...]]:
    """Genres and tags of a playlist's tracks that are more frequent there than elsewhere; a fifth of those known.

    Each distinct track counts once for its genre and for each of its first five tags, folded to lower case.
    """
    labels, vocabulary = _labels(library)
    if not vocabulary:
        return [()] * len(_asked(library, rows))
    tracks = library.playlist_tracks.matrix()
    played = np.bincount(tracks.indices, minlength=library.n_tracks).astype(np.float32)
    everywhere = labels.T @ played
    labelled = np.diff(labels.indptr) > 0
    base = everywhere / max(float(labelled[tracks.indices].sum()), 1.0)
    found: list[tuple[str, ...]] = []
    for row in _asked(library, rows):
        mine = tracks.indices[tracks.indptr[row] : tracks.indptr[row + 1]]
        mine = mine[labelled[mine]]
        counts = np.asarray(labels[mine].sum(0))[0]
        columns = np.flatnonzero(counts >= max(1.0, len(mine) / 5))
        p = counts[columns] / max(len(mine), 1)
        # a genre that the whole library has is a fact all the same, but comes behind those that tell playlists apart
        scores = p * np.maximum(np.log(p / (base[columns] + 0.001)), 0.05)
        found.append(tuple(vocabulary[c] for c in columns[best(scores, columns, n)].tolist()))
    return found


def decades(library: Library, rows: Sequence[int] | None = None, *, n: int = 2) -> list[tuple[str, ...]]:
    """Decades that hold at least a quarter of a playlist's tracks with a known year, the fullest first, as "1990s".

    Nothing is said where fewer than three tracks, or fewer than a quarter of them, have a year.
    """
    years = library.tracks["year"].fill_null(0).to_numpy().astype(np.int64)
    tracks = library.playlist_tracks.distinct()
    found: list[tuple[str, ...]] = []
    for row in _asked(library, rows):
        mine = years[tracks.row(row)]
        known = mine[(mine >= 1900) & (mine < 2100)]
        if len(known) < 3 or len(known) < len(mine) / 4:
            found.append(())
            continue
        which, counts = np.unique(known // 10 * 10, return_counts=True)
        order = [at for at in best(counts.astype(np.float64), which, n).tolist() if counts[at] >= len(known) / 4]
        found.append(tuple(f"{which[at]}s" for at in order))
    return found


def _may_show(have: NDArray[np.int64], library: Library) -> NDArray[np.bool_]:
    """Which words others may see."""
    return np.asarray(have >= (1 if library.public else SHARED_BY))


def _asked(library: Library, rows: Sequence[int] | None) -> list[int]:
    return list(range(library.n_playlists)) if rows is None else [int(row) for row in rows]


@lru_cache(maxsize=1 << 16)
def _words(title: str) -> tuple[str, ...]:
    return tuple(w for w in normalise(title).split() if len(w) > 1 and not (w.isdecimal() and len(w) != 4))


def _labels(library: Library) -> tuple[csr_matrix, list[str]]:
    """Which track has which genre and tags; binary CSR ``(n_tracks, v)`` and the labels, in alphabetical order."""
    from scipy.sparse import csr_matrix

    columns = [name for name in ("genre", "tags") if name in library.tracks.columns]
    named = [
        sorted({label for cell in cells if cell for label in _split(cell)})
        for cells in library.tracks.select(columns).iter_rows()
    ]
    vocabulary = sorted({label for labels in named for label in labels})
    place = {label: column for column, label in enumerate(vocabulary)}
    indices = np.array([place[label] for labels in named for label in labels], np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(labels) for labels in named], dtype=np.int64)])
    ones = np.ones(len(indices), np.float32)
    return csr_matrix((ones, indices, indptr), shape=(library.n_tracks, len(vocabulary))), vocabulary


def _split(cell: str) -> list[str]:
    labels = [" ".join(part.split()).lower()[:60] for part in cell[:2_000].split(";")[:5]]
    return [label for label in labels if label]
