"""Graded pairs of a query and a playlist's text: from grades, from queries, and from titles and shared tracks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library.searching import Graded, SearchQuery
from segue.library.supervision import Pairs
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["check_without", "graded_pairs", "joined", "metadata_pairs", "query_pairs", "similar_playlists", "without"]

_BLOCK = 512  # playlists compared with all others at a time; a few hundred thousand playlists still fit
_PHRASE = 5  # words; a query as long as this is looked for inside texts too, a shorter one is in many by chance
_CAP = 20_000  # characters of a text that are looked at


def graded_pairs(
    graded: Iterable[Graded],
    texts: Mapping[str, str],
    *,
    hard_negatives: int = 4,
    rejected: Collection[tuple[str, str]] = frozenset(),
) -> Pairs:
    """What graders said, as pairs of query and playlist text.

    A pair's grade is the mean over its graders, divided by 3. Of a query's pairs of grade 0 the first
    ``hard_negatives`` are kept: candidates come in the order in which search found them, so these looked most like
    answers. A query without any pair above 0 is left out, for there is nothing to contrast.

    Args:
        texts: text of each playlist by its id; pairs of playlists not in it, or without a text, are left out.
        rejected: pairs (query, playlist id) that a review threw out.

    >>> said = [Graded("rock", "a", 3, "", "x"), Graded("rock", "b", 0, "", "x"), Graded("rock", "a", 2, "", "y")]
    >>> pairs = graded_pairs(said, {"a": "hard rock", "b": "ballads"})
    >>> pairs.right, pairs.grades.round(2).tolist()
    (('hard rock', 'ballads'), [0.8299999833106995, 0.0])
    """
    if hard_negatives < 0:
        raise ValueError(f"hard_negatives is {hard_negatives}")
    found: dict[str, dict[str, list[int]]] = {}
    for one in graded:
        text = texts.get(one.playlist_id, "")
        if one.query.strip() and text.strip() and (one.query, one.playlist_id) not in rejected:
            found.setdefault(one.query, {}).setdefault(one.playlist_id, []).append(one.grade)
    triples: list[tuple[str, str, float]] = []
    for query, playlists in found.items():
        means = [(playlist, sum(grades) / len(grades) / 3) for playlist, grades in playlists.items()]
        if not any(grade > 0 for _, grade in means):
            continue
        left = hard_negatives
        for playlist, grade in means:
            if grade == 0:
                left -= 1
            if grade > 0 or left >= 0:
                triples.append((query, texts[playlist], grade))
    return _pairs(triples)


def query_pairs(queries: Iterable[SearchQuery], texts: Mapping[str, str], *, grade: float = 1.0) -> Pairs:
    """Each query with the text of the playlist that it was written about.

    Queries about no known playlist, or one without a text, are left out.
    """
    seen = dict.fromkeys((one.query, texts.get(one.playlist_id, "")) for one in queries)
    return _pairs([(query, text, grade) for query, text in seen if query.strip() and text.strip()])


def metadata_pairs(
    library: Library,
    rows: NDArray[np.integer],
    texts: Mapping[str, str],
    *,
    contents: Mapping[str, str] | None = None,
    neighbours: int = 5,
    least: float = 0.1,
    own: float = 1.0,
) -> Pairs:
    """Pairs that need neither a model nor anybody's judgement: a title stands for what its playlist holds.

    A title goes with the texts of the ``neighbours`` playlists that share most of its tracks, graded by that
    idf-cosine; and with what its own playlist holds, graded ``own``. Playlists with the same tracks are one playlist
    listed twice and are left out as neighbours.

    Args:
        rows: training playlists; no other playlist is looked at.
        texts: text of each playlist by its id, as it is searched.
        contents: text without the title, by id; None for no pairs of a playlist with itself.
        neighbours: of each playlist. least: lowest idf-cosine of a neighbour.
        own: grade in (0, 1] of a playlist's title with its own contents.
    """
    ids = library.playlists["playlist_id"].to_list()
    chosen = np.asarray(rows, np.int64)
    titles = [normalise(library.titles[row]) for row in chosen.tolist()]
    triples: list[tuple[str, str, float]] = []
    for place, row in enumerate(chosen.tolist()):
        text = (contents or {}).get(ids[row], "")
        if titles[place] and text.strip():
            triples.append((titles[place], text, own))
    left, right, similarity = similar_playlists(library, chosen, k=neighbours, least=least)
    for mine, other, value in zip(left.tolist(), right.tolist(), similarity.tolist(), strict=True):
        text = texts.get(ids[chosen[other]], "")
        if titles[mine] and text.strip():
            triples.append((titles[mine], text, min(value, 1.0)))
    return _pairs(list(dict.fromkeys(triples)))


def similar_playlists(
    library: Library, rows: NDArray[np.integer], *, k: int, least: float = 0.0, most: float = 0.95
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The playlists that share most tracks with each, by idf-cosine, among the given rows.

    Args:
        k: of each playlist. least, most: bounds of the cosine, the lower one exclusive; above ``most`` a playlist
            counts as a copy and is left out.

    Returns:
        places in ``rows`` of a playlist and of its neighbour, int64 ``(m,)`` each, and the cosine, float32
        ``(m,)``; in order of the playlist, the most similar first, ties by row.
    """
    from scipy.sparse import csr_matrix, diags_array  # imported late: grading needs neither

    tracks = library.playlist_tracks.select(rows).matrix()
    counts = np.asarray(tracks.sum(axis=0)).ravel()
    idf = np.log(max(tracks.shape[0], 1) / np.maximum(counts, 1)).astype(np.float32)
    weighted = csr_matrix(tracks @ diags_array(idf))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    unit = csr_matrix(diags_array((1 / np.maximum(norms, 1e-12)).astype(np.float32)) @ weighted)
    across = csr_matrix(unit.T)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    for first in range(0, tracks.shape[0], _BLOCK):
        block = csr_matrix(unit[first : first + _BLOCK] @ across)
        for place in range(block.shape[0]):
            span = slice(block.indptr[place], block.indptr[place + 1])
            others, values = block.indices[span].astype(np.int64), block.data[span]
            kept = (values > max(least, 0.0)) & (values <= most) & (others != first + place)
            others, values = others[kept], values[kept]
            best = np.lexsort((others, -values))[:k]
            mine = np.full(len(best), first + place, np.int64)
            found.append((mine, others[best], values[best].astype(np.float32)))
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    left, right, similarity = zip(*(found or [none]), strict=True)
    return np.concatenate(left), np.concatenate(right), np.concatenate(similarity)


