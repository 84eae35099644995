"""Sentences that could be queries: words of like playlists' titles and artists in frames, without a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.enrich.text_stats import Neighbours, neighbour_words, playlist_neighbours
from segue.library import Library
from segue.library.searching import SearchQuery
from segue.views.playlist_text import PlaylistText

__all__ = ["PHRASES", "phrases"]

PHRASES = "phrases-1"
"""What ``by`` says of queries that no model and nobody wrote."""

_ARTISTS = PlaylistText(("artists",), n_artists=8)
_WORDS = 6
# {a} {b} {c}: words of like playlists' titles; {x} {y}: artists. The frame around them is what a query has and a
# title has not: that it means nothing is what can be learnt from these.
_FRAMES = (
    "the best {a} {b} songs",
    "{a} and {b} music for {c}",
    "{a} tracks to get you in the mood for {c}",
    "your favorite {a} hits, from {x} to {y}",
    "{a} songs featuring {x}, {y} and more",
    "a mix of {a}, {b} and {c}",
    "feel the {a} with these {b} tunes",
    "{a} {b}: songs by {x} and {y}",
    "the perfect {a} soundtrack",
    "all the {a} you need, from {x} and others",
    "{x}, {y} and other {a} artists",
)


def phrases(
    library: Library,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    each: int = 1,
    neighbours: Neighbours | None = None,
    rng_key: int = 0,
) -> list[SearchQuery]:
    """Queries about playlists; none for those with too few words of others or too few artists.

    The playlist's own title is not read, and neither is any description.

    Args:
        each: phrases of a playlist, at most. neighbours: of the same rows, where they are known already.
    """
    chosen = [int(row) for row in rows]
    near = playlist_neighbours(library, chosen, k=20) if neighbours is None else neighbours
    words = neighbour_words(library, chosen, n=_WORDS, neighbours=near)
    artists = [text.split(", ") for text in _ARTISTS.texts(library, chosen)]
    ids = library.playlists["playlist_id"].gather(chosen).to_list() if chosen else []
    made: dict[SearchQuery, None] = {}
    for row, playlist, mine, names in zip(chosen, ids, words, artists, strict=True):
        if len(mine) < 3 or len(names) < 2:
            continue
        rng = np.random.default_rng([rng_key, row])
        for _ in range(each):
            a, b, c = (mine[at] for at in rng.permutation(len(mine))[:3].tolist())
            x, y = (names[at] for at in rng.permutation(len(names))[:2].tolist())
            text = _FRAMES[int(rng.integers(len(_FRAMES)))].format(a=a, b=b, c=c, x=x, y=y)
            made[SearchQuery(text, playlist, "natural", PHRASES)] = None
    return list(made)