def without(pairs: Pairs, queries: Iterable[str]) -> Pairs:
    """Pairs that hold none of the queries: what is measured is never trained on.

    A side of a pair holds a query if both are the same when normalised (case, punctuation, accents, endings), or if
    the query has at least five words and the side holds them in a row.

    >>> pairs = Pairs(("Sad songs!", "gym"), ("x", "y"), np.ones(2, np.float32))
    >>> without(pairs, ["sad song"]).left
    ('gym',)
    """
    kept = np.flatnonzero(~_holding(pairs, queries))
    left, right = (tuple(side[i] for i in kept.tolist()) for side in (pairs.left, pairs.right))
    return Pairs(left, right, pairs.grades[kept])


def check_without(pairs: Pairs, queries: Iterable[str]) -> None:
    """Make sure that training pairs hold no evaluation query.

    Raises:
        InputError: they do; the message says how many.
    """
    n = int(_holding(pairs, queries).sum())
    if n:
        raise InputError(
            f"{n:,} of {len(pairs.left):,} training pairs hold a query that is to be measured; train on queries of "
            "other playlists (segue queries --part train)"
        )


def joined(parts: Sequence[Pairs]) -> Pairs:
    """Several sets of pairs as one, in order."""
    grades = [np.zeros(0, np.float32), *(part.grades for part in parts)]
    left, right = (tuple(text for part in parts for text in getattr(part, side)) for side in ("left", "right"))
    return Pairs(left, right, np.concatenate(grades))


def _pairs(triples: Sequence[tuple[str, str, float]]) -> Pairs:
    left, right = tuple(one[0] for one in triples), tuple(one[1] for one in triples)
    return Pairs(left, right, np.array([one[2] for one in triples], np.float32))


def _holding(pairs: Pairs, queries: Iterable[str]) -> NDArray[np.bool_]:
    """Which pairs hold a query, bool ``(n,)``."""
    keys: set[tuple[str, ...]] = {_words(query) for query in queries} - {()}
    begins: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for key in sorted(keys):
        if len(key) >= _PHRASE:
            begins.setdefault(key[:_PHRASE], []).append(key)
    read: dict[str, bool] = {}
    for text in (*pairs.left, *pairs.right):
        if text not in read:
            read[text] = _holds(_words(text), keys, begins)
    return np.array([read[a] or read[b] for a, b in zip(pairs.left, pairs.right, strict=True)], bool)


def _holds(
    words: tuple[str, ...], keys: set[tuple[str, ...]], begins: Mapping[tuple[str, ...], list[tuple[str, ...]]]
) -> bool:
    if words in keys:
        return True
    if not begins:
        return False
    return any(
        words[at : at + len(key)] == key
        for at in range(len(words) - _PHRASE + 1)
        for key in begins.get(words[at : at + _PHRASE], ())
    )


def _words(text: str) -> tuple[str, ...]:
    """Words as they are compared, of texts of any length: titles are normalised in pieces that the view can take."""
    pieces = text[:_CAP].split()
    return tuple(word for piece in pieces for word in normalise(piece, "key").split())
